//! A directory of text files, each of which is read once, when it appears.

use std::boxed::Box;
use std::collections::HashSet;
use std::format;
use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};
use std::string::{String, ToString};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;
use std::vec::Vec;

use super::Source;
use crate::stream::context::StreamingContext;
use crate::stream::dstream::DStream;
use crate::stream::error::BoxError;
use crate::stream::time::BatchTime;

struct TextFiles {
    directory: PathBuf,
    /// The files already read.
    read: HashSet<PathBuf>,
    warnings: Warnings,
}

/// How often an input met something that it could live with; cloning gives another handle.
#[derive(Clone, Debug, Default)]
pub struct Warnings(Arc<AtomicU64>);

impl Warnings {
    /// The number so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl TextFiles {
    /// The files not read yet, in the order of (modification time, path).
    fn arrived(&self) -> io::Result<Vec<PathBuf>> {
        let mut arrived: Vec<(SystemTime, PathBuf)> = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            if self.is_candidate(&entry)? {
                arrived.push((entry.metadata()?.modified()?, entry.path()));
            }
        }
        arrived.sort();
        Ok(arrived.into_iter().map(|(_, path)| path).collect())
    }

    fn is_candidate(&self, entry: &DirEntry) -> io::Result<bool> {
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        Ok(!hidden && entry.file_type()?.is_file() && !self.read.contains(&entry.path()))
    }
}

impl Source for TextFiles {
    type Item = String;

    fn take(&mut self, _time: BatchTime) -> Result<Vec<String>, BoxError> {
        let arrived = match self.arrived() {
            Ok(arrived) => arrived,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.warnings.add();
                return Ok(Vec::new());
            }
            Err(error) => return Err(unreadable(&self.directory, &error)),
        };
        let mut lines = Vec::new();
        for path in arrived {
            let bytes = fs::read(&path).map_err(|error| unreadable(&path, &error))?;
            push_lines(&bytes, &mut lines);
            self.read.insert(path);
        }
        Ok(lines)
    }

    fn is_finished(&self) -> bool {
        false
    }
}

fn unreadable(path: &Path, error: &io::Error) -> BoxError {
    Box::new(io::Error::new(
        error.kind(),
        format!("{} cannot be read: {error}", path.display()),
    ))
}

/// Appends the lines of a text: ended by `\n` or `\r\n`, invalid UTF-8 replaced.
fn push_lines(bytes: &[u8], lines: &mut Vec<String>) {
    let Some(text) = bytes.strip_suffix(b"\n").or(match bytes {
        [] => None,
        unterminated => Some(unterminated),
    }) else {
        return;
    };
    lines.extend(text.split(|&byte| byte == b'\n').map(|line| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        String::from_utf8_lossy(line).to_string()
    }));
}

impl StreamingContext {
    /// A stream of the lines of the text files in a directory.
    ///
    /// Each regular file whose name does not begin with a dot is read exactly once, in the order
    /// of (modification time, path), in the first batch that sees it. Files must be moved in, not
    /// written in place. Lines end with `\n` or `\r\n`; invalid UTF-8 is replaced. While the
    /// directory does not exist, batches are empty and a warning is counted; a file that cannot be
    /// read fails the batch.
    pub fn text_files(&self, directory: impl Into<PathBuf>) -> DStream<'_, String> {
        self.text_files_with_warnings(directory).0
    }

    /// Like [`text_files`](Self::text_files), with the count of the batches in which the
    /// directory was missing.
    pub fn text_files_with_warnings(
        &self,
        directory: impl Into<PathBuf>,
    ) -> (DStream<'_, String>, Warnings) {
        let warnings = Warnings::default();
        let source = TextFiles {
            directory: directory.into(),
            read: HashSet::new(),
            warnings: warnings.clone(),
        };
        (self.input("text_files", source), warnings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    #[test]
    fn lines_end_with_either_mark_and_the_last_needs_none() {
        let lines = |bytes: &[u8]| {
            let mut lines = Vec::new();
            push_lines(bytes, &mut lines);
            lines
        };
        assert_eq!(lines(b""), Vec::<String>::new());
        assert_eq!(lines(b"\n"), vec![""]);
        assert_eq!(lines(b"a\r\n\nb"), vec!["a", "", "b"]);
        assert_eq!(lines(b"a\n\n"), vec!["a", ""]);
        assert_eq!(lines(b"\xff!\n"), vec!["\u{fffd}!"]);
    }
}
