//! Blocks of lines. A line is the bytes up to and including `\n`, which only the last line may lack.
//!
//! Nothing is decoded, and no line is copied.

use std::iter;
use std::sync::Arc;

use memchr::{memchr, memchr_iter};

use crate::error::{BadLine, Error, Problem};
use crate::input::skip::Skipper;
use crate::place::Position;

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

    /// As it was read, with its line end.
    pub(crate) fn raw(self) -> &'a [u8] {
        self.raw
    }

    /// Without its `\n` or `\r\n`.
    pub(crate) fn text(self) -> &'a [u8] {
        text_of(self.raw)
    }
}

/// A line without its `\n` or `\r\n`.
pub(crate) fn text_of(raw: &[u8]) -> &[u8] {
    let text = raw.strip_suffix(b"\n").unwrap_or(raw);
    text.strip_suffix(b"\r").unwrap_or(text)
}

/// Consecutive complete lines of one source.
#[derive(Debug)]
pub(crate) struct Block<'a> {
    /// The name of the source in messages.
    name: &'a Arc<str>,
    lines: Lines<'a>,
}

impl<'a> Block<'a> {
    /// A block of `bytes`, which contain `line_ends` line ends.
    pub(crate) fn new(
        name: &'a Arc<str>,
        first: Position,
        bytes: &'a [u8],
        line_ends: usize,
    ) -> Self {
        let lines = Lines::new(first, bytes, line_ends);
        Self { name, lines }
    }

    /// All its lines, with their line ends.
    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.lines.rest
    }

    pub(crate) fn lines(&self) -> Lines<'a> {
        self.lines.clone()
    }

    /// The position after its last line.
    pub(crate) fn end(&self) -> Position {
        self.lines.position.after(self.lines.left)
    }

    /// The same lines in blocks of at most `most` lines.
    pub(crate) fn parts(&self, most: usize) -> impl Iterator<Item = Self> {
        let (name, mut rest) = (self.name, self.lines.clone());
        iter::from_fn(move || {
            let lines = rest.split_off_first(most)?;
            Some(Self { name, lines })
        })
    }

    /// A copy that can be sent to another thread.
    pub(crate) fn to_owned(&self) -> OwnedBlock {
        OwnedBlock {
            name: Arc::clone(self.name),
            first: self.lines.position,
            count: self.lines.left,
            bytes: self.lines.rest.to_vec(),
        }
    }

    /// Calls `visit` with every line. A problem ends this, or the line is skipped.
    ///
    /// # Errors
    ///
    /// The first problem, with its file and line, unless `skipper` skips it.
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
            name: Arc::clone(self.name),
            position: line.position,
            text: line.text().to_vec(),
            problem,
        }))
    }
}

/// A block that owns its bytes.
#[derive(Debug)]
pub(crate) struct OwnedBlock {
    name: Arc<str>,
    first: Position,
    /// The number of lines in `bytes`.
    count: usize,
    bytes: Vec<u8>,
}

impl OwnedBlock {
    pub(crate) fn as_block(&self) -> Block<'_> {
        Block {
            name: &self.name,
            lines: Lines {
                rest: &self.bytes,
                position: self.first,
                left: self.count,
            },
        }
    }
}

/// The lines of a block. It knows how many are left, and `nth` passes over many at once.
#[derive(Clone, Debug)]
pub(crate) struct Lines<'a> {
    rest: &'a [u8],
    /// The position of the first line in `rest`.
    position: Position,
    /// The number of lines in `rest`.
    left: usize,
}

impl<'a> Lines<'a> {
    fn new(first: Position, bytes: &'a [u8], line_ends: usize) -> Self {
        let unfinished = !bytes.is_empty() && !bytes.ends_with(b"\n");
        Self {
            rest: bytes,
            position: first,
            left: line_ends + usize::from(unfinished),
        }
    }

    /// Removes the first lines, at most `most`, and returns them; `None` if there are none.
    fn split_off_first(&mut self, most: usize) -> Option<Self> {
        let (position, left) = (self.position, self.left.min(most));
        if left == 0 {
            return None;
        }
        // The last line may have no end that could be counted.
        let length = match left == self.left {
            true => self.rest.len(),
            false => length_of_lines(self.rest, left),
        };
        Some(Self {
            rest: self.advance(length, left),
            position,
            left,
        })
    }

    fn advance(&mut self, bytes: usize, lines: usize) -> &'a [u8] {
        let (passed, rest) = self.rest.split_at(bytes);
        self.rest = rest;
        self.left -= lines;
        self.position = self.position.after(lines);
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

    /// Only counts line ends, at about the speed of memory.
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

impl ExactSizeIterator for Lines<'_> {}

/// The length of the first `n` lines of `bytes`, which contains at least `n` line ends.
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

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Position = Position::nth(1);

    fn lines(bytes: &[u8]) -> Lines<'_> {
        let line_ends = memchr_iter(b'\n', bytes).count();
        Lines::new(FIRST, bytes, line_ends)
    }

    fn lines_of(bytes: &[u8]) -> Vec<(u64, &[u8])> {
        lines(bytes)
            .map(|line| (line.position.line(), line.raw))
            .collect()
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
        let all: Vec<_> = lines(&text).collect();
        for n in (0..40).chain([1_000, 5_997, 6_000, all.len() - 1, all.len(), usize::MAX]) {
            for from in [0, 1, n.saturating_add(2)] {
                let mut left = lines(&text);
                left.by_ref().take(from).for_each(drop);
                let wanted = from.saturating_add(n);
                assert!(left.nth(n) == all.get(wanted).copied(), "{from} + {n}");
                assert_eq!(left.size_hint().0, left.count());
            }
        }
    }

    #[test]
    fn the_parts_of_a_block_are_its_lines_in_turn() {
        let name = "test".into();
        let text = b"a\n\nb\r\nlast";
        let block = Block::new(&name, FIRST, text, 3);
        for most in 1..6 {
            let parts: Vec<_> = block.parts(most).collect();
            assert_eq!(parts.len(), 4usize.div_ceil(most));
            assert!(parts.iter().flat_map(Block::lines).eq(block.lines()));
            assert!(parts.iter().all(|part| part.lines().len() <= most));
        }
        assert_eq!(Block::new(&name, FIRST, b"", 0).parts(3).count(), 0);
    }

    #[test]
    fn an_owned_block_equals_the_block_it_was_copied_from() {
        let name = "test".into();
        let block = Block::new(&name, FIRST, b"a\nb\nc", 2);
        let owned = block.to_owned();
        assert!(owned.as_block().lines().eq(block.lines()));
        assert_eq!(owned.as_block().end(), Position::nth(4));
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
