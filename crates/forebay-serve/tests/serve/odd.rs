//! Requests that no usual client sends: each has an answer or an end, and none has two answers.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr};

use super::{Words, connect, get};

/// The statuses of all answers to these bytes, after which the client sends nothing more.
fn statuses(server: SocketAddr, bytes: &[u8]) -> Vec<u16> {
    let mut client = connect(server);
    // The server may have closed before all is written.
    let _ = client.write_all(bytes);
    let _ = client.shutdown(Shutdown::Write);
    let mut all = Vec::new();
    // What was not read at the end of a connection may come as an error.
    let _ = client.read_to_end(&mut all);
    let text = String::from_utf8_lossy(&all);
    let answers = text.split("HTTP/1.1 ").skip(1);
    let status = |answer: &str| answer.get(..3)?.parse().ok();
    answers.map(|answer| status(answer).expect(&text)).collect()
}

#[test]
fn whoever_sends_nothing_more_still_gets_the_answer() {
    let mut words = Words::new(|it| it);
    words.step("ebb");
    let server = words.server.local_addr();
    for path in [
        "/streams",
        "/metrics",
        "/streams/wo%20rds%2F1/top",
        "/streams/wo%20rds%2F1/sample",
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        for times in [1, 3] {
            let answers = statuses(server, request.repeat(times).as_bytes());
            assert_eq!(answers, vec![200; times], "{path}");
        }
    }
}

#[test]
fn a_body_is_not_taken_for_another_request() {
    let words = Words::new(|it| it);
    let server = words.server.local_addr();
    let hidden = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let (length, chunk) = (
        hidden.len(),
        format!("{:x}\r\n{hidden}\r\n0\r\n\r\n", hidden.len()),
    );
    for (head, body, answers) in [
        (format!("Content-Length: {length}"), hidden, &[200][..]),
        ("Transfer-Encoding: chunked".into(), &chunk, &[200]),
        (
            format!("Content-Length: {length}\r\nTransfer-Encoding: chunked"),
            &chunk,
            &[200],
        ),
        (
            format!("Content-Length: 0\r\nContent-Length: {length}"),
            hidden,
            &[400],
        ),
        (format!("Content-Length: +{length}"), hidden, &[400]),
        ("Transfer-Encoding: xchunked".into(), hidden, &[400]),
        ("Transfer-Encoding: identity".into(), hidden, &[400]),
        ("Transfer-Encoding : chunked".into(), hidden, &[400]),
        ("X: y\r\n Content-Length: 9".into(), hidden, &[400]),
    ] {
        let request = format!("GET /streams HTTP/1.1\r\nHost: localhost\r\n{head}\r\n\r\n{body}");
        assert_eq!(statuses(server, request.as_bytes()), answers, "{head}");
    }
}

#[test]
fn odd_targets_and_lines_are_answered_once() {
    let mut words = Words::new(|it| it);
    words.step("ebb");
    let server = words.server.local_addr();
    let state = "/streams/wo%20rds%2F1/state";
    let key = |key: &str| format!("{state}/{key}?of=counts");
    for (target, status) in [
        ("*", 404),
        ("localhost:80", 404),
        ("//streams", 404),
        ("/streams/../metrics", 404),
        ("http://localhost/streams", 200),
        ("http://evil.example/streams", 421),
        ("http://localhost@evil.example/streams", 421),
        ("http:///streams", 400),
        ("/streams#end", 200),
        ("?", 400),
        ("\\streams", 400),
        ("/streams\0", 400),
        (&key("%00"), 404),
        (&key("%zz"), 404),
        (&key("\u{fc}"), 404),
        (&key("%65bb"), 200),
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert_eq!(statuses(server, request.as_bytes()), [status], "{target}");
    }
    for (request, answers) in [
        (&b""[..], &[][..]),
        (b"\r\n\r\n\r\n", &[]),
        (b"GET /streams\r\n\r\n", &[400]),
        (b"GET /streams HTTP/1.2\r\nHost: localhost\r\n\r\n", &[400]),
        (b"get /streams HTTP/1.1\r\nHost: localhost\r\n\r\n", &[405]),
        (b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n", &[405]),
        (b"GET /streams HTTP/1.1\r\nHost: localhost\r\n.evil.example\r\n\r\n", &[400]),
        (b"GET /streams HTTP/1.1\r\nHost: localhost\0\r\n\r\n", &[400]),
        (b"GET /streams HTTP/1.1\r\nHost: \xff\r\n\r\n", &[400]),
        (b"GET /\xff HTTP/1.1\r\nHost: localhost\r\n\r\n", &[400]),
        (b"GET /streams HTTP/1.1\r\nHost: localhost\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", &[200]),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", &[400]),
    ] {
        assert_eq!(statuses(server, request), answers, "{}", request.escape_ascii());
    }
    assert_eq!(get(server, "/streams").status, 200);
}
