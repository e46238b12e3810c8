//! How often a checkpoint is taken.

use std::time::{Duration, Instant};

/// How often a checkpoint is taken.
///
/// # Examples
///
/// ```
/// use forebay::stream::Every;
///
/// let _every_fifth_batch = Every::batches(5);
/// assert_eq!(Every::default(), Every::auto());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Every(Rule);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Rule {
    #[default]
    Auto,
    Batches(u64),
}

/// The fraction of the time that [`Every::auto`] spends on checkpoints: one in this many.
const SHARE: u32 = 10;

impl Every {
    /// After every `count` batches. If the last checkpoint is not durable by then, the stream waits
    /// for it.
    ///
    /// # Panics
    ///
    /// If `count` is 0.
    #[must_use]
    #[track_caller]
    pub const fn batches(count: u64) -> Self {
        assert!(count > 0, "a checkpoint is taken after at least one batch");
        Self(Rule::Batches(count))
    }

    /// After every batch while that takes at most a tenth of the time; with more state, less often.
    /// The stream never waits for the last checkpoint.
    ///
    /// The cost is measured from the snapshot until the checkpoint is durable. Which batches have a
    /// checkpoint then depends on the machine; results never do.
    #[must_use]
    pub const fn auto() -> Self {
        Self(Rule::Auto)
    }

    /// Whether a due checkpoint is skipped while another one is being written.
    pub(super) fn is_patient(self) -> bool {
        self.0 == Rule::Auto
    }

    /// Whether a checkpoint is due after this many batches, given when the last one was taken and
    /// how long until it was durable.
    pub(super) fn is_due(self, batches: u64, last: Option<(Instant, Duration)>) -> bool {
        match self.0 {
            Rule::Batches(count) => batches.is_multiple_of(count),
            Rule::Auto => last.is_none_or(|(taken, took)| taken.elapsed() >= took * SHARE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_of_the_time_goes_to_checkpoints() {
        let ago = |millis| Instant::now().checked_sub(Duration::from_millis(millis));
        let auto = Every::auto();
        assert!(auto.is_due(1, None));
        let took = Duration::from_millis(1_000);
        assert!(!auto.is_due(2, ago(9_000).map(|taken| (taken, took))));
        assert!(auto.is_due(2, ago(10_001).map(|taken| (taken, took))));
        assert!(!Every::batches(3).is_due(2, None));
        assert!(Every::batches(3).is_due(6, None));
    }
}
