//! The limits of a server.

use std::time::Duration;

/// The limits of a server; see the methods of the builder.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) connections: usize,
    /// Rows of a ranking, and keys whose samples are shown.
    pub(crate) rows: usize,
    pub(crate) answer_bytes: usize,
    /// Bytes of answers that their clients have not read, all together.
    pub(crate) unread_bytes: usize,
    /// Time for a request to arrive, for its answer to be found, and for its client to read more of
    /// it.
    pub(crate) patience: Duration,
}

impl Limits {
    /// Bytes of a path with its query.
    pub(crate) const URI_BYTES: usize = 8 << 10;

    /// Bytes of a decoded key.
    pub(crate) const KEY_BYTES: usize = 1 << 10;

    /// Bytes of the head of a request, the path included.
    pub(crate) const HEAD_BYTES: usize = 16 << 10;

    /// Rows of an answer to a request without `n`.
    pub(crate) const USUAL_ROWS: usize = 10;

    /// Requests that are being answered or waiting.
    pub(crate) const QUESTIONS: usize = 64;

    /// Bytes of an answer that takes no room of the unread ones, so that there are always some.
    pub(crate) const SMALL_BYTES: usize = 64 << 10;

    /// The longest patience: more than a connection lasts, and less than a clock can add.
    pub(crate) const MOST_PATIENCE: Duration = Duration::from_secs(24 * 60 * 60);

    /// Bytes of the message of a failure.
    pub(crate) const FAILURE_BYTES: usize = 1 << 10;

    /// Threads that answer requests.
    pub(crate) const THREADS: usize = 2;

    /// Connections beyond the limit that get a refusal; further ones are cut.
    pub(crate) const TURNED_AWAY: usize = 32;

    /// After this time a connection ends with its next answer, so that slow readers end too.
    pub(crate) const CONNECTION_LIFE: Duration = Duration::from_secs(120);

    /// The time left for open requests when the server stops, and for the rest of an answer when
    /// its connection is too old.
    pub(crate) const GRACE: Duration = Duration::from_secs(1);
}

impl Limits {
    pub(crate) const fn are_any_zero(&self) -> bool {
        let Self {
            connections,
            rows,
            answer_bytes,
            unread_bytes,
            patience,
        } = *self;
        connections == 0
            || rows == 0
            || answer_bytes == 0
            || unread_bytes == 0
            || patience.is_zero()
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 256,
            rows: 1_000,
            answer_bytes: 4 << 20,
            unread_bytes: 64 << 20,
            patience: Duration::from_secs(10),
        }
    }
}
