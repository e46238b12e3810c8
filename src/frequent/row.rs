//! The answers of a summary of frequent items: plain data.

use alloc::vec::{self, Vec};
use core::fmt;
use core::slice;

use super::weight::Weight;

/// What is certain about the weight of one key: `lower <= true weight <= upper`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Count<W> {
    /// The true weight is at least this.
    pub lower: W,
    /// The true weight is at most this.
    pub upper: W,
}

impl<W: Weight> Count<W> {
    /// The bounds of a key with this counter in a summary with this error.
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

/// One line of an answer: a key, what is certain about its weight, and about its rank.
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
    /// Whether no key of a later row, or of none, can be heavier than this one: its lower bound
    /// is not below the upper bound of any of them.
    pub certain: bool,
}

impl<'a, K, W> Row<'a, K, W> {
    /// A row about whose rank nothing is known yet.
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

/// Which mistake a list of heavy hitters must not make.
///
/// The list is made by comparing bounds with a threshold, so it can be kept free of one of the
/// two mistakes with certainty, never of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Every key in the list is heavier than the threshold; some that are may be missing.
    NoFalsePositives,
    /// Every key that is heavier than the threshold is in the list; some that are not may be too.
    NoFalseNegatives,
}

/// The heavy hitters of a stream: rows from the heaviest down, and the threshold they were held
/// against.
///
/// Made by [`MisraGries::heavy_hitters`](super::MisraGries::heavy_hitters).
#[derive(Clone, Debug, PartialEq)]
pub struct HeavyHitters<'a, K, W> {
    /// From the heaviest down; equal counts in ascending order of the key.
    pub rows: Vec<Row<'a, K, W>>,
    /// What the promise of [`side`](Self::side) is about. It is the asked share of the total, or
    /// the largest error of the summary where that is larger and the promise needs it.
    pub threshold: W,
    /// Whether the threshold is above the one asked for.
    pub raised: bool,
    /// The mistake that the rows do not make.
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
