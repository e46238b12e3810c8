//! Redis Streams, against the real server.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use forebay::stream::{Driver, EntryId, Positions, RedisEntry, RedisStreams, StreamingContext};
use redis::{Client, Connection, RedisResult};

use super::{Seen, builder};

const ENTRIES: u64 = 20_000;
const PATIENCE: Duration = Duration::from_secs(60);

/// A server of this test's own, killed with it.
struct Server(Child);

impl Server {
    /// Starts a server that writes every command to a file in the directory before it answers;
    /// `None` where there is none to be had.
    fn start(port: u16, directory: &Path) -> Option<Self> {
        let child = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
            .args([
                "--appendonly",
                "yes",
                "--appendfsync",
                "always",
                "--save",
                "",
            ])
            .arg("--dir")
            .arg(directory)
            .stdout(Stdio::null())
            .spawn();
        match child {
            Ok(child) => Some(Self(child)),
            Err(error) => {
                eprintln!("skipped: redis-server cannot be started: {error}");
                None
            }
        }
    }

    /// SIGKILL: no time to write anything.
    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have been killed already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Calls until it works, for a minute at most.
fn insist<T>(mut call: impl FnMut() -> RedisResult<T>) -> T {
    let started = Instant::now();
    loop {
        match call() {
            Ok(value) => return value,
            Err(error) => assert!(started.elapsed() < PATIENCE, "{error}"),
        }
        thread::sleep(Duration::from_millis(10));
    }
}

fn connect(address: &str) -> Connection {
    insist(|| Client::open(address)?.get_connection())
}

/// How many entries a stream has: also the last number in it.
fn length(connection: &mut Connection, stream: &str) -> RedisResult<u64> {
    redis::cmd("XLEN").arg(stream).query(connection)
}

/// Adds the numbers from 1 on to a stream, again from the last that is in it after an error.
fn feed(address: &str, stream: &str) {
    let mut connection = connect(address);
    loop {
        match add_next(&mut connection, stream) {
            Ok(true) => {}
            Ok(false) => return,
            Err(_) => connection = connect(address),
        }
    }
}

/// Adds the next numbers, unless all are there.
fn add_next(connection: &mut Connection, stream: &str) -> RedisResult<bool> {
    let next = length(connection, stream)? + 1;
    if next > ENTRIES {
        return Ok(false);
    }
    let mut pipe = redis::pipe();
    for number in (next..=ENTRIES).take(100) {
        let add = pipe.cmd("XADD").arg(stream).arg("*");
        add.arg("number").arg(number).ignore();
    }
    pipe.query::<()>(connection)?;
    Ok(true)
}

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
        thread::spawn(move || feed(&address, stream))
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
