//! Answers over HTTP: what streams keep and measure, for other programs, Prometheus and people.
//!
//! A [`Server`] runs beside streams and only reads. A [`ServedStream`] says what of a stream is
//! answered about: its [`Telemetry`], and as many [`ServedState`]s as it has
//! [`StateHandle`](forebay::stream::StateHandle)s to give.
//!
//! # When not to use it
//!
//! - Another process shall change state: nothing here does.
//! - The program asks itself: a [`StateHandle`](forebay::stream::StateHandle) is a million times faster.

mod answer;
mod chart;
mod connection;
mod error;
mod guard;
mod limits;
mod lock;
mod names;
mod prometheus;
mod refusal;
mod routes;
mod series;
mod served;
mod server;
mod state;
mod telemetry;
mod totals;

pub use answer::Drawn;
pub use error::ServeError;
pub use series::BatchPoint;
pub use served::ServedStream;
pub use server::{Server, ServerBuilder};
pub use state::ServedState;
pub use telemetry::Telemetry;

/// The guide's examples are compiled and run as documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guide/src/asking.md")]
struct GuideAsking;
