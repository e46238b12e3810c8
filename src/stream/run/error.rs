//! What can go wrong when a stream starts, when it steps and when it ends.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;
use std::string::String;
use std::time::Duration;

use crate::stream::checkpoint::error::CheckpointError;
use crate::stream::error::{BatchError, BoxError};
use crate::stream::state::backend::StateError;
use crate::stream::time::BatchTime;

/// Why a context could not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// No output was registered.
    NoOutput,
    /// Two operators have this name.
    DuplicateName(String),
    /// Two outputs write to the same directories; they have this name.
    DuplicateOutput(PathBuf),
    /// The clock thread could not be started.
    Thread(std::io::Error),
    /// An input could not start.
    Input(String, BoxError),
    /// A checkpoint cannot be restored, or no checkpoint can be taken.
    Checkpoint(CheckpointError),
    /// The state backend cannot be opened.
    State(StateError),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoOutput => f.write_str("no output operations registered, so nothing to execute"),
            Self::DuplicateName(name) => write!(f, "two operators are named {name}"),
            Self::DuplicateOutput(path) => {
                write!(f, "two outputs write to {}", path.display())
            }
            Self::Thread(error) => write!(f, "cannot start the clock thread: {error}"),
            Self::Input(name, error) => write!(f, "input {name} could not start: {error}"),
            Self::Checkpoint(error) => error.fmt(f),
            Self::State(error) => error.fmt(f),
        }
    }
}

impl Error for StartError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Thread(error) => Some(error),
            Self::Input(_, error) => Some(error.as_ref()),
            Self::Checkpoint(error) => Some(error),
            Self::State(error) => Some(error),
            _ => None,
        }
    }
}

/// Why a step was refused or failed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum StepError {
    /// The first batch time must be a positive multiple of the batch interval.
    NotAMultiple {
        /// The given time.
        given: BatchTime,
        /// The batch interval.
        interval: Duration,
    },
    /// Batches follow one another at the batch interval.
    OutOfOrder {
        /// The time given.
        given: BatchTime,
        /// The expected time.
        expected: BatchTime,
    },
    /// This batch failed.
    Batch(BatchError),
    /// An earlier batch failed; the driver runs no more.
    Failed(BatchError),
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAMultiple { given, interval } => write!(
                f,
                "the first batch time {given} is not a positive multiple of the batch interval {interval:?}"
            ),
            Self::OutOfOrder { given, expected } => {
                write!(f, "the next batch time is {expected}, not {given}")
            }
            Self::Batch(error) => error.fmt(f),
            Self::Failed(error) => write!(f, "the stream has failed earlier: {error}"),
        }
    }
}

impl Error for StepError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Batch(error) | Self::Failed(error) => Some(error),
            _ => None,
        }
    }
}

/// Why a stream did not end as it should.
///
/// # Examples
///
/// See [`ContextBuilder::stop_timeout`](crate::stream::ContextBuilder::stop_timeout).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum StopError {
    /// A batch, a checkpoint or a listener has failed; that has ended the stream.
    Batch(BatchError),
    /// The stream has not ended within the [stop timeout]. Its thread stays behind: it ends when the
    /// operator returns.
    ///
    /// [stop timeout]: crate::stream::ContextBuilder::stop_timeout
    Blocked {
        /// The operator at work; or `listener`, `checkpoint`, or `driver` for all else. The operators
        /// of a fused chain run in the loop of the operator that reads it.
        operator: String,
        /// Its batch; `None` before the first one.
        time: Option<BatchTime>,
        /// The stop timeout.
        timeout: Duration,
    },
    /// The stream has ended, and its last checkpoint is durable if it has checkpoints, but what an
    /// input had received could not be processed within the [stop timeout]. A queue, a source and a
    /// log keep it; what waited in a channel or came from a receiver is lost.
    ///
    /// [stop timeout]: crate::stream::ContextBuilder::stop_timeout
    Unprocessed {
        /// The input.
        operator: String,
        /// The stop timeout.
        timeout: Duration,
    },
    /// A closure, a sink or a listener of the stream cannot wait for the end of the stream: it would
    /// wait for itself.
    Inside {
        /// The operator that asked; or `listener`, `checkpoint`, or `driver` for all else.
        operator: String,
    },
}

impl StopError {
    /// The name of the operator that failed, would not end, or has items left.
    #[must_use]
    pub fn operator(&self) -> &str {
        match self {
            Self::Batch(error) => error.operator(),
            Self::Blocked { operator, .. }
            | Self::Unprocessed { operator, .. }
            | Self::Inside { operator } => operator,
        }
    }
}

impl fmt::Display for StopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Batch(error) => error.fmt(f),
            Self::Blocked {
                operator,
                time,
                timeout,
            } => {
                write!(
                    f,
                    "the stream has not ended within {timeout:?}: operator {operator} is still at work"
                )?;
                time.map_or(Ok(()), |time| write!(f, " on the batch of {time}"))
            }
            Self::Unprocessed { operator, timeout } => write!(
                f,
                "the stream has ended, but input {operator} holds items that could not be processed within {timeout:?}"
            ),
            Self::Inside { operator } => write!(
                f,
                "operator {operator} waits for the end of the stream that it is part of"
            ),
        }
    }
}

impl Error for StopError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Batch(error) => Some(error),
            _ => None,
        }
    }
}
