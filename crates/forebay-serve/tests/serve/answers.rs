//! What is answered.

use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use forebay::stream::{FailurePolicy, StreamingContext};
use forebay_serve::{ServedState, ServedStream, Server};
use serde_json::json;

use super::{Words, connect, exchange, get, request};

#[test]
fn streams_are_listed_with_what_they_did_and_can_be_asked() {
    let mut words = Words::new(|it| it);
    let server = words.server.local_addr();
    let before = get(server, "/streams").answer()["streams"][0].clone();
    assert_eq!(
        (&before["batches"], &before["batch_time"]),
        (&json!(0), &json!(null))
    );
    words.step("ebb flow ebb");
    words.step("tide");
    let streams = get(server, "/streams").answer();
    let stream = &streams["streams"][0];
    let expected = json!({
        "name": "wo rds/1", "batch_interval_ms": 1_000, "batch_time": 2_000, "batches": 2,
        "items": 4, "waiting": 0, "failed": 0, "failure": null,
        "states": [
            {"name": "heavy", "answers": ["state", "top"]},
            {"name": "counts", "answers": ["state", "top"]},
            {"name": "samples", "answers": ["state", "sample"]},
        ],
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&stream[name], value, "{name}");
    }
    assert!(stream["processing_delay_ms"].as_f64().unwrap() > 0.0);
}

#[test]
fn the_state_of_a_key_is_that_of_the_last_boundary() {
    let mut words = Words::new(|it| it);
    words.step("ebb flow ebb");
    let asked = |words: &Words| words.get("/state/ebb?of=counts").answer();
    let expected = |time, value| json!({"stream": "wo rds/1", "state": "counts", "batch_time": time, "key": "ebb", "value": value});
    assert_eq!(asked(&words), expected(1_000, 2));
    words.step("ebb a/b ü");
    assert_eq!(asked(&words), expected(2_000, 3));
    for (key, value) in [("a%2Fb", 1), ("%C3%BC", 1), ("flow", 1)] {
        let answer = words.get(&format!("/state/{key}?of=counts")).answer();
        assert_eq!(answer["value"], value, "{key}");
    }
    // A state that is shown as something else, by another type of key.
    assert_eq!(words.get("/state/e?of=samples").answer()["value"], 3);
    // The first state answers where none is named, and one without keys to the key `-`.
    let whole = words.get("/state/-").answer();
    assert_eq!(
        (&whole["state"], &whole["value"]["k"]),
        (&json!("heavy"), &json!(2))
    );
}

#[test]
fn heavy_hitters_come_with_their_bounds_and_counts_are_exact() {
    let mut words = Words::new(|it| it);
    assert_eq!(words.get("/top").answer()["rows"], json!([]));
    words.step("a a a a b b b c");
    let top = words.get("/top").answer();
    // Two counters: the third word takes one from each.
    assert_eq!(
        top,
        json!({
            "stream": "wo rds/1", "state": "heavy", "batch_time": 1_000, "total": 8, "max_error": 1,
            "rows": [
                {"key": "a", "lower": 3, "upper": 4, "certain": true},
                {"key": "b", "lower": 2, "upper": 3, "certain": true},
            ],
        })
    );
    let exact = words.get("/top?of=counts&n=2").answer();
    assert_eq!(
        (&exact["total"], &exact["max_error"]),
        (&json!(8), &json!(0))
    );
    assert_eq!(
        exact["rows"],
        json!([
            {"key": "a", "lower": 4, "upper": 4, "certain": true},
            {"key": "b", "lower": 3, "upper": 3, "certain": true},
        ])
    );
    assert_eq!(words.get("/top?n=0").answer()["rows"], json!([]));
    // What is kept from one question to the next is that of its batch and its number.
    words.step("b b b");
    let exact = words.get("/top?of=counts&n=1").answer();
    assert_eq!(
        (&exact["batch_time"], &exact["rows"][0]["key"]),
        (&json!(2_000), &json!("b"))
    );
}

#[test]
fn samples_are_of_one_key_or_of_the_first_ones() {
    let mut words = Words::new(|it| it);
    words.step("ebb eddy estuary flow");
    let one = words.get("/sample?key=f").answer();
    let sample = json!({"key": "f", "seen": 1, "items": ["flow"]});
    assert_eq!(one["samples"], json!([sample]));
    let all = words.get("/sample").answer();
    let samples = all["samples"].as_array().unwrap();
    assert_eq!((samples.len(), &all["batch_time"]), (2, &json!(1_000)));
    let of_e = samples.iter().find(|it| it["key"] == "e").unwrap();
    assert_eq!(
        (&of_e["seen"], of_e["items"].as_array().unwrap().len()),
        (&json!(3), 2)
    );
    assert_eq!(
        words.get("/sample?n=1").answer()["samples"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn the_page_and_its_files_come_from_the_server_alone() {
    let words = Words::new(|it| it);
    let server = words.server.local_addr();
    for (path, kind, part) in [
        ("/", "text/html", "<script src=\"page.js\""),
        ("/page.js", "text/javascript", "fetch(path"),
        ("/page.css", "text/css", ".charts"),
    ] {
        let file = get(server, path);
        assert_eq!(file.status, 200);
        assert!(file.header("content-type").unwrap().starts_with(kind));
        assert!(file.body.contains(part), "{path}");
        for foreign in ["http://", "https://", "src=\"//", "@import"] {
            assert!(!file.body.contains(foreign), "{path}: {foreign}");
        }
    }
    let charts = words.get("/charts").answer();
    let titles: Vec<_> = charts["charts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["title"])
        .collect();
    assert_eq!(
        titles,
        [
            "Input rate",
            "Scheduling delay",
            "Processing time",
            "Total delay"
        ]
    );
    assert!(
        charts["charts"][0]["html"]
            .as_str()
            .unwrap()
            .contains("<svg ")
    );
}

#[test]
fn every_answer_has_the_headers_that_protect_a_browser() {
    let words = Words::new(|it| it);
    let server = words.server.local_addr();
    for path in ["/", "/streams", "/metrics", "/nothing"] {
        let reply = get(server, path);
        let policy = reply.header("content-security-policy").unwrap();
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self';"),
            "{policy}"
        );
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        assert_eq!(reply.header("access-control-allow-origin"), None);
    }
}

#[test]
fn head_gives_the_head_of_the_same_answer() {
    let mut words = Words::new(|it| it);
    words.step("ebb");
    let server = words.server.local_addr();
    for path in ["/", "/metrics", "/streams/wo%20rds%2F1/top"] {
        let (whole, head) = (get(server, path), request("HEAD", server, path, ""));
        assert_eq!((head.status, head.body.as_str()), (200, ""));
        assert_eq!(
            head.header("content-length"),
            Some(&*whole.body.len().to_string())
        );
    }
}

#[test]
fn a_connection_serves_one_request_after_the_other() {
    let words = Words::new(|it| it);
    let server = words.server.local_addr();
    let mut client = connect(server);
    let request = format!("GET /streams HTTP/1.1\r\nHost: {server}\r\n");
    let both = format!("{request}\r\n{request}Connection: close\r\n\r\n");
    client.write_all(both.as_bytes()).unwrap();
    let mut text = String::new();
    client.read_to_string(&mut text).unwrap();
    assert_eq!(text.matches("HTTP/1.1 200 OK").count(), 2);
    let old = exchange(
        server,
        &format!("GET /streams HTTP/1.0\r\nHost: {server}\r\n\r\n"),
    );
    assert_eq!(old.status, 200);
}

#[test]
fn a_failure_of_the_stream_is_reported() {
    let builder = StreamingContext::builder("skips").on_failure(FailurePolicy::Skip);
    let ctx = builder.threads(1).build().unwrap();
    ctx.batches([vec![1u32], vec![0], vec![2]])
        .try_map(|n| 6u32.checked_div(n).ok_or("division by zero"))
        .named("divide")
        .for_each_batch(|_, _| Ok(()));
    let server = Server::builder()
        .stream(ServedStream::of(&ctx))
        .start()
        .unwrap();
    ctx.into_driver().unwrap().run_to_end().unwrap();
    let stream = get(server.local_addr(), "/streams").answer()["streams"][0].clone();
    assert_eq!(
        (&stream["batches"], &stream["failed"]),
        (&json!(2), &json!(1))
    );
    let failure = stream["failure"].as_str().unwrap();
    assert!(failure.contains("operator divide") && failure.contains("division by zero"));
}

/// Transfers between accounts: whatever the batch, the balances add up to nothing.
#[test]
fn no_answer_is_torn_while_the_stream_runs() {
    const ACCOUNTS: u64 = 300;
    let ctx = StreamingContext::builder("bank")
        .threads(2)
        .partitions(3)
        .build()
        .unwrap();
    let transfers = (0..400u64).map(|batch| -> Vec<(u64, i64)> {
        let transfer = |n: u64| {
            let (from, to) = ((7 * n + batch) % ACCOUNTS, (11 * n + 3) % ACCOUNTS);
            [(from, -(n as i64)), (to, n as i64)]
        };
        (0..500).flat_map(transfer).collect()
    });
    let balances = ctx.batches(transfers).update_state_by_key(|_, new, old| {
        let (sum, count) = old.unwrap_or((0i64, 0u64));
        Some(new.fold((sum, count), |(sum, count), amount| {
            (sum + amount, count + 1)
        }))
    });
    // Debits count downwards from the middle, so that the sum of all is known.
    let shifted = |(sum, _): &(i64, u64)| (1u64 << 40).wrapping_add_signed(*sum);
    let served = ServedState::new(balances.handle()).counts(shifted);
    let served = ServedStream::of(&ctx).state("balances", served);
    let server = Server::builder().stream(served).start().unwrap();
    let (address, done) = (server.local_addr(), Arc::new(AtomicBool::new(false)));
    let askers: Vec<_> = (0..3)
        .map(|_| {
            let done = Arc::clone(&done);
            thread::spawn(move || ask(address, ACCOUNTS, &done))
        })
        .collect();
    let mut driver = ctx.into_driver().unwrap();
    driver.run_to_end().unwrap();
    done.store(true, Ordering::Relaxed);
    for asker in askers {
        assert!(asker.join().unwrap() > 0);
    }
}

/// Asks until told to stop, and checks each answer; returns how many there were.
fn ask(server: std::net::SocketAddr, accounts: u64, done: &AtomicBool) -> usize {
    let (mut last, mut answers) = (None, 0);
    while !done.load(Ordering::Relaxed) {
        let top = get(server, "/streams/bank/top?n=1000").answer();
        let time = top["batch_time"].as_u64();
        assert!(time >= last, "time went back");
        last = time;
        let rows = top["rows"].as_array().unwrap();
        let sum: u64 = rows.iter().map(|row| row["lower"].as_u64().unwrap()).sum();
        let expected = if time.is_some() { accounts << 40 } else { 0 };
        assert_eq!(sum, expected, "a torn answer at {time:?}");
        assert_eq!(top["total"], expected);
        answers += 1;
    }
    answers
}
