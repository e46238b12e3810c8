//! `forebay sample`: draws lines at random, and estimates from them.

use std::collections::HashMap;
use std::io::Write;

use forebay::hash::{DefaultHashBuilder, route};
use forebay::random::{DefaultRng, JobSeed};

use crate::args::SampleArgs;
use crate::command::random::random_number;
use crate::error::Error;
use crate::input::read::read_input;
use crate::input::skip::Skipper;
use crate::place::FieldNumber;
use crate::sample::{Answers, Collection, Constructor, DrawContext, Origin, Run, Sample, rng_of};

/// Reads the input and prints the lines drawn, or estimates from them.
///
/// # Errors
///
/// Options that do not fit together, unreadable or bad input unless it is skipped, and failing output.
pub(crate) fn run(args: &SampleArgs, out: &mut impl Write) -> Result<(), Error> {
    let seed = args.seed.unwrap_or_else(random_number);
    args.method().check_capacity(args.n.get())?;
    let drawing = Drawing {
        constructor: args.method().constructor(&args.method_options())?,
        capacity: args.n.get(),
        context: DrawContext {
            run: seed,
            separator: args.delimiter.separator(),
        },
    };
    let run = Run {
        seed,
        origin: Origin::Seed,
        sources: args
            .input
            .sources()
            .iter()
            .map(ToString::to_string)
            .collect(),
    };
    let collect = |sample| Collection::new(sample, args.delimiter.text(), run.clone());
    // Refuse what cannot be answered or saved before reading anything.
    let empty = drawing.empty_sample(rng_of(seed));
    Answers::new(
        &empty,
        &drawing.context.separator,
        args.estimates.questions(),
    )?;
    let plan = args.save.plan(&args.input.identities())?;
    if let Some(plan) = &plan {
        plan.check(&collect(empty))?;
    }
    let mut skipper = Skipper::new(args.input.on_bad());
    match args.by_field {
        None => {
            let sample = sample_all(args, &drawing, &mut skipper)?;
            let (plan, questions) = (plan.as_ref(), args.estimates.questions());
            collect(sample).print_and_save(plan, questions, args.format, &mut skipper, out)
        }
        Some(field) => {
            let samples = sample_by_key(args, &drawing, field, &mut skipper)?;
            skipper.report();
            samples
                .into_iter()
                .try_for_each(|sample| collect(sample).write_lines(out))
        }
    }
}

/// How lines are drawn.
struct Drawing {
    constructor: Constructor<Sample>,
    capacity: usize,
    context: DrawContext,
}

impl Drawing {
    fn empty_sample(&self, rng: DefaultRng) -> Sample {
        (self.constructor)(self.capacity, rng)
    }
}

fn sample_all(
    args: &SampleArgs,
    drawing: &Drawing,
    skipper: &mut Skipper,
) -> Result<Sample, Error> {
    let context = &drawing.context;
    let mut sample = drawing.empty_sample(rng_of(context.run));
    read_input(&args.input.sources(), skipper, |block, skipper| {
        sample.offer_block(block, context, skipper)
    })?;
    Ok(sample)
}

/// A sample for each value of a field, in the order in which the values first appear.
fn sample_by_key(
    args: &SampleArgs,
    drawing: &Drawing,
    field: FieldNumber,
    skipper: &mut Skipper,
) -> Result<Vec<Sample>, Error> {
    let context = &drawing.context;
    let seed = JobSeed::new(context.run);
    let mut samples = KeyedSamples::default();
    read_input(&args.input.sources(), skipper, |block, skipper| {
        block.try_lines(skipper, |line| {
            let key = context.separator.field(line.text(), field)?;
            let make = || drawing.empty_sample(seed.key_rng(0, route(key), 0));
            samples.entry(key, make).offer(line, context)
        })
    })?;
    Ok(samples.in_order)
}

/// A sample for each key.
#[derive(Debug, Default)]
struct KeyedSamples {
    /// In the order in which the keys first appear.
    in_order: Vec<Sample>,
    /// The index in `in_order` for each key.
    indices: HashMap<Vec<u8>, usize, DefaultHashBuilder>,
}

impl KeyedSamples {
    /// The sample of a key; a new key gets an empty one.
    fn entry(&mut self, key: &[u8], make: impl FnOnce() -> Sample) -> &mut Sample {
        let index = match self.indices.get(key) {
            Some(&index) => index,
            None => {
                let index = self.in_order.len();
                self.indices.insert(key.to_vec(), index);
                self.in_order.push(make());
                index
            }
        };
        &mut self.in_order[index]
    }
}
