//! The file format of this program.
//!
//! A file is a header and a body. The header is the seven bytes `FOREBAY`, the version of the format
//! as a digit, the length of the body (u64) and its crc32 (u32), both little-endian. The body is a
//! byte for the kind of the summary, and the summary in postcard.
//!
//! Postcard stores no names of fields: a change of any stored type is a new version. The files in
//! `tests/saved` are of the current one, and a test reads them.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Read};
use std::path::Path;

use flate2::Crc;
use forebay::datasketches::ImageKind;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::file::open_regular;

/// What all versions begin with.
const NAME: &[u8; 7] = b"FOREBAY";

/// The version that is written, and the only one that is read.
const VERSION: u8 = b'2';

/// The name and the version.
const MAGIC_BYTES: usize = NAME.len() + 1;
const HEADER_BYTES: usize = MAGIC_BYTES + 8 + 4;

/// The most bytes that are read of an image, or of standard input.
const LARGEST: u64 = 4 << 30;

/// The kind of a summary, as the byte in the file.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(u8)]
pub(crate) enum SummaryKind {
    Counts = 1,
    Weights = 2,
    Sample = 3,
}

impl SummaryKind {
    const ALL: [Self; 3] = [Self::Counts, Self::Weights, Self::Sample];

    /// Why a summary of kind `other` cannot be merged into one of this kind.
    pub(crate) fn mismatch(self, other: Self) -> String {
        format!("holds {other}, but the files before it hold {self}")
    }
}

impl fmt::Display for SummaryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Counts => "counts",
            Self::Weights => "weights",
            Self::Sample => "samples",
        })
    }
}

/// The bytes of a file with this summary.
pub(crate) fn encode(kind: SummaryKind, summary: &impl Serialize) -> Vec<u8> {
    let body = postcard::to_extend(summary, vec![kind as u8])
        .expect("bytes, numbers and text can be written");
    let length = body.len() as u64;
    let parts = [
        &NAME[..],
        &[VERSION],
        &length.to_le_bytes(),
        &checksum(&body).to_le_bytes(),
        &body,
    ];
    parts.concat()
}

/// Reads a saved summary of this program or an image; `-` is standard input.
///
/// # Errors
///
/// If it cannot be read or is no regular file. Nothing but the first bytes is read of what is
/// neither.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    if path.as_os_str() == "-" {
        return read_from(io::stdin().lock(), LARGEST);
    }
    let file = open_regular(path)?;
    let length = file.metadata()?.len();
    read_from(file, length)
}

fn read_from(mut reader: impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    reader
        .by_ref()
        .take(HEADER_BYTES as u64)
        .read_to_end(&mut head)?;
    let limit = match Header::of(&head) {
        // One byte more shows that there is too much.
        Some(header) if header.version == VERSION => limit.min(header.length.saturating_add(1)),
        Some(_) => return Ok(head),
        None if ImageKind::of(&head).is_some() => limit.min(LARGEST),
        None => return Ok(head),
    };
    reader.take(limit).read_to_end(&mut head)?;
    Ok(head)
}

/// The first bytes of a file.
struct Header {
    version: u8,
    /// The length of the body, and its checksum.
    length: u64,
    sum: [u8; 4],
}

impl Header {
    /// The header at the beginning of a file; a version without one has zeros for its parts.
    fn of(file: &[u8]) -> Option<Self> {
        let (&version, rest) = file.strip_prefix(NAME)?.split_first()?;
        let mut header = Self {
            version,
            length: 0,
            sum: [0; 4],
        };
        if let Some((length, rest)) = rest.split_first_chunk() {
            header.length = u64::from_le_bytes(*length);
            header.sum = rest.first_chunk().copied().unwrap_or_default();
        }
        Some(header)
    }
}

/// A summary in its encoded form, whose checksum matched.
#[derive(Debug)]
pub(crate) struct Encoded<'a> {
    pub(crate) kind: SummaryKind,
    summary: &'a [u8],
}

impl<'a> Encoded<'a> {
    /// Checks the bytes of a file.
    ///
    /// # Errors
    ///
    /// If [`encode`] did not write them.
    pub(crate) fn new(file: &'a [u8]) -> Result<Self, Cow<'static, str>> {
        let header = Header::of(file).ok_or("is not a saved summary")?;
        if header.version != VERSION {
            let (found, own) = (header.version as char, VERSION as char);
            return Err(if found.is_ascii_digit() {
                format!(
                    "is of version {found} of the format, and this program reads version {own}: \
                     save it again with this program"
                )
                .into()
            } else {
                "is damaged: it has no version".into()
            });
        }
        let (_, body) = file.split_at_checked(HEADER_BYTES).ok_or("is truncated")?;
        if header.length != body.len() as u64 {
            return Err("is truncated or has extra bytes at its end".into());
        }
        if header.sum != checksum(body).to_le_bytes() {
            return Err("is damaged: its checksum does not match".into());
        }
        let known = |byte: u8| {
            SummaryKind::ALL
                .into_iter()
                .find(|&kind| kind as u8 == byte)
        };
        let kind_and_summary = body
            .split_first()
            .and_then(|(&byte, summary)| Some((known(byte)?, summary)));
        let (kind, summary) =
            kind_and_summary.ok_or("holds a kind of summary that this version does not know")?;
        Ok(Self { kind, summary })
    }

    /// Decodes the summary.
    ///
    /// # Errors
    ///
    /// If the bytes do not hold an `S`.
    pub(crate) fn decode<S: DeserializeOwned>(&self) -> Result<S, &'static str> {
        match postcard::take_from_bytes(self.summary) {
            Ok((summary, [])) => Ok(summary),
            _ => Err("is damaged"),
        }
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
        encode(SummaryKind::Counts, &summary)
    }

    fn decoded(file: &[u8]) -> Result<MisraGries<Vec<u8>>, Cow<'static, str>> {
        Ok(Encoded::new(file)?.decode()?)
    }

    #[test]
    fn reading_gives_back_what_was_written() {
        let file = encoded();
        let encoded = Encoded::new(&file).expect("it is whole");
        assert_eq!(encoded.kind, SummaryKind::Counts);
        let read = decoded(&file).expect("counts were written");
        assert_eq!((read.k(), read.total_weight()), (3, 8));
        assert_eq!(read.lower_bound(&b"the"[..]), 2);
    }

    #[test]
    fn every_truncation_and_every_flipped_bit_is_refused() {
        let file = encoded();
        for length in 0..file.len() {
            assert!(decoded(&file[..length]).is_err(), "{length} bytes");
        }
        for bit in 0..8 * file.len() {
            let mut damaged = file.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(decoded(&damaged).is_err(), "bit {bit}");
        }
        assert!(decoded(&[&file[..], b"x"].concat()).is_err());
    }

    #[test]
    fn another_version_is_refused_by_its_name() {
        let mut file = encoded();
        file[7] = b'1';
        let error = decoded(&file).expect_err("it is another version");
        assert!(
            error.starts_with("is of version 1 of the format"),
            "{error}"
        );
        // Only its beginning is read.
        assert_eq!(
            read_from(&file[..], LARGEST).expect("memory can be read"),
            file[..HEADER_BYTES]
        );
    }

    #[test]
    fn no_more_is_read_than_the_header_says() {
        let file = encoded();
        let endless = file.as_slice().chain(io::repeat(7));
        let read = read_from(endless, u64::MAX).expect("memory can be read");
        let error = decoded(&read).expect_err("there is more");
        assert!(error.contains("extra bytes"), "{error}");
        assert_eq!(
            read_from(io::repeat(b'F'), u64::MAX).expect("memory can be read"),
            [b'F'; HEADER_BYTES]
        );
    }
}
