//! The samplers that are not bottom-k, stored and read back: the same future, and bad bytes refused.

use forebay::Merge;
use forebay::sample::{EbPps, ReplacementReservoir, VarOpt};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Stores and reads back before every step: nothing changes.
fn resumes<S: Clone + Serialize + DeserializeOwned + std::fmt::Debug>(
    mut sample: S,
    step: impl Fn(&mut S, usize),
) {
    for round in 0..40 {
        let bytes = postcard::to_allocvec(&sample).expect("encodes");
        let mut binary: S = postcard::from_bytes(&bytes).expect("decodes");
        let text = serde_json::to_string(&sample).expect("encodes");
        let mut json: S = serde_json::from_str(&text).expect("decodes");
        step(&mut sample, round);
        step(&mut binary, round);
        step(&mut json, round);
        let after = postcard::to_allocvec(&sample).expect("encodes");
        assert_eq!(
            postcard::to_allocvec(&binary).expect("encodes"),
            after,
            "{round}"
        );
        assert_eq!(
            postcard::to_allocvec(&json).expect("encodes"),
            after,
            "{round}"
        );
    }
}

fn weight(round: usize, i: usize) -> f64 {
    match (round + i) % 11 {
        0 => 0.0,
        1 => 40.0,
        j => j as f64 * 0.3,
    }
}

#[test]
fn a_stored_sampler_has_the_same_future() {
    for k in [1, 5, 30] {
        resumes(ReplacementReservoir::with_seed(k, 1), |sample, round| {
            sample.extend(round * 100..round * 100 + round * round);
            if round % 7 == 3 {
                sample.merge(sample.clone());
            }
        });
        resumes(VarOpt::with_seed(k, 1), |sample, round| {
            for i in 0..round * round {
                sample.update_weighted(i, weight(round, i)).expect("valid");
            }
            if round % 7 == 3 {
                sample.merge(sample.clone());
            }
        });
        resumes(EbPps::with_seed(k, 1), |sample, round| {
            for i in 0..round * round {
                sample.update_weighted(i, weight(round, i)).expect("valid");
            }
            if round % 5 == 4 {
                sample.decay(0.5);
            }
            if round % 7 == 3 {
                sample.merge(sample.clone());
            }
        });
    }
}

/// Every byte changed in turn: an error, or a sampler that works.
fn survives<S: Serialize + DeserializeOwned>(sample: &S, use_it: impl Fn(&mut S)) {
    let bytes = postcard::to_allocvec(sample).expect("encodes");
    for end in 0..bytes.len() {
        assert!(
            postcard::from_bytes::<S>(&bytes[..end]).is_err(),
            "cut at {end}"
        );
    }
    for at in 0..bytes.len() {
        for flip in [1, 2, 16, 64, 128, 255] {
            let mut changed = bytes.clone();
            changed[at] ^= flip;
            if let Ok(mut sample) = postcard::from_bytes::<S>(&changed) {
                use_it(&mut sample);
                let again = postcard::to_allocvec(&sample).expect("encodes");
                assert!(
                    postcard::from_bytes::<S>(&again).is_ok(),
                    "byte {at} ^ {flip}"
                );
            }
        }
    }
}

#[test]
fn changed_bytes_are_an_error_or_a_sampler_that_works() {
    for n in [0, 3, 8, 400] {
        let mut replacement = ReplacementReservoir::with_seed(5, 1);
        let mut var_opt = VarOpt::with_seed(5, 1);
        let mut eb_pps = EbPps::with_seed(5, 1);
        for i in 0..n {
            replacement.update(i);
            var_opt.update_weighted(i, weight(0, i)).expect("valid");
            eb_pps.update_weighted(i, weight(0, i)).expect("valid");
        }
        survives(&replacement, |sample| sample.extend(0..50));
        survives(&var_opt, |sample| {
            for i in 0..50 {
                sample.update_weighted(i, weight(7, i)).expect("valid");
            }
            assert!(sample.len() <= sample.capacity() && !sample.tau().is_nan());
        });
        survives(&eb_pps, |sample| {
            for i in 0..50 {
                sample.update_weighted(i, weight(7, i)).expect("valid");
            }
            assert!(sample.len() <= sample.capacity() && !sample.total_weight().is_nan());
        });
        eb_pps.decay(0.5);
        survives(&eb_pps, |sample| sample.update(1));
    }
}

#[test]
fn what_could_not_be_is_refused_with_its_reason() {
    let refused = |json: &str, reason: &str| {
        let error = serde_json::from_str::<VarOpt<u8>>(json).expect_err(json);
        assert!(error.to_string().contains(reason), "{json}: {error}");
    };
    let mut sample = VarOpt::with_seed(2, 1);
    (0..9u8).for_each(|i| sample.update(i));
    let good = serde_json::to_string(&sample).expect("encodes");
    assert!(serde_json::from_str::<VarOpt<u8>>(&good).is_ok());
    let changed = |from: &str, to: &str| {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good, "{from}");
        bad
    };
    refused(&changed("\"capacity\":2", "\"capacity\":0"), "capacity");
    refused(&changed("\"capacity\":2", "\"capacity\":3"), "capacity");
    refused(
        &changed("\"seen\":9", "\"seen\":2"),
        "more items than it has seen",
    );
    refused(&changed("\"heavy\":0", "\"heavy\":3"), "not in order");
    refused(&changed("\"heavy\":0", "\"heavy\":2"), "light weight");
}
