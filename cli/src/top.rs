//! `forebay top`: the most frequent items, with certain bounds.

use std::io::Write;

use forebay::frequent::{self, MisraGries};
use serde::Serialize;

use crate::args::{Format, TopArgs};
use crate::error::{Error, Problem};
use crate::field::FieldNumber;
use crate::format::{Number, printable};
use crate::input::{read_blocks, total_bytes};
use crate::keys::KeyFinder;
use crate::progress::Progress;
use crate::table::{Align, Table, bar};

/// Reads the input and prints its most frequent items.
///
/// # Errors
///
/// Unreadable or bad input, unless it is to be skipped, and failing output.
pub(crate) fn run(args: &TopArgs, out: &mut impl Write) -> Result<(), Error> {
    let n = args.n.get();
    let report = match args.weight_field {
        None => Report::new(&count(args)?, n),
        Some(field) => Report::new(&weigh(args, field)?, n),
    };
    match args.format {
        Format::Table => report.write_table(args.k.get(), out),
        Format::Json => report.write_json(out),
        Format::Csv => report.write_csv(out),
    }
}

fn count(args: &TopArgs) -> Result<MisraGries<Vec<u8>>, Error> {
    let mut summary = MisraGries::new(args.k.get());
    let mut keys = KeyFinder::new(&args.keys, args.delimiter.separator());
    let progress = Progress::towards(total_bytes(&args.input));
    read_blocks(&args.input, progress, |block, skipper| {
        keys.in_block(block, skipper, |key| summary.update_ref(key))
    })?;
    Ok(summary)
}

fn weigh(args: &TopArgs, field: FieldNumber) -> Result<MisraGries<Vec<u8>, f64>, Error> {
    let mut summary = MisraGries::new(args.k.get());
    let separator = args.delimiter.separator();
    let mut keys = KeyFinder::new(&args.keys, separator.clone());
    let progress = Progress::towards(total_bytes(&args.input));
    read_blocks(&args.input, progress, |block, skipper| {
        block.try_lines(skipper, |line| {
            let weight = separator.weight(line.text(), field)?;
            keys.in_line(line, |key| {
                let updated = summary.try_update_weighted_ref(key, weight.get());
                updated.map_err(|_| Problem::TotalTooLarge)
            })
        })
    })?;
    Ok(summary)
}

/// What is printed, in the shape that scripts rely on.
#[derive(Debug, Serialize)]
struct Report {
    total: Number,
    max_error: Number,
    rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    item: String,
    lower: Number,
    upper: Number,
    share: f64,
}

impl Report {
    fn new<W: frequent::Weight + Into<Number>>(summary: &MisraGries<Vec<u8>, W>, n: usize) -> Self {
        let total = summary.total_weight().into();
        let rows = summary.top(n).into_iter().map(|row| {
            let lower: Number = row.count.lower.into();
            Row {
                item: String::from_utf8_lossy(row.key).into_owned(),
                lower,
                upper: row.count.upper.into(),
                share: lower.share_of(total),
            }
        });
        Self {
            total,
            max_error: summary.max_error().into(),
            rows: rows.collect(),
        }
    }

    fn write_table(&self, k: usize, out: &mut impl Write) -> Result<(), Error> {
        let mut table = Table::new(&[
            ("rank", Align::Right),
            ("lower", Align::Right),
            ("upper", Align::Right),
            ("share", Align::Right),
            ("", Align::Left),
            ("item", Align::Left),
        ]);
        let scale = self.rows.first().map_or(Number::Count(0), |row| row.upper);
        for (rank, row) in (1..).zip(&self.rows) {
            table.push([
                format!("{rank}"),
                row.lower.to_string(),
                row.upper.to_string(),
                format!("{:.2}%", 100.0 * row.share),
                bar(row.lower.share_of(scale), row.upper.share_of(scale)),
                printable(&row.item).into_owned(),
            ]);
        }
        table.write(out)?;
        self.write_error(k, out)
    }

    /// The last line of the table: how far the bounds can be from the truth.
    fn write_error(&self, k: usize, out: &mut impl Write) -> Result<(), Error> {
        let Self {
            total, max_error, ..
        } = self;
        write!(out, "total {total}; ")?;
        if max_error.as_f64() == 0.0 {
            writeln!(out, "all counts are exact")?;
        } else {
            let bound = total.as_f64() / (k as f64 + 1.0);
            writeln!(
                out,
                "true counts are at most {max_error} above lower (with -k {k} never more than {bound:.0})"
            )?;
        }
        Ok(())
    }

    fn write_json(&self, out: &mut impl Write) -> Result<(), Error> {
        serde_json::to_writer(&mut *out, self)?;
        Ok(writeln!(out)?)
    }

    fn write_csv(&self, out: &mut impl Write) -> Result<(), Error> {
        let mut csv = csv::WriterBuilder::new()
            .has_headers(false)
            .from_writer(out);
        csv.write_record(["item", "lower", "upper", "share"])?;
        for row in &self.rows {
            csv.serialize(row)?;
        }
        Ok(csv.flush()?)
    }
}
