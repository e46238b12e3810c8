//! The kinds of images, and the first eight bytes of the images of samples.

use core::fmt;

use alloc::vec::Vec;

use super::bytes::Bytes;
use super::error::ImageError;

/// The kind of summary in an image.
///
/// # Examples
///
/// ```
/// use forebay::datasketches::{ImageKind, write_frequent};
/// use forebay::frequent::MisraGries;
///
/// let image = write_frequent(&MisraGries::<u64>::new(8))?;
/// assert_eq!(ImageKind::of(&image), Some(ImageKind::FrequentItems));
/// assert_eq!(ImageKind::of(b"text"), None);
/// # Ok::<(), forebay::datasketches::ImageError>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ImageKind {
    /// Frequent items (family 10).
    FrequentItems,
    /// A uniform sample without replacement (family 11).
    Reservoir,
    /// A union of such samples (family 12).
    ReservoirUnion,
    /// A variance-optimal weighted sample (family 13).
    VarOpt,
    /// A union of such samples (family 14).
    VarOptUnion,
}

impl ImageKind {
    const ALL: [Self; 5] = [
        Self::FrequentItems,
        Self::Reservoir,
        Self::ReservoirUnion,
        Self::VarOpt,
        Self::VarOptUnion,
    ];

    /// Returns the kind of an image from its first three bytes, or `None` if this module cannot read it.
    #[must_use]
    pub fn of(image: &[u8]) -> Option<Self> {
        let &[_, version, family, ..] = image else {
            return None;
        };
        let kinds = Self::ALL.into_iter();
        kinds
            .filter(|kind| kind.versions().contains(&version))
            .find(|kind| kind.family() == family)
    }

    pub(super) const fn family(self) -> u8 {
        match self {
            Self::FrequentItems => 10,
            Self::Reservoir => 11,
            Self::ReservoirUnion => 12,
            Self::VarOpt => 13,
            Self::VarOptUnion => 14,
        }
    }

    /// The versions that can be read. The last one is written.
    pub(super) const fn versions(self) -> &'static [u8] {
        match self {
            Self::FrequentItems => &[1],
            Self::Reservoir | Self::ReservoirUnion => &[1, 2],
            Self::VarOpt | Self::VarOptUnion => &[2],
        }
    }

    /// The growth factor of arrays in the first byte of a sketch (not of a union): eightfold, the default
    /// of all peers.
    const fn growth(self) -> u8 {
        match self {
            Self::Reservoir | Self::VarOpt => 0b1100_0000,
            _ => 0,
        }
    }
}

impl fmt::Display for ImageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FrequentItems => "frequent items",
            Self::Reservoir => "reservoir",
            Self::ReservoirUnion => "reservoir union",
            Self::VarOpt => "VarOpt",
            Self::VarOptUnion => "VarOpt union",
        })
    }
}

/// The most items that a sample may have seen according to the peers.
const SEEN_MOST: u64 = (1 << 48) - 1;

/// The flag of the sample inside a union: marks follow.
pub(super) const GADGET: u8 = 0x80;
const EMPTY: u8 = 0x04;

/// The head of the image of a sample.
pub(super) struct Head {
    version: u8,
    /// The length of the preamble in units of eight bytes.
    pub(super) longs: u8,
    pub(super) flags: u8,
    /// The capacity as encoded by the version.
    capacity: [u8; 4],
}

impl Head {
    /// Reads the head of an image of one kind. `filled_longs` are the valid lengths of the preamble of a
    /// sample that is not empty.
    pub(super) fn read(
        bytes: &mut Bytes<'_>,
        kind: ImageKind,
        filled_longs: &[u8],
    ) -> Result<Self, ImageError> {
        let [longs, version, family, flags] = bytes.array()?;
        if family != kind.family() || !kind.versions().contains(&version) {
            return Err(ImageError::WrongKind);
        }
        let capacity = bytes.array()?;
        let head = Self {
            version,
            longs: longs & 0x3f,
            flags,
            capacity,
        };
        let expected = if head.is_empty() { &[1] } else { filled_longs };
        if expected.contains(&head.longs) {
            Ok(head)
        } else {
            Err(ImageError::Inconsistent("length of the preamble"))
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.flags & EMPTY != 0
    }

    /// The capacity, if it is within the limits of the peers.
    pub(super) fn capacity(&self, limits: Limits) -> Result<usize, ImageError> {
        let capacity = match (self.version, self.capacity) {
            (1, [low, high, ..]) => decoded_size(u16::from_le_bytes([low, high])),
            (_, capacity) => u32::from_le_bytes(capacity),
        };
        let within = (limits.least..=limits.most).contains(&capacity);
        usize::try_from(capacity)
            .ok()
            .filter(|_| within)
            .ok_or(ImageError::Inconsistent("capacity"))
    }

    /// Writes the image of an empty sample. `capacity` comes from [`Limits::check`].
    pub(super) fn write_empty(kind: ImageKind, capacity: u32) -> Vec<u8> {
        Self::write(kind, 1, EMPTY, capacity)
    }

    /// Writes the head of the image of a sample with a preamble of `longs` longs. `capacity` comes from
    /// [`Limits::check`].
    pub(super) fn write(kind: ImageKind, longs: u8, flags: u8, capacity: u32) -> Vec<u8> {
        let version = kind.versions()[kind.versions().len() - 1];
        let mut image = Vec::new();
        image.extend_from_slice(&[kind.growth() | longs, version, kind.family(), flags]);
        image.extend_from_slice(&capacity.to_le_bytes());
        image
    }
}

/// The capacities that peers accept.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub(super) least: u32,
    pub(super) most: u32,
}

impl Limits {
    /// Converts a capacity to its encoding.
    pub(super) fn check(self, capacity: usize) -> Result<u32, ImageError> {
        match u32::try_from(capacity) {
            Ok(capacity) if capacity < self.least => Err(ImageError::TooSmall(
                "peers require a capacity of at least 2",
            )),
            Ok(capacity) if capacity <= self.most => Ok(capacity),
            _ => Err(ImageError::TooLarge("capacity")),
        }
    }
}

/// Checks a number of items seen that is to be written.
pub(super) fn check_seen(seen: u64) -> Result<u64, ImageError> {
    Some(seen)
        .filter(|seen| (1..=SEEN_MOST).contains(seen))
        .ok_or(ImageError::TooLarge("number of items seen"))
}

/// Reads the number of items seen of a sample that is not empty.
pub(super) fn read_seen(bytes: &mut Bytes<'_>) -> Result<u64, ImageError> {
    check_seen(bytes.u64()?).map_err(|_| ImageError::Inconsistent("number of items seen"))
}

/// Decodes a size of version 1: five bits of a power of two, eleven bits of a fraction.
fn decoded_size(code: u16) -> u32 {
    let (power, fraction) = (code >> 11, u64::from(code & 0x7ff));
    u32::try_from((2048 + fraction) << power >> 11).expect("less than 2^12 times 2^20")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_version_one_are_powers_of_two_with_a_fraction() {
        for (code, size) in [
            (0, 1),
            (0x0800, 2),
            (0x5000, 1024),
            (0x5001, 1024),
            (0x5002, 1025),
        ] {
            assert_eq!(decoded_size(code), size, "{code:x}");
        }
        assert_eq!(decoded_size(0xf7ff), 2_146_959_360);
        // Peers do not write the largest power: no capacity is that large.
        assert_eq!(decoded_size(0xf800), 1 << 31);
        assert_eq!(decoded_size(0xffff), 4095 << 20);
    }

    #[test]
    fn kinds_are_known_by_family_and_version() {
        for kind in ImageKind::ALL {
            for &version in kind.versions() {
                assert_eq!(ImageKind::of(&[1, version, kind.family()]), Some(kind));
            }
            assert_eq!(ImageKind::of(&[1, 3, kind.family()]), None);
        }
        assert_eq!(ImageKind::of(&[1, 1]), None);
        assert_eq!(ImageKind::of(&[1, 1, 13]), None);
    }
}
