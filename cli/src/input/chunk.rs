//! A source in chunks of one size; line ends are counted as the chunks are read.

use std::io::{self, Read};

use memchr::memchr_iter;

/// Large enough to make system calls cheap, small enough for the second-level cache.
pub(crate) const CHUNK_BYTES: usize = 256 << 10;

/// Space before the bytes of a chunk for the start of its first line, which was in the chunk before.
const HEADROOM: usize = 16 << 10;

/// When a chunk is delivered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Delivery {
    /// As soon as it holds anything.
    AtOnce,
    /// When it is full, so that the chunks depend on the input alone.
    Full,
}

/// A part of a source; allocates when it is first filled.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    /// Headroom, and then the bytes.
    buffer: Vec<u8>,
    /// Where in the buffer the bytes begin.
    start: usize,
    /// Where they end.
    end: usize,
    /// The number of line ends in the bytes.
    line_ends: usize,
}

impl Chunk {
    /// Replaces its bytes by new ones from a reader.
    ///
    /// # Errors
    ///
    /// The errors of the reader.
    pub(crate) fn fill(&mut self, reader: &mut impl Read, delivery: Delivery) -> io::Result<()> {
        self.start = HEADROOM;
        self.end = HEADROOM;
        let full = HEADROOM + CHUNK_BYTES;
        self.buffer.resize(full, 0);
        while self.end < full {
            let read = read_some(reader, &mut self.buffer[self.end..full])?;
            self.end += read;
            if read == 0 || delivery == Delivery::AtOnce {
                break;
            }
        }
        self.line_ends = memchr_iter(b'\n', self.bytes()).count();
        Ok(())
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    pub(crate) fn line_ends(&self) -> usize {
        self.line_ends
    }

    /// Puts bytes without line ends before its own bytes.
    pub(crate) fn prepend(&mut self, bytes: &[u8]) {
        if let Some(start) = self.start.checked_sub(bytes.len()) {
            self.buffer[start..self.start].copy_from_slice(bytes);
            self.start = start;
        } else {
            self.buffer.splice(..self.start, bytes.iter().copied());
            self.end = self.end - self.start + bytes.len();
            self.start = 0;
        }
    }
}

fn read_some(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// A source of chunks.
pub(crate) trait Chunks {
    /// The next chunk in order, empty at the end. Takes the previous chunk back to reuse its memory.
    ///
    /// # Errors
    ///
    /// The errors of reading.
    fn next_chunk(&mut self, used: Chunk) -> io::Result<Chunk>;
}

/// The chunks of a reader.
#[derive(Debug)]
pub(crate) struct Sequential<R> {
    pub(crate) reader: R,
    pub(crate) delivery: Delivery,
}

impl<R: Read> Chunks for Sequential<R> {
    fn next_chunk(&mut self, mut used: Chunk) -> io::Result<Chunk> {
        used.fill(&mut self.reader, self.delivery)?;
        Ok(used)
    }
}
