//! Redis Streams, read by the ids of their entries.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use redis::{Client, Connection, RedisError};

use forebay::stream::{BoxError, Codec, Source, Warnings};

/// The most entries that one batch reads of one stream.
const MOST: usize = 1 << 20;

/// How long to wait for a server.
const PATIENCE: Duration = Duration::from_secs(5);

/// The id of an entry of a Redis stream: its time in milliseconds and a number within that
/// millisecond.
///
/// # Examples
///
/// ```
/// use forebay_redis::EntryId;
///
/// let id: EntryId = "1526919030474-55".parse()?;
/// assert_eq!(id.to_string(), "1526919030474-55");
/// assert!(EntryId::default() < id);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
)]
pub struct EntryId {
    millis: u64,
    number: u64,
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.millis, self.number)
    }
}

/// A text is not the id of an entry, such as `1526919030474-55`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryIdError(String);

impl fmt::Display for EntryIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not the id of a stream entry", self.0)
    }
}

impl std::error::Error for EntryIdError {}

impl FromStr for EntryId {
    type Err = EntryIdError;

    fn from_str(text: &str) -> Result<Self, EntryIdError> {
        let numbers = text.split_once('-').and_then(|(millis, number)| {
            let (millis, number) = (millis.parse().ok()?, number.parse().ok()?);
            Some(Self { millis, number })
        });
        numbers.ok_or_else(|| EntryIdError(text.to_string()))
    }
}

/// A text is not the address of a Redis server, such as `redis://127.0.0.1/`.
#[derive(Clone, Debug)]
pub struct AddressError(RedisError);

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not the address of a redis server: {}", self.0)
    }
}

impl std::error::Error for AddressError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// An entry of a Redis stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisEntry {
    stream: Arc<str>,
    id: EntryId,
    fields: Vec<(String, Vec<u8>)>,
}

impl RedisEntry {
    /// The key of the stream.
    #[must_use]
    pub fn stream(&self) -> &str {
        &self.stream
    }

    /// The id, increasing within a stream.
    #[must_use]
    pub const fn id(&self) -> EntryId {
        self.id
    }

    /// The value of a field; the first one if several have that name.
    #[must_use]
    pub fn get(&self, field: &str) -> Option<&[u8]> {
        let mut fields = self.fields();
        fields.find_map(|(name, value)| (name == field).then_some(value))
    }

    /// All fields with their values, in the order of the entry.
    #[must_use]
    pub fn fields(&self) -> impl ExactSizeIterator<Item = (&str, &[u8])> {
        let fields = self.fields.iter();
        fields.map(|(name, value)| (name.as_str(), value.as_slice()))
    }
}

/// The entries of Redis streams, as a [`Source`]: a partition for each stream, positions are ids.
///
/// A range of ids is exact and repeatable unless someone deletes or trims entries in it. Reading
/// takes nothing from the stream: processed entries stay until the owner trims it. While the server
/// cannot be reached, batches are empty and a warning is counted; each batch tries to connect
/// again. The server must support exclusive ranges (Redis 6.2).
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
    client: Client,
    /// `None` before the first use and after an error.
    connection: Option<Connection>,
    streams: Vec<Arc<str>>,
    /// What the last plan has read, by stream, until it is read.
    planned: Vec<(Range<EntryId>, Vec<RedisEntry>)>,
    warnings: Warnings,
}

impl RedisStreams {
    /// The streams of these keys on the server of this address; they need not exist yet. The
    /// connection is made when the stream starts.
    ///
    /// # Errors
    ///
    /// If the address is invalid.
    pub fn new<K: Into<String>>(
        address: &str,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<Self, AddressError> {
        Ok(Self {
            client: Client::open(address).map_err(AddressError)?,
            connection: None,
            streams: keys.into_iter().map(|key| key.into().into()).collect(),
            planned: Vec::new(),
            warnings: Warnings::default(),
        })
    }

    /// The number of batches in which the server could not be reached.
    #[must_use]
    pub fn warnings(&self) -> Warnings {
        self.warnings.clone()
    }

    /// The first entries after `after` and up to `until`.
    fn entries(
        &mut self,
        partition: usize,
        after: EntryId,
        until: &str,
        limit: usize,
    ) -> Result<Vec<RedisEntry>, RedisError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => connect(&self.client)?,
        };
        let stream = &self.streams[partition];
        let mut range = redis::cmd("XRANGE");
        range.arg(&**stream).arg(format!("({after}")).arg(until);
        range.arg("COUNT").arg(limit);
        type Reply = Vec<(String, Vec<(String, Vec<u8>)>)>;
        let reply: Reply = range.query(&mut connection)?;
        self.connection = Some(connection);
        let entries = reply.into_iter().map(|(id, fields)| {
            let id = id.parse().map_err(|error: EntryIdError| {
                RedisError::from((
                    redis::ErrorKind::UnexpectedReturnType,
                    "an id",
                    error.to_string(),
                ))
            })?;
            Ok(RedisEntry {
                stream: Arc::clone(stream),
                id,
                fields,
            })
        });
        entries.collect()
    }
}

fn connect(client: &Client) -> Result<Connection, RedisError> {
    let connection = client.get_connection_with_timeout(PATIENCE)?;
    connection.set_read_timeout(Some(PATIENCE))?;
    connection.set_write_timeout(Some(PATIENCE))?;
    Ok(connection)
}

/// Whether the server may be reachable again later.
fn is_absence(error: &RedisError) -> bool {
    // A server that has just started refuses everything until it has read its file.
    let loading = error.code() == Some("LOADING");
    loading || error.is_io_error() || error.is_connection_dropped() || error.is_timeout()
}

impl Source for RedisStreams {
    type Item = RedisEntry;
    type Position = EntryId;

    fn start(&mut self) -> Result<Vec<EntryId>, BoxError> {
        Ok(self.streams.iter().map(|_| EntryId::default()).collect())
    }

    fn position_codec(&self) -> Option<Codec<EntryId>> {
        Some(Codec::serde("entry id"))
    }

    fn plan(&mut self, at: &[EntryId], limit: usize) -> Result<Vec<Range<EntryId>>, BoxError> {
        self.planned.clear();
        let share = (limit / at.len().max(1)).clamp(1, MOST);
        for (partition, &at) in at.iter().enumerate() {
            let entries = match self.entries(partition, at, "+", share) {
                Err(error) if is_absence(&error) => {
                    self.warnings.add();
                    Vec::new()
                }
                entries => entries?,
            };
            let end = entries.last().map_or(at, RedisEntry::id);
            self.planned.push((at..end, entries));
        }
        Ok(self
            .planned
            .iter()
            .map(|(range, _)| range.clone())
            .collect())
    }

    fn read(
        &mut self,
        partition: usize,
        range: &Range<EntryId>,
    ) -> Result<Vec<RedisEntry>, BoxError> {
        if let Some((planned, entries)) = self.planned.get_mut(partition)
            && planned == range
        {
            planned.start = planned.end;
            return Ok(std::mem::take(entries));
        }
        let mut read = Vec::new();
        let mut at = range.start;
        while at < range.end {
            let mut entries = self.entries(partition, at, &range.end.to_string(), MOST)?;
            at = entries.last().map_or(range.end, RedisEntry::id);
            read.append(&mut entries);
        }
        Ok(read)
    }
}

impl fmt::Debug for RedisStreams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStreams")
            .field("streams", &self.streams)
            .field("is_connected", &self.connection.is_some())
            .finish_non_exhaustive()
    }
}
