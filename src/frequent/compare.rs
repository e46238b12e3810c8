//! Comparing one weight with all weights of a bucket, without a branch for each.

use wide::bytemuck::cast;
use wide::{i8x16, i16x8, i16x16, i32x8, i64x2, u16x8};

use super::tags::{BUCKET, Places};

/// The places of a bucket whose weight is larger than `than`.
#[inline(always)]
pub(super) fn larger<W: PartialOrd>(than: W, weight_at: impl Fn(usize) -> W) -> Places {
    let places = (0..BUCKET).rev();
    Places::of_bits(places.fold(0, |larger, place| {
        2 * larger + u32::from(than < weight_at(place))
    }))
}

/// Like [`larger`] for a weight `than` below 2^63, in vector registers.
#[inline(always)]
pub(super) fn larger_of_words(than: u64, weight_at: impl Fn(usize) -> u64) -> Places {
    if cfg!(target_endian = "big") {
        return larger(than, weight_at);
    }
    let than_both = i64x2::splat(than as i64);
    // A weight is larger if the highest bit of the difference is set, or its own highest bit is.
    let two = |first: usize| {
        let both = i64x2::new([weight_at(first) as i64, weight_at(first + 2) as i64]);
        (than_both - both) | both
    };
    // Pack 64 bits to 16, whose upper half holds the highest bit. So the even places are compared
    // first, then the odd ones.
    let four = |first: usize| {
        let pair: i32x8 = cast([two(first), two(first + 4)]);
        i16x8::from_i32x8_saturate(pair)
    };
    let eight = |first: usize| -> u16x8 {
        let pair: i16x16 = cast([four(first), four(first + 8)]);
        cast(i8x16::from_i16x16_saturate(pair))
    };
    let sixteen = (eight(0) >> 8u32) | (eight(1) & u16x8::splat(0xff00));
    Places::of_signs(cast(sixteen))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frequent::tags::{Tags, tag};
    use crate::hash::route;

    #[test]
    fn vectors_agree_with_single_comparisons() {
        const HALF: u64 = 1 << 63;
        let levels = [
            0,
            1,
            77,
            1 << 31,
            1 << 32,
            (1 << 32) + 1,
            HALF - 2,
            HALF - 1,
        ];
        for level in levels {
            let near = [level - level.min(1), level, level + 1];
            let far = [0, level | HALF, level.wrapping_sub(HALF), HALF, u64::MAX];
            for seed in 0..1_000u64 {
                let weight_at = |place: usize| {
                    let random = route(&(seed, place));
                    match random % 3 {
                        0 => near[random as usize / 3 % near.len()],
                        1 => far[random as usize / 3 % far.len()],
                        _ => random,
                    }
                };
                let all = (0..BUCKET).fold(Tags::vacant(), |tags, place| tags.with(place, tag(1)));
                let expected = all.only(larger(level, weight_at)).taken();
                let found = all.only(larger_of_words(level, weight_at)).taken();
                assert_eq!(found, expected, "{level} {seed}");
            }
        }
    }
}
