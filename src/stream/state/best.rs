//! The highest ranks of many, of which few are held.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::vec::Vec;

/// The `n` highest ranks offered; of equal ranks the first ones.
pub(crate) struct Best<O, T> {
    n: usize,
    offered: usize,
    /// The lowest on top.
    kept: BinaryHeap<Ranked<(Reverse<O>, usize), T>>,
}

impl<O: Ord, T> Best<O, T> {
    pub(crate) fn of(n: usize) -> Self {
        Self {
            n,
            offered: 0,
            kept: BinaryHeap::new(),
        }
    }

    /// Makes the row only if it is among the highest so far.
    pub(crate) fn offer(&mut self, rank: O, row: impl FnOnce() -> T) {
        let rank = (Reverse(rank), self.offered);
        self.offered += 1;
        if self.kept.len() < self.n {
            self.kept.push(Ranked(rank, row()));
        } else if let Some(mut lowest) = self.kept.peek_mut()
            && rank < lowest.0
        {
            *lowest = Ranked(rank, row());
        }
    }

    /// Highest first.
    pub(crate) fn into_rows(self) -> Vec<T> {
        let rows = self.kept.into_sorted_vec().into_iter();
        rows.map(|Ranked(_, row)| row).collect()
    }
}

/// A value with its rank; only ranks are compared.
struct Ranked<O, T>(O, T);

impl<O: Ord, T> Ord for Ranked<O, T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}

impl<O: Ord, T> PartialOrd for Ranked<O, T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<O: Ord, T> PartialEq for Ranked<O, T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<O: Ord, T> Eq for Ranked<O, T> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_equal_ranks_those_that_came_first_are_kept_in_their_order() {
        let offered = [(1, 'a'), (2, 'b'), (1, 'c'), (2, 'd'), (1, 'e'), (3, 'f')];
        let rows = |n| {
            let mut best = Best::of(n);
            for (rank, row) in offered {
                best.offer(rank, || row);
            }
            best.into_rows()
        };
        assert_eq!(rows(9), ['f', 'b', 'd', 'a', 'c', 'e']);
        for n in 0..6 {
            assert_eq!(rows(n), rows(9)[..n]);
        }
    }
}
