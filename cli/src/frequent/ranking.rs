//! The ranking of the heaviest items of a summary.

use std::io::Write;

use serde::Serialize;

use super::sums::Sums;
use crate::error::Error;
use crate::output::format::{
    Format, Number, at_least, bounds, percent, printable, text, write_csv, write_json,
};
use crate::output::table::{Align, Table, bar};

/// The ranking in the form that scripts rely on.
#[derive(Debug, Serialize)]
pub(crate) struct Ranking {
    total: Number,
    /// The most by which an upper bound exceeds its lower bound.
    max_error: Number,
    pub(crate) rows: Vec<Row>,
    /// What `max_error` never exceeds, with the number of counters of the summary.
    #[serde(skip)]
    error_bound: Number,
    #[serde(skip)]
    k: usize,
    #[serde(skip)]
    precision: Precision,
    /// How far the total may be from the true one.
    #[serde(skip)]
    total_error: f64,
}

/// How wide the bounds are.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Precision {
    /// They are the truth.
    Exact,
    /// They are apart only because sums of floating-point numbers are rounded.
    Rounded,
    /// Counters were reduced.
    Bounded,
}

#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) item: String,
    pub(crate) lower: Number,
    pub(crate) upper: Number,
    pub(crate) share: f64,
}

impl Ranking {
    /// The `n` heaviest items. The bounds hold for the true sums: where adding may have rounded, they
    /// are as much wider.
    pub(crate) fn new<S: Sums>(summary: &S, n: usize) -> Self {
        let total = summary.total();
        let relative = summary.relative_error();
        let row = |(item, lower, upper): (&S::Item, Number, Number)| {
            let share = lower.share_of(total);
            let (lower, upper) = Number::widened(lower, upper, relative);
            Row {
                item: text(item.as_ref()),
                lower,
                upper,
                share,
            }
        };
        let mut rows: Vec<Row> = summary.top(n.max(1)).into_iter().map(row).collect();
        // No upper bound is larger than the first or than the error of an item without a counter.
        let largest = rows.first().map_or(0.0, |row| row.upper.as_f64());
        let largest = largest.max(summary.max_error().as_f64());
        rows.truncate(n);
        let widest = |error: Number| match relative {
            0.0 => error,
            _ => (error.as_f64() + 3.0 * relative * largest).into(),
        };
        Self {
            total,
            max_error: widest(summary.max_error()),
            error_bound: widest(summary.error_bound()),
            rows,
            k: summary.k(),
            total_error: total.as_f64() * relative,
            precision: match (summary.max_error().as_f64() == 0.0, relative == 0.0) {
                (true, true) => Precision::Exact,
                (true, false) => Precision::Rounded,
                (false, _) => Precision::Bounded,
            },
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
            let [lower, upper] = row.bounds();
            table.push([
                format!("{rank}"),
                lower,
                upper,
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
        let Self { total, k, .. } = self;
        let [error, bound] = [self.max_error, self.error_bound].map(|number| match number {
            Number::Count(count) => count.to_string(),
            Number::Weight(weight) => at_least(weight),
        });
        match self.precision {
            Precision::Exact => writeln!(out, "total {total}; all counts are exact")?,
            Precision::Rounded => {
                let (total, error) = (total.as_f64(), self.total_error);
                let [lower, upper] = bounds(total - error, total + error);
                match lower == upper {
                    true => writeln!(
                        out,
                        "total {lower}; sums are rounded, and right in the digits shown"
                    )?,
                    false => writeln!(out, "total between {lower} and {upper}; sums are rounded")?,
                }
            }
            Precision::Bounded => writeln!(
                out,
                "total {total}; true counts are at most {error} above lower (with -k {k} never \
                 more than {bound})"
            )?,
        }
        Ok(())
    }
}

impl Row {
    /// Both bounds for people.
    fn bounds(&self) -> [String; 2] {
        if let (Number::Weight(lower), Number::Weight(upper)) = (self.lower, self.upper)
            && [lower, upper].iter().any(|bound| bound.fract() != 0.0)
            && lower < upper
        {
            return bounds(lower, upper);
        }
        [self.lower, self.upper].map(|number| number.to_string())
    }
}
