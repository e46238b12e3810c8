//! The error of reading and writing images.

use core::fmt;

/// The reason why an image cannot be read or written.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ImageError {
    /// The bytes end before the end of the image.
    Truncated,
    /// There are bytes after the end of the image.
    TrailingBytes,
    /// The image has another kind of summary, or an unknown version.
    WrongKind,
    /// Parts of the image are inconsistent; the text names them.
    Inconsistent(&'static str),
    /// An item is not valid UTF-8.
    BadItem,
    /// The summary is too large for an image; the text names the part.
    TooLarge(&'static str),
    /// The summary is too small for an image; the text names the requirement.
    TooSmall(&'static str),
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("image is truncated"),
            Self::TrailingBytes => f.write_str("there are bytes after the end of the image"),
            Self::WrongKind => f.write_str("the bytes are not an image of this kind of summary"),
            Self::Inconsistent(what) => write!(f, "image is inconsistent: {what}"),
            Self::BadItem => f.write_str("an item is not valid UTF-8"),
            Self::TooLarge(what) => write!(f, "summary does not fit an image: {what}"),
            Self::TooSmall(what) => write!(f, "summary is too small for an image: {what}"),
        }
    }
}

impl core::error::Error for ImageError {}
