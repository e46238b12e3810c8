//! Backends of keyed state.

use std::boxed::Box;
use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::vec::Vec;

use crate::stream::error::BoxError;

/// The backend that keeps the keyed state of a stream; [`Memory`] unless
/// [`state_backend`](crate::stream::ContextBuilder::state_backend) sets another.
///
/// The unit is the table of a key group. A table that is being changed is in memory; one that does
/// not fit there afterwards spills to a page, a byte string that is written once, read any number
/// of times and removed. Results do not depend on the backend, nor does the order of outputs.
pub trait StateBackend: fmt::Debug + Send + Sync + 'static {
    /// Prepares for a run, before its first batch; pages of an earlier run are of no use. `None`
    /// keeps everything in memory.
    ///
    /// # Errors
    ///
    /// If pages cannot be kept: the stream does not start.
    fn open(&self) -> Result<Option<Box<dyn PageStore>>, StateError>;
}

/// A store of pages outside memory.
///
/// A page number is written once. Pages need not survive the process, since a stream resumes from
/// its checkpoints alone. An error ends the stream as a failed batch does.
pub trait PageStore: Send + Sync {
    /// How many bytes of tables may stay in memory, besides those being changed.
    fn memory_limit(&self) -> usize;

    /// Stores a page under a number that was not used before.
    ///
    /// # Errors
    ///
    /// If the page cannot be stored.
    fn put(&self, page: u64, bytes: &[u8]) -> Result<(), StateError>;

    /// The page of this number.
    ///
    /// # Errors
    ///
    /// If it cannot be read. The caller verifies that it is what was written.
    fn get(&self, page: u64) -> Result<Vec<u8>, StateError>;

    /// Removes a page.
    ///
    /// # Errors
    ///
    /// If the store fails.
    fn remove(&self, page: u64) -> Result<(), StateError>;
}

/// All state in memory: the default.
///
/// # Examples
///
/// ```
/// use forebay::stream::{Memory, StreamingContext};
///
/// let ctx = StreamingContext::builder("words").state_backend(Memory).build()?;
/// # let _ = ctx;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory;

impl StateBackend for Memory {
    fn open(&self) -> Result<Option<Box<dyn PageStore>>, StateError> {
        Ok(None)
    }
}

/// Why spilled state cannot be written or read; names the file or directory.
#[derive(Clone, Debug)]
pub struct StateError {
    path: PathBuf,
    cause: Arc<dyn Error + Send + Sync>,
}

impl StateError {
    /// An error of a [`StateBackend`], which keeps its pages in `path`.
    pub fn new(path: impl Into<PathBuf>, cause: impl Into<BoxError>) -> Self {
        Self {
            path: path.into(),
            cause: Arc::from(cause.into()),
        }
    }

    /// The file or directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "state in {}: {}", self.path.display(), self.cause)
    }
}

impl Error for StateError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.cause.as_ref())
    }
}
