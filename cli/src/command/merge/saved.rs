//! Reading a saved summary of any kind, in the format of this program or as an image.

use std::borrow::Cow;
use std::path::Path;

use forebay::datasketches::{ImageError, ImageKind};

use crate::error::Error;
use crate::frequent::counters::{Counters, Unlike};
use crate::input::source::Source;
use crate::sample::Collection;
use crate::saved::{self, Encoded, SummaryKind};

/// A summary that was read from a file.
#[derive(Debug)]
pub(crate) enum Saved {
    Counters(Box<Counters>),
    Sample(Box<Collection>),
}

impl Saved {
    /// Reads a file; `-` is standard input.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or neither this program nor a DataSketches library wrote it.
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let name = Source::from_path(path).to_string();
        let bytes = saved::read(path).map_err(|cause| Error::Read {
            name: name.as_str().into(),
            cause,
        })?;
        let saved = match ImageKind::of(&bytes) {
            Some(kind) => Self::from_image(kind, &bytes, &name).map_err(|cause| {
                format!("holds an image ({kind}) that cannot be read as text: {cause}").into()
            }),
            None => Self::decode(&bytes),
        };
        saved.map_err(|reason| Error::NotSaved { name, reason })
    }

    fn from_image(kind: ImageKind, image: &[u8], name: &str) -> Result<Self, ImageError> {
        match kind {
            ImageKind::FrequentItems => Counters::from_image(image).map(Self::counters),
            _ => Collection::from_image(kind, image, name).map(Self::sample),
        }
    }

    fn decode(bytes: &[u8]) -> Result<Self, Cow<'static, str>> {
        let encoded = Encoded::new(bytes)?;
        Ok(match encoded.kind {
            SummaryKind::Counts | SummaryKind::Weights => {
                Self::counters(Counters::decode(&encoded)?)
            }
            SummaryKind::Sample => Self::sample(encoded.decode::<Collection>()?.checked()?),
        })
    }

    fn counters(counters: Counters) -> Self {
        Self::Counters(Box::new(counters))
    }

    fn sample(sample: Collection) -> Self {
        Self::Sample(Box::new(sample))
    }

    const fn kind(&self) -> SummaryKind {
        match self {
            Self::Counters(counters) => counters.kind(),
            Self::Sample(_) => SummaryKind::Sample,
        }
    }

    /// Merges what another file holds into this.
    ///
    /// # Errors
    ///
    /// If they are of different kinds, or do not go together.
    pub(crate) fn merge(&mut self, other: Self, unlike: Unlike) -> Result<(), String> {
        let (own, theirs) = (self.kind(), other.kind());
        match (self, other) {
            (Self::Counters(all), Self::Counters(more)) => all.merge(*more, unlike),
            (Self::Sample(all), Self::Sample(more)) => all.merge(*more),
            _ => Err(own.mismatch(theirs)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::saved::encode;

    #[test]
    fn a_body_that_does_not_hold_its_kind_is_refused_whatever_its_checksum() {
        for kind in [
            SummaryKind::Counts,
            SummaryKind::Weights,
            SummaryKind::Sample,
        ] {
            for body in [&b""[..], b"\x00", &[0xff; 40]] {
                assert!(Saved::decode(&encode(kind, &body)).is_err(), "{kind}");
            }
        }
    }
}
