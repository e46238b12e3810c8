//! Any bytes: reading a summary fails or gives one that works.

#![no_main]

use forebay::Merge;
use forebay::frequent::MisraGries;
use forebay::sample::{
    DecayingReservoir, EbPps, ReplacementReservoir, Reservoir, StratifiedReservoir, VarOpt,
    WeightedReservoir,
};
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
    match kind % 8 {
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
        4 => read::<ReplacementReservoir<u8>>(bytes, |sample| {
            // The first item fills all slots, however many the bytes say there are.
            if sample.capacity() < 10_000 {
                (0..100).for_each(|item| sample.update(item));
                assert_eq!(sample.len(), sample.capacity());
            }
        }),
        5 => read::<VarOpt<u8>>(bytes, |sample| {
            for item in 0..100u8 {
                let weight = f64::from(item % 13) * 0.7;
                sample.update_weighted(item, weight).expect("valid");
            }
            assert!(sample.len() <= sample.capacity() && !sample.tau().is_nan());
            let half = sample.estimate_weight(|item| item % 2 == 0);
            assert!(half.lower <= half.value && half.value <= half.upper);
        }),
        6 => read::<EbPps<u8>>(bytes, |sample| {
            for item in 0..100u8 {
                let weight = f64::from(item % 13) * 0.7;
                sample.update_weighted(item, weight).expect("valid");
            }
            sample.decay(0.5);
            assert!(sample.len() <= sample.capacity() && sample.iter().len() == sample.len());
            assert!(!sample.expected_len().is_nan() && !sample.total_weight().is_nan());
        }),
        _ => read::<MisraGries<u8>>(bytes, |summary| {
            (0..100u8).for_each(|item| {
                let _ = summary.try_update_weighted(item, 1);
            });
            assert!(summary.max_error() <= summary.total_weight());
        }),
    }
});
