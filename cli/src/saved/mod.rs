//! Summaries in files: the format of this program, and how a file is written.
//!
//! What is in a summary is up to the rooms of samples and of frequent items; what a file holds is
//! found out by `forebay merge`.

mod file;
mod replace;
mod save;

pub(crate) use file::{Encoded, SummaryKind, encode};
pub(crate) use replace::replace_by;
pub(crate) use save::{Destination, Savable, SaveFormat, check, save};
