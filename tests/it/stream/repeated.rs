//! A batch that comes again after a crash has the items that it had, whatever has come since and
//! however fast the input may be read now.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex};

use forebay::stream::{
    BatchQueue, BoxError, DStream, Driver, Every, FailurePolicy, ReplayableQueue, Source,
    StreamingContext,
};
use proptest::prelude::*;

use super::builder;

/// A log with two partitions that grow, the second of which appears late. Reads may fail.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    partitions: Vec<Vec<u64>>,
    /// How many reads succeed before one fails.
    until_failure: Option<u32>,
}

impl Source for Log {
    type Item = u64;
    type Position = u64;

    fn start(&mut self) -> Result<Vec<u64>, BoxError> {
        Ok(vec![0])
    }

    fn plan(&mut self, at: &[u64], limit: usize) -> Result<Vec<Range<u64>>, BoxError> {
        let inner = self.0.lock().unwrap();
        let starts = at.iter().copied().chain(std::iter::repeat(0));
        let ends = inner.partitions.iter().map(|items| items.len() as u64);
        let range = |(at, end): (u64, u64)| at..end.min(at.saturating_add(limit as u64));
        Ok(starts.zip(ends).map(range).collect())
    }

    fn read(&mut self, partition: usize, range: &Range<u64>) -> Result<Vec<u64>, BoxError> {
        let mut inner = self.0.lock().unwrap();
        match &mut inner.until_failure {
            Some(0) => {
                inner.until_failure = None;
                return Err("the network is down".into());
            }
            Some(reads) => *reads -= 1,
            None => {}
        }
        Ok(inner.partitions[partition][range.start as usize..range.end as usize].to_vec())
    }
}

/// An input by position, and where its items come from.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Log,
    Files,
    Queue,
    Iterator,
    Batches,
}

struct Input<'a> {
    kind: Kind,
    log: Log,
    directory: &'a Path,
    /// All items so far, in the order in which they came.
    items: Vec<u64>,
}

impl Input<'_> {
    /// More items come.
    fn grow(&mut self, by: u64) {
        let first = self.items.len() as u64;
        let new = first..first + by;
        self.items.extend(new.clone());
        match self.kind {
            Kind::Files => {
                let text: String = new.map(|item| format!("{item}\n")).collect();
                fs::write(self.directory.join(format!("{first:05}.txt")), text).unwrap();
            }
            _ => {
                let mut inner = self.log.0.lock().unwrap();
                let partitions = 1 + usize::from(first > 20);
                inner.partitions.resize_with(partitions, Vec::new);
                new.for_each(|item| inner.partitions[item as usize % partitions].push(item));
            }
        }
    }

    fn attach<'c>(&self, ctx: &'c StreamingContext) -> DStream<'c, u64> {
        let whole = || self.items.chunks(7).map(<[u64]>::to_vec);
        match self.kind {
            Kind::Log => ctx.source(self.log.clone()),
            Kind::Files => {
                let lines = ctx.text_files(self.directory);
                lines
                    .map(|line| line.parse().unwrap())
                    .transform(|batch, _| Ok::<_, BoxError>(batch))
            }
            Kind::Queue => ctx.source(whole().collect::<ReplayableQueue<u64>>()),
            Kind::Iterator => ctx.from_iter(self.items.clone(), 9),
            Kind::Batches => ctx.batches(whole()),
        }
    }
}

/// The items of each batch; a batch that comes again must have the same.
type Seen = Arc<Mutex<BTreeMap<u64, Vec<u64>>>>;

fn open(
    checkpoints: &Path,
    every: u64,
    rate: f64,
    policy: FailurePolicy,
    input: &Input<'_>,
    seen: &Seen,
) -> Driver {
    let build = || -> Result<StreamingContext, BoxError> {
        let ctx = builder()
            .max_rate(rate)
            .on_failure(policy)
            .checkpoint(checkpoints, Every::batches(every))
            .build()?;
        let seen = Arc::clone(seen);
        input.attach(&ctx).for_each_batch(move |batch, time| {
            let mut seen = seen.lock().unwrap();
            let items = batch.into_vec();
            let before = seen
                .entry(time.as_millis())
                .or_insert_with(|| items.clone());
            match *before == items {
                true => Ok(()),
                false => Err(format!("{time}: {before:?} before, {items:?} now").into()),
            }
        });
        Ok(ctx)
    };
    let context = StreamingContext::recover_or(checkpoints, build).unwrap();
    context.into_driver().unwrap()
}

#[derive(Debug, Clone)]
enum Act {
    Grow(u64),
    Step,
    FailAfter(u32),
    Crash { rate: u32 },
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        2 => (1..15u64).prop_map(Act::Grow),
        6 => Just(Act::Step),
        1 => (0..3u32).prop_map(Act::FailAfter),
        2 => (1..30u32).prop_map(|rate| Act::Crash { rate }),
    ];
    proptest::collection::vec(act, 1..40)
}

fn kinds() -> impl Strategy<Value = Kind> {
    prop_oneof![
        Just(Kind::Log),
        Just(Kind::Files),
        Just(Kind::Queue),
        Just(Kind::Iterator),
        Just(Kind::Batches),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_batch_that_comes_again_has_the_items_that_it_had(
        kind in kinds(),
        every in 1..6u64,
        policy in prop_oneof![Just(FailurePolicy::Skip), Just(FailurePolicy::Retry(1))],
        acts in acts(),
    ) {
        let (checkpoints, files) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut input = Input {
            kind,
            log: Log::default(),
            directory: files.path(),
            items: Vec::new(),
        };
        let grows = matches!(kind, Kind::Log | Kind::Files);
        input.grow(if grows { 3 } else { 60 });
        let seen = Seen::default();
        let open = |rate, input: &Input<'_>| {
            open(checkpoints.path(), every, f64::from(rate), policy, input, &seen)
        };
        let mut driver = open(10, &input);
        let mut reading_has_failed = false;
        for act in acts {
            match act {
                Act::Grow(by) if grows => input.grow(by),
                Act::Grow(_) => {}
                Act::FailAfter(reads) => input.log.0.lock().unwrap().until_failure = Some(reads),
                Act::Step => {
                    let report = driver.step(driver.next_time()).unwrap();
                    let failure = report.failure().map(ToString::to_string);
                    reading_has_failed |= failure.is_some();
                    prop_assert!(failure.is_none_or(|it| it.contains("network")), "{report:?}");
                }
                Act::Crash { rate } => {
                    drop(driver);
                    driver = open(rate, &input);
                }
            }
        }
        // Everything comes in the end, once; at least once if reading has failed.
        input.log.0.lock().unwrap().until_failure = None;
        loop {
            let done: BTreeSet<u64> = seen.lock().unwrap().values().flatten().copied().collect();
            if done.len() >= input.items.len() {
                break;
            }
            driver.step(driver.next_time()).unwrap();
        }
        let mut all: Vec<u64> = seen.lock().unwrap().values().flatten().copied().collect();
        all.sort_unstable();
        // The last batch of a run may have been output before it comes again. If it cannot be read
        // then and is left out, the next batch has its items.
        if reading_has_failed {
            all.dedup();
        }
        prop_assert_eq!(all, input.items);
    }
}

/// The program says where to begin: what an earlier run planned is not its plan.
#[test]
fn positions_that_are_given_win_over_the_plans_of_an_earlier_run() {
    let checkpoints = tempfile::tempdir().unwrap();
    let log = Log::default();
    log.0.lock().unwrap().partitions = vec![(0..10).collect()];
    let open = |from: Option<Vec<u64>>| {
        let build = || -> Result<StreamingContext, BoxError> {
            let never = Every::batches(u64::MAX);
            let ctx = builder().checkpoint(checkpoints.path(), never).build()?;
            let (numbers, _) = ctx.source_from(log.clone(), from.clone());
            numbers.count().print();
            Ok(ctx)
        };
        let context = StreamingContext::recover_or(checkpoints.path(), build).unwrap();
        context.into_driver().unwrap()
    };
    let mut driver = open(None);
    assert_eq!(driver.step(driver.next_time()).unwrap().items(), 10);
    drop(driver);
    let mut driver = open(Some(vec![8]));
    assert_eq!(driver.step(driver.next_time()).unwrap().items(), 2);
}

/// A stream that is lost before its first checkpoint begins again with the same batch times.
#[test]
fn the_first_batch_keeps_its_time() {
    let (checkpoints, files) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut input = Input {
        kind: Kind::Log,
        log: Log::default(),
        directory: files.path(),
        items: Vec::new(),
    };
    input.grow(5);
    let seen = Seen::default();
    let open = |input: &Input<'_>| {
        open(
            checkpoints.path(),
            100,
            100.0,
            FailurePolicy::Stop,
            input,
            &seen,
        )
    };
    let mut driver = open(&input);
    let first = forebay::stream::BatchTime::from_millis(7_000);
    driver.step(first).unwrap();
    drop(driver);
    input.grow(5);
    let mut driver = open(&input);
    assert_eq!((driver.last_time(), driver.next_time()), (None, first));
    assert_eq!(driver.step(first).unwrap().items(), 5);
    assert_eq!(driver.step(driver.next_time()).unwrap().items(), 5);
}

/// A batch that comes again and is left out takes what it had with it: other inputs do not get it one
/// batch later.
#[test]
fn a_batch_left_out_in_a_repetition_shifts_no_other_input() {
    let checkpoints = tempfile::tempdir().unwrap();
    let log = Log::default();
    log.0.lock().unwrap().partitions = vec![vec![]];
    let seen = Seen::default();
    let open = |queue: &BatchQueue<u64>| {
        let build = || -> Result<StreamingContext, BoxError> {
            let ctx = builder()
                .on_failure(FailurePolicy::Skip)
                .checkpoint(checkpoints.path(), Every::batches(100))
                .write_ahead_log()
                .build()?;
            let seen = Arc::clone(&seen);
            let logged = ctx.source(log.clone());
            let listed = ctx.from_iter(100..110u64, 1);
            let both = logged.union(&listed).union(&ctx.queue_stream(queue));
            both.for_each_batch(move |batch, time| {
                let mut items = batch.into_vec();
                items.sort_unstable();
                let mut seen = seen.lock().unwrap();
                let before = seen.entry(time.as_millis()).or_insert(items.clone());
                match *before == items {
                    true => Ok(()),
                    false => Err(format!("{time}: {before:?} before, {items:?} now").into()),
                }
            });
            Ok(ctx)
        };
        let context = StreamingContext::recover_or(checkpoints.path(), build).unwrap();
        context.into_driver().unwrap()
    };
    let queue = BatchQueue::new();
    let mut driver = open(&queue);
    for batch in 0..3 {
        queue.push(vec![1_000 + batch]);
        log.0.lock().unwrap().partitions[0].push(batch);
        driver.step(driver.next_time()).unwrap();
    }
    drop(driver);
    log.0.lock().unwrap().until_failure = Some(0);
    let queue = BatchQueue::new();
    queue.push(vec![2_000]);
    let mut driver = open(&queue);
    let failures: Vec<Option<String>> = (0..4)
        .map(|_| {
            let report = driver.step(driver.next_time()).unwrap();
            report.failure().map(ToString::to_string)
        })
        .collect();
    assert!(
        failures[0].as_ref().unwrap().contains("network"),
        "{failures:?}"
    );
    assert_eq!(failures[1..], [None, None, None]);
    let seen = seen.lock().unwrap();
    assert_eq!(seen[&3_000], [2, 102, 1_002]);
    assert_eq!(seen[&4_000], [103, 2_000]);
}
