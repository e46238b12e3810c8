//! Summaries of frequent items by count or by weight, and what is true of both.

use forebay::frequent::MisraGries;
use forebay::{Merge, merge_all};
use serde::{Deserialize, Serialize};

use super::rounding::Rounding;
use crate::error::Error;
use crate::output::format::Number;

/// A summary of the counts or of the weights of items.
pub(crate) trait Sums: Merge {
    type Item: Ord + AsRef<[u8]>;

    /// The number of counters.
    fn k(&self) -> usize;

    /// The sum of all items, and the guaranteed error of a sum of this size.
    fn total(&self) -> Number;
    fn error_bound(&self) -> Number;

    /// The most by which an upper bound exceeds its lower bound, without rounding.
    fn max_error(&self) -> Number;

    /// The largest relative error by rounding; 0 if sums are exact.
    fn relative_error(&self) -> f64 {
        0.0
    }

    /// The `n` items with the largest lower bounds, with both bounds, without rounding.
    fn top(&self, n: usize) -> Vec<(&Self::Item, Number, Number)>;

    /// Checks that the total has not reached the largest number, where merges stop.
    ///
    /// # Errors
    ///
    /// If it has.
    fn check_total(&self) -> Result<(), Error> {
        let is_largest = match self.total() {
            Number::Count(count) => count == u64::MAX,
            Number::Weight(weight) => weight >= f64::MAX,
        };
        if is_largest {
            Err(Error::TotalTooLarge)
        } else {
            Ok(())
        }
    }
}

/// Merges the summaries of all parts of the input.
///
/// # Errors
///
/// If their total is too large.
pub(crate) fn merged<S: Sums>(parts: impl IntoIterator<Item = S>) -> Result<Option<S>, Error> {
    let merged = merge_all(parts);
    merged.as_ref().map_or(Ok(()), Sums::check_total)?;
    Ok(merged)
}

/// The `n` items with the largest lower bounds of a summary of the library.
fn top<K: Ord, W>(summary: &MisraGries<K, W>, n: usize) -> Vec<(&K, Number, Number)>
where
    W: forebay::frequent::Weight + Into<Number>,
{
    let rows = summary.top(n).into_iter();
    rows.map(|row| (row.key, row.count.lower.into(), row.count.upper.into()))
        .collect()
}

impl<K: Ord + AsRef<[u8]> + std::hash::Hash> Sums for MisraGries<K> {
    type Item = K;

    fn k(&self) -> usize {
        self.k()
    }

    fn total(&self) -> Number {
        self.total_weight().into()
    }

    fn error_bound(&self) -> Number {
        self.error_bound().into()
    }

    fn max_error(&self) -> Number {
        self.max_error().into()
    }

    fn top(&self, n: usize) -> Vec<(&K, Number, Number)> {
        top(self, n)
    }
}

/// A summary of weights, which knows how exact its sums are.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Weights {
    pub(crate) summary: MisraGries<Vec<u8>, f64>,
    pub(crate) rounding: Rounding,
}

impl Weights {
    pub(crate) fn new(k: usize) -> Self {
        Self {
            summary: MisraGries::with_weights(k),
            rounding: Rounding::default(),
        }
    }
}

impl Merge for Weights {
    fn merge(&mut self, other: Self) {
        self.summary.merge(other.summary);
        self.rounding.merge(other.rounding);
    }

    fn merge_all<I: IntoIterator<Item = Self>>(parts: I) -> Option<Self> {
        let mut rounding = Rounding::default();
        let parts = parts.into_iter().map(|part| {
            rounding.merge(part.rounding);
            part.summary
        });
        let summary = merge_all(parts)?;
        Some(Self { summary, rounding })
    }
}

impl Sums for Weights {
    type Item = Vec<u8>;

    fn k(&self) -> usize {
        self.summary.k()
    }

    fn total(&self) -> Number {
        self.summary.total_weight().into()
    }

    fn error_bound(&self) -> Number {
        self.summary.error_bound().into()
    }

    fn max_error(&self) -> Number {
        self.summary.max_error().into()
    }

    fn relative_error(&self) -> f64 {
        self.rounding.relative_error(self.summary.total_weight())
    }

    fn top(&self, n: usize) -> Vec<(&Vec<u8>, Number, Number)> {
        top(&self.summary, n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights(weight: f64) -> Weights {
        let mut weights = Weights::new(4);
        weights.summary.update_weighted(b"a".to_vec(), weight);
        weights
    }

    #[test]
    fn a_total_that_is_too_large_is_an_error_and_no_bound() {
        let parts = [weights(1.7e308), weights(1.7e308)];
        assert!(matches!(merged(parts), Err(Error::TotalTooLarge)));
        assert!(merged([weights(1.7e308), weights(0.0)]).is_ok());
        let counts = |count| {
            let mut counts: MisraGries<Vec<u8>> = MisraGries::new(4);
            counts.update_weighted(b"a".to_vec(), count);
            counts
        };
        assert!(merged([counts(u64::MAX - 1), counts(1)]).is_err());
        assert!(merged([counts(u64::MAX - 2), counts(1)]).is_ok());
    }
}
