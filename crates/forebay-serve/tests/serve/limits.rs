//! What a client cannot take too much of.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use forebay::stream::StreamingContext;
use forebay_serve::{ServedState, ServedStream, Server};

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
fn an_answer_that_is_too_large_is_refused() {
    let mut words = Words::new(|it| it.max_answer(400));
    words.step("a b c");
    assert_eq!(words.get("/top?of=counts&n=3").status, 200);
    words.step(&(0..50).map(|n| n.to_string()).collect::<Vec<_>>().join(" "));
    assert_eq!(words.get("/top?of=counts&n=2").status, 200);
    for path in ["/top?of=counts&n=50", "/sample?n=50"] {
        assert_eq!(
            words.get(path).refusal(),
            (500, "large_answer".into()),
            "{path}"
        );
    }
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
        let served = ServedState::new(counts.handle()).counts(|n| *n);
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
