//! A source in pieces of one size, whose line ends are counted as they are read.

use std::io::{self, Read};

use memchr::memchr_iter;

/// Large enough that system calls do not count, small enough for the second-level cache.
pub(crate) const CHUNK_BYTES: usize = 256 << 10;

/// Room before the bytes of a chunk for the beginning of its first line, from the chunk before.
const HEADROOM: usize = 16 << 10;

/// When a chunk is done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Delivery {
    /// As soon as it holds anything.
    AtOnce,
    /// When it is full, so that how input is cut depends on nothing but the input.
    Full,
}

/// A piece of a source; has no memory of its own before it is filled.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    /// Headroom, and then the bytes.
    buffer: Vec<u8>,
    /// Where in the buffer the bytes begin; never before what `prepend` has put in.
    start: usize,
    /// Where they end.
    end: usize,
    /// How many line ends are among them.
    line_ends: usize,
}

impl Chunk {
    /// Reads new bytes in place of the old ones.
    ///
    /// # Errors
    ///
    /// Those of the reader.
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

    /// Puts bytes without line ends before its own.
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

/// Where chunks come from.
pub(crate) trait Chunks {
    /// The next chunk, in order; an empty one at the end. Takes back the one before.
    ///
    /// # Errors
    ///
    /// Those of reading.
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
