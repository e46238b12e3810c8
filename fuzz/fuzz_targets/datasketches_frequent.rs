//! Any bytes as an image of frequent items: refused, or a summary that keeps its promises and
//! comes back from an image of its own.
#![no_main]

use std::fmt::Debug;
use std::hash::Hash;

use forebay::datasketches::{Item, read_frequent, write_frequent};
use forebay::frequent::MisraGries;
use libfuzzer_sys::fuzz_target;

fn check<K: Item + Hash + Ord + Debug>(bytes: &[u8]) {
    let Ok(summary) = read_frequent::<K>(bytes) else {
        return;
    };
    assert!(summary.max_error() <= summary.error_bound());
    assert!(summary.len() <= summary.k());
    let image = write_frequent(&summary).expect("what was read fits");
    let back: MisraGries<K> = read_frequent(&image).expect("our own image");
    assert_eq!(back.max_error(), summary.max_error());
    assert_eq!(back.top(usize::MAX), summary.top(usize::MAX));
}

fuzz_target!(|bytes: &[u8]| {
    check::<u64>(bytes);
    check::<String>(bytes);
});
