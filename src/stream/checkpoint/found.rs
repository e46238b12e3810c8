//! A checkpoint that was found and waits for its operators.

use crate::stream::checkpoint::directory::Directory;
use crate::stream::checkpoint::error::CheckpointError;
use crate::stream::checkpoint::recovery::{Recovery, find};
use crate::stream::checkpoint::stored_checkpoint::StoredCheckpoint;

/// What recovery found, until the operators are complete.
#[derive(Debug)]
pub(crate) struct FoundCheckpoint {
    pub(crate) recovery: Recovery,
    pub(crate) stored: Option<StoredCheckpoint>,
}

impl FoundCheckpoint {
    pub(crate) fn look(directory: &Directory) -> Result<Self, CheckpointError> {
        let (recovery, stored) = find(directory)?;
        Ok(Self { recovery, stored })
    }
}
