//! Functions that sample one iterator with the caller's generator.

use alloc::vec::Vec;

use rand::Rng;

use super::reservoir::Reservoir;
use super::weight::WeightError;
use super::weighted::WeightedReservoir;

/// Returns a uniform sample of `k` items of an iterator, in no meaningful order; all items if there
/// are fewer.
///
/// Every set of k items is equally likely. Draws O(k log(n/k)) random numbers. An iterator with an
/// exact `size_hint` is advanced with [`Iterator::nth`], which is cheap for many iterators. To merge
/// samples or to continue one later, use a [`Reservoir`].
///
/// # Examples
///
/// ```
/// use forebay::random::DefaultRng;
/// use forebay::sample;
/// use rand::SeedableRng;
///
/// let mut rng = DefaultRng::seed_from_u64(42);
/// let drawn = sample::sample(0..1_000_000, 5, &mut rng);
/// assert_eq!(drawn.len(), 5);
/// ```
pub fn sample<I, R>(items: I, k: usize, rng: &mut R) -> Vec<I::Item>
where
    I: IntoIterator,
    R: Rng + ?Sized,
{
    if k == 0 {
        return Vec::new();
    }
    let mut reservoir = Reservoir::with_rng(k, rng);
    reservoir.extend(items);
    reservoir.into_vec()
}

/// Returns a weighted sample of `k` items of an iterator without replacement, in no meaningful order;
/// all items of positive weight if there are fewer.
///
/// The method is successive sampling: see [`WeightedReservoir`] for its guarantee. Inclusion is *not*
/// proportional to weight.
///
/// # Errors
///
/// Returns an error at the first weight that is NaN, negative or infinite.
///
/// # Examples
///
/// ```
/// use forebay::random::DefaultRng;
/// use forebay::sample;
/// use rand::SeedableRng;
///
/// let mut rng = DefaultRng::seed_from_u64(42);
/// let towns = [("Ebb", 120.0), ("Flow", 90_000.0), ("Weir", 0.0)];
/// let drawn = sample::sample_weighted(towns, |town| town.1, 2, &mut rng)?;
/// assert_eq!(drawn.len(), 2);
/// # Ok::<(), forebay::sample::WeightError>(())
/// ```
pub fn sample_weighted<I, R>(
    items: I,
    mut weight: impl FnMut(&I::Item) -> f64,
    k: usize,
    rng: &mut R,
) -> Result<Vec<I::Item>, WeightError>
where
    I: IntoIterator,
    R: Rng + ?Sized,
{
    if k == 0 {
        return Ok(Vec::new());
    }
    let mut reservoir = WeightedReservoir::with_rng(k, rng);
    for item in items {
        let weight = weight(&item);
        reservoir.update_weighted(item, weight)?;
    }
    Ok(reservoir.into_vec())
}
