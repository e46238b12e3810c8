//! A process on a simulated disk: some of its calls fail, or are its last ones.

use std::boxed::Box;
use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::vec::Vec;

use crate::stream::checkpoint::storage::{Locked, Output, Storage};
use crate::stream::threads::lock::lock;

use super::disk::{Disk, Loss};

/// The fault at a chosen call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The call fails without any effect.
    Fails,
    /// Half of it is done, and it fails.
    Short,
    /// The disk is full.
    Full,
    /// The process is killed after the call; what was done stays done.
    Killed,
    /// The power fails before the call.
    PowerBefore(Loss),
    /// The power fails after the call.
    PowerAfter(Loss),
}

/// A disk that processes share, one after the other.
pub(crate) type SharedDisk = Arc<Mutex<Disk>>;

#[derive(Clone, Debug)]
pub(crate) struct Process {
    disk: SharedDisk,
    /// By the number of the call.
    faults: Arc<[(usize, Fault)]>,
    progress: Arc<Mutex<Progress>>,
}

#[derive(Debug, Default)]
struct Progress {
    calls: usize,
    /// No call has any effect.
    has_ended: bool,
}

fn ended() -> io::Error {
    io::Error::other("the process has ended")
}

impl Process {
    pub(crate) fn new(disk: &SharedDisk, faults: &[(usize, Fault)]) -> Self {
        Self {
            disk: Arc::clone(disk),
            faults: faults.into(),
            progress: Arc::default(),
        }
    }

    pub(crate) fn calls(&self) -> usize {
        lock(&self.progress).calls
    }

    /// Runs a call: `whole` does it, `half` does half of it.
    fn call<T>(
        &self,
        half: impl FnOnce(&mut Disk),
        whole: impl FnOnce(&mut Disk) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut progress = lock(&self.progress);
        if progress.has_ended {
            return Err(ended());
        }
        let number = progress.calls;
        progress.calls += 1;
        let disk = &mut *lock(&self.disk);
        let fault = self.faults.iter().find(|(at, _)| *at == number);
        let Some((_, fault)) = fault else {
            return whole(disk);
        };
        match *fault {
            Fault::Fails => return Err(io::Error::other("it failed")),
            Fault::Full => return Err(ErrorKind::StorageFull.into()),
            Fault::Short => {
                half(disk);
                return Err(ErrorKind::WriteZero.into());
            }
            Fault::Killed => drop(whole(disk)),
            Fault::PowerBefore(loss) => disk.lose_power(loss),
            Fault::PowerAfter(loss) => {
                drop(whole(disk));
                disk.lose_power(loss);
            }
        }
        progress.has_ended = true;
        Err(ended())
    }

    fn simply<T>(&self, whole: impl FnOnce(&mut Disk) -> io::Result<T>) -> io::Result<T> {
        self.call(|_| (), whole)
    }
}

fn unless_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

impl Storage for Process {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.simply(|disk| disk.create_dir(path))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn Output>> {
        let number = self.simply(|disk| disk.create(path))?;
        let process = self.clone();
        Ok(Box::new(Opened { number, process }))
    }

    fn sync(&self, files: Vec<Box<dyn Output>>, directories: &[&Path]) -> io::Result<()> {
        files.into_iter().try_for_each(|mut file| file.sync())?;
        let sync = |path: &&Path| {
            self.simply(|disk| {
                let number = disk.find(path)?;
                disk.sync(number);
                Ok(())
            })
        };
        directories.iter().try_for_each(sync)
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        self.sync(Vec::new(), &[path])
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.simply(|disk| disk.link(from, to))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.simply(|disk| disk.rename(from, to))
    }

    fn cut(&self, path: &Path, length: u64) -> io::Result<()> {
        self.simply(|disk| disk.cut(path, length))
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.simply(|disk| unless_missing(disk.remove(path)))
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        let half = |disk: &mut Disk| {
            let directory = disk.find(path);
            let entries = directory.and_then(|directory| disk.entries(directory));
            let first = entries.ok().and_then(|all| all.keys().next().cloned());
            if let Some(first) = first {
                disk.remove(&path.join(first)).unwrap();
            }
        };
        self.call(half, |disk| unless_missing(disk.remove(path)))
    }

    fn is_dir(&self, path: &Path) -> io::Result<bool> {
        self.simply(|disk| match disk.find(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            found => Ok(disk.entries(found?).is_ok()),
        })
    }

    fn list(&self, path: &Path) -> io::Result<Vec<OsString>> {
        self.simply(|disk| match disk.find(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            found => Ok(disk.entries(found?)?.keys().cloned().collect()),
        })
    }

    fn length(&self, path: &Path) -> io::Result<u64> {
        self.simply(|disk| Ok(disk.file(disk.find(path)?)?.len() as u64))
    }

    fn read(&self, path: &Path, _most: u64) -> io::Result<Vec<u8>> {
        self.simply(|disk| disk.file(disk.find(path)?).cloned())
    }

    fn read_at(&self, path: &Path, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        let read = self.simply(|disk| {
            let bytes = disk.file(disk.find(path)?)?;
            let rest = &bytes[bytes.len().min(offset as usize)..];
            let length = rest.len().min(into.len());
            into[..length].copy_from_slice(&rest[..length]);
            Ok(length)
        });
        match read {
            // The file ends earlier than it did.
            Err(error) if error.kind() == ErrorKind::WriteZero => Ok(0),
            read => read,
        }
    }

    /// Processes are one after the other.
    fn lock(&self, path: &Path) -> io::Result<Locked> {
        self.simply(|disk| {
            if disk.find(path).is_err() {
                disk.create(path)?;
            }
            Ok(Locked::Mine(Box::new(())))
        })
    }

    fn real_path(&self, path: &Path) -> io::Result<PathBuf> {
        self.simply(|_| Ok(path.into()))
    }
}

struct Opened {
    number: usize,
    process: Process,
}

impl Output for Opened {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let half = &bytes[..bytes.len() / 2];
        self.process.call(
            |disk| disk.write(self.number, half),
            |disk| {
                disk.write(self.number, bytes);
                Ok(())
            },
        )
    }

    fn sync(&mut self) -> io::Result<()> {
        self.process.simply(|disk| {
            disk.sync(self.number);
            Ok(())
        })
    }
}
