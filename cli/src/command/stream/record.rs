//! The records of the stream: lines, and the items in them.

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::Arc;

use forebay::hash::DefaultHashBuilder;

use crate::args::StreamArgs;
use crate::error::Error;
use crate::input::chunk::Delivery;
use crate::input::field::Separator;
use crate::input::progress::Progress;
use crate::input::read::read_blocks;
use crate::input::skip::Skipper;
use crate::input::source::Source;
use crate::input::words::WordFinder;
use crate::place::FieldNumber;
use crate::place::Position;

/// Shared bytes.
pub(crate) type Text = Arc<[u8]>;

/// A line with its position; the lines of a sample are sorted by position.
pub(crate) type PlacedLine = (Position, Text);

/// One line of input.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    line: PlacedLine,
    /// Its item; `None` if its items are its words.
    field: Option<Text>,
}

/// One item in a line.
#[derive(Clone, Debug)]
pub(crate) struct Occurrence {
    pub(crate) item: Text,
    /// The line, if this is the first occurrence of the item in it: a line is offered to the sample
    /// of an item only once.
    pub(crate) line: Option<PlacedLine>,
}

impl Record {
    /// About how many bytes of memory it takes.
    pub(crate) fn memory(&self) -> usize {
        /// The counts of a shared text, and what the allocator keeps of it.
        const SHARED: usize = 32;
        let field = self.field.as_ref().map_or(0, |field| SHARED + field.len());
        size_of::<Self>() + SHARED + self.line.1.len() + field
    }

    /// The items in the line, in order.
    pub(crate) fn into_occurrences(self) -> Vec<Occurrence> {
        let Self { line, field } = self;
        match field {
            Some(item) => vec![Occurrence {
                item,
                line: Some(line),
            }],
            None => words(&line),
        }
    }
}

fn words(line: &PlacedLine) -> Vec<Occurrence> {
    let mut seen: HashSet<Text, DefaultHashBuilder> = HashSet::default();
    let mut found = Vec::new();
    let Ok(()) = WordFinder::default().for_each::<Infallible>(&line.1, |word| {
        let occurrence = match seen.get(word) {
            Some(item) => Occurrence {
                item: Arc::clone(item),
                line: None,
            },
            None => Occurrence {
                item: Text::from(word),
                line: Some(line.clone()),
            },
        };
        if occurrence.line.is_some() {
            seen.insert(Arc::clone(&occurrence.item));
        }
        found.push(occurrence);
        Ok(())
    });
    found
}

/// The most records that are made at once: few, since a block may hold very many short lines.
const AT_ONCE: usize = 1 << 10;

/// Reads the input as records.
pub(crate) struct RecordReader {
    sources: Vec<Source>,
    separator: Separator,
    field: Option<FieldNumber>,
    skipper: Skipper,
}

impl RecordReader {
    pub(crate) fn new(args: &StreamArgs) -> Self {
        Self {
            sources: args.sources(),
            separator: args.delimiter.separator(),
            field: args.keys.field,
            skipper: Skipper::new(args.on_bad()),
        }
    }

    /// Reads the input and calls `visit` with some of the records at a time, as soon as they arrive.
    ///
    /// # Errors
    ///
    /// The first error of `visit`; unreadable files and lines without the field, unless they are
    /// skipped.
    pub(crate) fn read(
        mut self,
        mut visit: impl FnMut(Vec<Record>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        read_blocks(
            &self.sources,
            Delivery::AtOnce,
            &mut self.skipper,
            &Progress::hidden(),
            |block, skipper| {
                block.parts(AT_ONCE).try_for_each(|part| {
                    let mut records = Vec::with_capacity(part.lines().len());
                    part.try_lines(skipper, |line| {
                        let text = line.text();
                        let field = self.field.map(|number| self.separator.field(text, number));
                        records.push(Record {
                            field: field.transpose()?.map(Text::from),
                            line: (line.position(), Text::from(text)),
                        });
                        Ok(())
                    })?;
                    visit(records)
                })
            },
        )?;
        self.skipper.report();
        Ok(())
    }
}

/// A record of a line, without a field.
#[cfg(test)]
pub(crate) fn record_of(text: &[u8]) -> Record {
    Record {
        line: (Position::nth(1), Text::from(text)),
        field: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_offered_once_for_each_of_its_words() {
        let found = record_of(b"Ebb, ebb and EBB").into_occurrences();
        let items: Vec<&[u8]> = found.iter().map(|found| &*found.item).collect();
        assert_eq!(items, [&b"ebb"[..], b"ebb", b"and", b"ebb"]);
        let first: Vec<bool> = found.iter().map(|found| found.line.is_some()).collect();
        assert_eq!(first, [true, false, true, false]);
    }
}
