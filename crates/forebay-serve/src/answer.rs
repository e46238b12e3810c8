//! Answers to questions about state, as JSON of limited size.

use std::io::{self, Write};

use axum::body::Bytes;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::refusal::Refusal;
use forebay::sample::Reservoir;
use forebay::stream::BatchTime;

/// A finished answer, or the reason for a refusal.
pub(crate) type Answer = Result<Bytes, Refusal>;

/// What a request asks, besides the question itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) stream: &'a str,
    pub(crate) state: &'a str,
    /// The most bytes that the answer may have.
    pub(crate) bytes: usize,
}

/// An answer with its head: the stream, the state, and the batch after which it holds.
#[derive(Serialize)]
struct Headed<'a, T> {
    stream: &'a str,
    state: &'a str,
    /// Milliseconds.
    batch_time: Option<u64>,
    #[serde(flatten)]
    content: T,
}

impl Asked<'_> {
    /// Writes an answer as of the boundary after the batch of `time`.
    pub(crate) fn answer<T: Serialize>(&self, time: Option<BatchTime>, content: T) -> Answer {
        let headed = Headed {
            stream: self.stream,
            state: self.state,
            batch_time: time.map(BatchTime::as_millis),
            content,
        };
        json(&headed, self.bytes)
    }
}

/// A value as JSON of at most `limit` bytes; a longer one is dropped.
pub(crate) fn json<T: Serialize>(value: &T, limit: usize) -> Answer {
    let mut limited = Limited {
        bytes: Vec::new(),
        limit,
    };
    match serde_json::to_writer(&mut limited, value) {
        Ok(()) => Ok(limited.bytes.into()),
        Err(error) if error.is_io() => Err(Refusal::large_answer(limit)),
        Err(error) => Err(Refusal::failed(error)),
    }
}

/// A buffer that fails beyond a limit.
struct Limited {
    bytes: Vec<u8>,
    limit: usize,
}

impl Write for Limited {
    fn write(&mut self, more: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + more.len() > self.limit {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.bytes.extend_from_slice(more);
        Ok(more.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The state of a key.
#[derive(Serialize)]
pub(crate) struct KeyState<'a, V> {
    pub(crate) key: &'a str,
    pub(crate) value: V,
}

/// The heaviest keys or items, with their bounds.
#[derive(Serialize)]
pub(crate) struct Ranking {
    pub(crate) total: Value,
    /// The largest distance between an upper and a lower bound.
    pub(crate) max_error: Value,
    pub(crate) rows: Vec<RankedRow>,
}

#[derive(Serialize)]
pub(crate) struct RankedRow {
    pub(crate) key: String,
    pub(crate) lower: Value,
    pub(crate) upper: Value,
    /// Whether no later row and no other key can be heavier.
    pub(crate) certain: bool,
}

/// Samples by key, made while they are written.
pub(crate) struct Samples<F>(F);

impl<I, F> Samples<F>
where
    F: Fn() -> I,
    I: Iterator,
    I::Item: Serialize,
{
    pub(crate) const fn new(samples: F) -> Self {
        Self(samples)
    }
}

impl<I, F> Serialize for Samples<F>
where
    F: Fn() -> I,
    I: Iterator,
    I::Item: Serialize,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Samples", 1)?;
        fields.serialize_field("samples", &OneByOne(&self.0))?;
        fields.end()
    }
}

struct OneByOne<'a, F>(&'a F);

impl<I, F> Serialize for OneByOne<'_, F>
where
    F: Fn() -> I,
    I: Iterator,
    I::Item: Serialize,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}

#[derive(Serialize)]
pub(crate) struct KeySample<V> {
    pub(crate) key: String,
    #[serde(flatten)]
    pub(crate) drawn: Drawn<V>,
}

/// The display of a sample: how many items it was drawn from, and the items.
///
/// # Examples
///
/// ```
/// use forebay::sample::Reservoir;
/// use forebay_serve::Drawn;
///
/// let mut sample = Reservoir::with_seed(3, 0);
/// sample.extend(0..100);
/// let drawn = Drawn::from(&sample);
/// assert_eq!((drawn.seen, drawn.items.len()), (100, 3));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Drawn<V> {
    /// How many items were offered.
    pub seen: u64,
    /// Those that were drawn.
    pub items: Vec<V>,
}

impl<T: Clone, R> From<&Reservoir<T, R>> for Drawn<T> {
    fn from(sample: &Reservoir<T, R>) -> Self {
        Self {
            seen: sample.seen(),
            items: sample.iter().cloned().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn an_answer_has_at_most_the_bytes_allowed() {
        let text = "x".repeat(98);
        assert_eq!(json(&text, 100).expect("it fits").len(), 100);
        assert!(json(&text, 99).is_err());
        assert!(json(&text.to_string(), 0).is_err());
    }
}
