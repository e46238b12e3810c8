//! A word count that is killed again and again ends with the state and the files of the one that
//! was not; one of numbers that are pushed has lost none that a batch has had.
//!
//! ```text
//! cargo xtask kills
//! ```
//!
//! The child is this program again; its environment tells it so.
//!
//! `cargo xtask soak` runs [`soak`] for an hour, or for as many seconds as it is given.

#[path = "../support/kills.rs"]
mod kills;
mod soak;

use std::env;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::Duration;

use forebay::stream::{BatchQueue, BoxError, Every, Memory, RunningStream, StreamingContext};
use kills::{
    BATCHES, live, moment, tree, wanted, what_is_counted_survives, word_count, write_input,
};

const CHILD: &str = "FOREBAY_DURABILITY_CHILD";
const LOGGING: &str = "FOREBAY_DURABILITY_LOGGING";
/// A stream of what is pushed into it, which is never the same twice. Whatever a batch has given is
/// in a file of its own, and when it runs again, it must give the same.
fn logged_sums(root: &Path) -> Result<(), BoxError> {
    let checkpoints = root.join("checkpoints");
    let queue = BatchQueue::new();
    let build = || -> Result<StreamingContext, BoxError> {
        let ctx = StreamingContext::builder("logged sums")
            .threads(1)
            .partitions(3)
            .checkpoint(&checkpoints, Every::batches(3))
            .write_ahead_log()
            .build()?;
        let numbers = ctx.queue_stream(&queue);
        let outputs = root.join("batches");
        fs::create_dir_all(&outputs)?;
        numbers.for_each_batch(move |batch, time| {
            let file = outputs.join(format!("{:010}", time.as_millis()));
            let text = format!("{:?}", batch.into_vec());
            match fs::read_to_string(&file) {
                Ok(before) if before != text => Err("a batch has changed".into()),
                Ok(_) => Ok(()),
                Err(_) => {
                    let aside = file.with_extension("part");
                    fs::write(&aside, text)?;
                    Ok(fs::rename(aside, file)?)
                }
            }
        });
        numbers
            .map(|n: u64| ((), n))
            .update_state_by_key(|_, new, old| {
                Some(new.fold(old.unwrap_or(0u64), u64::wrapping_add))
            })
            .map(|((), sum)| sum.to_string())
            .save_as_text_files(root.join("sum").to_string_lossy(), "");
        Ok(ctx)
    };
    let mut driver = StreamingContext::recover_or(&checkpoints, build)?.into_driver()?;
    let mut number = u64::from(std::process::id()) << 32;
    while driver.next_time().as_millis() <= BATCHES * 1_000 {
        // What the log has comes first.
        if !driver.has_pending() {
            queue.push((number..number + 100).collect());
            number += 100;
        }
        driver.step(driver.next_time())?;
    }
    Ok(())
}

/// After any kills, the sum is that of the batches that were given.
fn what_is_logged_survives(root: &Path, wanted: u64) {
    fs::create_dir(root).unwrap();
    let (mut kills, mut moments) = (0, 7);
    while kills < wanted {
        let round = root.join(kills.to_string());
        while kills < wanted && live(LOGGING, &round, Some(moment(&mut moments))) {
            kills += 1;
        }
        assert!(!live(LOGGING, &round, None));
        let (mut sum, mut batches) = (0u64, 0);
        for (path, text) in tree(&round.join("batches")) {
            // One that was being written when it was killed was written again.
            if path.extension().is_some() {
                continue;
            }
            let text = String::from_utf8(text).unwrap();
            let numbers = text.trim_matches(['[', ']']).split(", ");
            let numbers = numbers.map(|n| n.parse::<u64>().unwrap());
            sum = numbers.fold(sum, u64::wrapping_add);
            batches += 1;
        }
        assert_eq!(batches, BATCHES);
        let last = tree(&round.join(format!("sum-{}", BATCHES * 1_000)));
        let last: Vec<u8> = last.into_values().flatten().collect();
        assert_eq!(String::from_utf8(last).unwrap().trim(), sum.to_string());
    }
    println!("durability: {kills} kills of a stream with a log, nothing lost and nothing twice");
}

/// Batch times and items.
type Ran = Arc<Mutex<Vec<(u64, Vec<u64>)>>>;

/// Starts a stream of thirty numbers on a clock, or goes on with it.
fn start(root: &Path, every: u64, ran: &Ran) -> RunningStream {
    let build = || -> Result<StreamingContext, BoxError> {
        let ctx = StreamingContext::builder("clock")
            .threads(1)
            .batch_interval(Duration::from_millis(20))
            .checkpoint(root, Every::batches(every))
            .build()?;
        let ran = Arc::clone(ran);
        let numbers = ctx.from_iter(0..30u64, 1);
        numbers.for_each_batch(move |batch, time| {
            let mut ran = ran.lock().unwrap();
            ran.push((time.as_millis(), batch.into_vec()));
            Ok(())
        });
        Ok(ctx)
    };
    let ctx = StreamingContext::recover_or(root, build).unwrap();
    ctx.start().unwrap()
}

/// A stream on a clock that is recovered runs the batches it has missed, then goes on.
fn on_a_clock(root: &Path) {
    let times = Ran::default();
    let start = || start(root, 1, &times);
    let first = start();
    sleep(Duration::from_millis(200));
    first.stop().unwrap();
    sleep(Duration::from_millis(200));
    start().await_termination().unwrap();
    let times = times.lock().unwrap();
    let begin = times[0].0;
    let expected: Vec<_> = (0..30).map(|n| (begin + 20 * n, vec![n])).collect();
    assert_eq!(*times, expected);
}

/// A stream on a clock that is lost before its first checkpoint begins again with the same times.
fn on_a_clock_without_a_checkpoint(root: &Path) {
    let times = Ran::default();
    let start = || start(root, 1_000, &times);
    let first = start();
    while times.lock().unwrap().len() < 3 {
        sleep(Duration::from_millis(1));
    }
    first.stop_now().unwrap();
    let before = std::mem::take(&mut *times.lock().unwrap());
    start().await_termination().unwrap();
    let times = times.lock().unwrap();
    assert_eq!(before[..], times[..before.len()]);
    assert_eq!(times.len(), 30);
}

/// A newer program's checkpoint is not passed over in favour of an older one.
fn a_newer_format_is_refused(root: &Path) {
    let build = || -> Result<StreamingContext, BoxError> {
        let builder = StreamingContext::builder("newer").threads(1);
        let ctx = builder.checkpoint(root, Every::batches(1)).build()?;
        ctx.from_iter(0..9u64, 1).for_each_batch(|_, _| Ok(()));
        Ok(ctx)
    };
    let mut driver = build().unwrap().into_driver().unwrap();
    for _ in 0..3 {
        driver.step(driver.next_time()).unwrap();
    }
    // The last checkpoint is waited for.
    drop(driver);
    let manifest = root.join("batch-00000000000000003000/manifest");
    let mut bytes = fs::read(&manifest).unwrap();
    bytes[8] = 3;
    let check = crc32fast::hash(&bytes[..12]);
    bytes[12..16].copy_from_slice(&check.to_le_bytes());
    fs::write(&manifest, bytes).unwrap();
    let error = StreamingContext::recover_or(root, build).unwrap_err();
    let error = error.to_string();
    assert!(error.contains("manifest has format version 3"), "{error}");
}

fn main() {
    if let Some(root) = env::var_os(CHILD) {
        return word_count(Path::new(&root), Memory).unwrap();
    }
    if let Some(root) = env::var_os(LOGGING) {
        return logged_sums(Path::new(&root)).unwrap();
    }
    if let Some(root) = env::var_os(soak::CHILD) {
        return soak::count_until_stopped(Path::new(&root)).unwrap();
    }
    if let Ok(seconds) = env::var(soak::SECONDS) {
        let directory = tempfile::tempdir().unwrap();
        return soak::run(&directory.path().join("soak"), seconds.parse().unwrap());
    }
    let wanted = wanted();
    let directory = tempfile::tempdir().unwrap();
    let root = |name: &str| directory.path().join(name);
    on_a_clock(&root("clock"));
    on_a_clock_without_a_checkpoint(&root("log alone"));
    a_newer_format_is_refused(&root("newer"));
    write_input(&root("input"));
    assert!(!live(CHILD, &root("unbroken"), None));
    let expected = tree(&root("unbroken"));
    assert!(expected.len() as u64 > 3 * BATCHES);

    what_is_counted_survives(CHILD, &root("broken"), &expected, wanted);
    what_is_logged_survives(&root("logged"), wanted);
}
