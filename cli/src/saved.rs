//! Summaries in files: written on one machine, merged on another.
//!
//! A file is the eight bytes `FOREBAY1`, the length of what follows the header (u64) and its crc32
//! (u32), both little-endian; what follows is a byte that says what is in it, and that in postcard.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use flate2::Crc;
use forebay::Merge;
use forebay::frequent::MisraGries;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::args::RankingArgs;
use crate::error::Error;
use crate::ranking::Ranking;

const MAGIC: &[u8; 8] = b"FOREBAY1";
const HEADER_BYTES: usize = MAGIC.len() + 8 + 4;

/// What a file may hold.
#[derive(Debug)]
pub(crate) enum Saved {
    Counts(MisraGries<Vec<u8>>),
    Weights(MisraGries<Vec<u8>, f64>),
}

impl From<MisraGries<Vec<u8>>> for Saved {
    fn from(summary: MisraGries<Vec<u8>>) -> Self {
        Self::Counts(summary)
    }
}

impl From<MisraGries<Vec<u8>, f64>> for Saved {
    fn from(summary: MisraGries<Vec<u8>, f64>) -> Self {
        Self::Weights(summary)
    }
}

impl Saved {
    const COUNTS: u8 = 1;
    const WEIGHTS: u8 = 2;

    /// Takes in what another file holds.
    ///
    /// # Errors
    ///
    /// If one holds counts and the other weights, whose sums would mean nothing.
    pub(crate) fn merge(&mut self, other: Self) -> Result<(), &'static str> {
        match (self, other) {
            (Self::Counts(all), Self::Counts(more)) => all.merge(more),
            (Self::Weights(all), Self::Weights(more)) => all.merge(more),
            (Self::Counts(_), Self::Weights(_)) => return Err("holds weights, others counts"),
            (Self::Weights(_), Self::Counts(_)) => return Err("holds counts, others weights"),
        }
        Ok(())
    }

    /// Saves the summary if a file is named for it, and prints its ranking.
    ///
    /// # Errors
    ///
    /// If the file or the output cannot be written.
    pub(crate) fn hand_out(&self, args: &RankingArgs, out: &mut impl Write) -> Result<(), Error> {
        if let Some(path) = &args.save {
            self.write(path)?;
        }
        let n = args.n.get();
        let ranking = match self {
            Self::Counts(summary) => Ranking::new(summary, n),
            Self::Weights(summary) => Ranking::new(summary, n),
        };
        ranking.write(args.format, out)
    }

    /// Writes a file, whole or not at all: under another name first, where that is possible.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Error> {
        replace(path, &self.encode()).map_err(|cause| Error::Save {
            name: path.display().to_string(),
            cause,
        })
    }

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or is not what [`write`](Self::write) wrote.
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let name = path.display().to_string();
        let bytes = fs::read(path).map_err(|cause| Error::Read {
            name: name.as_str().into(),
            cause,
        })?;
        Self::decode(&bytes).map_err(|reason| Error::NotSaved { name, reason })
    }

    fn encode(&self) -> Vec<u8> {
        let body = match self {
            Self::Counts(summary) => body_of(Self::COUNTS, summary),
            Self::Weights(summary) => body_of(Self::WEIGHTS, summary),
        };
        let length = body.len() as u64;
        let parts = [
            &MAGIC[..],
            &length.to_le_bytes(),
            &checksum(&body).to_le_bytes(),
            &body,
        ];
        parts.concat()
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
        match body.split_first() {
            Some((&Self::COUNTS, body)) => summary_of(body).map(Self::Counts),
            Some((&Self::WEIGHTS, body)) => summary_of(body).map(Self::Weights),
            _ => Err("holds something that this version does not know"),
        }
    }
}

/// Makes `bytes` the contents of a file. What is there and is no file, such as a terminal, is
/// written to; a link leads to what is replaced.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if fs::metadata(&target).is_ok_and(|found| !found.is_file()) {
        return fs::write(target, bytes);
    }
    let mut aside = target.as_os_str().to_owned();
    aside.push(".partial");
    let mut file = File::create(&aside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(aside, target)
}

fn body_of(kind: u8, summary: &impl Serialize) -> Vec<u8> {
    postcard::to_extend(summary, vec![kind]).expect("bytes and numbers can be written")
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

    fn sample() -> Saved {
        let mut summary: MisraGries<Vec<u8>> = MisraGries::new(3);
        summary.extend(
            "the ebb and the flow and the tide"
                .split(' ')
                .map(Vec::from),
        );
        summary.into()
    }

    #[test]
    fn what_is_read_is_what_was_written() {
        let Ok(Saved::Counts(read)) = Saved::decode(&sample().encode()) else {
            panic!("counts were written");
        };
        assert_eq!((read.k(), read.total_weight()), (3, 8));
        assert_eq!(read.lower_bound(&b"the"[..]), 2);
        let mut weights: MisraGries<Vec<u8>, f64> = MisraGries::new(2);
        weights.update_weighted(b"x".to_vec(), 0.5);
        let decoded = Saved::decode(&Saved::from(weights).encode());
        assert!(matches!(decoded, Ok(Saved::Weights(read)) if read.total_weight() == 0.5));
    }

    #[test]
    fn every_truncation_and_every_flipped_bit_is_refused() {
        let bytes = sample().encode();
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
        let weights = || Saved::Weights(MisraGries::new(2));
        assert!(sample().merge(weights()).is_err());
        assert!(weights().merge(sample()).is_err());
        assert!(sample().merge(sample()).is_ok());
    }
}
