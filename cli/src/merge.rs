//! `forebay merge`: saved summaries of different inputs, as one.

use std::io::Write;

use crate::args::MergeArgs;
use crate::error::Error;
use crate::saved::Saved;

/// Merges the files and prints the ranking of all.
///
/// # Errors
///
/// Files that cannot be read or do not go together, and failing output.
pub(crate) fn run(args: &MergeArgs, out: &mut impl Write) -> Result<(), Error> {
    let mut all = Saved::read(&args.first)?;
    for path in &args.others {
        all.merge(Saved::read(path)?)
            .map_err(|reason| Error::NotSaved {
                name: path.display().to_string(),
                reason,
            })?;
    }
    all.hand_out(&args.output, out)
}
