//! The encodings of items.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::str;

use super::bytes::Bytes;
use super::error::ImageError;

/// A type of items that an image can hold.
///
/// | type | encoding | peers |
/// |---|---|---|
/// | `i64`, `u64` | 8 bytes, little-endian | `ArrayOfLongsSerDe`, `PyLongsSerDe`, `serde<int64_t>` |
/// | `String` | length in 4 bytes, then UTF-8 | `ArrayOfStringsSerDe`, `serde<std::string>`, Python's `frequent_strings_sketch` |
/// | `Vec<u8>` | as `String`; must be UTF-8, to read and to write | the same |
///
/// The trait is sealed.
pub trait Item: sealed::Codec {}

impl Item for i64 {}
impl Item for u64 {}
impl Item for String {}
impl Item for Vec<u8> {}

pub(super) mod sealed {
    use super::{Bytes, ImageError, Vec};

    /// The encoding of one item.
    #[expect(unnameable_types, reason = "this seals `Item`")]
    pub trait Codec: Sized {
        /// The fewest bytes of an item.
        const FEWEST_BYTES: usize;
        fn write(&self, image: &mut Vec<u8>) -> Result<(), ImageError>;
        fn read(image: &mut Bytes<'_>) -> Result<Self, ImageError>;
    }
}

macro_rules! long {
    ($($int:ty),*) => {$(
        impl sealed::Codec for $int {
            const FEWEST_BYTES: usize = 8;

            fn write(&self, image: &mut Vec<u8>) -> Result<(), ImageError> {
                image.extend_from_slice(&self.to_le_bytes());
                Ok(())
            }

            fn read(image: &mut Bytes<'_>) -> Result<Self, ImageError> {
                image.array().map(<$int>::from_le_bytes)
            }
        }
    )*};
}

long!(i64, u64);

impl sealed::Codec for String {
    const FEWEST_BYTES: usize = 4;

    fn write(&self, image: &mut Vec<u8>) -> Result<(), ImageError> {
        write_text(self, image)
    }

    fn read(image: &mut Bytes<'_>) -> Result<Self, ImageError> {
        read_text(image).map(ToOwned::to_owned)
    }
}

impl sealed::Codec for Vec<u8> {
    const FEWEST_BYTES: usize = String::FEWEST_BYTES;

    fn write(&self, image: &mut Vec<u8>) -> Result<(), ImageError> {
        write_text(as_text(self)?, image)
    }

    fn read(image: &mut Bytes<'_>) -> Result<Self, ImageError> {
        read_text(image).map(Self::from)
    }
}

fn write_text(text: &str, image: &mut Vec<u8>) -> Result<(), ImageError> {
    let len = u32::try_from(text.len()).map_err(|_| ImageError::TooLarge("an item"))?;
    image.extend_from_slice(&len.to_le_bytes());
    image.extend_from_slice(text.as_bytes());
    Ok(())
}

fn read_text<'a>(image: &mut Bytes<'a>) -> Result<&'a str, ImageError> {
    let len = image.u32()? as usize;
    as_text(image.take(len)?)
}

fn as_text(bytes: &[u8]) -> Result<&str, ImageError> {
    str::from_utf8(bytes).map_err(|_| ImageError::BadItem)
}

/// Writes items consecutively.
pub(super) fn write_items<'a, T: Item + 'a>(
    items: impl IntoIterator<Item = &'a T>,
    image: &mut Vec<u8>,
) -> Result<(), ImageError> {
    items.into_iter().try_for_each(|item| item.write(image))
}

/// Reads `count` items. Checks first that there are enough bytes.
pub(super) fn read_items<T: Item>(
    bytes: &mut Bytes<'_>,
    count: usize,
) -> Result<Vec<T>, ImageError> {
    bytes.check_room(count, T::FEWEST_BYTES)?;
    let mut items = Vec::with_capacity(count);
    for _ in 0..count {
        items.push(T::read(bytes)?);
    }
    Ok(items)
}
