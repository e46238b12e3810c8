//! Entries of Redis streams, and their ids.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

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

/// An entry of a Redis stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisEntry {
    pub(crate) stream: Arc<str>,
    pub(crate) id: EntryId,
    pub(crate) fields: Vec<(Vec<u8>, Vec<u8>)>,
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
    pub fn get(&self, field: impl AsRef<[u8]>) -> Option<&[u8]> {
        let mut fields = self.fields();
        fields.find_map(|(name, value)| (name == field.as_ref()).then_some(value))
    }

    /// All fields with their values, in the order of the entry. Both are bytes, as in Redis.
    #[must_use]
    pub fn fields(&self) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> {
        let fields = self.fields.iter();
        fields.map(|(name, value)| (name.as_slice(), value.as_slice()))
    }
}
