//! The write-ahead log of an input that cannot be replayed: what it received is durable, batch by
//! batch, before the batch runs.
//!
//! A log is a directory of segments. A segment is a header as in every file here, then a section
//! for each batch, empty ones too: the number of the record, the time of the batch, the items.

use std::boxed::Box;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::format;
use std::path::{Path, PathBuf};
use std::string::String;
use std::sync::Arc;
use std::vec::Vec;

use crate::stream::checkpoint::directory::Directory;
use crate::stream::checkpoint::error::CheckpointError;
use crate::stream::checkpoint::error::failed;
use crate::stream::checkpoint::frame;
use crate::stream::checkpoint::frame::Kind;
use crate::stream::checkpoint::recovery::CutLog;
use crate::stream::checkpoint::storage::{Output, Storage};
use crate::stream::error::BoxError;
use crate::stream::state::codec::{Codec, put, take};
use crate::stream::state::saved::used_up;
use crate::stream::time::BatchTime;

/// The directory of all logs, beside the checkpoints.
const LOGS: &str = "log";

/// A segment is closed at this length, or at the smaller one once a checkpoint is durable.
const LONGEST: u64 = 64 << 20;
const SHORTEST: u64 = 64 << 10;

/// The log of one input.
pub(crate) struct Log<T> {
    path: PathBuf,
    storage: Arc<dyn Storage>,
    codec: Codec<T>,
    /// The segments, oldest first; the last one is open for writing, if there is one.
    segments: VecDeque<Segment>,
    open: Option<Box<dyn Output>>,
    /// The buffer of the last record, reused for the next one.
    section: Vec<u8>,
    /// Bytes in the open segment.
    length: u64,
    /// The number of the next record that a batch takes, and how many are written.
    next: u64,
    written: u64,
    /// What earlier runs received and no batch of this run has taken yet.
    waiting: VecDeque<Record<T>>,
    /// The batches since the oldest kept checkpoint, each with the next record after it.
    reached: VecDeque<(BatchTime, u64)>,
}

struct Record<T> {
    time: BatchTime,
    items: Vec<T>,
}

#[derive(Debug)]
struct Segment {
    path: PathBuf,
    /// The number of the first record after it.
    end: u64,
}

impl Directory {
    fn logs(&self) -> PathBuf {
        self.path.join(LOGS)
    }

    /// Verifies that every log of an earlier run belongs to one of these operators.
    pub(crate) fn claim_logs(&self, operators: &[&str]) -> Result<(), CheckpointError> {
        let path = self.logs();
        let names = self.storage.list(&path).map_err(failed(&path))?;
        let known: Vec<String> = operators.iter().map(|name| directory_name(name)).collect();
        let is_unknown = |name: &&OsString| !known.iter().any(|it| it.as_str() == name.as_os_str());
        match names.iter().find(is_unknown) {
            Some(name) => Err(CheckpointError::Unclaimed {
                path: path.join(name),
                operator: name.to_string_lossy().into_owned(),
            }),
            None => Ok(()),
        }
    }
}

/// The name of an operator as a directory name.
fn directory_name(operator: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let escape = |byte: u8| match plain(byte) {
        true => String::from(char::from(byte)),
        false => format!("%{byte:02x}"),
    };
    operator.bytes().map(escape).collect()
}

impl<T: 'static> Log<T> {
    /// Opens the log of an operator, to resume after the records before `next`. A
    /// record that was being written when an earlier run ended is cut off; the cut is returned.
    pub(crate) fn open(
        directory: &Directory,
        operator: &str,
        codec: Codec<T>,
        next: u64,
    ) -> Result<(Self, Option<CutLog>), CheckpointError> {
        let path = directory.logs().join(directory_name(operator));
        let mut log = Self {
            path,
            storage: Arc::clone(&directory.storage),
            codec,
            segments: VecDeque::new(),
            open: None,
            section: Vec::new(),
            length: 0,
            next,
            written: next,
            waiting: VecDeque::new(),
            reached: VecDeque::new(),
        };
        let cut = log.read()?;
        Ok((log, cut))
    }

    fn read(&mut self) -> Result<Option<CutLog>, CheckpointError> {
        let names = self.storage.list(&self.path).map_err(failed(&self.path))?;
        let mut paths: Vec<PathBuf> = names.iter().map(|name| self.path.join(name)).collect();
        paths.sort();
        let (mut cut, count) = (None, paths.len());
        let mut expected = None;
        for (path, number) in paths.into_iter().zip(1..) {
            let bytes = self.storage.read(&path).map_err(failed(&path))?;
            let (sections, length) = frame::intact(&path, Kind::Log, &bytes, number == count)?;
            if length < bytes.len() {
                let storage = &self.storage;
                storage.cut(&path, length as u64).map_err(failed(&path))?;
                cut = Some(CutLog::new(path.clone(), (bytes.len() - length) as u64));
            }
            for section in sections {
                expected = Some(self.add(&path, section, expected)?);
            }
            if let Some(end) = expected {
                self.segments.push_back(Segment { path, end });
            }
        }
        self.written = expected.unwrap_or(self.next).max(self.next);
        Ok(cut)
    }

    /// Reads a record of an earlier run and returns the number that must follow.
    fn add(
        &mut self,
        path: &Path,
        section: &[u8],
        expected: Option<u64>,
    ) -> Result<u64, CheckpointError> {
        let corrupt = |what| CheckpointError::Corrupt {
            path: path.into(),
            what,
        };
        let record = self.decode(section);
        let (number, record) = record.map_err(|_| corrupt("a record cannot be decoded"))?;
        let wanted = self.next + self.waiting.len() as u64;
        let follows = expected.is_none_or(|expected| number == expected);
        if !follows || number > wanted {
            return Err(corrupt("records before it are missing"));
        }
        if number == wanted {
            self.waiting.push_back(record);
        }
        Ok(number + 1)
    }

    fn decode(&self, mut section: &[u8]) -> Result<(u64, Record<T>), BoxError> {
        let (number, time): (u64, u64) = take(&mut section)?;
        let items = self.codec.take_all(&mut section)?;
        used_up(section)?;
        let time = BatchTime::from_millis(time);
        Ok((number, Record { time, items }))
    }

    /// The items that earlier runs received for the batch of this time; `None` if nothing is left
    /// of them. A batch that was empty then is empty now.
    pub(crate) fn replay(&mut self, now: BatchTime) -> Option<Vec<T>> {
        if self.waiting.front()?.time > now {
            return Some(Vec::new());
        }
        self.next += 1;
        self.waiting.pop_front().map(|record| record.items)
    }

    /// The record after the last one replayed.
    pub(crate) fn upcoming(&self) -> Option<&[T]> {
        self.waiting.front().map(|record| record.items.as_slice())
    }

    /// The time of the first record that no batch of this run has taken.
    pub(crate) fn first_waiting(&self) -> Option<BatchTime> {
        self.waiting.front().map(|record| record.time)
    }

    /// Passes over what earlier runs left.
    pub(crate) fn forget_waiting(&mut self) {
        self.next += self.waiting.len() as u64;
        self.waiting.clear();
    }

    /// Whether items of earlier runs are left.
    pub(crate) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The number of the first record that no batch up to now has taken.
    pub(crate) fn position(&self) -> u64 {
        self.next
    }

    /// Makes the items of a batch durable.
    pub(crate) fn append(&mut self, now: BatchTime, items: &[T]) -> Result<(), CheckpointError> {
        let mut section = std::mem::take(&mut self.section);
        let written = match self.encode(now, items, &mut section) {
            Ok(()) => self.write(&section),
            Err(error) => {
                let operator = LOGS.into();
                return Err(CheckpointError::Encode { operator, error });
            }
        };
        self.section = section;
        if let Err(error) = written {
            // Half a record may have been written. If it cannot be cut off now, it is when the log
            // is read.
            self.open = None;
            if let Some(segment) = self.segments.back() {
                let _ = self.storage.cut(&segment.path, self.length);
            }
            return Err(error);
        }
        self.written += 1;
        self.next = self.written;
        if let Some(segment) = self.segments.back_mut() {
            segment.end = self.written;
        }
        self.close_if_longer_than(LONGEST);
        Ok(())
    }

    fn encode(&self, now: BatchTime, items: &[T], section: &mut Vec<u8>) -> Result<(), BoxError> {
        frame::section_of(section, |out| {
            put(&(self.written, now.as_millis()), out)?;
            self.codec.put_all(items.iter(), out)
        })
    }

    fn write(&mut self, section: &[u8]) -> Result<(), CheckpointError> {
        if self.open.is_none() {
            self.begin_segment()?;
        }
        let path = self
            .segments
            .back()
            .map_or(&self.path, |segment| &segment.path);
        if let Some(open) = &mut self.open {
            open.write(section).map_err(failed(path))?;
            open.sync().map_err(failed(path))?;
            self.length += section.len() as u64;
        }
        Ok(())
    }

    fn begin_segment(&mut self) -> Result<(), CheckpointError> {
        let storage = &self.storage;
        storage.create_dir(&self.path).map_err(failed(&self.path))?;
        // A segment that could not be written has the same name and no record.
        let path = self.path.join(format!("{:020}", self.written));
        self.segments.retain(|segment| segment.path != path);
        let mut open = storage.create(&path).map_err(failed(&path))?;
        let header = frame::begin(Kind::Log);
        open.write(&header).map_err(failed(&path))?;
        let above = self.path.ancestors().take(3);
        let synced = storage.sync(Vec::new(), &above.collect::<Vec<_>>());
        synced.map_err(failed(&self.path))?;
        let end = self.written;
        self.segments.push_back(Segment { path, end });
        (self.open, self.length) = (Some(open), header.len() as u64);
        Ok(())
    }

    fn close_if_longer_than(&mut self, bytes: u64) {
        if self.length > bytes {
            self.open = None;
        }
    }

    /// The batch of this time is committed.
    pub(crate) fn committed(&mut self, time: BatchTime) {
        self.reached.push_back((time, self.next));
    }

    /// Removes the segments that no checkpoint needs that is at least as new as the one of
    /// `oldest`.
    pub(crate) fn release_before(&mut self, oldest: BatchTime) -> Result<(), CheckpointError> {
        let mut needed = 0;
        while let Some(&(time, next)) = self.reached.front()
            && time <= oldest
        {
            needed = next;
            if time == oldest {
                break;
            }
            self.reached.pop_front();
        }
        self.close_if_longer_than(SHORTEST);
        let closed = self.segments.len() - usize::from(self.open.is_some());
        let old = self.segments.iter().take(closed);
        let old = old.take_while(|segment| segment.end <= needed).count();
        for segment in self.segments.drain(..old) {
            let path = &segment.path;
            self.storage.remove_file(path).map_err(failed(path))?;
        }
        Ok(())
    }
}
