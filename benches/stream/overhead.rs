//! What the driver adds: to a chain of closures, to nothing at all, to a socket.

use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use criterion::Criterion;
use forebay::stream::{BatchQueue, Driver};
use forebay::{Merge, Summary};

use crate::stepping::{by_hand, context, group, steps};

pub(crate) const CHAIN: &str = "map, filter, flat_map, map over 10 M u64";
pub(crate) const EMPTY: &str = "empty batch, 10 operators, 8 partitions";
pub(crate) const SOCKET: &str = "1 M lines over a socket";

const ITEMS: u64 = 10_000_000;
const LINES: u64 = 1_000_000;

fn scale(n: u64) -> u64 {
    n.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn keep(n: &u64) -> bool {
    n & 3 != 0
}

fn pair(n: u64) -> [u64; 2] {
    [n, n >> 7]
}

fn finish(n: u64) -> u64 {
    n ^ (n >> 3)
}

/// A sum as a summary: what is fused ends in an update, as it does in use.
#[derive(Clone)]
struct Total(u64);

impl Merge for Total {
    fn merge(&mut self, other: Self) {
        self.update(other.0);
    }
}

impl Summary for Total {
    type Item = u64;

    fn update(&mut self, item: u64) {
        self.0 = self.0.wrapping_add(item);
    }
}

pub(crate) fn narrow_chain(c: &mut Criterion) {
    let items: Vec<u64> = (0..ITEMS).collect();
    let mut group = group(c, CHAIN);
    by_hand(
        &mut group,
        "iterators",
        || items.clone(),
        |items| {
            let chain = items.into_iter().map(scale).filter(keep);
            let chain = chain.flat_map(pair).map(finish);
            chain.fold(0, u64::wrapping_add)
        },
    );
    let (ctx, queue) = (context(1, 1), BatchQueue::new());
    ctx.queue_stream(&queue)
        .map(scale)
        .filter(keep)
        .flat_map(pair)
        .map(finish)
        .summarize(|| Total(0))
        .for_each_batch(|batch, _| {
            black_box(batch.into_vec());
            Ok(())
        });
    let driver = ctx.into_driver().expect("there is an output");
    steps(&mut group, "driver", (queue, driver), || items.clone());
}

pub(crate) fn empty_batch(c: &mut Criterion) {
    let (ctx, queue) = (context(2, 8), BatchQueue::<u64>::new());
    let numbers = ctx
        .queue_stream(&queue)
        .map(|n| n + 1)
        .filter(|n| n % 2 == 0);
    let pairs = numbers.map(|n| (n % 10, n)).flat_map(|pair| [pair, pair]);
    pairs
        .reduce_by_key(|a, b| a + b)
        .map_values(|v| v + 1)
        .update_state_by_key(|_, new, old| Some(old.unwrap_or(0) + new.sum::<u64>()))
        .repartition(8)
        .count()
        .for_each_batch(|_, _| Ok(()));
    let driver = ctx.into_driver().expect("there is an output");
    steps(&mut group(c, EMPTY), "driver", (queue, driver), Vec::new);
}

/// A server on the loopback that sends the lines to whoever connects, and then ends.
fn server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    thread::spawn(move || {
        let (mut connection, _) = listener.accept().expect("somebody connects");
        let lines = (0..LINES).map(|n| format!("GET /page/{n:09}\n"));
        let text: String = lines.collect();
        // A reader that has seen enough may be gone.
        connection.write_all(text.as_bytes()).ok();
        connection.flush().ok();
        thread::sleep(Duration::from_millis(50));
    });
    address
}

fn read_by_hand(address: SocketAddr) -> u64 {
    let connection = TcpStream::connect(address).expect("the server listens");
    let lines = BufReader::with_capacity(1 << 16, connection).lines();
    let lengths = lines.map(|line| black_box(line.expect("the server sends text")).len());
    lengths.filter(|&length| length > 0).count() as u64
}

/// A driver that counts the lines of a socket, and its count.
fn reading(address: SocketAddr) -> (Driver, Arc<AtomicU64>) {
    let ctx = context(1, 8);
    let seen = Arc::new(AtomicU64::new(0));
    let sum = Arc::clone(&seen);
    let (lines, _) = ctx.socket_text(address);
    lines.count().for_each_batch(move |count, _| {
        sum.fetch_add(count.into_vec().into_iter().sum(), Ordering::Relaxed);
        Ok(())
    });
    (ctx.into_driver().expect("there is an output"), seen)
}

pub(crate) fn socket(c: &mut Criterion) {
    let mut group = group(c, SOCKET);
    group.bench_function("lines of a BufReader", |b| {
        b.iter_custom(|turns| {
            let turn = |_| {
                let address = server();
                let started = Instant::now();
                assert_eq!(read_by_hand(address), LINES);
                started.elapsed()
            };
            (0..turns).map(turn).sum()
        });
    });
    group.bench_function("socket_text", |b| {
        b.iter_custom(|turns| {
            let turn = |_| {
                let (mut driver, seen) = reading(server());
                let started = Instant::now();
                while seen.load(Ordering::Relaxed) < LINES {
                    driver.step(driver.next_time()).expect("nothing fails");
                    thread::sleep(Duration::from_millis(1));
                }
                started.elapsed()
            };
            (0..turns).map(turn).sum()
        });
    });
}
