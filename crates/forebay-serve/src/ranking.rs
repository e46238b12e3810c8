//! The heaviest keys or items of a state, as of one boundary.

use forebay::frequent::{MisraGries, Weight};
use forebay::stream::BatchTime;
use serde::Serialize;
use serde_json::Value;

use crate::answer::{Answer, Asked, Rows};
use crate::key::ShownKey;
use crate::refusal::Refusal;

/// The heaviest keys or items, with their bounds.
#[derive(Debug)]
pub(crate) struct Ranking {
    head: RankingHead,
    rows: Rows,
}

/// What is told of all keys or items.
#[derive(Clone, Debug, Serialize)]
struct RankingHead {
    total: Value,
    /// The largest distance between an upper and a lower bound.
    max_error: Value,
}

#[derive(Serialize)]
pub(crate) struct RankedRow {
    #[serde(flatten)]
    pub(crate) key: ShownKey,
    pub(crate) lower: Value,
    pub(crate) upper: Value,
    /// Whether no later row and no other key can be heavier.
    pub(crate) certain: bool,
}

impl Ranking {
    /// The ranking of an empty state.
    pub(crate) fn empty() -> Self {
        Self {
            head: RankingHead {
                total: 0.into(),
                max_error: 0.into(),
            },
            rows: Rows::default(),
        }
    }

    /// The heaviest keys, whose counts are exact; the JSON of the rows has at most `bytes` bytes.
    pub(crate) fn of_counts(total: u64, rows: &[RankedRow], bytes: usize) -> Result<Self, Refusal> {
        Ok(Self {
            head: RankingHead {
                total: total.into(),
                max_error: 0.into(),
            },
            rows: Rows::new(rows.iter(), bytes)?,
        })
    }

    /// The `n` heaviest items of a summary.
    pub(crate) fn of_summary<T, W>(
        summary: &MisraGries<T, W>,
        n: usize,
        text: &impl Fn(&T) -> ShownKey,
        bytes: usize,
    ) -> Result<Self, Refusal>
    where
        T: Ord,
        W: Weight + Serialize,
    {
        // Numbers become JSON, infinite ones null.
        let number = |weight: W| serde_json::to_value(weight).unwrap_or(Value::Null);
        let rows = summary.top(n).into_iter().map(|row| RankedRow {
            key: text(row.key),
            lower: number(row.count.lower),
            upper: number(row.count.upper),
            certain: row.certain,
        });
        Ok(Self {
            head: RankingHead {
                total: number(summary.total_weight()),
                max_error: number(summary.max_error()),
            },
            rows: Rows::new(rows, bytes)?,
        })
    }
}

/// The ranking after the last batch that was asked about. It has as many rows as any request has
/// asked for: fewer rows are its first ones.
#[derive(Debug)]
pub(crate) struct LastRanking {
    pub(crate) time: Option<BatchTime>,
    /// The most rows that a request has asked for.
    pub(crate) most: usize,
    pub(crate) ranking: Ranking,
}

impl LastRanking {
    /// Whether the first `n` rows after the batch of `time` are in it.
    pub(crate) fn has(&self, time: Option<BatchTime>, n: usize) -> bool {
        let is_complete = self.ranking.rows.found() < self.most;
        self.time == time && (n <= self.most || is_complete)
    }

    /// Its first `n` rows.
    pub(crate) fn answer(&self, asked: &Asked<'_>, n: usize) -> Answer {
        let Ranking { head, rows } = &self.ranking;
        asked.list(self.time, head, "rows", (rows, n))
    }
}
