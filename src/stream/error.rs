//! What can go wrong while a stream is built and inside a batch.

use std::any::Any;
use std::boxed::Box;
use std::error::Error;
use std::fmt;
use std::string::{String, ToString};
use std::sync::Arc;
use std::time::Duration;

use crate::stream::time::BatchTime;

/// Any error that a closure may return.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Why a batch failed: which operator, in which batch, in which partition, and the cause.
///
/// [`source`](Error::source) is the error that the closure returned; for a panic there is none, and
/// the message of the panic is in the text.
#[derive(Clone)]
pub struct BatchError(Arc<Failure>);

struct Failure {
    operator: String,
    time: BatchTime,
    partition: Option<usize>,
    cause: Cause,
}

/// How a closure failed.
pub(crate) enum Cause {
    /// It panicked with this message.
    Panic(String),
    /// It returned this error.
    Error(BoxError),
}

impl Cause {
    /// The cause behind a caught panic.
    pub(crate) fn from_panic(payload: &(dyn Any + Send)) -> Self {
        let message = payload
            .downcast_ref::<&str>()
            .map(ToString::to_string)
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "a value that is not text".to_string());
        Self::Panic(message)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panic(message) => write!(f, "panicked: {message}"),
            Self::Error(error) => error.fmt(f),
        }
    }
}

impl BatchError {
    pub(crate) fn new(
        operator: String,
        time: BatchTime,
        partition: Option<usize>,
        cause: Cause,
    ) -> Self {
        Self(Arc::new(Failure {
            operator,
            time,
            partition,
            cause,
        }))
    }

    /// The name of the operator whose closure failed.
    #[must_use]
    pub fn operator(&self) -> &str {
        &self.0.operator
    }

    /// The batch that failed.
    #[must_use]
    pub fn time(&self) -> BatchTime {
        self.0.time
    }

    /// The partition it was working on; `None` where the operator works on the whole batch.
    #[must_use]
    pub fn partition(&self) -> Option<usize> {
        self.0.partition
    }

    /// Whether the closure panicked rather than returned an error. A closure that hands on the panic
    /// of an operation on an older batch panicked, too.
    #[must_use]
    pub fn is_panic(&self) -> bool {
        match &self.0.cause {
            Cause::Panic(_) => true,
            Cause::Error(error) => error.downcast_ref::<Self>().is_some_and(Self::is_panic),
        }
    }
}

impl fmt::Display for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failure {
            operator,
            time,
            partition,
            cause,
        } = &*self.0;
        write!(f, "operator {operator} failed in the batch of {time}")?;
        if let Some(partition) = partition {
            write!(f, ", partition {partition}")?;
        }
        write!(f, ": {cause}")
    }
}

impl fmt::Debug for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BatchError({self})")
    }
}

impl Error for BatchError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0.cause {
            Cause::Panic(_) => None,
            Cause::Error(error) => Some(error.as_ref()),
        }
    }
}

/// Why a context could not be built.
#[derive(Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// The batch interval is zero or not a whole number of milliseconds.
    Interval(Duration),
    /// The number of threads, partitions or key groups is zero or beyond 2^16.
    Count(&'static str, usize),
    /// A rate is not a positive finite number of items per second.
    Rate(f64),
    /// The threads could not be started.
    Threads(BoxError),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interval(given) => write!(
                f,
                "the batch interval {given:?} is not a positive number of milliseconds"
            ),
            Self::Count(what, given) => {
                write!(f, "the number of {what} is {given}, not in 1..=65536")
            }
            Self::Rate(given) => write!(
                f,
                "the rate {given} is not a positive number of items per second"
            ),
            Self::Threads(error) => write!(f, "cannot start the worker threads: {error}"),
        }
    }
}

impl Error for BuildError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Threads(error) => Some(error.as_ref()),
            _ => None,
        }
    }
}
