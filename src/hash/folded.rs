//! The hash function of this crate: folded multiplications, with one definition on every target.
//!
//! On 64-bit little-endian targets the values are those of foldhash 0.2 (Orson Peters). That crate is
//! another function on 32-bit targets, reads bytes in the order of the target, and does not promise to stay
//! the same between versions. Routing and stored samples need all three, so the definition is here.

use core::hash::Hasher;

/// The bits of pi from the 385th on: one word for the folds, the others for the lanes of long strings.
const FOLD: u64 = 0xc0ac_29b7_c97c_50dd;
const LANES: [u64; 5] = [
    0x3f84_d5b5_b547_0917,
    0x9216_d5d9_8979_fb1b,
    0xd131_0ba6_98df_b5ac,
    0x2ffd_72db_d01a_dfb7,
    0xb8e1_afed_6a26_7e96,
];

/// The halves of the product, combined: its middle bits depend on most bits of the factors.
#[inline(always)]
pub(super) const fn fold(a: u64, b: u64) -> u64 {
    let product = a as u128 * b as u128;
    product as u64 ^ (product >> 64) as u64
}

/// A hasher of fixed seed. Its low bits are fit for tables; one [`fold`] more makes all of them so.
#[derive(Clone)]
pub(super) struct Folded {
    sum: u64,
    /// Numbers that are not in the sum yet, from the low bits on.
    waiting: u128,
    /// The length of `waiting` in bits.
    bits: u32,
}

impl Folded {
    #[inline(always)]
    pub(super) const fn with_seed(seed: u64) -> Self {
        Self {
            sum: seed,
            waiting: 0,
            bits: 0,
        }
    }

    /// The sum with two words.
    #[inline(always)]
    fn sum_with(&self, words: u128) -> u64 {
        fold(words as u64 ^ self.sum, (words >> 64) as u64 ^ FOLD)
    }

    #[inline(always)]
    fn push(&mut self, number: u128, bits: u32) {
        if self.bits + bits > u128::BITS {
            self.sum = self.sum_with(self.waiting);
            (self.waiting, self.bits) = (number, bits);
        } else {
            self.waiting |= number << self.bits;
            self.bits += bits;
        }
    }
}

impl Hasher for Folded {
    #[inline(always)]
    fn finish(&self) -> u64 {
        if self.bits > 0 {
            self.sum_with(self.waiting)
        } else {
            self.sum
        }
    }

    /// The rotation tells lengths apart, because words of short strings overlap.
    #[inline(always)]
    fn write(&mut self, bytes: &[u8]) {
        let seed = self.sum.rotate_right(bytes.len() as u32);
        self.sum = if bytes.len() <= 16 {
            let (first, last) = ends(bytes);
            fold(seed ^ first, LANES[0] ^ last)
        } else {
            fold_long(bytes, seed)
        };
    }

    #[inline(always)]
    fn write_u8(&mut self, i: u8) {
        self.push(i.into(), u8::BITS);
    }
    #[inline(always)]
    fn write_u16(&mut self, i: u16) {
        self.push(i.into(), u16::BITS);
    }
    #[inline(always)]
    fn write_u32(&mut self, i: u32) {
        self.push(i.into(), u32::BITS);
    }
    #[inline(always)]
    fn write_u64(&mut self, i: u64) {
        self.push(i.into(), u64::BITS);
    }
    #[inline(always)]
    fn write_u128(&mut self, i: u128) {
        self.sum = self.sum_with(i);
    }
    // As 64 bits on every target; so are lengths and the variants of enums.
    #[inline(always)]
    fn write_usize(&mut self, i: usize) {
        self.write_u64(i as u64);
    }
    #[inline(always)]
    fn write_isize(&mut self, i: isize) {
        self.write_u64(i as i64 as u64);
    }
}

/// Two words that hold all of at most sixteen bytes.
#[inline(always)]
fn ends(bytes: &[u8]) -> (u64, u64) {
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        (u64::from_le_bytes(*first), u64::from_le_bytes(*last))
    } else if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        let word = |bytes: &[u8; 4]| u64::from(u32::from_le_bytes(*bytes));
        (word(first), word(last))
    } else if let (Some(first), Some(last)) = (bytes.first(), bytes.last()) {
        let middle = bytes[bytes.len() / 2];
        ((*first).into(), u64::from(*last) << 8 | u64::from(middle))
    } else {
        (0, 0)
    }
}

/// The fold of more than sixteen bytes. Long strings go through six lanes, then four; the last 128 bytes
/// or fewer through two, from both ends.
#[cold]
#[inline(never)]
fn fold_long(mut bytes: &[u8], seed: u64) -> u64 {
    let mut lanes = [seed; LANES.len() + 1];
    for (lane, own) in lanes[1..].iter_mut().zip(LANES) {
        *lane = lane.wrapping_add(own);
    }
    for (width, most) in [(6, 256), (4, 128)] {
        let is_long = bytes.len() > most;
        while bytes.len() > most {
            let (block, rest) = bytes.split_at(16 * width);
            let (words, _) = block.as_chunks();
            let pairs = words[..width].iter().zip(&words[width..]);
            for (lane, (a, b)) in lanes.iter_mut().zip(pairs) {
                *lane = fold(
                    u64::from_le_bytes(*a) ^ *lane,
                    u64::from_le_bytes(*b) ^ FOLD,
                );
            }
            bytes = rest;
        }
        if is_long {
            lanes[0] ^= lanes[width - 2];
            lanes[1] ^= lanes[width - 1];
        }
    }
    let (front, _) = bytes.as_chunks::<16>();
    let (_, back) = bytes.as_rchunks::<16>();
    let steps = 1 + (bytes.len() / 32).min(3);
    for (a, b) in front.iter().zip(back.iter().rev()).take(steps) {
        let ((a, a_high), (b, b_high)) = (ends(a), ends(b));
        lanes[0] = fold(a ^ lanes[0], b ^ FOLD);
        lanes[1] = fold(a_high ^ lanes[1], b_high ^ FOLD);
    }
    lanes[0] ^ lanes[1]
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use core::hash::{BuildHasher, Hash};

    fn folded(key: impl Hash) -> u64 {
        // The constant that foldhash adds to a seed.
        let mut hasher = Folded::with_seed(7 ^ 0x082e_fa98_ec4e_6c89);
        key.hash(&mut hasher);
        hasher.finish()
    }

    /// The reference is the same function on such targets only.
    #[cfg(all(target_pointer_width = "64", target_endian = "little"))]
    #[test]
    fn values_are_those_of_foldhash() {
        let reference = foldhash::fast::FixedState::with_seed(7);
        let bytes: Vec<u8> = (0..1_000u32).map(|i| (i * i % 251) as u8).collect();
        for len in (0..300).chain([351, 352, 353, 700, 1_000]) {
            for slice in [&bytes[..len], &bytes[1_000 - len..]] {
                assert_eq!(folded(slice), reference.hash_one(slice), "{len}");
            }
        }
        let text = ("ebb and flow, neap and spring", Some("slack"), 'x', true);
        assert_eq!(folded(text), reference.hash_one(text));
        for i in [0, 1, u64::MAX, 88_172_645_463_325_252] {
            assert_eq!(folded(i), reference.hash_one(i));
            let mixed = (
                i as u8,
                i as u16,
                i as u32,
                u128::from(i) << 60,
                i as i64,
                "x",
            );
            assert_eq!(folded(mixed), reference.hash_one(mixed));
            let many = [(i, i as usize, i as isize, i as i128); 5];
            assert_eq!(folded(many), reference.hash_one(many));
        }
    }

    #[test]
    fn the_width_of_the_target_does_not_show() {
        assert_eq!(folded(usize::MAX >> 33), folded(u64::from(u32::MAX >> 1)));
        assert_eq!(folded(-5isize), folded(-5i64));
        assert_eq!(folded([3u8; 2].as_slice()), {
            let mut hasher = Folded::with_seed(7 ^ 0x082e_fa98_ec4e_6c89);
            hasher.write_u64(2);
            hasher.write(&[3, 3]);
            hasher.finish()
        });
    }
}
