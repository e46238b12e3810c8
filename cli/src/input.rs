//! The input as blocks of whole lines.

use std::io::{self, Read};
use std::sync::Arc;

use memchr::memrchr;

use crate::args::InputArgs;
use crate::block::{Block, Position};
use crate::error::Error;
use crate::progress::Progress;
use crate::skip::Skipper;
use crate::source::{Source, total_bytes};

/// Large enough that system calls do not count, small enough for the second-level cache.
const BLOCK_BYTES: usize = 256 << 10;

/// When a block is handed out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Delivery {
    /// As soon as it holds a line.
    AtOnce,
    /// When it is full, so that how input is cut depends on nothing but the input.
    Full,
}

/// Reads what the user named, under a progress bar, and calls `visit` with each block.
///
/// # Errors
///
/// As [`read_blocks`].
pub(crate) fn read_input(
    args: &InputArgs,
    skipper: &mut Skipper,
    visit: impl FnMut(&Block<'_>, &mut Skipper) -> Result<(), Error>,
) -> Result<(), Error> {
    let sources = args.sources();
    let progress = Progress::towards(total_bytes(&sources));
    read_blocks(&sources, Delivery::Full, skipper, &progress, visit)
}

/// Reads all sources and calls `visit` with each block.
///
/// # Errors
///
/// The first error of `visit`, and unreadable files unless `skipper` skips them.
pub(crate) fn read_blocks(
    sources: &[Source],
    delivery: Delivery,
    skipper: &mut Skipper,
    progress: &Progress,
    mut visit: impl FnMut(&Block<'_>, &mut Skipper) -> Result<(), Error>,
) -> Result<(), Error> {
    for (number, source) in sources.iter().enumerate() {
        let open = || Ok(BlockReader::new(source.open(progress)?, delivery));
        let first = Position::first_of(number);
        let read = read_source(&source.to_string().into(), open, first, |block| {
            visit(block, skipper)
        });
        skipper.tolerate(read)?;
    }
    Ok(())
}

fn read_source<R: Read>(
    name: &Arc<str>,
    open: impl FnOnce() -> io::Result<BlockReader<R>>,
    mut first: Position,
    mut visit: impl FnMut(&Block<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let read_error = |cause| Error::Read {
        name: Arc::clone(name),
        cause,
    };
    let mut blocks = open().map_err(read_error)?;
    while let Some(bytes) = blocks.next_block().map_err(read_error)? {
        let block = Block::new(name, first, bytes);
        visit(&block)?;
        first = block.end();
    }
    Ok(())
}

/// Cuts what a reader yields into blocks of whole lines, as they arrive.
struct BlockReader<R> {
    reader: R,
    buffer: Vec<u8>,
    /// `buffer[..filled]` has been read.
    filled: usize,
    /// `buffer[..given]` has been handed out already; never more than `filled`.
    given: usize,
    delivery: Delivery,
}

impl<R: Read> BlockReader<R> {
    fn new(reader: R, delivery: Delivery) -> Self {
        Self {
            reader,
            delivery,
            buffer: vec![0; BLOCK_BYTES],
            filled: 0,
            given: 0,
        }
    }

    /// The next block: everything up to the last line end of what was read, or, when the input has
    /// ended, the rest.
    fn next_block(&mut self) -> io::Result<Option<&[u8]>> {
        self.buffer.copy_within(self.given..self.filled, 0);
        self.filled -= self.given;
        self.given = 0;
        loop {
            if self.filled == self.buffer.len() {
                self.buffer.resize(2 * self.filled, 0);
            }
            let known = self.filled;
            let read = self.fill()?;
            let last_end = memrchr(b'\n', &self.buffer[known..self.filled]);
            self.given = match last_end {
                Some(at) => known + at + 1,
                None if read == 0 => self.filled,
                None => continue,
            };
            return Ok((self.given > 0).then(|| &self.buffer[..self.given]));
        }
    }

    /// Reads once, or until the buffer is full, and says how many bytes that brought.
    fn fill(&mut self) -> io::Result<usize> {
        let known = self.filled;
        loop {
            let read = read_some(&mut self.reader, &mut self.buffer[self.filled..])?;
            self.filled += read;
            let enough = self.delivery == Delivery::AtOnce || self.filled == self.buffer.len();
            if read == 0 || enough {
                return Ok(self.filled - known);
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Yields its bytes in pieces of one size.
    struct Dribble<'a>(&'a [u8], usize);

    impl Read for Dribble<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = self.1.min(self.0.len()).min(buffer.len());
            buffer[..length].copy_from_slice(&self.0[..length]);
            self.0 = &self.0[length..];
            Ok(length)
        }
    }

    fn blocks(text: &[u8], piece: usize, delivery: Delivery) -> Vec<Vec<u8>> {
        let mut reader = BlockReader::new(Dribble(text, piece), delivery);
        let mut blocks = Vec::new();
        while let Some(block) = reader.next_block().expect("no error") {
            blocks.push(block.to_vec());
        }
        blocks
    }

    #[test]
    fn blocks_hold_whole_lines_and_together_are_the_input() {
        let long = [b'x'; BLOCK_BYTES + 5];
        let mut text = b"one\n\n\r\nthree".to_vec();
        text.extend_from_slice(&long);
        text.extend_from_slice(b"\nlast");
        for piece in [1, 2, 7, 4096, usize::MAX] {
            let blocks = blocks(&text, piece, Delivery::AtOnce);
            let (last, whole) = blocks.split_last().expect("some blocks");
            assert!(whole.iter().all(|block| block.ends_with(b"\n")));
            assert!(last.ends_with(b"last"));
            assert!(blocks.concat() == text, "pieces of {piece}");
        }
    }

    #[test]
    fn full_blocks_do_not_depend_on_how_input_arrives() {
        let text = b"ebb and flow\n".repeat(100_000);
        let whole = blocks(&text, usize::MAX, Delivery::Full);
        assert!(whole.concat() == text);
        assert_eq!(whole.len(), text.len().div_ceil(BLOCK_BYTES));
        assert!(blocks(&text, 1_000, Delivery::Full) == whole);
    }

    #[test]
    fn empty_input_has_no_block() {
        assert!(blocks(b"", 1, Delivery::AtOnce).is_empty());
        assert!(blocks(b"", 1, Delivery::Full).is_empty());
    }
}
