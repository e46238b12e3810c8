//! The default hasher of this crate's tables, and the hash that routes keys to partitions.
//!
//! Both have fixed seeds: the same keys give the same tables, the same order and the same partitions
//! in every run. The cost is that whoever chooses the keys can make them collide. If keys come from
//! an adversary, pass a randomly seeded hasher to [`MisraGries::with_hasher`].
//!
//! [`MisraGries::with_hasher`]: crate::frequent::MisraGries::with_hasher

use core::hash::{BuildHasher, Hash, Hasher};

use foldhash::fast::{FixedState, FoldHasher};
use foldhash::quality;

/// Arbitrary constants: the bits of pi. Changing one is value-breaking.
const TABLE_SEED: u64 = 0x243f_6a88_85a3_08d3;
const ROUTE_SEED: u64 = 0x1319_8a2e_0370_7344;

/// The default hasher of this crate's tables: fast, with a fixed seed.
///
/// It is a newtype, so the hash function can change without breaking the API.
#[derive(Clone, Debug)]
pub struct DefaultHashBuilder(FixedState);

impl Default for DefaultHashBuilder {
    #[inline]
    fn default() -> Self {
        Self(FixedState::with_seed(TABLE_SEED))
    }
}

impl BuildHasher for DefaultHashBuilder {
    type Hasher = DefaultHasher;

    #[inline]
    fn build_hasher(&self) -> DefaultHasher {
        DefaultHasher(self.0.build_hasher())
    }
}

/// The hasher that [`DefaultHashBuilder`] builds.
#[derive(Clone)]
pub struct DefaultHasher(FoldHasher<'static>);

impl core::fmt::Debug for DefaultHasher {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("DefaultHasher").finish_non_exhaustive()
    }
}

impl Hasher for DefaultHasher {
    #[inline]
    fn finish(&self) -> u64 {
        self.0.finish()
    }
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }
    #[inline]
    fn write_u8(&mut self, i: u8) {
        self.0.write_u8(i);
    }
    #[inline]
    fn write_u16(&mut self, i: u16) {
        self.0.write_u16(i);
    }
    #[inline]
    fn write_u32(&mut self, i: u32) {
        self.0.write_u32(i);
    }
    #[inline]
    fn write_u64(&mut self, i: u64) {
        self.0.write_u64(i);
    }
    #[inline]
    fn write_u128(&mut self, i: u128) {
        self.0.write_u128(i);
    }
    #[inline]
    fn write_usize(&mut self, i: usize) {
        self.0.write_usize(i);
    }
}

/// Returns the hash that assigns a key to its key group: fixed seed, well mixed in all bits.
///
/// Equal keys have equal hashes in every run, whatever hasher a summary uses.
///
/// # Examples
///
/// ```
/// use forebay::hash::route;
/// assert_eq!(route("whale"), route(&String::from("whale")));
/// ```
#[inline]
pub fn route<Q: Hash + ?Sized>(key: &Q) -> u64 {
    quality::FixedState::with_seed(ROUTE_SEED).hash_one(key)
}
