//! Buckets of tags: one byte of the hash of every key of a bucket, examined at once.

use wide::bytemuck::cast;
use wide::{i8x16, u8x16};

/// Places in a bucket.
pub(super) const BUCKET: usize = 16;

/// The most entries for this number of buckets: 11.5 per bucket, which is 24 bytes per counter for keys
/// and weights of 8 bytes. Fuller buckets overflow too often.
pub(super) const fn most_entries(buckets: usize) -> usize {
    buckets * 23 / 2
}

/// The fewest buckets for this number of entries.
pub(super) const fn fewest_buckets(entries: usize) -> usize {
    (entries * 2).div_ceil(23)
}

/// The home bucket of a hash, by its high bits.
#[inline]
pub(super) fn home(hash: u32, buckets: usize) -> usize {
    ((u64::from(hash) * buckets as u64) >> 32) as usize
}

/// The tag of a hash in all places: its low byte, or 1 if that is 0, which marks a vacant place.
#[inline]
pub(super) fn tag(hash: u32) -> Tag {
    Tag(EVERYWHERE[usize::from(hash as u8)])
}

/// A tag, in all places of a bucket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tag(u8x16);

/// A table look-up, one instruction instead of eight.
static EVERYWHERE: [u8x16; 256] = {
    let mut tags = [u8x16::new([1; BUCKET]); 256];
    let mut tag = 1;
    while tag < 256 {
        tags[tag] = u8x16::new([tag as u8; BUCKET]);
        tag += 1;
    }
    tags
};

/// The lowest place of a bit set of places; [`BUCKET`] if there is none.
#[inline]
pub(super) fn first(places: u32) -> usize {
    (places | 1 << BUCKET).trailing_zeros() as usize
}

/// The bit set of all places of a bucket.
const EVERY: u32 = 0xffff;

/// For each place, a mask of its byte.
const ONLY: [u8x16; BUCKET] = {
    let mut only = [u8x16::new([0; BUCKET]); BUCKET];
    let mut place = 0;
    while place < BUCKET {
        let mut bytes = [0; BUCKET];
        bytes[place] = u8::MAX;
        only[place] = u8x16::new(bytes);
        place += 1;
    }
    only
};

/// The bit of each place within its half of the bit set.
const BITS: u8x16 = u8x16::new([1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128]);

/// A set of places of a bucket, as a byte mask.
#[derive(Clone, Copy, Debug)]
#[expect(unnameable_types, reason = "a sealed trait speaks of it")]
pub struct Places(u8x16);

impl Places {
    /// From a bit set.
    #[inline]
    pub(super) fn of_bits(places: u32) -> Self {
        let bytes = |places: u32| (u64::from(places & 0xff) * 0x0101_0101_0101_0101).to_le_bytes();
        let mut bits = [0; BUCKET];
        let (low, high) = bits.split_at_mut(BUCKET / 2);
        low.copy_from_slice(&bytes(places));
        high.copy_from_slice(&bytes(places >> 8));
        Self((u8x16::new(bits) & BITS).simd_eq(BITS))
    }

    /// From the highest bit of each byte.
    #[inline]
    pub(super) fn of_signs(signs: i8x16) -> Self {
        Self(cast(signs.simd_lt(i8x16::ZERO)))
    }
}

/// The tags of a bucket; zero at vacant places.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tags(u8x16);

impl Tags {
    #[inline]
    pub(super) const fn vacant() -> Self {
        Self(u8x16::new([0; BUCKET]))
    }

    /// The bit set of the places with this tag.
    #[inline]
    pub(super) fn places_of(self, tag: Tag) -> u32 {
        self.0.simd_eq(tag.0).to_bitmask()
    }

    /// Sets the tag of a place that is vacant or has this tag already. Must not be used for a place with
    /// another tag.
    ///
    /// The tags are written as a whole, not as one byte, so that a read that follows at once need not wait
    /// for the byte to reach the cache.
    #[inline]
    pub(super) fn with(self, place: usize, tag: Tag) -> Self {
        Self(self.0 | (ONLY[place % BUCKET] & tag.0))
    }

    /// The bit set of the vacant places.
    #[inline]
    pub(super) fn vacancies(self) -> u32 {
        self.0.simd_eq(Self::vacant().0).to_bitmask()
    }

    #[inline]
    pub(super) fn is_full(self) -> bool {
        self.vacancies() == 0
    }

    /// The bit set of the taken places.
    #[inline]
    pub(super) fn taken(self) -> u32 {
        !self.vacancies() & EVERY
    }

    /// Iterates over the taken places.
    #[inline]
    pub(super) fn taken_places(self) -> impl Iterator<Item = usize> {
        let mut places = self.taken();
        core::iter::from_fn(move || {
            let place = (places != 0).then(|| first(places));
            places &= places.wrapping_sub(1);
            place
        })
    }

    /// Keeps the tags of these places only.
    #[inline]
    pub(super) fn only(self, places: Places) -> Self {
        Self(self.0 & places.0)
    }

    /// The number of taken places in all these buckets.
    pub(super) fn count_taken(buckets: &[Self]) -> usize {
        let vacant = buckets.chunks(usize::from(u8::MAX)).map(|buckets| {
            // A byte of all ones is -1.
            let vacancies = |sum, tags: &Self| sum - tags.0.simd_eq(Self::vacant().0);
            let by_place = buckets.iter().fold(Self::vacant().0, vacancies);
            let by_place = by_place.to_array().into_iter();
            by_place.map(usize::from).sum::<usize>()
        });
        buckets.len() * BUCKET - vacant.sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use alloc::vec::Vec;

    #[test]
    fn a_bucket_has_the_places_of_an_array() {
        let (mut tags, mut twin) = (Tags::vacant(), [0; BUCKET]);
        let offered: [u32; BUCKET] = [1, 7, 255, 7, 128, 1, 1, 9, 2, 3, 4, 5, 6, 8, 127, 7];
        for (place, tag) in offered.into_iter().enumerate() {
            assert_eq!(tags.taken(), (1 << place) - 1);
            tags = tags
                .with(place, super::tag(tag))
                .with(place, super::tag(tag));
            twin[place] = tag as u8;
            for tag in 1..=255 {
                let places = (0..BUCKET).filter(|&place| u32::from(twin[place]) == tag);
                assert_eq!(
                    tags.places_of(super::tag(tag)),
                    places.map(|place| 1 << place).sum::<u32>()
                );
            }
        }
        assert_eq!((tags.taken(), tags.vacancies()), (EVERY, 0));
        for left in [0, EVERY, 0x8001, 0x7ffe, 0x1248, 0xff00] {
            let places = (0..BUCKET).filter(|&place| twin[place] == 7 && left >> place & 1 == 1);
            let only = tags.only(Places::of_bits(left));
            assert_eq!((only.taken(), only.vacancies()), (left, !left & EVERY));
            assert_eq!(
                only.places_of(tag(7)),
                places.map(|place| 1 << place).sum::<u32>()
            );
        }
    }

    #[test]
    fn places_taken_are_counted_however_many_buckets_there_are() {
        for buckets in [0, 1, 17, 254, 255, 256, 1_000] {
            let tags = (0..buckets).map(|bucket: u32| {
                let places = Places::of_bits(bucket.wrapping_mul(0x9e37) & EVERY);
                Tags(u8x16::splat(7)).only(places)
            });
            let tags: Vec<_> = tags.collect();
            let taken = tags.iter().map(|tags| tags.taken().count_ones() as usize);
            assert_eq!(Tags::count_taken(&tags), taken.sum::<usize>());
        }
        assert_eq!(Tags::count_taken(&vec![Tags::vacant(); 300]), 0);
        assert_eq!(Tags::count_taken(&vec![Tags(u8x16::splat(1)); 300]), 4_800);
    }

    #[test]
    fn the_fewest_buckets_have_room_and_one_less_does_not() {
        for entries in 1..10_000 {
            let buckets = fewest_buckets(entries);
            assert!(most_entries(buckets) >= entries && most_entries(buckets - 1) < entries);
        }
    }

    #[test]
    fn the_tag_is_the_low_byte_and_never_0() {
        for hash in 0..512 {
            let byte = (hash as u8).max(1);
            assert_eq!(tag(hash).0, u8x16::splat(byte));
        }
    }
}
