//! Errors of checkpoints.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::string::String;
use std::vec::Vec;
use std::{fmt, io};

use crate::stream::error::BoxError;
use crate::stream::state::refusal::Refusal;

/// A checkpoint that recovery passed over.
#[derive(Debug)]
pub struct PassedOver {
    pub(super) path: PathBuf,
    pub(super) reason: CheckpointError,
}

impl PassedOver {
    /// The directory of the checkpoint.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is wrong with it.
    #[must_use]
    pub fn reason(&self) -> &CheckpointError {
        &self.reason
    }
}

/// Why a checkpoint could not be written, read or restored.
#[derive(Debug)]
#[non_exhaustive]
pub enum CheckpointError {
    /// A file or directory could not be read or written.
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The error of the operating system.
        error: io::Error,
    },
    /// An operator keeps values of a type that was not made durable.
    NotDurable {
        /// The operator.
        operator: String,
        /// The name of the type in the compiler.
        type_name: &'static str,
    },
    /// An input cannot be replayed and has no log.
    NotReplayable {
        /// The input.
        operator: String,
    },
    /// A value could not be encoded.
    Encode {
        /// The operator that keeps it.
        operator: String,
        /// Why.
        error: BoxError,
    },
    /// A file was not written by this crate.
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A file has another format version than the one that this program reads and writes.
    Version {
        /// The file.
        path: PathBuf,
        /// The version of its format.
        version: u16,
        /// The version of this program.
        supported: u16,
    },
    /// A file is torn or damaged.
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: &'static str,
    },
    /// There are checkpoints, but none is intact.
    NoneLeft {
        /// Where they are.
        directory: PathBuf,
        /// Each of them, newest first, and what is wrong with it.
        passed_over: Vec<PassedOver>,
    },
    /// No operator of the program has this name, or it has no state.
    Unclaimed {
        /// The manifest.
        path: PathBuf,
        /// The name.
        operator: String,
    },
    /// The saved state of an operator has other types.
    TypeChanged {
        /// The manifest.
        path: PathBuf,
        /// The operator.
        operator: String,
        /// The types in the checkpoint.
        was: Vec<String>,
        /// The types in the program.
        is: Vec<String>,
    },
    /// The state of an operator cannot be decoded, though its checksums are right.
    State {
        /// The manifest.
        path: PathBuf,
        /// The operator.
        operator: String,
        /// Why.
        error: BoxError,
    },
    /// A setting that results depend on has changed.
    Setting {
        /// The manifest.
        path: PathBuf,
        /// The setting.
        what: &'static str,
        /// Its value in the checkpoint.
        was: u64,
        /// Its value in the program.
        is: u64,
    },
    /// A new stream would start in a directory that has checkpoints of an earlier one.
    Occupied {
        /// Where they are.
        directory: PathBuf,
    },
    /// Another stream is using the directory.
    InUse {
        /// The directory.
        directory: PathBuf,
        /// The process of the other stream, if that is known.
        process: Option<u32>,
    },
}

impl CheckpointError {
    pub(crate) fn refused(refusal: Refusal, operator: &str) -> Self {
        let operator = operator.into();
        match refusal {
            Refusal::NoCodec(type_name) => Self::NotDurable {
                operator,
                type_name,
            },
            Refusal::NoReplay | Refusal::Types(_) => Self::NotReplayable { operator },
            Refusal::Bytes(error) | Refusal::Read(error) => Self::Encode { operator, error },
        }
    }
}

impl fmt::Display for CheckpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { path, error } => write!(f, "{}: {error}", path.display()),
            Self::NotDurable {
                operator,
                type_name,
            } => write!(
                f,
                "operator {operator} keeps {type_name}, which is not durable: register it with ContextBuilder::durable"
            ),
            Self::NotReplayable { operator } => write!(
                f,
                "input {operator} cannot be read again, so without a write-ahead log its stream can take \
                 no checkpoints"
            ),
            Self::Encode { operator, error } => {
                write!(
                    f,
                    "the state of operator {operator} cannot be encoded: {error}"
                )
            }
            Self::Foreign { path } => write!(f, "{} is not a checkpoint file", path.display()),
            Self::Version {
                path,
                version,
                supported,
            } => write!(
                f,
                "{} has format version {version}, this program reads version {supported}",
                path.display()
            ),
            Self::Corrupt { path, what } => write!(f, "{} is damaged: {what}", path.display()),
            Self::NoneLeft {
                directory,
                passed_over,
            } => none_is_whole(directory, passed_over, f),
            Self::Unclaimed { path, operator } => write!(
                f,
                "{} has the state of operator {operator}, but the program has no operator of this name with state",
                path.display()
            ),
            Self::TypeChanged {
                path,
                operator,
                was,
                is,
            } => write!(
                f,
                "{}: the state of operator {operator} has the types {was:?} in the checkpoint and {is:?} in the program",
                path.display()
            ),
            Self::State {
                path,
                operator,
                error,
            } => write!(
                f,
                "{}: the state of operator {operator} cannot be decoded: {error}",
                path.display()
            ),
            Self::Setting {
                path,
                what,
                was,
                is,
            } => write!(
                f,
                "{}: the {what} is {was} in the checkpoint and {is} in the program",
                path.display()
            ),
            Self::Occupied { directory } => write!(
                f,
                "{} has checkpoints of an earlier run: recover them or remove them",
                directory.display()
            ),
            Self::InUse { directory, process } => in_use(directory, *process, f),
        }
    }
}

fn in_use(directory: &Path, process: Option<u32>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{} is in use by another stream", directory.display())?;
    match process {
        Some(own) if own == std::process::id() => f.write_str(" of this process"),
        Some(process) => write!(f, ", of process {process}"),
        None => Ok(()),
    }
}

fn none_is_whole(
    directory: &Path,
    passed_over: &[PassedOver],
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    write!(f, "no checkpoint in {} is intact", directory.display())?;
    let mut reasons = passed_over.iter().map(PassedOver::reason);
    reasons.try_for_each(|reason| write!(f, "; {reason}"))
}

impl Error for CheckpointError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io { error, .. } => Some(error),
            Self::Encode { error, .. } | Self::State { error, .. } => Some(error.as_ref()),
            _ => None,
        }
    }
}

/// Names the file in the error of an operation on it.
pub(crate) fn failed(path: &Path) -> impl Fn(io::Error) -> CheckpointError + '_ {
    |error| CheckpointError::Io {
        path: path.into(),
        error,
    }
}
