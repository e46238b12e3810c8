//! What is printed: a line for each batch, and everything when the stream has ended.

use std::collections::HashMap;
use std::io::Write;

use forebay::frequent::MisraGries;
use serde::{Serialize, Serializer};

use crate::args::{Format, StreamArgs};
use crate::error::{Error, say};
use crate::format::{Number, counted, percent, printable, text, write_csv, write_json};
use crate::ranking::Ranking;
use crate::stream::record::Text;
use crate::stream::results::{Found, SharedSample};
use crate::table::{Align, Table, bar};

/// Says on standard error how far the stream is and what is frequent in the batch.
pub(crate) fn tell_batch(found: &Found, batch: &MisraGries<Text>) {
    let leader = batch.top(1).first().map_or_else(String::new, |row| {
        format!(", most frequent now: {}", printable(&text(row.key)))
    });
    let lines = counted(found.lines, "line", "lines");
    let items = counted(found.counts.len() as u64, "item", "items");
    let number = found.batches;
    say(format_args!(
        "batch {number}: {lines} and {items} so far{leader}"
    ));
}

/// The results, in the shape that scripts rely on.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) batches: u64,
    pub(crate) records: u64,
    pub(crate) keys: usize,
    counts: Vec<Counted>,
    #[serde(rename = "heavy_hitters", serialize_with = "bounds_alone")]
    pub(crate) ranking: Ranking,
    /// For the items in `counts`, in the same order.
    pub(crate) samples: Vec<Sampled>,
    /// The sum of all counts, also of those that are not shown.
    #[serde(skip)]
    total: u64,
    /// How many batches the heavy hitters are of, if not of all.
    #[serde(skip)]
    window: Option<usize>,
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

#[derive(Debug, Serialize)]
pub(crate) struct Sampled {
    pub(crate) item: String,
    pub(crate) lines: Vec<String>,
}

/// The samples of the items in `counts`.
fn sampled(counts: &[(Text, u64)], samples: Vec<(Text, SharedSample)>) -> Vec<Sampled> {
    let samples: HashMap<Text, SharedSample> = samples.into_iter().collect();
    let sampled = counts.iter().filter_map(|(item, _)| {
        Some(Sampled {
            lines: samples.get(item)?.drawn().items,
            item: text(item),
        })
    });
    sampled.collect()
}

fn bounds_alone<S: Serializer>(ranking: &Ranking, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct HeavyHitter<'a> {
        item: &'a str,
        lower: Number,
        upper: Number,
    }
    serializer.collect_seq(ranking.rows.iter().map(|row| HeavyHitter {
        item: &row.item,
        lower: row.lower,
        upper: row.upper,
    }))
}

impl Report {
    pub(crate) fn new(found: Found, args: &StreamArgs, window: Option<usize>) -> Self {
        let shown = if args.top == 0 { usize::MAX } else { args.top };
        let heavy = found.window.merged();
        let heavy = heavy.unwrap_or_else(|| MisraGries::new(args.k.get()));
        let mut counts = found.counts;
        let (keys, total) = (counts.len(), counts.iter().map(|(_, count)| count).sum());
        counts.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        counts.truncate(shown);
        Self {
            batches: found.batches,
            records: found.lines,
            keys,
            samples: sampled(&counts, found.samples),
            counts: counts.into_iter().map(Counted::from).collect(),
            ranking: Ranking::new(&heavy, shown),
            total,
            window,
        }
    }

    pub(crate) fn write(&self, args: &StreamArgs, out: &mut impl Write) -> Result<(), Error> {
        match args.format {
            Format::Table => self.write_tables(out),
            Format::Json => write_json(self, out),
            Format::Csv => write_csv(&["item", "count"], &self.counts, out),
        }
    }

    fn write_tables(&self, out: &mut impl Write) -> Result<(), Error> {
        let batches = counted(self.batches, "batch", "batches");
        let lines = counted(self.records, "line", "lines");
        let items = counted(self.keys as u64, "item", "items");
        writeln!(out, "{batches}, {lines}, {items}\n")?;
        self.counts_table().write(out)?;
        let window = self.window_text();
        writeln!(out, "\nheavy hitters{window}:")?;
        self.ranking.write_table(out)?;
        self.write_samples(out)
    }

    /// Of how many batches the heavy hitters are; nothing if of all.
    pub(crate) fn window_text(&self) -> String {
        self.window.map_or_else(String::new, |batches| {
            let batches = counted(batches as u64, "batch", "batches");
            format!(" of the last {batches}")
        })
    }

    fn counts_table(&self) -> Table {
        let mut table = Table::new(&[
            ("rank", Align::Right),
            ("count", Align::Right),
            ("share", Align::Right),
            ("", Align::Left),
            ("item", Align::Left),
        ]);
        let (total, largest) = (
            Number::from(self.total),
            Number::from(self.counts.first().map_or(0, |row| row.count)),
        );
        for (rank, row) in (1..).zip(&self.counts) {
            let count = Number::from(row.count);
            let length = count.share_of(largest);
            table.push([
                format!("{rank}"),
                count.to_string(),
                percent(count.share_of(total)),
                bar(length, length),
                printable(&row.item).into_owned(),
            ]);
        }
        table
    }

    fn write_samples(&self, out: &mut impl Write) -> Result<(), Error> {
        if !self.samples.is_empty() {
            writeln!(out, "\nlines drawn at random:")?;
        }
        for Sampled { item, lines } in &self.samples {
            writeln!(out, "{}", printable(item))?;
            for line in lines {
                writeln!(out, "    {}", printable(line))?;
            }
        }
        Ok(())
    }
}
