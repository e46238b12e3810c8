//! A directory of text files, each of which is read once, when it appears.

use std::boxed::Box;
use std::collections::{HashSet, VecDeque};
use std::fs::{self, DirEntry};
use std::io::{self, BufRead};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::string::String;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;
use std::vec::Vec;
use std::{format, vec};

use crate::stream::error::BoxError;
use crate::stream::plan::context::StreamingContext;
use crate::stream::plan::dstream::DStream;
use crate::stream::source::{Source, text};
use crate::stream::state::codec::Codec;

/// The lines of the text files in a directory, as a [`Source`]; see
/// [`text_files`](StreamingContext::text_files).
///
/// # Examples
///
/// ```no_run
/// use forebay::stream::{StreamingContext, TextFiles};
///
/// let ctx = StreamingContext::builder("logs").build()?;
/// let (lines, positions) = ctx.source_from(TextFiles::new("incoming"), None);
/// # let _ = (lines, positions);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct TextFiles {
    directory: PathBuf,
    /// The files read, and the one being read.
    known: HashSet<Arc<Path>>,
    /// The range that was planned last and its lines, until they are read.
    planned: Option<(Range<FilesRead>, Vec<String>)>,
    /// The file being read, where `planned` ends; `None` between files and after a seek.
    open: Option<Lines>,
    warnings: Warnings,
}

/// The position of a [`TextFiles`]: which files it has read, in their order, and how many lines of
/// the next.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct FilesRead {
    /// Shared with earlier positions, unless a file was finished since.
    whole: Arc<Vec<Arc<Path>>>,
    /// The file that was read in part, and how many lines of it.
    begun: Option<(Arc<Path>, u64)>,
}

/// A position in a checkpoint.
#[derive(serde::Serialize, serde::Deserialize)]
struct Stored {
    whole: Vec<PathBuf>,
    begun: Option<(PathBuf, u64)>,
}

impl From<Stored> for FilesRead {
    fn from(stored: Stored) -> Self {
        let whole = stored.whole.into_iter().map(Arc::from).collect();
        Self {
            whole: Arc::new(whole),
            begun: stored.begun.map(|(path, lines)| (Arc::from(path), lines)),
        }
    }
}

impl From<FilesRead> for Stored {
    fn from(files: FilesRead) -> Self {
        let begun = files.begun();
        Self {
            whole: files.whole().map(Into::into).collect(),
            begun: begun.map(|(path, lines)| (path.into(), lines)),
        }
    }
}

impl FilesRead {
    /// The files that have been read to their end, in the order of reading.
    pub fn whole(&self) -> impl ExactSizeIterator<Item = &Path> {
        self.whole.iter().map(AsRef::as_ref)
    }

    /// The file that has been read in part, and how many lines of it.
    #[must_use]
    pub fn begun(&self) -> Option<(&Path, u64)> {
        self.begun.as_ref().map(|(path, lines)| (&**path, *lines))
    }
}

/// How often an input met a problem that it could survive; cloning gives another handle.
#[derive(Clone, Debug, Default)]
pub struct Warnings(Arc<AtomicU64>);

impl Warnings {
    /// The count so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Counts one more; for implementations of [`Source`].
    pub fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A text file being read line by line.
struct Lines {
    path: Arc<Path>,
    reader: Box<dyn BufRead + Send>,
    buffer: Vec<u8>,
}

impl std::fmt::Debug for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Lines").field(&self.path).finish()
    }
}

impl Lines {
    /// The lines of a file after the first `after` ones.
    fn open(path: &Arc<Path>, after: u64) -> Result<Self, BoxError> {
        let reader = text::open(path).map_err(|error| unreadable(path, &error))?;
        let mut lines = Self {
            path: Arc::clone(path),
            reader,
            buffer: Vec::new(),
        };
        for _ in 0..after {
            if !lines.advance()? {
                let short = io::Error::new(io::ErrorKind::UnexpectedEof, "it has become shorter");
                return Err(unreadable(path, &short));
            }
        }
        Ok(lines)
    }

    /// Appends at most `limit` lines; returns whether the file may have more.
    fn read(&mut self, limit: usize, lines: &mut Vec<String>) -> Result<bool, BoxError> {
        for _ in 0..limit {
            if !self.advance()? {
                return Ok(false);
            }
            lines.push(text::line(&self.buffer).into_owned());
        }
        Ok(true)
    }

    /// Reads the next line into the buffer, if there is one.
    fn advance(&mut self) -> Result<bool, BoxError> {
        self.buffer.clear();
        let read = self.reader.read_until(b'\n', &mut self.buffer);
        let read = read.map_err(|error| unreadable(&self.path, &error))?;
        if self.buffer.last() == Some(&b'\n') {
            self.buffer.pop();
        }
        Ok(read > 0)
    }
}

impl TextFiles {
    /// The text files of a directory, which need not exist yet.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            known: HashSet::new(),
            planned: None,
            open: None,
            warnings: Warnings::default(),
        }
    }

    /// The number of batches in which the directory was missing.
    #[must_use]
    pub fn warnings(&self) -> Warnings {
        self.warnings.clone()
    }

    /// The files not known yet, in the order of (modification time, path).
    fn arrived(&self) -> Result<VecDeque<Arc<Path>>, BoxError> {
        let listed = self.list();
        if matches!(&listed, Err(error) if error.kind() == io::ErrorKind::NotFound) {
            self.warnings.add();
            return Ok(VecDeque::new());
        }
        let mut arrived = listed.map_err(|error| unreadable(&self.directory, &error))?;
        arrived.sort();
        Ok(arrived.into_iter().map(|(_, path)| path.into()).collect())
    }

    fn list(&self) -> io::Result<Vec<(SystemTime, PathBuf)>> {
        let mut arrived = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            if self.is_candidate(&entry)? {
                arrived.push((entry.metadata()?.modified()?, entry.path()));
            }
        }
        Ok(arrived)
    }

    fn is_candidate(&self, entry: &DirEntry) -> io::Result<bool> {
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        let fresh = !self.known.contains(entry.path().as_path());
        Ok(!hidden && fresh && entry.file_type()?.is_file())
    }

    /// Reads on from a position, through files that have arrived, up to `limit` lines.
    fn advance(
        &mut self,
        to: &mut FilesRead,
        limit: usize,
        lines: &mut Vec<String>,
    ) -> Result<(), BoxError> {
        let mut arrived = self.arrived()?;
        while lines.len() < limit {
            let next = match to.begun.take() {
                None => arrived.pop_front().map(|path| (path, 0)),
                begun => begun,
            };
            let Some((path, skip)) = next else { break };
            let mut open = match self.open.take() {
                Some(open) => open,
                None => Lines::open(&path, skip)?,
            };
            let before = lines.len();
            let more = open.read(limit - lines.len(), lines)?;
            self.known.insert(Arc::clone(&path));
            if more {
                to.begun = Some((path, skip + (lines.len() - before) as u64));
                self.open = Some(open);
            } else {
                Arc::make_mut(&mut to.whole).push(path);
            }
        }
        Ok(())
    }
}

impl Source for TextFiles {
    type Item = String;
    type Position = FilesRead;

    fn start(&mut self) -> Result<Vec<FilesRead>, BoxError> {
        Ok(vec![FilesRead::default()])
    }

    fn position_codec(&self) -> Option<Codec<FilesRead>> {
        Some(Codec::serde("files read"))
    }

    fn seek(&mut self, to: &[FilesRead]) -> Result<(), BoxError> {
        let files = to.iter().flat_map(|position| {
            let begun = position.begun.iter().map(|(path, _)| path);
            position.whole.iter().chain(begun)
        });
        self.known = files.cloned().collect();
        Ok(())
    }

    fn plan(&mut self, at: &[FilesRead], limit: usize) -> Result<Vec<Range<FilesRead>>, BoxError> {
        let [at] = at else {
            return Err("a directory has one position".into());
        };
        let (mut to, mut lines) = (at.clone(), Vec::new());
        if let Err(error) = self.advance(&mut to, limit, &mut lines) {
            // The next plan begins here again.
            self.open = None;
            self.seek(std::slice::from_ref(at))?;
            return Err(error);
        }
        let range = at.clone()..to;
        self.planned = Some((range.clone(), lines));
        Ok(vec![range])
    }

    fn read(&mut self, _: usize, range: &Range<FilesRead>) -> Result<Vec<String>, BoxError> {
        match self.planned.take() {
            Some((planned, lines)) if planned == *range => Ok(lines),
            _ => {
                let lines = read_again(range)?;
                // The next plan continues at the end of this range.
                self.open = None;
                self.seek(std::slice::from_ref(&range.end))?;
                Ok(lines)
            }
        }
    }
}

/// The lines of a range, from the files.
fn read_again(range: &Range<FilesRead>) -> Result<Vec<String>, BoxError> {
    let mut lines = Vec::new();
    let mut begun = range.start.begun.clone();
    let finished = range.end.whole.iter().skip(range.start.whole.len());
    let ends = finished.map(|path| (path, u64::MAX));
    let last = range.end.begun.iter().map(|(path, end)| (path, *end));
    for (path, end) in ends.chain(last) {
        let skip = begun.take().map_or(0, |(_, lines)| lines);
        let limit = usize::try_from(end - skip).unwrap_or(usize::MAX);
        Lines::open(path, skip)?.read(limit, &mut lines)?;
    }
    Ok(lines)
}

fn unreadable(path: &Path, error: &io::Error) -> BoxError {
    Box::new(io::Error::new(
        error.kind(),
        format!("{} cannot be read: {error}", path.display()),
    ))
}

impl StreamingContext {
    /// A stream of the lines of the text files in a directory.
    ///
    /// Each regular file whose name does not start with a dot is read exactly once, in the order of
    /// (modification time, path), in the first batch that sees it; under a rate limit in as many
    /// batches as it takes. Files must be moved in, not written in place. Lines end with `\n` or
    /// `\r\n`; invalid UTF-8 is replaced. While the directory does not exist, batches are empty and
    /// a warning is counted; a file that cannot be read fails the batch.
    ///
    /// With the feature `compression`, files whose names end in `.gz` and `.zst` are decompressed.
    pub fn text_files(&self, directory: impl Into<PathBuf>) -> DStream<'_, String> {
        self.text_files_with_warnings(directory).0
    }

    /// Like [`text_files`](Self::text_files), with the number of batches in which the directory was
    /// missing.
    pub fn text_files_with_warnings(
        &self,
        directory: impl Into<PathBuf>,
    ) -> (DStream<'_, String>, Warnings) {
        let files = TextFiles::new(directory);
        let warnings = files.warnings();
        (self.followed("text_files", files, None).0, warnings)
    }
}
