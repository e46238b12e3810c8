//! Images of VarOpt samples: fixtures of the Python package, round trips, hostile bytes, and the
//! Python peer where `cargo xtask interop` has called it.

use std::fmt::Debug;
use std::fs;
use std::path::Path;

use forebay::Merge;
use forebay::datasketches::{
    ImageError, ImageKind, Item, read_var_opt_with_rng, read_var_opt_with_seed, write_var_opt,
    write_var_opt_union,
};
use forebay::random::JobSeed;
use forebay::sample::VarOpt;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::datasketches::{bytes, interop, long, truth};

/// Written by the Python package `datasketches` 5.2.0: capacity 4, empty; two items; ten of weight
/// 1 and then 77 of weight 100.
const EMPTY: &str = "c1020d0404000000";
const TWO: &str = "c3020d0004000000 0200000000000000 02000000 00000000 0000000000000440 \
                   000000000000f03f 0700000000000000 0800000000000000";
const FULL: &str = "c4020d0004000000 0b00000000000000 01000000 03000000 0000000000002440 \
                    0000000000005940 4d00000000000000 0800000000000000 0700000000000000 \
                    0000000000000000";
/// A union of at most 4, empty, and one of at most 8 of the last one.
const EMPTY_UNION: &str = "01020e0404000000";
const UNION: &str = "04020e0008000000 0b00000000000000 0000000000002440 0300000000000000 \
                     c3020d8008000000 0400000000000000 04000000 00000000 0000000000005940 \
                     abaaaaaaaaaa0a40 abaaaaaaaaaa0a40 aaaaaaaaaaaa0a40 0e 4d00000000000000 \
                     0800000000000000 0700000000000000 0000000000000000";
/// The result of a union of the same with 500, 90 and 5, whose weights are a tenth of these
/// numbers: its threshold is above the weight of 5, its heavy items are in no order.
const LIGHTER: &str = "c4020d0007000000 0e00000000000000 04000000 03000000 0000000000002440 \
                       0000000000005940 0000000000004940 0000000000002240 000000000000e03f \
                       4d00000000000000 f401000000000000 5a00000000000000 0500000000000000 \
                       0000000000000000 0100000000000000 0600000000000000";

fn read<T: Item>(hex: &str) -> Result<VarOpt<T>, ImageError> {
    read_var_opt_with_seed(&bytes(hex), 1)
}

/// Items with their adjusted weights.
fn weighted<T: Item + Clone + Ord>(sample: &VarOpt<T>) -> Vec<(T, f64)> {
    let pairs = sample.iter_weighted();
    let mut pairs: Vec<_> = pairs.map(|(item, weight)| (item.clone(), weight)).collect();
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    pairs
}

fn near(left: f64, right: f64) -> bool {
    (left - right).abs() <= 1e-9 * left.abs().max(right.abs())
}

/// Equal in everything an image holds, but for rounding.
#[track_caller]
fn assert_same<T: Item + Clone + Ord + Debug>(left: &VarOpt<T>, right: &VarOpt<T>) {
    assert_eq!(left.capacity(), right.capacity());
    assert_eq!(left.is_saturated(), right.is_saturated());
    assert!(near(left.tau(), right.tau()));
    assert!(near(left.total_weight(), right.total_weight()));
    for (ours, theirs) in weighted(left).into_iter().zip(weighted(right)) {
        assert_eq!(ours.0, theirs.0);
        assert!(near(ours.1, theirs.1), "{ours:?} {theirs:?}");
    }
}

#[test]
fn fixtures_of_the_python_package_are_read() {
    let empty = read::<u64>(EMPTY).expect("empty");
    assert_eq!((empty.capacity(), empty.is_empty()), (4, true));
    let two = read::<i64>(TWO).expect("two");
    assert_eq!(weighted(&two), [(7, 2.5), (8, 1.0)]);
    assert_eq!((two.seen(), two.tau()), (2, 0.0));
    let third = 10.0 / 3.0;
    let four = [(0, third), (7, third), (8, third), (77, 100.0)];
    let full = read::<u64>(FULL).expect("full");
    assert_eq!(weighted(&full), four);
    assert_eq!((full.seen(), full.total_weight()), (11, 110.0));
    assert_eq!(read::<u64>(EMPTY_UNION).expect("empty").capacity(), 4);
    // The result of the union is the sample it was given, as their `get_result` says.
    let union = read::<u64>(UNION).expect("a union");
    assert_same(&union, &full);
    assert_eq!(union.seen(), 11);
}

#[test]
fn what_was_read_is_written_byte_for_byte() {
    for hex in [EMPTY, TWO] {
        let sample = read::<u64>(hex).expect("theirs");
        // The lightest comes first, where peers have the order of arrival.
        let image = write_var_opt(&sample).expect("fits");
        assert_eq!(image.len(), bytes(hex).len());
        assert_eq!(
            weighted(&read_var_opt_with_seed(&image, 1).expect("ours")),
            weighted(&sample)
        );
    }
    let full = read::<u64>(FULL).expect("full");
    assert_eq!(write_var_opt(&full), Ok(bytes(FULL)));
    let mut union = bytes(UNION);
    (union[4], union[36]) = (4, 4);
    assert_eq!(write_var_opt_union(&full), Ok(union));
}

#[test]
fn results_of_peers_with_items_below_the_threshold_are_put_right() {
    let sample = read::<u64>(LIGHTER).expect("a result");
    // 3 + 0.5 / (10 / 3) + 3 slots: one of the four light items had to go.
    assert_eq!((sample.capacity(), sample.len()), (6, 6));
    assert!(near(sample.tau(), 3.5) && near(sample.total_weight(), 169.5));
    let mut kept = 0;
    for seed in 0..20_000 {
        let sample = read_var_opt_with_seed::<u64>(&bytes(LIGHTER), seed).expect("a result");
        kept += u32::from(sample.iter().any(|&item| item == 5));
    }
    // 0.5 / 3.5 of them, within five standard deviations.
    assert!((2_610..=3_105).contains(&kept), "{kept}");
}

fn sample(k: usize, n: u64, weight: impl Fn(u64) -> f64) -> VarOpt<u64> {
    let mut sample = VarOpt::with_seed(k, n);
    for item in 0..n {
        sample.update_weighted(item, weight(item)).expect("valid");
    }
    sample
}

/// Weights of many kinds, by number.
fn weight(kind: usize, item: u64) -> f64 {
    match kind {
        0 => 1.0,
        1 => (item % 17) as f64 * 0.1,
        2 => 1.5f64.powi((item % 60) as i32),
        3 if item.is_multiple_of(10) => 1e6,
        3 => 0.3,
        4 => f64::MIN_POSITIVE * (item + 1) as f64,
        _ => 1e305 / (item + 1) as f64,
    }
}

#[test]
fn samples_and_unions_of_one_come_back() {
    for kind in 0..6 {
        for (k, n) in [(1, 0), (1, 1), (1, 9), (5, 4), (5, 5), (5, 6), (30, 400)] {
            let ours = sample(k, n, |item| weight(kind, item));
            for image in [write_var_opt(&ours), write_var_opt_union(&ours)] {
                let image = image.expect("fits");
                let mut back: VarOpt<u64> = read_var_opt_with_seed(&image, 3).expect("own image");
                assert_same(&back, &ours);
                if ours.is_saturated() {
                    assert_eq!(back.seen(), ours.seen());
                } else {
                    assert_eq!(back.seen(), ours.len() as u64);
                }
                back.merge(ours.clone());
                let total = 2.0 * ours.total_weight();
                assert!(
                    total > 1e308 || near(back.total_weight(), total),
                    "{kind} {k} {n}"
                );
            }
        }
    }
}

#[test]
fn light_items_of_what_was_read_weigh_what_they_weigh_on_average() {
    let ours = sample(40, 600, |item| (1 + item % 17) as f64 * 0.1);
    for image in [write_var_opt(&ours), write_var_opt_union(&ours)] {
        let back: VarOpt<u64> = read_var_opt_with_seed(&image.expect("fits"), 1).expect("ours");
        let even = |item: &u64| item.is_multiple_of(2);
        assert!(near(
            ours.estimate_weight(even).value,
            back.estimate_weight(even).value
        ));
        let (weight, count) = (back.estimate_weight(even), back.estimate_count(even));
        assert!(
            0.0 < weight.width() && weight.lower <= weight.value && weight.value <= weight.upper
        );
        assert!(near(back.estimate_count(|_| true).value, 600.0));
        assert!(
            count.width().is_finite() && count.contains(300.0),
            "{count:?}"
        );
    }
}

#[test]
fn summaries_that_peers_cannot_hold_are_refused() {
    let large: VarOpt<u64> = VarOpt::with_seed(i32::MAX as usize, 1);
    for image in [write_var_opt(&large), write_var_opt_union(&large)] {
        assert_eq!(image, Err(ImageError::TooLarge("capacity")));
    }
    let heavy = sample(2, 9, |_| 1e308);
    for image in [write_var_opt(&heavy), write_var_opt_union(&heavy)] {
        let reason = "weight of the light items";
        assert_eq!(image, Err(ImageError::TooLarge(reason)));
    }
}

#[test]
fn contradictions_are_refused() {
    let with = |hex: &str, at: usize, byte: u8| {
        let mut image = bytes(hex);
        image[at] = byte;
        read_var_opt_with_seed::<u64>(&image, 1).err()
    };
    let because = |reason| Some(ImageError::Inconsistent(reason));
    assert_eq!(with(FULL, 1, 1), Some(ImageError::WrongKind));
    assert_eq!(with(FULL, 2, 11), Some(ImageError::WrongKind));
    assert_eq!(with(FULL, 0, 0xc1), because("length of the preamble"));
    assert_eq!(with(FULL, 0, 0xc3), because("number of items"));
    assert_eq!(with(TWO, 0, 0xc4), because("number of items"));
    assert_eq!(with(EMPTY, 4, 0), because("capacity"));
    assert_eq!(with(FULL, 3, 0x80), because("marks"));
    assert_eq!(with(UNION, 35, 0), because("marks"));
    assert_eq!(with(FULL, 4, 5), because("number of items"));
    assert_eq!(with(FULL, 8, 4), because("number of items"));
    assert_eq!(with(TWO, 8, 3), because("number of items"));
    assert_eq!(with(FULL, 31, 0xff), because("a weight"));
    assert_eq!(with(FULL, 39, 0xc0), because("a weight"));
    assert_eq!(with(FULL, 14, 1), because("number of items seen"));
    assert_eq!(with(UNION, 4, 9), because("capacity"));
    assert_eq!(with(UNION, 8, 3), because("number of items seen"));
    assert_eq!(
        with(UNION, 8, 4),
        because("a sample holds more items than it has seen")
    );
    assert_eq!(with(UNION, 24, 0), because("threshold of the union"));
    assert_eq!(with(UNION, 23, 0xc0), because("threshold of the union"));
    assert_eq!(with(UNION, 88, 0), because("number of items seen"));
    let long = [bytes(FULL), vec![0]].concat();
    let long = read_var_opt_with_seed::<u64>(&long, 1);
    assert_eq!(long.err(), Some(ImageError::TrailingBytes));
}

#[test]
fn a_header_that_claims_two_thousand_million_items_is_refused() {
    for hex in [
        "c3020d00 feffff7f feffff7f00000000 feffff7f 00000000",
        "c4020d00 feffff7f ffffffffffff0000 00000000 feffff7f 000000000000f03f",
        "c4020d00 feffff7f ffffffffffff0000 fdffff7f 01000000 000000000000f03f",
    ] {
        let image = read::<String>(hex);
        assert_eq!(image.err(), Some(ImageError::Truncated));
    }
}

fn check_sound<T: Item + Clone + Default + Debug>(image: &[u8]) {
    if let Ok(mut sample) = read_var_opt_with_seed::<T>(image, 1) {
        assert!(sample.len() <= sample.capacity() && !sample.tau().is_nan());
        assert!(sample.seen() >= sample.len() as u64);
        let all = sample.estimate_weight(|_| true);
        assert!(near(all.value, sample.total_weight()), "{all:?}");
        if sample.tau() < 1e300 {
            assert!(write_var_opt(&sample).is_ok());
        }
        for i in 0..40 {
            let weight = f64::from(i % 5) * 10f64.powi(i - 20);
            sample.update_weighted(T::default(), weight).expect("valid");
        }
        sample.merge(sample.clone());
        assert!(sample.len() <= sample.capacity() && !sample.tau().is_nan());
    }
}

#[test]
fn every_truncation_and_bit_flip_is_refused_or_sound() {
    for hex in [EMPTY, TWO, FULL, LIGHTER, EMPTY_UNION, UNION] {
        let image = bytes(hex);
        for end in 0..image.len() {
            let cut = read_var_opt_with_seed::<u64>(&image[..end], 1);
            assert!(cut.is_err(), "{end} bytes");
        }
        for bit in 0..image.len() * 8 {
            let mut flipped = image.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            check_sound::<u64>(&flipped);
            check_sound::<String>(&flipped);
        }
    }
}

proptest! {
    #[test]
    fn round_trips_keep_items_and_weights(
        stream in vec(("[aé\u{1F30A}]{0,3}", 0.0..1e9f64), 0..60),
        capacity in 1..50usize,
    ) {
        let mut sample = VarOpt::with_seed(capacity, 7);
        for (place, (text, weight)) in stream.into_iter().enumerate() {
            sample.update_weighted(format!("{place}{text}"), weight).expect("valid");
        }
        let image = write_var_opt(&sample).expect("fits");
        prop_assert_eq!(ImageKind::of(&image), Some(ImageKind::VarOpt));
        let rng = JobSeed::new(1).partition_rng(0, 1, 0);
        let back = read_var_opt_with_rng::<String, _>(&image, rng).expect("own image");
        assert_same(&back, &sample);
        let image = write_var_opt_union(&sample).expect("fits");
        prop_assert_eq!(ImageKind::of(&image), Some(ImageKind::VarOptUnion));
        assert_same(&read_var_opt_with_seed::<String>(&image, 1).expect("own image"), &sample);
    }

    #[test]
    fn random_bytes_after_a_good_head_are_refused_or_sound(
        image in prop_oneof![Just(FULL), Just(UNION), Just(LIGHTER)],
        head in 0..120usize,
        tail in vec(any::<u8>(), 0..64),
    ) {
        let good = bytes(image);
        let head = good.iter().take(head).copied();
        check_sound::<u64>(&head.chain(tail).collect::<Vec<u8>>());
    }
}

/// What the Python peer says of its sample: the capacity, the number seen, the total, and the
/// items with adjusted weights.
struct Said<T> {
    capacity: usize,
    seen: u64,
    rows: Vec<(f64, T)>,
}

impl<T> Said<T> {
    fn read(dir: &Path, name: &str, parse: fn(&str) -> T) -> Self {
        let text = fs::read_to_string(dir.join(format!("{name}.said"))).expect("the peer wrote it");
        let mut lines = text.lines();
        let mut number = || {
            lines
                .next()
                .and_then(|line| line.parse().ok())
                .expect("a number")
        };
        let (capacity, seen) = (number(), number());
        let rows = lines.map(|line| line.split_once('\t').expect("weight, tab, item"));
        let weight = |text: &str| text.parse().expect("a weight");
        Self {
            capacity: usize::try_from(capacity).expect("small"),
            seen,
            rows: rows.map(|(w, item)| (weight(w), parse(item))).collect(),
        }
    }
}

/// Reads the peer's image of a sample (`exact`: all it says must be found again) or of a union.
fn check_theirs<T: Item + Clone + Ord + Debug>(dir: &Path, name: &str, parse: fn(&str) -> T) {
    let said = Said::read(dir, name, parse);
    let total: f64 = said.rows.iter().map(|(weight, _)| weight).sum();
    for kind in ["sketch", "union"] {
        let image = fs::read(dir.join(format!("{name}.{kind}.python"))).expect("it wrote it");
        let theirs: VarOpt<T> = read_var_opt_with_seed(&image, 1).expect("the peer's image");
        assert_eq!(theirs.seen(), said.seen, "{name} {kind}");
        assert!(near(theirs.total_weight(), total), "{name} {kind}");
        let found = weighted(&theirs);
        let mut rows = said.rows.clone();
        rows.sort_by(|a, b| a.1.cmp(&b.1));
        assert_eq!(theirs.capacity(), said.capacity, "{name} {kind}");
        assert_eq!(found.len(), rows.len(), "{name} {kind}");
        for ((item, weight), (said, theirs)) in found.iter().zip(&rows) {
            assert_eq!(item, theirs, "{name} {kind}");
            assert!(near(*weight, *said), "{name} {kind}: {item:?}");
        }
    }
    // Unions of several samples: the items are theirs, the total is, the threshold may not be.
    let image = fs::read(dir.join(format!("{name}.several.python"))).expect("it wrote it");
    let several: VarOpt<T> = read_var_opt_with_seed(&image, 1).expect("the peer's image");
    let said = Said::read(dir, &format!("{name}.several"), parse);
    let total: f64 = said.rows.iter().map(|(weight, _)| weight).sum();
    assert_eq!(several.seen(), said.seen, "{name}");
    assert!(near(several.total_weight(), total), "{name}");
    assert!(several.len() >= said.rows.len().min(1), "{name}");
}

fn write_ours<T: Item + Clone + Ord + Debug>(dir: &Path, name: &str, parse: fn(&str) -> T) {
    let mut ours = VarOpt::with_seed(16, 1);
    for (weight, item) in truth::<f64>(dir, name) {
        ours.update_weighted(parse(&item), weight).expect("valid");
    }
    let write = |kind: &str, image: Result<Vec<u8>, ImageError>| {
        let path = dir.join(format!("{name}.{kind}.forebay"));
        fs::write(path, image.expect("fits")).expect("can write");
    };
    write("sketch", write_var_opt(&ours));
    write("union", write_var_opt_union(&ours));
    let rows = ours
        .iter_weighted()
        .map(|(_, weight)| format!("{weight:?}\n"));
    let rows: String = rows.collect();
    fs::write(dir.join(format!("{name}.weights")), rows).expect("can write");
}

#[test]
fn images_are_exchanged_with_the_python_peer() {
    let Some(dir) = &interop() else {
        return;
    };
    for name in ["none", "one", "warm", "full", "light", "heavy", "random"] {
        check_theirs(dir, &format!("var-opt-longs-{name}"), long);
        write_ours(dir, &format!("var-opt-longs-{name}"), long);
        check_theirs(dir, &format!("var-opt-strings-{name}"), str::to_owned);
        write_ours(dir, &format!("var-opt-strings-{name}"), str::to_owned);
    }
}
