//! Questions to a stream that runs.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use forebay::frequent::MisraGries;
use forebay::stream::{
    BatchQueue, BatchTime, BoxError, Driver, FailurePolicy, Source, State, StateHandle, StateSpec,
    StepError, StreamingContext,
};

const ACCOUNTS: u64 = 1_000;
const BATCHES: u64 = 150;

/// Transfers between accounts: whatever the batch, the balances add up to nothing.
fn transfers(batch: u64) -> Vec<(u64, i64)> {
    let transfer = |n: u64| {
        let (from, to) = ((7 * n + batch) % ACCOUNTS, (11 * n + 3) % ACCOUNTS);
        [(from, -(n as i64)), (to, n as i64)]
    };
    (0..2_000).flat_map(transfer).collect()
}

fn context(threads: usize) -> StreamingContext {
    let builder = StreamingContext::builder("handles").threads(threads);
    builder.partitions(3).build().unwrap()
}

fn add(_: BatchTime, _: &u64, amount: Option<i64>, balance: &mut State<(i64, u64)>) -> Option<()> {
    let (sum, count) = balance.get().copied().unwrap_or_default();
    balance.update((sum + amount?, count + 1));
    None
}

/// Asks until told to stop, and checks each answer; returns how many there were.
fn ask(handle: &StateHandle<u64, (i64, u64)>, done: &AtomicBool) -> usize {
    let (mut last, mut answers) = (None, 0);
    while !done.load(Ordering::Relaxed) {
        let snapshot = handle.snapshot();
        assert!(snapshot.time() >= last, "time went back");
        last = snapshot.time();
        let sum: i64 = snapshot.iter().map(|(_, (sum, _))| sum).sum();
        let count: u64 = snapshot.iter().map(|(_, (_, count))| count).sum();
        assert_eq!(sum, 0, "a torn answer at {last:?}");
        // Two records of each transfer of each batch: the answer is that of its time.
        let batches = last.map_or(0, |time| time.as_millis() / 1_000);
        assert_eq!(count, batches * 4_000);
        let some = handle.get_many([&1, &2, &ACCOUNTS]);
        assert_eq!(some[2], None);
        let (a, b) = (handle.top_by(|_, (sum, _)| *sum, 3), handle.time());
        assert!(b.is_none() || a.windows(2).all(|pair| pair[0].1.0 >= pair[1].1.0));
        answers += 1;
    }
    answers
}

fn run_and_ask(mut driver: Driver, handle: &StateHandle<u64, (i64, u64)>) {
    let done = Arc::new(AtomicBool::new(false));
    let askers: Vec<_> = (0..2)
        .map(|_| {
            let (handle, done) = (handle.clone(), Arc::clone(&done));
            thread::spawn(move || ask(&handle, &done))
        })
        .collect();
    for _ in 0..BATCHES {
        driver.step(driver.next_time()).unwrap();
    }
    done.store(true, Ordering::Relaxed);
    for asker in askers {
        assert!(asker.join().unwrap() > 0);
    }
    assert_eq!(handle.time(), driver.last_time());
}

#[test]
fn no_answer_is_torn_with_1_2_and_8_threads() {
    for threads in [1, 2, 8] {
        let ctx = context(threads);
        let balances = ctx
            .batches((0..BATCHES).map(transfers))
            .state_by_key(StateSpec::new(add));
        let handle = balances.handle();
        run_and_ask(ctx.into_driver().unwrap(), &handle);

        let ctx = context(threads);
        let balances = ctx
            .batches((0..BATCHES).map(transfers))
            .update_state_by_key(|_, new, old| {
                let start = old.unwrap_or((0, 0));
                Some(new.fold(start, |(sum, count), amount| (sum + amount, count + 1)))
            });
        let handle = balances.handle();
        run_and_ask(ctx.into_driver().unwrap(), &handle);
    }
}

#[test]
fn questions_change_no_result() {
    let results = |is_asked: bool| {
        let ctx = context(2);
        let balances = ctx
            .batches((0..20).map(transfers))
            .state_by_key(StateSpec::new(add));
        let handle = balances.handle();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&seen);
        balances.snapshots().for_each_batch(move |batch, _| {
            sink.lock().unwrap().push(batch.into_vec());
            Ok(())
        });
        let mut driver = ctx.into_driver().unwrap();
        while !driver.is_finished() {
            driver.step(driver.next_time()).unwrap();
            if is_asked {
                assert!(handle.get(&1).is_some());
            }
        }
        let mut seen = seen.lock().unwrap();
        std::mem::take(&mut *seen)
    };
    assert_eq!(results(true), results(false));
}

#[test]
fn every_kind_of_keyed_state_can_be_asked() {
    let ctx = context(1);
    let words = ctx.batches([vec![("a", 1u64), ("b", 2), ("a", 3)], vec![("c", 4)]]);
    let sums = words.update_state_by_key(|_, new, old| Some(old.unwrap_or(0) + new.sum::<u64>()));
    let heavy = words.summarize_by_key(|_| MisraGries::new(4));
    let (sums, heavy) = (sums.handle(), heavy.handle());
    assert_eq!((sums.time(), sums.get("a")), (None, None));
    let mut driver = ctx.into_driver().unwrap();
    driver.step(driver.next_time()).unwrap();
    let before = sums.snapshot();
    driver.step(driver.next_time()).unwrap();
    assert_eq!(sums.time(), Some(BatchTime::from_millis(2_000)));
    assert_eq!(
        sums.get_many(["a", "b", "c", "d"]),
        [Some(4), Some(2), Some(4), None]
    );
    assert_eq!(sums.scan(|_, sum| *sum == 4, 1).len(), 1);
    assert_eq!(sums.scan(|_, sum| *sum == 4, 9).len(), 2);
    assert_eq!(
        sums.top_by(|word, sum| (*sum, *word), 2),
        [("c", 4), ("a", 4)]
    );
    assert!(sums.top_by(|_, sum| *sum, 0).is_empty());
    assert_eq!(heavy.get("a").map(|heavy| heavy.total_weight()), Some(2));
    // A snapshot stays what it was.
    assert_eq!(before.time(), Some(BatchTime::from_millis(1_000)));
    assert_eq!(
        (before.len(), before.get("c"), before.get("b")),
        (2, None, Some(&2))
    );
}

#[test]
fn a_question_from_within_the_stream_waits_for_nothing() {
    let ctx = context(1);
    let queue = BatchQueue::new();
    let sums = ctx
        .queue_stream(&queue)
        .map(|n| (n, 1u64))
        .update_state_by_key(|_, new, old| Some(old.unwrap_or(0) + new.sum::<u64>()));
    let handle = sums.handle();
    let answers = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&answers);
    sums.for_each_batch(move |_, _| {
        let answer = (handle.time().map(BatchTime::as_millis), handle.get(&5));
        sink.lock().unwrap().push(answer);
        Ok(())
    });
    let mut driver = ctx.into_driver().unwrap();
    for _ in 0..3 {
        queue.push(vec![5]);
        driver.step(driver.next_time()).unwrap();
    }
    // The first question finds nothing; after it there is a snapshot for the next batch.
    let answers = answers.lock().unwrap().clone();
    assert_eq!(
        answers,
        [(None, None), (Some(1_000), Some(1)), (Some(2_000), Some(2))]
    );
}

#[test]
fn a_batch_that_is_left_out_is_in_no_answer() {
    let ctx = StreamingContext::builder("skips")
        .threads(1)
        .on_failure(FailurePolicy::Skip)
        .build()
        .unwrap();
    let sums = ctx
        .batches([vec![1u64], vec![2], vec![3]])
        .map(|n| (0u8, n))
        .update_state_by_key(|_, new, old| Some(old.unwrap_or(0) + new.sum::<u64>()));
    let handle = sums.handle();
    sums.try_map(|(_, sum)| if sum == 3 { Err("three") } else { Ok(sum) })
        .print();
    let mut driver = ctx.into_driver().unwrap();
    let mut answers = Vec::new();
    while !driver.is_finished() {
        driver.step(driver.next_time()).unwrap();
        answers.push(handle.get(&0));
    }
    assert_eq!(answers, [Some(1), Some(1), Some(4)]);
}

#[test]
fn a_stream_that_has_failed_answers_with_the_last_boundary_asked_for() {
    let ctx = context(1);
    let sums = ctx
        .batches([vec![1u64], vec![2], vec![3]])
        .map(|n| (0u8, n))
        .update_state_by_key(|_, new, old| Some(old.unwrap_or(0) + new.sum::<u64>()));
    let handle = sums.handle();
    sums.try_map(|(_, sum)| if sum == 3 { Err("three") } else { Ok(sum) })
        .print();
    let mut driver = ctx.into_driver().unwrap();
    driver.step(driver.next_time()).unwrap();
    assert_eq!(handle.get(&0), Some(1));
    driver.step(driver.next_time()).unwrap_err();
    assert_eq!(
        (handle.time(), handle.get(&0)),
        (Some(BatchTime::from_millis(1_000)), Some(1))
    );
}

/// How long a batch goes on at least for the sake of a question that waits for its end.
const MEANWHILE: Duration = Duration::from_millis(20);

/// How long a test waits for what is to come at once.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn another_stream_gets_the_state_that_there_is() {
    let queue = BatchQueue::new();
    let ctx = context(1);
    let counts = ctx
        .queue_stream(&queue)
        .update_state_by_key(|_, new, old| Some(old.unwrap_or(0) + new.sum::<u64>()));
    let handle = counts.handle();
    let (begun, has_begun) = mpsc::channel();
    let (answered, answer) = mpsc::channel();
    let mut batch = 0;
    counts.count().for_each_batch(move |_, _| {
        batch += 1;
        if batch == 3 {
            begun.send(()).unwrap();
            // A question that does not wait is answered now.
            let _ = answer.recv_timeout(MEANWHILE);
        }
        Ok(())
    });
    let mut states = ctx.into_driver().unwrap();
    queue.push(vec![("key", 1u64)]);
    states.step(states.next_time()).unwrap();
    assert_eq!(handle.get("key"), Some(1));

    let found = Arc::new(Mutex::new(Vec::new()));
    let (sink, asked) = (Arc::clone(&found), handle.clone());
    let ctx = context(1);
    ctx.batches([vec!["key"]]).for_each_batch(move |batch, _| {
        let states = batch.iter().map(|key| asked.get(key));
        sink.lock().unwrap().extend(states);
        let _ = answered.send(());
        Ok(())
    });
    let mut asks = ctx.into_driver().unwrap();
    let steps = thread::spawn(move || {
        states.step(states.next_time()).unwrap();
        states.step(states.next_time()).unwrap();
    });
    has_begun.recv().unwrap();
    asks.run_to_end().unwrap();
    steps.join().unwrap();
    assert_eq!(*found.lock().unwrap(), [Some(1)]);
}

#[test]
fn streams_that_ask_each_other_do_not_wait_for_each_other() {
    let both_run = Arc::new(Barrier::new(2));
    let make = || {
        let ctx = context(1);
        let sums = ctx
            .batches([vec![("key", 1u64)]])
            .update_state_by_key(|_, new, old| Some(old.unwrap_or(0) + new.sum::<u64>()));
        let (handle, asks) = (sums.handle(), Arc::new(Mutex::new(None)));
        let (other, both_run) = (Arc::clone(&asks), Arc::clone(&both_run));
        let (answers, answer) = mpsc::channel();
        sums.for_each_batch(move |_, _| {
            both_run.wait();
            let other: Option<StateHandle<&str, u64>> = other.lock().unwrap().take();
            let _ = answers.send(other.and_then(|other| other.get("key")));
            Ok(())
        });
        (ctx.into_driver().unwrap(), handle, asks, answer)
    };
    let (mut left, of_left, left_asks, left_hears) = make();
    let (mut right, of_right, right_asks, right_hears) = make();
    *left_asks.lock().unwrap() = Some(of_right);
    *right_asks.lock().unwrap() = Some(of_left);
    thread::spawn(move || left.run_to_end().unwrap());
    thread::spawn(move || right.run_to_end().unwrap());
    let answers = [left_hears, right_hears].map(|hears| hears.recv_timeout(PATIENCE));
    // One of the two waits for the other's batch, which must not wait for it.
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert!(answers.contains(&Ok(None)), "{answers:?}");
}

/// A state whose copies panic when told to.
#[derive(Debug)]
struct Fragile(Arc<AtomicBool>);

impl Clone for Fragile {
    fn clone(&self) -> Self {
        assert!(!self.0.load(Ordering::SeqCst), "cannot be copied");
        Self(Arc::clone(&self.0))
    }
}

impl PartialEq for Fragile {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// A one in every batch, at positions whose copies panic when told to.
struct Ones(Fragile);

impl Source for Ones {
    type Item = u64;
    type Position = Fragile;

    fn start(&mut self) -> Result<Vec<Fragile>, BoxError> {
        Ok(vec![self.0.clone()])
    }

    fn plan(&mut self, at: &[Fragile], _: usize) -> Result<Vec<Range<Fragile>>, BoxError> {
        Ok(vec![at[0].clone()..at[0].clone()])
    }

    fn read(&mut self, _: usize, _: &Range<Fragile>) -> Result<Vec<u64>, BoxError> {
        Ok(vec![1])
    }
}

/// What a handle answers within [`PATIENCE`].
fn answer_of(handle: &StateHandle<u64, u64>) -> Option<u64> {
    let (handle, (answers, answer)) = (handle.clone(), mpsc::channel());
    thread::spawn(move || answers.send(handle.get(&1)));
    answer.recv_timeout(PATIENCE).expect("asking hangs")
}

#[test]
fn a_panic_while_state_is_saved_fails_the_batch_and_no_question_hangs() {
    for policy in [FailurePolicy::Skip, FailurePolicy::Retry(1)] {
        let ctx = StreamingContext::builder("saves").threads(1);
        let ctx = ctx.on_failure(policy).build().unwrap();
        let told = Arc::new(AtomicBool::new(false));
        let numbers = ctx.batches(vec![vec![1u64]; 3]).map(|n| (n, n));
        let sums =
            numbers.update_state_by_key(|_, new, old| Some(old.unwrap_or(0) + new.sum::<u64>()));
        let handle = sums.handle();
        let spec = StateSpec::new(|_, _: &u64, _: Option<u64>, _: &mut State<Fragile>| None::<()>);
        let spec = spec.initial([(7, Fragile(Arc::clone(&told)))]);
        numbers
            .state_by_key(spec)
            .named("fragile")
            .for_each_batch(|_, _| Ok(()));
        let mut driver = ctx.into_driver().unwrap();
        told.store(true, Ordering::SeqCst);
        let stepped = driver.step(driver.next_time());
        let failure = match (policy, stepped) {
            (FailurePolicy::Skip, Ok(report)) => report.failure().cloned().unwrap(),
            (_, Err(StepError::Batch(error))) => error,
            other => panic!("{other:?}"),
        };
        assert_eq!(failure.operator(), "fragile");
        assert_eq!(answer_of(&handle), None);
        if policy == FailurePolicy::Skip {
            told.store(false, Ordering::SeqCst);
            driver.run_to_end().unwrap();
            // The batch had taken nothing in when it failed.
            assert_eq!(answer_of(&handle), Some(3));
        }
    }
}

#[test]
fn a_panic_between_batch_and_commit_ends_the_stream_and_no_question_hangs() {
    for policy in [FailurePolicy::Stop, FailurePolicy::Skip] {
        let ctx = StreamingContext::builder("ends").threads(1);
        let ctx = ctx.on_failure(policy).build().unwrap();
        let told = Arc::new(AtomicBool::new(false));
        let ones = ctx.source(Ones(Fragile(Arc::clone(&told))));
        let sums = ones
            .map(|n| (n, n))
            .update_state_by_key(|_, new, old| Some(old.unwrap_or(0) + new.sum::<u64>()));
        let handle = sums.handle();
        sums.for_each_batch(move |_, time| {
            told.store(time == BatchTime::from_millis(2_000), Ordering::SeqCst);
            Ok(())
        });
        let mut driver = ctx.into_driver().unwrap();
        driver.step(driver.next_time()).unwrap();
        assert_eq!(answer_of(&handle), Some(1));
        // The new positions are noted when all outputs are done.
        let stepped = driver.step(driver.next_time());
        let Err(StepError::Batch(error)) = stepped else {
            panic!("{stepped:?}");
        };
        assert!(error.to_string().contains("cannot be copied"), "{error}");
        assert_eq!(answer_of(&handle), Some(1));
        let stepped = driver.step(driver.next_time());
        assert!(matches!(stepped, Err(StepError::Failed(_))));
    }
}
