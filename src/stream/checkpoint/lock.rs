//! One user of a directory at a time.

use std::fmt;
use std::path::PathBuf;

use crate::stream::checkpoint::directory::Directory;
use crate::stream::checkpoint::error::{CheckpointError, failed};
use crate::stream::checkpoint::storage::{Lock, Locked, create_dirs};

/// The file in a directory that its user has locked.
const LOCK: &str = "LOCK";

/// Keeps other streams out of a directory of checkpoints until it is dropped.
pub(crate) struct DirectoryLock {
    /// Of the directory, without links.
    path: PathBuf,
    _lock: Lock,
}

impl Directory {
    /// Locks the directory, which is created if it does not exist.
    pub(crate) fn lock(&self) -> Result<DirectoryLock, CheckpointError> {
        let (storage, directory) = (&*self.storage, &self.path);
        create_dirs(storage, directory).map_err(failed(directory))?;
        let path = directory.join(LOCK);
        match storage.lock(&path).map_err(failed(&path))? {
            Locked::Mine(lock) => Ok(DirectoryLock {
                path: storage.real_path(directory).map_err(failed(directory))?,
                _lock: lock,
            }),
            Locked::Others(process) => Err(CheckpointError::InUse {
                directory: directory.clone(),
                process,
            }),
        }
    }

    /// Locks the directory if it exists.
    pub(crate) fn lock_if_there(&self) -> Result<Option<DirectoryLock>, CheckpointError> {
        let is_there = self.storage.is_dir(&self.path);
        match is_there.map_err(failed(&self.path))? {
            true => self.lock().map(Some),
            false => Ok(None),
        }
    }

    /// Whether this lock is that of the directory.
    pub(crate) fn is_locked_by(&self, lock: &DirectoryLock) -> bool {
        let path = self.storage.real_path(&self.path);
        path.is_ok_and(|path| path == lock.path)
    }
}

impl fmt::Debug for DirectoryLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DirectoryLock").field(&self.path).finish()
    }
}
