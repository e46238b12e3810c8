//! Places in Redis streams.

use std::sync::Arc;

use crate::entry::EntryId;

/// A position of [`RedisStreams`](crate::RedisStreams): the key of a stream, and the id of the last
/// entry that was read of it.
///
/// # Examples
///
/// ```
/// use forebay_redis::{EntryId, StreamPosition};
///
/// let position = StreamPosition::new("clicks", "1526919030474-55".parse()?);
/// assert_eq!(position.stream(), "clicks");
/// assert!(position.id() > EntryId::default());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(from = "(String, EntryId)", into = "(String, EntryId)")]
pub struct StreamPosition {
    stream: Arc<str>,
    id: EntryId,
}

impl StreamPosition {
    /// The place after the entry of this id, which need not exist.
    pub fn new(stream: impl Into<Arc<str>>, id: EntryId) -> Self {
        let stream = stream.into();
        Self { stream, id }
    }

    /// The key of the stream.
    #[must_use]
    pub fn stream(&self) -> &str {
        &self.stream
    }

    /// The id of the last entry that was read.
    #[must_use]
    pub const fn id(&self) -> EntryId {
        self.id
    }

    /// A later place in the same stream.
    pub(crate) fn moved_to(&self, id: EntryId) -> Self {
        let stream = Arc::clone(&self.stream);
        Self { stream, id }
    }

    pub(crate) fn shared_stream(&self) -> Arc<str> {
        Arc::clone(&self.stream)
    }
}

impl From<(String, EntryId)> for StreamPosition {
    fn from((stream, id): (String, EntryId)) -> Self {
        Self::new(stream, id)
    }
}

impl From<StreamPosition> for (String, EntryId) {
    fn from(position: StreamPosition) -> Self {
        (position.stream.to_string(), position.id)
    }
}
