//! Redis Streams as a source.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use forebay::stream::{BoxError, Codec, Source, Warnings};

use crate::entry::{EntryId, RedisEntry};
use crate::position::StreamPosition;
use crate::server::{AddressError, Server};

/// The most entries that one batch reads of one stream.
const MOST: usize = 1 << 20;

/// How long a range that must be read is waited for, and how often it is asked for meanwhile.
const WAIT: (Duration, Duration) = (Duration::from_secs(30), Duration::from_millis(20));

/// The entries of Redis streams, as a [`Source`]: a partition for each stream, positions are ids.
///
/// A range of ids is exact and repeatable unless someone deletes or trims entries in it. Reading
/// takes nothing from the stream: processed entries stay until the owner trims it. The server must
/// support exclusive ranges (Redis 6.2).
///
/// A run that goes on from the positions of another may have further keys, which are read from
/// their beginning. Keys that it lacks are an error at the start.
///
/// While the server cannot be reached, batches are empty and a warning is counted. The batch that
/// finds it silent waits about 5 s, once; then a thread tries to reach it, after pauses from 50 ms
/// to 10 s. Only a range that was planned before and must be read again, after a crash, is waited
/// for: 30 s, and then the batch fails.
///
/// # Examples
///
/// ```no_run
/// use forebay::stream::StreamingContext;
/// use forebay_redis::RedisStreams;
///
/// let clicks = RedisStreams::new("redis://127.0.0.1/", ["clicks"])?;
/// let ctx = StreamingContext::builder("clicks").build()?;
/// let (entries, positions) = ctx.source_from(clicks, None);
/// entries
///     .filter_map(|entry| Some(String::from_utf8_lossy(entry.get("page")?).into_owned()))
///     .count_by_value()
///     .map(|(page, count)| format!("{count} {page}"))
///     .print();
/// # let _ = positions;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct RedisStreams {
    server: Server,
    streams: Vec<Arc<str>>,
    /// What the last plan has read, by partition, until it is read.
    planned: Vec<(Range<StreamPosition>, Vec<RedisEntry>)>,
    warnings: Warnings,
}

impl RedisStreams {
    /// The streams of these keys on the server of this address; they need not exist yet. The
    /// connection is made when the stream starts. A key given twice is read once.
    ///
    /// # Errors
    ///
    /// If the address is invalid.
    pub fn new<K: Into<String>>(
        address: &str,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<Self, AddressError> {
        let mut streams: Vec<Arc<str>> = Vec::new();
        for key in keys {
            let key = key.into();
            if !streams.iter().any(|stream| **stream == *key) {
                streams.push(key.into());
            }
        }
        Ok(Self {
            server: Server::new(address)?,
            streams,
            planned: Vec::new(),
            warnings: Warnings::default(),
        })
    }

    /// The number of batches in which the server could not be reached.
    #[must_use]
    pub fn warnings(&self) -> Warnings {
        self.warnings.clone()
    }

    /// The positions that a plan begins at: these, and the beginning of every stream that has none.
    fn begin_at(&self, at: &[StreamPosition]) -> Result<Vec<StreamPosition>, BoxError> {
        self.check(at)?;
        let is_new = |stream: &&Arc<str>| at.iter().all(|at| at.stream() != &***stream);
        let new = self.streams.iter().filter(is_new);
        let new = new.map(|stream| StreamPosition::new(Arc::clone(stream), EntryId::default()));
        Ok(at.iter().cloned().chain(new).collect())
    }

    /// Each position must be of a stream of its own, and of one that is read.
    fn check(&self, at: &[StreamPosition]) -> Result<(), BoxError> {
        for (partition, position) in at.iter().enumerate() {
            let stream = position.stream();
            if !self.streams.iter().any(|known| **known == *stream) {
                return Err(format!(
                    "there is a position of the Redis stream {stream:?}, which is not read: add \
                     its key, or leave its position out"
                )
                .into());
            }
            if at[..partition].iter().any(|at| at.stream() == stream) {
                return Err(format!("the Redis stream {stream:?} has two positions").into());
            }
        }
        Ok(())
    }

    /// The first entries after a position and up to `until`; `None` while the server cannot be
    /// reached.
    fn entries(
        &mut self,
        after: &StreamPosition,
        until: &str,
        limit: usize,
    ) -> Result<Option<Vec<RedisEntry>>, BoxError> {
        let mut range = redis::cmd("XRANGE");
        range.arg(after.stream()).arg(format!("({}", after.id()));
        range.arg(until).arg("COUNT").arg(limit);
        type Reply = Vec<(String, Vec<(Vec<u8>, Vec<u8>)>)>;
        let Some(reply) = self.server.ask::<Reply>(&range)? else {
            return Ok(None);
        };
        let entries = reply.into_iter().map(|(id, fields)| {
            Ok(RedisEntry {
                stream: after.shared_stream(),
                id: id.parse()?,
                fields,
            })
        });
        entries.collect::<Result<_, BoxError>>().map(Some)
    }

    /// The same, for a server that will be reachable soon.
    fn await_entries(
        &mut self,
        after: &StreamPosition,
        until: &str,
    ) -> Result<Vec<RedisEntry>, BoxError> {
        let started = Instant::now();
        loop {
            if let Some(entries) = self.entries(after, until, MOST)? {
                return Ok(entries);
            }
            if started.elapsed() > WAIT.0 {
                let stream = after.stream();
                let message = "cannot be read up to entry";
                return Err(format!(
                    "the Redis stream {stream:?} {message} {until}: the server cannot be reached"
                )
                .into());
            }
            thread::sleep(WAIT.1);
        }
    }
}

impl Source for RedisStreams {
    type Item = RedisEntry;
    type Position = StreamPosition;

    fn start(&mut self) -> Result<Vec<StreamPosition>, BoxError> {
        self.begin_at(&[])
    }

    fn position_codec(&self) -> Option<Codec<StreamPosition>> {
        Some(Codec::serde("position in a Redis stream"))
    }

    fn seek(&mut self, to: &[StreamPosition]) -> Result<(), BoxError> {
        self.check(to)
    }

    fn plan(
        &mut self,
        at: &[StreamPosition],
        limit: usize,
    ) -> Result<Vec<Range<StreamPosition>>, BoxError> {
        self.planned.clear();
        let at = self.begin_at(at)?;
        let share = (limit / at.len().max(1)).clamp(1, MOST);
        let mut is_absent = false;
        for at in at {
            let entries = match is_absent {
                true => None,
                false => self.entries(&at, "+", share)?,
            };
            if entries.is_none() && !is_absent {
                is_absent = true;
                self.warnings.add();
            }
            let entries = entries.unwrap_or_default();
            let end = at.moved_to(entries.last().map_or(at.id(), RedisEntry::id));
            self.planned.push((at..end, entries));
        }
        let ranges = self.planned.iter().map(|(range, _)| range.clone());
        Ok(ranges.collect())
    }

    fn read(
        &mut self,
        partition: usize,
        range: &Range<StreamPosition>,
    ) -> Result<Vec<RedisEntry>, BoxError> {
        if let Some((planned, entries)) = self.planned.get_mut(partition)
            && planned == range
        {
            planned.start = planned.end.clone();
            return Ok(std::mem::take(entries));
        }
        let until = range.end.id();
        let (mut at, mut read) = (range.start.clone(), Vec::new());
        while at.id() < until {
            let mut entries = self.await_entries(&at, &until.to_string())?;
            at = at.moved_to(entries.last().map_or(until, RedisEntry::id));
            read.append(&mut entries);
        }
        Ok(read)
    }
}

impl fmt::Debug for RedisStreams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStreams")
            .field("streams", &self.streams)
            .field("is_connected", &self.server.is_connected())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// One that accepts and never answers.
    #[test]
    fn a_silent_server_is_waited_for_once() {
        let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = silent.local_addr().expect("an address");
        let keys = ["a", "b", "c"];
        let redis = RedisStreams::new(&format!("redis://{address}/"), keys);
        let mut redis = redis.expect("an address");
        let patience = Duration::from_millis(300);
        redis.server = redis.server.with_patience(patience);
        let at = redis.start().expect("no connection is made");
        let started = Instant::now();
        for batches in 1..=100 {
            let plan = redis.plan(&at, 100).expect("absence is no error");
            assert!(plan.iter().all(|range| range.start == range.end));
            assert_eq!((plan.len(), redis.warnings().count()), (3, batches));
        }
        // Of three hundred streams and batches, one has waited.
        assert!(started.elapsed() < 10 * patience);
        // Whoever drops it does not wait for the thread that tries to reach the server.
        drop(redis);
        assert!(started.elapsed() < 10 * patience);
    }
}
