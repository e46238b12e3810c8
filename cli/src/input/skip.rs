//! What happens to input that cannot be used: an error, or counted and skipped.

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
    /// What the presence of `--skip-bad` asks for.
    pub(crate) const fn from_flag(skip_bad: bool) -> Self {
        if skip_bad { Self::Skip } else { Self::Stop }
    }
}

/// Counts what was skipped, if skipping was asked for.
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

    /// The value, or `None` if it could not be had and the user wants to go on without.
    ///
    /// # Errors
    ///
    /// The error itself, if bad input was not to be skipped or the output is at fault.
    pub(crate) fn tolerate<T>(&mut self, result: Result<T, Error>) -> Result<Option<T>, Error> {
        let tally = match &result {
            Err(Error::Line(_)) => &mut self.lines,
            Err(Error::Read { .. }) => &mut self.files,
            Err(_) | Ok(_) => return result.map(Some),
        };
        if self.on_bad == OnBad::Stop {
            return result.map(Some);
        }
        *tally += 1;
        Ok(None)
    }

    /// Adds what another one has counted.
    pub(crate) fn absorb(&mut self, other: &Self) {
        self.lines += other.lines;
        self.files += other.files;
    }

    /// Tells the user at the end what was skipped, if anything was.
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
        skipper.absorb(&other);
        assert_eq!(
            skipper.summary().as_deref(),
            Some("skipped 2 bad lines and 1 unreadable file")
        );
        assert!(matches!(skipper.tolerate(Ok(3)), Ok(Some(3))));
    }

    #[test]
    fn a_closed_output_is_never_skipped_and_nothing_is_without_leave() {
        let mut lenient = Skipper::new(OnBad::Skip);
        let closed: Result<(), Error> = Err(Error::Closed);
        assert!(lenient.tolerate(closed).is_err());
        assert!(Skipper::new(OnBad::Stop).tolerate(unreadable()).is_err());
    }
}
