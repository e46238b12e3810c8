//! Images of frequent items: family 10, version 1.

use alloc::vec::Vec;
use core::hash::Hash;

use super::bytes::Bytes;
use super::error::ImageError;
use super::head::ImageKind;
use super::item::{Item, read_items, write_items};
use crate::frequent::{MisraGries, Parts};
use crate::hash::DefaultHashBuilder;

const FAMILY: u8 = ImageKind::FrequentItems.family();
const VERSION: u8 = 1;
/// Either bit marks an empty image. Both are written, because peers disagree on the bit.
const EMPTY: u8 = 0b101;
/// Preamble lengths, in units of 8 bytes.
const SHORT: u8 = 1;
const LONG: u8 = 4;
const LG_SLOTS_LEAST: u8 = 3;
const LG_SLOTS_MOST: u8 = 30;

/// The most items in a table of `2^lg_slots`: three quarters.
const fn capacity(lg_slots: u8) -> usize {
    (1 << lg_slots) / 4 * 3
}

/// The smallest table for `items` items.
fn lg_slots(items: usize) -> Result<u8, ImageError> {
    (LG_SLOTS_LEAST..=LG_SLOTS_MOST)
        .find(|&lg| items <= capacity(lg))
        .ok_or(ImageError::TooLarge("number of counters"))
}

/// Writes a summary as an image of frequent items.
///
/// Only k and the hasher are lost: the total, the bounds and the error are those of the summary. The image
/// of a summary that has seen weights but tracks no key is non-empty. The libraries for C++ and Python
/// read it, though they do not write such images.
///
/// # Errors
///
/// Returns an error if the total weight is above 2^63 - 1, because peers use signed weights, if k is above
/// 3 * 2^28, or if an item has at least 4 GiB.
pub fn write_frequent<K: Item, S>(summary: &MisraGries<K, u64, S>) -> Result<Vec<u8>, ImageError> {
    let total = summary.total_weight();
    if i64::try_from(total).is_err() {
        return Err(ImageError::TooLarge("total weight"));
    }
    let lg_most = lg_slots(summary.k())?;
    let rows = summary.iter();
    let lg_now = lg_slots(rows.len())?;
    let (preamble, flags) = if total == 0 {
        (SHORT, EMPTY)
    } else {
        (LONG, 0)
    };
    let mut image = Vec::new();
    image.extend_from_slice(&[preamble, VERSION, FAMILY, lg_most, lg_now, flags, 0, 0]);
    if preamble == SHORT {
        return Ok(image);
    }
    let items = u64::try_from(rows.len()).expect("no more items than k");
    image.extend_from_slice(&items.to_le_bytes());
    image.extend_from_slice(&total.to_le_bytes());
    image.extend_from_slice(&summary.max_error().to_le_bytes());
    for (_, count) in rows.clone() {
        image.extend_from_slice(&count.lower.to_le_bytes());
    }
    write_items(rows.map(|(key, _)| key), &mut image)?;
    Ok(image)
}

/// Reads an image of frequent items.
///
/// The bounds and the error are those of the image. k is not in the image. It becomes the capacity of the
/// peer's table, or less if the peer's error is too large for that: the largest k with
/// `max_error <= total_weight / (k + 1)`.
///
/// # Errors
///
/// Returns an error if the bytes are not such an image, are truncated, have trailing bytes, or are
/// inconsistent.
pub fn read_frequent<K: Item + Hash + Eq>(image: &[u8]) -> Result<MisraGries<K>, ImageError> {
    let mut bytes = Bytes(image);
    let [preamble, version, family, lg_most, lg_now, flags] = bytes.array()?;
    if family != FAMILY || version != VERSION {
        return Err(ImageError::WrongKind);
    }
    let lg_range = LG_SLOTS_LEAST..=LG_SLOTS_MOST;
    if !lg_range.contains(&lg_most) || !(LG_SLOTS_LEAST..=lg_most).contains(&lg_now) {
        return Err(ImageError::Inconsistent("size of the table"));
    }
    let capacity_most = capacity(lg_most);
    match (preamble & 0x3f, flags & EMPTY != 0) {
        (SHORT, true) => {
            // Two bytes of padding, which an early release for Rust omits.
            if !bytes.0.is_empty() {
                bytes.take(2)?;
            }
            bytes.end()?;
            Ok(MisraGries::new(capacity_most))
        }
        (LONG, false) => {
            bytes.take(2)?;
            let parts = read_parts(bytes, capacity_most, capacity(lg_now))?;
            parts
                .assemble_settled(DefaultHashBuilder::default())
                .map_err(ImageError::Inconsistent)
        }
        _ => Err(ImageError::Inconsistent("emptiness")),
    }
}

fn read_parts<K: Item>(
    mut bytes: Bytes<'_>,
    capacity_most: usize,
    capacity_now: usize,
) -> Result<Parts<K, u64>, ImageError> {
    let items = bytes.u32()? as usize;
    bytes.take(4)?;
    let total = bytes.u64()?;
    let subtracted = bytes.u64()?;
    if items > capacity_now {
        return Err(ImageError::Inconsistent("more items than the table holds"));
    }
    if total == 0 || i64::try_from(total).is_err() {
        return Err(ImageError::Inconsistent("total weight"));
    }
    let mut counts = Bytes(bytes.take(items.saturating_mul(8))?);
    let keys = read_items(&mut bytes, items)?;
    bytes.end()?;
    let mut counters = Vec::with_capacity(items);
    for key in keys {
        counters.push((key, counts.u64()?));
    }
    Ok(Parts::of_any_weights(
        capacity_most,
        total,
        subtracted,
        counters,
    ))
}
