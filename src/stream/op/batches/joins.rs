//! Joins of a batch with another one, and with static data.

use std::collections::HashMap;
use std::sync::Arc;
use std::vec::Vec;

use crate::hash::DefaultHashBuilder;
use crate::stream::data::{Data, Key};
use crate::stream::op::batches::batch::Batch;
use crate::stream::op::join;
use crate::stream::op::join::Sides;
use crate::stream::pipeline::materialized::Materialized;

/// Values of which at least one is there.
type OneOrBoth<V, W> = (Option<V>, Option<W>);

impl<K: Key, V: Data> Batch<(K, V)> {
    /// Every key of either batch, with all its values in this batch and all its values in the
    /// other.
    #[must_use]
    pub fn cogroup<W: Data>(self, other: Batch<(K, W)>) -> Batch<(K, Sides<V, W>)> {
        let (_, partitions) = other.into_parts();
        let right = Materialized::once(partitions);
        self.run(|context, left| join::cogroup(context, left, &right))
    }

    fn join_as<W, A, B>(
        self,
        other: Batch<(K, W)>,
        lefts: fn(Vec<V>) -> Vec<A>,
        rights: fn(Vec<W>) -> Vec<B>,
    ) -> Batch<(K, (A, B))>
    where
        W: Data,
        A: Data,
        B: Data,
    {
        let sides = self.cogroup(other);
        sides.flat_map_values(move |sides| join::pairs(sides, lefts, rights))
    }

    /// The pairs of values of the keys that are in both batches.
    #[must_use]
    pub fn join<W: Data>(self, other: Batch<(K, W)>) -> Batch<(K, (V, W))> {
        self.join_as(other, join::required, join::required)
    }

    /// As [`join`](Self::join), and the records of this batch whose key is not in the other.
    #[must_use]
    pub fn left_outer_join<W: Data>(self, other: Batch<(K, W)>) -> Batch<(K, (V, Option<W>))> {
        self.join_as(other, join::required, join::optional)
    }

    /// As [`join`](Self::join), and the records of the other batch whose key is not in this.
    #[must_use]
    pub fn right_outer_join<W: Data>(self, other: Batch<(K, W)>) -> Batch<(K, (Option<V>, W))> {
        self.join_as(other, join::optional, join::required)
    }

    /// As [`join`](Self::join), and the records of either batch whose key is not in the other.
    #[must_use]
    pub fn full_outer_join<W: Data>(self, other: Batch<(K, W)>) -> Batch<(K, OneOrBoth<V, W>)> {
        self.join_as(other, join::optional, join::optional)
    }

    /// The pairs of values of the keys that are in both this batch and a static table.
    ///
    /// # Examples
    ///
    /// ```
    /// use forebay::stream::StaticTable;
    /// # use forebay::stream::StreamingContext;
    /// # let ctx = StreamingContext::builder("doc").build()?;
    /// let countries: StaticTable<_, _> = [("de", "Germany"), ("fr", "France")].into_iter().collect();
    /// let named = ctx
    ///     .batches([vec![("de", 1), ("xx", 2)]])
    ///     .transform(move |batch, _time| batch.join_static(&countries));
    /// # let _ = named;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn join_static<W: Data>(self, table: &StaticTable<K, W>) -> Batch<(K, (V, W))> {
        let table = table.clone();
        self.flat_map(move |(key, value): (K, V)| {
            let matches = table.get(&key).to_vec().into_iter();
            matches.map(move |other| (key.clone(), (value.clone(), other)))
        })
    }
}

/// A static table, to be joined with every batch; cloning copies nothing.
#[derive(Clone, Debug)]
pub struct StaticTable<K, W>(Arc<HashMap<K, Vec<W>, DefaultHashBuilder>>);

impl<K: Key, W> StaticTable<K, W> {
    /// The values of a key, in their order.
    #[must_use]
    pub fn get(&self, key: &K) -> &[W] {
        self.0.get(key).map_or(&[], Vec::as_slice)
    }
}

impl<K: Key, W> FromIterator<(K, W)> for StaticTable<K, W> {
    fn from_iter<I: IntoIterator<Item = (K, W)>>(records: I) -> Self {
        let mut table: HashMap<K, Vec<W>, DefaultHashBuilder> = HashMap::default();
        for (key, value) in records {
            table.entry(key).or_default().push(value);
        }
        Self(Arc::new(table))
    }
}
