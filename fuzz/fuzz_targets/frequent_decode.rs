//! Any bytes as a stored summary: refused, or a summary that keeps its promises.
#![no_main]

use forebay::Merge;
use forebay::frequent::MisraGries;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(mut summary) = postcard::from_bytes::<MisraGries<String>>(bytes) {
        assert!(summary.max_error() <= summary.error_bound());
        assert!(summary.len() <= summary.k());
        summary.merge(summary.clone());
        let _ = summary.try_update_weighted("ebb".into(), 2);
        assert!(summary.len() <= summary.k());
    }
    let _ = postcard::from_bytes::<MisraGries<u8, f64>>(bytes);
});
