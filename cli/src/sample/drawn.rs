//! Lines that were drawn, and drawing them without copying the others.

use forebay::random::{DefaultRng, JobSeed};
use serde::{Deserialize, Serialize};

use crate::input::block::{Line, text_of};
use crate::place::Position;

/// The generator of the sample of all lines.
pub(crate) fn rng_of(seed: u64) -> DefaultRng {
    JobSeed::new(seed).partition_rng(0, 0, 0)
}

/// A line that was drawn, for now.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Drawn {
    /// The run that drew it, by its seed.
    pub(crate) run: u64,
    /// Where it stands in the input of that run.
    pub(crate) position: Position,
    /// As it was read, line end and all.
    pub(crate) raw: Box<[u8]>,
}

impl Drawn {
    pub(crate) fn new(run: u64, line: Line<'_>) -> Self {
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
}

/// Lines that are copied only when they are asked for: those passed over by `nth` are not.
pub(crate) struct Draw<I> {
    pub(crate) run: u64,
    pub(crate) lines: I,
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
