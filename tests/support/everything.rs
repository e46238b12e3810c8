//! A stream with every operator that keeps state, for tests that lose it, recover it or keep its
//! state elsewhere.
//!
//! Included by path from the tests of the core and of other crates.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use forebay::frequent::MisraGries;
use forebay::sample::Reservoir;
use forebay::stream::{ContextBuilder, State, StateSpec, StreamingContext};

const SECOND: Duration = Duration::from_secs(1);

/// Items seen by an output, by its name and the batch time.
pub(crate) type Seen = Arc<Mutex<BTreeMap<(&'static str, u64), Vec<String>>>>;

/// The settings of [`everything`].
pub(crate) fn settings(partitions: usize) -> ContextBuilder {
    StreamingContext::builder("everything")
        .threads(2)
        .partitions(partitions)
        .seed(7)
        .durable::<MisraGries<String>>("misra-gries of strings")
        .durable::<Reservoir<u64>>("reservoir of numbers")
}

/// Every operator that keeps state, over 12 batches of 40 words.
pub(crate) fn everything(builder: ContextBuilder, seen: &Seen) -> StreamingContext {
    let ctx = builder.build().unwrap();
    let numbers = ctx.from_iter(0..480u64, 40);
    let words = numbers.map(|n| format!("w{}", n * n % 97 / (1 + n / 200)));
    let pairs = numbers.map(|n| (format!("w{}", n * n % 97 / (1 + n / 200)), n));

    macro_rules! record {
        ($name:literal, $stream:expr) => {{
            let seen = Arc::clone(seen);
            $stream.for_each_batch(move |batch, time| {
                let rows = batch.iter().map(|row| format!("{row:?}")).collect();
                seen.lock().unwrap().insert(($name, time.as_millis()), rows);
                Ok(())
            });
        }};
    }
    let sums = pairs.update_state_by_key_with([("eve".into(), 5)], |_, _, new, old| {
        let sum = old.unwrap_or(0) + new.sum::<u64>();
        (sum % 11 != 0).then_some(sum)
    });
    record!("sums", sums.named("sums"));
    let whole = pairs.update_state_by_partition(|_, rows| {
        rows.map(|(key, new, old)| (key, old.unwrap_or(0u64) + new.len() as u64))
            .collect::<Vec<_>>()
    });
    record!("whole", whole);
    let count = |_, key: &String, n: Option<u64>, state: &mut State<u64>| match n {
        Some(n) => {
            state.update(state.get().unwrap_or(&0) + n);
            None
        }
        None => Some((key.clone(), *state.get().unwrap_or(&0))),
    };
    let sessions = StateSpec::new(count)
        .initial([("eve".into(), 1)])
        .timeout(3 * SECOND);
    let sessions = pairs.state_by_key(sessions);
    record!("expired", sessions);
    record!("sessions", sessions.snapshots());
    record!(
        "kept",
        pairs.state_by_key(StateSpec::new(count)).snapshots()
    );
    record!("window", words.window(4 * SECOND, 3 * SECOND).unwrap());
    let counted = words.count_by_value_and_window(4 * SECOND, SECOND).unwrap();
    record!("counted", counted);
    let heavy = words
        .summarize_window(5 * SECOND, SECOND, |_| MisraGries::new(8))
        .unwrap();
    record!(
        "heavy",
        heavy.map(|heavy| serde_json::to_string(&heavy).unwrap())
    );
    let sample = |rng| Reservoir::with_rng(3, rng);
    let samples = pairs.summarize_by_key(sample);
    record!(
        "samples",
        samples.map(|(key, sample)| (key, serde_json::to_string(&sample).unwrap()))
    );
    let samples = pairs
        .summarize_by_key_and_window(4 * SECOND, SECOND, sample)
        .unwrap();
    record!(
        "windows",
        samples.map(|(key, sample)| (key, serde_json::to_string(&sample).unwrap()))
    );
    ctx
}

/// What the outputs of [`everything`] see when nothing interrupts it.
pub(crate) fn unbroken(partitions: usize) -> Seen {
    let seen = Seen::default();
    let ctx = everything(settings(partitions), &seen);
    ctx.into_driver().unwrap().run_to_end().unwrap();
    seen
}
