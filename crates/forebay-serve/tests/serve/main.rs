//! Questions over HTTP: real requests over the loopback, by a client of a few lines.

#[path = "../../../../tests/support/flaky.rs"]
mod flaky;

mod answers;
mod keys;
mod limits;
mod metrics;
mod odd;
mod refusals;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use forebay::frequent::MisraGries;
use forebay::sample::Reservoir;
use forebay::stream::{BatchQueue, Driver, StreamingContext};
use forebay_serve::{Drawn, ServedState, ServedStream, Server, ServerBuilder};
use serde_json::Value;

/// An answer, taken apart.
#[derive(Debug)]
struct Reply {
    status: u16,
    /// In small letters.
    head: String,
    body: String,
}

impl Reply {
    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").expect("a whole head");
        let status = head.split(' ').nth(1).and_then(|it| it.parse().ok());
        Self {
            status: status.expect("a status"),
            head: head.to_lowercase(),
            body: body.into(),
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The JSON of an answer.
    #[track_caller]
    fn answer(&self) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        self.json()
    }

    /// The status and the code of a refusal.
    #[track_caller]
    fn refusal(&self) -> (u16, String) {
        let told = self.json();
        assert!(told["error"]["message"].is_string(), "{self:?}");
        let code = told["error"]["code"].as_str().expect("a code");
        (self.status, code.to_owned())
    }
}

fn connect(server: SocketAddr) -> TcpStream {
    let client = TcpStream::connect(server).expect("it listens");
    let patience = Some(Duration::from_secs(60));
    client.set_read_timeout(patience).expect("a valid time");
    client
}

/// Sends bytes and reads until the server closes.
fn exchange(server: SocketAddr, request: &str) -> Reply {
    let mut client = connect(server);
    client.write_all(request.as_bytes()).expect("it listens");
    let mut text = String::new();
    client.read_to_string(&mut text).expect("text");
    Reply::parse(&text)
}

fn request(method: &str, server: SocketAddr, path: &str, more: &str) -> Reply {
    let host = format!("Host: {server}\r\nConnection: close\r\n");
    exchange(
        server,
        &format!("{method} {path} HTTP/1.1\r\n{host}{more}\r\n"),
    )
}

fn get(server: SocketAddr, path: &str) -> Reply {
    request("GET", server, path, "")
}

type Word = String;

/// A stream of words by hand: counts, heavy hitters and samples of the words by their first
/// letter.
struct Words {
    queue: BatchQueue<Word>,
    driver: Driver,
    server: Server,
}

impl Words {
    fn new(settings: impl FnOnce(ServerBuilder) -> ServerBuilder) -> Self {
        let ctx = StreamingContext::builder("wo rds/1")
            .threads(2)
            .build()
            .unwrap();
        let queue = BatchQueue::new();
        let words = ctx.queue_stream(&queue).named("words");
        let counts = words
            .map(|word: Word| (word, 1u64))
            .update_state_by_key(|_, new, old| Some(old.unwrap_or(0) + new.sum::<u64>()))
            .named("counts");
        let heavy = words
            .map(|word: Word| ((), word))
            .summarize_by_key(|_| MisraGries::new(2));
        let samples = words
            .map(|word: Word| (word.chars().next().unwrap_or('?'), word))
            .summarize_by_key(|rng| Reservoir::with_rng(2, rng));
        let served = ServedStream::of(&ctx)
            .state("heavy", {
                let served = ServedState::single(heavy.handle());
                served.heavy_hitters(|it| Some(it.clone()), Word::clone)
            })
            .state("counts", ServedState::new(counts.handle()).counts(|n| *n))
            .state("samples", {
                let served = ServedState::new(samples.handle());
                let served = served.shown_as(Reservoir::seen);
                served.sample(|it| Drawn::from(it))
            });
        let server = settings(Server::builder().stream(served)).start().unwrap();
        Self {
            queue,
            driver: ctx.into_driver().unwrap(),
            server,
        }
    }

    fn step(&mut self, words: &str) {
        self.queue.push(words.split(' ').map(Word::from).collect());
        self.driver.step(self.driver.next_time()).unwrap();
    }

    fn get(&self, path: &str) -> Reply {
        get(
            self.server.local_addr(),
            &format!("/streams/wo%20rds%2F1{path}"),
        )
    }
}
