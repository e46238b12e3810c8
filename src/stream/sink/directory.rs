//! One directory per batch, with a file per partition.

use std::format;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::string::String;
use std::vec::Vec;

use crate::stream::checkpoint::local_storage::{Access, LocalStorage};
use crate::stream::checkpoint::storage::{Storage, create_dirs};
use crate::stream::error::BoxError;
use crate::stream::sink::write_to::Sink;
use crate::stream::time::BatchTime;

/// How the items of a partition become the content of a file.
pub(super) trait Format<T>: Send + Sync + 'static {
    fn write(&self, items: &[T], file: &mut dyn Write) -> Result<(), BoxError>;
}

/// A directory for each batch, `prefix-<time>.suffix`: written under a temporary name and renamed
/// when it is complete, replacing an earlier one of the same batch.
pub(super) struct Directories<F> {
    /// The part of the path before the time: a directory and the start of a name.
    prefix: String,
    suffix: String,
    format: F,
    /// Whether the directory of the batches is known to be durable.
    is_durable: bool,
}

/// What a sink writes is for others, too.
const STORAGE: LocalStorage = LocalStorage {
    access: Access::Umask,
};

impl<F> Directories<F> {
    pub(super) fn new(prefix: impl Into<String>, suffix: impl Into<String>, format: F) -> Self {
        Self {
            prefix: prefix.into(),
            suffix: suffix.into(),
            format,
            is_durable: false,
        }
    }

    /// Creates the directory of the batches, durably, unless it is there.
    fn create_parent(&mut self, directory: &Path) -> io::Result<()> {
        let Some(parent) = directory.parent() else {
            return Ok(());
        };
        if !self.is_durable || !parent.is_dir() {
            create_dirs(&STORAGE, parent)?;
            self.is_durable = true;
        }
        Ok(())
    }

    fn directory(&self, time: BatchTime) -> PathBuf {
        let mut name = self.prefix.clone();
        if !name.is_empty() && !name.ends_with('/') {
            name.push('-');
        }
        name += &format!("{}", time.as_millis());
        if !self.suffix.is_empty() {
            name.push('.');
            name += &self.suffix;
        }
        PathBuf::from(name)
    }
}

/// The hidden directory beside it in which a batch is written before it is renamed.
fn aside(directory: &Path) -> PathBuf {
    let name = directory.file_name().unwrap_or_default().to_string_lossy();
    directory.with_file_name(format!(".{name}.part"))
}

/// Makes the names in a directory durable.
fn sync(directory: &Path) -> io::Result<()> {
    STORAGE.sync(Vec::new(), &[directory])
}

fn unwritable(path: &Path, error: impl std::fmt::Display) -> BoxError {
    format!("{} cannot be written: {error}", path.display()).into()
}

impl<T, F: Format<T>> Sink<T> for Directories<F> {
    fn begin(&mut self, time: BatchTime) -> Result<(), BoxError> {
        let directory = self.directory(time);
        let folder = aside(&directory);
        let made = STORAGE
            .remove_dir(&folder)
            .and_then(|()| self.create_parent(&directory))
            .and_then(|()| STORAGE.create_dir(&folder));
        made.map_err(|error| unwritable(&directory, error))
    }

    fn write(&self, time: BatchTime, partition: usize, items: &[T]) -> Result<(), BoxError> {
        let directory = self.directory(time);
        let path = aside(&directory).join(format!("part-{partition:05}"));
        let write = || {
            let mut file = BufWriter::new(File::create(path)?);
            self.format.write(items, &mut file)?;
            file.into_inner()?.sync_all()?;
            Ok::<_, BoxError>(())
        };
        write().map_err(|error| unwritable(&directory, error))
    }

    fn commit(&mut self, time: BatchTime) -> Result<(), BoxError> {
        let directory = self.directory(time);
        let rename = || {
            sync(&aside(&directory))?;
            STORAGE.remove_dir(&directory)?;
            fs::rename(aside(&directory), &directory)?;
            // The batch is not run again once a checkpoint says so: then its files must be there.
            directory.parent().map_or(Ok(()), sync)
        };
        rename().map_err(|error| unwritable(&directory, error))
    }
}
