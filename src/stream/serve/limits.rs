//! How much a server takes on.

use std::time::Duration;

/// How much a server takes on; see the builder's methods.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) connections: usize,
    /// Of a ranking, and of keys whose samples are shown.
    pub(super) rows: usize,
    pub(super) answer_bytes: usize,
    /// For a request to come, for its answer to be found, and for its client to take more of it.
    pub(super) patience: Duration,
}

impl Limits {
    /// Of a path with its query.
    pub(super) const URI_BYTES: usize = 8 << 10;

    /// Of a key, decoded.
    pub(super) const KEY_BYTES: usize = 1 << 10;

    /// Of the head of a request, the path included.
    pub(super) const HEAD_BYTES: usize = 16 << 10;

    /// Rows of an answer to a question that names no number.
    pub(super) const USUAL_ROWS: usize = 10;

    /// Questions that are worked on or wait for their turn.
    pub(super) const QUESTIONS: usize = 64;

    /// Threads that work on questions.
    pub(super) const THREADS: usize = 2;

    /// Connections beyond the limit that are told so; those beyond these are cut.
    pub(super) const TURNED_AWAY: usize = 32;

    /// After this time a connection ends with its next answer, so that those who read little now
    /// and then end too.
    pub(super) const CONNECTION_LIFE: Duration = Duration::from_secs(120);

    /// What is left to open requests when the server stops, or their connection is too old.
    pub(super) const GRACE: Duration = Duration::from_secs(1);
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
