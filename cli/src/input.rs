//! The input as blocks of whole lines.
//!
//! A line is bytes up to and including `\n`; only the last one may lack it. Nothing is decoded
//! and nothing is copied per line.

use std::io::{self, Read};

use memchr::{memchr, memchr_iter, memrchr};

use crate::args::InputArgs;
use crate::error::{BadLine, Error, Problem, say};
use crate::progress::Progress;
use crate::skip::{OnBad, Skipper};
use crate::source::{Source, total_bytes};

/// Large enough that system calls do not count, small enough for the second-level cache.
const BLOCK_BYTES: usize = 256 << 10;

/// Where a line stands in the whole input; ordered as the lines are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    /// Which of the sources it is in, from 0.
    source: usize,
    /// Its number there, from 1.
    line: u64,
}

/// One line, with its line end if it has one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Line<'a> {
    position: Position,
    raw: &'a [u8],
}

impl<'a> Line<'a> {
    pub(crate) fn position(self) -> Position {
        self.position
    }

    /// As it was read, line end and all.
    pub(crate) fn raw(self) -> &'a [u8] {
        self.raw
    }

    /// Without its `\n` or `\r\n`.
    pub(crate) fn text(self) -> &'a [u8] {
        let text = self.raw.strip_suffix(b"\n").unwrap_or(self.raw);
        text.strip_suffix(b"\r").unwrap_or(text)
    }
}

/// Consecutive whole lines of one source.
#[derive(Debug)]
pub(crate) struct Block<'a> {
    /// What the source is called in messages.
    name: &'a str,
    lines: Lines<'a>,
}

impl<'a> Block<'a> {
    fn new(name: &'a str, first: Position, bytes: &'a [u8]) -> Self {
        let unfinished = !bytes.is_empty() && !bytes.ends_with(b"\n");
        let left = memchr_iter(b'\n', bytes).count() + usize::from(unfinished);
        let lines = Lines {
            rest: bytes,
            position: first,
            left,
        };
        Self { name, lines }
    }

    /// All its lines, line ends included.
    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.lines.rest
    }

    pub(crate) fn lines(&self) -> Lines<'a> {
        self.lines.clone()
    }

    /// Calls `visit` with every line; what is wrong with one ends the work or is skipped.
    ///
    /// # Errors
    ///
    /// The first problem, naming file and line, unless `skipper` skips it.
    pub(crate) fn try_lines(
        &self,
        skipper: &mut Skipper,
        mut visit: impl FnMut(Line<'a>) -> Result<(), Problem>,
    ) -> Result<(), Error> {
        for line in self.lines() {
            if let Err(problem) = visit(line) {
                skipper.tolerate::<()>(Err(self.bad_line(line, problem)))?;
            }
        }
        Ok(())
    }

    #[cold]
    fn bad_line(&self, line: Line<'_>, problem: Problem) -> Error {
        Error::Line(Box::new(BadLine {
            name: self.name.to_owned(),
            number: line.position.line,
            text: line.text().to_vec(),
            problem,
        }))
    }
}

/// The lines of a block; knows how many there are and passes over many at once.
#[derive(Clone, Debug)]
pub(crate) struct Lines<'a> {
    rest: &'a [u8],
    /// Of the first line in `rest`.
    position: Position,
    /// How many lines `rest` holds.
    left: usize,
}

impl<'a> Lines<'a> {
    fn advance(&mut self, bytes: usize, lines: usize) -> &'a [u8] {
        let (passed, rest) = self.rest.split_at(bytes);
        self.rest = rest;
        self.left -= lines;
        self.position.line += lines as u64;
        passed
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    #[inline]
    fn next(&mut self) -> Option<Line<'a>> {
        if self.left == 0 {
            return None;
        }
        let end = memchr(b'\n', self.rest).map_or(self.rest.len(), |at| at + 1);
        let position = self.position;
        let raw = self.advance(end, 1);
        Some(Line { position, raw })
    }

    /// Counts line ends without looking at the lines: about the speed of memory.
    fn nth(&mut self, n: usize) -> Option<Line<'a>> {
        if n >= self.left {
            self.advance(self.rest.len(), self.left);
            return None;
        }
        self.advance(length_of_lines(self.rest, n), n);
        self.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

/// How many bytes the first `n` lines of `bytes` take, which has at least as many line ends.
fn length_of_lines(bytes: &[u8], n: usize) -> usize {
    const CHUNK: usize = 4 << 10;
    let (mut length, mut left) = (0, n);
    for chunk in bytes.chunks(CHUNK) {
        if left == 0 {
            break;
        }
        let ends = memchr_iter(b'\n', chunk).count();
        length += if ends < left {
            chunk.len()
        } else {
            memchr_iter(b'\n', chunk)
                .nth(left - 1)
                .map_or(0, |at| at + 1)
        };
        left = left.saturating_sub(ends);
    }
    length
}

/// Reads what the user named, under a progress bar; see [`read_blocks`].
///
/// # Errors
///
/// As [`read_blocks`].
pub(crate) fn read_input(
    args: &InputArgs,
    visit: impl FnMut(&Block<'_>, &mut Skipper) -> Result<(), Error>,
) -> Result<(), Error> {
    let sources = args.sources();
    let progress = Progress::towards(total_bytes(&sources));
    read_blocks(&sources, args.on_bad(), progress, visit)
}

/// Reads all sources and calls `visit` with each block as soon as it is there.
///
/// What was skipped, if anything, is reported on standard error at the end.
///
/// # Errors
///
/// The first error of `visit`, and unreadable files unless they are to be skipped.
pub(crate) fn read_blocks(
    sources: &[Source],
    on_bad: OnBad,
    progress: Progress,
    mut visit: impl FnMut(&Block<'_>, &mut Skipper) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut skipper = Skipper::new(on_bad);
    for (number, source) in sources.iter().enumerate() {
        let first = Position {
            source: number,
            line: 1,
        };
        let read = read_source(source, first, &progress, |block| visit(block, &mut skipper));
        skipper.tolerate(read)?;
    }
    drop(progress);
    if let Some(report) = skipper.report() {
        say(format_args!("forebay: {report}"));
    }
    Ok(())
}

fn read_source(
    source: &Source,
    mut first: Position,
    progress: &Progress,
    mut visit: impl FnMut(&Block<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let name = source.to_string();
    let read_error = |cause| Error::Read {
        name: name.clone(),
        cause,
    };
    let mut blocks = BlockReader::new(source.open(progress).map_err(read_error)?);
    while let Some(bytes) = blocks.next_block().map_err(read_error)? {
        let block = Block::new(&name, first, bytes);
        visit(&block)?;
        first.line += block.lines.left as u64;
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
}

impl<R: Read> BlockReader<R> {
    fn new(reader: R) -> Self {
        Self {
            reader,
            buffer: vec![0; BLOCK_BYTES],
            filled: 0,
            given: 0,
        }
    }

    /// The next block: everything up to the last line end of what one read brought, or, when the
    /// input has ended, the rest.
    fn next_block(&mut self) -> io::Result<Option<&[u8]>> {
        self.buffer.copy_within(self.given..self.filled, 0);
        self.filled -= self.given;
        self.given = 0;
        loop {
            if self.filled == self.buffer.len() {
                self.buffer.resize(2 * self.filled, 0);
            }
            let known = self.filled;
            let read = read_some(&mut self.reader, &mut self.buffer[known..])?;
            self.filled += read;
            let last_end = memrchr(b'\n', &self.buffer[known..self.filled]);
            self.given = match last_end {
                Some(at) => known + at + 1,
                None if read == 0 => self.filled,
                None => continue,
            };
            return Ok((self.given > 0).then(|| &self.buffer[..self.given]));
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

    impl Position {
        /// A line of the first source.
        pub(crate) const fn nth(line: u64) -> Self {
            Self { source: 0, line }
        }
    }

    const FIRST: Position = Position::nth(1);

    fn lines_of(bytes: &[u8]) -> Vec<(u64, &[u8])> {
        let block = Block::new("test", FIRST, bytes);
        block
            .lines()
            .map(|line| (line.position.line, line.raw))
            .collect()
    }

    #[test]
    fn blocks_hold_whole_lines_and_together_are_the_input() {
        let long = [b'x'; BLOCK_BYTES + 5];
        let mut text = b"one\n\n\r\nthree".to_vec();
        text.extend_from_slice(&long);
        text.extend_from_slice(b"\nlast");
        for piece in [1, 2, 7, 4096, usize::MAX] {
            let mut blocks = BlockReader::new(Dribble(&text, piece));
            let mut joined = Vec::new();
            while let Some(block) = blocks.next_block().expect("no error") {
                joined.extend_from_slice(block);
                assert!(
                    block.ends_with(b"\n") || joined == text,
                    "cut inside a line"
                );
            }
            assert!(joined == text, "pieces of {piece}");
        }
    }

    #[test]
    fn empty_input_has_no_block() {
        let mut blocks = BlockReader::new(Dribble(b"", 1));
        assert!(blocks.next_block().expect("no error").is_none());
    }

    #[test]
    fn lines_keep_their_ends_and_their_numbers() {
        assert_eq!(
            lines_of(b"a\n\nb\r\nc"),
            [(1, &b"a\n"[..]), (2, b"\n"), (3, b"b\r\n"), (4, b"c")]
        );
        assert_eq!(lines_of(b"a\n"), [(1, &b"a\n"[..])]);
        assert_eq!(lines_of(b""), []);
    }

    #[test]
    fn passing_over_lines_agrees_with_visiting_them() {
        let mut text = b"a\n\nbc".repeat(3_000);
        text.extend_from_slice(&[b'z'; 10_000]);
        text.extend_from_slice(b"\nx\ny");
        let all: Vec<_> = Block::new("test", FIRST, &text).lines().collect();
        for n in (0..40).chain([1_000, 5_997, 6_000, all.len() - 1, all.len(), usize::MAX]) {
            let mut lines = Block::new("test", FIRST, &text).lines();
            for from in [0, 1, n.saturating_add(2)] {
                lines = Block::new("test", FIRST, &text).lines();
                lines.by_ref().take(from).for_each(drop);
                let wanted = from.saturating_add(n);
                assert!(lines.nth(n) == all.get(wanted).copied(), "{from} + {n}");
            }
            assert_eq!(lines.size_hint().0, lines.count());
        }
    }

    #[test]
    fn text_is_a_line_without_its_end() {
        for (raw, text) in [
            ("a\n", "a"),
            ("a\r\n", "a"),
            ("a", "a"),
            ("\n", ""),
            ("a\r\r\n", "a\r"),
        ] {
            let line = Line {
                position: FIRST,
                raw: raw.as_bytes(),
            };
            assert_eq!(line.text(), text.as_bytes(), "{raw:?}");
        }
    }
}
