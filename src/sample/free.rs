//! One-shot sampling of an iterator with the caller's generator.

use alloc::vec::Vec;

use rand::Rng;

use super::reservoir::Reservoir;
use super::weight::WeightError;
use super::weighted::WeightedReservoir;

/// A uniform sample of `k` items of an iterator, in no meaningful order: all of them if there are
/// fewer.
///
/// Every set of k items is equally likely. O(k log(n/k)) random numbers; an iterator whose
/// `size_hint` is exact is advanced with [`Iterator::nth`], which many iterators make cheap.
/// To merge samples or go on with them later take a [`Reservoir`].
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

/// A weighted sample of `k` items of an iterator without replacement, in no meaningful order: all of
/// positive weight if there are fewer.
///
/// Successive sampling: see [`WeightedReservoir`] for the law; inclusion is *not* proportional to
/// weight.
///
/// # Errors
///
/// If a weight is NaN, negative or infinite.
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
