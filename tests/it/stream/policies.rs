//! What becomes of batches that fail, by policy.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use forebay::Summary;
use forebay::frequent::MisraGries;
use forebay::sample::Reservoir;
use forebay::stream::{
    BatchTime, DStream, FailurePolicy, State, StateSpec, StepError, StreamEvent, StreamingContext,
};

use super::{Seen, builder, millis, run};

const SECOND: Duration = Duration::from_secs(1);

fn policy(policy: FailurePolicy) -> StreamingContext {
    builder().on_failure(policy).build().unwrap()
}

/// Fails the first so many batches of time 2,000.
fn flaky(failures: u32) -> impl Fn(u64) -> Result<(), String> + Send + 'static {
    let left = AtomicU32::new(failures);
    move |time| {
        let fails = time == 2_000 && left.load(Ordering::Relaxed) > 0;
        if fails {
            left.fetch_sub(1, Ordering::Relaxed);
        }
        if fails { Err("not now".into()) } else { Ok(()) }
    }
}

/// Every operator that keeps something from batch to batch, as text; an output before the
/// failing one sees it, so that everything has been computed when the batch fails.
fn everything(words: &DStream<'_, &'static str>) -> Vec<Seen<String>> {
    let pairs = words.map(|word| (word, 1u64));
    let counts = pairs.update_state_by_key_with([("zero", 0u64)], |time, _, new, old| {
        Some(old.unwrap_or(0) + new.sum::<u64>() * time.as_millis())
    });
    let spec = StateSpec::new(
        |time: BatchTime, word: &&str, new: Option<u64>, state: &mut State<u64>| {
            let seen = state.get().copied().unwrap_or(0) + new.unwrap_or(100);
            state.update(seen);
            Some(format!("{time} {word} {seen}"))
        },
    );
    let touched = pairs.state_by_key(spec.initial([("zero", 7)]).timeout(2 * SECOND));
    let parts = pairs.update_state_by_partition(|_, keys| {
        keys.map(|(key, new, old)| (key, old.unwrap_or(0) + new.len()))
            .collect::<Vec<_>>()
    });
    let samples = pairs.summarize_by_key(|rng| Reservoir::with_rng(2, rng));
    let window = words.window(2 * SECOND, SECOND).unwrap();
    let inverse = pairs
        .reduce_by_key_and_window_with_inverse(2 * SECOND, SECOND, |a, b| a + b, |a, b| a - b)
        .unwrap();
    let merged = words
        .summarize_window(2 * SECOND, SECOND, |rng| Reservoir::with_rng(3, rng))
        .unwrap();
    let keyed = pairs
        .summarize_by_key_and_window(2 * SECOND, SECOND, |_| MisraGries::new(8))
        .unwrap();
    vec![
        Seen::of(&counts.map(|pair| format!("{pair:?}"))),
        Seen::of(&touched),
        Seen::of(&touched.snapshots().map(|pair| format!("{pair:?}"))),
        Seen::of(&parts.map(|pair| format!("{pair:?}"))),
        Seen::of(&samples.map(|(key, sample)| format!("{key} {:?}", sample.into_vec()))),
        Seen::of(&window.map(String::from)),
        Seen::of(&inverse.map(|pair| format!("{pair:?}"))),
        Seen::of(&merged.map(|sample| format!("{:?}", sample.into_vec()))),
        Seen::of(&keyed.map(|(key, top)| format!("{key} {}", top.total_weight()))),
    ]
}

const INPUT: [[&str; 4]; 4] = [
    ["ebb", "flow", "ebb", "slack"],
    ["tide", "ebb", "tide", "tide"],
    ["flow", "flow", "spring", "neap"],
    ["ebb", "neap", "neap", "tide"],
];

/// The batches of every output, sorted, by time.
fn outputs(
    policy_of: FailurePolicy,
    failures: u32,
    batches: Vec<Vec<&'static str>>,
) -> Vec<Vec<(u64, Vec<String>)>> {
    let ctx = policy(policy_of);
    let words = ctx.batches(batches);
    let seen = everything(&words);
    let fail = flaky(failures);
    words.for_each_batch(move |_, time| Ok(fail(time.as_millis())?));
    run(ctx);
    let rows = |seen: &Seen<String>| {
        let rows = seen.times().into_iter().zip(seen.sorted());
        rows.collect()
    };
    seen.iter().map(rows).collect()
}

fn input() -> Vec<Vec<&'static str>> {
    INPUT.iter().map(|batch| batch.to_vec()).collect()
}

#[test]
fn a_batch_run_again_gives_what_it_would_have_given() {
    let smooth = outputs(FailurePolicy::Stop, 0, input());
    let bumpy = outputs(FailurePolicy::Retry(3), 3, input());
    for (mut smooth, bumpy) in smooth.into_iter().zip(bumpy) {
        // Outputs before the failing one have seen the batch of time 2,000 four times, alike.
        let again = smooth[1].clone();
        smooth.splice(1..1, [again.clone(), again.clone(), again]);
        assert_eq!(smooth, bumpy);
    }
}

#[test]
fn a_batch_left_out_leaves_no_trace_in_any_state() {
    let skipped = outputs(FailurePolicy::Skip, 1, input());
    let mut without = input();
    without[1].clear();
    let never = outputs(FailurePolicy::Stop, 0, without);
    for (skipped, never) in skipped.into_iter().zip(never) {
        let after = |rows: Vec<(u64, Vec<String>)>| {
            let rows = rows.into_iter().filter(|(time, _)| *time > 2_000);
            rows.collect::<Vec<_>>()
        };
        assert_eq!(after(skipped), after(never));
    }
}

#[test]
fn retries_end_and_listeners_hear_of_each() {
    let ctx = policy(FailurePolicy::Retry(2));
    let fail = flaky(9);
    ctx.batches(input())
        .for_each_batch(move |_, time| Ok(fail(time.as_millis())?));
    let log = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&log);
    ctx.listen(move |event: &StreamEvent| {
        sink.lock().unwrap().push(match event {
            StreamEvent::Retried(_) => "retried",
            StreamEvent::Failed(_) => "failed",
            StreamEvent::Completed(report) => {
                assert_eq!(report.retries(), 0);
                "completed"
            }
            _ => return,
        });
    });
    let mut driver = ctx.into_driver().unwrap();
    driver.step(millis(1_000)).unwrap();
    let error = driver.step(millis(2_000)).unwrap_err();
    assert!(matches!(error, StepError::Batch(_)));
    assert_eq!(
        *log.lock().unwrap(),
        ["completed", "retried", "retried", "failed"]
    );
}

#[test]
fn a_batch_left_out_is_in_the_report_and_the_stream_goes_on() {
    let ctx = policy(FailurePolicy::Skip);
    let numbers = ctx.batches([vec![1], vec![0], vec![2]]);
    let seen = Seen::of(&numbers.try_map(|n| 6u32.checked_div(n).ok_or("division by zero")));
    let mut driver = ctx.into_driver().unwrap();
    assert!(driver.step(millis(1_000)).unwrap().failure().is_none());
    let report = driver.step(millis(2_000)).unwrap();
    assert_eq!(report.failure().unwrap().operator(), "try_map-1");
    assert_eq!(report.items(), 1);
    driver.step(millis(3_000)).unwrap();
    assert!(driver.is_finished());
    assert_eq!(seen.batches(), [[6], [3]]);
}

#[test]
fn an_input_that_fails_is_asked_again() {
    let ctx = policy(FailurePolicy::Retry(1));
    let mut calls = 0;
    let numbers = std::iter::from_fn(move || {
        calls += 1;
        assert!(calls != 4, "the fourth call fails");
        (calls < 8).then_some(calls)
    });
    let seen = Seen::of(&ctx.from_iter(numbers, 2));
    run(ctx);
    assert_eq!(seen.batches(), [vec![1, 2], vec![3, 5], vec![6, 7]]);
}

#[test]
fn a_summary_that_panics_in_one_partition_is_rolled_back_in_all() {
    #[derive(Clone)]
    struct Sum(u64);
    impl forebay::Merge for Sum {
        fn merge(&mut self, other: Self) {
            self.0 += other.0;
        }
    }
    impl Summary for Sum {
        type Item = u64;
        fn update(&mut self, item: u64) {
            assert!(item < 100, "too much");
            self.0 += item;
        }
    }
    for threads in [1, 8] {
        let ctx = builder().threads(threads).on_failure(FailurePolicy::Skip);
        let ctx = ctx.build().unwrap();
        let batches = [vec![1, 2, 3], vec![5, 6, 7, 100], vec![8]];
        let pairs = ctx.batches(batches).map(|n| (n % 3, n));
        let seen = Seen::of(
            &pairs
                .summarize_by_key(|_| Sum(0))
                .map(|(key, sum)| (key, sum.0)),
        );
        run(ctx);
        assert_eq!(seen.sorted()[1], [(0, 3), (1, 1), (2, 10)]);
    }
}

static COPIES: AtomicUsize = AtomicUsize::new(0);

/// A number whose copies are counted.
#[derive(Debug)]
struct Copied(u64);

impl Clone for Copied {
    fn clone(&self) -> Self {
        COPIES.fetch_add(1, Ordering::Relaxed);
        Self(self.0)
    }
}

impl forebay::Merge for Copied {
    fn merge(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl Summary for Copied {
    type Item = u64;

    fn update(&mut self, item: u64) {
        self.0 += item;
    }
}

/// How many summaries are copied in twice as many batches of one item as a window has.
fn copies(policy_of: FailurePolicy, window: u32) -> (usize, usize) {
    let ctx = policy(policy_of);
    let ones = ctx.batches(vec![vec![1u64]; 2 * window as usize]);
    let whole = ones
        .summarize_window(window * SECOND, SECOND, |_| Copied(0))
        .unwrap();
    let whole = Seen::of(&whole.map(|sum| sum.0));
    let before = COPIES.load(Ordering::Relaxed);
    run(ctx);
    assert_eq!(whole.batches().last(), Some(&vec![u64::from(window)]));
    let of_one = COPIES.load(Ordering::Relaxed) - before;

    let ctx = policy(policy_of);
    let ones = ctx.batches(vec![vec![(1u8, 1u64)]; 2 * window as usize]);
    let keyed = ones
        .summarize_by_key_and_window(window * SECOND, SECOND, |_| Copied(0))
        .unwrap();
    let keyed = Seen::of(&keyed.map(|(_, sum)| sum.0));
    let before = COPIES.load(Ordering::Relaxed);
    run(ctx);
    assert_eq!(keyed.batches().last(), Some(&vec![u64::from(window)]));
    (of_one, COPIES.load(Ordering::Relaxed) - before)
}

#[test]
fn batches_that_may_fail_copy_what_they_change_and_not_the_window() {
    for window in [10, 300] {
        let (whole, keyed) = copies(FailurePolicy::Stop, window);
        for policy in [FailurePolicy::Skip, FailurePolicy::Retry(1)] {
            let more = copies(policy, window);
            let most = 2 * 2 * window as usize;
            assert!(more.0 <= whole + most, "{window}: {} {whole}", more.0);
            assert!(more.1 <= keyed + most, "{window}: {} {keyed}", more.1);
        }
    }
}
