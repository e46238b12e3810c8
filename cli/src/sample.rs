//! `forebay sample`: lines drawn at random, all alike, by weight, or for each key.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::Write;
use std::iter;

use forebay::Summary;
use forebay::hash::{DefaultHashBuilder, route};
use forebay::random::{DefaultRng, JobSeed};
use forebay::sample::{Reservoir, WeightedReservoir};

use crate::args::SampleArgs;
use crate::block::{Block, Line, Position};
use crate::error::{Error, Problem};
use crate::field::{FieldNumber, Separator};
use crate::input::read_input;
use crate::skip::Skipper;

/// Reads the input and prints the lines drawn.
///
/// # Errors
///
/// Unreadable or bad input, unless it is to be skipped, and failing output.
pub(crate) fn run(args: &SampleArgs, out: &mut impl Write) -> Result<(), Error> {
    let urn = Urn {
        capacity: args.n.get(),
        weight_field: args.weight_field,
        separator: args.delimiter.separator(),
    };
    let seed = JobSeed::new(args.seed.unwrap_or_else(seed_from_system));
    let mut skipper = Skipper::new(args.input.on_bad());
    let samples = match args.by_field {
        None => {
            let mut sample = urn.empty_sample(seed.partition_rng(0, 0, 0));
            read_input(&args.input, &mut skipper, |block, skipper| {
                urn.offer_block(&mut sample, block, skipper)
            })?;
            vec![sample]
        }
        Some(field) => {
            let mut samples = KeyedSamples::default();
            read_input(&args.input, &mut skipper, |block, skipper| {
                block.try_lines(skipper, |line| {
                    let key = urn.separator.field(line.text(), field)?;
                    let make = || urn.empty_sample(seed.key_rng(0, route(key), 0));
                    urn.offer(samples.of(key, make), line)
                })
            })?;
            samples.in_order
        }
    };
    skipper.report();
    samples
        .into_iter()
        .try_for_each(|sample| write_lines(sample, out))
}

/// A seed nobody can foresee: the standard library keys its hashers from the operating system.
fn seed_from_system() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// A line that was drawn, for now.
#[derive(Debug)]
struct Drawn {
    position: Position,
    raw: Box<[u8]>,
}

impl From<Line<'_>> for Drawn {
    fn from(line: Line<'_>) -> Self {
        Self {
            position: line.position(),
            raw: line.raw().into(),
        }
    }
}

/// Lines that are copied only when they are asked for: those passed over by `nth` are not.
struct Draw<I>(I);

impl<'a, I: Iterator<Item = Line<'a>>> Iterator for Draw<I> {
    type Item = Drawn;

    fn next(&mut self) -> Option<Drawn> {
        self.0.next().map(Drawn::from)
    }

    fn nth(&mut self, n: usize) -> Option<Drawn> {
        self.0.nth(n).map(Drawn::from)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

/// How lines are drawn.
#[derive(Debug)]
struct Urn {
    capacity: usize,
    weight_field: Option<FieldNumber>,
    separator: Separator,
}

#[derive(Debug)]
enum Sample {
    Uniform(Reservoir<Drawn>),
    /// By the weight in a field.
    Weighted(WeightedReservoir<Drawn>, FieldNumber),
}

impl Urn {
    fn empty_sample(&self, rng: DefaultRng) -> Sample {
        match self.weight_field {
            None => Sample::Uniform(Reservoir::with_rng(self.capacity, rng)),
            Some(field) => Sample::Weighted(WeightedReservoir::with_rng(self.capacity, rng), field),
        }
    }

    /// Offers all lines of a block; a uniform sample does not look at those it passes over.
    fn offer_block(
        &self,
        sample: &mut Sample,
        block: &Block<'_>,
        skipper: &mut Skipper,
    ) -> Result<(), Error> {
        match sample {
            Sample::Uniform(reservoir) => {
                reservoir.extend(Draw(block.lines()));
                Ok(())
            }
            Sample::Weighted(..) => block.try_lines(skipper, |line| self.offer(sample, line)),
        }
    }

    fn offer(&self, sample: &mut Sample, line: Line<'_>) -> Result<(), Problem> {
        match sample {
            Sample::Uniform(reservoir) => reservoir.extend(Draw(iter::once(line))),
            Sample::Weighted(reservoir, field) => {
                let weight = self.separator.weight(line.text(), *field)?;
                Summary::update(reservoir, (line.into(), weight));
            }
        }
        Ok(())
    }
}

/// A sample for each key.
#[derive(Debug, Default)]
struct KeyedSamples {
    /// In order of the keys' first appearance.
    in_order: Vec<Sample>,
    /// Where in `in_order` a key's sample is.
    places: HashMap<Vec<u8>, usize, DefaultHashBuilder>,
}

impl KeyedSamples {
    /// The sample of a key, made when the key is new.
    fn of(&mut self, key: &[u8], make: impl FnOnce() -> Sample) -> &mut Sample {
        let place = match self.places.get(key) {
            Some(&place) => place,
            None => {
                let place = self.in_order.len();
                self.places.insert(key.to_vec(), place);
                self.in_order.push(make());
                place
            }
        };
        &mut self.in_order[place]
    }
}

/// Writes the lines of a sample in the order of the input.
fn write_lines(sample: Sample, out: &mut impl Write) -> Result<(), Error> {
    let mut lines = match sample {
        Sample::Uniform(reservoir) => reservoir.into_vec(),
        Sample::Weighted(reservoir, _) => reservoir.into_vec(),
    };
    lines.sort_unstable_by_key(|line| line.position);
    for Drawn { raw, .. } in &lines {
        out.write_all(raw)?;
        if !raw.ends_with(b"\n") {
            out.write_all(b"\n")?;
        }
    }
    Ok(())
}
