//! The items with their counts and samples in the order of the report, with few in memory at a time.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use forebay::stream::StateHandle;
use serde::Serialize;

use crate::args::StreamArgs;
use crate::command::stream::record::Text;
use crate::command::stream::results::SharedSample;
use crate::error::Error;
use crate::output::format::text;

/// The state of the items.
#[derive(Clone)]
pub(crate) struct ItemStates {
    pub(crate) counts: StateHandle<Text, u64>,
    /// `None` if no samples are wanted.
    pub(crate) samples: Option<StateHandle<Text, SharedSample>>,
}

/// An item and its count.
type Row = (Text, u64);

/// The items to show: from the highest count down, equal counts by the bytes of the item.
///
/// State in memory is sorted in one go. State that may have been spilled is sorted in spans, one in
/// memory at a time; each span takes a pass over all counts and one over all samples.
pub(crate) struct Items {
    states: ItemStates,
    /// The number of different items, and how many of them are shown.
    pub(crate) distinct: usize,
    pub(crate) shown: usize,
    /// The sum of all counts, including those that are not shown.
    pub(crate) total: u64,
    /// The most rows in memory.
    span: usize,
    /// The first span.
    first: Vec<Row>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Sampled {
    pub(crate) item: String,
    pub(crate) lines: Vec<String>,
}

impl Items {
    /// # Errors
    ///
    /// If spilled state cannot be read.
    pub(crate) fn new(states: ItemStates, args: &StreamArgs) -> Result<Self, Error> {
        let span = span(args);
        let most = if args.top == 0 { usize::MAX } else { args.top };
        let (mut distinct, mut total) = (0, 0);
        let mut leading = Leading::new(most.min(span), None);
        let visited = states.counts.visit(|item, &count| {
            distinct += 1;
            total += count;
            leading.offer(item, count);
        });
        visited.map_err(Error::stream)?;
        Ok(Self {
            first: leading.into_rows(),
            shown: distinct.min(most),
            states,
            distinct,
            total,
            span,
        })
    }

    /// The first item.
    pub(crate) fn leader(&self) -> Option<&Row> {
        self.first.first()
    }

    /// All that are shown.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Result<Row, Error>> {
        each(Spans::of(self))
    }

    /// The samples of all that are shown, in the same order.
    pub(crate) fn sampled(&self) -> impl Iterator<Item = Result<Sampled, Error>> {
        let samples = self.states.samples.iter();
        samples.flat_map(|samples| {
            let spans = Spans::of(self);
            each(spans.map(|rows| sampled(&rows?, samples)))
        })
    }

    /// The next span of rows after `last`.
    fn after(&self, last: &Row) -> Result<Vec<Row>, Error> {
        let mut leading = Leading::new(self.span, Some(last));
        let visited = self
            .states
            .counts
            .visit(|item, &count| leading.offer(item, count));
        visited.map_err(Error::stream)?;
        Ok(leading.into_rows())
    }
}

/// The most rows in memory: an estimate of how many fit into a quarter of the limit for state.
fn span(args: &StreamArgs) -> usize {
    /// Estimated bytes of two rows (twice as many are collected), of a sample, and of a line in it.
    const ROW: usize = 256;
    const SAMPLE: usize = 512;
    const LINE: usize = 256;
    const FEWEST: usize = 1_000;
    if args.state_dir.is_none() {
        return usize::MAX;
    }
    let sample = match args.samples {
        0 => 0,
        lines => LINE.saturating_mul(lines).saturating_add(SAMPLE),
    };
    let bytes = args.state_memory.saturating_mul(1 << 18);
    (bytes / ROW.saturating_add(sample)).max(FEWEST)
}

/// The samples of some items.
fn sampled(rows: &[Row], samples: &StateHandle<Text, SharedSample>) -> Result<Vec<Sampled>, Error> {
    let mut found: HashMap<&Text, Option<SharedSample>> =
        rows.iter().map(|(item, _)| (item, None)).collect();
    let visited = samples.visit(|item, sample| {
        if let Some(entry) = found.get_mut(item) {
            *entry = Some(sample.clone());
        }
    });
    visited.map_err(Error::stream)?;
    let sampled = rows.iter().filter_map(|(item, _)| {
        let sample = found.remove(item)??;
        Some(Sampled {
            lines: sample.drawn().items,
            item: text(item),
        })
    });
    Ok(sampled.collect())
}

/// The elements of lists, up to the first error.
fn each<T>(
    lists: impl Iterator<Item = Result<Vec<T>, Error>>,
) -> impl Iterator<Item = Result<T, Error>> {
    lists.flat_map(|list| {
        let (elements, error) = match list {
            Ok(elements) => (elements, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        elements.into_iter().map(Ok).chain(error.map(Err))
    })
}

/// The rows to show, span by span.
struct Spans<'a> {
    items: &'a Items,
    left: usize,
    last: Option<Row>,
}

impl<'a> Spans<'a> {
    fn of(items: &'a Items) -> Self {
        Self {
            items,
            left: items.shown,
            last: None,
        }
    }
}

impl Iterator for Spans<'_> {
    type Item = Result<Vec<Row>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        let rows = match &self.last {
            None => Ok(self.items.first.clone()),
            Some(last) => self.items.after(last),
        };
        match rows {
            Ok(mut rows) => {
                rows.truncate(self.left);
                self.left -= rows.len();
                self.last = Some(rows.last()?.clone());
                Some(Ok(rows))
            }
            Err(error) => {
                self.left = 0;
                Some(Err(error))
            }
        }
    }
}

/// The first `n` of the rows offered, of those that come after a given row.
struct Leading<'a> {
    n: usize,
    after: Option<&'a Row>,
    /// In no order; fewer than twice `n`.
    rows: Vec<Row>,
    /// The last of the first `n` so far, if there are that many.
    last: Option<Row>,
}

/// The key by which rows are sorted.
fn sort_key((item, count): &Row) -> (Reverse<u64>, &[u8]) {
    (Reverse(*count), item)
}

impl<'a> Leading<'a> {
    fn new(n: usize, after: Option<&'a Row>) -> Self {
        Self {
            n,
            after,
            rows: Vec::new(),
            last: None,
        }
    }

    fn offer(&mut self, item: &Text, count: u64) {
        let key = (Reverse(count), &**item);
        let is_before = self.after.is_some_and(|after| key <= sort_key(after));
        if is_before || self.last.as_ref().is_some_and(|last| key > sort_key(last)) {
            return;
        }
        self.rows.push((Arc::clone(item), count));
        if self.rows.len() >= self.n.saturating_mul(2) {
            self.cut();
        }
    }

    /// Drops the rows that are not among the first `n`.
    fn cut(&mut self) {
        if self.rows.len() > self.n {
            let by_key = |a: &Row, b: &Row| sort_key(a).cmp(&sort_key(b));
            let (_, last, _) = self.rows.select_nth_unstable_by(self.n - 1, by_key);
            self.last = Some(last.clone());
            self.rows.truncate(self.n);
        }
    }

    fn into_rows(mut self) -> Vec<Row> {
        self.cut();
        self.rows
            .sort_unstable_by(|a, b| sort_key(a).cmp(&sort_key(b)));
        self.rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(number: usize) -> Row {
        let item = Text::from((number * 37 % 1_009).to_string().as_bytes());
        (item, (number * number % 23) as u64)
    }

    #[test]
    fn spans_of_any_length_are_the_sorted_rows_in_turn() {
        let mut expected: Vec<Row> = (0..1_009).map(row).collect();
        expected.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        for n in [1, 2, 10, 500, 504, 505, 1_008, 1_009, usize::MAX] {
            let (mut found, mut last) = (Vec::new(), None);
            while found.len() < 1_009 {
                let mut leading = Leading::new(n, last.as_ref());
                (0..1_009)
                    .map(row)
                    .for_each(|(item, count)| leading.offer(&item, count));
                let rows = leading.into_rows();
                assert_eq!(rows.len(), n.min(1_009 - found.len()));
                last = rows.last().cloned();
                found.extend(rows);
            }
            assert_eq!(found, expected, "{n}");
        }
    }
}
