//! Redis Streams, against the real server.

#[path = "../../../tests/support/seen.rs"]
mod seen;
mod server;

use std::thread;
use std::time::Instant;

use forebay::stream::{Driver, Positions, StreamingContext};
use forebay_redis::{EntryId, RedisEntry, RedisStreams};
use seen::{Seen, builder};
use server::{PATIENCE, Server, connect, feed, free_port};

const ENTRIES: u64 = 20_000;

/// A stream of the numbers in two Redis streams, with the key of each.
fn declare(
    address: &str,
    from: Option<Vec<EntryId>>,
) -> (StreamingContext, Seen<(bool, u64)>, Positions<EntryId>) {
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
    assert!(positions.get().iter().all(|id| *id > EntryId::default()));

    let all = [first.batches().concat(), second.batches().concat()].concat();
    for left in [true, false] {
        let numbers = all.iter().filter(|(of, _)| *of == left);
        assert!(numbers.map(|(_, number)| *number).eq(1..=ENTRIES));
    }
    server.kill();
}

#[test]
fn a_range_is_read_again_by_another_reader() {
    use forebay::stream::Source;
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
    let rest = first.plan(&[plan[0].end, plan[1].end], 100).unwrap();
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
