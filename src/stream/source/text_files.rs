//! A directory of text files, each of which is read once, when it appears.

use std::collections::{HashSet, VecDeque};
use std::fs::{self, DirEntry};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::string::String;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;
use std::vec;
use std::vec::Vec;

use crate::stream::error::BoxError;
use crate::stream::plan::context::StreamingContext;
use crate::stream::plan::dstream::DStream;
use crate::stream::plan::settings::LONGEST_LINE;
use crate::stream::source::Source;
use crate::stream::source::file_lines::{FileLines, unreadable};
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
    /// The longest line that is kept, in bytes.
    longest: usize,
    /// The end of the range that was planned last, where `known` and `open` stand; `None` if they
    /// stand nowhere.
    at: Option<FilesRead>,
    /// The files read, and the one being read.
    known: HashSet<Arc<Path>>,
    /// The file being read; `None` between files.
    open: Option<FileLines>,
    /// The range that was planned last and its lines, until they are read.
    planned: Option<(Range<FilesRead>, Vec<String>)>,
    warnings: Warnings,
}

/// What is in the directory.
#[derive(Default)]
struct Listing {
    /// The files that are known.
    known: Vec<Arc<Path>>,
    /// Those that are not, with the time of their last change.
    arrived: Vec<(SystemTime, Arc<Path>)>,
}

/// The position of a [`TextFiles`]: which files of the directory it has read, in their order, and
/// how many lines of the next.
///
/// A file that is no longer in the directory is forgotten, so a position is as large as the
/// directory.
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
    /// The files that have been read to their end and not been forgotten, in the order of reading.
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

impl TextFiles {
    /// The text files of a directory, which need not exist yet.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            longest: LONGEST_LINE,
            at: None,
            known: HashSet::new(),
            open: None,
            planned: None,
            warnings: Warnings::default(),
        }
    }

    /// Drops lines of more than this many bytes; 1 MiB unless given. A line that is dropped is a
    /// [warning](Self::warnings).
    #[must_use]
    pub fn longest_line(mut self, bytes: usize) -> Self {
        self.longest = bytes;
        self
    }

    /// The number of batches in which the directory was missing, and of lines that were dropped
    /// because they were too long.
    #[must_use]
    pub fn warnings(&self) -> Warnings {
        self.warnings.clone()
    }

    /// What is in the directory; nothing, if it does not exist.
    fn list(&self) -> io::Result<Listing> {
        let mut listing = Listing::default();
        let entries = match fs::read_dir(&self.directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.warnings.add();
                return Ok(listing);
            }
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let path = entry.path();
            match self.known.get(path.as_path()) {
                Some(known) => listing.known.push(Arc::clone(known)),
                None => {
                    let arrived = last_change(&entry)?.map(|time| (time, Arc::from(path)));
                    listing.arrived.extend(arrived);
                }
            }
        }
        listing.arrived.sort();
        Ok(listing)
    }

    /// Forgets the files that are no longer there, unless none is: an empty directory may be that
    /// of a file system which is not mounted.
    fn forget(&mut self, listing: &Listing, at: &mut FilesRead) {
        let is_empty = listing.known.is_empty() && listing.arrived.is_empty();
        if is_empty || listing.known.len() == self.known.len() {
            return;
        }
        let begun = at.begun.iter().map(|(path, _)| path);
        self.known = listing.known.iter().chain(begun).cloned().collect();
        if at.whole.iter().any(|path| !self.known.contains(path)) {
            Arc::make_mut(&mut at.whole).retain(|path| self.known.contains(path));
        }
    }

    /// Reads on from a position, through files that have arrived, up to `limit` lines.
    fn advance(
        &mut self,
        to: &mut FilesRead,
        mut arrived: VecDeque<Arc<Path>>,
        limit: usize,
        lines: &mut Vec<String>,
    ) -> io::Result<()> {
        while lines.len() < limit {
            let (path, mut open) = match (to.begun.take(), self.open.take()) {
                (Some((path, _)), Some(open)) => (path, open),
                (Some((path, read)), None) => {
                    let open = FileLines::open(&path, read, self.longest)?;
                    (path, open)
                }
                (None, _) => {
                    let Some(path) = arrived.pop_front() else {
                        break;
                    };
                    match FileLines::open(&path, 0, self.longest) {
                        // Somebody has taken it away since the directory was listed.
                        Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                        open => (path, open?),
                    }
                }
            };
            let more = open.read(limit - lines.len(), lines, || self.warnings.add())?;
            self.known.insert(Arc::clone(&path));
            if more {
                to.begun = Some((path, open.position()));
                self.open = Some(open);
            } else {
                Arc::make_mut(&mut to.whole).push(path);
            }
        }
        Ok(())
    }

    /// Goes to a position that is not the end of the last plan.
    fn go_to(&mut self, at: &FilesRead) {
        let begun = at.begun.iter().map(|(path, _)| path);
        self.known = at.whole.iter().chain(begun).cloned().collect();
        self.open = None;
    }

    /// The lines of a range, from the files.
    fn read_again(&self, range: &Range<FilesRead>) -> io::Result<Vec<String>> {
        let mut lines = Vec::new();
        let mut begun = range.start.begun.clone();
        // Between the two positions files may have been forgotten.
        let before: HashSet<_> = range.start.whole.iter().collect();
        let finished = range.end.whole.iter();
        let finished = finished.filter(|path| !before.contains(path));
        let ends = finished.map(|path| (path, u64::MAX));
        let last = range.end.begun.iter().map(|(path, end)| (path, *end));
        for (path, end) in ends.chain(last) {
            let skip = begun.take().map_or(0, |(_, lines)| lines);
            let limit = usize::try_from(end - skip).unwrap_or(usize::MAX);
            let mut file = FileLines::open(path, skip, self.longest)?;
            file.read(limit, &mut lines, || self.warnings.add())?;
        }
        Ok(lines)
    }
}

/// When a file was changed last; `None` for what is no regular file, is hidden, or has been taken
/// away since the directory was listed.
fn last_change(entry: &DirEntry) -> io::Result<Option<SystemTime>> {
    if entry.file_name().to_string_lossy().starts_with('.') {
        return Ok(None);
    }
    let changed = entry.file_type().and_then(|kind| match kind.is_file() {
        true => entry.metadata()?.modified().map(Some),
        false => Ok(None),
    });
    match changed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        changed => changed,
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

    fn plan(&mut self, at: &[FilesRead], limit: usize) -> Result<Vec<Range<FilesRead>>, BoxError> {
        let [at] = at else {
            return Err("a directory has one position".into());
        };
        if self.at.take().as_ref() != Some(at) {
            self.go_to(at);
        }
        let (mut to, mut lines) = (at.clone(), Vec::new());
        let listing = self.list();
        let listing = listing.map_err(|error| unreadable(&self.directory, &error))?;
        self.forget(&listing, &mut to);
        let arrived = listing.arrived.into_iter().map(|(_, path)| path).collect();
        self.advance(&mut to, arrived, limit, &mut lines)?;
        self.at = Some(to.clone());
        let range = at.clone()..to;
        self.planned = Some((range.clone(), lines));
        Ok(vec![range])
    }

    fn read(&mut self, _: usize, range: &Range<FilesRead>) -> Result<Vec<String>, BoxError> {
        match self.planned.take() {
            Some((planned, lines)) if planned == *range => Ok(lines),
            _ => Ok(self.read_again(range)?),
        }
    }
}

impl StreamingContext {
    /// A stream of the lines of the text files in a directory.
    ///
    /// Each regular file whose name does not start with a dot is read exactly once, in the order of
    /// (modification time, path), in the first batch that sees it; under a rate limit in as many
    /// batches as it takes. Directories, links, pipes and devices are passed over.
    ///
    /// Lines end with `\n` or `\r\n`; invalid UTF-8 is replaced. A line that is
    /// [too long](crate::stream::ContextBuilder::longest_line) is dropped and a warning is counted.
    /// While the directory does not exist, batches are empty and a warning is counted; a file that
    /// cannot be read fails the batch.
    ///
    /// With the feature `compression`, files whose names end in `.gz` and `.zst` are decompressed.
    ///
    /// # Files that come and go
    ///
    /// Files must be moved in, not written in place, and stay as they are while a batch may need
    /// them: until it is over, and with checkpoints until two of them have been written since. One
    /// that is taken away before its reading has begun is passed over; afterwards that fails the
    /// batch.
    ///
    /// Files are known by their names. A name is forgotten when a batch sees other files but not
    /// this one; a file that comes under this name later is read. So checkpoints hold as many names
    /// as there are files in the directory.
    pub fn text_files(&self, directory: impl Into<PathBuf>) -> DStream<'_, String> {
        self.text_files_with_warnings(directory).0
    }

    /// Like [`text_files`](Self::text_files), with the count of warnings.
    pub fn text_files_with_warnings(
        &self,
        directory: impl Into<PathBuf>,
    ) -> (DStream<'_, String>, Warnings) {
        let files = TextFiles::new(directory).longest_line(self.settings().longest_line);
        let warnings = files.warnings();
        (self.followed("text_files", files, None).0, warnings)
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn an_entry_that_is_gone_is_no_error() {
        let folder = tempfile::tempdir().expect("a directory");
        let path = folder.path().join("gone");
        fs::write(&path, "x\n").expect("a file");
        let mut entries = fs::read_dir(folder.path()).expect("the directory");
        let entry = entries.next().expect("an entry").expect("readable");
        assert!(last_change(&entry).expect("a file").is_some());
        fs::remove_file(&path).expect("the file");
        assert_eq!(last_change(&entry).expect("no error"), None);
    }

    #[test]
    fn a_file_that_is_gone_is_passed_over_unless_it_was_begun() {
        let folder = tempfile::tempdir().expect("a directory");
        let [gone, there] = ["gone", "there"].map(|name| Arc::from(folder.path().join(name)));
        fs::write(&there, "1\n2\n").expect("a file");
        let mut files = TextFiles::new(folder.path());
        let (mut at, mut lines) = (FilesRead::default(), Vec::new());
        let arrived = VecDeque::from([gone, Arc::clone(&there)]);
        let advanced = files.advance(&mut at, arrived, 1, &mut lines);
        advanced.expect("the first file is passed over");
        assert_eq!(lines, ["1"]);
        assert_eq!(at.begun(), Some((&*there, 1)));
        assert_eq!(files.known.len(), 1);
        fs::remove_file(&there).expect("the file");
        files.go_to(&at);
        let error = files.advance(&mut at, VecDeque::new(), 2, &mut lines);
        let error = error.expect_err("the second one was begun").to_string();
        assert!(error.contains("there cannot be read"), "{error}");
    }
}
