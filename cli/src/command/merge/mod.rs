//! `forebay merge`: saved summaries of different inputs, as one.

use std::io::Write;

use crate::args::{MergeArgs, MergeOutput};
use crate::error::Error;
use crate::input::skip::Skipper;
use crate::saved::Saved;

/// Merges the files and prints the ranking of all, or the lines of the sample or its estimates.
///
/// # Errors
///
/// Files that cannot be read or do not go together, options that do not fit what is in them, and
/// failing output.
pub(crate) fn run(args: &MergeArgs, out: &mut impl Write) -> Result<(), Error> {
    let mut all = Saved::read(&args.first)?;
    for path in &args.others {
        all.merge(Saved::read(path)?)
            .map_err(|reason| Error::NotSaved {
                name: path.display().to_string(),
                reason: reason.into(),
            })?;
    }
    match all {
        Saved::Counters(counters) => counters.hand_out(&args.output.for_ranking()?, out),
        Saved::Sample(mut sample) => {
            if let Some(delimiter) = &args.delimiter {
                sample.cut_at(delimiter)?;
            }
            let MergeOutput {
                save, questions, ..
            } = &args.output;
            let format = args.output.format_of_estimates()?;
            let mut skipper = Skipper::new(args.on_bad());
            sample.hand_out(save, questions, format, &mut skipper, out)
        }
    }
}
