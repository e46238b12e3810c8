//! Lines that were drawn; other lines are not copied.

use forebay::random::{DefaultRng, JobSeed};
use serde::{Deserialize, Serialize};

use crate::input::block::{Line, text_of};
use crate::input::field::Separator;
use crate::place::Position;

/// The generator of the sample of all lines.
pub(crate) fn rng_of(seed: u64) -> DefaultRng {
    JobSeed::new(seed).partition_rng(0, 0, 0)
}

/// A line in a sample.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Drawn {
    /// The seed of the run that drew it.
    pub(crate) run: u64,
    /// Its position in the input of that run.
    pub(crate) position: Position,
    /// As it was read, with its line end.
    pub(crate) raw: Box<[u8]>,
}

impl Drawn {
    fn new(run: u64, line: Line<'_>) -> Self {
        Self {
            run,
            position: line.position(),
            raw: line.raw().into(),
        }
    }

    /// Without its line end.
    pub(crate) fn text(&self) -> &[u8] {
        text_of(&self.raw)
    }

    pub(crate) fn into_text(self) -> Vec<u8> {
        self.text().to_vec()
    }
}

/// What drawing lines and reading their fields needs.
#[derive(Debug)]
pub(crate) struct DrawContext {
    /// The seed of the run, which identifies it.
    pub(crate) run: u64,
    pub(crate) separator: Separator,
}

impl DrawContext {
    pub(crate) fn drawn(&self, line: Line<'_>) -> Drawn {
        Drawn::new(self.run, line)
    }

    pub(crate) const fn draw<I>(&self, lines: I) -> Draw<I> {
        Draw {
            run: self.run,
            lines,
        }
    }
}

/// Lines, each copied when it is returned: `nth` does not copy the lines it passes over.
pub(crate) struct Draw<I> {
    run: u64,
    lines: I,
}

impl<'a, I: Iterator<Item = Line<'a>>> Iterator for Draw<I> {
    type Item = Drawn;

    fn next(&mut self) -> Option<Drawn> {
        self.lines.next().map(|line| Drawn::new(self.run, line))
    }

    fn nth(&mut self, n: usize) -> Option<Drawn> {
        self.lines.nth(n).map(|line| Drawn::new(self.run, line))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.lines.size_hint()
    }
}
