//! Reading the input as blocks of complete lines.

use std::io;
use std::mem;
use std::sync::Arc;

use memchr::memrchr;

use crate::error::Error;
use crate::input::block::Block;
use crate::input::chunk::{Chunk, Chunks, Delivery};
use crate::input::progress::Progress;
use crate::input::skip::Skipper;
use crate::input::source::{Source, total_bytes};
use crate::place::Position;

/// Reads all sources, with a progress bar, and calls `visit` with each block.
///
/// # Errors
///
/// As [`read_blocks`].
pub(crate) fn read_input(
    sources: &[Source],
    skipper: &mut Skipper,
    visit: impl FnMut(&Block<'_>, &mut Skipper) -> Result<(), Error>,
) -> Result<(), Error> {
    let progress = Progress::towards(total_bytes(sources));
    read_blocks(sources, Delivery::Full, skipper, &progress, visit)
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
        let name: Arc<str> = source.to_string().into();
        let first = Position::first_of(number);
        let read = source.with_chunks(delivery, progress, |chunks| {
            read_source(&name, chunks, first, |block| visit(block, skipper))
        });
        let read = read.unwrap_or_else(|cause| Err(Error::Read { name, cause }));
        skipper.tolerate(read)?;
    }
    Ok(())
}

fn read_source(
    name: &Arc<str>,
    chunks: &mut dyn Chunks,
    mut first: Position,
    mut visit: impl FnMut(&Block<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut blocks = BlockReader::new(chunks);
    let read_error = |cause| Error::Read {
        name: Arc::clone(name),
        cause,
    };
    while let Some((bytes, line_ends)) = blocks.next_block().map_err(read_error)? {
        let block = Block::new(name, first, bytes, line_ends);
        visit(&block)?;
        first = block.end();
    }
    Ok(())
}

/// Turns chunks into blocks of complete lines.
struct BlockReader<'a> {
    chunks: &'a mut dyn Chunks,
    chunk: Chunk,
    /// The start of a line whose end is in a later chunk.
    carry: Vec<u8>,
    /// The last line of the input, if it has no line end.
    rest: Vec<u8>,
}

impl<'a> BlockReader<'a> {
    fn new(chunks: &'a mut dyn Chunks) -> Self {
        Self {
            chunks,
            chunk: Chunk::default(),
            carry: Vec::new(),
            rest: Vec::new(),
        }
    }

    /// The next block, with the number of its line ends: the rest of earlier chunks and the next
    /// chunk up to its last line end. At the end of the input, the rest alone.
    fn next_block(&mut self) -> io::Result<Option<(&[u8], usize)>> {
        loop {
            let used = mem::take(&mut self.chunk);
            self.chunk = self.chunks.next_chunk(used)?;
            if self.chunk.bytes().is_empty() {
                self.rest = mem::take(&mut self.carry);
                return Ok((!self.rest.is_empty()).then_some((&self.rest, 0)));
            }
            let bytes = self.chunk.bytes();
            let Some(last_end) = memrchr(b'\n', bytes) else {
                self.carry.extend_from_slice(bytes);
                continue;
            };
            let unfinished = bytes[last_end + 1..].to_vec();
            let carry = mem::replace(&mut self.carry, unfinished);
            self.chunk.prepend(&carry);
            let block = &self.chunk.bytes()[..carry.len() + last_end + 1];
            return Ok(Some((block, self.chunk.line_ends())));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::chunk::{CHUNK_BYTES, Sequential};
    use std::io::{Read, Seek, Write};

    /// Returns its bytes in pieces of one size.
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
        let mut chunks = Sequential {
            reader: Dribble(text, piece),
            delivery,
        };
        all_blocks(&mut chunks)
    }

    fn all_blocks(chunks: &mut dyn Chunks) -> Vec<Vec<u8>> {
        let mut reader = BlockReader::new(chunks);
        let mut blocks = Vec::new();
        while let Some((block, line_ends)) = reader.next_block().expect("no error") {
            assert_eq!(line_ends, memchr::memchr_iter(b'\n', block).count());
            blocks.push(block.to_vec());
        }
        blocks
    }

    #[test]
    fn blocks_hold_complete_lines_and_together_are_the_input() {
        let long = [b'x'; CHUNK_BYTES + 5];
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
        assert_eq!(whole.len(), text.len().div_ceil(CHUNK_BYTES));
        assert!(blocks(&text, 1_000, Delivery::Full) == whole);
    }

    #[cfg(unix)]
    #[test]
    fn blocks_of_a_file_do_not_depend_on_how_many_threads_read_it() {
        let mut file = tempfile::tempfile().expect("a file");
        let mut text: Vec<u8> = Vec::new();
        let lengths = [1, 80, 5_000, 40_000, 700_000, 0].into_iter().cycle();
        for length in lengths.take(60) {
            text.resize(text.len() + length, b'x');
            text.push(b'\n');
        }
        for end in [text.len(), 8 * CHUNK_BYTES, 3 * CHUNK_BYTES + 1, 0] {
            file.set_len(0).expect("it can be emptied");
            file.rewind().expect("it can be wound back");
            file.write_all(&text[..end]).expect("it can be written");
            let whole = blocks(&text[..end], usize::MAX, Delivery::Full);
            assert!(whole.concat() == text[..end]);
            for threads in 1..5 {
                let progress = Progress::hidden();
                let read = |mut chunks| all_blocks(&mut chunks);
                let found = crate::input::parallel::with_chunks(&file, threads, &progress, read);
                assert!(found == whole, "{threads} threads, {end} bytes");
            }
        }
    }

    #[test]
    fn empty_input_has_no_block() {
        assert!(blocks(b"", 1, Delivery::AtOnce).is_empty());
        assert!(blocks(b"", 1, Delivery::Full).is_empty());
    }
}
