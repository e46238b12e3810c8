//! The ranking of the heaviest items of a summary.

use std::io::Write;

use forebay::frequent::{MisraGries, Weight};
use serde::Serialize;

use crate::error::Error;
use crate::output::format::{Format, Number, percent, printable, text, write_csv, write_json};
use crate::output::table::{Align, Table, bar};

/// The ranking in the form that scripts rely on.
#[derive(Debug, Serialize)]
pub(crate) struct Ranking {
    total: Number,
    max_error: Number,
    pub(crate) rows: Vec<Row>,
    /// The number of counters of the summary.
    #[serde(skip)]
    k: usize,
}

#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) item: String,
    pub(crate) lower: Number,
    pub(crate) upper: Number,
    pub(crate) share: f64,
}

impl Ranking {
    /// The `n` heaviest items.
    pub(crate) fn new<K, W>(summary: &MisraGries<K, W>, n: usize) -> Self
    where
        K: Ord + AsRef<[u8]>,
        W: Weight + Into<Number>,
    {
        let total = summary.total_weight().into();
        let rows = summary.top(n).into_iter().map(|row| {
            let lower: Number = row.count.lower.into();
            Row {
                item: text(row.key.as_ref()),
                lower,
                upper: row.count.upper.into(),
                share: lower.share_of(total),
            }
        });
        Self {
            total,
            max_error: summary.max_error().into(),
            rows: rows.collect(),
            k: summary.k(),
        }
    }

    pub(crate) fn write(&self, format: Format, out: &mut impl Write) -> Result<(), Error> {
        match format {
            Format::Table => self.write_table(out),
            Format::Json => write_json(self, out),
            Format::Csv => {
                let rows = self.rows.iter().map(Ok);
                write_csv(&["item", "lower", "upper", "share"], rows, out)
            }
        }
    }

    pub(crate) fn write_table(&self, out: &mut impl Write) -> Result<(), Error> {
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
                percent(row.share),
                bar(row.lower.share_of(scale), row.upper.share_of(scale)),
                printable(&row.item).into_owned(),
            ]);
        }
        table.write(out)?;
        self.write_error(out)
    }

    /// The last line of the table: how wide the bounds are.
    fn write_error(&self, out: &mut impl Write) -> Result<(), Error> {
        let Self {
            total,
            max_error,
            k,
            ..
        } = self;
        write!(out, "total {total}; ")?;
        if max_error.as_f64() == 0.0 {
            writeln!(out, "all counts are exact")?;
        } else {
            let bound = total.as_f64() / (*k as f64 + 1.0);
            writeln!(
                out,
                "true counts are at most {max_error} above lower (with -k {k} never more than {bound:.0})"
            )?;
        }
        Ok(())
    }
}
