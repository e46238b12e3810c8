//! The encodings of items.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::str;

use super::bytes::Bytes;
use super::error::ImageError;

/// A type that items of an image may have.
///
/// | type | encoding | peers |
/// |---|---|---|
/// | `i64`, `u64` | 8 bytes, little-endian | `ArrayOfLongsSerDe`, `PyLongsSerDe`, `serde<int64_t>` |
/// | `String` | length in 4 bytes, then UTF-8 | `ArrayOfStringsSerDe`, `serde<std::string>`, Python's `frequent_strings_sketch` |
///
/// The trait is sealed.
pub trait Item: sealed::Codec {}

impl Item for i64 {}
impl Item for u64 {}
impl Item for String {}

pub(super) mod sealed {
    use super::{Bytes, ImageError, Vec};

    /// How one item is written and read.
    #[expect(unnameable_types, reason = "that is what seals `Item`")]
    pub trait Codec: Sized {
        /// The fewest bytes an item can have.
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
        let len = u32::try_from(self.len()).map_err(|_| ImageError::TooLarge("an item"))?;
        image.extend_from_slice(&len.to_le_bytes());
        image.extend_from_slice(self.as_bytes());
        Ok(())
    }

    fn read(image: &mut Bytes<'_>) -> Result<Self, ImageError> {
        let len = image.u32()? as usize;
        let text = str::from_utf8(image.take(len)?).map_err(|_| ImageError::BadItem)?;
        Ok(text.to_owned())
    }
}
