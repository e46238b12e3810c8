//! Operators that join the records of two streams by key, within a batch.

use std::vec;
use std::vec::Vec;

use crate::stream::data::{Data, Key};
use crate::stream::error::BatchError;
use crate::stream::exchange::{Inbox, KeyedInbox, Routed, lanes_of_both};
use crate::stream::op::by_key::shuffle;
use crate::stream::pipeline::materialized::Shared;
use crate::stream::pipeline::pipe::Pipe;
use crate::stream::plan::dstream::DStream;
use crate::stream::run::operator_context::OperatorContext;
use crate::stream::state::table::OrderedTable;

/// The values of a key on both sides.
pub type Sides<V, W> = (Vec<V>, Vec<W>);

/// Records by partition, with the values of both sides.
type Cogrouped<K, V, W> = Vec<Vec<(K, Sides<V, W>)>>;

/// Every key of either side with all its values of both, in order of arrival.
pub(crate) fn cogroup<K, V, W, P, Q>(
    context: &OperatorContext,
    left: &P,
    right: &Q,
) -> Result<Cogrouped<K, V, W>, BatchError>
where
    K: Key,
    V: Data,
    W: Data,
    P: Pipe<Item = (K, V)>,
    Q: Pipe<Item = (K, W)>,
{
    let left = shuffle(context, left)?;
    let right = shuffle(context, right)?;
    let both = left.into_iter().zip(right).collect();
    let busy =
        |(left, right): &(KeyedInbox<_>, KeyedInbox<_>)| !left.is_empty() || !right.is_empty();
    context.each(both, busy, |_, (left, right)| {
        let lanes = lanes_of_both(left, right).into_iter();
        lanes.flat_map(|(left, right)| sides(left, right)).collect()
    })
}

fn sides<K: Key, V, W>(
    left: Inbox<Routed<K, V>>,
    right: Inbox<Routed<K, W>>,
) -> Vec<(K, Sides<V, W>)> {
    let mut table: OrderedTable<K, Sides<V, W>> = OrderedTable::new();
    for Routed { hash, key, value } in left {
        let position = table.insert(hash, key, Default::default);
        table.value_mut(position).0.push(value);
    }
    for Routed { hash, key, value } in right {
        let position = table.insert(hash, key, Default::default);
        table.value_mut(position).1.push(value);
    }
    table.into_records()
}

/// The pairs of the values of one key; an absent side is one `None`.
pub(crate) fn pairs<V: Clone, W: Clone, A, B>(
    (left, right): (Vec<V>, Vec<W>),
    lefts: impl Fn(Vec<V>) -> Vec<A>,
    rights: impl Fn(Vec<W>) -> Vec<B>,
) -> Vec<(A, B)>
where
    A: Clone,
    B: Clone,
{
    let (lefts, rights) = (lefts(left), rights(right));
    let with_all = |left: A| {
        rights
            .iter()
            .map(move |right| (left.clone(), right.clone()))
    };
    lefts.into_iter().flat_map(with_all).collect()
}

/// The values as they are: without any, the key has no pair.
pub(crate) fn required<V>(values: Vec<V>) -> Vec<V> {
    values
}

/// The values, or one `None`.
pub(crate) fn optional<V>(values: Vec<V>) -> Vec<Option<V>> {
    match values.is_empty() {
        true => vec![None],
        false => values.into_iter().map(Some).collect(),
    }
}

/// Declares one kind of join as a stage on `cogroup`.
macro_rules! join {
    ($(#[$doc:meta])* $name:ident, $left:ident => $a:ty, $right:ident => $b:ty) => {
        $(#[$doc])*
        ///
        /// Per batch: records of different batches never join, unless a [`window`](Self::window)
        /// combines them. Usually only one of the two streams should be windowed: with both
        /// windowed, a pair appears in every batch in which both of its records are in their
        /// windows. A key with `m` values here and `n` there gives `m * n` records.
        ///
        /// # Panics
        ///
        /// If the two have different slides.
        #[track_caller]
        pub fn $name<W: Data, Q: Pipe<Item = (K, W)>>(
            &self,
            other: &DStream<'c, (K, W), Q>,
        ) -> DStream<'c, (K, ($a, $b)), Shared<impl Pipe<Item = (K, ($a, $b))> + use<K, V, W, P, Q>>>
        {
            self.cogroup(other)
                .flat_map_values(|sides| pairs(sides, $left, $right))
                .kind(stringify!($name))
        }
    };
}

impl<'c, K: Key, V: Data, P: Pipe<Item = (K, V)>> DStream<'c, (K, V), P> {
    /// Every key of either stream, with all its values in this stream and all its values in the
    /// other.
    ///
    /// # Panics
    ///
    /// If the two have different slides.
    #[track_caller]
    pub fn cogroup<W: Data, Q: Pipe<Item = (K, W)>>(
        &self,
        other: &DStream<'c, (K, W), Q>,
    ) -> DStream<'c, (K, Sides<V, W>)> {
        self.assert_same_slide(other);
        let (left, right) = (self.pipe.clone(), other.pipe.clone());
        let parents = vec![self.operator, other.operator];
        self.ctx
            .wide("cogroup", parents, self.slide, move |context| {
                cogroup(context, &left, &right)
            })
    }

    join!(
        /// The pairs of values of the keys that are in both streams.
        ///
        /// # Examples
        ///
        /// ```
        /// # use forebay::stream::StreamingContext;
        /// # let ctx = StreamingContext::builder("doc").build()?;
        /// let orders = ctx.batches([vec![(1, "tea"), (2, "ink")]]);
        /// let payments = ctx.batches([vec![(1, 300)]]);
        /// let paid = orders.join(&payments); // (1, ("tea", 300))
        /// # Ok::<(), Box<dyn std::error::Error>>(())
        /// ```
        join, required => V, required => W
    );
    join!(
        /// As [`join`](Self::join), and the records of this stream whose key is not in the other.
        left_outer_join, required => V, optional => Option<W>
    );
    join!(
        /// As [`join`](Self::join), and the records of the other stream whose key is not in this.
        right_outer_join, optional => Option<V>, required => W
    );
    join!(
        /// As [`join`](Self::join), and the records of either stream whose key is not in the other.
        full_outer_join, optional => Option<V>, optional => Option<W>
    );
}
