//! How much a server takes on.

use std::time::Duration;

/// How much a server takes on; see the builder's methods.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) connections: usize,
    /// Of a ranking, and of keys whose samples are shown.
    pub(crate) rows: usize,
    pub(crate) answer_bytes: usize,
    /// For a request to come, for its answer to be found, and for its client to take more of it.
    pub(crate) patience: Duration,
}

impl Limits {
    /// Of a path with its query.
    pub(crate) const URI_BYTES: usize = 8 << 10;

    /// Of a key, decoded.
    pub(crate) const KEY_BYTES: usize = 1 << 10;

    /// Of the head of a request, the path included.
    pub(crate) const HEAD_BYTES: usize = 16 << 10;

    /// Rows of an answer to a question that names no number.
    pub(crate) const USUAL_ROWS: usize = 10;

    /// Questions that are worked on or wait for their turn.
    pub(crate) const QUESTIONS: usize = 64;

    /// Threads that work on questions.
    pub(crate) const THREADS: usize = 2;

    /// Connections beyond the limit that are told so; those beyond these are cut.
    pub(crate) const TURNED_AWAY: usize = 32;

    /// After this time a connection ends with its next answer, so that those who read little now
    /// and then end too.
    pub(crate) const CONNECTION_LIFE: Duration = Duration::from_secs(120);

    /// What is left to open requests when the server stops, or their connection is too old.
    pub(crate) const GRACE: Duration = Duration::from_secs(1);
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 256,
            rows: 1_000,
            answer_bytes: 4 << 20,
            patience: Duration::from_secs(10),
        }
    }
}
