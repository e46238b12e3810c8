//! Redis Streams, against the real server.

#[path = "../../../tests/support/seen.rs"]
mod seen;
mod server;

use std::thread;
use std::time::Instant;

use forebay::stream::{Driver, Positions, Source, StreamingContext};
use forebay_redis::{EntryId, RedisEntry, RedisStreams, StreamPosition};
use seen::{Seen, builder};
use server::{PATIENCE, Server, connect, feed, free_port};

const ENTRIES: u64 = 20_000;

/// A stream of the numbers in two Redis streams, with the key of each.
fn declare(
    address: &str,
    from: Option<Vec<StreamPosition>>,
) -> (
    StreamingContext,
    Seen<(bool, u64)>,
    Positions<StreamPosition>,
) {
    let ctx = builder().max_rate(3_000.0).build().unwrap();
    let source = RedisStreams::new(address, ["left", "right"]).unwrap();
    let (entries, positions) = ctx.source_from(source, from);
    let seen = Seen::of(&entries.map(|entry: RedisEntry| {
        assert_eq!(entry.fields().len(), 1);
        let number = String::from_utf8_lossy(entry.get("number").unwrap()).parse();
        (entry.stream() == "left", number.unwrap())
    }));
    (ctx, seen, positions)
}

/// Steps until so many items have come.
fn step_until(driver: &mut Driver, seen: &mut usize, items: usize) {
    let started = Instant::now();
    while *seen < items {
        *seen += driver.step(driver.next_time()).unwrap().items();
        assert!(started.elapsed() < PATIENCE, "{seen} items have come");
    }
}

#[test]
fn killing_the_server_and_changing_the_reader_loses_and_repeats_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let port = free_port();
    let address = format!("redis://127.0.0.1:{port}/");
    let Some(server) = Server::start(port, directory.path()) else {
        return;
    };
    drop(connect(&address));
    let feeders = ["left", "right"].map(|stream| {
        let address = address.clone();
        thread::spawn(move || feed(&address, stream, ENTRIES))
    });

    let (ctx, first, positions) = declare(&address, None);
    let mut driver = ctx.into_driver().unwrap();
    let mut items = 0;
    step_until(&mut driver, &mut items, ENTRIES as usize / 3);
    server.kill();
    // While the server is away batches go on, empty.
    for _ in 0..3 {
        let report = driver.step(driver.next_time()).unwrap();
        assert_eq!(report.items(), 0);
    }
    let server = Server::start(port, directory.path()).unwrap();
    step_until(&mut driver, &mut items, ENTRIES as usize);
    drop(driver);

    let (ctx, second, positions) = declare(&address, Some(positions.get()));
    let mut driver = ctx.into_driver().unwrap();
    step_until(&mut driver, &mut items, 2 * ENTRIES as usize);
    for feeder in feeders {
        feeder.join().unwrap();
    }
    assert_eq!(driver.step(driver.next_time()).unwrap().items(), 0);
    let has_moved = |at: &StreamPosition| at.id() > EntryId::default();
    assert!(positions.get().iter().all(has_moved));

    let all = [first.batches().concat(), second.batches().concat()].concat();
    for left in [true, false] {
        let numbers = all.iter().filter(|(of, _)| *of == left);
        assert!(numbers.map(|(_, number)| *number).eq(1..=ENTRIES));
    }
    server.kill();
}

#[test]
fn a_range_is_read_again_by_another_reader() {
    let directory = tempfile::tempdir().unwrap();
    let port = free_port();
    let address = format!("redis://127.0.0.1:{port}/");
    let Some(_server) = Server::start(port, directory.path()) else {
        return;
    };
    let mut connection = connect(&address);
    for number in 0..10 {
        let mut add = redis::cmd("XADD");
        add.arg("numbers").arg("*").arg("n").arg(number);
        add.exec(&mut connection).unwrap();
    }
    let reader = || RedisStreams::new(&address, ["numbers", "nothing"]).unwrap();
    let mut first = reader();
    let start = first.start().unwrap();
    let plan = first.plan(&start, 8).unwrap();
    let entries = first.read(0, &plan[0]).unwrap();
    assert_eq!(entries.len(), 4);
    assert_eq!(first.read(0, &plan[0]).unwrap(), entries);
    assert_eq!(reader().read(0, &plan[0]).unwrap(), entries);
    assert!(first.read(1, &plan[1]).unwrap().is_empty());
    let ends = [plan[0].end.clone(), plan[1].end.clone()];
    let rest = first.plan(&ends, 100).unwrap();
    assert_eq!(first.read(0, &rest[0]).unwrap().len(), 6);
}

#[test]
fn what_is_no_stream_fails_the_batch_and_no_address_is_refused() {
    assert!(RedisStreams::new("127.0.0.1", ["numbers"]).is_err());
    let directory = tempfile::tempdir().unwrap();
    let port = free_port();
    let address = format!("redis://127.0.0.1:{port}/");
    let Some(_server) = Server::start(port, directory.path()) else {
        return;
    };
    let mut set = redis::cmd("SET");
    set.arg("text")
        .arg("ebb")
        .exec(&mut connect(&address))
        .unwrap();
    let ctx = builder().build().unwrap();
    let source = RedisStreams::new(&address, ["text"]).unwrap();
    ctx.source(source).count().print();
    let mut driver = ctx.into_driver().unwrap();
    let error = driver.step(driver.next_time()).unwrap_err();
    assert!(error.to_string().contains("WRONGTYPE"), "{error}");
}

/// The positions are durable without a word of the program's.
#[test]
fn a_checkpoint_holds_the_positions() {
    use forebay::stream::Every;
    let directory = tempfile::tempdir().unwrap();
    let port = free_port();
    let address = format!("redis://127.0.0.1:{port}/");
    let Some(_server) = Server::start(port, directory.path()) else {
        return;
    };
    drop(connect(&address));
    feed(&address, "numbers", 10);
    let checkpoints = directory.path().join("checkpoints");
    let declare = || {
        let ctx = builder()
            .checkpoint(&checkpoints, Every::batches(1))
            .build()?;
        ctx.source(RedisStreams::new(&address, ["numbers"])?)
            .count()
            .print();
        Ok::<_, forebay::stream::BoxError>(ctx)
    };
    for expected in [10, 0] {
        let ctx = StreamingContext::recover_or(&checkpoints, declare).unwrap();
        let mut driver = ctx.into_driver().unwrap();
        assert_eq!(driver.step(driver.next_time()).unwrap().items(), expected);
        driver.checkpoint().unwrap();
    }
}

/// The number of entries that each partition gives, with its key.
fn read_all(redis: &mut RedisStreams, at: &[StreamPosition]) -> Vec<(String, usize)> {
    let plan = redis.plan(at, 1_000).unwrap();
    let read = plan.iter().enumerate().map(|(partition, range)| {
        let entries = redis.read(partition, range).unwrap();
        let stream = range.start.stream();
        assert!(entries.iter().all(|entry| entry.stream() == stream));
        (stream.to_string(), entries.len())
    });
    read.collect()
}

#[test]
fn positions_follow_their_keys_through_any_change_of_keys() {
    let directory = tempfile::tempdir().unwrap();
    let port = free_port();
    let address = format!("redis://127.0.0.1:{port}/");
    let Some(_server) = Server::start(port, directory.path()) else {
        return;
    };
    drop(connect(&address));
    feed(&address, "clicks", 7);
    feed(&address, "orders", 5);
    let reader = |keys: &[&str]| {
        let mut redis = RedisStreams::new(&address, keys.iter().copied()).unwrap();
        let at = redis.start().unwrap();
        (redis, at)
    };
    let (mut redis, at) = reader(&["orders"]);
    let plan = redis.plan(&at, 3).unwrap();
    let at = [plan[0].end.clone()];
    let counts = |of: [(&str, usize); 2]| of.map(|(key, count)| (key.to_string(), count));
    // One key more, in whatever place, is read from its beginning.
    for keys in [["clicks", "orders"], ["orders", "clicks"]] {
        let (mut redis, _) = reader(&keys);
        redis.seek(&at).unwrap();
        let read = read_all(&mut redis, &at);
        assert_eq!(read, counts([("orders", 2), ("clicks", 7)]));
    }
    // Keys in another order go on where they were.
    let (_, both) = reader(&["clicks", "clicks", "orders"]);
    let (mut redis, _) = reader(&["orders", "clicks"]);
    assert_eq!(both.len(), 2);
    let moved = [both[0].clone(), at[0].clone()];
    redis.seek(&moved).unwrap();
    let read = read_all(&mut redis, &moved);
    assert_eq!(read, counts([("clicks", 7), ("orders", 2)]));
    // One key fewer is an error, before anything is read.
    let (mut redis, _) = reader(&["clicks"]);
    let error = redis.seek(&at).unwrap_err().to_string();
    assert!(error.contains("\"orders\", which is not read"), "{error}");
    assert!(redis.plan(&at, 10).is_err());
    let twice = [at[0].clone(), at[0].clone()];
    assert!(reader(&["orders"]).0.seek(&twice).is_err());
}

#[test]
fn names_of_fields_are_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let port = free_port();
    let address = format!("redis://127.0.0.1:{port}/");
    let Some(_server) = Server::start(port, directory.path()) else {
        return;
    };
    let mut add = redis::cmd("XADD");
    add.arg("a")
        .arg("*")
        .arg(b"\xff\xfe")
        .arg("v")
        .arg("n")
        .arg(1);
    add.exec(&mut connect(&address)).unwrap();
    let mut redis = RedisStreams::new(&address, ["a"]).unwrap();
    let at = redis.start().unwrap();
    let plan = redis.plan(&at, 100).unwrap();
    let entries = redis.read(0, &plan[0]).unwrap();
    assert_eq!(entries[0].get(b"\xff\xfe"), Some(&b"v"[..]));
    assert_eq!(entries[0].get("n"), Some(&b"1"[..]));
}

#[test]
fn an_absent_server_is_one_warning_a_batch() {
    let address = format!("redis://127.0.0.1:{}/", free_port());
    let mut redis = RedisStreams::new(&address, ["a", "b", "c"]).unwrap();
    let at = redis.start().unwrap();
    for batches in 1..=3 {
        let plan = redis.plan(&at, 100).unwrap();
        assert!(plan.iter().all(|range| range.start == range.end));
        assert_eq!(redis.warnings().count(), batches);
    }
}
