//! Errors, with messages that say what is wrong and where.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::sync::Arc;

use forebay::stream::{BoxError, CheckpointError};

use crate::place::{FieldNumber, Position};

/// Why a command ended early.
#[derive(Debug)]
pub(crate) enum Error {
    /// The receiver of results has gone: the reader of the output, or a thread that failed and
    /// reports its own error. There is nothing to report.
    Closed,
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
    /// A file or directory does not hold a usable summary or checkpoint.
    NotSaved {
        name: String,
        reason: Cow<'static, str>,
    },
    /// The total of all parts of the input is beyond the largest number.
    TotalTooLarge,
    /// Arguments that do not fit together, which the parser cannot see.
    Usage(String),
    /// The user or the system ended the run; its results so far were printed.
    Interrupted(Interrupt),
    /// The stream could not be built or started, or has failed.
    Stream(BoxError),
}

impl Error {
    /// The position of the line at fault, if there is one.
    pub(crate) fn position(&self) -> Option<Position> {
        match self {
            Self::Line(line) => Some(line.position),
            _ => None,
        }
    }

    /// An error from building, starting or running a stream.
    pub(crate) fn stream(cause: impl Into<BoxError>) -> Self {
        Self::Stream(cause.into())
    }
}

/// A line that does not hold what the command needs.
#[derive(Debug)]
pub(crate) struct BadLine {
    /// The name of its source.
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
    /// A field does not hold a value of the type needed.
    NotA {
        field_type: FieldType,
        field: FieldNumber,
        text: Vec<u8>,
    },
    TotalTooLarge,
}

/// The type of value that a field must hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum FieldType {
    Weight,
    Time,
    Number,
}

impl fmt::Display for FieldType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Weight => "weight (a number, 0 or more, or -)",
            Self::Time => "time (a number)",
            Self::Number => "number (or -)",
        })
    }
}

impl From<io::Error> for Error {
    /// For errors of the *output* only; errors of input carry the name of the source.
    fn from(cause: io::Error) -> Self {
        match cause.kind() {
            io::ErrorKind::BrokenPipe => Self::Closed,
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
            Self::Closed => write!(f, "the output was closed"),
            Self::Write(cause) => write!(f, "cannot write the output: {cause}"),
            Self::Read { name, cause } => write!(f, "cannot read {name}: {cause}"),
            Self::Line(line) => line.fmt(f),
            Self::Save { name, cause } => write!(f, "cannot write {name}: {cause}"),
            Self::NotSaved { name, reason } => write!(f, "{name} {reason}"),
            Self::TotalTooLarge => Problem::TotalTooLarge.fmt(f),
            Self::Interrupted(_) => write!(
                f,
                "stopped before the end of the input: the results are those so far"
            ),
            Self::Usage(message) => f.write_str(message),
            Self::Stream(cause) => with_causes(cause.as_ref(), f),
        }
    }
}

impl std::error::Error for Error {}

/// Writes an error, and those of its causes that it does not tell itself.
fn with_causes(error: &dyn std::error::Error, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut told = error.to_string();
    f.write_str(&told)?;
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if !told.contains(&text) {
            write!(f, ": {text}")?;
            told = text;
        }
        next = cause.source();
    }
    Ok(())
}

/// What ended a run early.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Interrupt {
    /// Ctrl-C.
    User,
    /// SIGTERM.
    System,
}

impl Interrupt {
    /// The exit code, as that of a program that ends by the signal.
    pub(crate) const fn exit_code(self) -> u8 {
        match self {
            Self::User => 130,
            Self::System => 143,
        }
    }
}

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
                write!(f, "there is no field {wanted}, the line has {found}")
            }
            Self::NotA {
                field_type,
                field,
                text,
            } => {
                write!(f, "field {field} is not a {field_type}: {}", quote(text))
            }
            Self::TotalTooLarge => write!(f, "the total weight becomes too large"),
        }
    }
}

/// Text for an error message: quoted, without control characters, and not too long.
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

    /// An error of which the text says nothing of its cause.
    #[derive(Debug)]
    struct Outer(io::Error);

    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the operator failed")
        }
    }

    impl std::error::Error for Outer {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn causes_are_told_once() {
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        let error = Error::stream(Outer(full())).to_string();
        assert_eq!(error, format!("the operator failed: {}", full()));
        // This one tells its cause itself.
        let error = Error::stream(io::Error::other(Error::stream(full()))).to_string();
        assert_eq!(error, full().to_string());
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
            "a.log, line 7: there is no field 3, the line has 2: \"one two\""
        );
    }
}
