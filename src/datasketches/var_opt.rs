//! Images of VarOpt samples and their unions: families 13 and 14.

use alloc::vec::Vec;

use rand::Rng;

use super::bytes::Bytes;
use super::error::ImageError;
use super::head::{GADGET, Head, ImageKind, Limits, check_seen, read_seen};
use super::item::{Item, read_items, write_items};
use crate::random::{DefaultRng, seeded};
use crate::sample::{Adjusted, VarOpt, Weighted};

const LIMITS: Limits = Limits {
    least: 1,
    most: i32::MAX as u32 - 1,
};

/// Preamble lengths of a sample, in units of 8 bytes: without and with light items.
const WARM_UP: u8 = 3;
const SAMPLING: u8 = 4;
const UNION: u8 = 4;

/// Writes a VarOpt sample as an image of a VarOpt sample.
///
/// The image holds the capacity, the heavy items with their weights, the light items with their total
/// weight, and the number of items seen. The following is lost:
///
/// - The own weights of light items, which peers do not keep. For the consequences see
///   [`read_var_opt_with_rng`].
/// - The count of items of weight zero, which peers do not count, as long as no item has been left out:
///   the number of items seen is then that of the items held. Afterwards they are included, which does not
///   make the intervals of the peers narrower.
/// - The generator.
///
/// # Errors
///
/// Returns an error if the capacity is above 2^31 - 2, if more than 2^48 - 1 items were seen, if the weight
/// of all light items overflows an `f64`, or if an item does not fit (see [`Item`]).
pub fn write_var_opt<T: Item, R>(sample: &VarOpt<T, R>) -> Result<Vec<u8>, ImageError> {
    let capacity = LIMITS.check(sample.capacity())?;
    let held = sample.held();
    if held.is_empty() {
        return Ok(Head::write_empty(ImageKind::VarOpt, capacity));
    }
    let longs = if sample.is_saturated() {
        SAMPLING
    } else {
        WARM_UP
    };
    let mut image = Head::write(ImageKind::VarOpt, longs, 0, capacity);
    put_u64(&mut image, seen_by_peers(sample)?);
    put_counts(&mut image, held.heavy.len(), held.light.len())?;
    if sample.is_saturated() {
        put_f64(&mut image, finite(held.light_weight)?);
    }
    let weights = held.heavy.iter().map(|entry| entry.weight);
    weights.for_each(|weight| put_f64(&mut image, weight));
    let entries = held.heavy.iter().chain(held.light);
    write_items(entries.map(|entry| &entry.item), &mut image)?;
    Ok(image)
}

/// Writes a VarOpt sample as an image of a union of one sample, with the same capacity.
///
/// The result of the union is the sample, with the same losses as for [`write_var_opt`], and peers can
/// merge more samples into it. As in the images of peers, light items are marked and have their adjusted
/// weights. (C++ up to 5.2 reads a union with light items, but fails on its next update.)
///
/// # Errors
///
/// As for [`write_var_opt`].
pub fn write_var_opt_union<T: Item, R>(sample: &VarOpt<T, R>) -> Result<Vec<u8>, ImageError> {
    let capacity = LIMITS.check(sample.capacity())?;
    let held = sample.held();
    if held.is_empty() {
        return Ok(Head::write_empty(ImageKind::VarOptUnion, capacity));
    }
    let light_weight = finite(held.light_weight)?;
    let mut image = Head::write(ImageKind::VarOptUnion, UNION, 0, capacity);
    put_u64(&mut image, seen_by_peers(sample)?);
    put_f64(&mut image, light_weight);
    put_u64(&mut image, held.light.len() as u64);
    // The sample inside the union: all items are heavy, and those that were light have marks.
    image.append(&mut Head::write(
        ImageKind::VarOpt,
        WARM_UP,
        GADGET,
        capacity,
    ));
    put_u64(&mut image, sample.len() as u64);
    put_counts(&mut image, sample.len(), 0)?;
    let own = held.heavy.iter().map(|entry| entry.weight);
    let shares = shares(light_weight, held.light.len());
    own.chain(shares)
        .for_each(|weight| put_f64(&mut image, weight));
    image.append(&mut marks(held.heavy.len(), sample.len()));
    let entries = held.heavy.iter().chain(held.light);
    write_items(entries.map(|entry| &entry.item), &mut image)?;
    Ok(image)
}

/// The number of items seen as peers count them.
fn seen_by_peers<T, R>(sample: &VarOpt<T, R>) -> Result<u64, ImageError> {
    check_seen(if sample.is_saturated() {
        sample.seen()
    } else {
        sample.len() as u64
    })
}

fn finite(weight: f64) -> Result<f64, ImageError> {
    if weight < f64::INFINITY {
        Ok(weight)
    } else {
        Err(ImageError::TooLarge("weight of the light items"))
    }
}

/// Splits a weight into `parts` parts that are equal up to rounding. Their sum in order is exactly
/// `weight`; peers fail otherwise.
fn shares(weight: f64, parts: usize) -> impl Iterator<Item = f64> {
    // A partial sum is at most twice the one before, so the difference is exact.
    let sum = move |count: usize| weight / (parts as f64 / count as f64);
    (0..parts).map(move |part| sum(part + 1) - sum(part))
}

/// A bit set of `count` items, with the bits from `first` on set.
fn marks(first: usize, count: usize) -> Vec<u8> {
    let mut marks = alloc::vec![0; count.div_ceil(8)];
    (first..count).for_each(|item| marks[item / 8] |= 1 << (item % 8));
    marks
}

fn put_u64(image: &mut Vec<u8>, number: u64) {
    image.extend_from_slice(&number.to_le_bytes());
}

fn put_f64(image: &mut Vec<u8>, number: f64) {
    image.extend_from_slice(&number.to_le_bytes());
}

/// The numbers of heavy and of light items.
fn put_counts(image: &mut Vec<u8>, heavy: usize, light: usize) -> Result<(), ImageError> {
    for count in [heavy, light] {
        let count = u32::try_from(count).map_err(|_| ImageError::TooLarge("number of items"))?;
        image.extend_from_slice(&count.to_le_bytes());
    }
    Ok(())
}

/// Reads an image of a VarOpt sample or of a union of such samples, with a portable generator: the
/// same image and seed give the same sample on every platform.
///
/// See [`read_var_opt_with_rng`].
///
/// # Errors
///
/// Returns an error if the bytes are not such an image, are truncated, have trailing bytes, or are
/// inconsistent.
///
/// # Examples
///
/// ```
/// use forebay::datasketches::{read_var_opt_with_seed, write_var_opt};
/// use forebay::sample::VarOpt;
///
/// let mut flows = VarOpt::with_seed(100, 1);
/// for flow in 0..10_000u64 {
///     flows.update_weighted(flow, (1 + flow % 1_000) as f64)?;
/// }
/// let back: VarOpt<u64> = read_var_opt_with_seed(&write_var_opt(&flows)?, 2)?;
/// assert_eq!((back.len(), back.tau()), (flows.len(), flows.tau()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_var_opt_with_seed<T: Item>(image: &[u8], seed: u64) -> Result<VarOpt<T>, ImageError> {
    read_var_opt_with_rng::<T, DefaultRng>(image, seeded(seed))
}

/// Reads an image of a VarOpt sample or of a union of such samples.
///
/// The sample continues and merges exactly, as if it had seen the stream itself. Estimates of weight are
/// those of the image.
///
/// The image does not have the own weights of light items, so each gets the mean weight of all items that
/// were light. This is exact if light items have equal weights. Otherwise counts and sums of other values
/// (`estimate_count`, `estimate_sum`) treat each light item as one of mean weight, which is unbiased only
/// for the count of the whole stream. Intervals may be too narrow for a part of the lightest items if a
/// large share of the stream was sampled.
///
/// A union is read as its result. Some items of a union have adjusted weights, because they were light in a
/// sample that was merged. They must not become heavy. If necessary, the items are sampled again with
/// `rng`, to the largest size at which one threshold is at least the adjusted weights of all of them. That
/// size is the capacity of the result, and sums stay unbiased. Results computed by peers may have heavy
/// items below the threshold (seen in C++ 5.2), which no VarOpt sample has; they are corrected in the same
/// way.
///
/// Each image that will be merged needs its own generator, as samplers do.
///
/// O(k log k). Uses no more memory than a small multiple of the image.
///
/// # Errors
///
/// Returns an error if the bytes are not such an image, are truncated, have trailing bytes, or are
/// inconsistent.
pub fn read_var_opt_with_rng<T: Item, R: Rng>(
    image: &[u8],
    rng: R,
) -> Result<VarOpt<T, R>, ImageError> {
    let mut bytes = Bytes(image);
    let stored = match ImageKind::of(image) {
        Some(ImageKind::VarOptUnion) => Stored::read_union(&mut bytes)?,
        _ => Stored::read(&mut bytes, 0)?,
    };
    bytes.end()?;
    let Stored {
        capacity,
        seen,
        parts,
    } = stored;
    VarOpt::from_adjusted(capacity, seen, parts, rng).map_err(ImageError::Inconsistent)
}

/// The contents of an image.
struct Stored<T> {
    capacity: usize,
    seen: u64,
    parts: Adjusted<T>,
}

impl<T: Item> Stored<T> {
    /// Reads a sample with these flags, apart from the flag for an empty one.
    fn read(bytes: &mut Bytes<'_>, flags: u8) -> Result<Self, ImageError> {
        let head = Head::read(bytes, ImageKind::VarOpt, &[WARM_UP, SAMPLING])?;
        let capacity = head.capacity(LIMITS)?;
        if head.flags & GADGET != flags {
            return Err(ImageError::Inconsistent("marks"));
        }
        if head.is_empty() {
            return Ok(Self::empty(capacity));
        }
        let seen = read_seen(bytes)?;
        let (heavy, light) = (bytes.u32()? as usize, bytes.u32()? as usize);
        let fits = match head.longs {
            SAMPLING => {
                seen > capacity as u64 && light > 0 && heavy.checked_add(light) == Some(capacity)
            }
            _ => seen <= capacity as u64 && heavy as u64 == seen && light == 0,
        };
        if !fits {
            return Err(ImageError::Inconsistent("number of items"));
        }
        let light_weight = match light {
            0 => 0.0,
            _ => read_weight(bytes)?,
        };
        let parts = Self::read_heavy(bytes, heavy, flags)?;
        Ok(Self {
            capacity,
            seen,
            parts: Adjusted {
                light: read_items(bytes, light)?,
                light_weight,
                ..parts
            },
        })
    }

    /// Reads heavy items, and their marks if the flags announce them.
    fn read_heavy(
        bytes: &mut Bytes<'_>,
        count: usize,
        flags: u8,
    ) -> Result<Adjusted<T>, ImageError> {
        bytes.check_room(count, 8)?;
        let weights = (0..count).map(|_| read_weight(bytes));
        let weights = weights.collect::<Result<Vec<_>, _>>()?;
        let marks = match flags {
            GADGET => bytes.take(count.div_ceil(8))?,
            _ => &[],
        };
        let items = read_items(bytes, count)?;
        Ok(Self::by_mark(weights, marks, items))
    }

    /// Separates heavy items into those with and without marks.
    fn by_mark(weights: Vec<f64>, marks: &[u8], items: Vec<T>) -> Adjusted<T> {
        let mut parts = Adjusted::empty();
        for (place, (weight, item)) in weights.into_iter().zip(items).enumerate() {
            let marked = marks
                .get(place / 8)
                .is_some_and(|byte| byte >> (place % 8) & 1 == 1);
            let side = if marked {
                &mut parts.marked
            } else {
                &mut parts.heavy
            };
            side.push(Weighted { weight, item });
        }
        parts
    }

    fn read_union(bytes: &mut Bytes<'_>) -> Result<Self, ImageError> {
        let head = Head::read(bytes, ImageKind::VarOptUnion, &[UNION])?;
        let capacity = head.capacity(LIMITS)?;
        if head.is_empty() {
            return Ok(Self::empty(capacity));
        }
        let seen = read_seen(bytes)?;
        let (weight, items) = (bytes.f64()?, bytes.u64()?);
        let inner = Self::read(bytes, GADGET)?;
        let exact = inner.parts.marked.is_empty() && inner.parts.light.is_empty();
        // The largest threshold of the samples in the union, if there is one.
        let threshold_fits = match items {
            0 => weight == 0.0 && inner.parts.marked.is_empty(),
            _ => 0.0 < weight && weight < f64::INFINITY && !exact,
        };
        if inner.capacity != capacity {
            Err(ImageError::Inconsistent("capacity"))
        } else if seen < inner.seen || exact && seen != inner.seen {
            Err(ImageError::Inconsistent("number of items seen"))
        } else if !threshold_fits {
            Err(ImageError::Inconsistent("threshold of the union"))
        } else {
            Ok(Self { seen, ..inner })
        }
    }

    const fn empty(capacity: usize) -> Self {
        Self {
            capacity,
            seen: 0,
            parts: Adjusted::empty(),
        }
    }
}

/// Reads a positive, finite weight.
fn read_weight(bytes: &mut Bytes<'_>) -> Result<f64, ImageError> {
    let weight = bytes.f64()?;
    if 0.0 < weight && weight < f64::INFINITY {
        Ok(weight)
    } else {
        Err(ImageError::Inconsistent("a weight"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_sum_to_the_weight_to_the_last_bit() {
        for weight in [10.0, 0.1, 1e300, 1e-310, f64::MAX, 123_456_789.123, 8e-323] {
            for parts in [1, 2, 3, 10, 100, 12_345] {
                if weight / parts as f64 == 0.0 {
                    continue;
                }
                let shares: Vec<f64> = shares(weight, parts).collect();
                assert_eq!(shares.len(), parts);
                assert!(
                    shares.iter().all(|&share| share > 0.0),
                    "{weight} in {parts}"
                );
                let sum = shares.iter().fold(0.0, |sum, share| sum + share);
                assert_eq!(sum, weight, "in {parts}");
            }
        }
        assert_eq!(shares(0.0, 0).count(), 0);
    }

    #[test]
    fn marks_are_bits_from_the_lowest_on() {
        assert_eq!(marks(1, 4), [0b1110]);
        assert_eq!(marks(9, 11), [0, 0b110]);
        assert_eq!(marks(8, 8), [0]);
        assert!(marks(0, 0).is_empty());
    }
}
