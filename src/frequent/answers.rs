//! Queries over all keys.

use alloc::vec::Vec;
use core::cmp::Ordering;

use super::misra_gries::MisraGries;
use super::row::{Count, HeavyHitters, Row, Side};
use super::traits::Iter;
use super::weight::Weight;

impl<K, W: Weight, S> MisraGries<K, W, S> {
    /// Iterates over the tracked keys with the bounds of their weights.
    ///
    /// The order is that of the hashes of the keys, so summaries with equal contents have equal orders.
    /// O(k log k) time and O(k) memory.
    pub fn iter(&self) -> Iter<'_, K, W> {
        Iter::new(self)
    }

    /// The tracked keys with the bounds of their weights, in no specified order.
    pub(super) fn tracked(&self) -> impl Iterator<Item = (&K, Count<W>)> {
        let (cut, max_error) = (self.cut(), self.max_error());
        let above = self.counters.iter().filter(move |&(_, count)| count > cut);
        above.map(move |(key, count)| (key, Count::around(count.minus(cut), max_error)))
    }

    /// Returns the `n` keys with the largest lower bounds, in descending order. Equal bounds are in
    /// ascending order of the key. Each row tells whether its rank is certain.
    ///
    /// There are fewer rows if fewer keys are tracked. O(k + n log n) time and O(k) memory.
    ///
    /// # Examples
    ///
    /// ```
    /// use forebay::frequent::MisraGries;
    ///
    /// let mut summary: MisraGries<&str> = MisraGries::new(16);
    /// summary.extend([("neap", 2), ("spring", 7), ("ebb", 2)]);
    /// let keys: Vec<_> = summary.top(2).iter().map(|row| *row.key).collect();
    /// assert_eq!(keys, ["spring", "ebb"]);
    /// ```
    #[must_use]
    pub fn top(&self, n: usize) -> Vec<Row<'_, K, W>>
    where
        K: Ord,
    {
        let mut found: Vec<_> = self.tracked().collect();
        let mut rest = W::ZERO;
        if n < found.len() {
            let (_, first_left_out, _) = found.select_nth_unstable_by(n, by_rank);
            rest = first_left_out.1.lower;
            found.truncate(n);
        }
        found.sort_unstable_by(by_rank);
        let mut rows: Vec<_> = found.into_iter().map(Row::uncertain).collect();
        let max_error = self.max_error();
        for row in rows.iter_mut().rev() {
            row.certain = row.count.lower >= rest.saturating_add(max_error);
            rest = row.count.lower;
        }
        rows
    }

    /// Returns the keys heavier than `phi * total_weight`, in descending order, without the kind of error
    /// that `side` names. O(k log k) time and O(k) memory.
    ///
    /// With [`Side::NoFalsePositives`], every key in the list is heavier than the threshold: its lower
    /// bound is above it. With [`Side::NoFalseNegatives`], every key heavier than the threshold is in the
    /// list: all keys are listed whose upper bound is above it. A key that is not tracked may weigh as much
    /// as [`max_error`](Self::max_error), so in this case a lower threshold is raised to `max_error`, and
    /// the answer tells so. For integer weights `phi * total_weight` is rounded down.
    ///
    /// # Panics
    ///
    /// Panics if `phi` is not between 0 and 1.
    ///
    /// # Examples
    ///
    /// ```
    /// use forebay::frequent::{MisraGries, Side};
    ///
    /// let mut summary: MisraGries<char> = MisraGries::new(2);
    /// summary.extend("aaaaabbc".chars());
    /// let sure = summary.heavy_hitters(0.4, Side::NoFalsePositives);
    /// assert_eq!(*sure.rows[0].key, 'a');
    /// assert_eq!(sure.threshold, 3); // of 8
    /// ```
    #[must_use]
    #[track_caller]
    pub fn heavy_hitters(&self, phi: f64, side: Side) -> HeavyHitters<'_, K, W>
    where
        K: Ord,
    {
        assert!(
            (0.0..=1.0).contains(&phi),
            "phi must be between 0 and 1, not {phi}"
        );
        let asked = self.total.share(phi);
        let max_error = self.max_error();
        let raised = side == Side::NoFalseNegatives && asked < max_error;
        let threshold = if raised { max_error } else { asked };
        let is_heavy = |count: Count<W>| match side {
            Side::NoFalsePositives => count.lower > threshold,
            Side::NoFalseNegatives => count.upper > threshold,
        };
        let heavy = self.tracked().filter(|&(_, count)| is_heavy(count)).count();
        HeavyHitters {
            rows: self.top(heavy),
            threshold,
            raised,
            side,
        }
    }
}

/// Larger lower bounds first, then smaller keys.
fn by_rank<K: Ord, W: Weight>(a: &(&K, Count<W>), b: &(&K, Count<W>)) -> Ordering {
    b.1.lower.compare(&a.1.lower).then_with(|| a.0.cmp(b.0))
}
