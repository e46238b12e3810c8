//! Contestants in processes of their own.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

/// Stands before the arguments of a process that is a contestant.
const FLAG: &str = "--contestant";

/// What this process is to run, if it is a contestant.
pub(crate) fn job() -> Option<[String; 2]> {
    let mut args = std::env::args().skip_while(|arg| arg != FLAG).skip(1);
    Some([args.next()?, args.next()?])
}

/// Runs once for every line of the standard input, and answers with the nanoseconds it took.
pub(crate) fn serve(mut run: impl FnMut() -> Duration) {
    for line in std::io::stdin().lines() {
        line.expect("the other process lives");
        println!("{}", run().as_nanos());
    }
}

/// A process that runs a job when it is told to. It ends when it is dropped.
struct Remote {
    process: Child,
    /// `None` once closed, which ends the process.
    runs: Option<ChildStdin>,
    times: BufReader<ChildStdout>,
}

impl Remote {
    fn new(job: [&str; 2]) -> Self {
        let program = std::env::current_exe().expect("a program has a path");
        let mut process = Command::new(program)
            .arg(FLAG)
            .args(job)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program runs again");
        Self {
            runs: process.stdin.take(),
            times: BufReader::new(process.stdout.take().expect("it is piped")),
            process,
        }
    }

    fn run(&mut self) -> Duration {
        let runs = self.runs.as_mut().expect("it is open");
        writeln!(runs, "run").expect("the contestant lives");
        let mut time = String::new();
        let read = self.times.read_line(&mut time);
        read.expect("the contestant lives");
        Duration::from_nanos(time.trim().parse().expect("a number"))
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.runs = None;
        let _ = self.process.wait();
    }
}

/// Starts a process for a job; each call is a run there.
pub(crate) fn run(job: [&str; 2]) -> Box<dyn FnMut() -> Duration> {
    let mut remote = Remote::new(job);
    Box::new(move || remote.run())
}
