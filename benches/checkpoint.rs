//! Checkpoints and questions against what they cannot do without, in alternating runs; each line
//! is a median and the median ratio to the first of its table.
//!
//! ```text
//! cargo bench --bench checkpoint
//! ```

#[path = "support/race.rs"]
mod race;

use std::cell::RefCell;
use std::fs::{self, File};
use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use forebay::hash::DefaultHashBuilder;
use forebay::stream::{
    BatchQueue, BatchTime, BoxError, CheckpointReport, ContextBuilder, Driver, Every, Source,
    State, StateSpec, StreamEvent, StreamingContext,
};
use hashbrown::HashMap;
use race::{Contestant, race};

const KEYS: u64 = 1_000_000;

/// Only when told to.
const NEVER: Every = Every::batches(u64::MAX);

/// All keys in the first batch, then the keys that the `plan` says.
struct Batches {
    plan: fn(u64) -> Vec<u64>,
}

impl Source for Batches {
    type Item = u64;
    type Position = u64;

    fn start(&mut self) -> Result<Vec<u64>, BoxError> {
        Ok(vec![0])
    }

    fn plan(&mut self, at: &[u64], _: usize) -> Result<Vec<std::ops::Range<u64>>, BoxError> {
        Ok(at.iter().map(|&at| at..at + 1).collect())
    }

    fn read(&mut self, _: usize, range: &std::ops::Range<u64>) -> Result<Vec<u64>, BoxError> {
        Ok(match range.start {
            0 => (0..KEYS).collect(),
            batch => (self.plan)(batch),
        })
    }
}

/// Counts by key; checkpointed into a directory when told to.
fn counts(
    directory: &Path,
    every: Every,
    plan: fn(u64) -> Vec<u64>,
) -> (Driver, Receiver<CheckpointReport>) {
    let build = || -> Result<StreamingContext, BoxError> {
        let ctx = StreamingContext::builder("bench")
            .threads(2)
            .checkpoint(directory, every)
            .build()?;
        let count = |_: BatchTime, _: &u64, one: Option<u64>, sum: &mut State<u64>| {
            let new = sum.get().copied().unwrap_or(0) + one?;
            sum.update(new);
            None::<()>
        };
        ctx.source(Batches { plan })
            .map(|key| (key, 1))
            .state_by_key(StateSpec::new(count))
            .for_each_batch(|_, _| Ok(()));
        Ok(ctx)
    };
    let (sender, receiver) = channel();
    let ctx = StreamingContext::recover_or(directory, build).expect("nothing is there");
    ctx.listen(move |event: &StreamEvent| {
        if let StreamEvent::Checkpointed(report) = event {
            // At the end of a table nobody waits any more.
            let _ = sender.send(*report);
        }
    });
    (ctx.into_driver().expect("there is an output"), receiver)
}

fn step(driver: &mut Driver) -> Duration {
    let started = Instant::now();
    driver.step(driver.next_time()).expect("nothing fails");
    started.elapsed()
}

/// The bytes of the newest checkpoint in a directory.
fn newest(directory: &Path) -> Vec<u8> {
    let entries = fs::read_dir(directory).expect("it is there");
    let newest = entries
        .map(|entry| entry.expect("it is there").path())
        .max();
    let files = fs::read_dir(newest.expect("there is one")).expect("it is there");
    let files = files.map(|file| fs::read(file.expect("it is there").path()));
    files
        .flat_map(|bytes| bytes.expect("it is there"))
        .collect()
}

fn write_and_sync(path: &Path, bytes: &[u8]) -> Duration {
    let started = Instant::now();
    append_and_sync(&mut File::create(path).expect("it can be made"), bytes);
    started.elapsed()
}

fn append_and_sync(file: &mut File, bytes: &[u8]) {
    file.write_all(bytes).expect("there is room");
    file.sync_all().expect("it is durable");
}

/// All groups changed, and few of them, against one `write` and fsync of as many bytes.
fn checkpoint() {
    let temporary = tempfile::tempdir().expect("a directory");
    let root = temporary.path();
    let (mut driver, reports) = counts(&root.join("all"), NEVER, |_| (0..KEYS).collect());
    step(&mut driver);
    driver.checkpoint().expect("it can be written");
    let bytes = newest(&root.join("all"));
    println!("a checkpoint of 1 M keys has {} bytes", bytes.len());
    reports.recv().expect("one was taken");
    let mut stopped = Vec::new();
    let all = || {
        step(&mut driver);
        driver.checkpoint().expect("it can be written");
        let report = reports.recv().expect("one was taken");
        stopped.push(report.stopped());
        report.duration()
    };
    // One key group of the 128.
    let one_group = |batch: u64| vec![batch % 2; 1_000];
    let few_path = root.join("few");
    let (mut few, few_reports) = counts(&few_path, NEVER, one_group);
    step(&mut few);
    few.checkpoint().expect("it can be written");
    few_reports.recv().expect("one was taken");
    let mut few_bytes = 0;
    let few = || {
        step(&mut few);
        few.checkpoint().expect("it can be written");
        let report = few_reports.recv().expect("one was taken");
        few_bytes = report.bytes();
        report.duration()
    };
    let floor = || write_and_sync(&root.join("floor"), &bytes);
    let one_byte = || write_and_sync(&root.join("small"), &bytes[..bytes.len() / 128]);
    let contestants: Vec<Contestant<'_>> = vec![
        ("checkpoint, all groups", Box::new(all)),
        ("one write and fsync", Box::new(floor)),
        ("checkpoint, 1 group", Box::new(few)),
        ("a 128th, write and fsync", Box::new(one_byte)),
    ];
    race("1 M keys, u64 to u64", 21, contestants);
    stopped.sort();
    let (median, longest) = (stopped[stopped.len() / 2], stopped[stopped.len() - 1]);
    println!("the stream stopped for {median:?}, at most {longest:?}");
    println!("1 group: {few_bytes} bytes of {}", bytes.len());
}

/// What a checkpoint on its way costs the batch after it.
fn beside() {
    let temporary = tempfile::tempdir().expect("a directory");
    let every = Every::batches(2);
    let (driver, _reports) = counts(temporary.path(), every, |_| (0..KEYS).collect());
    let driver = RefCell::new(driver);
    step(&mut driver.borrow_mut());
    // After every second batch a checkpoint begins; it is done before the one after the next.
    let alone = || {
        std::thread::sleep(Duration::from_millis(500));
        step(&mut driver.borrow_mut())
    };
    let contestants: Vec<Contestant<'_>> = vec![
        ("batch alone", Box::new(alone)),
        (
            "while a checkpoint is written",
            Box::new(|| step(&mut driver.borrow_mut())),
        ),
    ];
    race("a batch of 1 M keys, all known", 15, contestants);
}

/// Taking up a checkpoint against reading the files into a hash map.
fn recovery() {
    let temporary = tempfile::tempdir().expect("a directory");
    let root = temporary.path();
    let (mut driver, _reports) = counts(root, NEVER, |_| Vec::new());
    step(&mut driver);
    driver.checkpoint().expect("it can be written");
    drop(driver);
    let pairs: Vec<(u64, u64)> = (0..KEYS).map(|key| (key, 1)).collect();
    let plain = root.join("pairs");
    fs::write(&plain, postcard::to_allocvec(&pairs).expect("they fit")).expect("there is room");
    drop(pairs);
    let by_hand = || {
        let started = Instant::now();
        let bytes = fs::read(&plain).expect("it is there");
        let pairs: Vec<(u64, u64)> = postcard::from_bytes(&bytes).expect("they are pairs");
        let map: HashMap<u64, u64, DefaultHashBuilder> = pairs.into_iter().collect();
        black_box(map.len());
        started.elapsed()
    };
    let ours = || {
        let started = Instant::now();
        let (driver, _reports) = counts(root, NEVER, |_| Vec::new());
        let took = started.elapsed();
        assert!(driver.recovery().is_some_and(|it| it.restored().is_some()));
        took
    };
    let contestants: Vec<Contestant<'_>> = vec![
        ("read into a hash map", Box::new(by_hand)),
        ("recovery", Box::new(ours)),
    ];
    race("1 M keys, u64 to u64", 21, contestants);
}

/// Questions to a stream under load, and what a handle that nobody asks costs.
fn questions() {
    let stream = |name: &str| {
        let ctx = StreamingContext::builder(name).threads(1).build();
        let ctx = ctx.expect("the settings are valid");
        let queue = BatchQueue::new();
        let counts = ctx
            .queue_stream(&queue)
            .map(|key: u64| (key, 1u64))
            .update_state_by_key(|_, new, old| Some(old.unwrap_or(0) + new.sum::<u64>()));
        counts.count().for_each_batch(|_, _| Ok(()));
        let handle = counts.handle();
        let driver = ctx.into_driver().expect("there is an output");
        (queue, handle, driver)
    };
    let batch = || (0..KEYS).collect::<Vec<u64>>();
    let stepper = |queue: BatchQueue<u64>, mut driver: Driver| -> Box<dyn FnMut() -> Duration> {
        Box::new(move || {
            queue.push(batch());
            step(&mut driver)
        })
    };
    let (queue, handle, driver) = stream("without");
    drop(handle);
    let without = stepper(queue, driver);
    let (queue, _idle, driver) = stream("idle");
    let idle = stepper(queue, driver);
    let (queue, asked, driver) = stream("asked");
    let mut once = stepper(queue, driver);
    let once = move || {
        black_box(asked.get(&1));
        once()
    };
    let contestants: Vec<Contestant<'_>> = vec![
        ("no handle", without),
        ("a handle nobody asks", idle),
        ("asked once a batch", Box::new(once)),
    ];
    race("a batch of 1 M keys, all known", 15, contestants);

    let (queue, handle, mut driver) = stream("under load");
    queue.push(batch());
    step(&mut driver);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let asker = scope.spawn(|| {
            let (mut asked, mut found) = (0u64, 0u64);
            let started = Instant::now();
            while !done.load(Ordering::Relaxed) {
                for _ in 0..1_000 {
                    asked += 1;
                    found += handle.get(&(asked * 7_919 % KEYS)).unwrap_or(0);
                }
            }
            black_box(found);
            asked as f64 / started.elapsed().as_secs_f64()
        });
        for _ in 0..15 {
            queue.push(batch());
            step(&mut driver);
        }
        done.store(true, Ordering::Relaxed);
        let rate = asker.join().expect("it does not fail");
        println!(
            "StateHandle::get while batches run: {:.2} M a second",
            rate / 1e6
        );
    });
}

/// Batches of what was received, durable before they run, against one `write` and fsync each: at the
/// end of a file that grows as a log does, for the pages of one that is written over and over are at hand.
fn log() {
    let temporary = tempfile::tempdir().expect("a directory");
    let root = temporary.path();
    let lines: Vec<String> = (0..200_000).map(|n| format!("{n:0100}")).collect();
    let bytes = lines.concat().into_bytes();
    let stream = |builder: ContextBuilder| {
        let ctx = builder.build().expect("the settings are valid");
        let queue = BatchQueue::new();
        ctx.queue_stream(&queue).for_each_batch(|_, _| Ok(()));
        let mut driver = ctx.into_driver().expect("there is an output");
        let lines = lines.clone();
        move || {
            queue.push(lines.clone());
            step(&mut driver)
        }
    };
    let builder = || StreamingContext::builder("log").threads(1);
    let logging = builder().checkpoint(root.join("state"), NEVER);
    let mut with_log = stream(logging.write_ahead_log());
    let mut without = stream(builder());
    let share = move || with_log().saturating_sub(without());
    let mut grown = File::create(root.join("floor")).expect("it can be made");
    let append = || {
        let started = Instant::now();
        append_and_sync(&mut grown, &bytes);
        started.elapsed()
    };
    let contestants: Vec<Contestant<'_>> = vec![
        ("one write and fsync", Box::new(append)),
        (
            "the same over and over",
            Box::new(|| write_and_sync(&root.join("again"), &bytes)),
        ),
        ("the log's share of a batch", Box::new(share)),
    ];
    race("200,000 lines of 100 bytes", 21, contestants);
}

fn main() {
    // `cargo bench ... --bench checkpoint -- recovery` runs the tables whose name has the text in it.
    let wanted = std::env::args().skip(1).find(|text| !text.starts_with('-'));
    let tables: [(&str, fn()); 5] = [
        ("checkpoint", checkpoint),
        ("beside", beside),
        ("recovery", recovery),
        ("questions", questions),
        ("log", log),
    ];
    for (name, table) in tables {
        if wanted.as_ref().is_none_or(|wanted| name.contains(wanted)) {
            table();
        }
    }
}
