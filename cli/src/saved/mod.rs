//! Saved summaries: the file format of this program, and writing files.
//!
//! Nothing here knows a summary. Samples and counters encode themselves, in `sample` and `frequent`;
//! `forebay merge` decodes a file of any kind.

mod file;
mod replace;
mod save;

pub(crate) use file::{Encoded, SummaryKind, encode, read};
pub(crate) use replace::Replacement;
pub(crate) use save::{Destination, Plan, Savable, SaveFormat, after, save_after};
