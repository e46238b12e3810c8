//! A text file that is read line by line.

use std::boxed::Box;
use std::io::{self, BufRead};
use std::path::Path;
use std::string::String;
use std::sync::Arc;
use std::vec::Vec;
use std::{fmt, format, fs};

use crate::stream::source::text;

/// A text file that is read line by line.
pub(super) struct FileLines {
    path: Arc<Path>,
    reader: Box<dyn BufRead + Send>,
    /// The longest line that is kept, in bytes without its `\n`.
    longest: usize,
    buffer: Vec<u8>,
    /// How many lines were read, those that were too long included.
    read: u64,
}

/// What a file has next.
enum Next {
    /// A line, which is in the buffer.
    Line,
    /// A line that was too long, and is passed.
    TooLong,
    End,
}

impl fmt::Debug for FileLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FileLines").field(&self.path).finish()
    }
}

impl FileLines {
    /// The lines of a file after the first `after` ones. The error is `NotFound` if there is no
    /// regular file: a pipe or a device might never end.
    pub(super) fn open(path: &Arc<Path>, after: u64, longest: usize) -> io::Result<Self> {
        let mut lines = Self {
            path: Arc::clone(path),
            reader: open_regular(path).map_err(|error| unreadable(path, &error))?,
            longest,
            buffer: Vec::new(),
            read: 0,
        };
        while lines.read < after {
            if let Next::End = lines.next()? {
                let short = io::Error::new(io::ErrorKind::UnexpectedEof, "it has become shorter");
                return Err(unreadable(path, &short));
            }
        }
        Ok(lines)
    }

    /// How many lines of the file were read.
    pub(super) fn position(&self) -> u64 {
        self.read
    }

    /// Reads at most `limit` lines and appends those that are not too long; `too_long` is called
    /// for each of the others. Returns whether the file may have more.
    pub(super) fn read(
        &mut self,
        limit: usize,
        lines: &mut Vec<String>,
        too_long: impl Fn(),
    ) -> io::Result<bool> {
        for _ in 0..limit {
            match self.next()? {
                Next::Line => lines.push(text::line(&self.buffer).into_owned()),
                Next::TooLong => too_long(),
                Next::End => return Ok(false),
            }
        }
        Ok(true)
    }

    fn next(&mut self) -> io::Result<Next> {
        let next = read_line(&mut *self.reader, self.longest, &mut self.buffer);
        let next = next.map_err(|error| unreadable(&self.path, &error))?;
        self.read += u64::from(!matches!(next, Next::End));
        Ok(next)
    }
}

/// Reads a line into the buffer, without its `\n`.
fn read_line(reader: &mut dyn BufRead, longest: usize, buffer: &mut Vec<u8>) -> io::Result<Next> {
    buffer.clear();
    let most = (longest as u64).saturating_add(1);
    let read = io::Read::take(&mut *reader, most).read_until(b'\n', buffer)?;
    if buffer.last() == Some(&b'\n') {
        buffer.pop();
        return Ok(Next::Line);
    }
    if read as u64 == most {
        reader.skip_until(b'\n')?;
        return Ok(Next::TooLong);
    }
    Ok(if read > 0 { Next::Line } else { Next::End })
}

fn open_regular(path: &Path) -> io::Result<Box<dyn BufRead + Send>> {
    match fs::symlink_metadata(path)?.is_file() {
        true => text::open(path),
        false => Err(io::Error::new(
            io::ErrorKind::NotFound,
            "it is no longer a regular file",
        )),
    }
}

/// The error of a file or directory that cannot be read.
pub(super) fn unreadable(path: &Path, error: &io::Error) -> io::Error {
    let message = format!("{} cannot be read: {error}", path.display());
    io::Error::new(error.kind(), message)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// The lines of a file after the first `after`, and how many were too long.
    fn lines(content: &str, longest: usize, after: u64) -> (Vec<String>, usize) {
        let folder = tempfile::tempdir().expect("a directory");
        let path: Arc<Path> = folder.path().join("file").into();
        fs::write(&path, content).expect("a file");
        let mut file = FileLines::open(&path, after, longest).expect("the file");
        let (mut lines, too_long) = (Vec::new(), Cell::new(0));
        let count = || too_long.set(too_long.get() + 1);
        while file.read(1, &mut lines, count).expect("readable") {}
        (lines, too_long.get())
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_and_counts_as_a_line() {
        let content = "four\nfive5\n\nsixsix\r\nfour";
        let expected = ["four", "", "four"].map(String::from).to_vec();
        assert_eq!(lines(content, 4, 0), (expected.clone(), 2));
        assert_eq!(lines(content, 4, 2), (expected[1..].to_vec(), 1));
        assert_eq!(lines("five5", 4, 0), (Vec::new(), 1));
        assert_eq!(lines("five5\n", 5, 0).0, ["five5"]);
        assert_eq!(lines("\n\n", 0, 0).0, ["", ""]);
    }
}
