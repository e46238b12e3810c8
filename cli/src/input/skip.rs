//! Bad input: an error, or skipped and counted.

use crate::error::Error;
use crate::output::message::counted;
use crate::output::message::say;

/// What to do with unreadable files and bad lines.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum OnBad {
    Stop,
    Skip,
}

impl OnBad {
    /// From whether `--skip-bad` is given.
    pub(crate) const fn from_flag(skip_bad: bool) -> Self {
        if skip_bad { Self::Skip } else { Self::Stop }
    }
}

/// Skips and counts bad input, if that is wanted.
#[derive(Debug)]
pub(crate) struct Skipper {
    on_bad: OnBad,
    lines: u64,
    files: u64,
}

impl Skipper {
    pub(crate) const fn new(on_bad: OnBad) -> Self {
        Self {
            on_bad,
            lines: 0,
            files: 0,
        }
    }

    /// The value, or `None` if it is skipped.
    ///
    /// # Errors
    ///
    /// The error itself, if bad input is not to be skipped, or if the input is not at fault.
    pub(crate) fn tolerate<T>(&mut self, result: Result<T, Error>) -> Result<Option<T>, Error> {
        let skipped = match &result {
            Err(Error::Line(_)) => &mut self.lines,
            Err(Error::Read { .. }) => &mut self.files,
            Err(_) | Ok(_) => return result.map(Some),
        };
        if self.on_bad == OnBad::Stop {
            return result.map(Some);
        }
        *skipped += 1;
        Ok(None)
    }

    /// Adds what another skipper has counted.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.lines += other.lines;
        self.files += other.files;
    }

    /// Reports what was skipped, if anything was.
    pub(crate) fn report(&self) {
        if let Some(summary) = self.summary() {
            say(format_args!("forebay: {summary}"));
        }
    }

    fn summary(&self) -> Option<String> {
        let parts: Vec<String> = [
            (self.lines, "bad line", "bad lines"),
            (self.files, "unreadable file", "unreadable files"),
        ]
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, one, many)| counted(count, one, many))
        .collect();
        (!parts.is_empty()).then(|| format!("skipped {}", parts.join(" and ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    fn unreadable() -> Result<(), Error> {
        Err(Error::Read {
            name: "x".into(),
            cause: io::ErrorKind::NotFound.into(),
        })
    }

    #[test]
    fn skipping_counts_and_reports() {
        let mut skipper = Skipper::new(OnBad::Skip);
        assert_eq!(skipper.summary(), None);
        assert!(matches!(skipper.tolerate(unreadable()), Ok(None)));
        assert_eq!(
            skipper.summary().as_deref(),
            Some("skipped 1 unreadable file")
        );
        let mut other = Skipper::new(OnBad::Skip);
        other.lines = 2;
        skipper.merge(&other);
        assert_eq!(
            skipper.summary().as_deref(),
            Some("skipped 2 bad lines and 1 unreadable file")
        );
        assert!(matches!(skipper.tolerate(Ok(3)), Ok(Some(3))));
    }

    #[test]
    fn a_closed_output_is_never_skipped_and_nothing_is_skipped_unless_asked() {
        let mut lenient = Skipper::new(OnBad::Skip);
        let closed: Result<(), Error> = Err(Error::Closed);
        assert!(lenient.tolerate(closed).is_err());
        assert!(Skipper::new(OnBad::Stop).tolerate(unreadable()).is_err());
    }
}
