//! State that leaves memory: the same results from any backend, and errors where one fails.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use forebay::stream::{
    BatchQueue, BatchTime, BoxError, CheckpointError, ContextBuilder, Data, Driver, Every,
    FailurePolicy, Memory, OperatorReport, PageStore, StartError, State, StateBackend, StateError,
    StateSpec, StepError, StreamingContext,
};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Seen;
use super::recovery::{self, everything, files, settings, steps, unbroken};

/// Pages in a map, and what was done with them.
#[derive(Debug, Default)]
struct Shelf {
    pages: Mutex<HashMap<u64, Vec<u8>>>,
    limit: usize,
    puts: AtomicUsize,
    gets: AtomicUsize,
    /// The call that fails, counted from 1; never if it is 0.
    failing_put: AtomicUsize,
    failing_get: AtomicUsize,
    /// The read whose page is damaged.
    damaged_get: AtomicUsize,
}

/// Hands out a [`Shelf`], to be looked at from outside.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shelves(Arc<Shelf>);

impl Shelves {
    pub(crate) fn with_limit(limit: usize) -> Self {
        Self(Arc::new(Shelf {
            limit,
            ..Shelf::default()
        }))
    }
}

impl StateBackend for Shelves {
    fn open(&self) -> Result<Option<Box<dyn PageStore>>, StateError> {
        Ok(Some(Box::new(self.clone())))
    }
}

/// Counts a call and says which it is, from 1.
fn count(calls: &AtomicUsize) -> usize {
    calls.fetch_add(1, Ordering::SeqCst) + 1
}

fn is_it(call: usize, told: &AtomicUsize) -> bool {
    call == told.load(Ordering::SeqCst)
}

impl PageStore for Shelves {
    fn memory_limit(&self) -> usize {
        self.0.limit
    }

    fn put(&self, page: u64, bytes: &[u8]) -> Result<(), StateError> {
        if is_it(count(&self.0.puts), &self.0.failing_put) {
            return Err(StateError::new("shelf", "no space left on device"));
        }
        let before = self.0.pages.lock().unwrap().insert(page, bytes.to_vec());
        assert_eq!(before, None, "page {page} is written twice");
        Ok(())
    }

    fn get(&self, page: u64) -> Result<Vec<u8>, StateError> {
        let call = count(&self.0.gets);
        if is_it(call, &self.0.failing_get) {
            return Err(StateError::new("shelf", "input/output error"));
        }
        let mut bytes = self.0.pages.lock().unwrap()[&page].clone();
        if is_it(call, &self.0.damaged_get) {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
        }
        Ok(bytes)
    }

    fn remove(&self, page: u64) -> Result<(), StateError> {
        let before = self.0.pages.lock().unwrap().remove(&page);
        assert!(before.is_some(), "page {page} is removed twice");
        Ok(())
    }
}

#[test]
fn every_operator_gives_the_same_whatever_leaves_memory() {
    for partitions in [1, 3, 8] {
        let expected = unbroken(partitions);
        for limit in [0, 2_000, 20_000, usize::MAX] {
            for threads in [1, 2, 8] {
                let (seen, shelves) = (recovery::Seen::default(), Shelves::with_limit(limit));
                let settings = settings(partitions).threads(threads);
                let ctx = everything(settings.state_backend(shelves.clone()), &seen);
                ctx.into_driver().unwrap().run_to_end().unwrap();
                assert_eq!(*seen.lock().unwrap(), *expected.lock().unwrap(), "{limit}");
                assert_eq!(
                    shelves.0.puts.load(Ordering::SeqCst) == 0,
                    limit == usize::MAX
                );
                assert!(
                    shelves.0.pages.lock().unwrap().is_empty(),
                    "a page is left over"
                );
            }
        }
    }
}

/// How many bytes stay of 12,800 such states, each of which owns so many, within 1,000,000.
fn bytes_that_stay<S>(state: &S, owned: usize) -> usize
where
    S: Data + Serialize + DeserializeOwned,
{
    let shelves = Shelves::with_limit(1_000_000);
    let settings = super::builder().durable::<S>("state");
    let ctx = settings.state_backend(shelves.clone()).build().unwrap();
    let state = state.clone();
    ctx.batches([(0..12_800u64).collect::<Vec<_>>()])
        .map(|n| (n, ()))
        .update_state_by_key(move |_, _, _| Some(state.clone()))
        .for_each_batch(|_, _| Ok(()));
    let mut driver = ctx.into_driver().unwrap();
    let report = driver.step(driver.next_time()).unwrap();
    let mut operators = report.operators().iter();
    let tables = operators.find_map(OperatorReport::state).unwrap();
    // All of 128 tables are about as large.
    let left = 128 - shelves.0.pages.lock().unwrap().len();
    tables.bytes() + tables.keys() * left / 128 * owned
}

#[test]
fn what_states_own_counts_towards_the_limit() {
    let (header, word) = (size_of::<String>(), 32);
    let staying = [
        bytes_that_stay(&"x".repeat(184), 192),
        // A number is a byte in a page.
        bytes_that_stay(&vec![1u64; 40], 40 * 8 + 16),
        bytes_that_stay(&vec!["ebb".to_string(); 8], 8 * header + 16 + 8 * word),
    ];
    for bytes in staying {
        assert!((900_000..1_100_000).contains(&bytes), "{staying:?}");
    }
}

/// The bytes of the tables in memory after one more batch.
fn bytes_in_memory(driver: &mut Driver) -> usize {
    let report = driver.step(driver.next_time()).unwrap();
    assert!(report.failure().is_none());
    let mut operators = report.operators().iter();
    operators.find_map(OperatorReport::state).unwrap().bytes()
}

#[test]
fn the_limit_holds_after_batches_that_failed() {
    const LIMIT: usize = 100_000;
    for policy in [FailurePolicy::Skip, FailurePolicy::Retry(1)] {
        let settings = super::builder().threads(1).on_failure(policy);
        let shelves = Shelves::with_limit(LIMIT);
        let ctx = settings.state_backend(shelves).build().unwrap();
        let queue = BatchQueue::new();
        let sums = ctx
            .queue_stream(&queue)
            .map(|n: u64| (n, n))
            .state_by_key(StateSpec::new(
                |_, _: &u64, n: Option<u64>, sum: &mut State<u64>| {
                    sum.update(sum.get().unwrap_or(&0) + n?);
                    None::<()>
                },
            ));
        // The state is changed before the output fails.
        let fails = Arc::new(AtomicUsize::new(0));
        let told = Arc::clone(&fails);
        sums.for_each_batch(move |_, _| match told.swap(0, Ordering::SeqCst) {
            0 => Ok(()),
            _ => Err("told to".into()),
        });
        let mut driver = ctx.into_driver().unwrap();
        queue.push((0..20_000).collect());
        let first = bytes_in_memory(&mut driver);
        assert!(first > LIMIT / 2, "{first}");
        for round in 0..10 {
            fails.store(1, Ordering::SeqCst);
            queue.push(vec![round]);
            driver.step(driver.next_time()).unwrap();
            queue.push((round * 1_000..round * 1_000 + 15).collect());
            let bytes = bytes_in_memory(&mut driver);
            assert!(bytes <= LIMIT, "{bytes} after failure {round}");
        }
    }
}

#[test]
fn the_limit_holds_for_initial_states_that_no_record_touches() {
    const LIMIT: usize = 100_000;
    let settings = super::builder().state_backend(Shelves::with_limit(LIMIT));
    let ctx = settings.build().unwrap();
    let spec = StateSpec::new(|_, _: &u64, _: Option<u64>, _: &mut State<u64>| None::<()>);
    let spec = spec.initial((0..20_000u64).map(|n| (n, n)));
    ctx.batches([vec![(1, 1)]])
        .state_by_key(spec)
        .for_each_batch(|_, _| Ok(()));
    let bytes = bytes_in_memory(&mut ctx.into_driver().unwrap());
    assert!((LIMIT / 2..=LIMIT).contains(&bytes), "{bytes}");
}

fn recover(directory: &Path, builder: ContextBuilder, seen: &recovery::Seen) -> Driver {
    let settings = builder.checkpoint(directory, Every::batches(2));
    let build = || Ok::<_, BoxError>(everything(settings, seen));
    let ctx = StreamingContext::recover_or(directory, build).unwrap();
    ctx.into_driver().unwrap()
}

#[test]
fn a_checkpoint_of_one_backend_is_recovered_into_the_other() {
    let expected = unbroken(3);
    for lost_after in [1, 4, 7, 10] {
        for (first, second) in [(0, 0), (0, usize::MAX), (usize::MAX, 0), (1_000, 5_000)] {
            let (directory, seen) = (tempfile::tempdir().unwrap(), recovery::Seen::default());
            let limited = |limit| settings(3).state_backend(Shelves::with_limit(limit));
            let mut driver = recover(directory.path(), limited(first), &seen);
            steps(&mut driver, lost_after);
            drop(driver);
            let mut driver = recover(directory.path(), limited(second), &seen);
            driver.run_to_end().unwrap();
            assert_eq!(*seen.lock().unwrap(), *expected.lock().unwrap());
        }
    }
}

#[test]
fn checkpoints_do_not_show_what_has_left_memory() {
    let of = |backend: Shelves| {
        let (directory, seen) = (tempfile::tempdir().unwrap(), recovery::Seen::default());
        let settings = settings(2).state_backend(backend);
        steps(&mut recover(directory.path(), settings, &seen), 5);
        let files = files(directory.path()).into_iter();
        let name = |path: &Path| path.file_name().unwrap().to_owned();
        files
            .map(|(path, bytes)| (name(&path), bytes))
            .collect::<Vec<_>>()
    };
    let expected = of(Shelves::with_limit(usize::MAX));
    // Manifests tell the pieces that were written again, and a page that was read for writing
    // counts as written to; the states are the same.
    let states = |files: Vec<_>| {
        let mut files: Vec<(std::ffi::OsString, Vec<u8>)> = files;
        files.retain(|(name, _)| name != "manifest");
        files
    };
    assert_eq!(states(of(Shelves::with_limit(0))), states(expected));
}

/// The batches of sums.
type Sums = Vec<Vec<(u64, u64)>>;

/// Sums by key of 40 batches of all keys, or until it fails.
fn sums(settings: ContextBuilder) -> (Result<usize, StepError>, Sums) {
    let ctx = settings.build().unwrap();
    let sums = ctx
        .batches(vec![(0..200u64).collect::<Vec<_>>(); 40])
        .map(|n| (n % 50, n))
        .update_state_by_key(|_, new, old| Some(old.unwrap_or(0) + new.sum::<u64>()));
    let seen = Seen::of(&sums);
    let ended = ctx.into_driver().unwrap().run_to_end();
    (ended, seen.batches())
}

/// Which counter tells when to fail.
type Way = fn(&Shelf) -> &AtomicUsize;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

/// A state of which it is known how many there are.
#[derive(Debug)]
struct Live(u64);

impl Live {
    fn new(n: u64) -> Self {
        PEAK.fetch_max(count(&LIVE), Ordering::SeqCst);
        Self(n)
    }
}

impl Clone for Live {
    fn clone(&self) -> Self {
        Self::new(self.0)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        LIVE.fetch_sub(1, Ordering::SeqCst);
    }
}

#[test]
fn states_updated_by_partition_are_in_memory_for_one_partition_at_a_time() {
    const PARTITIONS: usize = 8;
    const KEYS: u64 = 800;
    let settings = super::builder()
        .partitions(PARTITIONS)
        .state_backend(Shelves::with_limit(0))
        .durable_with(
            "live",
            |live: &Live| Ok(live.0.to_le_bytes().to_vec()),
            |bytes| Ok(Live::new(u64::from_le_bytes(bytes.try_into()?))),
        );
    let ctx = settings.build().unwrap();
    let states = ctx
        .batches(vec![(0..KEYS).collect::<Vec<_>>(); 4])
        .map(|n| (n, n))
        .update_state_by_partition(|_, keys| {
            keys.map(|(key, new, old)| {
                let mut live = old.unwrap_or_else(|| Live::new(0));
                live.0 += new.into_iter().sum::<u64>();
                // Some keys move to other partitions.
                ((key + u64::from(key % 10 == 0) * 1_000) % 5_000, live)
            })
        });
    let counts = Seen::of(&states.count());
    let handle = states.handle();
    super::run(ctx);
    assert_eq!(counts.batches().len(), 4);
    assert!(counts.batches().iter().all(|count| count[0] >= KEYS));
    let peak = PEAK.load(Ordering::SeqCst);
    assert!(peak < 3 * KEYS as usize / PARTITIONS, "{peak}");
    drop(handle);
    assert_eq!(LIVE.load(Ordering::SeqCst), 0);
}

#[test]
fn an_error_of_the_store_ends_the_stream_and_says_which() {
    let expected = sums(super::builder()).1;
    let ways: [(&str, Way, &str); 3] = [
        (
            "put",
            |shelf| &shelf.failing_put,
            "state in shelf: no space left on device",
        ),
        (
            "get",
            |shelf| &shelf.failing_get,
            "state in shelf: input/output error",
        ),
        (
            "damage",
            |shelf| &shelf.damaged_get,
            "of the state is damaged",
        ),
    ];
    for (name, way, message) in ways {
        for call in [1, 2, 77, 400] {
            let shelves = Shelves::default();
            way(&shelves.0).store(call, Ordering::SeqCst);
            let (ended, seen) = sums(super::builder().state_backend(shelves));
            let Err(StepError::Batch(error)) = ended else {
                panic!("{name} {call}: {ended:?}");
            };
            assert!(!error.is_panic(), "{error}");
            assert!(error.to_string().contains(message), "{error}");
            // What came out before is right, and there is nothing of the batch that failed.
            assert_eq!(seen[..], expected[..seen.len()], "{name} {call}");
            assert!(seen.len() < expected.len());
        }
    }
}

#[test]
fn a_batch_that_the_store_has_failed_can_be_run_again() {
    let expected = sums(super::builder()).1;
    for call in [1, 30, 200, 411] {
        let shelves = Shelves::default();
        shelves.0.failing_get.store(call, Ordering::SeqCst);
        shelves.0.damaged_get.store(call + 50, Ordering::SeqCst);
        let policy = FailurePolicy::Retry(3);
        let settings = super::builder().on_failure(policy).state_backend(shelves);
        let (ended, seen) = sums(settings);
        assert_eq!(ended.unwrap(), 40);
        assert_eq!(seen, expected);
    }
}

#[test]
fn questions_find_what_has_left_memory() {
    let ask = |settings: ContextBuilder| {
        let ctx = settings.build().unwrap();
        let pairs = ctx.batches(
            (0..6u64)
                .map(|b| (0..90).map(|n| (n * n % (31 + b), n)).collect::<Vec<_>>())
                .collect::<Vec<_>>(),
        );
        let spec = StateSpec::new(
            |_: BatchTime, _: &u64, n: Option<u64>, sum: &mut State<u64>| {
                sum.update(sum.get().unwrap_or(&0) + n?);
                None::<()>
            },
        );
        let handle = pairs.state_by_key(spec).handle();
        let mut driver = ctx.into_driver().unwrap();
        let mut answers = Vec::new();
        for _ in 0..6 {
            driver.step(driver.next_time()).unwrap();
            let snapshot = handle.snapshot();
            let all: Vec<(u64, u64)> = snapshot.iter().map(|(k, s)| (*k, *s)).collect();
            let keys: Vec<u64> = (0..40).collect();
            assert_eq!(snapshot.len(), all.len());
            for key in &keys {
                assert_eq!(snapshot.get(key).copied(), handle.get(key));
            }
            answers.push((
                handle.get_many(&keys),
                handle.scan(|k, _| k % 2 == 0, 7),
                handle.top_by(|_, sum| *sum, 5),
                all,
            ));
        }
        answers
    };
    let expected = ask(super::builder());
    assert_eq!(expected.last().unwrap().1.len(), 7);
    assert_eq!(
        ask(super::builder().state_backend(Shelves::with_limit(0))),
        expected
    );
    assert_eq!(
        ask(super::builder().state_backend(Shelves::with_limit(3_000))),
        expected
    );
    assert_eq!(ask(super::builder().state_backend(Memory)), expected);
}

#[test]
fn a_snapshot_of_pages_outlives_the_batches_that_replace_them() {
    let ctx = super::builder()
        .state_backend(Shelves::with_limit(0))
        .build()
        .unwrap();
    let handle = ctx
        .batches(vec![(0..40u64).collect::<Vec<_>>(); 3])
        .map(|n| (n, n))
        .update_state_by_key(|_, new, old| Some(old.unwrap_or(0) + new.sum::<u64>()))
        .handle();
    let mut driver = ctx.into_driver().unwrap();
    driver.step(driver.next_time()).unwrap();
    let first = handle.snapshot();
    driver.run_to_end().unwrap();
    assert!(first.iter().all(|(key, sum)| key == sum));
    assert_eq!(first.iter().count(), 40);
    assert!(handle.snapshot().iter().all(|(key, sum)| 3 * key == *sum));
}

#[test]
fn types_that_may_leave_memory_must_be_durable() {
    let ctx = super::builder()
        .state_backend(Shelves::default())
        .build()
        .unwrap();
    let pairs = ctx.batches([vec![(1u64, Some(1u64))]]);
    let last = pairs
        .update_state_by_key(|_, new, old| new.last().or(old))
        .named("last");
    last.for_each_batch(|_, _| Ok(()));
    match ctx.into_driver() {
        Err(StartError::Checkpoint(CheckpointError::NotDurable { operator, .. })) => {
            assert_eq!(operator, "last");
        }
        other => panic!("{other:?}"),
    }
}
