//! What was received by inputs that push is not lost with the process.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use forebay::stream::{BatchQueue, BatchTime, BoxError, CutLog, Driver, Every, StreamingContext};

/// The items of each batch, in the order of the batches, however often they ran.
type Seen = Arc<Mutex<Vec<(u64, Vec<String>)>>>;

fn open(
    directory: &Path,
    every: u64,
    queue: &BatchQueue<String>,
    seen: &Seen,
) -> Result<Driver, BoxError> {
    let build = || -> Result<StreamingContext, BoxError> {
        let ctx = StreamingContext::builder("logs")
            .threads(1)
            .partitions(2)
            .checkpoint(directory, Every::batches(every))
            .write_ahead_log()
            .build()?;
        let seen = Arc::clone(seen);
        ctx.queue_stream(queue)
            .named("the/queue")
            .for_each_batch(move |batch, time| {
                seen.lock()
                    .unwrap()
                    .push((time.as_millis(), batch.into_vec()));
                Ok(())
            });
        Ok(ctx)
    };
    Ok(StreamingContext::recover_or(directory, build)?.into_driver()?)
}

/// Every third batch is empty.
fn items(batch: u64) -> Vec<String> {
    let count = if batch.is_multiple_of(3) { 0 } else { batch };
    (0..count).map(|n| format!("{batch}: {n}")).collect()
}

fn step(driver: &mut Driver, queue: &BatchQueue<String>) {
    queue.push(items(driver.next_time().as_millis() / 1_000));
    driver.step(driver.next_time()).unwrap();
}

#[test]
fn batches_get_what_they_had_got_then_what_comes_wherever_the_stream_is_lost() {
    for lost_after in 1..9 {
        let directory = tempfile::tempdir().unwrap();
        let seen = Seen::default();
        let queue = BatchQueue::new();
        let mut driver = open(directory.path(), 3, &queue, &seen).unwrap();
        (0..lost_after).for_each(|_| step(&mut driver, &queue));
        // This one has come, but no batch has taken it.
        queue.push(vec!["lost".into()]);
        drop(driver);
        let first: Vec<_> = std::mem::take(&mut *seen.lock().unwrap());
        let queue = BatchQueue::new();
        let mut driver = open(directory.path(), 3, &queue, &seen).unwrap();
        let restored = driver.last_time().map_or(0, BatchTime::as_millis);
        assert_eq!(restored, lost_after / 3 * 3_000);
        while driver.has_pending() {
            driver.step(driver.next_time()).unwrap();
        }
        step(&mut driver, &queue);
        let mut again = seen.lock().unwrap().clone();
        let (time, last) = again.pop().unwrap();
        assert_eq!(last, items(time / 1_000));
        let missed = first.into_iter().filter(|(time, _)| *time > restored);
        // Trailing empty batches are in no log.
        let missed: Vec<_> = missed.take(again.len()).collect();
        assert_eq!(again, missed);
        assert!(again.len() as u64 >= (lost_after - restored / 1_000).saturating_sub(1));
    }
}

/// The segments of the only log, oldest first.
fn segments(directory: &Path) -> Vec<PathBuf> {
    let log = directory.join("log/the%2fqueue");
    let entries = fs::read_dir(log).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

#[test]
fn a_torn_record_is_cut_off_and_said_and_the_others_stand() {
    let directory = tempfile::tempdir().unwrap();
    let (queue, seen) = (BatchQueue::new(), Seen::default());
    let mut driver = open(directory.path(), 100, &queue, &seen).unwrap();
    (0..2).for_each(|_| step(&mut driver, &queue));
    drop(driver);
    let [segment] = &segments(directory.path())[..] else {
        panic!("there is one segment");
    };
    let whole = fs::read(segment).unwrap();
    let (mut most, mut least) = (0, usize::MAX);
    for length in 0..=whole.len() {
        fs::write(segment, &whole[..length]).unwrap();
        let (queue, seen) = (BatchQueue::new(), Seen::default());
        let mut driver = open(directory.path(), 100, &queue, &seen).unwrap();
        let cut = driver.recovery().unwrap().cut_logs().to_vec();
        let left = fs::metadata(segment).unwrap().len();
        assert_eq!(
            cut.iter().map(CutLog::bytes).sum::<u64>(),
            length as u64 - left
        );
        assert!(cut.iter().all(|cut| cut.path() == segment));
        while driver.has_pending() {
            driver.step(driver.next_time()).unwrap();
        }
        let found: Vec<_> = seen
            .lock()
            .unwrap()
            .iter()
            .map(|(_, items)| items.len())
            .collect();
        let expected: [&[usize]; 3] = [&[], &[1], &[1, 2]];
        assert!(expected.contains(&&found[..]), "{found:?}");
        (most, least) = (most.max(found.len()), least.min(found.len()));
    }
    assert_eq!((least, most), (0, 2));
}

#[test]
fn damage_before_the_end_of_a_log_is_an_error_not_a_loss() {
    let directory = tempfile::tempdir().unwrap();
    let (queue, seen) = (BatchQueue::new(), Seen::default());
    let mut driver = open(directory.path(), 100, &queue, &seen).unwrap();
    (0..5).for_each(|_| step(&mut driver, &queue));
    drop(driver);
    let segment = segments(directory.path()).remove(0);
    let whole = fs::read(&segment).unwrap();
    // In the first record, after the header of the file and the length of the record.
    for at in 16 + 8..16 + 8 + 10 {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        fs::write(&segment, damaged).unwrap();
        let error = open(directory.path(), 100, &queue, &seen).unwrap_err();
        assert!(error.to_string().contains("is damaged"), "{error}");
    }
    fs::write(&segment, &whole).unwrap();
    open(directory.path(), 100, &queue, &seen).unwrap();
}

#[test]
fn a_log_of_another_type_or_of_a_stream_that_starts_over_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (queue, seen) = (BatchQueue::new(), Seen::default());
    let mut driver = open(directory.path(), 2, &queue, &seen).unwrap();
    (0..2).for_each(|_| step(&mut driver, &queue));
    drop(driver);
    let build = |name: &'static str| -> Result<StreamingContext, BoxError> {
        let ctx = StreamingContext::builder("logs")
            .checkpoint(directory.path(), Every::batches(2))
            .write_ahead_log()
            .build()?;
        let (_, numbers) = ctx.channel::<u64>(1);
        numbers.named(name).print();
        Ok(ctx)
    };
    let error = build("the/queue")
        .unwrap()
        .into_driver()
        .unwrap_err()
        .to_string();
    assert!(error.contains("recover them or remove them"), "{error}");
    let recovered = |name| {
        let ctx = StreamingContext::recover_or(directory.path(), || build(name));
        ctx.unwrap().into_driver().unwrap_err().to_string()
    };
    let error = recovered("the/queue");
    assert!(
        error.contains("\"log of string\"") && error.contains("\"log of u64\""),
        "{error}"
    );
    // Without the checkpoint the log alone says that something is amiss.
    fs::remove_dir_all(directory.path().join("batch-00000000000000002000")).unwrap();
    let error = recovered("another");
    assert!(
        error.contains("the program has no operator of this name with state"),
        "{error}"
    );
}

#[test]
fn segments_that_no_checkpoint_needs_are_removed() {
    let directory = tempfile::tempdir().unwrap();
    let (queue, seen) = (BatchQueue::new(), Seen::default());
    let mut driver = open(directory.path(), 2, &queue, &seen).unwrap();
    let big = "x".repeat(100_000);
    let mut most = 0;
    for _ in 0..40 {
        queue.push(vec![big.clone()]);
        driver.step(driver.next_time()).unwrap();
        most = most.max(segments(directory.path()).len());
    }
    assert!(most < 12, "{most} segments");
    drop(driver);
    // From the newest checkpoint on everything is there.
    let mut driver = open(directory.path(), 2, &BatchQueue::new(), &seen).unwrap();
    assert!(!driver.has_pending());
    driver.step(driver.next_time()).unwrap();
    assert_eq!(seen.lock().unwrap().last().unwrap().1.len(), 0);
}
