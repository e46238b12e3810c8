//! Answers to questions about state, as JSON of limited size.

use std::io::{self, Write};

use serde::Serialize;

use crate::key::ShownKey;
use crate::refusal::Refusal;
use forebay::sample::Reservoir;
use forebay::stream::BatchTime;

/// A finished answer, or the reason for a refusal.
pub(crate) type Answer = Result<Vec<u8>, Refusal>;

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

    /// An answer whose last field is a list with the first `n` of the rows, or with as many of them
    /// as fit; the field `left_out` tells how many do not.
    pub(crate) fn list<T: Serialize>(
        &self,
        time: Option<BatchTime>,
        content: T,
        name: &str,
        (rows, n): (&Rows, usize),
    ) -> Answer {
        /// The end of an answer, with a field for the largest number of rows left out.
        const END_BYTES: usize = 40;
        let mut answer = self.answer(time, content)?;
        // The closing brace comes after the list.
        answer.pop();
        answer.extend_from_slice(format!(",\"{name}\":[").as_bytes());
        let wanted = n.min(rows.found);
        let room = self.bytes.saturating_sub(answer.len() + END_BYTES);
        let fitting = rows.first(wanted, room);
        if fitting == 0 && wanted > 0 {
            return Err(Refusal::large_answer(self.bytes));
        }
        answer.extend_from_slice(rows.json(fitting));
        match wanted - fitting {
            0 => answer.extend_from_slice(b"]}"),
            left_out => write!(answer, "],\"left_out\":{left_out}}}")
                .expect("writing to memory does not fail"),
        }
        Ok(answer)
    }
}

/// Rows as JSON with commas between them: the first ones, as many as a limit of bytes allows.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    json: Vec<u8>,
    /// Where each row ends.
    ends: Vec<usize>,
    /// How many rows there are, those without JSON included.
    found: usize,
}

impl Rows {
    pub(crate) fn new<T: Serialize>(
        rows: impl ExactSizeIterator<Item = T>,
        limit: usize,
    ) -> Result<Self, Refusal> {
        let mut written = Self {
            found: rows.len(),
            ..Self::default()
        };
        for row in rows {
            if !written.push(&row, limit)? {
                break;
            }
        }
        Ok(written)
    }

    /// Adds a row if there is room for it.
    fn push<T: Serialize>(&mut self, row: &T, limit: usize) -> Result<bool, Refusal> {
        let before = self.json.len();
        let mut limited = Limited {
            bytes: &mut self.json,
            limit,
        };
        let comma = if before == 0 { "" } else { "," };
        let pushed = limited.write_all(comma.as_bytes());
        let pushed = pushed.map_err(serde_json::Error::io);
        match pushed.and_then(|()| serde_json::to_writer(&mut limited, row)) {
            Ok(()) => self.ends.push(self.json.len()),
            Err(error) if error.is_io() => {
                self.json.truncate(before);
                return Ok(false);
            }
            Err(error) => return Err(Refusal::failed(error)),
        }
        Ok(true)
    }

    /// How many rows there are, also those that have no JSON.
    pub(crate) const fn found(&self) -> usize {
        self.found
    }

    /// How many of the first `n` rows fit into so many bytes.
    fn first(&self, n: usize, bytes: usize) -> usize {
        let ends = &self.ends[..n.min(self.ends.len())];
        ends.partition_point(|&end| end <= bytes)
    }

    /// The JSON of the first `n` rows.
    fn json(&self, n: usize) -> &[u8] {
        let end = n.checked_sub(1).map_or(0, |last| self.ends[last]);
        &self.json[..end]
    }
}

/// A value as JSON of at most `limit` bytes; a longer one is dropped.
pub(crate) fn json<T: Serialize>(value: &T, limit: usize) -> Answer {
    let mut bytes = Vec::new();
    let limited = Limited {
        bytes: &mut bytes,
        limit,
    };
    match serde_json::to_writer(limited, value) {
        Ok(()) => Ok(bytes),
        Err(error) if error.is_io() => Err(Refusal::large_answer(limit)),
        Err(error) => Err(Refusal::failed(error)),
    }
}

/// A buffer that fails beyond a limit.
struct Limited<'a> {
    bytes: &'a mut Vec<u8>,
    limit: usize,
}

impl Write for Limited<'_> {
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
pub(crate) struct KeyState<V> {
    #[serde(flatten)]
    pub(crate) key: ShownKey,
    pub(crate) value: V,
}

/// What is told of a list of samples besides its rows.
#[derive(Serialize)]
pub(crate) struct Nothing {}

#[derive(Serialize)]
pub(crate) struct KeySample<V> {
    #[serde(flatten)]
    pub(crate) key: ShownKey,
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

    const ASKED: Asked<'_> = Asked {
        stream: "s",
        state: "t",
        bytes: 1_000,
    };

    #[test]
    fn an_answer_has_at_most_the_bytes_allowed() {
        let text = "x".repeat(98);
        assert_eq!(json(&text, 100).expect("it fits").len(), 100);
        assert!(json(&text, 99).is_err());
        assert!(json(&text.to_string(), 0).is_err());
    }

    /// The answer with the first `n` of the numbers from 100 on.
    fn list(n: usize, asked: Asked<'_>) -> Answer {
        let rows = Rows::new((100..200).map(|n| n.to_string()), 10_000).expect("texts");
        asked.list(None, Nothing {}, "rows", (&rows, n))
    }

    #[test]
    fn a_list_has_the_rows_asked_for() {
        let head = r#"{"stream":"s","state":"t","batch_time":null,"rows":["#;
        for (n, rows) in [(0, ""), (1, r#""100""#), (2, r#""100","101""#)] {
            let expected = format!("{head}{rows}]}}");
            assert_eq!(list(n, ASKED).expect("it fits"), expected.as_bytes());
        }
        let all: serde_json::Value =
            serde_json::from_slice(&list(500, ASKED).expect("it fits")).expect("JSON");
        assert_eq!(all["rows"].as_array().map(Vec::len), Some(100));
    }

    #[test]
    fn a_list_has_fewer_rows_rather_than_more_bytes() {
        for bytes in 0..700 {
            let asked = Asked { bytes, ..ASKED };
            match list(100, asked) {
                Err(_) => assert!(bytes < 110, "{bytes}"),
                Ok(answer) => {
                    assert!(answer.len() <= bytes && answer.len() + 45 > bytes.min(651));
                    let answer: serde_json::Value = serde_json::from_slice(&answer).expect("JSON");
                    let rows = answer["rows"].as_array().expect("rows").len();
                    let left_out = answer["left_out"].as_u64().unwrap_or(0);
                    assert_eq!(rows as u64 + left_out, 100);
                }
            }
        }
        // Rows that were never written count as well.
        let rows = Rows::new(["long", "longer", "x"].iter(), 10).expect("texts");
        assert_eq!((rows.found(), rows.ends.len()), (3, 1));
        let answer = ASKED.list(None, Nothing {}, "rows", (&rows, 2));
        let answer = String::from_utf8(answer.expect("one row")).expect("text");
        assert!(
            answer.ends_with(r#""rows":["long"],"left_out":1}"#),
            "{answer}"
        );
    }
}
