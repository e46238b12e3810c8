//! The log of an input: what it received, or the positions to which it reads, is durable, batch by
//! batch, before the batch runs.
//!
//! A record is a batch, an empty one too: its number, the time of the batch, the items.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::format;
use std::path::PathBuf;
use std::string::String;
use std::vec::Vec;

use crate::stream::checkpoint::directory::Directory;
use crate::stream::checkpoint::error::CheckpointError;
use crate::stream::checkpoint::error::failed;
use crate::stream::checkpoint::frame;
use crate::stream::checkpoint::recovery::CutLog;
use crate::stream::checkpoint::segments::Segments;
use crate::stream::error::BoxError;
use crate::stream::state::codec::{Codec, put, take};
use crate::stream::state::saved::used_up;
use crate::stream::time::BatchTime;

/// The directory of all logs, beside the checkpoints.
const LOGS: &str = "log";

/// The log of one input.
pub(crate) struct Log<T> {
    codec: Codec<T>,
    segments: Segments,
    /// The buffer of the last record, reused for the next one.
    section: Vec<u8>,
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

/// The name of an operator as a directory name. Capitals are escaped, since not every file system
/// tells them from small letters.
fn directory_name(operator: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_lowercase() || b"0123456789-_".contains(&byte);
    let escape = |byte: u8| match plain(byte) {
        true => String::from(char::from(byte)),
        false => format!("%{byte:02x}"),
    };
    match operator {
        "" => "%".into(),
        name => name.bytes().map(escape).collect(),
    }
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
        let mut segments = Segments::new(path, &directory.storage);
        let mut replay = Replay {
            codec: &codec,
            next,
            waiting: VecDeque::new(),
        };
        let (end, cut) = segments.read(|path, section, expected| {
            let added = replay.add(section, expected);
            added.map_err(|what| {
                let path = path.into();
                CheckpointError::Corrupt { path, what }
            })
        })?;
        let waiting = replay.waiting;
        let log = Self {
            codec,
            segments,
            section: Vec::new(),
            next,
            written: end.unwrap_or(next).max(next),
            waiting,
            reached: VecDeque::new(),
        };
        Ok((log, cut))
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

    /// Drops what earlier runs left, here and on disk.
    pub(crate) fn forget_waiting(&mut self) -> Result<(), CheckpointError> {
        self.next += self.waiting.len() as u64;
        self.waiting.clear();
        self.segments.release_before(self.next)
    }

    /// The next record of an earlier run, if its batch is not later than `time`: that batch was left
    /// out before it could take the record.
    pub(crate) fn left_out(&mut self, time: BatchTime) -> Option<Vec<T>> {
        self.waiting.front().filter(|record| record.time <= time)?;
        self.next += 1;
        self.waiting.pop_front().map(|record| record.items)
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
        let appended = match self.encode(now, items, &mut section) {
            Ok(()) => self.segments.append(self.written, &section),
            Err(error) => {
                let operator = LOGS.into();
                Err(CheckpointError::Encode { operator, error })
            }
        };
        self.section = section;
        appended?;
        self.written += 1;
        self.next = self.written;
        Ok(())
    }

    fn encode(&self, now: BatchTime, items: &[T], section: &mut Vec<u8>) -> Result<(), BoxError> {
        frame::section_of(section, |out| {
            put(&(self.written, now.as_millis()), out)?;
            self.codec.put_all(items.iter(), out)
        })
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
        self.segments.release_before(needed)
    }
}

/// What is read of the records of earlier runs.
struct Replay<'a, T> {
    codec: &'a Codec<T>,
    /// The number of the first record that is needed.
    next: u64,
    waiting: VecDeque<Record<T>>,
}

impl<T: 'static> Replay<'_, T> {
    /// Adds a record, and returns the number that must follow; an error says what is wrong.
    fn add(&mut self, section: &[u8], expected: Option<u64>) -> Result<u64, &'static str> {
        let record = self.decode(section);
        let (number, record) = record.map_err(|_| "a record cannot be decoded")?;
        let wanted = self.next + self.waiting.len() as u64;
        // Not every segment that was removed before a power cut need be gone after it: what is no
        // longer needed may have gaps.
        let follows = expected.is_none_or(|expected| number >= expected);
        if !follows || number > wanted {
            return Err("records before it are missing");
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
}
