//! Rules of time-outs of keyed state.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use forebay::stream::{BatchTime, State, StateSpec};

use super::{Seen, builder, context, run};

const SECOND: Duration = Duration::from_secs(1);

/// What is emitted: the value that came, the state before, and whether the key is timing out.
type Row = (&'static str, Option<u32>, Option<u32>, bool);

/// Adds what comes, unless that is 0, which only looks.
fn add(_: BatchTime, key: &&'static str, value: Option<u32>, sum: &mut State<u32>) -> Option<Row> {
    let before = sum.get().copied();
    let timing_out = sum.is_timing_out();
    if let Some(value @ 1..) = value {
        sum.update(before.unwrap_or(0) + value);
    }
    Some((*key, value, before, timing_out))
}

fn rows(timeout: Duration, input: &[&[(&'static str, u32)]]) -> Vec<Vec<Row>> {
    let ctx = context();
    let batches = input.iter().map(|batch| batch.to_vec());
    let spec = StateSpec::new(add).initial([("z", 7)]).timeout(timeout);
    let seen = Seen::of(&ctx.batches(batches).state_by_key(spec));
    run(ctx);
    seen.sorted()
}

fn none() -> &'static [(&'static str, u32)] {
    &[]
}

#[test]
fn a_key_times_out_strictly_after_its_time_and_is_reported_once_without_a_value() {
    // Touched at 1 s: the threshold passes that in batch 4, not in batch 3 where it meets it.
    let seen = rows(2 * SECOND, &[&[("a", 1)], none(), none(), none(), none()]);
    let gone = vec![("a", None, Some(1), true), ("z", None, Some(7), true)];
    let first = vec![("a", Some(1), None, false)];
    assert_eq!(seen, [first, vec![], vec![], gone, vec![]]);
}

#[test]
fn a_record_in_the_batch_of_its_expiry_saves_a_key() {
    let input: [&[_]; 4] = [&[("a", 1)], none(), none(), &[("a", 2), ("z", 1)]];
    let seen = rows(2 * SECOND, &input);
    let saved = [
        ("a", Some(2), Some(1), false),
        ("z", Some(1), Some(7), false),
    ];
    assert_eq!(seen[3], saved);
}

#[test]
fn a_touch_without_update_refreshes_and_an_initial_state_counts_from_the_first_batch() {
    let input: [&[_]; 6] = [none(), none(), &[("z", 0)], none(), none(), none()];
    let seen = rows(2 * SECOND, &input);
    let looked = vec![("z", Some(0), Some(7), false)];
    let gone = vec![("z", None, Some(7), true)];
    assert_eq!(seen, [vec![], vec![], looked, vec![], vec![], gone]);
}

#[test]
fn a_key_that_has_timed_out_starts_without_a_state() {
    let seen = rows(SECOND, &[&[("a", 1)], none(), none(), &[("a", 5)]]);
    assert_eq!(seen[2].len(), 2);
    assert_eq!(seen[3], [("a", Some(5), None, false)]);
}

#[test]
fn a_timeout_is_rounded_up_to_whole_milliseconds() {
    let gone = |timeout| {
        let ctx = builder().batch_interval(Duration::from_millis(1));
        let ctx = ctx.build().unwrap();
        let batches = [vec![("a", 1)], vec![], vec![], vec![]];
        let spec = StateSpec::new(add).timeout(timeout);
        let seen = Seen::of(&ctx.batches(batches).state_by_key(spec));
        run(ctx);
        let batches = seen.batches();
        batches
            .iter()
            .position(|batch| batch.iter().any(|row| row.3))
    };
    assert_eq!(gone(Duration::from_micros(900)), Some(2));
    assert_eq!(gone(Duration::from_millis(1)), Some(2));
    assert_eq!(gone(Duration::ZERO), Some(1));
}

#[test]
#[should_panic(expected = "a time-out is less than 2^64 milliseconds")]
fn a_timeout_beyond_all_batch_times_is_refused() {
    let _ = StateSpec::new(add).timeout(Duration::MAX);
}

#[test]
fn keys_that_go_in_a_batch_without_records_are_shared_by_the_threads() {
    let ctx = builder().threads(2).partitions(4).build().unwrap();
    let threads = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&threads);
    let spec = StateSpec::new(move |_, _: &u64, new: Option<()>, state: &mut State<()>| {
        match new {
            Some(()) => state.update(()),
            None => sink
                .lock()
                .unwrap()
                .push(thread::current().name().map(String::from)),
        }
        None::<()>
    });
    let batches = vec![(0..100u64).map(|n| (n, ())).collect(), vec![], vec![]];
    ctx.batches(batches)
        .state_by_key(spec.timeout(SECOND))
        .for_each_batch(|_, _| Ok(()));
    run(ctx);
    let threads = threads.lock().unwrap();
    let is_worker = |name: &Option<String>| {
        let name = name.as_ref();
        name.is_some_and(|name| name.starts_with("forebay-worker"))
    };
    assert_eq!(threads.len(), 100);
    assert!(threads.iter().all(is_worker), "{threads:?}");
}
