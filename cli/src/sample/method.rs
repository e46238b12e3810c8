//! The ways of drawing lines, and a sample drawn in any of them.

use std::fmt;
use std::iter;

use forebay::random::DefaultRng;
use forebay::sample::{
    DecayingReservoir, Iter, ReplacementReservoir, Reservoir, VarOpt, Weight, WeightedReservoir,
};
use forebay::{Merge, Summary};
use serde::{Deserialize, Serialize};

use super::drawn::{Draw, Drawn};
use crate::error::{Error, Problem};
use crate::input::block::{Block, Line};
use crate::input::field::Separator;
use crate::input::skip::Skipper;
use crate::place::FieldNumber;

/// A way of drawing lines, with all it takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Method {
    Uniform,
    Replacement,
    Weighted {
        weights: FieldNumber,
    },
    /// The field is unknown if the sample came in an image.
    VarOpt {
        weights: Option<FieldNumber>,
    },
    Decay {
        times: FieldNumber,
        half_life: f64,
    },
}

impl Method {
    /// Whether samples so drawn go together.
    fn agrees(self, other: Self) -> bool {
        match (self, other) {
            (Self::VarOpt { weights: None }, Self::VarOpt { .. })
            | (Self::VarOpt { .. }, Self::VarOpt { weights: None }) => true,
            _ => self == other,
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uniform => write!(f, "uniform"),
            Self::Replacement => write!(f, "replacement"),
            Self::Weighted { weights } => write!(f, "weighted by field {weights}"),
            Self::VarOpt { weights: None } => write!(f, "varopt"),
            Self::VarOpt {
                weights: Some(weights),
            } => write!(f, "varopt by field {weights}"),
            Self::Decay { times, half_life } => {
                write!(f, "decay by field {times} with half-life {half_life}")
            }
        }
    }
}

/// How lines are drawn.
#[derive(Debug)]
pub(crate) struct Urn {
    pub(crate) method: Method,
    pub(crate) capacity: usize,
    pub(crate) separator: Separator,
    /// The seed of the run, which names it.
    pub(crate) run: u64,
}

impl Urn {
    pub(crate) fn empty_sample(&self, rng: DefaultRng) -> Sample {
        let capacity = self.capacity;
        match self.method {
            Method::Uniform => Sample::Uniform(Reservoir::with_rng(capacity, rng)),
            Method::Replacement => {
                Sample::Replacement(ReplacementReservoir::with_rng(capacity, rng))
            }
            Method::Weighted { weights } => Sample::Weighted {
                weights,
                sample: WeightedReservoir::with_rng(capacity, rng),
            },
            Method::VarOpt { weights } => Sample::VarOpt {
                weights,
                sample: VarOpt::with_rng(capacity, rng),
            },
            Method::Decay { times, half_life } => Sample::Decay(Decaying {
                times,
                sample: DecayingReservoir::with_rng(capacity, half_life, rng),
                latest: f64::NEG_INFINITY,
            }),
        }
    }

    /// Offers all lines of a block; a sample of lines that are all alike does not look at those it
    /// passes over.
    ///
    /// # Errors
    ///
    /// The first line without the weight or the time it needs, unless `skipper` skips it.
    pub(crate) fn offer_block(
        &self,
        sample: &mut Sample,
        block: &Block<'_>,
        skipper: &mut Skipper,
    ) -> Result<(), Error> {
        match sample {
            Sample::Uniform(reservoir) => reservoir.extend(self.draw(block.lines())),
            Sample::Replacement(reservoir) => reservoir.extend(self.draw(block.lines())),
            Sample::Weighted { .. } | Sample::VarOpt { .. } | Sample::Decay(_) => {
                return block.try_lines(skipper, |line| self.offer(sample, line));
            }
        }
        Ok(())
    }

    /// Offers a line.
    ///
    /// # Errors
    ///
    /// If it lacks the weight or the time it needs.
    pub(crate) fn offer(&self, sample: &mut Sample, line: Line<'_>) -> Result<(), Problem> {
        let drawn = || Drawn::new(self.run, line);
        let weight = |field| self.separator.weight(line.text(), field);
        match sample {
            Sample::Uniform(reservoir) => reservoir.extend(self.draw(iter::once(line))),
            Sample::Replacement(reservoir) => reservoir.extend(self.draw(iter::once(line))),
            Sample::Weighted { weights, sample } => {
                let weight = weight(*weights)?;
                Summary::update(sample, (drawn(), weight));
            }
            Sample::VarOpt { weights, sample } => {
                // Nothing is offered to a sample that came in an image.
                let weight = weights.map_or(Ok(Weight::ONE), weight)?;
                Summary::update(sample, (drawn(), weight));
            }
            Sample::Decay(decaying) => {
                let time = self.separator.time(line.text(), decaying.times)?;
                decaying.latest = decaying.latest.max(time.get());
                Summary::update(&mut decaying.sample, (drawn(), time));
            }
        }
        Ok(())
    }

    fn draw<I>(&self, lines: I) -> Draw<I> {
        Draw {
            run: self.run,
            lines,
        }
    }
}

/// A sample of lines, with what tells how it was drawn.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Sample {
    Uniform(Reservoir<Drawn>),
    Replacement(ReplacementReservoir<Drawn>),
    Weighted {
        weights: FieldNumber,
        sample: WeightedReservoir<Drawn>,
    },
    VarOpt {
        /// As in [`Method::VarOpt`].
        weights: Option<FieldNumber>,
        sample: VarOpt<Drawn>,
    },
    Decay(Decaying),
}

/// A sample of lines by their times.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Decaying {
    /// The field of the times.
    pub(crate) times: FieldNumber,
    pub(crate) sample: DecayingReservoir<Drawn>,
    /// The latest time offered; minus infinity before the first.
    pub(crate) latest: f64,
}

impl Sample {
    pub(crate) fn method(&self) -> Method {
        match self {
            Self::Uniform(_) => Method::Uniform,
            Self::Replacement(_) => Method::Replacement,
            Self::Weighted { weights, .. } => Method::Weighted { weights: *weights },
            Self::VarOpt { weights, .. } => Method::VarOpt { weights: *weights },
            Self::Decay(decaying) => Method::Decay {
                times: decaying.times,
                half_life: decaying.sample.half_life(),
            },
        }
    }

    /// The lines held, in no meaningful order.
    pub(crate) fn iter(&self) -> Iter<'_, Drawn> {
        match self {
            Self::Uniform(sample) => sample.iter(),
            Self::Replacement(sample) => sample.iter(),
            Self::Weighted { sample, .. } => sample.iter(),
            Self::VarOpt { sample, .. } => sample.iter(),
            Self::Decay(decaying) => decaying.sample.iter(),
        }
    }

    /// Takes in a sample of other input, drawn in the same way.
    ///
    /// # Errors
    ///
    /// If it was drawn in another way; nothing has changed then.
    pub(crate) fn merge(&mut self, other: Self) -> Result<(), String> {
        let (own, theirs) = (self.method(), other.method());
        let same = own.agrees(theirs);
        match (self, other) {
            (Self::Uniform(all), Self::Uniform(more)) => all.merge(more),
            (Self::Replacement(all), Self::Replacement(more)) => all.merge(more),
            (Self::Weighted { sample: all, .. }, Self::Weighted { sample: more, .. }) if same => {
                all.merge(more);
            }
            (
                Self::VarOpt { weights, sample },
                Self::VarOpt {
                    weights: theirs,
                    sample: more,
                },
            ) if same => {
                *weights = weights.or(theirs);
                sample.merge(more);
            }
            (Self::Decay(all), Self::Decay(more)) if same => {
                all.sample.merge(more.sample);
                all.latest = all.latest.max(more.latest);
            }
            _ => return Err(format!("holds a sample drawn {theirs}, others {own}")),
        }
        Ok(())
    }

    /// Whether it can have come from a run.
    pub(crate) fn is_sound(&self) -> bool {
        match self {
            Self::Decay(decaying) => {
                decaying.latest.is_finite()
                    || (decaying.sample.is_empty() && decaying.latest == f64::NEG_INFINITY)
            }
            _ => true,
        }
    }
}
