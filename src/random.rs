//! The default random number generator, and the derivation of independent generators from one seed.
//!
//! All randomness in this crate comes from a generator that the caller passed in or seeded. There is
//! no global generator. Uniform numbers have 52 bits and are never 0 or 1.

use rand::rngs::{ChaCha8Rng, Xoshiro256PlusPlus};
use rand::{Rng, SeedableRng};

/// The default generator of every sampler: xoshiro256++, portable, 32 bytes, serialisable.
pub type DefaultRng = Xoshiro256PlusPlus;

/// The seed of a whole job. Each operator, partition and batch derives its own generator from it.
///
/// Generators are seeded from disjoint parts of ChaCha8 streams keyed by the seed: one stream per
/// (operator, partition), one block of it per batch. So none depends on the number or the timing of
/// threads, and each can be recreated after a crash. No two have the same part of a stream. Their own
/// sequences, of period 2^256 - 1, could overlap by chance: of a million generators that draw 2^40
/// numbers each, two do with a probability below 2^-175.
///
/// # Examples
///
/// ```
/// use forebay::random::JobSeed;
/// use forebay::sample::Reservoir;
///
/// let job = JobSeed::new(7);
/// let mut parts: Vec<Reservoir<u32>> = (0..4)
///     .map(|partition| Reservoir::with_rng(10, job.partition_rng(0, partition, 0)))
///     .collect();
/// # parts[0].update(1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct JobSeed(u64);

/// The use of a family of generators. Families never share a ChaCha key.
#[derive(Clone, Copy)]
enum Family {
    Partition = 1,
    Key = 2,
}

impl JobSeed {
    /// Creates the seed of a job.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns the number given to [`new`](Self::new).
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Derives the generator of one partition of one operator in one batch.
    #[must_use]
    pub fn partition_rng(self, operator: u32, partition: u32, batch: u64) -> DefaultRng {
        let stream = u64::from(operator) << 32 | u64::from(partition);
        self.derive(Family::Partition, 0, stream, batch)
    }

    /// Derives the generator of the state of one key in one operator that is created in one batch.
    ///
    /// `key_hash` is [`hash::route`](crate::hash::route) of the key, so the generator does not depend
    /// on the number of partitions. Keys with equal hashes share a generator.
    #[must_use]
    pub fn key_rng(self, operator: u32, key_hash: u64, batch: u64) -> DefaultRng {
        self.derive(Family::Key, operator, key_hash, batch)
    }

    fn derive(self, family: Family, operator: u32, stream: u64, block: u64) -> DefaultRng {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&self.0.to_le_bytes());
        key[8] = family as u8;
        key[12..16].copy_from_slice(&operator.to_le_bytes());
        let mut chacha = ChaCha8Rng::from_seed(key);
        chacha.set_stream(stream);
        chacha.set_block_pos(block);
        let mut seed = [0; 32];
        chacha.fill_bytes(&mut seed);
        DefaultRng::from_seed(seed)
    }
}

/// The default generator, seeded with a number.
pub(crate) fn seeded(seed: u64) -> DefaultRng {
    DefaultRng::seed_from_u64(seed)
}

/// A generator seeded by the operating system.
///
/// # Panics
///
/// Panics if the operating system cannot provide a seed.
#[cfg(feature = "std")]
pub(crate) fn from_system() -> DefaultRng {
    use rand::rngs::SysRng;
    DefaultRng::try_from_rng(&mut SysRng).expect("the operating system provides a seed")
}

/// A uniform number in the open interval (0, 1), an odd multiple of 2^-53.
#[inline]
pub(crate) fn open01<R: Rng + ?Sized>(rng: &mut R) -> f64 {
    const SCALE: f64 = 1.0 / (1u64 << 52) as f64;
    ((rng.next_u64() >> 12) as f64 + 0.5) * SCALE
}

/// A standard exponential number, never 0.
#[inline]
pub(crate) fn exponential<R: Rng + ?Sized>(rng: &mut R) -> f64 {
    -libm::log(open01(rng))
}

/// A uniform position below `len`. Each probability is exact to within 2^-64.
#[inline]
pub(crate) fn position<R: Rng + ?Sized>(rng: &mut R, len: usize) -> usize {
    ((u128::from(rng.next_u64()) * len as u128) >> 64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derived_generators_differ_in_every_coordinate_and_are_reproducible() {
        let job = JobSeed::new(1);
        let first = |mut rng: DefaultRng| rng.next_u64();
        let all = [
            first(job.partition_rng(0, 0, 0)),
            first(job.partition_rng(1, 0, 0)),
            first(job.partition_rng(0, 1, 0)),
            first(job.partition_rng(0, 0, 1)),
            first(job.key_rng(0, 0, 0)),
            first(job.key_rng(1, 0, 0)),
            first(job.key_rng(0, 1, 0)),
            first(job.key_rng(0, 0, 1)),
            first(JobSeed::new(2).partition_rng(0, 0, 0)),
        ];
        for (i, a) in all.iter().enumerate() {
            assert!(
                all[..i].iter().all(|b| b != a),
                "generator {i} repeats another"
            );
        }
        assert_eq!(all[3], first(job.partition_rng(0, 0, 1)));
    }

    #[test]
    fn open01_stays_inside_for_the_extreme_words() {
        struct Const(u64);
        impl rand::TryRng for Const {
            type Error = core::convert::Infallible;
            fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
                Ok((self.0 >> 32) as u32)
            }
            fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
                Ok(self.0)
            }
            fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), Self::Error> {
                dst.fill(self.0 as u8);
                Ok(())
            }
        }
        for word in [0, u64::MAX] {
            let u = open01(&mut Const(word));
            assert!(0.0 < u && u < 1.0, "{u}");
            assert!(exponential(&mut Const(word)) > 0.0);
            assert_eq!(position(&mut Const(word), 7), if word == 0 { 0 } else { 6 });
            assert_eq!(position(&mut Const(word), 1), 0);
        }
    }
}
