//! A checkpoint that was found and waits for its operators.

use crate::stream::checkpoint::directory::Directory;
use crate::stream::checkpoint::error::CheckpointError;
use crate::stream::checkpoint::lock::DirectoryLock;
use crate::stream::checkpoint::recovery::{Recovery, find};
use crate::stream::checkpoint::stored_checkpoint::StoredCheckpoint;

/// What recovery found, until the operators are complete.
#[derive(Debug)]
pub(crate) struct FoundCheckpoint {
    pub(crate) recovery: Recovery,
    pub(crate) stored: Option<StoredCheckpoint>,
    /// Nobody else has written since; `None` if there was no directory.
    pub(crate) lock: Option<DirectoryLock>,
}

impl FoundCheckpoint {
    pub(crate) fn look(directory: &Directory) -> Result<Self, CheckpointError> {
        let lock = directory.lock_if_there()?;
        let (recovery, stored) = find(directory)?;
        Ok(Self {
            recovery,
            stored,
            lock,
        })
    }
}
