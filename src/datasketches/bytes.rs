//! Reading little-endian numbers from a slice.

use super::error::ImageError;

/// The unread rest of an image.
#[expect(unnameable_types, reason = "a sealed trait uses it")]
#[derive(Debug)]
pub struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    /// Reads the next `len` bytes.
    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], ImageError> {
        let (head, rest) = self.0.split_at_checked(len).ok_or(ImageError::Truncated)?;
        self.0 = rest;
        Ok(head)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], ImageError> {
        let (head, rest) = self.0.split_first_chunk().ok_or(ImageError::Truncated)?;
        self.0 = rest;
        Ok(*head)
    }

    /// Returns an error if `count` values of at least `fewest_bytes` each exceed the rest.
    pub(super) fn check_room(&self, count: usize, fewest_bytes: usize) -> Result<(), ImageError> {
        if count.saturating_mul(fewest_bytes) <= self.0.len() {
            Ok(())
        } else {
            Err(ImageError::Truncated)
        }
    }

    pub(super) fn f64(&mut self) -> Result<f64, ImageError> {
        self.array().map(f64::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, ImageError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, ImageError> {
        self.array().map(u64::from_le_bytes)
    }

    /// Returns an error unless all bytes are read.
    pub(super) fn end(&self) -> Result<(), ImageError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(ImageError::TrailingBytes)
        }
    }
}
