//! The directory of the checkpoints of a stream: a subdirectory for each.

use std::format;
use std::path::PathBuf;
use std::sync::Arc;
use std::vec::Vec;

use crate::stream::checkpoint::error::{CheckpointError, failed};
use crate::stream::checkpoint::local_storage::{Access, LocalStorage};
use crate::stream::checkpoint::storage::Storage;
use crate::stream::checkpoint::stored_checkpoint::StoredCheckpoint;

const PREFIX: &str = "batch-";
const ASIDE: &str = ".part-";

/// The directory in which a stream keeps its checkpoints.
#[derive(Clone, Debug)]
pub(crate) struct Directory {
    pub(crate) path: PathBuf,
    pub(crate) storage: Arc<dyn Storage>,
}

impl Directory {
    pub(crate) fn new(path: PathBuf) -> Self {
        let access = Access::Owner;
        let storage = Arc::new(LocalStorage { access });
        Self { path, storage }
    }

    pub(crate) fn path_of(&self, time: u64) -> PathBuf {
        self.path.join(format!("{PREFIX}{time:020}"))
    }

    /// The temporary directory in which a checkpoint is written.
    pub(crate) fn aside(&self, time: u64) -> PathBuf {
        self.path.join(format!("{ASIDE}{time:020}"))
    }

    /// The times of all checkpoints, intact or not, newest first.
    pub(crate) fn times(&self) -> Result<Vec<u64>, CheckpointError> {
        self.times_of(PREFIX)
    }

    fn times_of(&self, prefix: &str) -> Result<Vec<u64>, CheckpointError> {
        let names = self.storage.list(&self.path).map_err(failed(&self.path))?;
        let time = |name: &std::ffi::OsString| {
            let digits = name.to_str().and_then(|name| name.strip_prefix(prefix));
            digits.and_then(|digits| digits.parse::<u64>().ok())
        };
        let mut times: Vec<u64> = names.iter().filter_map(time).collect();
        times.sort_unstable_by(|a, b| b.cmp(a));
        Ok(times)
    }

    /// Makes a checkpoint durable that was found: who wrote it may have been killed before that.
    pub(crate) fn make_durable(&self, time: u64) -> Result<(), CheckpointError> {
        let path = self.path_of(time);
        for name in self.storage.list(&path).map_err(failed(&path))? {
            let file = path.join(name);
            self.storage.sync_file(&file).map_err(failed(&file))?;
        }
        let synced = self.storage.sync(Vec::new(), &[&path, &self.path]);
        synced.map_err(failed(&path))
    }

    /// Removes what is older than a checkpoint and the one before it, and incomplete checkpoints: a
    /// stream that was killed meanwhile leaves them.
    pub(crate) fn tidy(&self, newest: u64) -> Result<(), CheckpointError> {
        for time in self.times_of(ASIDE)? {
            let path = self.aside(time);
            self.storage.remove_dir(&path).map_err(failed(&path))?;
        }
        let times = self.times()?;
        let previous = times.iter().copied().find(|&time| time < newest);
        match times.contains(&newest) {
            true => self.clean(newest, previous),
            false => Ok(()),
        }
    }

    /// Removes what is older than these two. Files that a newer checkpoint has linked stay under
    /// the names that they have there.
    pub(crate) fn clean(&self, newest: u64, previous: Option<u64>) -> Result<(), CheckpointError> {
        for time in self.times()? {
            if time < newest && Some(time) != previous {
                let path = self.path_of(time);
                self.storage.remove_dir(&path).map_err(failed(&path))?;
            }
        }
        Ok(())
    }

    /// Verifies every byte of a checkpoint, and finds what is in it.
    pub(crate) fn verify(&self, time: u64) -> Result<StoredCheckpoint, CheckpointError> {
        let path = self.path_of(time);
        let snapshot = StoredCheckpoint::verify(&path, &self.storage)?;
        match snapshot.stamp.time == time {
            true => Ok(snapshot),
            false => Err(CheckpointError::Corrupt {
                path,
                what: "it is the checkpoint of another batch",
            }),
        }
    }
}
