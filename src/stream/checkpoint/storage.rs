//! The file system calls that write checkpoints and logs, behind a trait so that tests can inject
//! faults.

use std::any::Any;
use std::boxed::Box;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::vec::Vec;
use std::{fmt, io};

/// A file system.
pub(crate) trait Storage: fmt::Debug + Send + Sync {
    /// Creates a directory in one that exists.
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// Creates an empty file; an error if there is anything of this name.
    fn create(&self, path: &Path) -> io::Result<Box<dyn Output>>;

    /// Syncs these files and the entries of these directories.
    fn sync(&self, files: Vec<Box<dyn Output>>, directories: &[&Path]) -> io::Result<()>;

    /// Syncs a file that an earlier process may have left without that.
    fn sync_file(&self, path: &Path) -> io::Result<()>;

    /// Adds a hard link to a file.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Truncates a file to this length, durably.
    fn cut(&self, path: &Path, length: u64) -> io::Result<()>;

    /// Removes a file, if it exists.
    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// Removes a directory and its contents, if it exists.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;

    /// Whether there is a directory of this name.
    fn is_dir(&self, path: &Path) -> io::Result<bool>;

    /// The names in a directory; none if it does not exist.
    fn list(&self, path: &Path) -> io::Result<Vec<OsString>>;

    /// The length of a file; an error if it is not a regular file.
    fn length(&self, path: &Path) -> io::Result<u64>;

    /// The bytes of a file; an error if it is not a regular file or has more than `most`.
    fn read(&self, path: &Path, most: u64) -> io::Result<Vec<u8>>;

    /// Fills `into` with the bytes of a regular file from `offset` on; returns how many were read,
    /// fewer only at the end of the file.
    fn read_at(&self, path: &Path, offset: u64, into: &mut [u8]) -> io::Result<usize>;

    /// Locks a file, which is created if it does not exist.
    fn lock(&self, path: &Path) -> io::Result<Locked>;

    /// The path of a directory without links in it.
    fn real_path(&self, path: &Path) -> io::Result<PathBuf>;
}

/// A file being written.
pub(crate) trait Output: Send {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Starts to write back what was written, while more is prepared; guarantees nothing.
    fn begin_sync(&mut self) {}

    /// Syncs the file.
    fn sync(&mut self) -> io::Result<()>;
}

/// Holds a lock until it is dropped.
pub(crate) type Lock = Box<dyn Any + Send + Sync>;

/// What became of an attempt to lock a file.
pub(crate) enum Locked {
    Mine(Lock),
    /// Held by another user, in this process if that is known.
    Others(Option<u32>),
}

/// Creates a directory and its missing parents, durably.
///
/// They are created from the top down, each one durable before the next is created. A process that
/// was killed meanwhile has left at most one that is not durable, the lowest; so the lowest one
/// that exists is made durable here, too.
pub(crate) fn create_dirs(storage: &dyn Storage, path: &Path) -> io::Result<()> {
    let mut missing = Vec::new();
    for directory in path.ancestors().filter(|it| !it.as_os_str().is_empty()) {
        if storage.is_dir(directory)? {
            sync_if_possible(storage, directory)?;
            break;
        }
        missing.push(directory);
    }
    for directory in missing.into_iter().rev() {
        match storage.create_dir(directory) {
            // Another process was faster.
            Err(error)
                if error.kind() == io::ErrorKind::AlreadyExists && storage.is_dir(directory)? => {}
            created => created?,
        }
        sync_parent(storage, directory)?;
    }
    Ok(())
}

/// Makes the name of a directory durable.
fn sync_parent(storage: &dyn Storage, directory: &Path) -> io::Result<()> {
    let parent = directory.parent();
    parent.map_or(Ok(()), |parent| storage.sync(Vec::new(), &[parent]))
}

/// The same for a directory that was found. Most likely it is old and durable, so it does not
/// matter if its parent cannot be opened or synced at all.
fn sync_if_possible(storage: &dyn Storage, directory: &Path) -> io::Result<()> {
    use io::ErrorKind::{InvalidInput, PermissionDenied, ReadOnlyFilesystem, Unsupported};
    let cannot_be = [
        InvalidInput,
        PermissionDenied,
        ReadOnlyFilesystem,
        Unsupported,
    ];
    match sync_parent(storage, directory) {
        Err(error) if !cannot_be.contains(&error.kind()) => Err(error),
        _ => Ok(()),
    }
}
