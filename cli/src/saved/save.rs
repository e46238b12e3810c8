//! Saving a summary: where, in which format, and whether that is possible.

use std::io;
use std::path::Path;

use clap::ValueEnum;

use super::replace::Replacement;
use crate::error::Error;
use crate::file::Identity;
use crate::output::message::say;

/// The format of a saved summary.
#[derive(Clone, Copy, Debug, Default, PartialEq, ValueEnum)]
pub(crate) enum SaveFormat {
    /// The format of this program; keeps everything
    #[default]
    Forebay,
    /// A binary image for the DataSketches libraries, of counts without weights and of samples of
    /// some methods (see sample --method). Items must be UTF-8. It keeps items, counts and totals,
    /// but not the seed, delimiter, file names, line numbers or line ends
    Datasketches,
}

/// Where a summary is saved.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Destination<'a> {
    pub(crate) path: &'a Path,
    pub(crate) format: SaveFormat,
}

impl Destination<'_> {
    /// Finds what would hinder saving; called before anything is read.
    ///
    /// # Errors
    ///
    /// If the file is one of the inputs.
    pub(crate) fn plan(self, inputs: &[Identity]) -> Result<Plan, Error> {
        Ok(Plan {
            format: self.format,
            file: Replacement::plan(self.path, inputs)?,
        })
    }
}

/// A summary that can be saved.
pub(crate) trait Savable {
    /// The bytes of the file, or the reason why the summary does not have this format.
    fn encode(&self, format: SaveFormat) -> Result<Vec<u8>, String>;
}

/// A file in which a summary will be saved.
#[derive(Debug)]
pub(crate) struct Plan {
    format: SaveFormat,
    file: Replacement,
}

impl Plan {
    /// Refuses a format that the summary does not have; called before anything is read.
    ///
    /// # Errors
    ///
    /// If `summary`, which is still empty, cannot be saved in the format.
    pub(crate) fn check(&self, summary: &impl Savable) -> Result<(), Error> {
        let refused = |reason| Error::Usage(format!("--save-as datasketches: {reason}"));
        summary.encode(self.format).map(drop).map_err(refused)
    }

    fn save(&self, summary: &impl Savable) -> Result<(), Error> {
        let bytes = summary.encode(self.format).map_err(io::Error::other);
        self.file.write(|file| file.write_all(&bytes?))
    }
}

/// Saves a summary if that is planned, after its results were printed. It is saved even if the
/// output failed, as when its reader has ended.
///
/// # Errors
///
/// The error of the output, and if the summary cannot be saved.
pub(crate) fn save_after(
    printed: Result<(), Error>,
    plan: Option<&Plan>,
    summary: &impl Savable,
) -> Result<(), Error> {
    after(printed, || plan.map_or(Ok(()), |plan| plan.save(summary)))
}

/// Writes a file after the results were printed, even if the output failed.
///
/// # Errors
///
/// The error of the output, or of `write`. If both fail, `write` is reported here.
pub(crate) fn after(
    printed: Result<(), Error>,
    write: impl FnOnce() -> Result<(), Error>,
) -> Result<(), Error> {
    match (printed, write()) {
        (printed, Ok(())) => printed,
        (Ok(()) | Err(Error::Closed), failed) => failed,
        (printed, Err(error)) => {
            say(format_args!("forebay: {error}"));
            printed
        }
    }
}
