//! Answers over HTTP: the state and the measurements of streams, for other programs, Prometheus and
//! people.
//!
//! A [`Server`] runs beside streams and only reads. A [`ServedStream`] lists what can be asked
//! about a stream: its [`Telemetry`], and any number of [`ServedState`]s made from its
//! [`StateHandle`](forebay::stream::StateHandle)s.
//!
//! # When not to use it
//!
//! - Another process is to change state: the server only reads.
//! - The program queries its own state: a [`StateHandle`](forebay::stream::StateHandle) is a
//!   million times faster.

mod answer;
mod chart;
mod connection;
mod error;
mod guard;
mod key;
mod limits;
mod lock;
mod names;
mod prometheus;
mod question;
mod ranking;
mod refusal;
mod routes;
mod series;
mod served;
mod server;
mod state;
mod telemetry;
mod totals;
mod unread;

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
