//! Inputs read by position: what they promise, and that a run can go on where another was.

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex};

use forebay::stream::{
    BoxError, Codec, Driver, Every, FilesRead, Positions, Source, StepError, StreamingContext,
    TextFiles,
};

use super::{Seen, builder, context, millis, run};

/// A log of two partitions, of which a range is read or refused.
#[derive(Clone, Default)]
struct Log {
    /// Shifts where plans begin.
    shift: u64,
    /// How many partitions a plan leaves out.
    missing: usize,
}

const LOG: [[u64; 5]; 2] = [[0, 1, 2, 3, 4], [10, 11, 12, 13, 14]];

impl Source for Log {
    type Item = u64;
    type Position = u64;

    fn start(&mut self) -> Result<Vec<u64>, BoxError> {
        Ok(vec![0, 0])
    }

    fn plan(&mut self, at: &[u64], limit: usize) -> Result<Vec<Range<u64>>, BoxError> {
        let share = (limit / 2).clamp(1, 2) as u64;
        let ranges = at.iter().map(|at| at + self.shift..(at + share).min(5));
        Ok(ranges.skip(self.missing).collect())
    }

    fn read(&mut self, partition: usize, range: &Range<u64>) -> Result<Vec<u64>, BoxError> {
        Ok(LOG[partition][range.start as usize..range.end as usize].to_vec())
    }

    fn is_finished(&self, at: &[u64]) -> bool {
        at == [5, 5]
    }
}

#[test]
fn a_source_is_read_to_its_end_and_its_positions_follow_the_batches() {
    let ctx = context();
    let (items, positions) = ctx.source_from(Log::default(), None);
    let seen = Seen::of(&items);
    assert!(positions.get().is_empty());
    let mut driver = ctx.into_driver().unwrap();
    for (time, at) in [(1_000, 2), (2_000, 4), (3_000, 5)] {
        driver.step(millis(time)).unwrap();
        assert_eq!(positions.get(), [at, at]);
    }
    assert!(driver.is_finished());
    assert_eq!(
        seen.batches(),
        [vec![0, 1, 10, 11], vec![2, 3, 12, 13], vec![4, 14]]
    );
}

#[test]
fn a_run_from_the_positions_of_another_continues_it() {
    for batches in 0..=3 {
        let ctx = context();
        let (items, positions) = ctx.source_from(Log::default(), None);
        let before = Seen::of(&items);
        let mut driver = ctx.into_driver().unwrap();
        for batch in 1..=batches {
            driver.step(millis(1_000 * batch)).unwrap();
        }
        let ctx = context();
        let (items, _) = ctx.source_from(Log::default(), Some(positions.get()));
        let after = Seen::of(&items);
        run(ctx);
        let mut all = [before.batches().concat(), after.batches().concat()].concat();
        all.sort();
        assert_eq!(all, LOG.concat());
    }
}

#[test]
fn a_failing_batch_leaves_the_positions_where_they_were() {
    let ctx = context();
    let (items, positions) = ctx.source_from(Log::default(), None);
    items
        .try_map(|n| if n == 12 { Err("twelve") } else { Ok(n) })
        .for_each_batch(|_, _| Ok(()));
    let mut driver = ctx.into_driver().unwrap();
    driver.run_to_end().unwrap_err();
    assert_eq!(positions.get(), [2, 2]);
}

#[test]
fn a_plan_that_would_lose_items_fails_the_batch() {
    for (shift, missing, message) in [
        (1, 0, "the plan of partition 0 begins at 1, not at 0"),
        (0, 1, "the plan has 1 partitions of 2"),
    ] {
        let ctx = context();
        let _seen = Seen::of(&ctx.source(Log { shift, missing }));
        let error = ctx.into_driver().unwrap().step(millis(1_000)).unwrap_err();
        assert!(matches!(error, StepError::Batch(_)));
        assert!(error.to_string().contains(message), "{error}");
    }
}

/// Steps a stream over a directory, at most so many lines in a batch.
fn read(
    folder: &Path,
    rate: f64,
    from: Option<Vec<FilesRead>>,
    steps: u64,
) -> (Vec<Vec<String>>, Positions<FilesRead>) {
    let ctx = builder().max_rate(rate).build().unwrap();
    let (lines, positions) = ctx.source_from(TextFiles::new(folder), from);
    let seen = Seen::of(&lines);
    let mut driver = ctx.into_driver().unwrap();
    for step in 1..=steps {
        driver.step(millis(1_000 * step)).unwrap();
    }
    (seen.batches(), positions)
}

#[test]
fn a_limited_directory_is_cut_within_files_and_resumed_at_any_line() {
    let folder = tempfile::tempdir().unwrap();
    let mut all = Vec::new();
    for file in ["a", "b", "c"] {
        let lines: Vec<String> = (0..5).map(|n| format!("{file}{n}")).collect();
        fs::write(folder.path().join(file), lines.join("\n")).unwrap();
        all.extend(lines);
    }
    let (batches, _) = read(folder.path(), 4.0, None, 5);
    assert_eq!(batches[0].len(), 4);
    let mut sorted = batches.concat();
    sorted.sort();
    assert_eq!(sorted, all);
    for steps in 0..=5 {
        let (first, positions) = read(folder.path(), 4.0, None, steps);
        let (rest, _) = read(folder.path(), 1_000.0, Some(positions.get()), 1);
        assert_eq!([first.concat(), rest.concat()].concat(), batches.concat());
    }
}

#[test]
fn a_range_of_files_is_repeatable_by_a_new_source() {
    let folder = tempfile::tempdir().unwrap();
    for file in ["a", "b"] {
        fs::write(folder.path().join(file), "1\n2\n3\n").unwrap();
    }
    let mut first = TextFiles::new(folder.path());
    let mut at = first.start().unwrap();
    for limit in [2, 2, 1, 5] {
        let plan = first.plan(&at, limit).unwrap();
        let lines = first.read(0, &plan[0]).unwrap();
        assert_eq!(
            TextFiles::new(folder.path()).read(0, &plan[0]).unwrap(),
            lines
        );
        at = vec![plan[0].end.clone()];
    }
    assert_eq!(at[0].whole().count(), 2);
    assert_eq!(at[0].begun(), None);
}

#[test]
fn a_begun_file_that_has_become_shorter_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a"), "1\n2\n3\n").unwrap();
    let (_, positions) = read(folder.path(), 2.0, None, 1);
    fs::write(folder.path().join("a"), "1\n").unwrap();
    let ctx = context();
    let (lines, _) = ctx.source_from(TextFiles::new(folder.path()), Some(positions.get()));
    let _seen = Seen::of(&lines);
    let error = ctx.into_driver().unwrap().step(millis(1_000)).unwrap_err();
    assert!(
        error.to_string().contains("it has become shorter"),
        "{error}"
    );
}

/// A source of one partition that never ends, gives ten numbers a batch and records what it releases.
#[derive(Clone, Default)]
struct Released {
    released: Arc<Mutex<Vec<Vec<u64>>>>,
    offsets: Option<&'static str>,
}

impl Source for Released {
    type Item = u64;
    type Position = u64;

    fn start(&mut self) -> Result<Vec<u64>, BoxError> {
        Ok(vec![0])
    }

    fn plan(&mut self, at: &[u64], _: usize) -> Result<Vec<Range<u64>>, BoxError> {
        Ok(at.iter().map(|&from| from..from + 10).collect())
    }

    fn read(&mut self, _: usize, range: &Range<u64>) -> Result<Vec<u64>, BoxError> {
        Ok(range.clone().collect())
    }

    fn position_codec(&self) -> Option<Codec<u64>> {
        self.offsets.map(Codec::serde)
    }

    fn release(&mut self, before: &[u64]) {
        self.released.lock().unwrap().push(before.to_vec());
    }
}

/// The driver of a stream of `source`, with a checkpoint after every batch.
fn checkpointed(directory: &Path, source: &Released) -> Result<Driver, BoxError> {
    let build = || {
        let ctx = builder().checkpoint(directory, Every::batches(1)).build()?;
        let numbers = ctx.source(source.clone());
        numbers.for_each_batch(|_, _| Ok(()));
        Ok::<_, BoxError>(ctx)
    };
    Ok(StreamingContext::recover_or(directory, build)?.into_driver()?)
}

#[test]
fn positions_are_released_in_order_after_a_recovery_too() {
    let (directory, source) = (tempfile::tempdir().unwrap(), Released::default());
    for _ in 0..3 {
        let mut driver = checkpointed(directory.path(), &source).unwrap();
        for _ in 0..4 {
            driver.step(driver.next_time()).unwrap();
        }
    }
    let released = source.released.lock().unwrap();
    // A checkpoint that is still being written at the end of a run releases nothing.
    assert!(released.len() >= 6, "{released:?}");
    let is_position = |before: &Vec<u64>| before.len() == 1 && before[0].is_multiple_of(10);
    assert!(released.iter().all(is_position), "{released:?}");
    assert!(released.is_sorted_by(|a, b| a < b), "{released:?}");
    assert!(*released.last().unwrap() >= vec![90], "{released:?}");
}

#[test]
fn the_codec_of_a_source_comes_before_that_of_the_context() {
    let directory = tempfile::tempdir().unwrap();
    let mut source = Released {
        offsets: Some("offset"),
        ..Released::default()
    };
    let mut driver = checkpointed(directory.path(), &source).unwrap();
    driver.step(driver.next_time()).unwrap();
    drop(driver);
    source.offsets = Some("offset in bytes");
    let error = checkpointed(directory.path(), &source).err().unwrap();
    let error = error.to_string();
    assert!(error.contains("offset in bytes"), "{error}");
}
