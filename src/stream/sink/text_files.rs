//! One directory of text files per batch.

use std::fmt::Display;
use std::format;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::string::String;
use std::vec::Vec;

use crate::stream::Data;
use crate::stream::dstream::DStream;
use crate::stream::error::{BatchError, BoxError};
use crate::stream::executor::Step;
use crate::stream::pipe::Pipe;
use crate::stream::time::BatchTime;

/// Where the batches of one output go.
struct Target {
    /// What stands before the time: a folder and the beginning of a name.
    prefix: String,
    suffix: String,
}

impl Target {
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

/// A hidden neighbour, into which a batch is written before it takes its name.
fn aside(directory: &Path) -> PathBuf {
    let name = directory.file_name().unwrap_or_default().to_string_lossy();
    directory.with_file_name(format!(".{name}.part"))
}

fn write_part<P: Pipe<Item: Display>>(
    step: &Step,
    pipe: &P,
    folder: &Path,
) -> Result<Vec<io::Result<()>>, BatchError> {
    step.run(pipe, |scope| {
        let path = folder.join(format!("part-{:05}", scope.partition));
        let items = pipe.collect(scope);
        let mut file = BufWriter::new(File::create(path)?);
        for item in items.iter() {
            writeln!(file, "{item}")?;
        }
        file.into_inner()?.sync_all()
    })
}

fn save<P: Pipe<Item: Display>>(step: &Step, pipe: &P, target: &Target) -> Result<(), BatchError> {
    let directory = target.directory(step.time);
    let named = |error: io::Error| {
        let text = format!("{} cannot be written: {error}", directory.display());
        step.failure(BoxError::from(io::Error::new(error.kind(), text)))
    };
    let folder = aside(&directory);
    remove(&folder)
        .and_then(|()| fs::create_dir_all(&folder))
        .map_err(named)?;
    for part in write_part(step, pipe, &folder)? {
        part.map_err(named)?;
    }
    remove(&directory)
        .and_then(|()| fs::rename(&folder, &directory))
        .map_err(named)
}

/// Removes a directory, should it exist.
fn remove(directory: &Path) -> io::Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

impl<T: Data + Display, P: Pipe<Item = T>> DStream<'_, T, P> {
    /// Writes every batch, empty ones included, to a directory of its own:
    /// `prefix-<time>.suffix`, with a text file `part-00000` and so on for each partition, a line
    /// for each item.
    ///
    /// Without a prefix, or with one that ends in `/`, there is no dash; without a suffix no dot.
    /// The directory is written aside and renamed when it is complete; a batch that is run again
    /// replaces its own.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use forebay::stream::StreamingContext;
    /// # let ctx = StreamingContext::builder("doc").build()?;
    /// // out/words-1000.txt/part-00000, ...
    /// ctx.batches([vec!["ebb", "flow"]]).save_as_text_files("out/words", "txt");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn save_as_text_files(&self, prefix: impl Into<String>, suffix: impl Into<String>) {
        let pipe = self.pipe.clone();
        let target = Target {
            prefix: prefix.into(),
            suffix: suffix.into(),
        };
        let kind = "save_as_text_files";
        self.ctx.output(kind, self.node, self.slide, move |step| {
            save(step, &pipe, &target)
        });
    }
}
