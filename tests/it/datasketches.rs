//! Images of DataSketches: fixtures of its libraries, round trips, hostile bytes, the Rust peer,
//! and the Python peer where `cargo xtask interop` has called it.

use std::fmt::Debug;
use std::fs;
use std::hash::Hash;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use datasketches::frequencies::{FrequentItemValue, FrequentItemsSketch};
use forebay::datasketches::{ImageError, Item, read_frequent, write_frequent};
use forebay::frequent::MisraGries;
use proptest::collection::vec;
use proptest::prelude::*;

/// Written by the Python package `datasketches` 5.2.0.
const STRINGS: &str = "04010a05030000000200000000000000040000000000000000000000000000000100000000000000\
                       0300000000000000020000006262 0100000061";
const LONGS: &str = "04010a040300000003000000000000003c0000000000000000000000000000000a000000000000001e00\
                     0000000000001400000000000000000000000000000002000000000000000100000000000000";
const NOTHING: &str = "01010a0503050000";

pub(crate) fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u32> = hex.chars().filter_map(|c| c.to_digit(16)).collect();
    digits
        .chunks(2)
        .map(|pair| (pair[0] * 16 + pair[1]) as u8)
        .collect()
}

fn strings() -> MisraGries<String> {
    let mut summary = MisraGries::new(3);
    for word in "ébb flow ébb neap spring ébb ébb flow".split(' ') {
        summary.update_ref(word);
    }
    summary
}

/// Equal in everything an image holds.
fn assert_same<K: Item + Hash + Ord + Debug>(left: &MisraGries<K>, right: &MisraGries<K>) {
    assert_eq!(left.total_weight(), right.total_weight());
    assert_eq!(left.max_error(), right.max_error());
    assert_eq!(left.is_empty(), right.is_empty());
    assert_eq!(left.top(usize::MAX), right.top(usize::MAX));
    assert!(left.max_error() <= left.error_bound());
}

#[test]
fn fixtures_of_the_python_package_are_read() {
    let summary: MisraGries<String> = read_frequent(&bytes(STRINGS)).expect("strings");
    assert_eq!(
        (summary.lower_bound("a"), summary.upper_bound("bb")),
        (3, 1)
    );
    assert_eq!((summary.total_weight(), summary.k()), (4, 24));
    let summary: MisraGries<u64> = read_frequent(&bytes(LONGS)).expect("longs");
    assert_eq!([0, 1, 2].map(|key| summary.lower_bound(&key)), [10, 20, 30]);
    let summary: MisraGries<i64> = read_frequent(&bytes(NOTHING)).expect("empty");
    assert!(summary.is_empty());
    // Six bytes, as an early release of the Rust peer wrote it.
    let summary: MisraGries<i64> = read_frequent(&bytes(NOTHING)[..6]).expect("empty");
    assert!(summary.is_empty());
}

/// An image of as many counters with their items as it says, in the order of the items.
fn in_order(mut image: Vec<u8>, size: impl Fn(&[u8]) -> usize) -> Vec<u8> {
    let items = usize::from(image[8]);
    let mut rest = image.split_off(32);
    let mut texts = rest.split_off(8 * items);
    let mut pairs = Vec::new();
    for count in rest.chunks_exact(8) {
        let text = texts.drain(..size(&texts));
        pairs.push((text.collect::<Vec<_>>(), count.to_vec()));
    }
    pairs.sort();
    image.extend(pairs.iter().flat_map(|(_, count)| count));
    image.extend(pairs.iter().flat_map(|(text, _)| text));
    assert!(texts.is_empty());
    image
}

#[test]
fn what_was_read_is_written_byte_for_byte_but_for_the_order() {
    let text = |texts: &[u8]| 4 + usize::from(texts[0]);
    let summary: MisraGries<String> = read_frequent(&bytes(STRINGS)).expect("strings");
    let written = write_frequent(&summary).expect("fits");
    assert_eq!(in_order(written, text), in_order(bytes(STRINGS), text));
    let summary: MisraGries<u64> = read_frequent(&bytes(LONGS)).expect("longs");
    let written = write_frequent(&summary).expect("fits");
    assert_eq!(in_order(written, |_| 8), in_order(bytes(LONGS), |_| 8));
    let summary: MisraGries<u64> = read_frequent(&bytes(NOTHING)).expect("empty");
    assert_eq!(write_frequent(&summary), Ok(bytes(NOTHING)));
}

#[test]
fn a_summary_reduced_to_nothing_keeps_its_weight() {
    let mut summary: MisraGries<u64> = MisraGries::new(2);
    summary.extend([1, 2, 3]);
    assert_eq!(summary.len(), 0);
    let image = write_frequent(&summary).expect("fits");
    let back = read_frequent(&image).expect("own image");
    assert_same(&back, &summary);
    let peer = FrequentItemsSketch::<u64>::deserialize(&image).expect("reads ours");
    assert_eq!((peer.total_weight(), peer.maximum_error()), (3, 1));
}

#[test]
fn totals_that_peers_cannot_hold_are_refused() {
    let mut summary: MisraGries<u64> = MisraGries::new(2);
    summary.update_weighted(1, 1 << 63);
    assert_eq!(
        write_frequent(&summary),
        Err(ImageError::TooLarge("total weight"))
    );
}

#[test]
fn a_header_that_claims_two_thousand_million_items_is_refused() {
    let mut image = bytes("04010a1e1e000000 0000008000000000 ffffffffffffff7f 0000000000000000");
    image.truncate(20);
    assert!(read_frequent::<String>(&image).is_err());
    let mut image = bytes("04010a1e1e000000 0000003000000000 ffffffffffffff7f 0000000000000000");
    assert_eq!(
        read_frequent::<String>(&image).err(),
        Some(ImageError::Truncated)
    );
    image[8..12].copy_from_slice(&[0xff; 4]);
    assert!(matches!(
        read_frequent::<u64>(&image),
        Err(ImageError::Inconsistent(_))
    ));
}

#[test]
fn contradictions_are_refused() {
    let good = bytes(LONGS);
    let with = |at: usize, byte: u8| {
        let mut image = good.clone();
        image[at] = byte;
        read_frequent::<u64>(&image).err()
    };
    assert_eq!(with(1, 2), Some(ImageError::WrongKind));
    assert_eq!(with(2, 11), Some(ImageError::WrongKind));
    assert_eq!(with(5, 4), Some(ImageError::Inconsistent("emptiness")));
    assert_eq!(
        with(3, 2),
        Some(ImageError::Inconsistent("size of the table"))
    );
    assert_eq!(
        with(56, 1),
        Some(ImageError::Inconsistent("a key occurs twice"))
    );
    assert!(with(16, 59).is_some(), "counters exceed the total");
    let mut long = good.clone();
    long.push(0);
    assert_eq!(
        read_frequent::<u64>(&long).err(),
        Some(ImageError::TrailingBytes)
    );
    let mut text = bytes(STRINGS);
    *text.last_mut().unwrap() = 0xff;
    assert_eq!(
        read_frequent::<String>(&text).err(),
        Some(ImageError::BadItem)
    );
}

#[test]
fn every_truncation_and_bit_flip_is_refused_or_sound() {
    let image = write_frequent(&strings()).expect("fits");
    for end in 0..image.len() {
        assert!(
            read_frequent::<String>(&image[..end]).is_err(),
            "{end} bytes"
        );
    }
    for bit in 0..image.len() * 8 {
        let mut flipped = image.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        if let Ok(summary) = read_frequent::<String>(&flipped) {
            assert!(summary.len() <= summary.k());
            assert!(summary.max_error() <= summary.error_bound());
            assert!(summary.total_weight() > 0);
        }
    }
}

fn check_peer<K: Item + FrequentItemValue + Clone + Hash + Ord + Debug>(
    stream: &[(K, u64)],
    slots: usize,
) {
    let mut ours: MisraGries<K> = MisraGries::new(slots * 3 / 4);
    let mut peer = FrequentItemsSketch::<K>::new(slots).expect("a power of two");
    for (key, weight) in stream {
        ours.update_weighted(key.clone(), *weight);
        peer.update_with_count(key.clone(), *weight);
    }
    let read: MisraGries<K> = read_frequent(&peer.serialize()).expect("the peer's image");
    assert_eq!(read.total_weight(), peer.total_weight());
    assert!(read.max_error() <= read.error_bound());
    assert!(read.max_error() >= peer.maximum_error());
    let image = write_frequent(&ours).expect("fits");
    let back = FrequentItemsSketch::<K>::deserialize(&image).expect("reads ours");
    assert_eq!(back.maximum_error(), ours.max_error());
    for (key, count) in &ours {
        assert_eq!(back.lower_bound(key), count.lower);
    }
    for (key, _) in stream {
        assert!(back.lower_bound(key) <= ours.lower_bound(key));
        assert!(read.lower_bound(key) <= peer.lower_bound(key));
        assert!(read.upper_bound(key) >= peer.lower_bound(key));
        if read.max_error() == peer.maximum_error() {
            assert_eq!(read.lower_bound(key), peer.lower_bound(key));
        }
    }
    assert_same(&read_frequent(&image).expect("own image"), &ours);
}

proptest! {
    #[test]
    fn images_go_to_the_rust_peer_and_back(
        longs in vec((0..200u64, 1..50u64), 0..300),
        texts in vec(("[aé\u{1F30A}]{0,3}", 1..50u64), 0..100),
        lg_slots in 3..7u32,
    ) {
        check_peer(&longs, 1 << lg_slots);
        let signed: Vec<(i64, u64)> = longs.iter().map(|&(key, w)| (-(key as i64), w)).collect();
        check_peer(&signed, 1 << lg_slots);
        check_peer(&texts, 1 << lg_slots);
    }

    #[test]
    fn random_bytes_after_a_good_head_are_refused_or_sound(
        head in 0..32usize,
        tail in vec(any::<u8>(), 0..64),
    ) {
        let image: Vec<u8> = bytes(LONGS)[..head].iter().copied().chain(tail).collect();
        if let Ok(summary) = read_frequent::<u64>(&image) {
            prop_assert!(summary.max_error() <= summary.error_bound());
        }
    }
}

/// Lines of `weight <tab> key`: the truth that the Python peer was given.
pub(crate) fn truth<W: FromStr<Err: Debug>>(dir: &Path, name: &str) -> Vec<(W, String)> {
    let text = fs::read_to_string(dir.join(format!("{name}.truth"))).expect("the peer wrote it");
    text.lines()
        .map(|line| line.split_once('\t').expect("weight, tab, key"))
        .map(|(weight, key)| (weight.parse().expect("a weight"), key.to_owned()))
        .collect()
}

fn check_theirs<K: Item + Hash + Ord + Debug>(dir: &Path, name: &str, parse: fn(&str) -> K) {
    let image = fs::read(dir.join(format!("{name}.python"))).expect("the peer wrote it");
    let theirs: MisraGries<K> = read_frequent(&image).expect("the peer's image");
    let mut total = 0;
    for (weight, key) in truth::<u64>(dir, name) {
        total += weight;
        let key = parse(&key);
        let count = theirs.estimate(&key);
        assert!(
            count.lower <= weight && weight <= count.upper,
            "{name}: {key:?}"
        );
    }
    assert_eq!(theirs.total_weight(), total, "{name}");
    assert!(theirs.max_error() <= theirs.error_bound(), "{name}");
}

fn write_ours<K: Item + Hash + Ord>(dir: &Path, name: &str, parse: fn(&str) -> K) {
    let mut ours: MisraGries<K> = MisraGries::new(24);
    for (weight, key) in truth(dir, name) {
        ours.update_weighted(parse(&key), weight);
    }
    let image = write_frequent(&ours).expect("fits");
    fs::write(dir.join(format!("{name}.forebay")), image).expect("can write");
}

/// Where images are exchanged with the Python peer, if they are.
pub(crate) fn interop() -> Option<PathBuf> {
    let directory = std::env::var_os("FOREBAY_INTEROP").map(PathBuf::from);
    if directory.is_none() {
        eprintln!("skipped: FOREBAY_INTEROP is not set; see `cargo xtask interop`");
    }
    directory
}

/// A key of an image of longs.
pub(crate) fn long(key: &str) -> i64 {
    key.parse().expect("a number")
}

#[test]
fn images_are_exchanged_with_the_python_peer() {
    let Some(dir) = &interop() else {
        return;
    };
    for name in ["none", "one", "some", "many"] {
        check_theirs(dir, &format!("strings-{name}"), str::to_owned);
        write_ours(dir, &format!("strings-{name}"), str::to_owned);
        check_theirs(dir, &format!("longs-{name}"), long);
        write_ours(dir, &format!("longs-{name}"), long);
    }
    // What is purged to nothing the peer reads, but does not write: its image says empty.
    write_ours(dir, "longs-gone", long);
}
