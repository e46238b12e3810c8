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
    let mut all = Saved::read(&args.first)?;
    for path in &args.others {
        all.merge(Saved::read(path)?)
            .map_err(|reason| Error::NotSaved {
                name: path.display().to_string(),
                reason: reason.into(),
            })?;
    }
    let MergeOutput {
        save, estimates, ..
    } = &args.output;
    let destination = save.destination();
    match all {
        Saved::Counters(counters) => {
            let (n, format) = args.output.for_ranking()?;
            counters.save_and_print(destination, n, format, out)
        }
        Saved::Sample(mut sample) => {
            if let Some(delimiter) = &args.delimiter {
                sample.set_delimiter(delimiter)?;
            }
            let format = args.output.format_of_estimates()?;
            let mut skipper = Skipper::new(args.on_bad());
            sample.save_and_print(
                destination,
                estimates.questions(),
                format,
                &mut skipper,
                out,
            )
        }
    }
}
