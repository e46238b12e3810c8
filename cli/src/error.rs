//! What can go wrong, said so that a person can mend it.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::sync::Arc;

use forebay::stream::{BoxError, CheckpointError};

use crate::place::{FieldNumber, Position};

/// Why a command ended early.
#[derive(Debug)]
pub(crate) enum Error {
    /// Whoever took what was made has left: the reader of the output, or a thread that met an
    /// error of its own. Nothing to tell anybody.
    Abandoned,
    Write(io::Error),
    Read {
        name: Arc<str>,
        cause: io::Error,
    },
    Line(Box<BadLine>),
    Save {
        name: String,
        cause: io::Error,
    },
    /// A file that should hold a summary does not.
    NotSaved {
        name: String,
        reason: Cow<'static, str>,
    },
    /// Arguments that do not go together, beyond what the parser sees.
    Usage(String),
    /// The stream could not be built, started or run on.
    Stream(BoxError),
}

impl Error {
    /// Where in the input it lies, if it lies in a line.
    pub(crate) fn position(&self) -> Option<Position> {
        match self {
            Self::Line(line) => Some(line.position),
            _ => None,
        }
    }

    /// For failures of building, starting and running a stream.
    pub(crate) fn stream(cause: impl Into<BoxError>) -> Self {
        Self::Stream(cause.into())
    }
}

/// A line that does not hold what the command asked of it.
#[derive(Debug)]
pub(crate) struct BadLine {
    /// The file it came from.
    pub(crate) name: Arc<str>,
    pub(crate) position: Position,
    pub(crate) text: Vec<u8>,
    pub(crate) problem: Problem,
}

/// What is wrong with a line.
#[derive(Debug, PartialEq)]
pub(crate) enum Problem {
    NoField {
        wanted: FieldNumber,
        found: usize,
    },
    /// A field does not hold what it should.
    NotA {
        kind: Kind,
        field: FieldNumber,
        text: Vec<u8>,
    },
    TotalTooLarge,
}

/// What a field is to hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Weight,
    Time,
    Number,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Weight => "weight (a number from 0, or -)",
            Self::Time => "time (a number)",
            Self::Number => "number (or -)",
        })
    }
}

impl From<io::Error> for Error {
    /// For failures of the *output*; input errors carry a name and are made where it is known.
    fn from(cause: io::Error) -> Self {
        match cause.kind() {
            io::ErrorKind::BrokenPipe => Self::Abandoned,
            _ => Self::Write(cause),
        }
    }
}

impl From<CheckpointError> for Error {
    fn from(cause: CheckpointError) -> Self {
        Self::stream(cause)
    }
}

impl From<serde_json::Error> for Error {
    fn from(cause: serde_json::Error) -> Self {
        io::Error::from(cause).into()
    }
}

impl From<csv::Error> for Error {
    fn from(cause: csv::Error) -> Self {
        io::Error::from(cause).into()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Abandoned => write!(f, "nobody takes the output"),
            Self::Write(cause) => write!(f, "cannot write the output: {cause}"),
            Self::Read { name, cause } => write!(f, "cannot read {name}: {cause}"),
            Self::Line(line) => line.fmt(f),
            Self::Save { name, cause } => write!(f, "cannot write {name}: {cause}"),
            Self::NotSaved { name, reason } => write!(f, "{name} {reason}"),
            Self::Usage(message) => f.write_str(message),
            Self::Stream(cause) => cause.fmt(f),
        }
    }
}

impl std::error::Error for Error {}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            position,
            text,
            problem,
        } = self;
        let number = position.line();
        write!(f, "{name}, line {number}: {problem}: {}", quote(text))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoField { wanted, found } => {
                write!(f, "no field {wanted}, the line has {found}")
            }
            Self::NotA { kind, field, text } => {
                write!(f, "field {field} is no {kind}: {}", quote(text))
            }
            Self::TotalTooLarge => write!(f, "the total weight grows too large"),
        }
    }
}

/// Text for an error message: quoted, harmless to the terminal, and not too long.
fn quote(text: &[u8]) -> String {
    const LONGEST: usize = 60;
    let text = String::from_utf8_lossy(text);
    let mut quoted: String = text
        .chars()
        .take(LONGEST)
        .flat_map(char::escape_debug)
        .collect();
    if text.chars().nth(LONGEST).is_some() {
        quoted.push('…');
    }
    format!("\"{quoted}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_text_is_short_and_has_no_control_characters() {
        assert_eq!(quote(b"a\tb\x1b[2J\xff"), "\"a\\tb\\u{1b}[2J\u{fffd}\"");
        assert_eq!(quote(&[b'x'; 61]), format!("\"{}…\"", "x".repeat(60)));
        assert_eq!(quote(&[b'x'; 60]), format!("\"{}\"", "x".repeat(60)));
    }

    #[test]
    fn a_bad_line_names_file_line_problem_and_text() {
        let line = BadLine {
            name: "a.log".into(),
            position: Position::nth(7),
            text: b"one two".to_vec(),
            problem: Problem::NoField {
                wanted: "3".parse().expect("a field number"),
                found: 2,
            },
        };
        assert_eq!(
            line.to_string(),
            "a.log, line 7: no field 3, the line has 2: \"one two\""
        );
    }
}
