//! Questions to keyed state from outside, answered from the boundary between two batches.

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

/// Asks the keyed state of a stream while it runs; cloning gives another handle to the same.
///
/// Every answer is that of the boundary after some batch, never of a batch half done. Answers of
/// one handle never go back in time.
///
/// # Guarantee
///
/// The answer is that of the last boundary before the question, or, if the question comes while
/// a batch runs, of the one before or after that batch: the one before if there was a question
/// since it, the one after, which is waited for, if there was none. The stream never waits.
///
/// In a closure of the stream itself, an output say, nothing can be waited for: there the
/// first question of all may find nothing, with [`time`](Self::time) `None`, and so may one after
/// a batch without any. After a batch that ended the stream by failing, answers are those of the
/// last boundary asked for.
///
/// # Cost
///
/// A question takes an uncontended lock and a reference count, then what the look-up takes. A
/// handle that nobody asks costs nothing. After a question the next batch copies the tables of the
/// key groups that it writes to, once each; [`update_state_by_key`] writes to all of them. Of a
/// table that has left memory, a question for one key reads the whole. If that fails, nothing is
/// found, and the stream ends with the error in its next batch.
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

/// Keyed state as it was at a boundary between two batches; cloning copies no state.
///
/// While it lives, the stream keeps the tables it has written to since apart. What it lends of
/// tables that have left memory stays in memory as long as it lives.
pub struct StateSnapshot<K, S> {
    /// `None` if nothing is known.
    view: Option<Arc<StoreView<K, S>>>,
}

impl<K, S> StateHandle<K, S> {
    pub(crate) fn new(store: Arc<StateStore<K, S>>) -> Self {
        Self { store }
    }

    /// All states at one boundary, for several questions that shall agree.
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

    /// The batch after which the next question is answered; `None` before the first one.
    #[must_use]
    pub fn time(&self) -> Option<BatchTime> {
        self.snapshot().time()
    }

    /// Calls `f` for all keys with their states, all at one boundary: by key group, then in the
    /// order of their coming. The way to go through state that is larger than memory.
    ///
    /// # Cost
    ///
    /// Visits all keys, on the caller's thread; nothing is copied.
    ///
    /// # Memory
    ///
    /// Of the tables that have left memory, one at a time.
    ///
    /// # Errors
    ///
    /// If one of those cannot be read. `f` was called for what comes before it, and is not called
    /// for what comes after it.
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

    /// The states of many keys, all at one boundary, in the order of the keys.
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
    /// order of their coming.
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
    /// The keys with their states, in the order in which the keys came.
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
    /// and not kept.
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
    /// Visits all keys. State that has spilled is read group by group and not kept, as for
    /// [`StateHandle::top_by`].
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
    /// Visits all keys and holds `n` of them. State that was not in memory is, from then on, until the
    /// snapshot is dropped: [`StateHandle::top_by`] holds no more than one table of it.
    #[must_use]
    pub fn top_by<O: Ord>(&self, f: impl Fn(&K, &S) -> O, n: usize) -> Vec<(&K, &S)> {
        let mut best = Best::of(n);
        for (key, state) in self.iter() {
            best.offer(f(key, state), || (key, state));
        }
        best.into_rows()
    }

    /// All keys with their states: by key group, then in the order of their coming. State that was
    /// not in memory is, once it has been visited, until the snapshot is dropped.
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
