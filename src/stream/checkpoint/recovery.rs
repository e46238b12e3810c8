//! Finding the checkpoint to resume from.

use std::io;
use std::path::{Path, PathBuf};
use std::vec::Vec;

use crate::stream::checkpoint::directory::Directory;
use crate::stream::checkpoint::error::{CheckpointError, PassedOver};
use crate::stream::checkpoint::stored_checkpoint::StoredCheckpoint;
use crate::stream::time::BatchTime;

/// The end of a write-ahead log that was being written when the stream was lost: no batch had seen
/// it yet, and it is not a complete record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CutLog {
    path: PathBuf,
    bytes: u64,
}

impl CutLog {
    pub(crate) const fn new(path: PathBuf, bytes: u64) -> Self {
        Self { path, bytes }
    }

    /// The segment of the log.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many bytes were cut off.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// The result of recovery: which checkpoint the stream resumes from, and which it passed over.
///
/// # Examples
///
/// See [`recover_or`](crate::stream::StreamingContext::recover_or).
#[derive(Debug)]
pub struct Recovery {
    restored: Option<(BatchTime, PathBuf)>,
    passed_over: Vec<PassedOver>,
    pub(crate) cut: Vec<CutLog>,
}

impl Recovery {
    /// The batch after which the stream resumes; `None` if there was no checkpoint, so that it
    /// starts from the beginning.
    #[must_use]
    pub fn restored(&self) -> Option<BatchTime> {
        self.restored.as_ref().map(|(time, _)| *time)
    }

    /// The directory of the restored checkpoint.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.restored.as_ref().map(|(_, path)| path.as_path())
    }

    /// Newer checkpoints that are not intact, newest first.
    #[must_use]
    pub fn passed_over(&self) -> &[PassedOver] {
        &self.passed_over
    }

    /// What was cut off the ends of write-ahead logs. Known when the stream has become a driver.
    #[must_use]
    pub fn cut_logs(&self) -> &[CutLog] {
        &self.cut
    }
}

/// The newest intact checkpoint.
///
/// # Errors
///
/// If there are checkpoints but none is intact. If one has another format version or cannot be read:
/// it may be intact, and resuming from an older one would lose what has been done since.
pub(crate) fn find(
    directory: &Directory,
) -> Result<(Recovery, Option<StoredCheckpoint>), CheckpointError> {
    let mut passed_over = Vec::new();
    for time in directory.times()? {
        let path = directory.path_of(time);
        match directory.verify(time) {
            Ok(snapshot) => {
                let restored = Some((BatchTime::from_millis(time), path));
                let recovery = Recovery {
                    restored,
                    passed_over,
                    cut: Vec::new(),
                };
                return Ok((recovery, Some(snapshot)));
            }
            Err(reason) if is_incomplete(&reason) => passed_over.push(PassedOver { path, reason }),
            Err(other) => return Err(other),
        }
    }
    match passed_over.is_empty() {
        true => Ok((
            Recovery {
                restored: None,
                passed_over,
                cut: Vec::new(),
            },
            None,
        )),
        false => Err(CheckpointError::NoneLeft {
            directory: directory.path.clone(),
            passed_over,
        }),
    }
}

/// Whether a checkpoint with this defect is not intact, for certain.
fn is_incomplete(reason: &CheckpointError) -> bool {
    use io::ErrorKind::{NotFound, UnexpectedEof};
    match reason {
        CheckpointError::Corrupt { .. } | CheckpointError::Foreign { .. } => true,
        CheckpointError::Io { error, .. } => matches!(error.kind(), NotFound | UnexpectedEof),
        _ => false,
    }
}
