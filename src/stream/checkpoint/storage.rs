//! The calls on the file system by which checkpoints and logs are written, so that tests can let
//! each of them fail.

use std::boxed::Box;
use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::thread;
use std::vec::Vec;

/// Where files are kept.
pub(crate) trait Storage: fmt::Debug + Send + Sync {
    /// Makes a directory and those above it, as far as they are missing.
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// Makes an empty file.
    fn create(&self, path: &Path) -> io::Result<Box<dyn Output>>;

    /// Makes all that was written into these files durable.
    fn sync_files(&self, files: Vec<Box<dyn Output>>) -> io::Result<()>;

    /// Gives a file a further name.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Makes the entries of a directory durable.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file, if it is there.
    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// Removes a directory and all in it, if it is there.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;

    /// The names in a directory; none if it is not there.
    fn list(&self, path: &Path) -> io::Result<Vec<OsString>>;

    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
}

/// A file being written.
pub(crate) trait Output: Send {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Makes all that was written durable.
    fn sync(&mut self) -> io::Result<()>;
}

/// The file system.
#[derive(Debug)]
pub(crate) struct Disk;

impl Storage for Disk {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn Output>> {
        Ok(Box::new(File::create(path)?))
    }

    fn sync_files(&self, files: Vec<Box<dyn Output>>) -> io::Result<()> {
        // At once, so that they share what a file system does for each call.
        thread::scope(|scope| {
            let sync = |mut file: Box<dyn Output>| scope.spawn(move || file.sync());
            let threads: Vec<_> = files.into_iter().map(sync).collect();
            threads.into_iter().try_for_each(|thread| {
                let panicked = || Err(io::Error::other("a thread panicked"));
                thread.join().unwrap_or_else(|_| panicked())
            })
        })
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        // Elsewhere a directory cannot be opened.
        match cfg!(unix) {
            true => File::open(path)?.sync_all(),
            false => Ok(()),
        }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
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
}

fn unless_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

impl Output for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}
