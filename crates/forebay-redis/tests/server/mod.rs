//! A real Redis server for tests, and somebody who feeds it.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use redis::{Client, Connection, RedisResult};

/// How long anything may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A server of this test's own, killed with it.
pub(crate) struct Server(Child);

impl Server {
    /// Starts a server that writes every command to a file in the directory before it answers;
    /// `None` where there is none to be had.
    pub(crate) fn start(port: u16, directory: &Path) -> Option<Self> {
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
    pub(crate) fn kill(mut self) {
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

pub(crate) fn free_port() -> u16 {
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

pub(crate) fn connect(address: &str) -> Connection {
    insist(|| Client::open(address)?.get_connection())
}

/// How many entries a stream has: also the last number in it.
fn length(connection: &mut Connection, stream: &str) -> RedisResult<u64> {
    redis::cmd("XLEN").arg(stream).query(connection)
}

/// Adds the numbers from 1 on to a stream, again from the last that is in it after an error.
pub(crate) fn feed(address: &str, stream: &str, entries: u64) {
    let mut connection = connect(address);
    loop {
        match add_next(&mut connection, stream, entries) {
            Ok(true) => {}
            Ok(false) => return,
            Err(_) => connection = connect(address),
        }
    }
}

/// Adds the next numbers, unless all are there.
fn add_next(connection: &mut Connection, stream: &str, entries: u64) -> RedisResult<bool> {
    let next = length(connection, stream)? + 1;
    if next > entries {
        return Ok(false);
    }
    let mut pipe = redis::pipe();
    for number in (next..=entries).take(100) {
        let add = pipe.cmd("XADD").arg(stream).arg("*");
        add.arg("number").arg(number).ignore();
    }
    pipe.query::<()>(connection)?;
    Ok(true)
}
