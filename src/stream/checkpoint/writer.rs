//! Writing a checkpoint: only what has changed since the one before.
//!
//! Changes go into one new file. Files of the checkpoint before that hold unchanged state are
//! hard-linked into the directory of the new one, so that every directory is complete and can be
//! removed independently.

use std::boxed::Box;
use std::collections::BTreeMap;
use std::format;
use std::path::Path;
use std::string::String;
use std::vec::Vec;

use crate::stream::checkpoint::directory::Directory;
use crate::stream::checkpoint::error::CheckpointError;
use crate::stream::checkpoint::error::failed;
use crate::stream::checkpoint::frame;
use crate::stream::checkpoint::frame::Kind;
use crate::stream::checkpoint::manifest::{
    FileEntry, JobStamp, MANIFEST, Manifest, OperatorEntry, PieceHead, PieceId, WHOLE,
};
use crate::stream::checkpoint::storage::Output;
use crate::stream::error::BoxError;
use crate::stream::state::operator_snapshot::{Encode, OperatorSnapshot};
use crate::stream::threads::executor::Executor;

/// A checkpoint with more files than this, or with more outdated bytes than current ones, is
/// written from scratch.
const FILES: usize = 32;

/// The state of a stream at the end of a batch, to be written.
pub(crate) struct Snapshot {
    pub(crate) stamp: JobStamp,
    /// By operator, in the order of declaration.
    pub(crate) operators: Vec<(String, OperatorSnapshot)>,
}

/// A checkpoint that this program has written.
pub(crate) struct Written {
    pub(crate) time: u64,
    /// How many bytes were written for it.
    pub(crate) bytes: u64,
    files: Vec<FileEntry>,
    pieces: Pieces,
}

/// The version and the size of each piece; a piece that belongs to no key group has no version and
/// is written every time.
type Pieces = BTreeMap<PieceId, (Option<u64>, u64)>;

/// How many pieces are encoded at a time, in parallel.
const AT_ONCE: usize = 32;

/// From this size on a piece is worth another thread.
const WORTH_A_THREAD: u64 = 16 << 10;

/// From this size on write-back starts while more is encoded.
const WORTH_SYNCING: u64 = 512 << 10;

impl Directory {
    /// Prepares the directory for a checkpoint; called before [`write`](Self::write).
    pub(crate) fn prepare(&self, time: u64) -> Result<(), CheckpointError> {
        let aside = self.aside(time);
        self.storage.remove_dir(&aside).map_err(failed(&aside))?;
        self.storage.create_dir(&aside).map_err(failed(&aside))
    }

    /// Writes a checkpoint. When this returns it is durable; until then the one of `previous` is
    /// kept, if there is one.
    pub(crate) fn write(
        &self,
        snapshot: &Snapshot,
        before: Option<&Written>,
        previous: Option<u64>,
        executor: &Executor,
    ) -> Result<Written, CheckpointError> {
        let time = snapshot.stamp.time;
        let (path, aside) = (self.path_of(time), self.aside(time));
        let mut kept = before.map_or_else(Vec::new, |before| before.unchanged(snapshot));
        if let Some(before) = before
            && !self.take_over(before, &kept, &aside)
        {
            kept.clear();
            self.prepare(time)?;
        }
        let (durable, mut files) = self.write_new(snapshot, before, kept, executor)?;
        let storage = &self.storage;
        if previous.is_none() {
            let first = storage.sync(std::mem::take(&mut files), &[&aside]);
            first.map_err(failed(&aside))?;
        }
        // What exists under this name was passed over by recovery.
        storage.remove_dir(&path).map_err(failed(&path))?;
        storage.rename(&aside, &path).map_err(failed(&path))?;
        // In sequence, which costs hardly more than one sync. A kill leaves a complete checkpoint
        // under the name or none; if the machine stops before everything is durable, checksums show
        // what is missing, and the checkpoint before is still there: the rename happens only when
        // the rest is durable.
        let synced = storage.sync(files, &[&path, &self.path]);
        synced.map_err(failed(&path))?;
        Ok(durable)
    }

    /// Hard-links files of the checkpoint before; returns whether that worked. Not every file
    /// system can, and the files may be gone: then everything is written.
    fn take_over(&self, before: &Written, kept: &[FileEntry], aside: &Path) -> bool {
        let from = self.path_of(before.time);
        let link = |file: &FileEntry| {
            let (from, to) = (from.join(&file.name), aside.join(&file.name));
            self.storage.link(&from, &to).is_ok()
        };
        kept.iter().all(link)
    }

    /// Writes what the linked files do not hold, and the manifest; returns the files, which are
    /// still to be synced.
    fn write_new(
        &self,
        snapshot: &Snapshot,
        before: Option<&Written>,
        mut files: Vec<FileEntry>,
        executor: &Executor,
    ) -> Result<(Written, Vec<Box<dyn Output>>), CheckpointError> {
        let time = snapshot.stamp.time;
        let aside = self.aside(time);
        let held = files.iter().flat_map(|file| file.pieces.iter().copied());
        let none = Pieces::new();
        let known = before.map_or(&none, |before| &before.pieces);
        let held = held.filter_map(|id| Some((id, *known.get(&id)?)));
        let mut pieces: Pieces = held.collect();
        let (entry, state) = self.write_pieces(snapshot, &aside, known, &mut pieces, executor)?;
        let written = entry.length;
        files.push(entry);
        let manifest = Manifest {
            stamp: snapshot.stamp,
            operators: snapshot.operators.iter().map(OperatorEntry::of).collect(),
            files,
        };
        let path = aside.join(MANIFEST);
        let bytes = manifest.bytes().map_err(unwritable(MANIFEST))?;
        let mut file = self.storage.create(&path).map_err(failed(&path))?;
        file.write(&bytes).map_err(failed(&path))?;
        let durable = Written {
            time,
            bytes: written + bytes.len() as u64,
            files: manifest.files,
            pieces,
        };
        Ok((durable, std::vec![state, file]))
    }

    /// Writes all pieces except those in `pieces`, and adds them there; `known` has their previous
    /// sizes.
    fn write_pieces(
        &self,
        snapshot: &Snapshot,
        aside: &Path,
        known: &Pieces,
        pieces: &mut Pieces,
        executor: &Executor,
    ) -> Result<(FileEntry, Box<dyn Output>), CheckpointError> {
        let new = snapshot.pieces();
        let new = new.filter(|piece| !pieces.contains_key(&piece.id));
        let new: Vec<PieceSnapshot<'_>> = new.collect();
        let name = format!("state-{:020}", snapshot.stamp.time);
        let path = aside.join(&name);
        let mut state = StateFile::create(self, &path)?;
        let is_large = |piece: &&PieceSnapshot<'_>| {
            let known = known.get(&piece.id);
            known.is_none_or(|(_, length)| *length >= WORTH_A_THREAD)
        };
        for run in new.chunks(AT_ONCE) {
            let encode = |_, piece: &PieceSnapshot<'_>| piece.bytes();
            let encoded = executor.map(run.iter().collect(), is_large, encode);
            for (piece, bytes) in run.iter().zip(encoded) {
                let length = state.push(piece.id, &bytes?)?;
                pieces.insert(piece.id, (piece.version, length));
            }
            state.begin_sync();
        }
        Ok(state.finish(name))
    }
}

fn unwritable(operator: &str) -> impl Fn(BoxError) -> CheckpointError + '_ {
    |error| CheckpointError::Encode {
        operator: operator.into(),
        error,
    }
}

impl Snapshot {
    /// All pieces of state: those without a key group first, then group by group.
    fn pieces(&self) -> impl Iterator<Item = PieceSnapshot<'_>> {
        let operators = || self.operators.iter().zip(0u32..);
        let piece = |name, id, version, encode| PieceSnapshot {
            operator: name,
            id,
            version,
            encode,
        };
        let whole = operators().filter_map(move |((name, snapshot), operator)| {
            Some(piece(
                name,
                (operator, WHOLE),
                None,
                snapshot.whole.as_ref()?,
            ))
        });
        let groups = operators().flat_map(move |((name, snapshot), operator)| {
            let groups = snapshot.groups.iter();
            groups.map(move |group| {
                let id = (operator, group.group);
                piece(name, id, Some(group.version), &group.encode)
            })
        });
        whole.chain(groups)
    }
}

/// A piece of state to be written.
struct PieceSnapshot<'a> {
    operator: &'a str,
    id: PieceId,
    version: Option<u64>,
    encode: &'a Encode,
}

impl PieceSnapshot<'_> {
    fn bytes(&self) -> Result<Vec<u8>, CheckpointError> {
        let mut bytes = Vec::new();
        (self.encode)(&mut bytes).map_err(unwritable(self.operator))?;
        Ok(bytes)
    }
}

impl OperatorEntry {
    fn of((name, snapshot): &(String, OperatorSnapshot)) -> Self {
        Self {
            name: name.clone(),
            types: snapshot.types.clone(),
            keys: snapshot.keys,
        }
    }
}

impl Written {
    /// The files that hold unchanged state, with the pieces that are still current; none if they
    /// hold too much that is outdated.
    fn unchanged(&self, snapshot: &Snapshot) -> Vec<FileEntry> {
        let now = snapshot.pieces().map(|piece| (piece.id, piece.version));
        let now: BTreeMap<PieceId, Option<u64>> = now.collect();
        let current = |id: &PieceId| {
            let known = self.pieces.get(id);
            known.is_some_and(|(version, _)| version.is_some() && now.get(id) == Some(version))
        };
        let (mut kept, mut live) = (Vec::new(), 0);
        for file in &self.files {
            let pieces: Vec<PieceId> = file.pieces.iter().copied().filter(current).collect();
            if !pieces.is_empty() {
                live += pieces.iter().map(|id| self.pieces[id].1).sum::<u64>();
                let file = file.clone();
                kept.push(FileEntry { pieces, ..file });
            }
        }
        let all: u64 = kept.iter().map(|file| file.length).sum();
        if kept.len() >= FILES || all > 2 * live {
            kept.clear();
        }
        kept
    }
}

/// A file of pieces that is being written.
struct StateFile<'a> {
    path: &'a Path,
    output: Box<dyn Output>,
    check: crc32fast::Hasher,
    length: u64,
    /// How many bytes are being written back.
    begun: u64,
    pieces: Vec<PieceId>,
}

impl<'a> StateFile<'a> {
    fn create(directory: &Directory, path: &'a Path) -> Result<Self, CheckpointError> {
        let output = directory.storage.create(path).map_err(failed(path))?;
        let mut file = Self {
            path,
            output,
            check: crc32fast::Hasher::new(),
            length: 0,
            begun: 0,
            pieces: Vec::new(),
        };
        file.write(&frame::begin(Kind::State))?;
        Ok(file)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), CheckpointError> {
        self.output.write(bytes).map_err(failed(self.path))?;
        self.check.update(bytes);
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Appends a piece and returns its size in the file.
    fn push(&mut self, id: PieceId, body: &[u8]) -> Result<u64, CheckpointError> {
        let before = self.length;
        let length = body.len() as u64;
        let head = PieceHead { id, length };
        let head = head.bytes().map_err(unwritable(MANIFEST))?;
        self.write(&frame::section(&head, body))?;
        self.write(body)?;
        self.pieces.push(id);
        Ok(self.length - before)
    }

    /// Starts write-back while more is encoded, if it is worth a call.
    fn begin_sync(&mut self) {
        if self.length > self.begun + WORTH_SYNCING {
            self.begun = self.length;
            self.output.begin_sync();
        }
    }

    /// The entry of the file in the manifest; the file is still to be synced.
    fn finish(self, name: String) -> (FileEntry, Box<dyn Output>) {
        let entry = FileEntry {
            name,
            length: self.length,
            check: self.check.finalize(),
            pieces: self.pieces,
        };
        (entry, self.output)
    }
}
