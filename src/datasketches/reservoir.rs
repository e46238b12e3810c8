//! Images of reservoirs and their unions: families 11 and 12.

use alloc::vec::Vec;

use rand::Rng;

use super::bytes::Bytes;
use super::error::ImageError;
use super::head::{Head, ImageKind, Limits, check_seen, read_seen};
use super::item::{Item, read_items, write_items};
use crate::random::{DefaultRng, seeded};
use crate::sample::Reservoir;

const LIMITS: Limits = Limits {
    least: 2,
    most: i32::MAX as u32,
};

/// Writes a reservoir as an image of a reservoir.
///
/// The image holds the capacity, the number of items seen and the items, in no meaningful order. Ranks and
/// generator are lost. [`read_reservoir_with_rng`] replaces them without a change of the guarantee.
///
/// # Errors
///
/// Returns an error if the capacity is 1, which peers do not accept, or above 2^31 - 1, if more than
/// 2^48 - 1 items were seen, or if an item does not fit (see [`Item`]).
pub fn write_reservoir<T: Item, R>(sample: &Reservoir<T, R>) -> Result<Vec<u8>, ImageError> {
    let capacity = LIMITS.check(sample.capacity())?;
    if sample.is_empty() {
        return Ok(Head::write_empty(ImageKind::Reservoir, capacity));
    }
    let mut image = Head::write(ImageKind::Reservoir, 2, 0, capacity);
    image.extend_from_slice(&check_seen(sample.seen())?.to_le_bytes());
    write_items(sample, &mut image)?;
    Ok(image)
}

/// Writes a reservoir as an image of a union of one reservoir, with the same capacity.
///
/// # Errors
///
/// As for [`write_reservoir`].
pub fn write_reservoir_union<T: Item, R>(sample: &Reservoir<T, R>) -> Result<Vec<u8>, ImageError> {
    let capacity = LIMITS.check(sample.capacity())?;
    if sample.is_empty() {
        return Ok(Head::write_empty(ImageKind::ReservoirUnion, capacity));
    }
    let mut image = Head::write(ImageKind::ReservoirUnion, 1, 0, capacity);
    image.append(&mut write_reservoir(sample)?);
    Ok(image)
}

/// Reads an image of a reservoir or of a union of reservoirs, with a portable generator: the same
/// image and seed give the same reservoir on every platform.
///
/// See [`read_reservoir_with_rng`].
///
/// # Errors
///
/// Returns an error if the bytes are not such an image, are truncated, have trailing bytes, or are
/// inconsistent.
///
/// # Examples
///
/// ```
/// use forebay::Merge;
/// use forebay::datasketches::{read_reservoir_with_seed, write_reservoir};
/// use forebay::sample::Reservoir;
///
/// let mut elsewhere = Reservoir::with_seed(100, 1);
/// elsewhere.extend(0..10_000u64);
/// let image = write_reservoir(&elsewhere)?;
///
/// let mut here = Reservoir::with_seed(100, 2);
/// here.extend(10_000..30_000u64);
/// here.merge(read_reservoir_with_seed(&image, 3)?);
/// assert_eq!((here.len(), here.seen()), (100, 30_000));
/// # Ok::<(), forebay::datasketches::ImageError>(())
/// ```
pub fn read_reservoir_with_seed<T: Item>(
    image: &[u8],
    seed: u64,
) -> Result<Reservoir<T>, ImageError> {
    read_reservoir_with_rng::<T, DefaultRng>(image, seeded(seed))
}

/// Reads an image of a reservoir or of a union of reservoirs.
///
/// An image has no ranks. They are drawn from `rng` with their distribution: for k of n items held, the
/// threshold is the (k+1)-th smallest of n uniform numbers, and the ranks are k uniform numbers below it.
/// The choice of items is independent of these numbers. So if the image holds a uniform sample, the
/// reservoir continues and merges *exactly*, as if it had seen the stream itself. Every reservoir of the
/// peers is a uniform sample. For their unions, peers guarantee that every item is equally likely, and
/// nothing about pairs.
///
/// Each image that will be merged needs its own generator, as samplers do. The reservoir of a union has
/// the capacity of the result of the union.
///
/// O(k). Uses no more memory than a small multiple of the image.
///
/// # Errors
///
/// Returns an error if the bytes are not such an image, are truncated, have trailing bytes, or are
/// inconsistent.
pub fn read_reservoir_with_rng<T: Item, R: Rng>(
    image: &[u8],
    rng: R,
) -> Result<Reservoir<T, R>, ImageError> {
    let mut bytes = Bytes(image);
    let stored = match ImageKind::of(image) {
        Some(ImageKind::ReservoirUnion) => Stored::read_union(&mut bytes)?,
        _ => Stored::read(&mut bytes)?,
    };
    bytes.end()?;
    let Stored {
        capacity,
        seen,
        items,
    } = stored;
    Ok(Reservoir::from_unranked(capacity, seen, items, rng))
}

/// The contents of an image.
struct Stored<T> {
    capacity: usize,
    seen: u64,
    /// As many items as the capacity of the sample in the image, or all items seen.
    items: Vec<T>,
}

impl<T: Item> Stored<T> {
    fn read(bytes: &mut Bytes<'_>) -> Result<Self, ImageError> {
        let head = Head::read(bytes, ImageKind::Reservoir, &[2])?;
        let capacity = head.capacity(LIMITS)?;
        if head.is_empty() {
            return Ok(Self::empty(capacity));
        }
        let seen = read_seen(bytes)?;
        let held = usize::try_from(seen).map_or(capacity, |seen| seen.min(capacity));
        let items = read_items(bytes, held)?;
        Ok(Self {
            capacity,
            seen,
            items,
        })
    }

    /// Reads the sample in a union. The capacity of the union applies if it is smaller, or if no item has
    /// been left out.
    fn read_union(bytes: &mut Bytes<'_>) -> Result<Self, ImageError> {
        let head = Head::read(bytes, ImageKind::ReservoirUnion, &[1])?;
        let most = head.capacity(LIMITS)?;
        if head.is_empty() {
            return Ok(Self::empty(most));
        }
        let inner = Self::read(bytes)?;
        let whole = inner.seen <= inner.capacity as u64;
        Ok(Self {
            capacity: if whole {
                most
            } else {
                inner.capacity.min(most)
            },
            ..inner
        })
    }

    const fn empty(capacity: usize) -> Self {
        Self {
            capacity,
            seen: 0,
            items: Vec::new(),
        }
    }
}
