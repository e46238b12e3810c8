//! The micro-batch driver: streams cut into batches, partitions processed in parallel, state kept
//! per key.
//!
//! The model is Spark Streaming's. A [`StreamingContext`] cuts its inputs into batches at a fixed
//! interval; a [`DStream<T>`](DStream) is the sequence of these batches, to which operators are
//! applied; each [`Batch`] is split into partitions that run on the threads of an [`Executor`].
//! Nothing runs until there is an output, and nothing can be added once the stream runs: the
//! types see to it.
//!
//! # Example
//!
//! Counts of words, kept up to date over all batches:
//!
//! ```
//! use forebay::stream::StreamingContext;
//!
//! let ctx = StreamingContext::builder("words").threads(2).build()?;
//! let lines = ctx.batches([vec!["ebb and flow"], vec!["ebb"]]);
//! let words = lines.flat_map(|line| line.split(' '));
//! let counts = words
//!     .map(|word| (word, 1u64))
//!     .update_state_by_key(|_word, new, old| Some(old.unwrap_or(0) + new.sum::<u64>()));
//! counts
//!     .map(|(word, count)| format!("{count} {word}"))
//!     .print();
//! ctx.into_driver()?.run_to_end()?; // or `ctx.start()?.await_termination()?`, on a clock
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Which operator
//!
//! | to | use | cost of a batch |
//! |---|---|---|
//! | change, drop or multiply items | [`map`](DStream::map), [`filter`](DStream::filter), [`flat_map`](DStream::flat_map), their `try_` forms, [`map_partitions`](DStream::map_partitions) | one loop for the whole chain |
//! | count or combine a batch | [`count`](DStream::count), [`reduce`](DStream::reduce), [`count_by_value`](DStream::count_by_value), [`reduce_by_key`](DStream::reduce_by_key), [`combine_by_key`](DStream::combine_by_key), [`group_by_key`](DStream::group_by_key) | its items |
//! | bring two streams together | [`union`](DStream::union), [`join`](DStream::join) and its outer forms, [`cogroup`](DStream::cogroup), [`transform_with`](DStream::transform_with) | the items of both |
//! | summarise a batch | [`summarize`](DStream::summarize), [`summarize_with_rng`](DStream::summarize_with_rng) | its items, one merge per partition |
//! | keep a summary per key | [`summarize_by_key`](DStream::summarize_by_key) | its items |
//! | keep any state per key, and see idle keys too | [`update_state_by_key`](DStream::update_state_by_key) | its items and all known keys |
//! | keep any state per key, touching only the keys of the batch, with time-outs | [`state_by_key`](DStream::state_by_key) | its items, and the keys that expire |
//! | look at the last minute | [`window`](DStream::window) | the items in the window |
//! | combine the last minute | [`reduce_by_window`](DStream::reduce_by_window), [`reduce_by_key_and_window`](DStream::reduce_by_key_and_window) | one item, or one record per key, for each batch in the window |
//! | summarise the last minute | [`summarize_window`](DStream::summarize_window), [`summarize_by_key_and_window`](DStream::summarize_by_key_and_window) | its items, and three merges |
//! | count the last minute by key | [`reduce_by_key_and_window_with_inverse`](DStream::reduce_by_key_and_window_with_inverse), [`count_by_value_and_window`](DStream::count_by_value_and_window) | the batches that come and go, and the keys |
//! | look at the states themselves | [`filter_map_ref`](DStream::filter_map_ref) | all known keys |
//! | ask for states from another thread | [`handle`](DStream::handle), a [`StateHandle`] | nothing; after a question, a copy of the tables that are written to |
//! | do anything to a batch as a whole | [`transform`](DStream::transform) | |
//! | give results to the world | [`for_each_batch`](DStream::for_each_batch), [`for_each_partition`](DStream::for_each_partition), [`write_to`](DStream::write_to) a [`Sink`], [`to_channel`](DStream::to_channel), [`print`](DStream::print), [`save_as_text_files`](DStream::save_as_text_files) and, by feature, `save_as_json_lines` and `save_as_csv`, [`remember`](DStream::remember) | |
//!
//! # Which input
//!
//! | from | use | ends |
//! |---|---|---|
//! | batches or an iterator in memory | [`batches`](StreamingContext::batches), [`from_iter`](StreamingContext::from_iter) | with the last of them |
//! | the embedding program | [`channel`](StreamingContext::channel), [`queue_stream`](StreamingContext::queue_stream); [`source`](StreamingContext::source) with a [`ReplayableQueue`], which can be read again | when it says so |
//! | a directory | [`text_files`](StreamingContext::text_files) | never |
//! | a log or table that can be read by position | [`source`](StreamingContext::source) with a [`Source`] | when it says so |
//! | Redis Streams | [`source`](StreamingContext::source) with a `RedisStreams` of the crate `forebay-redis` | never |
//! | a server, standard input, any reader | [`socket_text`](StreamingContext::socket_text), [`lines_of`](StreamingContext::lines_of) | never; at the end of the text |
//! | anything else that pushes | [`receiver`](StreamingContext::receiver) | when it returns |
//!
//! # Batches and time
//!
//! A batch is labelled by its [`BatchTime`]. Every stream has a batch, possibly empty, at every
//! multiple of its slide. [`Driver::step`] runs one batch at the time it is given and knows no
//! clock; [`RunningStream`] is that driver with a thread that steps it when an interval has ended.
//! Late batches run one after the other; none is left out. Its documentation says what a stop does.
//!
//! A stream that several operators read is computed once per batch. A stream read by one operator
//! only is computed within that operator's loop and never stored.
//!
//! # When more comes than can be processed
//!
//! A batch is cut when it runs, not before: late batches wait as times, not as items. What has
//! come and is in no batch yet waits in buffers of limited size; a full one holds its sender back,
//! and nothing is dropped. [`max_rate`](ContextBuilder::max_rate) and
//! [`backpressure`](ContextBuilder::backpressure) limit what a batch takes from each input.
//!
//! # Determinism
//!
//! For a given seed, number of partitions and sequence of input batches, every output is the same
//! whatever the number of threads.
//!
//! # Failures
//!
//! A closure that panics, or a fallible one that returns an error, fails the batch: the
//! [`BatchError`] names the operator, the batch time and the partition. The stream ends, and
//! waiting for its termination returns the error; the process continues. A [`FailurePolicy`] can
//! run the batch again, or skip it.
//!
//! # Recovery after a crash
//!
//! [`ContextBuilder::checkpoint`] writes the state of all operators and the positions of all inputs
//! to disk while the stream runs. [`StreamingContext::recover_or`] continues from there with the
//! same state, and with any number of partitions. Batches that were due meanwhile run late.
//! [`ContextBuilder::write_ahead_log`] does the same for inputs that push, and [`inspect`] shows
//! what checkpoints hold.
//!
//! # Observation
//!
//! A [`Listener`] hears of batches and receivers; the [`StepReport`] of a batch says how long it
//! waited and ran, what each operator did, and how receivers are doing. With the feature `tracing`
//! every batch and every operator in it is a span. The crate `forebay-serve` answers questions
//! about state and measurements over HTTP, and shows them on a page.
//!
//! # When not to use it
//!
//! - Results are needed within milliseconds of each item: a batch is the unit of work here.
//! - The items are on disk and fit one pass: the summaries alone, or an iterator, are simpler.
//! - One machine is not enough: use Spark or Flink.

mod checkpoint;
mod data;
mod error;
mod exchange;
mod op;
mod pipeline;
mod plan;
mod run;
mod sink;
mod source;
mod state;
mod threads;
mod time;

pub use checkpoint::error::{CheckpointError, PassedOver};
pub use checkpoint::every::Every;
pub use checkpoint::inspect::{
    CheckpointContents, CheckpointFile, CheckpointInfo, OperatorContents, inspect,
};
pub use checkpoint::recovery::{CutLog, Recovery};
pub use checkpoint::report::CheckpointReport;
pub use data::{Data, Key};
pub use error::{BatchError, BoxError, BuildError};
pub use op::batches::batch::{Batch, IntoBatch};
pub use op::batches::joins::StaticTable;
pub use op::history::History;
pub use op::join::Sides;
pub use op::key_state::State;
pub use op::state::NewValues;
pub use op::state_by_key::StateSpec;
pub use op::state_by_partition::KeyUpdate;
pub use op::window_reduce::Incremental;
pub use plan::builder::ContextBuilder;
pub use plan::context::StreamingContext;
pub use plan::dstream::DStream;
pub use run::driver::Driver;
pub use run::error::{StartError, StepError, StopError};
pub use run::failure::FailurePolicy;
pub use run::listener::{Listener, StreamEvent};
pub use run::metrics::{OperatorReport, ReceiverReport, ReceiverState, StepReport};
pub use run::rate::{PidRateEstimator, PidWeights};
pub use run::running::{RunningStream, StopHandle};
pub use sink::write_to::Sink;
pub use source::{
    BatchQueue, FilesRead, LostError, Positions, QueuePosition, Receipt, Receiver, ReceiverStatus,
    ReplayableQueue, Sender, Source, StoppedError, TextFiles, Warnings,
};
pub use state::backend::{Memory, PageStore, StateBackend, StateError};
pub use state::codec::Codec;
pub use state::handle::{GroupRows, StateHandle, StateSnapshot};
pub use state::size::StateSize;
pub use threads::executor::Executor;
pub use time::{BatchTime, DurationError};

/// The types of fused pipelines.
///
/// A chain of narrow operators is one value of nested types, like a chain of iterator adaptors,
/// and compiles to one loop per partition. These types appear in the type of a [`DStream`]; a
/// program seldom writes them down: it lets them be inferred, says `impl Pipe<Item = T>`, or
/// erases them with [`DStream::boxed`].
pub mod pipe {
    pub use super::op::emitted::Emitted;
    pub use super::op::state::StateRows;
    pub use super::op::state_view::StateView;
    pub use super::op::union::Union;
    pub use super::op::window::Windowed;
    pub use super::pipeline::materialized::{Materialized, Shared};
    pub use super::pipeline::partition_context::PartitionContext;
    pub use super::pipeline::pipe::Pipe;
    pub use super::pipeline::stages::{Filter, FlatMap, Map, MapPartitions, TryFlatMap};
}
