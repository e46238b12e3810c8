//! Batch times and the durations that must divide one another.

use std::fmt;
use std::time::Duration;

/// The instant that labels a batch, in milliseconds. The driver never reads a clock; its owner
/// passes the time.
///
/// # Examples
///
/// ```
/// use forebay::stream::BatchTime;
///
/// let time = BatchTime::from_millis(1_500);
/// assert_eq!(time.as_millis(), 1_500);
/// assert_eq!(time.to_string(), "1500 ms");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BatchTime(u64);

impl BatchTime {
    /// The time that lies `millis` milliseconds after the owner's origin of time.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the owner's origin of time.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }
}

impl fmt::Display for BatchTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}

/// A window or slide that is not a positive multiple of the slide of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DurationError {
    given: Duration,
    slide: Duration,
}

impl DurationError {
    /// The given duration.
    #[must_use]
    pub const fn given(&self) -> Duration {
        self.given
    }

    /// The slide of the stream.
    #[must_use]
    pub const fn slide(&self) -> Duration {
        self.slide
    }
}

impl fmt::Display for DurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is not a positive multiple of {:?}, the slide of the stream",
            self.given, self.slide
        )
    }
}

impl std::error::Error for DurationError {}

/// The milliseconds of a positive duration that is a whole number of them.
pub(crate) fn whole_millis(duration: Duration) -> Option<u64> {
    let millis = u64::try_from(duration.as_millis()).ok()?;
    (millis > 0 && Duration::from_millis(millis) == duration).then_some(millis)
}

/// The milliseconds of a duration, rounded up to whole ones; `None` beyond 2^64.
pub(crate) fn millis_rounded_up(duration: Duration) -> Option<u64> {
    let millis = duration.as_nanos().div_ceil(1_000_000);
    u64::try_from(millis).ok()
}

/// The milliseconds of `given`, if it is a positive multiple of `slide` milliseconds.
pub(crate) fn multiple_of(given: Duration, slide: u64) -> Result<u64, DurationError> {
    whole_millis(given)
        .filter(|millis| millis.is_multiple_of(slide))
        .ok_or(DurationError {
            given,
            slide: Duration::from_millis(slide),
        })
}

#[cfg(test)]
mod tests {
    use std::format;
    use std::string::ToString;

    use super::*;

    #[test]
    fn milliseconds_are_rounded_up_and_have_an_end() {
        let nanos = |nanos| millis_rounded_up(Duration::from_nanos(nanos));
        assert_eq!(nanos(0), Some(0));
        assert_eq!(nanos(1), Some(1));
        assert_eq!(nanos(900_000), Some(1));
        assert_eq!(nanos(1_000_000), Some(1));
        assert_eq!(nanos(1_000_001), Some(2));
        let most = Duration::from_millis(u64::MAX);
        assert_eq!(millis_rounded_up(most), Some(u64::MAX));
        assert_eq!(millis_rounded_up(most + Duration::from_nanos(1)), None);
    }

    #[test]
    fn only_positive_whole_multiples_pass_and_the_error_names_both_durations() {
        assert_eq!(multiple_of(Duration::from_secs(2), 500), Ok(2_000));
        for given in [
            Duration::ZERO,
            Duration::from_millis(700),
            Duration::from_micros(1_000_001),
        ] {
            let error = multiple_of(given, 500).expect_err("not a multiple");
            let text = error.to_string();
            assert!(text.contains("500ms") && text.contains(&format!("{given:?}")));
        }
    }
}
