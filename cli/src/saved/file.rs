//! The file format of this program.
//!
//! A file is a header and a body. The header is the eight bytes `FOREBAY1`, the length of the body
//! (u64) and its crc32 (u32), both little-endian. The body is a byte for the kind of the summary,
//! and the summary in postcard.

use std::fmt;

use flate2::Crc;
use serde::Serialize;
use serde::de::DeserializeOwned;

const MAGIC: &[u8; 8] = b"FOREBAY1";
const HEADER_BYTES: usize = MAGIC.len() + 8 + 4;

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
        &MAGIC[..],
        &length.to_le_bytes(),
        &checksum(&body).to_le_bytes(),
        &body,
    ];
    parts.concat()
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
    pub(crate) fn new(file: &'a [u8]) -> Result<Self, &'static str> {
        if !file.starts_with(MAGIC) {
            return Err("is not a saved summary");
        }
        let (header, body) = file.split_at_checked(HEADER_BYTES).ok_or("is truncated")?;
        let (length, sum) = header[MAGIC.len()..].split_at(8);
        if length != (body.len() as u64).to_le_bytes() {
            return Err("is truncated or has extra bytes at its end");
        }
        if sum != checksum(body).to_le_bytes() {
            return Err("is damaged: its checksum does not match");
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

    fn decoded(file: &[u8]) -> Result<MisraGries<Vec<u8>>, &'static str> {
        Encoded::new(file)?.decode()
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
}
