//! Images of reservoirs: fixtures made by hand from the layout (there is no peer to ask here), round
//! trips, hostile bytes. That what is read has the right law is judged in `tests/stats`.

use std::collections::HashSet;

use forebay::Merge;
use forebay::datasketches::{
    ImageError, ImageKind, Item, read_reservoir_with_rng, read_reservoir_with_seed,
    write_reservoir, write_reservoir_union,
};
use forebay::random::JobSeed;
use forebay::sample::Reservoir;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::datasketches::bytes;

/// Capacity 4, nothing seen.
const EMPTY: &str = "c1020b04 04000000";
/// Capacity 4: 7 and 8.
const WHOLE: &str = "c2020b00 04000000 0200000000000000 0700000000000000 0800000000000000";
/// Capacity 2 of ten: "ébb" and "a".
const STRINGS: &str = "c2020b00 02000000 0a00000000000000 04000000c3a96262 0100000061";
/// Version 1, capacity 2 and 1025 (rounded down from a fraction), the last two bytes of no meaning.
const OLD: &str = "c2010b00 00080b00 0300000000000000 0700000000000000 0800000000000000";
const OLD_EMPTY: &str = "c1010b04 02500b00";

fn read<T: Item>(hex: &str) -> Result<Reservoir<T>, ImageError> {
    read_reservoir_with_seed(&bytes(hex), 1)
}

/// An image of a union of at most `most` items of what another image holds.
fn union(most: u32, inner: &str) -> Vec<u8> {
    let mut image = bytes("01020c00");
    image.extend(most.to_le_bytes());
    image.extend(bytes(inner));
    image
}

fn items<T: Ord>(sample: Reservoir<T>) -> Vec<T> {
    let mut items = sample.into_vec();
    items.sort_unstable();
    items
}

#[test]
fn fixtures_are_read() {
    let empty = read::<u64>(EMPTY).expect("empty");
    assert_eq!((empty.capacity(), empty.is_empty()), (4, true));
    let whole = read::<i64>(WHOLE).expect("whole");
    assert_eq!((whole.capacity(), whole.seen()), (4, 2));
    assert!(!whole.is_saturated());
    assert_eq!(items(whole), [7, 8]);
    let strings = read::<String>(STRINGS).expect("strings");
    assert_eq!((strings.capacity(), strings.seen()), (2, 10));
    assert_eq!(strings.inclusion_probability(), 0.2);
    assert_eq!(items(strings), ["a", "ébb"]);
    let old = read::<u64>(OLD).expect("version 1");
    assert_eq!((old.capacity(), old.seen(), old.len()), (2, 3, 2));
    assert_eq!(read::<u64>(OLD_EMPTY).expect("version 1").capacity(), 1025);
}

#[test]
fn what_was_read_is_written_byte_for_byte_but_for_the_order() {
    assert_eq!(
        write_reservoir(&read::<u64>(EMPTY).expect("empty")),
        Ok(bytes(EMPTY))
    );
    let one = "c2020b00 04000000 0100000000000000 0700000000000000";
    assert_eq!(
        write_reservoir(&read::<u64>(one).expect("one")),
        Ok(bytes(one))
    );
    let strings = write_reservoir(&read::<String>(STRINGS).expect("strings")).expect("fits");
    assert_eq!(strings.len(), bytes(STRINGS).len());
    assert_eq!(strings[..16], bytes(STRINGS)[..16]);
    // Bytes that are text are strings.
    let raw: Reservoir<Vec<u8>> = read(STRINGS).expect("strings");
    assert_eq!(items(raw), [b"a".to_vec(), "ébb".into()]);
}

#[test]
fn a_union_has_the_capacity_of_its_result() {
    let read = |most, inner| {
        let image = union(most, inner);
        assert_eq!(ImageKind::of(&image), Some(ImageKind::ReservoirUnion));
        read_reservoir_with_seed::<u64>(&image, 1).expect("a union")
    };
    // All that was seen is there: there is room for more, or too little.
    assert_eq!((read(9, WHOLE).capacity(), read(9, WHOLE).len()), (9, 2));
    assert_eq!(read(9, EMPTY).capacity(), 9);
    let ten = "c2020b00 03000000 0a00000000000000 010000000000000002000000000000000300000000000000";
    assert_eq!((read(9, ten).capacity(), read(9, ten).len()), (3, 3));
    let cut = read(2, ten);
    assert_eq!((cut.capacity(), cut.len(), cut.seen()), (2, 2, 10));
    assert!(cut.is_saturated());
    let empty = read_reservoir_with_seed::<u64>(&bytes("01020c04 08000000"), 1);
    assert_eq!(empty.expect("an empty union").capacity(), 8);
    let old = [bytes("01010c00 00300000"), bytes(OLD)].concat();
    let old = read_reservoir_with_seed::<u64>(&old, 1).expect("version 1");
    assert_eq!((old.capacity(), old.seen()), (2, 3));
}

#[test]
fn unions_of_one_come_back() {
    for n in [0, 3, 5, 500] {
        let mut sample = Reservoir::with_seed(5, 1);
        sample.extend(0..n);
        let image = write_reservoir_union(&sample).expect("fits");
        let back: Reservoir<u64> = read_reservoir_with_seed(&image, 2).expect("own image");
        assert_eq!((back.capacity(), back.seen()), (5, n));
        assert_eq!(items(back), items(sample));
    }
}

#[test]
fn summaries_that_peers_cannot_hold_are_refused() {
    let one: Reservoir<u64> = Reservoir::with_seed(1, 1);
    assert!(matches!(
        write_reservoir(&one),
        Err(ImageError::TooSmall(_))
    ));
    assert!(matches!(
        write_reservoir_union(&one),
        Err(ImageError::TooSmall(_))
    ));
    let large: Reservoir<u64> = Reservoir::with_seed(1 << 31, 1);
    assert_eq!(
        write_reservoir(&large),
        Err(ImageError::TooLarge("capacity"))
    );
    let mut long =
        read::<u64>("c2020b00 02000000 ffffffffffff0000 01000000000000000200000000000000")
            .expect("the longest stream");
    assert!(write_reservoir(&long).is_ok());
    long.merge(read::<u64>(WHOLE).expect("whole"));
    assert_eq!(
        write_reservoir(&long),
        Err(ImageError::TooLarge("number of items seen"))
    );
    let mut binary = Reservoir::with_seed(2, 1);
    binary.update(vec![0xff]);
    assert_eq!(write_reservoir(&binary), Err(ImageError::BadItem));
}

#[test]
fn contradictions_are_refused() {
    let with = |at: usize, byte: u8| {
        let mut image = bytes(WHOLE);
        image[at] = byte;
        read_reservoir_with_seed::<u64>(&image, 1).err()
    };
    assert_eq!(with(1, 3), Some(ImageError::WrongKind));
    assert_eq!(with(2, 13), Some(ImageError::WrongKind));
    let preamble = Some(ImageError::Inconsistent("length of the preamble"));
    assert_eq!(with(0, 0xc1), preamble);
    assert_eq!(with(0, 0xc3), preamble);
    assert_eq!(with(3, 4), preamble);
    let capacity = Some(ImageError::Inconsistent("capacity"));
    assert_eq!(with(4, 1), capacity);
    assert_eq!(with(7, 0x80), capacity);
    let seen = Some(ImageError::Inconsistent("number of items seen"));
    assert_eq!(with(8, 0), seen);
    assert_eq!(with(14, 1), seen);
    assert_eq!(with(8, 3), Some(ImageError::Truncated));
    assert_eq!(with(8, 1), Some(ImageError::TrailingBytes));
    let nested = union(3, "01020c04 08000000");
    let nested = read_reservoir_with_seed::<u64>(&nested, 1);
    assert_eq!(nested.err(), Some(ImageError::WrongKind));
}

#[test]
fn a_header_that_claims_two_thousand_million_items_is_refused() {
    let image = bytes("c2020b00 ffffff7f ffffffffffff0000 00000000");
    assert_eq!(
        read_reservoir_with_seed::<String>(&image, 1).err(),
        Some(ImageError::Truncated)
    );
}

fn check_sound<T: Item + Clone + Default>(image: &[u8]) {
    if let Ok(mut sample) = read_reservoir_with_seed::<T>(image, 1) {
        let held = usize::try_from(sample.seen())
            .map_or(sample.capacity(), |seen| seen.min(sample.capacity()));
        assert_eq!(sample.len(), held);
        assert_eq!(sample.is_saturated(), sample.seen() > held as u64);
        sample.extend_from_slice(&vec![T::default(); 50]);
        sample.merge(sample.clone());
        assert!(sample.len() <= sample.capacity());
    }
}

#[test]
fn every_truncation_and_bit_flip_is_refused_or_sound() {
    for image in [bytes(STRINGS), union(2, STRINGS), bytes(EMPTY)] {
        for end in 0..image.len() {
            let cut = read_reservoir_with_seed::<String>(&image[..end], 1);
            assert!(cut.is_err(), "{end} bytes");
        }
        for bit in 0..image.len() * 8 {
            let mut flipped = image.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            check_sound::<String>(&flipped);
            check_sound::<u64>(&flipped);
        }
    }
}

proptest! {
    #[test]
    fn round_trips_keep_items_and_numbers(
        texts in vec("[aé\u{1F30A}]{0,3}", 0..60),
        capacity in 2..50usize,
    ) {
        let mut sample = Reservoir::with_seed(capacity, 7);
        sample.extend(texts);
        let image = write_reservoir(&sample).expect("fits");
        prop_assert_eq!(ImageKind::of(&image), Some(ImageKind::Reservoir));
        let rng = JobSeed::new(1).partition_rng(0, 1, 0);
        let back = read_reservoir_with_rng::<String, _>(&image, rng).expect("own image");
        prop_assert_eq!(back.capacity(), sample.capacity());
        prop_assert_eq!(back.seen(), sample.seen());
        prop_assert_eq!(back.is_saturated(), sample.is_saturated());
        prop_assert_eq!(items(back), items(sample));
    }

    #[test]
    fn random_bytes_after_a_good_head_are_refused_or_sound(
        head in 0..30usize,
        tail in vec(any::<u8>(), 0..64),
    ) {
        let good = bytes(STRINGS);
        let head = good.iter().take(head).copied();
        check_sound::<String>(&head.chain(tail).collect::<Vec<u8>>());
    }
}

#[test]
fn merges_of_what_was_read_keep_the_laws_of_merges() {
    let image = |range: std::ops::Range<u64>| {
        let mut sample = Reservoir::with_seed(20, range.start);
        sample.extend(range);
        write_reservoir(&sample).expect("fits")
    };
    let part = |number: u64| {
        let image = image(number * 1_000..(number + 1) * 1_000);
        read_reservoir_with_seed::<u64>(&image, number).expect("own image")
    };
    let mut left = part(1);
    left.merge(part(2));
    left.merge(part(3));
    let mut right = part(3);
    right.merge(part(1));
    right.merge(part(2));
    assert_eq!((left.len(), left.seen()), (20, 3_000));
    let left: HashSet<u64> = left.into_iter().collect();
    assert_eq!(left, right.into_iter().collect());
}
