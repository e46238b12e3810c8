//! A whole checkpoint in memory, and its files.

use std::format;
use std::string::String;
use std::vec::Vec;

use serde::{Deserialize, Serialize};

use super::codec::{put, take};
use super::error::CheckpointError;
use super::frame::{self, Kind};
use super::part::{Part, used_up};
use crate::stream::error::BoxError;
use std::path::Path;

/// The name of the manifest of a checkpoint.
pub(crate) const MANIFEST: &str = "manifest";

/// How many files the key groups are dealt to, at most.
const RANGES: u32 = 16;

/// What a checkpoint says of the stream as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stand {
    /// Milliseconds, all three.
    pub(crate) zero: u64,
    pub(crate) time: u64,
    pub(crate) interval: u64,
    pub(crate) seed: u64,
    pub(crate) key_groups: u32,
}

/// The manifest: written last, and read first.
#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    stand: Stand,
    operators: Vec<Operator>,
    files: Vec<FileEntry>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Operator {
    name: String,
    types: Vec<String>,
    keys: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct FileEntry {
    name: String,
    length: u64,
    check: u32,
}

/// A piece of the state of one operator; `group` is [`WHOLE`] where it belongs to none.
#[derive(Serialize, Deserialize)]
struct Piece<'a> {
    operator: u32,
    group: u32,
    body: &'a [u8],
}

const WHOLE: u32 = u32::MAX;

/// The state of a stream at the end of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Snapshot {
    pub(crate) stand: Stand,
    /// By operator, in the order of declaration.
    pub(crate) parts: Vec<(String, Part)>,
}

impl Snapshot {
    /// The files of the checkpoint with their names, the manifest last.
    pub(crate) fn files(&self) -> Result<Vec<(String, Vec<u8>)>, BoxError> {
        let width = self.stand.key_groups.div_ceil(RANGES).max(1);
        let mut files = std::vec![("operators".into(), self.state_file(WHOLE..=WHOLE)?)];
        for first in (0..self.stand.key_groups).step_by(width as usize) {
            let last = (first + width).min(self.stand.key_groups) - 1;
            let name = format!("groups-{first:05}-{last:05}");
            files.push((name, self.state_file(first..=last)?));
        }
        let manifest = Manifest {
            stand: self.stand,
            operators: self.parts.iter().map(Operator::of).collect(),
            files: files.iter().map(FileEntry::of).collect(),
        };
        let mut body = Vec::new();
        put(&manifest, &mut body)?;
        let mut bytes = frame::begin(Kind::Manifest);
        frame::push(&body, &mut bytes);
        files.push((MANIFEST.into(), bytes));
        Ok(files)
    }

    /// The pieces of these key groups, group by group.
    fn state_file(&self, groups: std::ops::RangeInclusive<u32>) -> Result<Vec<u8>, BoxError> {
        let mut bytes = frame::begin(Kind::State);
        let mut body = Vec::new();
        for group in groups {
            for ((_, part), operator) in self.parts.iter().zip(0..) {
                let held = match group {
                    WHOLE => Some(&part.whole).filter(|bytes| !bytes.is_empty()),
                    group => part.groups.get(&group),
                };
                let Some(held) = held else { continue };
                body.clear();
                let piece = Piece {
                    operator,
                    group,
                    body: held,
                };
                put(&piece, &mut body)?;
                frame::push(&body, &mut bytes);
            }
        }
        Ok(bytes)
    }

    /// Puts a checkpoint together from its manifest and the files that `read` finds for it.
    pub(crate) fn read(
        directory: &Path,
        mut read: impl FnMut(&Path) -> Result<Vec<u8>, CheckpointError>,
    ) -> Result<Self, CheckpointError> {
        let path = directory.join(MANIFEST);
        let manifest = read_manifest(&path, &read(&path)?)?;
        let parts = manifest.operators.into_iter().map(|operator| {
            let part = Part {
                types: operator.types,
                keys: operator.keys,
                ..Part::default()
            };
            (operator.name, part)
        });
        let mut snapshot = Self {
            stand: manifest.stand,
            parts: parts.collect(),
        };
        for file in manifest.files {
            let path = directory.join(&file.name);
            let bytes = read(&path)?;
            if bytes.len() as u64 != file.length || crc32fast::hash(&bytes) != file.check {
                let what = "it is not the file that the manifest names";
                // A flaw that shows by itself says more.
                frame::sections(&path, Kind::State, &bytes)?;
                return Err(CheckpointError::Corrupt { path, what });
            }
            for section in frame::sections(&path, Kind::State, &bytes)? {
                snapshot.add(section).ok_or(CheckpointError::Corrupt {
                    path: path.clone(),
                    what: "a section makes no sense",
                })?;
            }
        }
        Ok(snapshot)
    }

    fn add(&mut self, section: &[u8]) -> Option<()> {
        let piece: Piece<'_> = postcard::from_bytes(section).ok()?;
        let (_, part) = self.parts.get_mut(piece.operator as usize)?;
        match piece.group {
            WHOLE => part.whole = piece.body.into(),
            group => {
                part.groups.insert(group, piece.body.into());
            }
        }
        Some(())
    }
}

fn read_manifest(path: &Path, bytes: &[u8]) -> Result<Manifest, CheckpointError> {
    let corrupt = |what| CheckpointError::Corrupt {
        path: path.into(),
        what,
    };
    let [body] = frame::sections(path, Kind::Manifest, bytes)?[..] else {
        return Err(corrupt("a manifest has one section"));
    };
    let mut rest = body;
    let manifest = take(&mut rest).map_err(|_| corrupt("the manifest makes no sense"))?;
    used_up(rest).map_err(|_| corrupt("the manifest is too long"))?;
    Ok(manifest)
}

impl Operator {
    fn of((name, part): &(String, Part)) -> Self {
        Self {
            name: name.clone(),
            types: part.types.clone(),
            keys: part.keys,
        }
    }
}

impl FileEntry {
    fn of((name, bytes): &(String, Vec<u8>)) -> Self {
        Self {
            name: name.clone(),
            length: bytes.len() as u64,
            check: crc32fast::hash(bytes),
        }
    }
}
