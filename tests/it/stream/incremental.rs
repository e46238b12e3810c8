//! Checkpoints hold everything and write only what has changed.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use forebay::stream::{
    BatchTime, BoxError, CheckpointReport, Driver, Every, State, StateHandle, StateSpec,
    StreamEvent, StreamingContext,
};

const KEYS: u64 = 20_000;

type Reports = Arc<Mutex<Vec<CheckpointReport>>>;

/// Counts of all keys in the first batch, then of a key a batch; every third batch removes it.
fn counts(
    directory: &Path,
    every: Every,
    batches: u64,
) -> Result<(Driver, StateHandle<u64, u64>, Reports), BoxError> {
    let mut handle = None;
    let build = || -> Result<StreamingContext, BoxError> {
        let ctx = StreamingContext::builder("counts")
            .threads(2)
            .checkpoint(directory, every)
            .build()?;
        let count = |time: BatchTime, _: &u64, one: Option<u64>, sum: &mut State<u64>| {
            let new = sum.get().copied().unwrap_or(0) + one?;
            match time.as_millis() % 3_000 {
                0 => sum.remove().map(drop),
                _ => {
                    sum.update(new);
                    None::<()>
                }
            }
        };
        let batch = |n: u64| match n {
            0 => (0..KEYS).collect(),
            n => vec![n * 7_919 % KEYS],
        };
        let counts = ctx
            .batches((0..batches).map(batch))
            .map(|key| (key, 1))
            .state_by_key(StateSpec::new(count));
        handle = Some(counts.handle());
        Ok(ctx)
    };
    let ctx = StreamingContext::recover_or(directory, build)?;
    let reports = Reports::default();
    let heard = Arc::clone(&reports);
    ctx.listen(move |event: &StreamEvent| {
        if let StreamEvent::Checkpointed(report) = event {
            heard.lock().unwrap().push(*report);
        }
    });
    Ok((ctx.into_driver()?, handle.unwrap(), reports))
}

fn all(handle: &StateHandle<u64, u64>) -> Vec<(u64, u64)> {
    handle.scan(|_, _| true, usize::MAX)
}

fn copy_all(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let from = entry.unwrap().path();
        let to = to.join(from.file_name().unwrap());
        match from.is_dir() {
            true => {
                fs::create_dir(&to).unwrap();
                copy_all(&from, &to);
            }
            false => drop(fs::copy(&from, &to).unwrap()),
        }
    }
}

#[test]
fn a_batch_that_touches_one_key_group_writes_one_and_recovery_has_them_all() {
    const BATCHES: u64 = 80;
    let directory = tempfile::tempdir().unwrap();
    let (mut driver, handle, reports) =
        counts(directory.path(), Every::batches(1), BATCHES).unwrap();
    let mut full = Vec::new();
    for batch in 1..=BATCHES {
        driver.step(driver.next_time()).unwrap();
        driver.checkpoint().unwrap();
        let report = *reports.lock().unwrap().last().unwrap();
        assert_eq!(report.time().as_millis(), batch * 1_000);
        let whole = reports.lock().unwrap()[0].bytes();
        // From time to time everything is written anew.
        if report.bytes() * 20 > whole {
            full.push(batch);
        }
        let newest = directory
            .path()
            .join(format!("batch-{:020}", batch * 1_000));
        assert!(fs::read_dir(newest).unwrap().count() <= 34);
        if batch % 7 == 0 {
            // The directory is in use.
            let copy = tempfile::tempdir().unwrap();
            copy_all(directory.path(), copy.path());
            let (_, recovered, _) = counts(copy.path(), Every::batches(1), BATCHES).unwrap();
            assert_eq!(recovered.time(), Some(report.time()));
            assert_eq!(all(&recovered), all(&handle), "after batch {batch}");
        }
    }
    assert!(full.len() > 1 && full.len() < 6, "{full:?}");
}

#[test]
fn the_end_of_a_stream_has_a_checkpoint_whatever_the_interval() {
    for every in [Every::auto(), Every::batches(1_000)] {
        let directory = tempfile::tempdir().unwrap();
        let (mut driver, handle, reports) = counts(directory.path(), every, 9).unwrap();
        assert_eq!(driver.run_to_end().unwrap(), 9);
        let last = *reports.lock().unwrap().last().unwrap();
        assert_eq!(last.time().as_millis(), 9_000);
        assert_eq!(last.keys(), all(&handle).len() as u64);
        // There is nothing to be done again.
        driver.checkpoint().unwrap();
        assert_eq!(reports.lock().unwrap().last(), Some(&last));
        let counted = all(&handle);
        drop(driver);
        let (recovered, again, _) = counts(directory.path(), every, 9).unwrap();
        assert!(recovered.is_finished());
        assert_eq!(all(&again), counted);
    }
}
