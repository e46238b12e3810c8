//! State on disk against state in memory, each in a process of its own, in alternating batches:
//! 1 M updates of 10 M keys. Then 20 M keys of text within an address space of 1 GiB, and their
//! recovery from a checkpoint within the same.
//!
//! ```text
//! cargo bench -p forebay-redb --bench disk [-- updates | beyond | recovered]
//! ```

#[path = "../../../benches/support/race.rs"]
mod race;

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write, stdin};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use forebay::stream::{
    BatchTime, BoxError, ContextBuilder, Data, Driver, Every, Key, Source, State, StateSpec,
    StreamingContext,
};
use forebay_redb::Disk;
use race::{Contestant, race};

/// What a child is to do: where its state is, which operator keeps it, of how many keys, how much
/// of it is in memory, and where a checkpoint of it is, or is to be.
const CHILD: &str = "FOREBAY_DISK_BENCH";

/// A batch.
const UPDATES: u64 = 1_000_000;

/// Every key once, in batches of [`UPDATES`]; from then on keys as they come.
struct Updates {
    keys: u64,
}

/// A hash of a number (splitmix64, Steele et al. 2014).
fn mix(number: u64) -> u64 {
    let mut x = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

impl Source for Updates {
    type Item = u64;
    type Position = u64;

    fn start(&mut self) -> Result<Vec<u64>, BoxError> {
        Ok((0..8).collect())
    }

    fn plan(&mut self, at: &[u64], _: usize) -> Result<Vec<std::ops::Range<u64>>, BoxError> {
        Ok(at.iter().map(|&at| at..at + UPDATES).collect())
    }

    fn read(&mut self, _: usize, range: &std::ops::Range<u64>) -> Result<Vec<u64>, BoxError> {
        let key = |number: u64| match number < self.keys {
            true => number,
            false => mix(number) % self.keys,
        };
        Ok(range.clone().step_by(8).map(key).collect())
    }
}

/// Counts by key; those of a checkpoint, if there is one in the directory.
fn counts<K: Key>(
    settings: ContextBuilder,
    checkpoints: Option<&Path>,
    (operator, keys): (&str, u64),
    key: impl Fn(u64) -> K + Data,
) -> Driver {
    let build = || declared(settings.threads(2).build()?, (operator, keys), key);
    let ctx = match checkpoints {
        Some(directory) => StreamingContext::recover_or(directory, build),
        None => build(),
    };
    let ctx = ctx.expect("there are threads, and a checkpoint is whole");
    ctx.into_driver().expect("there is an output")
}

fn declared<K: Key>(
    ctx: StreamingContext,
    (operator, keys): (&str, u64),
    key: impl Fn(u64) -> K + Data,
) -> Result<StreamingContext, BoxError> {
    let ones = ctx.source(Updates { keys }).map(move |n| (key(n), 1u64));
    match operator {
        "update_state_by_key" => ones
            .update_state_by_key(|_, new, old| Some(old.unwrap_or(0) + new.sum::<u64>()))
            .count()
            .for_each_batch(|_, _| Ok(())),
        _ => {
            let count = |_: BatchTime, _: &K, one: Option<u64>, sum: &mut State<u64>| {
                sum.update(sum.get().copied().unwrap_or(0) + one?);
                None::<()>
            };
            ones.state_by_key(StateSpec::new(count))
                .for_each_batch(|_, _| Ok(()));
        }
    }
    Ok(ctx)
}

/// The most memory that this process has had, in MiB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or(0) / 1_024
}

/// Fills the state, or recovers it, and answers how long that took; then runs a batch for every line
/// that it is sent and answers how long it took; after the last one it takes a checkpoint, if it is
/// to, and answers how much memory that needed.
fn child(what: &str) {
    let mut words = what.split(' ');
    let mut word = || words.next().expect("four words");
    let (backend, operator, keys, limit) = (word(), word(), word(), word());
    let (keys, limit): (u64, usize) = (number(keys), number(limit) as usize);
    let checkpoints = words.next().map(Path::new);
    let directory = tempfile::tempdir().expect("a directory");
    let mut settings = StreamingContext::builder("bench");
    if backend != "memory" {
        settings = settings.state_backend(Disk::new(directory.path()).memory_limit(limit << 20));
    }
    if let Some(checkpoints) = checkpoints {
        settings = settings.checkpoint(checkpoints, Every::batches(u64::MAX));
    }
    let is_begun =
        checkpoints.is_some_and(|path| fs::read_dir(path).is_ok_and(|it| it.count() > 0));
    let (began, what) = (Instant::now(), (operator, keys));
    let mut driver = match keys > 10_000_000 {
        true => counts(settings, checkpoints, what, |n| format!("customer {n:012}")),
        false => counts(settings, checkpoints, what, |n| n),
    };
    let is_new = driver.last_time().is_none();
    assert_eq!(is_new, !is_begun, "what is there is taken up");
    let mut step = || {
        let started = Instant::now();
        driver.step(driver.next_time()).expect("nothing fails");
        started.elapsed().as_nanos()
    };
    if is_new {
        (0..keys / UPDATES).for_each(|_| {
            step();
        });
    }
    println!("{}", began.elapsed().as_nanos());
    for _ in stdin().lines() {
        println!("{}", step());
    }
    if checkpoints.is_some() && is_new {
        driver.checkpoint().expect("it can be written");
    }
    println!("{}", peak());
}

fn number(word: &str) -> u64 {
    word.parse().expect("a number")
}

/// A child, as seen by its parent.
struct Remote {
    process: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Remote {
    /// Starts a child within so much address space, in MiB.
    fn spawn(what: &str, limit: Option<u64>) -> Self {
        let program = env::current_exe().expect("it is running");
        let shell = match limit {
            Some(mib) => format!("ulimit -v {}; exec \"$0\"", mib * 1_024),
            None => "exec \"$0\"".to_string(),
        };
        let mut process = Command::new("sh")
            .args(["-c".as_ref(), shell.as_ref(), program.as_os_str()])
            .env(CHILD, what)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("there is a shell");
        let orders = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().expect("it is piped"));
        Self {
            process,
            orders,
            answers,
        }
    }

    /// The next line; `None` if the child is no more.
    fn answer(&mut self) -> Option<String> {
        let mut line = String::new();
        let length = self.answers.read_line(&mut line).ok()?;
        (length > 0).then(|| line.trim().to_string())
    }

    /// How long something took; `None` if the child is no more.
    fn took(&mut self) -> Option<Duration> {
        self.answer()
            .map(|took| Duration::from_nanos(number(&took)))
    }

    fn step(&mut self) -> Duration {
        let orders = self.orders.as_mut().expect("it takes orders");
        writeln!(orders).expect("it listens");
        self.took().expect("it goes on")
    }

    /// The most memory that it has had, in MiB, if it is done.
    fn end(&mut self) -> Option<u64> {
        self.orders = None;
        let peak = self.answer()?;
        self.process.wait().ok()?.success().then(|| number(&peak))
    }
}

fn verdict(holds: bool) -> &'static str {
    match holds {
        true => "holds",
        false => "missed",
    }
}

/// 1 M updates a batch on 10 M keys.
fn updates(operator: &str) -> bool {
    let spawn = |backend| Remote::spawn(&format!("{backend} {operator} 10000000 192"), None);
    let (mut memory, mut disk) = (spawn("memory"), spawn("disk"));
    assert!(memory.answer().is_some() && disk.answer().is_some());
    let contestants: Vec<Contestant<'_>> = vec![
        ("in memory", Box::new(|| memory.step())),
        ("on disk", Box::new(|| disk.step())),
    ];
    race(
        &format!("{operator}, 1 M updates of 10 M keys"),
        11,
        contestants,
    );
    let (memory, disk) = (memory.end().expect("it ends"), disk.end().expect("it ends"));
    let holds = disk < 512;
    println!(
        "{operator}: {memory} MiB in memory, {disk} MiB on disk, below 512: {}",
        verdict(holds)
    );
    holds
}

/// 20 M keys of 21 bytes within 1 GiB of address space.
fn beyond_memory(operator: &str) -> bool {
    let run = |backend| {
        let what = format!("{backend} {operator} 20000000 256");
        let mut remote = Remote::spawn(&what, Some(1_024));
        remote.answer()?;
        let batch = remote.step();
        remote.end().map(|peak| (batch, peak))
    };
    let disk = run("disk");
    match disk {
        Some((batch, peak)) => {
            println!(
                "{operator}, 20 M keys in 1 GiB: on disk, {peak} MiB, a batch {batch:.1?}: holds"
            );
        }
        None => println!("{operator}, 20 M keys in 1 GiB: on disk: missed"),
    }
    disk.is_some()
}

/// 20 M keys of 21 bytes, taken up from a checkpoint within 1 GiB of address space.
fn recovered(operator: &str) -> bool {
    let directory = tempfile::tempdir().expect("a directory");
    let what = format!(
        "disk {operator} 20000000 256 {}",
        directory.path().display()
    );
    let run = || {
        let mut remote = Remote::spawn(&what, Some(1_024));
        let took = remote.took()?;
        remote.step();
        Some((took, remote.end()?))
    };
    let Some((_, written)) = run() else {
        println!("{operator}, 20 M keys in 1 GiB, a checkpoint: missed");
        return false;
    };
    println!("{operator}, 20 M keys in 1 GiB, a checkpoint: {written} MiB: holds");
    match run() {
        Some((took, peak)) => {
            println!(
                "{operator}, 20 M keys in 1 GiB, recovered and a batch: {peak} MiB, {took:.1?}: holds"
            );
            true
        }
        None => {
            println!("{operator}, 20 M keys in 1 GiB, recovered: missed");
            false
        }
    }
}

/// What is measured with one operator; says whether it holds.
type Table = fn(&str) -> bool;

fn main() -> ExitCode {
    if let Ok(what) = env::var(CHILD) {
        child(&what);
        return ExitCode::SUCCESS;
    }
    // `cargo bench ... --bench disk -- recovered` runs the tables whose name has the text in it.
    let wanted = env::args().skip(1).find(|text| !text.starts_with('-'));
    let tables: [(&str, Table); 3] = [
        ("updates", updates),
        ("beyond memory", beyond_memory),
        ("recovered", recovered),
    ];
    let mut holds = true;
    for operator in ["update_state_by_key", "state_by_key"] {
        for (name, table) in tables {
            if wanted.as_ref().is_none_or(|wanted| name.contains(wanted)) {
                holds &= table(operator);
            }
        }
    }
    match holds {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
