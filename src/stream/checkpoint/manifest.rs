//! The manifest of a checkpoint, which lists what belongs to it: written last, and read first.

use std::format;
use std::path::Path;
use std::string::String;
use std::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::stream::checkpoint::error::CheckpointError;
use crate::stream::checkpoint::frame;
use crate::stream::checkpoint::frame::Kind;
use crate::stream::error::BoxError;
use crate::stream::state::codec::{put, take};
use crate::stream::state::saved::used_up;

/// The name of the manifest of a checkpoint.
pub(crate) const MANIFEST: &str = "manifest";

/// The most bytes that it has.
pub(crate) const LONGEST: u64 = 1 << 30;

/// The key group number of state that belongs to no key group.
pub(crate) const WHOLE: u32 = u32::MAX;

/// What a checkpoint records about the stream as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct JobStamp {
    /// Milliseconds, all three.
    pub(crate) zero: u64,
    pub(crate) time: u64,
    pub(crate) interval: u64,
    pub(crate) seed: u64,
    pub(crate) key_groups: u32,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) stamp: JobStamp,
    pub(crate) operators: Vec<OperatorEntry>,
    pub(crate) files: Vec<FileEntry>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct OperatorEntry {
    pub(crate) name: String,
    pub(crate) types: Vec<String>,
    pub(crate) keys: u64,
}

/// The identity of a piece of state: the position of its operator in the manifest, and its key
/// group.
pub(crate) type PieceId = (u32, u32);

/// A file with state.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct FileEntry {
    pub(crate) name: String,
    pub(crate) length: u64,
    pub(crate) check: u32,
    /// The pieces in it that are part of the checkpoint; the rest is older than what another file
    /// has.
    pub(crate) pieces: Vec<PieceId>,
}

/// The head of a section with a piece of state.
#[derive(Serialize, Deserialize)]
pub(crate) struct PieceHead {
    pub(crate) id: PieceId,
    /// How many bytes follow it.
    pub(crate) length: u64,
}

impl PieceHead {
    /// The most bytes that it takes: three varints, of 32, 32 and 64 bits.
    pub(crate) const LONGEST: usize = 20;

    pub(crate) fn bytes(&self) -> Result<Vec<u8>, BoxError> {
        let mut head = Vec::new();
        put(self, &mut head)?;
        Ok(head)
    }

    /// Reads the head of a section of this length; returns how long the head is, too.
    pub(crate) fn read(mut first: &[u8], section: u64) -> Result<(Self, u64), BoxError> {
        let before = first.len();
        let head: Self = take(&mut first)?;
        let length = (before - first.len()) as u64;
        match head.length <= section - length {
            true => Ok((head, length)),
            false => Err("the section is shorter than its piece".into()),
        }
    }
}

impl Manifest {
    /// The whole file.
    pub(crate) fn bytes(&self) -> Result<Vec<u8>, BoxError> {
        let mut body = Vec::new();
        put(self, &mut body)?;
        let mut bytes = frame::begin(Kind::Manifest);
        frame::push(&body, &mut bytes);
        match bytes.len() as u64 <= LONGEST {
            true => Ok(bytes),
            false => Err(format!("a manifest has at most {LONGEST} bytes").into()),
        }
    }

    /// Reads the file.
    pub(crate) fn read(path: &Path, bytes: &[u8]) -> Result<Self, CheckpointError> {
        let corrupt = |what| CheckpointError::Corrupt {
            path: path.into(),
            what,
        };
        let sections = frame::open(path, Kind::Manifest, bytes)?;
        let [body] = sections[..] else {
            return Err(corrupt("a manifest has one section"));
        };
        let mut rest = body;
        let manifest = take(&mut rest).map_err(|_| corrupt("the manifest cannot be decoded"))?;
        used_up(rest).map_err(|_| corrupt("the manifest is too long"))?;
        Ok(manifest)
    }
}
