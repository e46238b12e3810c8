//! `forebay merge`: merges saved summaries of different inputs.

mod saved;

use std::io::Write;

use self::saved::Saved;

use crate::args::{MergeArgs, MergeOutput};
use crate::error::Error;
use crate::input::skip::Skipper;

/// Merges the files and prints the ranking, the lines of the sample, or its estimates.
///
/// # Errors
///
/// Files that cannot be read or merged, options that do not fit their contents, and failing output.
pub(crate) fn run(args: &MergeArgs, out: &mut impl Write) -> Result<(), Error> {
    let MergeOutput {
        save, estimates, ..
    } = &args.output;
    // The file may be one of those that are merged: they are read before it is replaced.
    let plan = save.plan(&[])?;
    let mut all = Saved::read(&args.first)?;
    for path in &args.others {
        all.merge(Saved::read(path)?, args.unlike())
            .map_err(|reason| Error::NotSaved {
                name: path.display().to_string(),
                reason: reason.into(),
            })?;
    }
    match all {
        Saved::Counters(counters) => {
            let (n, format) = args.output.for_ranking()?;
            counters.print_and_save(plan.as_ref(), n, format, out)
        }
        Saved::Sample(mut sample) => {
            args.refuse_insisting()?;
            if let Some(delimiter) = &args.delimiter {
                sample.set_delimiter(delimiter)?;
            }
            let format = args.output.format_of_estimates()?;
            let mut skipper = Skipper::new(args.on_bad());
            sample.print_and_save(
                plan.as_ref(),
                estimates.questions(),
                format,
                &mut skipper,
                out,
            )
        }
    }
}
