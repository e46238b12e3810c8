//! The types of answers: plain data.

use alloc::vec::{self, Vec};
use core::fmt;
use core::slice;

use super::weight::Weight;

/// The bounds of the weight of one key: `lower <= true weight <= upper`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Count<W> {
    /// The true weight is at least this.
    pub lower: W,
    /// The true weight is at most this.
    pub upper: W,
}

impl<W: Weight> Count<W> {
    /// The bounds of a key with this counter in a summary with this largest error.
    pub(super) fn around(counter: W, max_error: W) -> Self {
        Self {
            lower: counter,
            upper: counter.saturating_add(max_error),
        }
    }
}

impl<W: fmt::Display> fmt::Display for Count<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..={}", self.lower, self.upper)
    }
}

/// A row of an answer: a key, the bounds of its weight, and whether its rank is certain.
///
/// # Examples
///
/// ```
/// use forebay::frequent::MisraGries;
///
/// let mut summary: MisraGries<char> = MisraGries::new(8);
/// summary.extend("ebb".chars());
/// let top = summary.top(1);
/// assert_eq!(top[0].to_string(), "b  2..=2  rank certain");
/// ```
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Row<'a, K, W> {
    /// The key.
    pub key: &'a K,
    /// The bounds of its weight.
    pub count: Count<W>,
    /// Whether no key of a later row, and no key without a row, can be heavier than this one: its lower
    /// bound is at least the upper bound of each.
    pub certain: bool,
}

impl<'a, K, W> Row<'a, K, W> {
    /// A row whose rank is not known to be certain.
    pub(super) fn uncertain((key, count): (&'a K, Count<W>)) -> Self {
        Self {
            key,
            count,
            certain: false,
        }
    }
}

impl<K, W: Clone> Clone for Row<'_, K, W> {
    fn clone(&self) -> Self {
        Self {
            key: self.key,
            count: self.count.clone(),
            certain: self.certain,
        }
    }
}

impl<K, W: Copy> Copy for Row<'_, K, W> {}

impl<K: fmt::Display, W: fmt::Display> fmt::Display for Row<'_, K, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rank = if self.certain {
            "rank certain"
        } else {
            "rank uncertain"
        };
        write!(f, "{}  {}  {rank}", self.key, self.count)
    }
}

/// The kind of error that a list of heavy hitters must not have.
///
/// The list compares bounds with a threshold, so it can exclude one of the two kinds, but not both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Every key in the list is heavier than the threshold. Some heavy keys may be missing.
    NoFalsePositives,
    /// Every key heavier than the threshold is in the list. Some lighter keys may be in it too.
    NoFalseNegatives,
}

/// The heavy hitters of a stream, in descending order, with the threshold.
///
/// Made by [`MisraGries::heavy_hitters`](super::MisraGries::heavy_hitters).
#[derive(Clone, Debug, PartialEq)]
pub struct HeavyHitters<'a, K, W> {
    /// In descending order of the lower bound; equal bounds in ascending order of the key.
    pub rows: Vec<Row<'a, K, W>>,
    /// The threshold: `phi * total_weight`, or the largest error of the summary if [`side`](Self::side)
    /// requires that and it is larger.
    pub threshold: W,
    /// Whether the threshold was raised above `phi * total_weight`.
    pub raised: bool,
    /// The kind of error that the rows do not have.
    pub side: Side,
}

impl<'a, K, W> IntoIterator for HeavyHitters<'a, K, W> {
    type Item = Row<'a, K, W>;
    type IntoIter = vec::IntoIter<Row<'a, K, W>>;

    fn into_iter(self) -> Self::IntoIter {
        self.rows.into_iter()
    }
}

impl<'h, 'a, K, W> IntoIterator for &'h HeavyHitters<'a, K, W> {
    type Item = &'h Row<'a, K, W>;
    type IntoIter = slice::Iter<'h, Row<'a, K, W>>;

    fn into_iter(self) -> Self::IntoIter {
        self.rows.iter()
    }
}
