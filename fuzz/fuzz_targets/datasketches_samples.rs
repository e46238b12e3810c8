//! Any bytes as an image of a reservoir, of VarOpt or of a union of them: refused, or a sample that
//! keeps its promises, goes on, and comes back from an image of its own and from serde.
#![no_main]

use std::fmt::Debug;

use forebay::Merge;
use forebay::datasketches::{
    ImageError, Item, read_reservoir_with_seed, read_var_opt_with_seed, write_reservoir,
    write_reservoir_union, write_var_opt, write_var_opt_union,
};
use forebay::sample::{Reservoir, VarOpt};
use libfuzzer_sys::fuzz_target;
use serde::Serialize;
use serde::de::DeserializeOwned;

trait Sampled: Item + Clone + Ord + Debug + Default + Serialize + DeserializeOwned {}

impl<T: Item + Clone + Ord + Debug + Default + Serialize + DeserializeOwned> Sampled for T {}

fn check_reservoir<T: Sampled>(bytes: &[u8]) {
    let Ok(sample) = read_reservoir_with_seed::<T>(bytes, 1) else {
        return;
    };
    for image in [write_reservoir(&sample), write_reservoir_union(&sample)] {
        let image = image.expect("what was read fits");
        let back: Reservoir<T> = read_reservoir_with_seed(&image, 2).expect("our own image");
        let numbers = |sample: &Reservoir<T>| (sample.capacity(), sample.seen(), sample.len());
        assert_eq!(numbers(&back), numbers(&sample));
        let sorted = |sample: Reservoir<T>| {
            let mut items = sample.into_vec();
            items.sort();
            items
        };
        assert_eq!(sorted(back), sorted(sample.clone()));
    }
    let mut sample = stored(&sample);
    (0..100).for_each(|_| sample.update(T::default()));
    sample.merge(sample.clone());
    assert!(sample.len() <= sample.capacity() && sample.len() as u64 <= sample.seen());
    stored(&sample);
}

fn check_var_opt<T: Sampled>(bytes: &[u8]) {
    let Ok(sample) = read_var_opt_with_seed::<T>(bytes, 1) else {
        return;
    };
    for image in [write_var_opt(&sample), write_var_opt_union(&sample)] {
        match image {
            Ok(image) => {
                let back: VarOpt<T> = read_var_opt_with_seed(&image, 2).expect("our own image");
                assert!(back.len() <= sample.len() && back.seen() <= sample.seen());
                let (ours, theirs) = (sample.total_weight(), back.total_weight());
                assert!((ours - theirs).abs() <= 1e-6 * ours, "{ours} {theirs}");
            }
            Err(error) => assert!(matches!(error, ImageError::TooLarge(_)), "{error}"),
        }
    }
    let mut sample = stored(&sample);
    for i in 0..100 {
        let weight = f64::from(i % 13) * 0.7;
        sample.update_weighted(T::default(), weight).expect("valid");
    }
    sample.merge(sample.clone());
    assert!(sample.len() <= sample.capacity() && !sample.tau().is_nan());
    let half = sample.estimate_weight(|item| *item == T::default());
    assert!(half.lower <= half.value && half.value <= half.upper);
    stored(&sample);
}

/// The same, stored and read back.
fn stored<S: Serialize + DeserializeOwned>(sample: &S) -> S {
    let bytes = postcard::to_allocvec(sample).expect("a sample can be stored");
    postcard::from_bytes(&bytes).expect("what was stored can be read")
}

fuzz_target!(|bytes: &[u8]| {
    check_reservoir::<u64>(bytes);
    check_reservoir::<String>(bytes);
    check_var_opt::<i64>(bytes);
    check_var_opt::<Vec<u8>>(bytes);
});
