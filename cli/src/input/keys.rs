//! The items of a line: the line itself, one of its fields, or its words.

use crate::error::{Error, Problem};
use crate::input::block::{Block, Line};
use crate::input::field::Separator;
use crate::input::skip::Skipper;
use crate::input::words::WordFinder;
use crate::place::FieldNumber;

/// Finds the items of lines.
#[derive(Debug)]
pub(crate) enum KeyFinder {
    Line,
    Field(Separator, FieldNumber),
    Words(WordFinder),
}

impl KeyFinder {
    /// Calls `visit` with every item of a line.
    ///
    /// # Errors
    ///
    /// If the line does not have the field, or the first problem of `visit`.
    pub(crate) fn in_line(
        &mut self,
        line: Line<'_>,
        mut visit: impl FnMut(&[u8]) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        match self {
            Self::Line => visit(line.text()),
            Self::Field(separator, number) => visit(separator.field(line.text(), *number)?),
            Self::Words(finder) => finder.for_each(line.text(), visit),
        }
    }

    /// Calls `visit` with every item of a block.
    ///
    /// # Errors
    ///
    /// The first line without the field, unless `skipper` skips it.
    pub(crate) fn in_block(
        &mut self,
        block: &Block<'_>,
        skipper: &mut Skipper,
        mut visit: impl FnMut(&[u8]),
    ) -> Result<(), Error> {
        match self {
            // Words do not cross line ends, so there is no need to find the lines.
            Self::Words(finder) => finder.for_each(block.bytes(), |key| {
                visit(key);
                Ok(())
            }),
            Self::Line | Self::Field(..) => block.try_lines(skipper, |line| {
                self.in_line(line, |key| {
                    visit(key);
                    Ok(())
                })
            }),
        }
    }
}
