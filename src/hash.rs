//! The default hasher of this crate's tables, and the hash that routes keys to partitions.
//!
//! Both have fixed seeds: the same keys give the same tables, the same order and the same partitions
//! in every run. The cost is that whoever chooses the keys can make them collide. If keys come from
//! an adversary, pass a randomly seeded hasher to [`MisraGries::with_hasher`].
//!
//! Both are defined here and give the same values on every target, of 32 or 64 bits. Numbers, text, bytes
//! and what is derived from them hash alike in both byte orders. The standard library hands slices of wider
//! numbers and IP addresses to a hasher as they lie in memory, so those hash otherwise on big-endian targets.
//!
//! [`MisraGries::with_hasher`]: crate::frequent::MisraGries::with_hasher

mod folded;

use core::hash::{BuildHasher, Hash, Hasher};

use folded::{Folded, fold};

/// Arbitrary constants: the bits of pi. Changing one is value-breaking.
const TABLE_SEED: u64 = 0x243f_6a88_85a3_08d3 ^ 0x082e_fa98_ec4e_6c89;
const ROUTE_SEED: u64 = fold(0x1319_8a2e_0370_7344, 0x4528_21e6_38d0_1377) ^ 0x082e_fa98_ec4e_6c89;
const ROUTE_FOLD: u64 = 0x243f_6a88_85a3_08d3;

/// The default hasher of this crate's tables: fast, with a fixed seed.
///
/// Its fields are private, so the hash function can change without breaking the API.
#[derive(Clone, Debug, Default)]
pub struct DefaultHashBuilder(());

impl BuildHasher for DefaultHashBuilder {
    type Hasher = DefaultHasher;

    #[inline]
    fn build_hasher(&self) -> DefaultHasher {
        DefaultHasher(Folded::with_seed(TABLE_SEED))
    }
}

/// The hasher that [`DefaultHashBuilder`] builds.
#[derive(Clone)]
pub struct DefaultHasher(Folded);

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
    #[inline]
    fn write_isize(&mut self, i: isize) {
        self.0.write_isize(i);
    }
}

/// Returns the hash that assigns a key to its key group: fixed seed, well mixed in all bits.
///
/// Equal keys have equal hashes in every run and on every target (see the [module](self) for keys that
/// depend on the byte order), whatever hasher a summary uses.
///
/// # Examples
///
/// ```
/// use forebay::hash::route;
/// assert_eq!(route("whale"), route(&String::from("whale")));
/// assert_eq!(route("whale"), 0xa459_e700_bbdb_2f3f);
/// ```
#[inline]
pub fn route<Q: Hash + ?Sized>(key: &Q) -> u64 {
    let mut hasher = Folded::with_seed(ROUTE_SEED);
    key.hash(&mut hasher);
    fold(hasher.finish(), ROUTE_FOLD)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values of every target. A change is value-breaking: stored states are routed by them.
    #[test]
    fn routes_are_frozen() {
        assert_eq!(route("whale"), 0xa459_e700_bbdb_2f3f);
        assert_eq!(route("ebb"), 0x72c7_f5cc_292d_90ee);
        assert_eq!(route(&42u64), 0xa508_baff_5d26_9336);
        assert_eq!(route(&42usize), route(&42u64));
    }
}
