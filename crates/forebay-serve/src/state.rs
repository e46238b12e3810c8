//! Served keyed state: how keys are written, and what can be asked.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use serde::Serialize;
use serde_json::Value;

use crate::answer::{Answer, Asked, Drawn, KeySample, KeyState, RankedRow, Ranking, Samples};
use crate::lock::lock;
use crate::refusal::Refusal;
use forebay::frequent::{MisraGries, Weight};
use forebay::merge_all;
use forebay::stream::GroupRows;
use forebay::stream::{Data, Key};

use forebay::stream::BatchTime;
use forebay::stream::{StateHandle, StateSnapshot};

type Parse<K> = Arc<dyn Fn(&str) -> Option<K> + Send + Sync>;
type Text<K> = Arc<dyn Fn(&K) -> String + Send + Sync>;
type Show<S> = Box<dyn Fn(&Asked<'_>, Option<BatchTime>, &str, &S) -> Answer + Send + Sync>;
type Rank<K, S> = Box<dyn Fn(&StateSnapshot<K, S>, usize) -> Ranking + Send + Sync>;
type Draw<K, S> = Box<dyn Fn(&Asked<'_>, Option<BatchTime>, &[(&K, &S)]) -> Answer + Send + Sync>;

/// Keyed state that a server answers requests about.
///
/// Every answer is the state as of one boundary between two batches, and names it: see
/// [`StateHandle`].
///
/// # Cost
///
/// A ranking visits all keys, or merges the summaries of all keys, once after each batch, however
/// many requests there are; a state or a sample costs a look-up. None of it is on the threads of
/// the stream, but requests make the stream copy tables: see [`StateHandle`].
///
/// # Examples
///
/// ```
/// use forebay::stream::StreamingContext;
/// use forebay_serve::{ServedState, ServedStream};
///
/// let ctx = StreamingContext::builder("words").build()?;
/// let counts = ctx
///     .batches([vec!["ebb".to_string(), "flow".to_string()]])
///     .map(|word| (word, 1u64))
///     .update_state_by_key(|_, new, old| Some(old.unwrap_or(0) + new.sum::<u64>()));
/// let served = ServedStream::of(&ctx)
///     .state("counts", ServedState::new(counts.handle()).counts(|count| *count));
/// # let _ = served;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ServedState<K, S> {
    handle: StateHandle<K, S>,
    parse: Parse<K>,
    text: Text<K>,
    show: Show<S>,
    rank: Option<Rank<K, S>>,
    draw: Option<Draw<K, S>>,
    /// The last ranking, shared by all requests as of its boundary.
    last: Mutex<Option<LastRanking>>,
}

struct LastRanking {
    time: Option<BatchTime>,
    rows: usize,
    answer: Bytes,
}

impl<K: Key, S: Data + Serialize> ServedState<K, S> {
    /// Serves states by keys with `FromStr` and `Display`. States are shown by `serde`.
    pub fn new(handle: StateHandle<K, S>) -> Self
    where
        K: FromStr + ToString,
    {
        Self::with_keys(handle, |text| text.parse().ok(), K::to_string)
    }

    /// Serves states by keys that `parse` reads (`None` for a text that is not a key) and `text`
    /// writes.
    pub fn with_keys(
        handle: StateHandle<K, S>,
        parse: impl Fn(&str) -> Option<K> + Send + Sync + 'static,
        text: impl Fn(&K) -> String + Send + Sync + 'static,
    ) -> Self {
        Self {
            handle,
            parse: Arc::new(parse),
            text: Arc::new(text),
            show: Box::new(|asked, time, key, value| asked.answer(time, KeyState { key, value })),
            rank: None,
            draw: None,
            last: Mutex::new(None),
        }
    }
}

impl<S: Data + Serialize> ServedState<(), S> {
    /// Serves the one state of a stream that has no keys; its key is written `-`.
    #[must_use]
    pub fn single(handle: StateHandle<(), S>) -> Self {
        Self::with_keys(handle, |text| (text == "-").then_some(()), |()| "-".into())
    }
}

impl<K: Key, S: Data> ServedState<K, S> {
    /// Shows `f` of a state instead of the state itself.
    #[must_use]
    pub fn shown_as<V: Serialize>(self, f: impl Fn(&S) -> V + Send + Sync + 'static) -> Self {
        let show: Show<S> = Box::new(move |asked, time, key, state| {
            let value = f(state);
            asked.answer(time, KeyState { key, value })
        });
        Self { show, ..self }
    }

    /// Answers `top` with the keys that have the highest counts, which are exact.
    #[must_use]
    pub fn counts(self, count: impl Fn(&S) -> u64 + Send + Sync + 'static) -> Self {
        let text = Arc::clone(&self.text);
        let rank: Rank<K, S> = Box::new(move |snapshot, n| {
            let mut total = 0u64;
            let rank = |_: &K, state: &S| {
                let count = count(state);
                total = total.saturating_add(count);
                count
            };
            let rows = snapshot.top_rows(n, rank, |key, state| {
                let count = count(state);
                RankedRow {
                    key: text(key),
                    lower: count.into(),
                    upper: count.into(),
                    certain: true,
                }
            });
            Ranking {
                total: total.into(),
                max_error: 0.into(),
                rows,
            }
        });
        let rank = Some(rank);
        Self { rank, ..self }
    }

    /// Answers `top` with the heavy hitters of a summary in the state and their bounds; of several
    /// keys, with those of their merged summaries. `text` writes an item.
    ///
    /// # Examples
    ///
    /// ```
    /// use forebay::frequent::MisraGries;
    /// use forebay::stream::StreamingContext;
    /// use forebay_serve::ServedState;
    ///
    /// let ctx = StreamingContext::builder("words").build()?;
    /// let heavy = ctx
    ///     .batches([vec!["ebb", "flow", "ebb"]])
    ///     .map(|word| ((), word))
    ///     .summarize_by_key(|_| MisraGries::new(64));
    /// let served = ServedState::single(heavy.handle())
    ///     .heavy_hitters(|summary| Some(summary.clone()), |word| word.to_string());
    /// # let _ = served;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn heavy_hitters<T, W>(
        self,
        summary: impl Fn(&S) -> Option<MisraGries<T, W>> + Send + Sync + 'static,
        text: impl Fn(&T) -> String + Send + Sync + 'static,
    ) -> Self
    where
        T: Data + std::hash::Hash + Ord,
        W: Weight + Serialize,
    {
        let rank: Rank<K, S> = Box::new(move |snapshot, n| {
            let of_group = |group: GroupRows<'_, K, S>| {
                let summaries = group.iter().filter_map(|(_, state)| summary(state));
                merge_all(summaries)
            };
            let merged = merge_all(snapshot.groups().filter_map(of_group));
            merged.map_or_else(Ranking::empty, |all| Ranking::of(&all, n, &text))
        });
        let rank = Some(rank);
        Self { rank, ..self }
    }

    /// Answers `sample` with what `f` makes of the state of one key, or of those of the first few
    /// keys.
    ///
    /// # Examples
    ///
    /// ```
    /// use forebay::sample::Reservoir;
    /// use forebay::stream::StreamingContext;
    /// use forebay_serve::{Drawn, ServedState};
    ///
    /// let ctx = StreamingContext::builder("users").build()?;
    /// let samples = ctx
    ///     .batches([vec![(7u64, "login"), (7, "search")]])
    ///     .summarize_by_key(|rng| Reservoir::with_rng(10, rng));
    /// let served = ServedState::with_keys(samples.handle(), |id| id.parse().ok(), u64::to_string)
    ///     .sample(|sample| Drawn::from(sample));
    /// # let _ = served;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn sample<V: Serialize + 'static>(
        self,
        f: impl Fn(&S) -> Drawn<V> + Send + Sync + 'static,
    ) -> Self {
        let text = Arc::clone(&self.text);
        let draw: Draw<K, S> = Box::new(move |asked, time, chosen| {
            let samples = || {
                chosen.iter().map(|(key, state)| KeySample {
                    key: text(key),
                    drawn: f(state),
                })
            };
            asked.answer(time, Samples::new(samples))
        });
        let draw = Some(draw);
        Self { draw, ..self }
    }
}

impl Ranking {
    /// The ranking of an empty state.
    fn empty() -> Self {
        Self {
            total: 0.into(),
            max_error: 0.into(),
            rows: Vec::new(),
        }
    }

    fn of<T, W>(summary: &MisraGries<T, W>, n: usize, text: &impl Fn(&T) -> String) -> Self
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
        Self {
            total: number(summary.total_weight()),
            max_error: number(summary.max_error()),
            rows: rows.collect(),
        }
    }
}

/// A state of any type.
pub(crate) trait Ask: Send + Sync {
    fn ranks(&self) -> bool;
    fn draws(&self) -> bool;
    fn state(&self, asked: &Asked<'_>, key: &str) -> Answer;
    fn top(&self, asked: &Asked<'_>, n: usize) -> Answer;
    fn sample(&self, asked: &Asked<'_>, key: Option<&str>, n: usize) -> Answer;
}

impl<K: Key, S: Data> Ask for ServedState<K, S> {
    fn ranks(&self) -> bool {
        self.rank.is_some()
    }

    fn draws(&self) -> bool {
        self.draw.is_some()
    }

    fn state(&self, asked: &Asked<'_>, text: &str) -> Answer {
        let key = (self.parse)(text).ok_or_else(Refusal::bad_key)?;
        let snapshot = self.handle.snapshot();
        let state = snapshot.get(&key).ok_or_else(Refusal::no_such_key)?;
        (self.show)(asked, snapshot.time(), text, state)
    }

    fn top(&self, asked: &Asked<'_>, n: usize) -> Answer {
        let rank = self.rank.as_ref().ok_or_else(Refusal::no_such_state)?;
        let snapshot = self.handle.snapshot();
        let time = snapshot.time();
        // Held while ranking, so that concurrent requests wait for one answer.
        let mut last = lock(&self.last);
        if let Some(last) = last.as_ref().filter(|it| it.time == time && it.rows == n) {
            return Ok(last.answer.clone());
        }
        let answer = asked.answer(time, rank(&snapshot, n))?;
        *last = Some(LastRanking {
            time,
            rows: n,
            answer: answer.clone(),
        });
        Ok(answer)
    }

    fn sample(&self, asked: &Asked<'_>, key: Option<&str>, n: usize) -> Answer {
        let draw = self.draw.as_ref().ok_or_else(Refusal::no_such_state)?;
        let key = match key {
            Some(text) => Some((self.parse)(text).ok_or_else(Refusal::bad_key)?),
            None => None,
        };
        let snapshot = self.handle.snapshot();
        let chosen: Vec<(&K, &S)> = match &key {
            Some(key) => Vec::from([(key, snapshot.get(key).ok_or_else(Refusal::no_such_key)?)]),
            None => snapshot.iter().take(n).collect(),
        };
        draw(asked, snapshot.time(), &chosen)
    }
}

impl<K, S> fmt::Debug for ServedState<K, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServedState")
            .field("handle", &self.handle)
            .finish_non_exhaustive()
    }
}
