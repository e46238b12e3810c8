//! `forebay stream --serve`.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{command, forebay, json as parsed};

/// A stream with a server, and its address.
struct Served {
    child: Child,
    messages: BufReader<std::process::ChildStderr>,
    address: String,
}

impl Served {
    fn start(args: &str) -> Self {
        let mut child = command(&format!("stream --serve 0 -q --format json {args}"))
            .spawn()
            .expect("the binary starts");
        let mut messages = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut line = String::new();
        messages.read_line(&mut line).expect("text");
        let address = line.strip_prefix("serving at http://").expect(&line);
        let address = address.trim_end().trim_end_matches('/').to_owned();
        assert!(address.starts_with("127.0.0.1:"), "{address}");
        Self {
            child,
            messages,
            address,
        }
    }

    fn write(&mut self, text: &str) {
        let stdin = self.child.stdin.as_mut().expect("a pipe");
        stdin.write_all(text.as_bytes()).expect("it reads");
    }

    /// The status and the body of a response.
    fn get(&self, path: &str, header: &str) -> (String, String) {
        let mut client = TcpStream::connect(&self.address).expect("it listens");
        let host = &self.address;
        let request = format!("GET {path} HTTP/1.0\r\nHost: {host}\r\n{header}\r\n");
        client.write_all(request.as_bytes()).expect("it listens");
        let mut text = String::new();
        client.read_to_string(&mut text).expect("text");
        let (head, body) = text.split_once("\r\n\r\n").expect("a whole head");
        let status = head.split(' ').nth(1).expect("a status");
        (status.to_owned(), body.to_owned())
    }

    fn answer(&self, path: &str) -> Value {
        let (status, body) = self.get(&format!("/streams/forebay%20stream{path}"), "");
        assert_eq!(status, "200", "{path}: {body}");
        parsed(&body)
    }

    /// Waits until this many batches have run.
    fn wait_for(&self, batches: u64) {
        let start = Instant::now();
        while parsed(&self.get("/streams", "").1)["streams"][0]["batches"] != batches {
            assert!(
                start.elapsed() < Duration::from_secs(60),
                "no batch {batches}"
            );
            sleep(Duration::from_millis(5));
        }
    }

    /// Ends the input and returns the result.
    fn end(mut self) -> Value {
        drop(self.child.stdin.take());
        let mut result = String::new();
        let mut stdout = self.child.stdout.take().expect("a pipe");
        stdout.read_to_string(&mut result).expect("text");
        assert!(self.child.wait().expect("it ends").success());
        let mut rest = String::new();
        self.messages.read_to_string(&mut rest).expect("text");
        assert_eq!(rest, "");
        parsed(&result)
    }
}

#[test]
fn the_state_is_served_while_the_stream_runs_and_the_result_is_the_same() {
    let text = "ebb and flow\nebb tide\n";
    let mut served = Served::start("--batch-lines 2 -k 8 --samples 1");
    served.write(text);
    served.wait_for(1);
    let rows = |top: Value| {
        let row = |row: &Value| {
            (
                row["key"].clone(),
                row["lower"].clone(),
                row["upper"].clone(),
            )
        };
        top["rows"]
            .as_array()
            .expect("rows")
            .iter()
            .map(row)
            .collect::<Vec<_>>()
    };
    let first = (json!("ebb"), json!(2), json!(2));
    let heavy = served.answer("/top?n=9");
    assert_eq!(
        (&heavy["state"], &heavy["total"]),
        (&json!("heavy_hitters"), &json!(5))
    );
    assert_eq!(rows(heavy)[0], first);
    assert_eq!(rows(served.answer("/top?n=1&of=counts")), [first]);
    assert_eq!(served.answer("/state/flow?of=counts")["value"], 1);
    let sample = served.answer("/sample?key=ebb")["samples"][0].clone();
    assert_eq!(
        (&sample["key"], &sample["seen"]),
        (&json!("ebb"), &json!(2))
    );
    assert!(text.contains(sample["items"][0].as_str().expect("a line")));
    served.write("ebb\nebb\n");
    served.wait_for(2);
    assert_eq!(served.answer("/state/ebb?of=counts")["value"], 4);
    assert!(
        served
            .get("/metrics", "")
            .1
            .contains("forebay_items_total{stream=\"forebay stream\"} 4\n")
    );
    assert!(served.get("/", "").1.starts_with("<!DOCTYPE html>"));
    let args = "stream -q --format json --batch-lines 2 -k 8 --samples 1";
    let unserved = forebay(args, format!("{text}ebb\nebb\n")).quiet_success();
    assert_eq!(served.end(), parsed(&unserved));
}

#[test]
fn the_token_in_the_file_is_required() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("token");
    fs::write(&file, "s3cret\r\n").expect("there is room");
    let served = Served::start(&format!("--serve-token-file {}", file.display()));
    assert_eq!(served.get("/streams", "").0, "401");
    assert_eq!(
        served.get("/streams", "Authorization: Bearer wrong\r\n").0,
        "401"
    );
    assert_eq!(
        served.get("/streams", "Authorization: Bearer s3cret\r\n").0,
        "200"
    );
    assert_eq!(served.end()["batches"], 0);
}

#[test]
fn beyond_this_machine_a_token_is_needed_or_a_word() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:80"] {
        // Before anything is opened: the file is not there.
        let message = forebay(&format!("stream --serve {address} no-such-file"), "").failure(2);
        let names_both = ["--serve-token-file", "--serve-open"].map(|it| message.contains(it));
        assert_eq!(names_both, [true; 2], "{message}");
    }
    for args in [
        "--serve-open",
        "--serve 0 --serve-open --serve-token-file x",
    ] {
        let message = forebay(&format!("stream {args}"), "").failure(2);
        assert!(message.contains("--serve"), "{message}");
    }
    let args = "stream -q --serve 0.0.0.0:0 --serve-open --format json";
    let run = forebay(args, "");
    let is_open = run.stderr.starts_with("serving at http://0.0.0.0:");
    assert!(run.status == 0 && is_open, "{run:?}");
}

#[test]
fn wrong_addresses_and_tokens_are_refused_with_a_reason() {
    for address in [
        "nonsense",
        "127.0.0.1",
        "1.2.3.4:99999",
        "-1",
        "65536",
        "example.org:80",
    ] {
        let message = forebay(&format!("stream --serve {address}"), "").failure(2);
        assert!(
            message.contains("must be a port, or an address with a port"),
            "{message}"
        );
    }
    let message = forebay("stream --serve-token-file x", "").failure(2);
    assert!(message.contains("--serve"), "{message}");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let taken = taken
        .local_addr()
        .map(|it| (taken, it))
        .expect("an address");
    let message = forebay(&format!("stream --serve {}", taken.1), "").failure(1);
    let expected = format!("forebay: cannot listen at {}: ", taken.1);
    assert!(message.starts_with(&expected), "{message}");
    let message = forebay("stream --serve 0 --serve-token-file no-such-file", "").failure(1);
    assert!(
        message.starts_with("forebay: cannot read no-such-file: "),
        "{message}"
    );
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("token");
    for token in ["", "two words", "two\nlines\n"] {
        fs::write(&file, token).expect("there is room");
        let args = format!("stream --serve 0 --serve-token-file {}", file.display());
        let message = forebay(&args, "").failure(2);
        assert!(message.contains("one word of visible ASCII"), "{message}");
    }
}
