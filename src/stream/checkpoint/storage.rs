//! The calls on the file system by which checkpoints and logs are written, so that tests can let
//! each of them fail.

use std::any::Any;
use std::boxed::Box;
use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::thread::{self, JoinHandle};
use std::vec::Vec;

/// Where files are kept.
pub(crate) trait Storage: fmt::Debug + Send + Sync {
    /// Makes a directory and those above it, as far as they are missing.
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// Makes an empty file.
    fn create(&self, path: &Path) -> io::Result<Box<dyn Output>>;

    /// Makes all that was written into these files durable, and the entries of these directories.
    fn sync(&self, files: Vec<Box<dyn Output>>, directories: &[&Path]) -> io::Result<()>;

    /// Gives a file a further name.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Cuts a file off after so many bytes, durably.
    fn cut(&self, path: &Path, length: u64) -> io::Result<()>;

    /// Removes a file, if it is there.
    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// Removes a directory and all in it, if it is there.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;

    /// The names in a directory; none if it is not there.
    fn list(&self, path: &Path) -> io::Result<Vec<OsString>>;

    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// Fills `into` with the bytes of a file from `offset` on; says how many, which are fewer only
    /// where the file ends.
    fn read_at(&self, path: &Path, offset: u64, into: &mut [u8]) -> io::Result<usize>;
}

/// A file being written.
pub(crate) trait Output: Send {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Lets what was written begin to become durable, while more is prepared; promises nothing.
    fn begin_sync(&mut self) {}

    /// Makes all that was written durable.
    fn sync(&mut self) -> io::Result<()>;
}

/// The file system.
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
        // One after the other: the first brings a journal along with what the others would have
        // to wait for, and threads for them cost more than is left for them to do.
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

/// Reads until `into` is full or nothing is left; says how many bytes that were.
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

/// Makes the entries of a directory durable, where a directory can be opened.
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

/// A file of the file system.
struct DiskFile {
    file: File,
    /// Makes what was written first durable.
    early: Option<JoinHandle<io::Result<()>>>,
}

impl DiskFile {
    /// The outcome of what was begun: an error is told once, and would be lost otherwise.
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
            // One after the other; the first error is the one that counts.
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
