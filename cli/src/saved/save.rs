//! Saving a summary: where, in which format, and whether that is possible.

use std::io;
use std::path::Path;

use clap::ValueEnum;

use super::replace::replace;
use crate::error::Error;

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

/// A summary that can be saved.
pub(crate) trait Savable {
    /// The bytes of the file, or the reason why the summary does not have this format.
    fn encode(&self, format: SaveFormat) -> Result<Vec<u8>, String>;
}

/// Refuses a format that the summary does not have; called before anything is read.
///
/// # Errors
///
/// If `summary`, which is still empty, cannot be saved in the format.
pub(crate) fn check(
    destination: Option<Destination<'_>>,
    summary: &impl Savable,
) -> Result<(), Error> {
    let Some(Destination { format, .. }) = destination else {
        return Ok(());
    };
    let refused = |reason| Error::Usage(format!("--save-as datasketches: {reason}"));
    summary.encode(format).map(drop).map_err(refused)
}

/// Saves a summary if there is a destination. The file is replaced as a whole or not at all.
///
/// # Errors
///
/// If the summary cannot be saved in the format, or the file cannot be written.
pub(crate) fn save(
    destination: Option<Destination<'_>>,
    summary: &impl Savable,
) -> Result<(), Error> {
    let Some(Destination { path, format }) = destination else {
        return Ok(());
    };
    let bytes = summary.encode(format).map_err(io::Error::other);
    let saved = bytes.and_then(|bytes| replace(path, &bytes));
    saved.map_err(|cause| Error::Save {
        name: path.display().to_string(),
        cause,
    })
}
