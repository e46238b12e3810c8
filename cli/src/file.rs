//! Files: which one a path names, and reading what must be a whole regular file.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::Path;

/// The identity of a file, whatever the path that names it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    /// The identity in the metadata of a file; `None` on systems that do not tell.
    #[cfg(unix)]
    pub(crate) fn of(found: &Metadata) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        Some(Self {
            device: found.dev(),
            inode: found.ino(),
        })
    }

    #[cfg(not(unix))]
    pub(crate) fn of(_: &Metadata) -> Option<Self> {
        None
    }

    /// The identity of the regular file at a path; `None` if there is none.
    pub(crate) fn of_regular(path: &Path) -> Option<Self> {
        let found = fs::metadata(path).ok().filter(Metadata::is_file)?;
        Self::of(&found)
    }

    /// The identity of the regular file that standard input reads; `None` if it reads none.
    pub(crate) fn of_stdin() -> Option<Self> {
        let found = opened(&io::stdin()).filter(Metadata::is_file)?;
        Self::of(&found)
    }
}

/// The metadata of a standard stream.
#[cfg(unix)]
pub(crate) fn opened(stream: &impl std::os::fd::AsFd) -> Option<Metadata> {
    let copy = stream.as_fd().try_clone_to_owned().ok()?;
    File::from(copy).metadata().ok()
}

#[cfg(not(unix))]
pub(crate) fn opened<S>(_: &S) -> Option<Metadata> {
    None
}

/// Opens a regular file, and nothing else: a pipe or a device may have no end.
///
/// # Errors
///
/// If it cannot be opened, or is no regular file. A pipe is not opened, since that would wait.
pub(crate) fn open_regular(path: &Path) -> io::Result<File> {
    let found = fs::metadata(path)?;
    if found.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if !found.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    File::open(path)
}

/// Reads all that is left of a reader, at most `limit` bytes.
///
/// # Errors
///
/// Those of the reader, and if there are more bytes.
pub(crate) fn read_at_most(reader: impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        let message = format!("it is larger than {limit} bytes");
        return Err(io::Error::other(message));
    }
    Ok(bytes)
}
