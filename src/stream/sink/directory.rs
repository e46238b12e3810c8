//! One directory per batch, with a file per partition.

use std::boxed::Box;
use std::fmt::Display;
use std::format;
use std::fs;
use std::io::{self, BufWriter, IntoInnerError, Write};
use std::path::{self, Path, PathBuf};
use std::string::{String, ToString};
use std::sync::Arc;
use std::vec::Vec;

use crate::stream::checkpoint::local_storage::{Access, LocalStorage};
use crate::stream::checkpoint::storage::{Output, Storage, create_dirs};
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
    prefix: String,
    suffix: String,
    format: F,
    storage: Arc<dyn Storage>,
    /// Whether the directory of the batches is known to be durable.
    is_durable: bool,
}

impl<F> Directories<F> {
    pub(super) fn new(prefix: impl Into<String>, suffix: impl Into<String>, format: F) -> Self {
        // What a sink writes is for others, too.
        let access = Access::Umask;
        Self {
            prefix: prefix.into(),
            suffix: suffix.into(),
            format,
            storage: Arc::new(LocalStorage { access }),
            is_durable: false,
        }
    }

    /// Creates the directory of the batches, durably, unless it is there.
    fn create_parent(&mut self, directory: &Path) -> io::Result<()> {
        let parent = parent(directory);
        if !self.is_durable || !self.storage.is_dir(parent)? {
            create_dirs(&*self.storage, parent)?;
            self.is_durable = true;
        }
        Ok(())
    }

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

/// The directory of the batches; the working directory, if the path has no other.
fn parent(directory: &Path) -> &Path {
    let parent = directory.parent().unwrap_or(directory);
    match parent.as_os_str().is_empty() {
        true => Path::new("."),
        false => parent,
    }
}

/// A file of a storage, for formats.
struct Writer(Box<dyn Output>);

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn unwritable(path: &Path, error: impl Display) -> BoxError {
    format!("{} cannot be written: {error}", path.display()).into()
}

impl<T, F: Format<T>> Sink<T> for Directories<F> {
    fn begin(&mut self, time: BatchTime) -> Result<(), BoxError> {
        let directory = self.directory(time);
        let folder = aside(&directory);
        let made = self
            .storage
            .remove_dir(&folder)
            .and_then(|()| self.create_parent(&directory))
            .and_then(|()| self.storage.create_dir(&folder));
        made.map_err(|error| unwritable(&directory, error))
    }

    fn write(&self, time: BatchTime, partition: usize, items: &[T]) -> Result<(), BoxError> {
        let directory = self.directory(time);
        let path = aside(&directory).join(format!("part-{partition:05}"));
        let write = || {
            let mut file = BufWriter::new(Writer(self.storage.create(&path)?));
            self.format.write(items, &mut file)?;
            let written = file.into_inner().map_err(IntoInnerError::into_error);
            written?.0.sync()?;
            Ok::<_, BoxError>(())
        };
        write().map_err(|error| unwritable(&directory, error))
    }

    fn commit(&mut self, time: BatchTime) -> Result<(), BoxError> {
        let directory = self.directory(time);
        let rename = || {
            let storage = &self.storage;
            storage.sync(Vec::new(), &[&aside(&directory)])?;
            storage.remove_dir(&directory)?;
            storage.rename(&aside(&directory), &directory)?;
            // The batch is not run again once a checkpoint says so: then its files must be there.
            storage.sync(Vec::new(), &[parent(&directory)])
        };
        rename().map_err(|error| unwritable(&directory, error))
    }

    fn abort(&mut self, time: BatchTime) {
        // What cannot be removed is removed when the batch begins again, or is in nobody's way.
        let _ = self.storage.remove_dir(&aside(&self.directory(time)));
    }
}

impl<T: Data, P: Pipe<Item = T>> DStream<'_, T, P> {
    /// Writes to directories, which no other output of the stream may write.
    pub(super) fn write_directories<F: Format<T>>(&self, kind: &str, sink: Directories<F>) {
        self.ctx.claim(sink.names());
        self.write_as(kind, sink);
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use crate::stream::checkpoint::faults::disk::Loss;
    use crate::stream::checkpoint::faults::process::{Fault, Process, SharedDisk};
    use crate::stream::threads::lock::lock;

    use super::*;

    struct Digits;

    impl Format<u8> for Digits {
        fn write(&self, items: &[u8], file: &mut dyn Write) -> Result<(), BoxError> {
            Ok(items.iter().try_for_each(|item| write!(file, "{item}"))?)
        }
    }

    /// Writes a batch of two partitions below a directory that is not there at first.
    fn write(process: &Process) -> Result<(), BoxError> {
        let mut sink = Directories {
            storage: Arc::new(process.clone()),
            ..Directories::new("/new/deep/out", "txt", Digits)
        };
        let time = BatchTime::from_millis(1_000);
        sink.begin(time)?;
        sink.write(time, 0, &[1, 2])?;
        sink.write(time, 1, &[3])?;
        sink.commit(time)
    }

    #[test]
    fn a_batch_that_is_committed_is_there_after_a_power_cut_whatever_was_before() {
        let counted = Process::new(&SharedDisk::default(), &[]);
        write(&counted).unwrap();
        for at in 0..counted.calls() {
            for fault in [
                Fault::Killed,
                Fault::Fails,
                Fault::PowerAfter(Loss::Part(at as u64)),
            ] {
                let disk = SharedDisk::default();
                write(&Process::new(&disk, &[(at, fault)])).unwrap_err();
                let process = Process::new(&disk, &[]);
                write(&process).unwrap();
                lock(&disk).lose_power(Loss::Whole);
                let part = |number| {
                    let path = format!("/new/deep/out-1000.txt/part-{number:05}");
                    let bytes = process.read(path.as_ref(), u64::MAX).unwrap();
                    String::from_utf8(bytes).unwrap()
                };
                let parts = [part(0), part(1)];
                assert_eq!(parts, ["12".to_string(), "3".to_string()], "{at} {fault:?}");
            }
        }
    }
}
