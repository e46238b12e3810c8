//! What a client cannot take too much of.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use forebay::stream::StreamingContext;
use forebay_serve::{ServedState, ServedStream, Server, ServerBuilder};
use serde_json::Value;

use super::{Reply, Words, connect, exchange, get, request};

#[test]
fn long_paths_and_heads_are_refused() {
    let words = Words::new(|it| it);
    let server = words.server.local_addr();
    let path = |length: usize| format!("/{}", "x".repeat(length - 1));
    assert_eq!(
        get(server, &path(8_192)).refusal(),
        (404, "no_such_page".into())
    );
    assert_eq!(
        get(server, &path(8_193)).refusal(),
        (414, "long_uri".into())
    );
    let query = format!("/streams?{}", "x".repeat(8_192));
    assert_eq!(get(server, &query).refusal(), (414, "long_uri".into()));
    let head = format!("X-Long: {}\r\n", "x".repeat(20_000));
    assert_eq!(cut_off(server, &head), 431);
    let heads: String = (0..200).map(|n| format!("X-{n}: x\r\n")).collect();
    assert_eq!(cut_off(server, &heads), 431);
    assert_eq!(get(server, "/streams").status, 200);
}

/// The status of the answer to a head that is not read to its end, so that the end of the
/// connection may come as an error.
fn cut_off(server: SocketAddr, head: &str) -> u16 {
    let mut client = connect(server);
    let request = format!("GET /streams HTTP/1.1\r\nHost: {server}\r\n{head}\r\n");
    // The server may have closed before all is written.
    let _ = client.write_all(request.as_bytes());
    let mut start = [0; 12];
    client.read_exact(&mut start).expect("a status");
    let start = String::from_utf8_lossy(&start).into_owned();
    start
        .split(' ')
        .nth(1)
        .expect("a status")
        .parse()
        .expect("a number")
}

#[test]
fn an_answer_that_is_too_large_has_fewer_rows_or_is_refused() {
    let mut words = Words::new(|it| it.max_answer(400));
    words.step("a b c");
    let whole = words.get("/top?of=counts&n=3").answer();
    assert_eq!(
        (rows(&whole, "rows"), &whole["left_out"]),
        (3, &Value::Null)
    );
    words.step(&(0..50).map(|n| n.to_string()).collect::<Vec<_>>().join(" "));
    for (path, list, all) in [
        ("/top?of=counts&n=50", "rows", 50),
        ("/top?of=counts&n=40", "rows", 40),
        ("/sample?n=50", "samples", 13),
    ] {
        let reply = words.get(path);
        assert!(reply.body.len() <= 400, "{path}: {reply:?}");
        let answer = reply.answer();
        let left_out = answer["left_out"].as_u64().unwrap() as usize;
        assert!(rows(&answer, list) > 0, "{path}");
        assert_eq!(rows(&answer, list) + left_out, all, "{path}");
    }
    // Where not even one row fits, or there are no rows.
    let mut words = Words::new(|it| it.max_answer(100));
    words.step("a");
    for path in ["/top?of=counts", "/sample", "/state/-?of=heavy"] {
        let refusal = words.get(path).refusal();
        assert_eq!(refusal, (500, "large_answer".into()), "{path}");
    }
}

fn rows(answer: &Value, list: &str) -> usize {
    answer[list].as_array().expect("a list").len()
}

#[test]
fn answers_that_nobody_reads_have_a_limit_together() {
    // More than the system keeps while it is sent.
    const NUMBERS: usize = 600_000;
    const BYTES: usize = 21 * NUMBERS;
    let ctx = StreamingContext::builder("long")
        .threads(1)
        .build()
        .unwrap();
    let longs = ctx
        .batches([vec![(1u64, NUMBERS)]])
        .update_state_by_key(|_, mut new, _| new.next());
    let shown = ServedState::new(longs.handle()).shown_as(|&length| vec![u64::MAX; length]);
    let served = ServedStream::of(&ctx).state("long", shown);
    let limits = Server::builder()
        .max_answer(BYTES + 1_000)
        .max_unread(BYTES + 1_000);
    let server = limits.stream(served).timeout(Duration::from_secs(60));
    let server = server.start().unwrap();
    ctx.into_driver().unwrap().run_to_end().unwrap();
    let address = server.local_addr();
    let ask = || {
        let mut client = connect(address);
        let request = format!("GET /streams/long/state/1 HTTP/1.1\r\nHost: {address}\r\n\r\n");
        client.write_all(request.as_bytes()).unwrap();
        let mut start = [0; 12];
        client.read_exact(&mut start).unwrap();
        (String::from_utf8_lossy(&start).into_owned(), client)
    };
    let (first, mut unread) = ask();
    assert_eq!(first, "HTTP/1.1 200");
    assert_eq!(ask().0, "HTTP/1.1 503");
    // Small answers are given all the same.
    assert_eq!(get(address, "/metrics").status, 200);
    // Reading makes room again, and so does leaving; when it is noticed is up to the machine.
    let ask_until_there_is_room = || {
        let start = Instant::now();
        loop {
            match ask() {
                (status, unread) if status == "HTTP/1.1 200" => return unread,
                _ => assert!(start.elapsed() < Duration::from_secs(30)),
            }
        }
    };
    let mut piece = vec![0; 1 << 20];
    let mut left = BYTES;
    while left > 0 {
        left -= unread.read(&mut piece).unwrap().min(left);
    }
    drop(ask_until_there_is_room());
    drop(ask_until_there_is_room());
}

#[test]
fn limits_of_any_size_are_limits() {
    let largest = |it: ServerBuilder| {
        it.max_connections(usize::MAX)
            .max_rows(usize::MAX)
            .max_answer(usize::MAX)
            .max_unread(usize::MAX)
            .timeout(Duration::MAX)
    };
    let smallest = |it: ServerBuilder| it.max_connections(1).max_unread(1);
    for settings in [largest as fn(ServerBuilder) -> ServerBuilder, smallest] {
        let mut words = Words::new(settings);
        words.step("ebb flow ebb");
        let rows = rows(&words.get("/top?of=counts&n=2").answer(), "rows");
        assert_eq!(rows, 2);
    }
    let mut words = Words::new(largest);
    words.step("ebb");
    let all = format!("/top?of=counts&n={}", usize::MAX);
    assert_eq!(rows(&words.get(&all).answer(), "rows"), 1);
    let all = format!("/sample?n={}", usize::MAX);
    assert_eq!(rows(&words.get(&all).answer(), "samples"), 1);
}

#[test]
fn connections_beyond_the_limit_are_refused_and_the_others_served() {
    let words = Words::new(|it| it.max_connections(3));
    let server = words.server.local_addr();
    let mut open: Vec<TcpStream> = (0..3).map(|_| connect(server)).collect();
    for client in &mut open {
        assert_eq!(ask_on(client, server).status, 200);
    }
    let reply = get(server, "/streams");
    assert_eq!(reply.refusal(), (503, "busy".into()));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(reply.header("retry-after"), Some("1"));
    assert_eq!(ask_on(&mut open[1], server).status, 200);
    // One goes, and there is room again; when it is noticed is up to the machine.
    open.pop();
    let start = Instant::now();
    while get(server, "/streams").status != 200 {
        assert!(start.elapsed() < Duration::from_secs(30));
        thread::sleep(Duration::from_millis(5));
    }
}

/// Asks for the list on a connection that stays open.
fn ask_on(client: &mut TcpStream, server: SocketAddr) -> Reply {
    let request = format!("GET /streams HTTP/1.1\r\nHost: {server}\r\n\r\n");
    client.write_all(request.as_bytes()).expect("it listens");
    let (mut text, mut piece) = (String::new(), [0; 4096]);
    while !text.ends_with("]}") && !text.ends_with("}}") {
        let read = client.read(&mut piece).expect("an answer");
        assert!(read > 0, "closed: {text}");
        text += std::str::from_utf8(&piece[..read]).expect("text");
    }
    Reply::parse(&text)
}

#[test]
fn slow_and_silent_clients_are_cut_off() {
    let words = Words::new(|it| it.timeout(Duration::from_millis(200)));
    let server = words.server.local_addr();
    // Nothing at all, half a head, and silence after an answer.
    for first in [
        "",
        "GET /streams HTTP/1.1\r\nHo",
        "GET /streams HTTP/1.1\r\nHost: [::1]\r\n\r\n",
    ] {
        let mut client = connect(server);
        client.write_all(first.as_bytes()).unwrap();
        let start = Instant::now();
        let mut rest = Vec::new();
        match client.read_to_end(&mut rest) {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
        }
        let waited = start.elapsed();
        assert!(
            waited >= Duration::from_millis(150),
            "{first:?}: {waited:?}"
        );
        assert!(waited < Duration::from_secs(20), "{first:?}: {waited:?}");
    }
    // One byte now and then is no progress either.
    let mut client = connect(server);
    let start = Instant::now();
    while client.write_all(b"G").is_ok() {
        assert!(start.elapsed() < Duration::from_secs(20));
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(get(server, "/streams").status, 200);
}

#[test]
fn a_client_that_does_not_read_is_cut_off() {
    const ASKED: usize = 64;
    let mut words = Words::new(|it| it.timeout(Duration::from_secs(1)));
    let long: Vec<_> = (0..900).map(|n| format!("{n:01000}")).collect();
    words.step(&long.join(" "));
    let answer = words.get("/top?of=counts&n=900");
    assert_eq!(answer.status, 200);
    let server = words.server.local_addr();
    let mut client = connect(server);
    let path = "/streams/wo%20rds%2F1/top?of=counts&n=900";
    let request = format!("GET {path} HTTP/1.1\r\nHost: {server}\r\n\r\n");
    client.write_all(request.repeat(ASKED).as_bytes()).unwrap();
    thread::sleep(Duration::from_secs(4));
    // More than the system keeps for those who do not read is lost.
    let mut rest = Vec::new();
    match client.read_to_end(&mut rest) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
    let all = ASKED * answer.body.len();
    assert!(rest.len() < all, "{} bytes came of {all}", rest.len());
    assert_eq!(get(server, "/streams").status, 200);
}

/// A batch that goes on until told to end.
struct Held {
    server: Server,
    end: std::sync::mpsc::Sender<()>,
    stream: thread::JoinHandle<()>,
    /// How often a state was shown.
    shown: Arc<AtomicUsize>,
}

impl Held {
    fn new() -> Self {
        let ctx = StreamingContext::builder("held")
            .threads(1)
            .build()
            .unwrap();
        let (end, until) = channel::<()>();
        let (running, is_running) = channel();
        let counts = ctx
            .batches([vec![1u64]])
            .map(|n| (n, n))
            .update_state_by_key(|_, new, old| Some(old.unwrap_or(0) + new.sum::<u64>()));
        let shown = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&shown);
        let served = ServedState::new(counts.handle()).shown_as(move |n| {
            counter.fetch_add(1, Ordering::Relaxed);
            *n
        });
        let until = std::sync::Mutex::new(until);
        counts.for_each_batch(move |_, _| {
            running.send(())?;
            let _ = until.lock().unwrap().recv();
            Ok(())
        });
        let served = ServedStream::of(&ctx).state("counts", served);
        let builder = Server::builder().stream(served);
        let server = builder.timeout(Duration::from_millis(300)).start().unwrap();
        let mut driver = ctx.into_driver().unwrap();
        let stream = thread::spawn(move || {
            driver.run_to_end().unwrap();
        });
        is_running.recv().unwrap();
        Self {
            server,
            end,
            stream,
            shown,
        }
    }
}

#[test]
fn a_question_that_waits_for_a_batch_gives_up_and_the_others_are_answered() {
    let held = Held::new();
    let server = held.server.local_addr();
    assert_eq!(
        get(server, "/streams/held/state/1").refusal(),
        (504, "late".into())
    );
    let stream = get(server, "/streams").answer()["streams"][0].clone();
    assert_eq!(
        (&stream["batches"], &stream["name"]),
        (&0.into(), &"held".into())
    );
    assert_eq!(get(server, "/metrics").status, 200);
    held.end.send(()).unwrap();
    held.stream.join().unwrap();
    assert_eq!(get(server, "/streams/held/state/1").answer()["value"], 1);
}

#[test]
fn more_questions_than_can_wait_are_refused() {
    let held = Held::new();
    let server = held.server.local_addr();
    let askers: Vec<_> = (0..90)
        .map(|_| thread::spawn(move || get(server, "/streams/held/state/1").refusal()))
        .collect();
    let mut replies: Vec<_> = askers.into_iter().map(|it| it.join().unwrap()).collect();
    replies.sort();
    replies.dedup();
    assert_eq!(replies, [(503, "busy".into()), (504, "late".into())]);
    held.end.send(()).unwrap();
    held.stream.join().unwrap();
}

#[test]
fn questions_that_nobody_waits_for_any_more_are_not_answered() {
    let held = Held::new();
    let server = held.server.local_addr();
    let askers: Vec<_> = (0..20)
        .map(|_| thread::spawn(move || get(server, "/streams/held/state/1").refusal().0))
        .collect();
    for asker in askers {
        assert_eq!(asker.join().unwrap(), 504);
    }
    held.end.send(()).unwrap();
    held.stream.join().unwrap();
    assert_eq!(get(server, "/streams/held/state/1").answer()["value"], 1);
    // Those that were being answered when their time was over, and the last one.
    let shown = held.shown.load(Ordering::Relaxed);
    assert!((1..=3).contains(&shown), "{shown}");
}

#[test]
fn a_stop_or_a_drop_frees_the_port_even_while_questions_wait() {
    let words = Words::new(|it| it);
    let server = words.server.local_addr();
    let idle = connect(server);
    words.server.stop();
    drop(TcpListener::bind(server).expect("it is free"));
    drop(idle);
    let held = Held::new();
    let server = held.server.local_addr();
    let mut asker = connect(server);
    let request = format!("GET /streams/held/state/1 HTTP/1.1\r\nHost: {server}\r\n\r\n");
    asker.write_all(request.as_bytes()).unwrap();
    let start = Instant::now();
    drop(held.server);
    assert!(start.elapsed() < Duration::from_secs(20));
    assert!(TcpStream::connect(server).is_err());
    held.end.send(()).unwrap();
    held.stream.join().unwrap();
}

#[test]
fn a_thousand_connections_and_huge_requests_leave_the_server_answering() {
    let mut words = Words::new(|it| it.max_connections(100));
    let server = words.server.local_addr();
    words.step("ebb");
    let crowd: Vec<TcpStream> = (0..1_000)
        .filter_map(|_| TcpStream::connect(server).ok())
        .collect();
    for _ in 0..20 {
        words.step("ebb");
    }
    drop(crowd);
    let start = Instant::now();
    // How soon those who have left are noticed is up to the machine.
    while words.get("/state/ebb?of=counts").status != 200 {
        assert!(start.elapsed() < Duration::from_secs(60));
        thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(words.get("/state/ebb?of=counts").answer()["value"], 21);
    let huge = request("GET", server, "/streams", "Content-Length: 99999999999\r\n");
    assert_eq!(huge.status, 200);
    let chunked = "Transfer-Encoding: chunked\r\nHost: localhost\r\nConnection: close";
    let chunked = format!("GET /streams HTTP/1.1\r\n{chunked}\r\n\r\nFFFFFFFFFFFFFFF\r\n");
    assert_eq!(exchange(server, &chunked).status, 200);
}
