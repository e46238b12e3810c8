//! What time it is, and how long to wait.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The clock of a running stream: the only thing that tells it the time.
pub(crate) trait Clock: Send + Sync {
    /// The time since 1970. It never decreases.
    fn now(&self) -> Duration;

    /// How long a thread sleeps that waits until this time, unless it is woken; `None` if only
    /// waking ends its wait.
    fn sleep(&self, until: Duration) -> Option<Duration> {
        Some(until.saturating_sub(self.now()))
    }
}

/// The clock of the machine. It is set when the stream starts and runs steadily from there: a
/// change of the system time moves no batch.
pub(crate) struct SystemClock {
    /// Since 1970.
    set: Duration,
    at: Instant,
}

impl SystemClock {
    pub(crate) fn new() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            set: since.unwrap_or_default(),
            at: Instant::now(),
        }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.set + self.at.elapsed()
    }
}
