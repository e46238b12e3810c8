//! Saved summaries: the file format of this program, and writing files.
//!
//! Nothing here knows a summary. Samples and counters encode themselves, in `sample` and `frequent`;
//! `forebay merge` decodes a file of any kind.

mod file;
mod replace;
mod save;

pub(crate) use file::{Encoded, SummaryKind, encode};
pub(crate) use replace::replace_by;
pub(crate) use save::{Destination, Savable, SaveFormat, check, save};
