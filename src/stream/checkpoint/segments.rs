//! The files of a log: numbered records, appended to one segment after the other.
//!
//! A segment is a header as in every file here, then a section for each record. Its name is the
//! number of its first record.

use std::boxed::Box;
use std::collections::VecDeque;
use std::format;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::vec::Vec;

use crate::stream::checkpoint::error::{CheckpointError, failed};
use crate::stream::checkpoint::frame;
use crate::stream::checkpoint::frame::Kind;
use crate::stream::checkpoint::recovery::CutLog;
use crate::stream::checkpoint::scan::StoredFile;
use crate::stream::checkpoint::storage::{Output, Storage, create_dirs};

/// A segment is closed at this length, or at the smaller one once a checkpoint is durable.
const LONGEST: u64 = 64 << 20;
const SHORTEST: u64 = 64 << 10;

/// The segments of a log, in a directory of their own.
pub(crate) struct Segments {
    directory: PathBuf,
    storage: Arc<dyn Storage>,
    /// Oldest first; all of their records are durable.
    closed: VecDeque<Closed>,
    last: Last,
}

struct Closed {
    path: PathBuf,
    /// The number of the first record after it.
    end: u64,
}

/// The segment after the closed ones.
#[derive(Default)]
enum Last {
    /// There is none: the next record begins one.
    #[default]
    None,
    Open(Open),
    Torn(Torn),
}

/// The segment that records are appended to.
struct Open {
    path: PathBuf,
    output: Box<dyn Output>,
    /// The bytes of its header and its durable records.
    length: u64,
    /// The number of the first record after it.
    end: u64,
}

/// A segment that may hold the remains of a failed write: nothing follows it until they are gone.
struct Torn {
    path: PathBuf,
    /// Its durable records, if it has any: their bytes with the header, and the number of the first
    /// record after them.
    durable: Option<(u64, u64)>,
}

impl Segments {
    /// The segments in a directory, none of which is read yet.
    pub(crate) fn new(directory: PathBuf, storage: &Arc<dyn Storage>) -> Self {
        Self {
            directory,
            storage: Arc::clone(storage),
            closed: VecDeque::new(),
            last: Last::None,
        }
    }

    /// Reads the records of earlier runs. `visit` gets the path of the segment, the body of the
    /// record and the number that the one before it asks for, and returns the number that must
    /// follow.
    ///
    /// Returns that number after the last record, if there is any, and what an interrupted write
    /// has left: it is cut off.
    pub(crate) fn read(
        &mut self,
        mut visit: impl FnMut(&Path, &[u8], Option<u64>) -> Result<u64, CheckpointError>,
    ) -> Result<(Option<u64>, Option<CutLog>), CheckpointError> {
        let directory = &self.directory;
        let names = self.storage.list(directory).map_err(failed(directory))?;
        let mut paths: Vec<PathBuf> = names.iter().map(|name| directory.join(name)).collect();
        paths.sort();
        let (mut end, mut cut, count) = (None, None, paths.len());
        for (path, number) in paths.into_iter().zip(1..) {
            let (file, mut is_empty) = (StoredFile::new(path, &self.storage), true);
            let (length, whole) = file.read_log(number == count, |record| {
                end = Some(visit(&file.path, record, end)?);
                is_empty = false;
                Ok(())
            })?;
            let path = file.path.to_path_buf();
            if length < whole {
                let cut_off = self.storage.cut(&path, length);
                cut_off.map_err(failed(&path))?;
                cut = Some(CutLog::new(path.clone(), whole - length));
            }
            if number == count && !is_empty {
                // Who wrote it may have been killed before it was synced.
                let synced = self.storage.sync_file(&path);
                synced.map_err(failed(&path))?;
            }
            match end {
                Some(end) if !is_empty => self.closed.push_back(Closed { path, end }),
                // Without a record it makes room for the segment of the same name.
                _ => {
                    let durable = None;
                    self.last = Last::Torn(Torn { path, durable });
                }
            }
        }
        Ok((end, cut))
    }

    /// Makes the record of this number durable; `section` is all of its bytes. After an error the
    /// log holds what it held before, and takes the same number again.
    pub(crate) fn append(&mut self, number: u64, section: &[u8]) -> Result<(), CheckpointError> {
        let mut open = match std::mem::take(&mut self.last) {
            Last::Open(open) => open,
            Last::None => self.begin(number)?,
            Last::Torn(torn) => {
                self.mend(torn)?;
                self.begin(number)?
            }
        };
        match open.append(section) {
            Ok(()) => {
                open.end = number + 1;
                self.last = Last::Open(open);
                self.close_if_longer_than(LONGEST);
                Ok(())
            }
            Err(error) => Err(self.torn(open, error)),
        }
    }

    /// Begins the segment of which this is the first record.
    fn begin(&mut self, number: u64) -> Result<Open, CheckpointError> {
        let (storage, directory) = (&self.storage, &self.directory);
        create_dirs(&**storage, directory).map_err(failed(directory))?;
        let path = directory.join(format!("{number:020}"));
        let output = storage.create(&path).map_err(failed(&path))?;
        let mut open = Open {
            path,
            output,
            length: 0,
            end: number,
        };
        match self.make_durable(&mut open) {
            Ok(()) => Ok(open),
            Err(error) => Err(self.torn(open, error)),
        }
    }

    /// Writes the header of a new segment, and makes the name of the segment durable.
    fn make_durable(&self, open: &mut Open) -> io::Result<()> {
        let header = frame::begin(Kind::Log);
        open.output.write(&header)?;
        self.storage.sync(Vec::new(), &[&self.directory])?;
        open.length = header.len() as u64;
        Ok(())
    }

    /// Closes a segment after a failed write, and cuts off what that has left, if this can be done
    /// now; otherwise it is done before the next record, or when the log is read.
    fn torn(&mut self, open: Open, error: io::Error) -> CheckpointError {
        let error = failed(&open.path)(error);
        let has_records = open.length > frame::HEADER as u64;
        let _ = self.mend(Torn {
            path: open.path,
            durable: has_records.then_some((open.length, open.end)),
        });
        error
    }

    /// Cuts off the remains of a failed write; a segment without records is removed.
    fn mend(&mut self, torn: Torn) -> Result<(), CheckpointError> {
        let path = &torn.path;
        let mended = match torn.durable {
            Some((length, _)) => self.storage.cut(path, length),
            None => self.storage.remove_file(path),
        };
        match (mended, torn.durable) {
            (Err(error), _) => {
                let error = failed(path)(error);
                self.last = Last::Torn(torn);
                Err(error)
            }
            (Ok(()), Some((_, end))) => {
                let path = torn.path;
                self.closed.push_back(Closed { path, end });
                Ok(())
            }
            (Ok(()), None) => Ok(()),
        }
    }

    fn close_if_longer_than(&mut self, bytes: u64) {
        self.last = match std::mem::take(&mut self.last) {
            Last::Open(Open {
                path, length, end, ..
            }) if length > bytes => {
                self.closed.push_back(Closed { path, end });
                Last::None
            }
            last => last,
        };
    }

    /// Removes the segments that have no record of this number or a later one. A checkpoint is
    /// durable, so the open one is closed if it has grown.
    pub(crate) fn release_before(&mut self, number: u64) -> Result<(), CheckpointError> {
        self.close_if_longer_than(SHORTEST);
        while let Some(Closed { path, .. }) = self.closed.front().filter(|it| it.end <= number) {
            self.storage.remove_file(path).map_err(failed(path))?;
            self.closed.pop_front();
        }
        Ok(())
    }
}

impl Open {
    fn append(&mut self, section: &[u8]) -> io::Result<()> {
        self.output.write(section)?;
        self.output.sync()?;
        self.length += section.len() as u64;
        Ok(())
    }
}
