//! Aligned tables and bars.

use std::io::{self, Write};

/// The side of its column that a cell is aligned to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Align {
    Left,
    Right,
}

/// Rows of cells under a header, in columns as wide as their widest cell.
#[derive(Debug)]
pub(crate) struct Table {
    aligns: Vec<Align>,
    /// The header, then the rows; each as long as `aligns`.
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(columns: &[(&str, Align)]) -> Self {
        Self {
            aligns: columns.iter().map(|&(_, align)| align).collect(),
            rows: vec![columns.iter().map(|&(title, _)| title.to_owned()).collect()],
        }
    }

    /// Appends a row.
    ///
    /// # Panics
    ///
    /// If it does not have as many cells as the table has columns.
    #[track_caller]
    pub(crate) fn push<const N: usize>(&mut self, cells: [String; N]) {
        assert_eq!(N, self.aligns.len(), "a row has a cell for every column");
        self.rows.push(cells.into());
    }

    /// Writes the header and the rows, with two spaces between columns and none at the ends of lines.
    pub(crate) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let columns = self.columns();
        self.rows.iter().try_for_each(|row| columns.write(row, out))
    }

    /// Its columns, to write more rows without keeping them. Only the last column may be wider in
    /// those.
    pub(crate) fn columns(&self) -> Columns {
        let widest = |column: usize| self.rows.iter().map(|row| width(&row[column])).max();
        let widths = (0..self.aligns.len()).map(|column| widest(column).unwrap_or(0));
        Columns(self.aligns.iter().copied().zip(widths).collect())
    }
}

/// The alignment and width of columns.
#[derive(Debug)]
pub(crate) struct Columns(Vec<(Align, usize)>);

impl Columns {
    /// Writes a row as a line.
    pub(crate) fn write(&self, row: &[String], out: &mut impl Write) -> io::Result<()> {
        let mut line = String::new();
        for (cell, &(align, wide)) in row.iter().zip(&self.0) {
            let padding = " ".repeat(wide.saturating_sub(width(cell)));
            line += &match align {
                Align::Left => format!("{cell}{padding}  "),
                Align::Right => format!("{padding}{cell}  "),
            };
        }
        writeln!(out, "{}", line.trim_end_matches(' '))
    }
}

fn width(text: &str) -> usize {
    text.chars().count()
}

/// A bar of up to 20 cells for a number between two bounds, which are shares (0 to 1) of the full
/// scale: solid up to the lower bound, light from there to the upper bound.
pub(crate) fn bar(lower: f64, upper: f64) -> String {
    const CELLS: f64 = 20.0;
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (lower * CELLS * 8.0).round() as usize;
    let mut bar = "█".repeat(eighths / 8);
    bar += PARTS[eighths % 8];
    let light = ((upper * CELLS).round() as usize).saturating_sub(eighths.div_ceil(8));
    bar + &"░".repeat(light)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_have_no_spaces_at_the_end() {
        let mut table = Table::new(&[
            ("n", Align::Right),
            ("bar", Align::Left),
            ("item", Align::Left),
        ]);
        table.push(["10".into(), "█▏".into(), "a".into()]);
        table.push(["9".into(), String::new(), "bcdefg".into()]);
        let mut out = Vec::new();
        table.write(&mut out).expect("writing to memory succeeds");
        let text = String::from_utf8(out).expect("a table is UTF-8");
        assert_eq!(text, " n  bar  item\n10  █▏   a\n 9       bcdefg\n");
    }

    #[test]
    fn bars_are_solid_to_the_lower_bound_and_light_to_the_upper() {
        assert_eq!(bar(1.0, 1.0), "█".repeat(20));
        assert_eq!(bar(0.0, 0.0), "");
        assert_eq!(bar(0.1, 0.25), "██░░░");
        assert_eq!(bar(0.125, 0.125), "██▌");
        assert_eq!(bar(0.0, 1.0), "░".repeat(20));
    }

    #[test]
    fn a_bar_without_uncertainty_has_no_light_part() {
        for step in 0..=1000 {
            let part = f64::from(step) / 1000.0;
            assert!(!bar(part, part).contains('░'), "{part}");
        }
    }
}
