//! What is printed: a line for each batch, and the report at the end.

use std::cell::Cell;
use std::fmt;
use std::io::Write;

use forebay::frequent::MisraGries;
use serde::ser::{Error as _, SerializeSeq, SerializeStruct};
use serde::{Serialize, Serializer};

use crate::args::StreamArgs;
use crate::command::stream::items::{ItemStates, Items, Sampled};
use crate::command::stream::record::Text;
use crate::command::stream::results::Found;
use crate::error::Error;
use crate::frequent::ranking::Ranking;
use crate::output::format::{Format, Number, percent, printable, text, write_csv, write_json};
use crate::output::message::counted;
use crate::output::message::say;
use crate::output::table::{Align, Table, bar};

/// Prints the progress of the stream and the most frequent item of the batch to standard error.
pub(crate) fn report_batch(found: &Found, batch: &MisraGries<Text>) {
    let leader = batch.top(1).first().map_or_else(String::new, |row| {
        format!(", most frequent now: {}", printable(&text(row.key)))
    });
    let lines = counted(found.lines, "line", "lines");
    let items = counted(found.items, "item", "items");
    let number = found.batches;
    say(format_args!(
        "batch {number}: {lines} and {items} so far{leader}"
    ));
}

/// The report. Items are written as they are read, so that they need not all be in memory.
pub(crate) struct Report {
    pub(crate) batches: u64,
    pub(crate) lines: u64,
    pub(crate) items: Items,
    pub(crate) ranking: Ranking,
    /// The number of batches that the heavy hitters are of; `None` means all.
    window: Option<usize>,
    /// Why state could not be read, if that was found while the report was written.
    failure: Cell<Option<Error>>,
}

/// In the form that scripts rely on.
impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let counts = || {
            let rows = self.items.rows();
            rows.map(|row| self.kept(row).map(Counted::from))
        };
        let sampled = || self.items.sampled().map(|sampled| self.kept(sampled));
        let mut report = serializer.serialize_struct("Report", 6)?;
        report.serialize_field("batches", &self.batches)?;
        report.serialize_field("records", &self.lines)?;
        report.serialize_field("keys", &self.items.distinct)?;
        report.serialize_field("counts", &Listed(counts))?;
        report.serialize_field("heavy_hitters", &Bounds(&self.ranking))?;
        // For the items in `counts`, in the same order.
        report.serialize_field("samples", &Listed(sampled))?;
        report.end()
    }
}

/// State could not be read; the report keeps the error, since serializers keep only its text.
#[derive(Debug)]
pub(crate) struct Unread;

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("state cannot be read")
    }
}

impl std::error::Error for Unread {}

/// A list whose elements are read one by one.
struct Listed<F>(F);

impl<T: Serialize, I: Iterator<Item = Result<T, Unread>>, F: Fn() -> I> Serialize for Listed<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        for element in (self.0)() {
            list.serialize_element(&element.map_err(S::Error::custom)?)?;
        }
        list.end()
    }
}

#[derive(Debug, Serialize)]
struct Counted {
    item: String,
    count: u64,
}

impl From<(Text, u64)> for Counted {
    fn from((item, count): (Text, u64)) -> Self {
        let item = text(&item);
        Self { item, count }
    }
}

/// The bounds of the heavy hitters alone.
struct Bounds<'a>(&'a Ranking);

impl Serialize for Bounds<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct HeavyHitter<'a> {
            item: &'a str,
            lower: Number,
            upper: Number,
        }
        serializer.collect_seq(self.0.rows.iter().map(|row| HeavyHitter {
            item: &row.item,
            lower: row.lower,
            upper: row.upper,
        }))
    }
}

/// The columns of the counts.
const COLUMNS: [(&str, Align); 5] = [
    ("rank", Align::Right),
    ("count", Align::Right),
    ("share", Align::Right),
    ("", Align::Left),
    ("item", Align::Left),
];

impl Report {
    /// # Errors
    ///
    /// If spilled state cannot be read.
    pub(crate) fn new(found: &Found, states: ItemStates, args: &StreamArgs) -> Result<Self, Error> {
        let heavy = found.window.merged()?;
        let heavy = heavy.unwrap_or_else(|| MisraGries::new(args.k.get()));
        let items = Items::new(states, args)?;
        let shown = if args.top == 0 { usize::MAX } else { args.top };
        Ok(Self {
            batches: found.batches,
            lines: found.lines,
            ranking: Ranking::new(&heavy, shown),
            items,
            window: args.window_batches()?,
            failure: Cell::new(None),
        })
    }

    /// A result whose error is kept here.
    pub(crate) fn kept<T>(&self, result: Result<T, Error>) -> Result<T, Unread> {
        result.map_err(|error| {
            self.failure.set(Some(error));
            Unread
        })
    }

    /// The error that was kept, or else the one that came of it.
    pub(crate) fn cause(&self, error: Error) -> Error {
        self.failure.take().unwrap_or(error)
    }

    pub(crate) fn write(&self, args: &StreamArgs, out: &mut impl Write) -> Result<(), Error> {
        match args.format {
            Format::Table => self.write_tables(out),
            Format::Json => write_json(self, out).map_err(|error| self.cause(error)),
            Format::Csv => {
                let rows = self.items.rows().map(|row| row.map(Counted::from));
                write_csv(&["item", "count"], rows, out)
            }
        }
    }

    fn write_tables(&self, out: &mut impl Write) -> Result<(), Error> {
        writeln!(out, "{}\n", self.sizes())?;
        self.write_counts(out)?;
        let window = self.window_text();
        writeln!(out, "\nheavy hitters{window}:")?;
        self.ranking.write_table(out)?;
        self.write_samples(out)
    }

    /// The numbers of batches, lines and items.
    pub(crate) fn sizes(&self) -> String {
        let batches = counted(self.batches, "batch", "batches");
        let lines = counted(self.lines, "line", "lines");
        let items = counted(self.items.distinct as u64, "item", "items");
        format!("{batches}, {lines}, {items}")
    }

    /// The number of batches that the heavy hitters are of; empty if of all.
    pub(crate) fn window_text(&self) -> String {
        self.window.map_or_else(String::new, |batches| {
            let batches = counted(batches as u64, "batch", "batches");
            format!(" of the last {batches}")
        })
    }

    /// The first row has the highest count, the largest share and the longest bar. With the last rank,
    /// it is the widest row.
    fn write_counts(&self, out: &mut impl Write) -> Result<(), Error> {
        let mut widest = Table::new(&COLUMNS);
        if let Some(leader) = self.items.leader() {
            widest.push(self.cells(self.items.shown, leader));
        }
        let columns = widest.columns();
        columns.write(&COLUMNS.map(|(title, _)| title.to_owned()), out)?;
        for (rank, row) in (1..).zip(self.items.rows()) {
            columns.write(&self.cells(rank, &row?), out)?;
        }
        Ok(())
    }

    fn cells(&self, rank: usize, (item, count): &(Text, u64)) -> [String; 5] {
        let largest = self.items.leader().map_or(0, |(_, count)| *count);
        let (count, largest) = (Number::from(*count), Number::from(largest));
        let length = count.share_of(largest);
        [
            format!("{rank}"),
            count.to_string(),
            percent(count.share_of(Number::from(self.items.total))),
            bar(length, length),
            printable(&text(item)).into_owned(),
        ]
    }

    fn write_samples(&self, out: &mut impl Write) -> Result<(), Error> {
        let mut samples = self.items.sampled().peekable();
        if samples.peek().is_some() {
            writeln!(out, "\nlines drawn at random:")?;
        }
        for sampled in samples {
            let Sampled { item, lines } = sampled?;
            writeln!(out, "{}", printable(&item))?;
            for line in &lines {
                writeln!(out, "    {}", printable(line))?;
            }
        }
        Ok(())
    }
}
