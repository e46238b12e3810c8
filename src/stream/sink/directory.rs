//! One directory per batch, with a file per partition.

use std::fmt::Display;
use std::format;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{self, Path, PathBuf};
use std::string::{String, ToString};

use crate::stream::data::Data;
use crate::stream::error::BoxError;
use crate::stream::pipeline::pipe::Pipe;
use crate::stream::plan::dstream::DStream;
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
    pub(super) prefix: String,
    pub(super) suffix: String,
    pub(super) format: F,
}

impl<F> Directories<F> {
    fn directory(&self, time: BatchTime) -> PathBuf {
        self.directory_of(time.as_millis())
    }

    /// Which directories these are, whatever the time: other outputs must not write them.
    pub(super) fn names(&self) -> [PathBuf; 2] {
        let directory = self.directory_of("<time>");
        let parent = match directory.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        // One that does not exist yet is no link.
        let parent = fs::canonicalize(parent).or_else(|_| path::absolute(parent));
        let directory = match (parent, directory.file_name()) {
            (Ok(parent), Some(name)) => parent.join(name),
            _ => directory,
        };
        [aside(&directory), directory]
    }

    fn directory_of(&self, time: impl Display) -> PathBuf {
        let mut name = self.prefix.clone();
        if !name.is_empty() && !name.ends_with('/') {
            name.push('-');
        }
        name += &time.to_string();
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

/// Removes a directory, if it exists.
fn remove(directory: &Path) -> io::Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes the names in a directory durable.
fn sync(directory: &Path) -> io::Result<()> {
    let here = Path::new(".");
    let directory = match directory.as_os_str().is_empty() {
        true => here,
        false => directory,
    };
    File::open(directory)?.sync_all()
}

fn unwritable(path: &Path, error: impl Display) -> BoxError {
    format!("{} cannot be written: {error}", path.display()).into()
}

impl<T, F: Format<T>> Sink<T> for Directories<F> {
    fn begin(&mut self, time: BatchTime) -> Result<(), BoxError> {
        let directory = self.directory(time);
        let folder = aside(&directory);
        let made = remove(&folder).and_then(|()| fs::create_dir_all(&folder));
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
            remove(&directory)?;
            fs::rename(aside(&directory), &directory)?;
            // The batch is not run again once a checkpoint says so: then its files must be there.
            directory.parent().map_or(Ok(()), sync)
        };
        rename().map_err(|error| unwritable(&directory, error))
    }

    fn abort(&mut self, time: BatchTime) {
        // What cannot be removed is removed when the batch begins again, or is in nobody's way.
        let _ = remove(&aside(&self.directory(time)));
    }
}

impl<T: Data, P: Pipe<Item = T>> DStream<'_, T, P> {
    /// Writes to directories, which no other output of the stream may write.
    pub(super) fn write_directories<F: Format<T>>(&self, kind: &str, sink: Directories<F>) {
        self.ctx.claim(sink.names());
        self.write_as(kind, sink);
    }
}
