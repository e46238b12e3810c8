//! Any bytes: reading a summary fails or gives one that works.

#![no_main]

use forebay::Merge;
use forebay::frequent::MisraGries;
use forebay::sample::{DecayingReservoir, Reservoir, StratifiedReservoir, WeightedReservoir};
use libfuzzer_sys::fuzz_target;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Reads a summary, uses it, and stores and reads it once more.
fn read<S: Merge + Clone + Serialize + DeserializeOwned>(
    bytes: &[u8],
    mut use_it: impl FnMut(&mut S),
) {
    let Ok(mut summary) = postcard::from_bytes::<S>(bytes) else {
        return;
    };
    use_it(&mut summary);
    summary.merge(summary.clone());
    use_it(&mut summary);
    let stored = postcard::to_allocvec(&summary).expect("a summary can be stored");
    assert!(
        postcard::from_bytes::<S>(&stored).is_ok(),
        "what was stored can be read"
    );
}

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, bytes)) = bytes.split_first() else {
        return;
    };
    match kind % 5 {
        0 => read::<Reservoir<u8>>(bytes, |sample| {
            (0..100).for_each(|item| sample.update(item));
            sample.extend_from_slice(&[0; 300]);
            assert!(sample.len() as u64 <= sample.seen());
        }),
        1 => read::<WeightedReservoir<u8>>(bytes, |sample| {
            (0..100).for_each(|item| sample.update(item));
            assert!(!sample.estimate_total_weight().value.is_nan());
        }),
        2 => read::<DecayingReservoir<u8>>(bytes, |sample| {
            (0..100u8).for_each(|item| sample.update_at(item, f64::from(item)).expect("finite"));
        }),
        3 => read::<StratifiedReservoir<u8, u8>>(bytes, |sample| {
            (0..100u8).for_each(|item| sample.update(item % 7, item));
        }),
        _ => read::<MisraGries<u8>>(bytes, |summary| {
            (0..100u8).for_each(|item| {
                let _ = summary.try_update_weighted(item, 1);
            });
            assert!(summary.max_error() <= summary.total_weight());
        }),
    }
});
