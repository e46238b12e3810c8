//! Verifying a file that need not fit into memory, and reading parts of it afterwards.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::vec::Vec;

use crate::stream::checkpoint::error::CheckpointError;
use crate::stream::checkpoint::error::failed;
use crate::stream::checkpoint::frame;
use crate::stream::checkpoint::frame::{Flaw, HEADER, Kind, SECTION};
use crate::stream::checkpoint::local_storage::fill;
use crate::stream::checkpoint::storage::Storage;

/// How many bytes are read at a time.
const CHUNK: usize = 256 << 10;

/// A file in a storage.
#[derive(Clone)]
pub(crate) struct StoredFile {
    pub(crate) path: Arc<Path>,
    storage: Arc<dyn Storage>,
}

/// A section of a file: where its body begins, how long that is, and its checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Section {
    offset: u64,
    pub(crate) length: u64,
    check: u32,
}

/// The length and the checksum of a whole file.
pub(crate) type Whole = (u64, u32);

impl StoredFile {
    pub(crate) fn new(path: PathBuf, storage: &Arc<dyn Storage>) -> Self {
        Self {
            path: path.into(),
            storage: Arc::clone(storage),
        }
    }

    pub(crate) fn length(&self) -> Result<u64, CheckpointError> {
        let length = self.storage.length(&self.path);
        length.map_err(failed(&self.path))
    }

    /// Verifies the file in one pass with a fixed buffer. `visit` gets each intact section and at
    /// most `first` bytes of its body.
    pub(crate) fn scan(
        &self,
        kind: Kind,
        first: usize,
        visit: impl FnMut(Section, &[u8]),
    ) -> Result<Whole, CheckpointError> {
        self.scan_by(CHUNK, kind, first, visit)
    }

    fn scan_by(
        &self,
        chunk: usize,
        kind: Kind,
        first: usize,
        mut visit: impl FnMut(Section, &[u8]),
    ) -> Result<Whole, CheckpointError> {
        let mut bytes = BufReader::with_capacity(chunk, Reading::new(self));
        let mut header = [0; HEADER];
        let length = fill(&mut bytes, &mut header).map_err(failed(&self.path))?;
        frame::header(&self.path, kind, &header[..length])?;
        let (mut offset, mut begun) = (HEADER as u64, Vec::new());
        loop {
            let mut head = [0; SECTION];
            let read = fill(&mut bytes, &mut head).map_err(failed(&self.path))?;
            if read == 0 {
                let Reading { offset, check, .. } = bytes.into_inner();
                return Ok((offset, check.finalize()));
            }
            let promised = frame::promised(&head[..read]);
            let (length, check) = promised.ok_or_else(|| Flaw::Short.of(&self.path))?;
            offset += SECTION as u64;
            begun.clear();
            let section = Section {
                offset,
                length,
                check,
            };
            self.pass_over(&mut bytes, section, (first, &mut begun))?;
            visit(section, &begun);
            offset += length;
        }
    }

    /// Reads on to the end of a section and verifies it; keeps the `first` bytes.
    fn pass_over(
        &self,
        bytes: &mut impl BufRead,
        section: Section,
        (first, begun): (usize, &mut Vec<u8>),
    ) -> Result<(), CheckpointError> {
        let mut check = crc32fast::Hasher::new();
        let mut left = section.length;
        while left > 0 {
            let next = bytes.fill_buf().map_err(failed(&self.path))?;
            let next = &next[..left.min(next.len() as u64) as usize];
            if next.is_empty() {
                return Err(Flaw::Short.of(&self.path));
            }
            begun.extend(next.iter().take(first - begun.len()));
            check.update(next);
            let length = next.len();
            left -= length as u64;
            bytes.consume(length);
        }
        match check.finalize() == section.check {
            true => Ok(()),
            false => Err(Flaw::Check.of(&self.path)),
        }
    }

    /// Reads a log section by section: `visit` gets the body of each. If it `may_be_torn`, the
    /// remains of an interrupted write at its end are ignored; any other defect is an error.
    ///
    /// Returns the length of the file without these remains, and all of it. A read that ends before
    /// that is an error like any other, since what is torn is cut off.
    pub(crate) fn read_log(
        &self,
        may_be_torn: bool,
        mut visit: impl FnMut(&[u8]) -> Result<(), CheckpointError>,
    ) -> Result<(u64, u64), CheckpointError> {
        let io = failed(&self.path);
        let whole = self.storage.length(&self.path).map_err(&io)?;
        let mut bytes = BufReader::with_capacity(CHUNK, Reading::new(self));
        let mut header = [0; HEADER];
        let length = whole.min(HEADER as u64) as usize;
        bytes.read_exact(&mut header[..length]).map_err(&io)?;
        // A header that is not there was never synced, so no record after it was.
        if may_be_torn && (length < HEADER || header == [0; HEADER]) {
            return Ok((0, whole));
        }
        frame::header(&self.path, Kind::Log, &header[..length])?;
        let (mut end, mut body) = (HEADER as u64, Vec::new());
        while end < whole {
            let flaw = next(&mut bytes, whole - end, &mut body).map_err(&io)?;
            let after = end + (SECTION + body.len()) as u64;
            match flaw {
                // No record is empty: these bytes were never written.
                _ if may_be_torn && body.is_empty() => break,
                Some(Flaw::Short) if may_be_torn => break,
                Some(Flaw::Check) if may_be_torn && after == whole => break,
                Some(flaw) => return Err(flaw.of(&self.path)),
                None => visit(&body)?,
            }
            end = after;
        }
        Ok((end, whole))
    }

    /// The body of a section, verified again.
    pub(crate) fn read<'a>(
        &self,
        section: Section,
        buffer: &'a mut Vec<u8>,
    ) -> Result<&'a [u8], CheckpointError> {
        let length = usize::try_from(section.length).map_err(|_| Flaw::Short.of(&self.path))?;
        buffer.resize(length, 0);
        let read = self.storage.read_at(&self.path, section.offset, buffer);
        if read.map_err(failed(&self.path))? < length {
            return Err(Flaw::Short.of(&self.path));
        }
        match crc32fast::hash(buffer) == section.check {
            true => Ok(buffer),
            false => Err(Flaw::Check.of(&self.path)),
        }
    }
}

/// Reads the body of the next section, of which there are at most `left` bytes; returns what is wrong
/// with it.
fn next(from: &mut impl Read, left: u64, body: &mut Vec<u8>) -> io::Result<Option<Flaw>> {
    let Some(after) = left.checked_sub(SECTION as u64) else {
        return Ok(Some(Flaw::Short));
    };
    let mut head = [0; SECTION];
    from.read_exact(&mut head)?;
    let promised = frame::promised(&head).filter(|(length, _)| *length <= after);
    let Some((length, check)) = promised else {
        return Ok(Some(Flaw::Short));
    };
    body.resize(length as usize, 0);
    from.read_exact(body)?;
    Ok((check != crc32fast::hash(body)).then_some(Flaw::Check))
}

impl fmt::Debug for StoredFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.fmt(f)
    }
}

/// A file as it is read from its beginning.
struct Reading<'a> {
    file: &'a StoredFile,
    offset: u64,
    /// Of all bytes before `offset`.
    check: crc32fast::Hasher,
}

impl<'a> Reading<'a> {
    fn new(file: &'a StoredFile) -> Self {
        let check = crc32fast::Hasher::new();
        Self {
            file,
            offset: 0,
            check,
        }
    }
}

impl Read for Reading<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let StoredFile { path, storage } = self.file;
        let read = storage.read_at(path, self.offset, into)?;
        self.check.update(&into[..read]);
        self.offset += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::string::{String, ToString};

    use super::super::local_storage::{Access, LocalStorage};
    use super::*;

    /// The contents of a state file: the bodies of its sections.
    type Bodies = Result<Vec<Vec<u8>>, String>;

    fn file(bytes: &[u8]) -> (tempfile::TempDir, StoredFile) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state");
        fs::write(&path, bytes).unwrap();
        let access = Access::Owner;
        let storage: Arc<dyn Storage> = Arc::new(LocalStorage { access });
        (directory, StoredFile::new(path, &storage))
    }

    /// By a pass with a buffer of this size; then body by body.
    fn scanned(file: &StoredFile, chunk: usize) -> Bodies {
        let mut sections = Vec::new();
        let found = file.scan_by(chunk, Kind::State, 3, |section, first| {
            sections.push((section, Vec::from(first)));
        });
        let whole = found.map_err(|error| error.to_string())?;
        let bytes = fs::read(&file.path).unwrap();
        assert_eq!(whole, (bytes.len() as u64, crc32fast::hash(&bytes)));
        let read = sections.into_iter().map(|(section, first)| {
            let mut buffer = Vec::from([7; 5]);
            let body = file.read(section, &mut buffer).unwrap();
            assert_eq!(first, body[..body.len().min(3)]);
            Vec::from(body)
        });
        Ok(read.collect())
    }

    /// By the reader of whole files.
    fn opened(file: &StoredFile) -> Bodies {
        let bytes = fs::read(&file.path).unwrap();
        let opened = frame::open(&file.path, Kind::State, &bytes);
        let sections = opened.map_err(|error| error.to_string())?;
        Ok(sections.into_iter().map(Vec::from).collect())
    }

    fn example() -> Vec<u8> {
        let mut bytes = frame::begin(Kind::State);
        for body in [&b"first"[..], b"", b"x", &[9; 40]] {
            frame::push(body, &mut bytes);
        }
        bytes
    }

    #[test]
    fn a_pass_finds_what_is_found_in_memory_whatever_is_cut_off_or_flipped() {
        let bytes = example();
        let cut = (0..bytes.len()).map(|at| bytes[..at].to_vec());
        let flipped = (0..8 * bytes.len()).map(|bit| {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            bytes
        });
        let other = [frame::begin(Kind::Log), [&bytes[..], &bytes].concat()];
        for bytes in cut.chain(flipped).chain(other) {
            let (_directory, file) = file(&bytes);
            for chunk in [1, 7, 64, CHUNK] {
                assert_eq!(scanned(&file, chunk), opened(&file), "{bytes:?} by {chunk}");
            }
        }
        let (_directory, whole) = file(&bytes);
        assert_eq!(scanned(&whole, 16).unwrap().len(), 4);
    }

    #[test]
    fn a_length_beyond_the_file_takes_no_memory() {
        for length in [u64::MAX, 1 << 62, 1 << 40] {
            let mut bytes = example();
            bytes.extend(length.to_le_bytes());
            bytes.extend([0; 40]);
            let (_directory, file) = file(&bytes);
            assert_eq!(scanned(&file, 64), opened(&file));
            assert!(scanned(&file, 64).is_err());
        }
    }

    #[test]
    fn what_is_damaged_after_the_pass_is_not_read() {
        let (_directory, file) = file(&example());
        let mut last = None;
        let found = file.scan(Kind::State, 1, |section, _| last = Some(section));
        found.unwrap();
        let read = || {
            let read = file.read(last.unwrap(), &mut Vec::new()).map(<[u8]>::len);
            read.map_err(|error| error.to_string())
        };
        assert_eq!(read(), Ok(40));
        let mut bytes = example();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&file.path, &bytes).unwrap();
        assert!(
            read()
                .unwrap_err()
                .ends_with("the checksum of a section is wrong")
        );
        fs::write(&file.path, &bytes[..bytes.len() - 1]).unwrap();
        assert!(read().unwrap_err().ends_with("it is too short"));
        fs::remove_file(&file.path).unwrap();
        assert!(read().is_err());
    }
}
