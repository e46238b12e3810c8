//! Served keyed state: how keys are written, and what can be asked.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex};

use serde::Serialize;

use crate::answer::{Answer, Asked, Drawn, KeySample, KeyState, Nothing, Rows};
use crate::key::ShownKey;
use crate::lock::lock;
use crate::ranking::{LastRanking, RankedRow, Ranking};
use crate::refusal::Refusal;
use forebay::frequent::{MisraGries, Weight};
use forebay::merge_all;
use forebay::stream::GroupRows;
use forebay::stream::{Data, Key};

use forebay::stream::BatchTime;
use forebay::stream::{StateHandle, StateSnapshot};

type Parse<K> = Box<dyn Fn(&[u8]) -> Option<K> + Send + Sync>;
type Text<K> = Arc<dyn Fn(&K) -> ShownKey + Send + Sync>;
type Show<S> = Box<dyn Fn(&Asked<'_>, Option<BatchTime>, &[u8], &S) -> Answer + Send + Sync>;
/// Ranks so many rows, whose JSON has at most so many bytes.
type Rank<K, S> =
    Box<dyn Fn(&StateSnapshot<K, S>, usize, usize) -> Result<Ranking, Refusal> + Send + Sync>;
type Draw<K, S> = Box<dyn Fn(&Asked<'_>, Option<BatchTime>, &[(&K, &S)]) -> Answer + Send + Sync>;

/// Keyed state that a server answers requests about.
///
/// Every answer is the state as of one boundary between two batches, and names it: see
/// [`StateHandle`].
///
/// # Cost
///
/// A ranking visits all keys, or merges the summaries of all keys. That happens once after each
/// batch, however many requests there are, and again for the first request of more rows than any
/// before it. A state or a sample costs a look-up. None of it is on the threads of the stream, but
/// requests make the stream copy tables: see [`StateHandle`].
///
/// # Memory
///
/// The last ranking, with as many rows as the longest that was asked for, in at most as many bytes
/// as an [answer](crate::ServerBuilder::max_answer).
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
    /// Shared by all requests as of its boundary.
    last: Mutex<Option<LastRanking>>,
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
        let parse = move |bytes: &[u8]| parse(std::str::from_utf8(bytes).ok()?);
        Self::with_byte_keys(handle, parse, text)
    }

    /// Serves states by keys that are bytes: `parse` reads them (`None` for bytes that are not a
    /// key) and `bytes` writes them. Requests name any bytes with percent signs, as in `a%FF`;
    /// answers show a key that is not UTF-8 with that form beside it, as `key_encoded`.
    ///
    /// # Examples
    ///
    /// ```
    /// use forebay::stream::StreamingContext;
    /// use forebay_serve::ServedState;
    ///
    /// let ctx = StreamingContext::builder("words").build()?;
    /// let counts = ctx
    ///     .batches([vec![b"na\xefve".to_vec()]])
    ///     .map(|word| (word, 1u64))
    ///     .update_state_by_key(|_, new, old| Some(old.unwrap_or(0) + new.sum::<u64>()));
    /// let parse = |bytes: &[u8]| Some(bytes.to_vec());
    /// let served = ServedState::with_byte_keys(counts.handle(), parse, Vec::clone);
    /// # let _ = served;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_byte_keys<B: Into<Vec<u8>>>(
        handle: StateHandle<K, S>,
        parse: impl Fn(&[u8]) -> Option<K> + Send + Sync + 'static,
        bytes: impl Fn(&K) -> B + Send + Sync + 'static,
    ) -> Self {
        Self {
            handle,
            parse: Box::new(parse),
            text: Arc::new(move |key| ShownKey::new(&bytes(key).into())),
            show: Box::new(|asked, time, key, value| show(asked, time, key, value)),
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
        let show: Show<S> =
            Box::new(move |asked, time, key, state| show(asked, time, key, f(state)));
        Self { show, ..self }
    }

    /// Answers `top` with the keys that have the highest counts, which are exact.
    #[must_use]
    pub fn counts(self, count: impl Fn(&S) -> u64 + Send + Sync + 'static) -> Self {
        let text = Arc::clone(&self.text);
        let rank: Rank<K, S> = Box::new(move |snapshot, n, bytes| {
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
            Ranking::of_counts(total, &rows, bytes)
        });
        let rank = Some(rank);
        Self { rank, ..self }
    }

    /// Answers `top` with the heavy hitters of a summary in the state and their bounds; of several
    /// keys, with those of their merged summaries. `text` writes an item, as text or as bytes.
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
    pub fn heavy_hitters<T, W, B>(
        self,
        summary: impl Fn(&S) -> Option<MisraGries<T, W>> + Send + Sync + 'static,
        text: impl Fn(&T) -> B + Send + Sync + 'static,
    ) -> Self
    where
        B: Into<Vec<u8>>,
        T: Data + std::hash::Hash + Ord,
        W: Weight + Serialize,
    {
        let text = move |item: &T| ShownKey::new(&text(item).into());
        let rank: Rank<K, S> = Box::new(move |snapshot, n, bytes| {
            let of_group = |group: GroupRows<'_, K, S>| {
                let summaries = group.iter().filter_map(|(_, state)| summary(state));
                merge_all(summaries)
            };
            let merged = merge_all(snapshot.groups().filter_map(of_group));
            merged.map_or_else(
                || Ok(Ranking::empty()),
                |all| Ranking::of_summary(&all, n, &text, bytes),
            )
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
            let samples = chosen.iter().map(|(key, state)| KeySample {
                key: text(key),
                drawn: f(state),
            });
            let samples = Rows::new(samples, asked.bytes)?;
            asked.list(time, Nothing {}, "samples", (&samples, chosen.len()))
        });
        let draw = Some(draw);
        Self { draw, ..self }
    }
}

fn show<V: Serialize>(asked: &Asked<'_>, time: Option<BatchTime>, key: &[u8], value: V) -> Answer {
    let key = ShownKey::new(key);
    asked.answer(time, KeyState { key, value })
}

/// A state of any type.
pub(crate) trait Ask: Send + Sync {
    fn ranks(&self) -> bool;
    fn draws(&self) -> bool;
    /// Whether these bytes are a key of its type.
    fn reads(&self, key: &[u8]) -> bool;
    fn state(&self, asked: &Asked<'_>, key: &[u8]) -> Answer;
    fn top(&self, asked: &Asked<'_>, n: usize) -> Answer;
    fn sample(&self, asked: &Asked<'_>, key: Option<&[u8]>, n: usize) -> Answer;
}

impl<K: Key, S: Data> Ask for ServedState<K, S> {
    fn ranks(&self) -> bool {
        self.rank.is_some()
    }

    fn draws(&self) -> bool {
        self.draw.is_some()
    }

    fn reads(&self, key: &[u8]) -> bool {
        (self.parse)(key).is_some()
    }

    fn state(&self, asked: &Asked<'_>, bytes: &[u8]) -> Answer {
        let key = (self.parse)(bytes).ok_or_else(Refusal::bad_key)?;
        let snapshot = self.handle.snapshot();
        let state = snapshot.get(&key).ok_or_else(Refusal::no_such_key)?;
        (self.show)(asked, snapshot.time(), bytes, state)
    }

    fn top(&self, asked: &Asked<'_>, n: usize) -> Answer {
        let rank = self.rank.as_ref().expect("asked only if it ranks");
        // Held while ranking, so that concurrent requests wait for one ranking.
        let mut last = lock(&self.last);
        let snapshot = self.handle.snapshot();
        let time = snapshot.time();
        let most = last.as_ref().map_or(n, |last| last.most.max(n));
        let known = last.take().filter(|last| last.has(time, n));
        let last = last.insert(match known {
            Some(known) => known,
            None => LastRanking {
                time,
                most,
                ranking: rank(&snapshot, most, asked.bytes)?,
            },
        });
        last.answer(asked, n)
    }

    fn sample(&self, asked: &Asked<'_>, key: Option<&[u8]>, n: usize) -> Answer {
        let draw = self.draw.as_ref().expect("asked only if it draws");
        let key = match key {
            Some(bytes) => Some((self.parse)(bytes).ok_or_else(Refusal::bad_key)?),
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
