//! Samples of lines: the methods, what is drawn, and what it says about all lines.

mod answer;
mod collection;
mod drawn;
mod image;
mod method;
mod query;
mod run;

pub(crate) use answer::{Answers, Questions};
pub(crate) use collection::Collection;
pub(crate) use drawn::rng_of;
pub(crate) use method::{Method, Sample, Urn};
pub(crate) use query::Query;
pub(crate) use run::{Origin, Run};
