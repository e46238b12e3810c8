//! Why an image was refused.

use core::fmt;

/// Why an image cannot be read or written.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ImageError {
    /// The bytes end before the image does.
    Truncated,
    /// Bytes follow after the end of the image.
    TrailingBytes,
    /// The image is of another kind of summary, or of a version that nobody has seen.
    WrongKind,
    /// Parts of the image contradict each other; the text says which.
    Inconsistent(&'static str),
    /// An item is no text in UTF-8.
    BadItem,
    /// The summary is too large for an image; the text says what of it.
    TooLarge(&'static str),
    /// The summary is too small for an image; the text says what is wanted.
    TooSmall(&'static str),
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("image is truncated"),
            Self::TrailingBytes => f.write_str("bytes follow the end of the image"),
            Self::WrongKind => f.write_str("not an image of this kind of summary"),
            Self::Inconsistent(what) => write!(f, "image contradicts itself: {what}"),
            Self::BadItem => f.write_str("an item is not valid UTF-8"),
            Self::TooLarge(what) => write!(f, "summary does not fit an image: {what}"),
            Self::TooSmall(what) => write!(f, "summary is too small for an image: {what}"),
        }
    }
}

impl core::error::Error for ImageError {}
