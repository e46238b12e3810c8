//! Reading samples from images of DataSketches, whose items are text.

use forebay::datasketches::{ImageError, ImageKind};
use forebay::hash::route;

use super::drawn::{Drawn, rng_of};
use super::method::Sample;
use super::run::{Origin, Run};
use crate::place::Position;

/// Reads an image from the file of this name.
///
/// # Errors
///
/// If it is damaged, is not an image of a sample, or its items are not text.
pub(crate) fn decode(
    kind: ImageKind,
    image: &[u8],
    name: &str,
) -> Result<(Sample, Run), ImageError> {
    // The hash identifies the run, so that the same image is not merged twice.
    let run = Run {
        seed: route(image),
        origin: Origin::Image,
        sources: vec![name.to_owned()],
    };
    let mut lines = 0;
    let mut drawn = |text: Vec<u8>| {
        lines += 1;
        Drawn {
            run: run.seed,
            position: Position::nth(lines),
            raw: text.into(),
        }
    };
    let sample = Sample::from_image(kind, image, rng_of(run.seed), &mut drawn)?;
    Ok((sample, run))
}
