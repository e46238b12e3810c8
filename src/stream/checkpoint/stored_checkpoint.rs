//! An index of a verified checkpoint; the state itself stays on disk.

use std::collections::BTreeSet;
use std::path::Path;
use std::string::String;
use std::sync::Arc;
use std::vec::Vec;

use crate::stream::checkpoint::error::CheckpointError;
use crate::stream::checkpoint::error::failed;
use crate::stream::checkpoint::frame::Kind;
use crate::stream::checkpoint::manifest::{
    FileEntry, JobStamp, LONGEST, MANIFEST, Manifest, PieceHead, PieceId, WHOLE,
};
use crate::stream::checkpoint::scan::{Section, StoredFile};
use crate::stream::checkpoint::storage::Storage;
use crate::stream::error::BoxError;
use crate::stream::state::saved::{Piece, SavedState};

/// The state of a stream at the end of a batch.
#[derive(Clone, Debug)]
pub(crate) struct StoredCheckpoint {
    pub(crate) stamp: JobStamp,
    /// By operator, in the order of declaration.
    pub(crate) operators: Vec<(String, SavedState)>,
    /// The names of its files with their lengths.
    pub(crate) files: Vec<(String, u64)>,
}

impl StoredCheckpoint {
    /// Verifies every byte of the files that the manifest in a directory names, and indexes the
    /// pieces.
    pub(crate) fn verify(
        directory: &Path,
        storage: &Arc<dyn Storage>,
    ) -> Result<Self, CheckpointError> {
        let path = directory.join(MANIFEST);
        let bytes = storage.read(&path, LONGEST).map_err(failed(&path))?;
        let manifest = Manifest::read(&path, &bytes)?;
        let operators = manifest.operators.into_iter().map(|operator| {
            let saved = SavedState {
                types: operator.types,
                keys: operator.keys,
                ..SavedState::default()
            };
            (operator.name, saved)
        });
        let mut snapshot = Self {
            stamp: manifest.stamp,
            operators: operators.collect(),
            files: std::vec![(MANIFEST.into(), bytes.len() as u64)],
        };
        for file in manifest.files {
            if Path::new(&file.name).file_name() != Some(file.name.as_ref()) {
                let what = "it names a file elsewhere";
                return Err(CheckpointError::Corrupt { path, what });
            }
            let stored = StoredFile::new(directory.join(&file.name), storage);
            snapshot.add_file(&stored, &file)?;
            snapshot.files.push((file.name, file.length));
        }
        Ok(snapshot)
    }

    fn add_file(&mut self, stored: &StoredFile, file: &FileEntry) -> Result<(), CheckpointError> {
        let corrupt = |what| CheckpointError::Corrupt {
            path: stored.path.to_path_buf(),
            what,
        };
        if stored.length()? != file.length {
            return Err(corrupt("it is not the file that the manifest names"));
        }
        let mut wanted: BTreeSet<PieceId> = file.pieces.iter().copied().collect();
        let mut makes_sense = true;
        let whole = stored.scan(Kind::State, PieceHead::LONGEST, |section, first| {
            let is_wanted = |id: &PieceId| wanted.remove(id);
            let added = self.add_section(stored, section, first, is_wanted);
            makes_sense &= added.is_ok();
        })?;
        if whole != (file.length, file.check) {
            return Err(corrupt("it is not the file that the manifest names"));
        }
        match (makes_sense, wanted.is_empty()) {
            (false, _) => Err(corrupt("a section cannot be decoded")),
            (true, false) => Err(corrupt("a section is missing")),
            (true, true) => Ok(()),
        }
    }

    /// Records where the piece in a section is, if it is wanted.
    fn add_section(
        &mut self,
        file: &StoredFile,
        section: Section,
        first: &[u8],
        is_wanted: impl FnOnce(&PieceId) -> bool,
    ) -> Result<(), BoxError> {
        let (head, before) = PieceHead::read(first, section.length)?;
        if !is_wanted(&head.id) {
            return Ok(());
        }
        let piece = Arc::new(StoredPiece {
            file: file.clone(),
            section,
            before,
            length: head.length,
        });
        let (operator, group) = head.id;
        let saved = self.operators.get_mut(operator as usize);
        let (_, saved) =
            saved.ok_or("a piece belongs to an operator that the manifest does not name")?;
        match group {
            WHOLE => saved.whole = Some(piece),
            group => {
                saved.groups.insert(group, piece);
            }
        }
        Ok(())
    }
}

/// Where a piece of state is.
#[derive(Clone, Debug)]
struct StoredPiece {
    file: StoredFile,
    section: Section,
    /// How many bytes precede it in the section, and how many it has itself.
    before: u64,
    length: u64,
}

impl Piece for StoredPiece {
    fn len(&self) -> u64 {
        self.length
    }

    fn read<'a>(&self, buffer: &'a mut Vec<u8>) -> Result<&'a [u8], BoxError> {
        let body = self.file.read(self.section, buffer)?;
        let (_, piece) = body.split_at(self.before as usize);
        Ok(&piece[..self.length as usize])
    }
}
