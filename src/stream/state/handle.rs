//! Handles that query keyed state from outside, as of the boundary between two batches.

use std::borrow::Borrow;
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use std::vec::Vec;

use crate::hash::route;
use crate::stream::error::BoxError;
use crate::stream::state::best::Best;
use crate::stream::state::group::Rows;
use crate::stream::state::store::StateStore;
use crate::stream::state::view::{StoreView, TableView};
use crate::stream::time::BatchTime;

/// Queries the keyed state of a stream while it runs; cloning gives another handle to the same
/// state.
///
/// Every answer is the state after some batch, never of a batch half done. Answers of one handle
/// never go back in time.
///
/// # Guarantee
///
/// The answer is the state after the last batch that ended before the query. A query while a batch
/// runs gets the state before that batch if there was a query since the batch before, and otherwise
/// waits for the batch to end and gets the state after it. The stream never waits.
///
/// A closure of the stream itself, such as an output, cannot wait: the first query there may find
/// nothing, with [`time`](Self::time) `None`, and so may one after a batch without any. A closure of
/// another stream waits like any other thread, unless the batch that it would wait for cannot end
/// before: because its stream waits for the closure's, or needs the same worker thread of a shared
/// [`Executor`](crate::stream::Executor). It then finds nothing, too. After a failed batch has ended
/// the stream, answers are those of the last boundary that was queried.
///
/// # Cost
///
/// A query costs an uncontended lock and a reference count, then the look-up. A handle that is not
/// queried costs nothing. After a query the next batch copies the table of each key group that it
/// writes to, once; [`update_state_by_key`] writes to all of them. For one key of a spilled table
/// the query reads the whole table. If that fails, nothing is found, and the stream ends with the
/// error in its next batch.
///
/// [`update_state_by_key`]: crate::stream::DStream::update_state_by_key
///
/// # Examples
///
/// ```
/// use forebay::stream::StreamingContext;
///
/// let ctx = StreamingContext::builder("words").build()?;
/// let counts = ctx
///     .batches([vec!["ebb", "flow", "ebb"], vec!["ebb"]])
///     .map(|word| (word, 1u64))
///     .update_state_by_key(|_, new, old| Some(old.unwrap_or(0) + new.sum::<u64>()));
/// let asked = counts.handle();
/// let mut driver = ctx.into_driver()?;
/// driver.step(driver.next_time())?;
/// assert_eq!(asked.get("ebb"), Some(2));
/// driver.step(driver.next_time())?;
/// assert_eq!(asked.time(), driver.last_time());
/// assert_eq!(asked.top_by(|_, &count| count, 1), [("ebb", 3)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct StateHandle<K, S> {
    store: Arc<StateStore<K, S>>,
}

/// Keyed state as of the boundary between two batches; cloning copies no state.
///
/// While it lives, the stream copies the tables that it writes to. Spilled tables that it has read
/// stay in memory as long as it lives.
pub struct StateSnapshot<K, S> {
    /// `None` if nothing is known.
    view: Option<Arc<StoreView<K, S>>>,
}

impl<K, S> StateHandle<K, S> {
    pub(crate) fn new(store: Arc<StateStore<K, S>>) -> Self {
        Self { store }
    }

    /// All states as of one boundary, for several queries that must agree.
    ///
    /// # Examples
    ///
    /// ```
    /// # use forebay::stream::StreamingContext;
    /// # let ctx = StreamingContext::builder("doc").build()?;
    /// # let words = ctx.batches([vec!["ebb", "flow"], vec!["ebb"]]);
    /// let counts = words
    ///     .map(|w| (w, 1u64))
    ///     .update_state_by_key(|_, new, old| Some(old.unwrap_or(0) + new.sum::<u64>()));
    /// let handle = counts.handle();
    /// # ctx.into_driver()?.run_to_end()?;
    /// let now = handle.snapshot();
    /// let total: u64 = now.iter().map(|(_, count)| count).sum();
    /// assert_eq!((now.len(), total), (2, 3));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn snapshot(&self) -> StateSnapshot<K, S> {
        StateSnapshot {
            view: self.store.look(),
        }
    }

    /// The batch whose state the next query sees; `None` before the first one.
    #[must_use]
    pub fn time(&self) -> Option<BatchTime> {
        self.snapshot().time()
    }

    /// Calls `f` for all keys with their states, as of one boundary: by key group, then in the
    /// order of insertion. The way to go through state that is larger than memory.
    ///
    /// # Cost
    ///
    /// Visits all keys, on the caller's thread; nothing is copied.
    ///
    /// # Memory
    ///
    /// One spilled table at a time.
    ///
    /// # Errors
    ///
    /// If a spilled table cannot be read. `f` was called for what comes before it, and is not
    /// called for what comes after it.
    ///
    /// # Examples
    ///
    /// ```
    /// # use forebay::stream::StreamingContext;
    /// # let ctx = StreamingContext::builder("doc").build()?;
    /// # let words = ctx.batches([vec!["ebb", "flow"], vec!["ebb"]]);
    /// let counts = words
    ///     .map(|w| (w, 1u64))
    ///     .update_state_by_key(|_, new, old| Some(old.unwrap_or(0) + new.sum::<u64>()));
    /// let handle = counts.handle();
    /// # ctx.into_driver()?.run_to_end()?;
    /// let (mut words, mut total) = (0, 0);
    /// handle.visit(|_, count| {
    ///     words += 1;
    ///     total += count;
    /// })?;
    /// assert_eq!((words, total), (2, 3));
    /// # Ok::<(), forebay::stream::BoxError>(())
    /// ```
    pub fn visit(&self, mut f: impl FnMut(&K, &S)) -> Result<(), BoxError> {
        let snapshot = self.snapshot();
        for table in snapshot.tables() {
            let rows = table.kept.rows()?;
            rows.iter().for_each(|(key, state)| f(key, state));
        }
        Ok(())
    }
}

impl<K: Hash + Eq, S: Clone> StateHandle<K, S> {
    /// The state of a key, if it has one.
    #[must_use]
    pub fn get<Q>(&self, key: &Q) -> Option<S>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = route(key);
        let view = self.snapshot().view?;
        view.table_of(hash).get_cloned(hash, key)
    }

    /// The states of many keys as of one boundary, in the order of the keys.
    #[must_use]
    pub fn get_many<'a, Q>(&self, keys: impl IntoIterator<Item = &'a Q>) -> Vec<Option<S>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized + 'a,
    {
        let Some(view) = self.snapshot().view else {
            return keys.into_iter().map(|_| None).collect();
        };
        let found = keys.into_iter().map(|key| {
            let hash = route(key);
            view.table_of(hash).get_cloned(hash, key)
        });
        found.collect()
    }
}

impl<K: Clone, S: Clone> StateHandle<K, S> {
    /// The first `limit` keys that `accept` accepts, with their states: by key group, then in the
    /// order of insertion.
    ///
    /// # Cost
    ///
    /// Visits keys until there are enough, on the caller's thread.
    #[must_use]
    pub fn scan(&self, accept: impl Fn(&K, &S) -> bool, limit: usize) -> Vec<(K, S)> {
        let snapshot = self.snapshot();
        let mut all = Vec::new();
        for rows in snapshot.groups() {
            let found = rows.iter().filter(|(key, state)| accept(key, state));
            let found = found.take(limit - all.len());
            all.extend(found.map(|(k, s)| (k.clone(), s.clone())));
            if all.len() == limit {
                break;
            }
        }
        all
    }

    /// The `n` keys whose states `f` ranks highest, highest first. Equal ranks are in the order of
    /// [`StateSnapshot::iter`].
    ///
    /// # Cost
    ///
    /// Visits all keys, on the caller's thread, and holds `n` of them.
    #[must_use]
    pub fn top_by<O: Ord>(&self, f: impl Fn(&K, &S) -> O, n: usize) -> Vec<(K, S)> {
        let row = |key: &K, state: &S| (key.clone(), state.clone());
        self.snapshot().top_rows(n, f, row)
    }
}

/// The states of one key group.
pub struct GroupRows<'a, K, S>(Rows<'a, K, S>);

impl<K, S> GroupRows<'_, K, S> {
    /// The keys with their states, in the order of insertion.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &S)> {
        self.0.iter()
    }
}

impl<K, S> fmt::Debug for GroupRows<'_, K, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupRows").finish_non_exhaustive()
    }
}

impl<K, S> StateSnapshot<K, S> {
    /// The batch after which this was the state; `None` before the first one.
    #[must_use]
    pub fn time(&self) -> Option<BatchTime> {
        self.view.as_ref().and_then(|view| view.time)
    }

    fn tables(&self) -> &[TableView<K, S>] {
        self.view.as_ref().map_or(&[], |view| &view.tables)
    }

    /// The states of one key group after the other. State that has spilled is read for its group
    /// and not kept; a group that cannot be read is left out, where
    /// [`StateHandle::visit`] returns the error.
    pub fn groups(&self) -> impl Iterator<Item = GroupRows<'_, K, S>> {
        self.tables()
            .iter()
            .filter_map(TableView::rows)
            .map(GroupRows)
    }

    /// What `row` makes of the `n` keys that `rank` puts highest, highest first; equal ranks are
    /// in the order of [`iter`](Self::iter).
    ///
    /// # Cost
    ///
    /// Visits all keys. State that has spilled is read group by group and not kept, and left out if it
    /// cannot be read, as for [`groups`](Self::groups).
    ///
    /// # Examples
    ///
    /// ```
    /// # use forebay::stream::StreamingContext;
    /// # let ctx = StreamingContext::builder("doc").build()?;
    /// # let counts = ctx
    /// #     .batches([vec![("ebb", 1u64), ("flow", 2)]])
    /// #     .update_state_by_key(|_, new, old| Some(old.unwrap_or(0) + new.sum::<u64>()));
    /// # let handle = counts.handle();
    /// # ctx.into_driver()?.run_to_end()?;
    /// let mut total = 0;
    /// let rank = |_: &&str, count: &u64| {
    ///     total += count;
    ///     *count
    /// };
    /// let top = handle.snapshot().top_rows(1, rank, |word, _| word.to_uppercase());
    /// assert_eq!((top, total), (vec!["FLOW".to_string()], 3));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn top_rows<O: Ord, R>(
        &self,
        n: usize,
        mut rank: impl FnMut(&K, &S) -> O,
        mut row: impl FnMut(&K, &S) -> R,
    ) -> Vec<R> {
        let mut best = Best::of(n);
        for group in self.groups() {
            for (key, state) in group.iter() {
                best.offer(rank(key, state), || row(key, state));
            }
        }
        best.into_rows()
    }

    /// How many keys have a state.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tables().iter().map(|table| table.kept.len()).sum()
    }

    /// Whether no key has one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The `n` keys whose states `f` ranks highest, highest first. Equal ranks are in the order of
    /// [`iter`](Self::iter).
    ///
    /// # Cost
    ///
    /// Visits all keys and holds `n` of them. Spilled tables stay in memory until the snapshot is
    /// dropped: [`StateHandle::top_by`] holds no more than one of them.
    #[must_use]
    pub fn top_by<O: Ord>(&self, f: impl Fn(&K, &S) -> O, n: usize) -> Vec<(&K, &S)> {
        let mut best = Best::of(n);
        for (key, state) in self.iter() {
            best.offer(f(key, state), || (key, state));
        }
        best.into_rows()
    }

    /// All keys with their states: by key group, then in the order of insertion. A spilled table
    /// that was visited stays in memory until the snapshot is dropped.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &S)> {
        self.tables().iter().flat_map(TableView::iter)
    }
}

impl<K: Hash + Eq, S> StateSnapshot<K, S> {
    /// The state of a key, if it has one.
    #[must_use]
    pub fn get<Q>(&self, key: &Q) -> Option<&S>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = route(key);
        self.view.as_ref()?.table_of(hash).get(hash, key)
    }
}

impl<K, S> Clone for StateHandle<K, S> {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.store))
    }
}

impl<K, S> fmt::Debug for StateHandle<K, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateHandle").finish_non_exhaustive()
    }
}

impl<K, S> Clone for StateSnapshot<K, S> {
    fn clone(&self) -> Self {
        Self {
            view: self.view.clone(),
        }
    }
}

impl<K, S> fmt::Debug for StateSnapshot<K, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateSnapshot")
            .field("time", &self.time())
            .field("len", &self.len())
            .finish()
    }
}
