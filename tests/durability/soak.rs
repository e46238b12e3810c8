//! A stream under load for a long time, killed again and again: it loses nothing, and neither its
//! memory nor what it leaves on the disk grows.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use forebay::stream::{BoxError, Every, Source, StreamingContext};

pub(super) const CHILD: &str = "FOREBAY_SOAK_CHILD";
/// Seconds to run; makes the test run this and nothing else.
pub(super) const SECONDS: &str = "FOREBAY_SOAK_SECONDS";

const PARTITIONS: usize = 3;
/// Words of a partition in a batch.
const SHARE: u64 = 3_000;
const INTERVAL: u64 = 1_000;
/// Batches whose files are kept.
const KEPT: u64 = 100;
/// The memory of the last third of a life is at most this many times that of the first, and a
/// little.
const GROWTH: f64 = 1.1;
const A_LITTLE: f64 = (4 << 20) as f64;
/// Far more than two checkpoints of this state and the files of the batches kept.
const DISK: u64 = 64 << 20;

/// A log of words without end, the same every time.
struct Words;

/// The word at a place: one of some 20,000, the first ones often.
fn word(partition: usize, at: u64) -> String {
    let mut mixed = (at * PARTITIONS as u64 + partition as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let (a, b) = (mixed >> 32 & 0xffff, mixed >> 48);
    format!("w{}", (a * b * 20_000) >> 32)
}

impl Source for Words {
    type Item = String;
    type Position = u64;

    fn start(&mut self) -> Result<Vec<u64>, BoxError> {
        Ok(vec![0; PARTITIONS])
    }

    fn plan(&mut self, at: &[u64], _: usize) -> Result<Vec<Range<u64>>, BoxError> {
        Ok(at.iter().map(|&at| at..at + SHARE).collect())
    }

    fn read(&mut self, partition: usize, range: &Range<u64>) -> Result<Vec<String>, BoxError> {
        Ok(range.clone().map(|at| word(partition, at)).collect())
    }
}

fn outputs_of(root: &Path, batch: u64) -> std::path::PathBuf {
    root.join(format!("words-{}", batch * INTERVAL))
}

/// The program under test: counts words until it finds a file `stop`, then says what it has counted.
pub(super) fn count_until_stopped(root: &Path) -> Result<(), BoxError> {
    let checkpoints = root.join("checkpoints");
    let mut handle = None;
    let mut build = || -> Result<StreamingContext, BoxError> {
        let ctx = StreamingContext::builder("soak")
            .threads(2)
            .partitions(PARTITIONS)
            .batch_interval(Duration::from_millis(INTERVAL))
            .checkpoint(&checkpoints, Every::batches(10))
            .build()?;
        let words = ctx.source(Words);
        let window = Duration::from_millis(20 * INTERVAL);
        words
            .count_by_window(window, Duration::from_millis(INTERVAL))?
            .save_as_text_files(root.join("words").to_string_lossy(), "");
        let counts = words
            .map(|word| (word, 1u64))
            .update_state_by_key(|_, new, old| Some(old.unwrap_or(0) + new.sum::<u64>()));
        handle = Some(counts.handle());
        counts.count().for_each_batch(|_, _| Ok(()));
        Ok(ctx)
    };
    let mut driver = StreamingContext::recover_or(&checkpoints, &mut build)?.into_driver()?;
    while !root.join("stop").exists() {
        let time = driver.next_time();
        driver.step(time)?;
        let batch = time.as_millis() / INTERVAL;
        if batch > KEPT {
            // There already if this batch ran before.
            let _ = fs::remove_dir_all(outputs_of(root, batch - KEPT));
        }
    }
    driver.checkpoint()?;
    let last = driver.last_time().ok_or("not a single batch")?;
    let counts = handle.ok_or("nothing was built")?.snapshot();
    let counts: BTreeMap<&String, &u64> = counts.iter().collect();
    let lines = counts
        .iter()
        .map(|(word, count)| format!("{word} {count}\n"));
    let text = lines.collect::<String>();
    Ok(fs::write(
        root.join("final"),
        format!("{}\n{text}", last.as_millis() / INTERVAL),
    )?)
}

fn start(root: &Path) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap());
    let child = child.env(CHILD, root).env_remove(SECONDS);
    child.stdin(Stdio::null()).spawn().unwrap()
}

/// The memory of a process in bytes, where the system tells.
fn memory(child: &Child) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kilobytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(1_024.0 * kilobytes)
}

fn bytes_below(root: &Path) -> u64 {
    crate::kills::tree(root)
        .values()
        .map(|file| file.len() as u64)
        .sum()
}

/// Half of the time with kills, half of it in one life; then everything is compared.
pub(super) fn run(root: &Path, seconds: u64) {
    fs::create_dir(root).unwrap();
    let half = Duration::from_secs(seconds) / 2;
    let kills = killed_for(root, half);
    let mut child = start(root);
    let samples = watched_for(&mut child, half);
    fs::write(root.join("stop"), "").unwrap();
    assert!(child.wait().unwrap().success());
    let batches = check_counts(root);
    check_files(root, batches);
    let disk = bytes_below(root);
    assert!(disk < DISK, "{disk} bytes are left on the disk");
    println!(
        "soak: {seconds} s, {kills} kills, {batches} batches, {} words, nothing lost and nothing \
         twice; {:.1} MB on the disk",
        batches * SHARE * PARTITIONS as u64,
        disk as f64 / 1e6,
    );
    check_memory(&samples);
}

/// Kills child after child at random moments; says how many.
fn killed_for(root: &Path, time: Duration) -> u32 {
    let (begin, mut kills, mut state) = (Instant::now(), 0, 11);
    while begin.elapsed() < time {
        let mut child = start(root);
        sleep(Duration::from_micros(
            crate::kills::next(&mut state) % 5_000_000,
        ));
        let ended = child.try_wait().unwrap();
        assert!(ended.is_none(), "the child ended by itself: {ended:?}");
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
    }
    println!("soak: {kills} kills in {} s", begin.elapsed().as_secs());
    kills
}

/// The memory of a child, four times a second.
fn watched_for(child: &mut Child, time: Duration) -> Vec<f64> {
    let (begin, mut samples) = (Instant::now(), Vec::new());
    while begin.elapsed() < time {
        sleep(Duration::from_millis(250));
        let ended = child.try_wait().unwrap();
        assert!(ended.is_none(), "the child ended by itself: {ended:?}");
        samples.extend(memory(child));
    }
    samples
}

/// Panics unless the counts are those of all batches; says how many that are.
fn check_counts(root: &Path) -> u64 {
    let text = fs::read_to_string(root.join("final")).unwrap();
    let (batches, counts) = text.split_once('\n').unwrap();
    let batches = batches.parse().unwrap();
    let mut expected: BTreeMap<String, u64> = BTreeMap::new();
    for partition in 0..PARTITIONS {
        for at in 0..batches * SHARE {
            *expected.entry(word(partition, at)).or_insert(0) += 1;
        }
    }
    let lines = expected
        .iter()
        .map(|(word, count)| format!("{word} {count}"));
    assert!(lines.eq(counts.lines()), "the counts are wrong");
    batches
}

/// Panics unless the files of the last batches are there and say what they must.
fn check_files(root: &Path, batches: u64) {
    let first = batches.saturating_sub(KEPT).max(1) + 1;
    for batch in first..=batches {
        let files = crate::kills::tree(&outputs_of(root, batch));
        let text: Vec<u8> = files.into_values().flatten().collect();
        let wanted = batch.min(20) * SHARE * PARTITIONS as u64;
        assert_eq!(String::from_utf8(text).unwrap().trim(), wanted.to_string());
    }
}

/// Panics if the memory of one life has grown. The first tenth is not looked at.
fn check_memory(samples: &[f64]) {
    let settled = &samples[samples.len() / 10..];
    if settled.len() < 12 {
        return println!("soak: memory is not told here, or the time was too short");
    }
    let third = settled.len() / 3;
    let most = |part: &[f64]| part.iter().copied().fold(0.0, f64::max);
    let (before, after) = (
        most(&settled[..third]),
        most(&settled[settled.len() - third..]),
    );
    println!(
        "soak: memory at most {:.1} MB in the first third of a life, {:.1} MB in the last",
        before / 1e6,
        after / 1e6,
    );
    assert!(after <= GROWTH * before + A_LITTLE, "memory has grown");
}
