//! Samples of lines: the methods, what is drawn, and what it says about all lines.

mod answer;
mod collection;
mod drawn;
mod method;
mod query;

pub(crate) use answer::Answers;
pub(crate) use collection::{Collection, Origin, Run};
pub(crate) use drawn::{Drawn, rng_of};
pub(crate) use method::{Method, Sample, Urn};
pub(crate) use query::Query;
