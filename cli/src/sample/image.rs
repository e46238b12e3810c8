//! Summaries as images of DataSketches, whose items are text.

use forebay::datasketches::{
    ImageError, ImageKind, read_reservoir_with_rng, read_var_opt_with_rng, write_reservoir,
    write_var_opt,
};
use forebay::hash::route;

use crate::place::Position;
use crate::sample::drawn::{Drawn, rng_of};
use crate::sample::method::Sample;
use crate::sample::run::{Origin, Run};

/// Reads an image from the file of this name.
///
/// # Errors
///
/// If it is damaged, or its items are not text.
pub(crate) fn decode(
    kind: ImageKind,
    image: &[u8],
    name: &str,
) -> Result<(Sample, Run), ImageError> {
    // Its contents name the run, so that the same image is not taken for two.
    let run = Run {
        seed: route(image),
        origin: Origin::Image,
        sources: vec![name.to_owned()],
    };
    let mut lines = 0;
    let draw = |text: Vec<u8>| {
        lines += 1;
        Drawn {
            run: run.seed,
            position: Position::nth(lines),
            raw: text.into(),
        }
    };
    let sample = match kind {
        ImageKind::Reservoir | ImageKind::ReservoirUnion => {
            let sample = read_reservoir_with_rng(image, rng_of(run.seed))?;
            Sample::Uniform(sample.map(draw))
        }
        ImageKind::VarOpt | ImageKind::VarOptUnion => {
            let sample = read_var_opt_with_rng(image, rng_of(run.seed))?;
            Sample::VarOpt {
                weights: None,
                sample: sample.map(draw),
            }
        }
        _ => return Err(ImageError::WrongKind),
    };
    Ok((sample, run))
}

/// Writes the lines of a sample, without their ends, as an image.
///
/// # Errors
///
/// If there is no image of samples drawn so, or of one of this size, or a line is not UTF-8.
pub(crate) fn encode(sample: &Sample) -> Result<Vec<u8>, String> {
    let text = |line: Drawn| line.text().to_vec();
    let image = match sample {
        Sample::Uniform(sample) => write_reservoir(&sample.clone().map(text)),
        Sample::VarOpt { sample, .. } => write_var_opt(&sample.clone().map(text)),
        _ => {
            let method = sample.method();
            return Err(format!(
                "there are images of samples drawn uniform and varopt, not {method}"
            ));
        }
    };
    image.map_err(|error| error.to_string())
}
