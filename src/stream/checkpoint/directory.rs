//! Checkpoints on disk: a directory for each, written aside and renamed when it is complete.

use std::format;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::vec::Vec;

use super::error::CheckpointError;
use super::snapshot::Snapshot;

const PREFIX: &str = "batch-";

/// The directory in which a stream keeps its checkpoints.
#[derive(Clone, Debug)]
pub(crate) struct Directory(pub(crate) PathBuf);

fn failed(path: &Path) -> impl Fn(io::Error) -> CheckpointError + '_ {
    |error| CheckpointError::Io {
        path: path.into(),
        error,
    }
}

/// Makes the entries of a directory durable, where a directory can be opened.
fn sync(directory: &Path) -> io::Result<()> {
    match cfg!(unix) {
        true => File::open(directory)?.sync_all(),
        false => Ok(()),
    }
}

fn remove(directory: &Path) -> io::Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

impl Directory {
    pub(crate) fn path_of(&self, time: u64) -> PathBuf {
        self.0.join(format!("{PREFIX}{time:020}"))
    }

    /// The times of all checkpoints, whole or not, newest first.
    pub(crate) fn times(&self) -> Result<Vec<u64>, CheckpointError> {
        let entries = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed(&self.0))?,
        };
        let mut times = Vec::new();
        for entry in entries {
            let name = entry.map_err(failed(&self.0))?.file_name();
            let digits = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
            times.extend(digits.and_then(|digits| digits.parse::<u64>().ok()));
        }
        times.sort_unstable_by(|a, b| b.cmp(a));
        Ok(times)
    }

    /// Writes a checkpoint. When this returns it is durable; until then the one of `previous` is
    /// kept, and afterwards too, as a fallback; what is older is removed.
    pub(crate) fn write(
        &self,
        snapshot: &Snapshot,
        previous: Option<u64>,
    ) -> Result<(), CheckpointError> {
        let time = snapshot.stand.time;
        let (path, aside) = (self.path_of(time), self.0.join(format!(".part-{time:020}")));
        let files = snapshot.files().map_err(|error| CheckpointError::Encode {
            operator: super::snapshot::MANIFEST.into(),
            error,
        })?;
        remove(&aside).map_err(failed(&aside))?;
        fs::create_dir_all(&aside).map_err(failed(&aside))?;
        for (name, bytes) in files {
            let path = aside.join(name);
            write(&path, &bytes).map_err(failed(&path))?;
        }
        sync(&aside).map_err(failed(&aside))?;
        // What is there under this name was passed over when the stream was recovered.
        remove(&path).map_err(failed(&path))?;
        fs::rename(&aside, &path).map_err(failed(&path))?;
        sync(&self.0).map_err(failed(&self.0))?;
        self.clean(time, previous)
    }

    /// Removes what is older than a checkpoint and the one before it: a stream killed while it did
    /// so leaves it, or parts of it.
    pub(crate) fn tidy(&self, newest: u64) -> Result<(), CheckpointError> {
        let times = self.times()?;
        let previous = times.iter().copied().find(|&time| time < newest);
        match times.contains(&newest) {
            true => self.clean(newest, previous),
            false => Ok(()),
        }
    }

    fn clean(&self, newest: u64, previous: Option<u64>) -> Result<(), CheckpointError> {
        for time in self.times()? {
            if time < newest && Some(time) != previous {
                let path = self.path_of(time);
                remove(&path).map_err(failed(&path))?;
            }
        }
        Ok(())
    }

    /// Reads a checkpoint, every byte of which is verified.
    pub(crate) fn read(&self, time: u64) -> Result<Snapshot, CheckpointError> {
        let path = self.path_of(time);
        let snapshot = Snapshot::read(&path, |path| fs::read(path).map_err(failed(path)))?;
        match snapshot.stand.time == time {
            true => Ok(snapshot),
            false => Err(CheckpointError::Corrupt {
                path,
                what: "it is the checkpoint of another batch",
            }),
        }
    }
}
