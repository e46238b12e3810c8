//! A whole checkpoint in memory, as it is read.

use std::collections::BTreeSet;
use std::path::Path;
use std::string::String;
use std::vec::Vec;

use super::error::CheckpointError;
use super::frame::{self, Kind};
use super::manifest::{FileEntry, MANIFEST, Manifest, Piece, PieceId, Stand, WHOLE};
use super::part::{Layout, Part};

/// The state of a stream at the end of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Snapshot {
    pub(crate) stand: Stand,
    /// By operator, in the order of declaration.
    pub(crate) parts: Vec<(String, Part)>,
    /// The names of its files with their lengths.
    pub(crate) files: Vec<(String, u64)>,
}

impl Snapshot {
    /// Puts a checkpoint together from its manifest and the files that `read` finds for it.
    pub(crate) fn read(
        directory: &Path,
        mut read: impl FnMut(&Path) -> Result<Vec<u8>, CheckpointError>,
    ) -> Result<Self, CheckpointError> {
        let path = directory.join(MANIFEST);
        let bytes = read(&path)?;
        let (manifest, layout) = Manifest::read(&path, &bytes)?;
        let parts = manifest.operators.into_iter().map(|operator| {
            let part = Part {
                types: operator.types,
                layout,
                keys: operator.keys,
                ..Part::default()
            };
            (operator.name, part)
        });
        let mut snapshot = Self {
            stand: manifest.stand,
            parts: parts.collect(),
            files: std::vec![(MANIFEST.into(), bytes.len() as u64)],
        };
        for file in manifest.files {
            if Path::new(&file.name).file_name() != Some(file.name.as_ref()) {
                let what = "it names a file elsewhere";
                return Err(CheckpointError::Corrupt { path, what });
            }
            let path = directory.join(&file.name);
            snapshot.add_file(&path, &file, layout, &read(&path)?)?;
            snapshot.files.push((file.name, file.length));
        }
        Ok(snapshot)
    }

    fn add_file(
        &mut self,
        path: &Path,
        file: &FileEntry,
        layout: Layout,
        bytes: &[u8],
    ) -> Result<(), CheckpointError> {
        let corrupt = |what| CheckpointError::Corrupt {
            path: path.into(),
            what,
        };
        if bytes.len() as u64 != file.length || crc32fast::hash(bytes) != file.check {
            // A flaw that shows by itself says more.
            frame::sections(path, Kind::State, bytes)?;
            return Err(corrupt("it is not the file that the manifest names"));
        }
        let mut wanted: BTreeSet<PieceId> = file.pieces.iter().copied().collect();
        for section in frame::sections(path, Kind::State, bytes)? {
            let nonsense = || corrupt("a section makes no sense");
            let piece: Piece<'_> = postcard::from_bytes(section).map_err(|_| nonsense())?;
            let is_wanted = wanted.remove(&(piece.operator, piece.group));
            if is_wanted || layout == Layout::Rows {
                self.add(&piece).ok_or_else(nonsense)?;
            }
        }
        match wanted.is_empty() {
            true => Ok(()),
            false => Err(corrupt("a section is missing")),
        }
    }

    fn add(&mut self, piece: &Piece<'_>) -> Option<()> {
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
