//! The driver.

mod backends;
mod batch;
mod directories;
mod failures;
mod handles;
mod incremental;
mod inputs;
mod large_batches;
mod life_cycle;
mod logs;
mod metrics;
mod operators;
mod outputs;
mod pacing;
mod policies;
mod receipts;
mod recovery;
mod remembered;
mod repeated;
mod replayable;
mod rules;
mod sources;
mod text_files;
mod time_to_live;
mod timeouts;
mod twin;
mod windows_hold;

#[path = "../../support/flaky.rs"]
mod flaky;

#[path = "../../support/seen.rs"]
mod seen;

use forebay::stream::{BatchTime, StreamingContext};

pub(crate) use flaky::Flaky;
pub(crate) use seen::{Seen, builder};

pub(crate) fn context() -> StreamingContext {
    builder().build().unwrap()
}

pub(crate) fn millis(millis: u64) -> BatchTime {
    BatchTime::from_millis(millis)
}

pub(crate) fn run(ctx: StreamingContext) -> usize {
    ctx.into_driver().unwrap().run_to_end().unwrap()
}
