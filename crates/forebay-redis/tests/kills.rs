//! A stream of what a real Redis server holds: the server and the process are killed, each at
//! moments of its own, and nothing is lost or counted twice.

#[path = "../../../tests/support/kills.rs"]
mod kills;
mod server;

use std::env;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use forebay::stream::{BoxError, Every, StreamingContext};
use forebay_redis::{RedisEntry, RedisStreams};
use kills::{live, moment, tree, wanted};
use server::{PATIENCE, Server, connect, feed, free_port};

/// Tells the child that it is this program.
const CHILD: &str = "FOREBAY_REDIS_KILLS";

const ENTRIES: u64 = 20_000;

/// As much as the sum of all numbers.
const SUM: u64 = ENTRIES * (ENTRIES + 1) / 2;

/// Whatever a batch has given is in a directory of its own; ends when the sum is complete.
fn sums(root: &Path) -> Result<(), BoxError> {
    let checkpoints = root.join("checkpoints");
    let address = fs::read_to_string(root.join("address"))?;
    let mut state = None;
    let build = || -> Result<StreamingContext, BoxError> {
        let ctx = StreamingContext::builder("redis sums")
            .threads(1)
            .partitions(3)
            .max_rate(500.0)
            .checkpoint(&checkpoints, Every::batches(2))
            .build()?;
        let numbers = ctx
            .source(RedisStreams::new(&address, ["numbers"])?)
            .try_map(|entry: RedisEntry| {
                let number = String::from_utf8_lossy(entry.get("number").unwrap_or_default());
                number.parse::<u64>()
            });
        let numbers = numbers.boxed();
        numbers.save_as_text_files(root.join("numbers").to_string_lossy(), "");
        let sums = numbers
            .map(|n| (n % 7, n))
            .update_state_by_key(|_, new, old| Some(old.unwrap_or(0) + new.sum::<u64>()));
        state = Some(sums.handle());
        Ok(ctx)
    };
    let mut driver = StreamingContext::recover_or(&checkpoints, build)?.into_driver()?;
    let state = state.ok_or("it is built")?;
    let started = Instant::now();
    while state.snapshot().iter().map(|(_, sum)| sum).sum::<u64>() < SUM {
        if driver.step(driver.next_time())?.items() == 0 {
            thread::sleep(Duration::from_millis(1));
        }
        assert!(started.elapsed() < PATIENCE, "the numbers do not come");
    }
    let sums = state.snapshot();
    let mut sums: Vec<_> = sums.iter().map(|(key, sum)| (*key, *sum)).collect();
    sums.sort_unstable();
    let time = driver.last_time().ok_or("it has run")?.as_millis();
    fs::write(root.join("done"), format!("{time} {sums:?}"))?;
    Ok(())
}

/// After so many kills of either, every number is in the files once and in the sums once.
fn neither_server_nor_process_loses_anything(root: &Path, wanted: u64) {
    let data = root.join("server");
    fs::create_dir_all(&data).unwrap();
    let port = free_port();
    let address = format!("redis://127.0.0.1:{port}/");
    let Some(mut server) = Server::start(port, &data) else {
        return;
    };
    drop(connect(&address));
    let child = root.join("child");
    fs::create_dir(&child).unwrap();
    fs::write(child.join("address"), &address).unwrap();
    let feeder = thread::spawn(move || feed(&address, "numbers", ENTRIES));
    let (mut kills, mut moments) = (0, 11);
    while kills < wanted && live(CHILD, &child, Some(moment(&mut moments))) {
        kills += 1;
        if kills % 3 == 0 {
            server.kill();
            server = Server::start(port, &data).expect("it has started before");
        }
    }
    // One that was done before it could be killed is done.
    assert!(kills == wanted || child.join("done").exists());
    assert!(!live(CHILD, &child, None));
    feeder.join().unwrap();
    check(&child);
    println!(
        "durability: {kills} kills of a stream on Redis and {} of its server, nothing lost and \
         nothing twice",
        kills / 3
    );
    server.kill();
}

fn check(root: &Path) {
    let done = fs::read_to_string(root.join("done")).unwrap();
    let (last, sums) = done.split_once(' ').unwrap();
    let last: u64 = last.parse().unwrap();
    let sum_of = |key: u64| (1..=ENTRIES).filter(|n| n % 7 == key).sum::<u64>();
    let expected: Vec<_> = (0..7).map(|key| (key, sum_of(key))).collect();
    assert_eq!(sums, format!("{expected:?}"));
    let mut numbers = Vec::new();
    for (path, text) in tree(root) {
        // What a killed run has done after its last checkpoint is run again, or is later than all.
        let time = path.to_str().and_then(|path| path.strip_prefix("numbers-"));
        let time = time.and_then(|path| path.split('/').next()?.parse::<u64>().ok());
        if time.is_some_and(|time| time <= last) {
            let text = String::from_utf8(text).unwrap();
            numbers.extend(text.lines().map(|line| line.parse::<u64>().unwrap()));
        }
    }
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(1..=ENTRIES));
}

fn main() {
    if let Some(root) = env::var_os(CHILD) {
        return sums(Path::new(&root)).unwrap();
    }
    let directory = tempfile::tempdir().unwrap();
    neither_server_nor_process_loses_anything(&directory.path().join("redis"), wanted());
}
