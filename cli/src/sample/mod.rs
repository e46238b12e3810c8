//! Samples of lines: the table of methods, the lines drawn, and estimates for all lines.

mod answer;
mod collection;
mod dispatch;
mod drawn;
mod image;
mod method;
mod query;
mod run;
mod sampler;

pub(crate) use answer::{Answers, Questions};
pub(crate) use collection::Collection;
pub(crate) use drawn::{DrawContext, rng_of};
pub(crate) use method::{METHODS, Method, Sample};
pub(crate) use query::Query;
pub(crate) use run::{Origin, Run};
pub(crate) use sampler::{Constructor, MethodOptions};
