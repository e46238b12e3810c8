//! What questions over HTTP cost the stream: the time of a batch while nobody asks and while a
//! thousand connections are open, `cargo bench -p forebay-serve --bench serve`.
//!
//! The clients run on the same cores, so their time is in the figures too. A round takes less than a
//! second unless the machine is busy, so those that ask once a second ask once, all together.

#[path = "../../../benches/support/race.rs"]
mod race;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use forebay::stream::{BatchQueue, Driver, StreamingContext};
use forebay_serve::{ServedState, ServedStream, Server};

const CONNECTIONS: usize = 1_000;
const WORDS: u64 = 200_000;
const DISTINCT: u64 = 50_000;
const BATCHES: u32 = 10;
const ROUNDS: usize = 9;

fn main() {
    let ctx = StreamingContext::builder("bench")
        .threads(2)
        .build()
        .expect("valid settings");
    let queue = BatchQueue::new();
    let counts = ctx
        .queue_stream(&queue)
        .map(|word: u64| (word, 1u64))
        .update_state_by_key(|_, new, old| Some(old.unwrap_or(0) + new.sum::<u64>()));
    let served = ServedState::new(counts.handle()).counts(|count| *count);
    let server = Server::builder()
        .max_connections(2 * CONNECTIONS)
        .stream(ServedStream::of(&ctx).state("counts", served))
        .start()
        .expect("a free port");
    let address = server.local_addr();
    let driver = std::cell::RefCell::new(ctx.into_driver().expect("an output"));
    let run = |pause: Option<Option<Duration>>| {
        let crowd = pause.map(|pause| Crowd::new(address, pause));
        let time = batches(&mut driver.borrow_mut(), &queue);
        if let Some(crowd) = crowd {
            crowd.end();
        }
        time
    };
    run(None);
    let second = Some(Duration::from_secs(1));
    race::race(
        "a batch of 200,000 words",
        ROUNDS,
        vec![
            ("nobody asks", Box::new(|| run(None))),
            ("1,000 silent connections", Box::new(|| run(Some(None)))),
            ("1,000 that ask at once", Box::new(|| run(Some(second)))),
            (
                "1,000 without a pause",
                Box::new(|| run(Some(Some(Duration::ZERO)))),
            ),
        ],
    );
}

/// The mean time of a batch.
fn batches(driver: &mut Driver, queue: &BatchQueue<u64>) -> Duration {
    let mut total = Duration::ZERO;
    for _ in 0..BATCHES {
        queue.push((0..WORDS).map(|n| n * n % DISTINCT).collect());
        let start = Instant::now();
        driver.step(driver.next_time()).expect("no closure fails");
        total += start.elapsed();
    }
    total / BATCHES
}

/// A thousand connections that all ask, then pause, then ask again.
struct Crowd {
    is_over: Arc<AtomicBool>,
    answers: Arc<AtomicU64>,
    asker: JoinHandle<()>,
    started: Instant,
}

impl Crowd {
    /// Without a pause they ask nothing at all.
    fn new(server: SocketAddr, pause: Option<Duration>) -> Self {
        let connect = |_| TcpStream::connect(server).expect("it listens");
        let mut open: Vec<TcpStream> = (0..CONNECTIONS).map(connect).collect();
        let (is_over, answers) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicU64::new(0)),
        );
        let (over, answered) = (Arc::clone(&is_over), Arc::clone(&answers));
        let asker = thread::spawn(move || {
            let mut due = Instant::now();
            while !over.load(Ordering::Relaxed) {
                match pause {
                    Some(pause) if Instant::now() >= due => {
                        ask_all(&mut open, server, &over, &answered);
                        due += pause;
                    }
                    _ => thread::sleep(Duration::from_millis(1)),
                }
            }
        });
        Self {
            is_over,
            answers,
            asker,
            started: Instant::now(),
        }
    }

    fn end(self) {
        self.is_over.store(true, Ordering::Relaxed);
        self.asker.join().expect("it does not panic");
        let answers = self.answers.load(Ordering::Relaxed);
        let rate = answers as f64 / self.started.elapsed().as_secs_f64();
        println!("  {rate:.0} answers a second");
    }
}

fn ask_all(open: &mut [TcpStream], server: SocketAddr, over: &AtomicBool, answered: &AtomicU64) {
    let request = format!("GET /streams/bench/top?n=5 HTTP/1.1\r\nHost: {server}\r\n\r\n");
    // Not more at a time than may wait for their turn.
    for some in open.chunks_mut(32) {
        if over.load(Ordering::Relaxed) {
            return;
        }
        for client in &mut *some {
            client.write_all(request.as_bytes()).expect("it listens");
        }
        for client in some {
            read_answer(client);
            answered.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn read_answer(client: &mut TcpStream) {
    let (mut text, mut piece) = (Vec::new(), [0; 4096]);
    while !text.ends_with(b"]}") {
        let read = client.read(&mut piece).expect("an answer");
        assert!(read > 0, "closed: {}", String::from_utf8_lossy(&text));
        text.extend_from_slice(&piece[..read]);
    }
    assert!(text.starts_with(b"HTTP/1.1 200 OK"));
}
