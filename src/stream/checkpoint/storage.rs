//! The file system calls that write checkpoints and logs, behind a trait so that tests can inject
//! faults.

use std::any::Any;
use std::boxed::Box;
use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::thread::{self, JoinHandle};
use std::vec::Vec;

/// A file system.
pub(crate) trait Storage: fmt::Debug + Send + Sync {
    /// Creates a directory and its missing parents.
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// Creates an empty file.
    fn create(&self, path: &Path) -> io::Result<Box<dyn Output>>;

    /// Syncs these files and the entries of these directories.
    fn sync(&self, files: Vec<Box<dyn Output>>, directories: &[&Path]) -> io::Result<()>;

    /// Adds a hard link to a file.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Truncates a file to this length, durably.
    fn cut(&self, path: &Path, length: u64) -> io::Result<()>;

    /// Removes a file, if it exists.
    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// Removes a directory and its contents, if it exists.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;

    /// The names in a directory; none if it does not exist.
    fn list(&self, path: &Path) -> io::Result<Vec<OsString>>;

    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// Fills `into` with the bytes of a file from `offset` on; returns how many were read, fewer
    /// only at the end of the file.
    fn read_at(&self, path: &Path, offset: u64, into: &mut [u8]) -> io::Result<usize>;
}

/// A file being written.
pub(crate) trait Output: Send {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Starts to write back what was written, while more is prepared; guarantees nothing.
    fn begin_sync(&mut self) {}

    /// Syncs the file.
    fn sync(&mut self) -> io::Result<()>;
}

/// The local file system.
#[derive(Debug)]
pub(crate) struct LocalStorage;

impl Storage for LocalStorage {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn Output>> {
        let file = File::create(path)?;
        Ok(Box::new(DiskFile { file, early: None }))
    }

    fn sync(&self, files: Vec<Box<dyn Output>>, directories: &[&Path]) -> io::Result<()> {
        // One after the other: the first sync takes the journal along that the others would wait
        // for, and threads for them cost more than the rest of the work.
        files.into_iter().try_for_each(|mut file| file.sync())?;
        directories.iter().try_for_each(|path| sync_dir(path))
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn cut(&self, path: &Path, length: u64) -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(path)?;
        file.set_len(length)?;
        file.sync_all()
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        unless_missing(fs::remove_file(path))
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        unless_missing(fs::remove_dir_all(path))
    }

    fn list(&self, path: &Path) -> io::Result<Vec<OsString>> {
        match fs::read_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            entries => entries?.map(|entry| Ok(entry?.file_name())).collect(),
        }
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    fn read_at(&self, path: &Path, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(offset))?;
        fill(&mut file, into)
    }
}

/// Reads until `into` is full or the input ends; returns the number of bytes read.
pub(crate) fn fill(from: &mut impl Read, into: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < into.len() {
        match from.read(&mut into[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Syncs the entries of a directory, where directories can be opened.
fn sync_dir(path: &Path) -> io::Result<()> {
    match cfg!(unix) {
        true => File::open(path)?.sync_all(),
        false => Ok(()),
    }
}

fn unless_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn joined(thread: JoinHandle<io::Result<()>>) -> io::Result<()> {
    thread.join().unwrap_or_else(panicked)
}

fn panicked(_: Box<dyn Any + Send>) -> io::Result<()> {
    Err(io::Error::other("a thread panicked"))
}

/// A file of the local file system.
struct DiskFile {
    file: File,
    /// Syncs the first part of a file.
    early: Option<JoinHandle<io::Result<()>>>,
}

impl DiskFile {
    /// The result of the sync that was started: the system reports an error only once.
    fn finish_writing(&mut self) -> io::Result<()> {
        self.early.take().map_or(Ok(()), joined)
    }
}

impl Output for DiskFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    fn begin_sync(&mut self) {
        let before = self.early.take();
        match (before, self.file.try_clone()) {
            // One after the other; the first error is returned.
            (before, Ok(file)) => {
                self.early = Some(thread::spawn(move || {
                    before.map_or(Ok(()), joined)?;
                    file.sync_data()
                }));
            }
            (before, Err(_)) => self.early = before,
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        self.finish_writing()?;
        self.file.sync_all()
    }
}
