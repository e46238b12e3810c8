//! Summaries in files: written on one machine, merged on another.
//!
//! A file is an image of DataSketches, or it is the eight bytes `FOREBAY1`, the length of what
//! follows the header (u64) and its crc32 (u32), both little-endian; what follows is a byte that
//! says what is in it, and that in postcard.

pub(crate) mod image;

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use flate2::Crc;
use serde::Serialize;
use serde::de::DeserializeOwned;

use forebay::datasketches::ImageKind;

use crate::args::{SaveArgs, SaveFormat};
use crate::error::Error;
use crate::frequent::counters::Counters;
use crate::sample::Collection;

const MAGIC: &[u8; 8] = b"FOREBAY1";
const HEADER_BYTES: usize = MAGIC.len() + 8 + 4;

/// What is in a file, as the byte that says it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(u8)]
pub(crate) enum Kind {
    Counts = 1,
    Weights = 2,
    Sample = 3,
}

impl Kind {
    /// Why a file of kind `other` does not go with those of this kind.
    pub(crate) fn mismatch(self, other: Self) -> String {
        format!("holds {other}, others {self}")
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Counts => "counts",
            Self::Weights => "weights",
            Self::Sample => "a sample",
        })
    }
}

/// What a file may hold.
#[derive(Debug)]
pub(crate) enum Saved {
    Counters(Counters),
    Sample(Box<Collection>),
}

impl Saved {
    const fn kind(&self) -> Kind {
        match self {
            Self::Counters(counters) => counters.kind(),
            Self::Sample(_) => Kind::Sample,
        }
    }

    /// Takes in what another file holds.
    ///
    /// # Errors
    ///
    /// If they are of different kinds, or samples that do not go together.
    pub(crate) fn merge(&mut self, other: Self) -> Result<(), String> {
        let (own, theirs) = (self.kind(), other.kind());
        match (self, other) {
            (Self::Counters(all), Self::Counters(more)) => all.merge(more),
            (Self::Sample(all), Self::Sample(more)) => all.merge(*more),
            _ => Err(own.mismatch(theirs)),
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or is not what [`save`] or a DataSketches library wrote.
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let name = path.display().to_string();
        let bytes = fs::read(path).map_err(|cause| Error::Read {
            name: name.as_str().into(),
            cause,
        })?;
        let saved = match ImageKind::of(&bytes) {
            Some(kind) => image::decode(kind, &bytes, &name).map_err(|cause| {
                format!("holds an image ({kind}) that cannot be read as text: {cause}").into()
            }),
            None => Self::decode(&bytes).map_err(Into::into),
        };
        saved.map_err(|reason| Error::NotSaved { name, reason })
    }

    fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        if !bytes.starts_with(MAGIC) {
            return Err("is not a saved summary");
        }
        let (header, body) = bytes.split_at_checked(HEADER_BYTES).ok_or("is cut short")?;
        let (length, sum) = header[MAGIC.len()..].split_at(8);
        if length != (body.len() as u64).to_le_bytes() {
            return Err("is cut short or has something behind it");
        }
        if sum != checksum(body).to_le_bytes() {
            return Err("is damaged: its checksum does not match");
        }
        let unknown = "holds something that this version does not know";
        let (&kind, body) = body.split_first().ok_or(unknown)?;
        match kind {
            _ if kind == Kind::Counts as u8 => {
                summary_of(body).map(|summary| Self::Counters(Counters::Counts(summary)))
            }
            _ if kind == Kind::Weights as u8 => {
                summary_of(body).map(|summary| Self::Counters(Counters::Weights(summary)))
            }
            _ if kind == Kind::Sample as u8 => {
                let sample: Collection = summary_of(body)?;
                sample
                    .checked()
                    .map(|sample| Self::Sample(Box::new(sample)))
            }
            _ => Err(unknown),
        }
    }
}

/// What can be saved.
pub(crate) trait Savable {
    /// The contents of the file, or why there is no such file.
    fn encode(&self, format: SaveFormat) -> Result<Vec<u8>, String>;
}

/// Refuses what could not be saved, to be asked before anything is read.
///
/// # Errors
///
/// If `summary`, which is empty yet, has no such format.
pub(crate) fn check(args: &SaveArgs, summary: &impl Savable) -> Result<(), Error> {
    if args.path.is_none() {
        return Ok(());
    }
    let refused = |reason| Error::Usage(format!("--save-as datasketches: {reason}"));
    summary.encode(args.format).map(drop).map_err(refused)
}

/// Saves a summary if a file is named for it, whole or not at all: under another name first, where
/// that is possible.
///
/// # Errors
///
/// If it has no such format, or the file cannot be written.
pub(crate) fn save(args: &SaveArgs, summary: &impl Savable) -> Result<(), Error> {
    let Some(path) = &args.path else {
        return Ok(());
    };
    let bytes = summary.encode(args.format).map_err(io::Error::other);
    let saved = bytes.and_then(|bytes| replace(path, &bytes));
    saved.map_err(|cause| Error::Save {
        name: path.display().to_string(),
        cause,
    })
}

/// A file in the format of this program.
pub(crate) fn encode(kind: Kind, summary: &impl Serialize) -> Vec<u8> {
    let body = postcard::to_extend(summary, vec![kind as u8])
        .expect("bytes, numbers and text can be written");
    let length = body.len() as u64;
    let parts = [
        &MAGIC[..],
        &length.to_le_bytes(),
        &checksum(&body).to_le_bytes(),
        &body,
    ];
    parts.concat()
}

/// Makes `bytes` the contents of a file, like [`replace_by`].
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_by(path, |file| file.write_all(bytes))
}

/// Makes what `fill` writes the contents of a file. What is there and is no file, such as a
/// terminal, is written to; a link leads to what is replaced.
pub(crate) fn replace_by(
    path: &Path,
    fill: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if fs::metadata(&target).is_ok_and(|found| !found.is_file()) {
        return fill(&mut File::create(target)?);
    }
    let mut aside = target.as_os_str().to_owned();
    aside.push(".partial");
    let mut file = File::create(&aside)?;
    fill(&mut file)?;
    file.sync_all()?;
    fs::rename(aside, target)
}

fn summary_of<S: DeserializeOwned>(body: &[u8]) -> Result<S, &'static str> {
    match postcard::take_from_bytes(body) {
        Ok((summary, [])) => Ok(summary),
        _ => Err("is damaged"),
    }
}

fn checksum(body: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(body);
    crc.sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use forebay::frequent::MisraGries;

    fn encoded() -> Vec<u8> {
        let mut summary: MisraGries<Vec<u8>> = MisraGries::new(3);
        let words = "the ebb and the flow and the tide".split(' ');
        summary.extend(words.map(Vec::from));
        encode(Kind::Counts, &summary)
    }

    #[test]
    fn what_is_read_is_what_was_written() {
        let Ok(Saved::Counters(Counters::Counts(read))) = Saved::decode(&encoded()) else {
            panic!("counts were written");
        };
        assert_eq!((read.k(), read.total_weight()), (3, 8));
        assert_eq!(read.lower_bound(&b"the"[..]), 2);
        let mut weights: MisraGries<Vec<u8>, f64> = MisraGries::with_weights(2);
        weights.update_weighted(b"x".to_vec(), 0.5);
        let decoded = Saved::decode(&encode(Kind::Weights, &weights));
        assert!(
            matches!(decoded, Ok(Saved::Counters(Counters::Weights(read))) if read.total_weight() == 0.5)
        );
    }

    #[test]
    fn every_truncation_and_every_flipped_bit_is_refused() {
        let bytes = encoded();
        for length in 0..bytes.len() {
            assert!(Saved::decode(&bytes[..length]).is_err(), "{length} bytes");
        }
        for bit in 0..8 * bytes.len() {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(Saved::decode(&damaged).is_err(), "bit {bit}");
        }
        assert!(Saved::decode(&[&bytes[..], b"x"].concat()).is_err());
    }

    #[test]
    fn a_body_that_does_not_hold_its_kind_is_refused_whatever_its_checksum() {
        for kind in [Kind::Counts, Kind::Weights, Kind::Sample] {
            for body in [&b""[..], b"\x00", &[0xff; 40]] {
                assert!(Saved::decode(&encode(kind, &body)).is_err(), "{kind}");
            }
        }
    }

    #[test]
    fn files_are_replaced_through_links_and_folders_are_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("summary");
        for content in [&b"first"[..], b"second"] {
            replace(&path, content).expect("a file can be written");
            assert_eq!(fs::read(&path).expect("it is there"), content);
        }
        assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 1);
        assert!(replace(folder.path(), b"x").is_err());
        #[cfg(unix)]
        {
            let link = folder.path().join("link");
            std::os::unix::fs::symlink(&path, &link).expect("a link can be made");
            replace(&link, b"third").expect("a file can be written");
            assert_eq!(fs::read(&path).expect("it is there"), b"third");
        }
    }

    #[test]
    fn counts_and_weights_do_not_mix() {
        let read = || Saved::decode(&encoded()).expect("counts");
        let weights = || Saved::Counters(Counters::Weights(MisraGries::with_weights(2)));
        let refused = weights().merge(read()).expect_err("they differ");
        assert_eq!(refused, "holds counts, others weights");
        assert!(read().merge(weights()).is_err());
        assert!(read().merge(read()).is_ok());
    }
}
