//! Keys that go when they have been idle for too long, by any clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use forebay::stream::{BatchTime, ContextBuilder, State, StateSpec};
use proptest::collection::vec;
use proptest::prelude::*;

use super::twin::naive::{Event, Rows, idle};
use super::{Seen, builder, millis};

/// By which clock.
#[derive(Clone, Copy, Debug)]
enum By {
    BatchTime,
    EventTime,
    /// With a bound in milliseconds.
    EventTimeAhead(u64),
    Clock,
}

/// A clock that stands still, jumps and goes back.
fn clock(batch: u64) -> u64 {
    [3, 9, 4, 4, 20, 0][batch as usize % 6] * 100 + batch * 150
}

/// Declares what counts the records of each key, and emits the keys that go.
macro_rules! counts {
    ($stream:expr, $timeout:expr, $by:expr) => {{
        let count = |_: BatchTime, key: &u8, event: Option<u64>, count: &mut State<u64>| {
            let before = count.get().copied().unwrap_or(0);
            count.update(before + 1);
            event.is_none().then_some(*key)
        };
        let spec = StateSpec::new(count).timeout(Duration::from_millis($timeout));
        $stream.state_by_key(match $by {
            By::BatchTime => spec,
            By::EventTime => spec.by_event_time(|_, event| millis(*event)),
            By::EventTimeAhead(ahead) => spec
                .at_most_ahead(Duration::from_millis(ahead))
                .by_event_time(|_, event| millis(*event)),
            By::Clock => spec.by_clock(|time| millis(clock(time.as_millis() / 1_000))),
        })
    }};
}

fn run(settings: ContextBuilder, batches: &[Vec<Event>], timeout: u64, by: By) -> Rows {
    let ctx = settings.build().unwrap();
    let counted = counts!(ctx.batches(batches.to_vec()), timeout, by);
    let (gone, left) = (Seen::of(&counted), Seen::of(&counted.snapshots()));
    super::run(ctx);
    gone.batches().into_iter().zip(left.batches()).collect()
}

fn sorted(mut rows: Rows) -> Rows {
    for (gone, left) in &mut rows {
        gone.sort_unstable();
        left.sort_unstable();
    }
    rows
}

fn by() -> impl Strategy<Value = By> {
    prop_oneof![
        Just(By::BatchTime),
        Just(By::EventTime),
        (0..2_000u64).prop_map(By::EventTimeAhead),
        Just(By::Clock)
    ]
}

/// Batches, event times a little out of order, some batches empty.
fn batches() -> impl Strategy<Value = Vec<Vec<Event>>> {
    let batch = |number: u64| {
        vec((0..9u8, 0..3_000u64), 0..6).prop_map(move |mut batch| {
            batch
                .iter_mut()
                .for_each(|(_, event)| *event += number * 700);
            batch
        })
    };
    (0..14).map(batch).collect::<Vec<_>>()
}

fn latest(batch: &[Event]) -> u64 {
    batch.iter().map(|(_, event)| *event).max().unwrap_or(0)
}

#[test]
fn one_time_from_the_far_future_does_not_end_time_outs() {
    let left = |by| {
        let batch = |number: u64| match number {
            10 => vec![(99, u64::MAX)],
            _ => vec![(number as u8, 1_000 * number)],
        };
        let batches: Vec<_> = (0..60).map(batch).collect();
        let rows = run(builder(), &batches, 3_000, by);
        rows.iter().map(|(_, left)| left.len()).collect::<Vec<_>>()
    };
    let bounded = left(By::EventTimeAhead(2_000));
    assert!(bounded.iter().all(|&left| left < 10), "{bounded:?}");
    // Without a bound nothing goes any more.
    assert_eq!(left(By::EventTime)[11..], (2..=50).collect::<Vec<_>>());
}

proptest! {
    #[test]
    fn keys_go_when_the_twin_says_so(
        batches in batches(),
        timeout in 0..6_000u64,
        by in by(),
        partitions in 1..5usize,
    ) {
        let expected = idle(&batches, timeout, |number, batch| match by {
            By::BatchTime => number * 1_000,
            By::EventTime => latest(batch),
            By::EventTimeAhead(ahead) => latest(batch).min(number * 1_000 + ahead),
            By::Clock => clock(number),
        });
        let of = |threads| builder().threads(threads).partitions(partitions);
        let found = run(of(1), &batches, timeout, by);
        prop_assert_eq!(&run(of(2), &batches, timeout, by), &found);
        for limit in [0, 1_000] {
            let paged = of(2).state_backend(super::backends::Shelves::with_limit(limit));
            prop_assert_eq!(&run(paged, &batches, timeout, by), &found);
        }
        prop_assert_eq!(sorted(found), expected);
    }
}

#[test]
fn clocks_go_on_where_they_were_after_a_crash() {
    use forebay::stream::{BoxError, Every, StreamingContext};

    let batches: Vec<Vec<Event>> = (0..14u64)
        .map(|batch| {
            (0..3)
                .map(|n| ((batch * 5 + n * n) as u8 % 9, (batch * 977) % 5_000))
                .collect()
        })
        .collect();
    let ahead = By::EventTimeAhead(300);
    for by in [By::BatchTime, By::EventTime, ahead, By::Clock] {
        for timeout in [400, 1_500] {
            let expected = run(builder(), &batches, timeout, by);
            assert!(expected.iter().any(|(gone, _)| !gone.is_empty()));
            for lost_after in 1..14 {
                let directory = tempfile::tempdir().unwrap();
                let mut rows = Rows::new();
                for steps in [lost_after, 14] {
                    let seen = std::cell::RefCell::new(None);
                    let build = || -> Result<StreamingContext, BoxError> {
                        let shelves = super::backends::Shelves::with_limit(500);
                        let settings = builder().checkpoint(directory.path(), Every::batches(2));
                        let ctx = settings.state_backend(shelves).build()?;
                        let counted = counts!(ctx.batches(batches.clone()), timeout, by);
                        let (gone, left) = (Seen::of(&counted), Seen::of(&counted.snapshots()));
                        *seen.borrow_mut() = Some((gone, left));
                        Ok(ctx)
                    };
                    let ctx = StreamingContext::recover_or(directory.path(), build).unwrap();
                    let mut driver = ctx.into_driver().unwrap();
                    let done = driver
                        .last_time()
                        .map_or(0, |time| time.as_millis() / 1_000);
                    rows.truncate(done as usize);
                    while driver.next_time() <= millis(1_000 * steps) {
                        driver.step(driver.next_time()).unwrap();
                    }
                    let (gone, left) = seen.take().unwrap();
                    rows.extend(gone.batches().into_iter().zip(left.batches()));
                }
                assert_eq!(rows, expected, "{by:?} {timeout} {lost_after}");
            }
        }
    }
}

#[test]
fn idle_keys_that_stay_cost_no_call() {
    let (calls, idle) = (Arc::new(AtomicUsize::new(0)), 50_000u64);
    let ctx = builder().build().unwrap();
    let mut batches = vec![(0..idle).map(|n| (n, 10_000)).collect::<Vec<_>>()];
    // Late records touch their keys with the others.
    batches[0].extend([(90_000, 4_000), (90_001, 4_000), (90_002, 4_000)]);
    batches.extend([vec![], vec![(1, 20_001)], vec![(2, 20_002)]]);
    let counted = Arc::clone(&calls);
    let spec = StateSpec::new(
        move |_, _: &u64, event: Option<u64>, last: &mut State<u64>| {
            counted.fetch_add(1, Ordering::Relaxed);
            event.into_iter().for_each(|event| last.update(event));
            None::<()>
        },
    );
    let spec = spec
        .timeout(Duration::from_secs(10))
        .by_event_time(|_, event| millis(*event));
    let left = Seen::of(&ctx.batches(batches).state_by_key(spec).snapshots().count());
    let mut driver = ctx.into_driver().unwrap();
    let mut calls_of_step = || {
        driver.step(driver.next_time()).unwrap();
        calls.swap(0, Ordering::Relaxed)
    };
    // The batch touches all of its keys at its event time, 10 s.
    assert_eq!(calls_of_step(), 50_003);
    assert_eq!(calls_of_step(), 0);
    // At 20.001 s all but the key of the batch have been idle for too long.
    assert_eq!(calls_of_step(), 1 + 50_002);
    assert_eq!(calls_of_step(), 1);
    assert_eq!(left.batches(), [[50_003], [50_003], [1], [2]]);
}

#[test]
fn processing_time_does_not_expire_what_was_just_touched() {
    let ctx = builder().build().unwrap();
    let spec = StateSpec::new(|_, _: &u8, event: Option<u64>, last: &mut State<u64>| {
        event.into_iter().for_each(|event| last.update(event));
        None::<()>
    });
    let spec = spec
        .timeout(Duration::from_secs(3_600))
        .by_processing_time();
    let batches = [vec![(1u8, 1u64)], vec![], vec![(2, 1)]];
    let left = Seen::of(&ctx.batches(batches).state_by_key(spec).snapshots().count());
    super::run(ctx);
    assert_eq!(left.batches(), [[1], [1], [2]]);
}
