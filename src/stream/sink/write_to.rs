//! The trait of outputs that write.

use std::sync::{Arc, mpsc};
use std::vec::Vec;

use crate::stream::data::Data;
use crate::stream::error::{BatchError, BoxError};
use crate::stream::op::transform::batch_of;
use crate::stream::pipeline::partition_context::PartitionContext;
use crate::stream::pipeline::pipe::Pipe;
use crate::stream::pipeline::slot::Partitions;
use crate::stream::plan::dstream::DStream;
use crate::stream::run::operator_context::OperatorContext;
use crate::stream::threads::blame::blame;
use crate::stream::time::BatchTime;

/// A destination that the batches of a stream are written to, partition by partition.
///
/// For each batch, empty ones included, once everything upstream has been computed, the driver
/// calls [`begin`](Self::begin), then [`write`](Self::write) for every partition, in parallel on
/// the worker threads, then [`commit`](Self::commit) when all have succeeded. If one of these calls
/// fails or panics, the last call is [`abort`](Self::abort). A batch that fails upstream calls
/// nothing.
///
/// # Writing once
///
/// A batch may run again, after a failure or a crash, with the same time, partitions and items: in
/// a stream with [checkpoints], what each input reads for a batch, or has received for it, is
/// durable before the batch runs. So the batch time and the partition identify a repetition, and
/// there are two recipes:
///
/// - *replace*: write under a name or key made of the batch time and the partition, as the
///   directories of files do;
/// - *compare*: in one transaction, read the batch time last written for the partition; if it is
///   not smaller, do nothing; otherwise write the items and the batch time. With one transaction
///   for the whole batch the stream may go on with another number of partitions, too:
///   `examples/sqlite` keeps the counts of a stream in a table of SQLite so.
///
/// [checkpoints]: crate::stream::ContextBuilder::checkpoint
///
/// # Examples
///
/// The second recipe, with a map for the table of the database:
///
/// ```
/// use std::collections::BTreeMap;
/// use std::sync::{Arc, Mutex};
/// use forebay::stream::{BatchTime, BoxError, FailurePolicy, Sink, StreamingContext};
///
/// #[derive(Clone, Default)]
/// struct Table(Arc<Mutex<BTreeMap<usize, (u64, u64)>>>);
///
/// impl Sink<u64> for Table {
///     fn write(&self, time: BatchTime, partition: usize, items: &[u64]) -> Result<(), BoxError> {
///         let mut rows = self.0.lock().unwrap(); // the transaction
///         let (last, total) = rows.entry(partition).or_default();
///         if *last < time.as_millis() {
///             (*last, *total) = (time.as_millis(), *total + items.iter().sum::<u64>());
///         }
///         Ok(())
///     }
/// }
///
/// let table = Table::default();
/// let ctx = StreamingContext::builder("sums")
///     .partitions(2)
///     .on_failure(FailurePolicy::Retry(1))
///     .build()?;
/// let numbers = ctx.batches([vec![1, 2], vec![3, 4]]);
/// numbers.write_to(table.clone());
/// let mut calls = 0;
/// numbers.for_each_batch(move |_, _| {
///     calls += 1;
///     if calls == 1 { Err("once".into()) } else { Ok(()) }
/// });
/// ctx.into_driver()?.run_to_end()?;
/// let totals: Vec<u64> = table.0.lock().unwrap().values().map(|row| row.1).collect();
/// assert_eq!(totals, [1 + 3, 2 + 4]); // though the first batch was written twice
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Sink<T>: Send + Sync + 'static {
    /// Prepares for a batch, which may have been started before.
    ///
    /// # Errors
    ///
    /// Whatever fails the batch.
    fn begin(&mut self, _time: BatchTime) -> Result<(), BoxError> {
        Ok(())
    }

    /// Writes the items of one partition.
    ///
    /// # Errors
    ///
    /// Whatever fails the batch.
    fn write(&self, time: BatchTime, partition: usize, items: &[T]) -> Result<(), BoxError>;

    /// Makes what was written visible, or durable.
    ///
    /// # Errors
    ///
    /// Whatever fails the batch.
    fn commit(&mut self, _time: BatchTime) -> Result<(), BoxError> {
        Ok(())
    }

    /// Removes what was begun of a batch that has failed in this sink. It may run again, or be left
    /// out for good; after a crash this is not called. What goes wrong here is not reported: the
    /// error of the batch is.
    fn abort(&mut self, _time: BatchTime) {}
}

/// Calls `act` in parallel for every partition of a batch.
fn each_partition<T: Data>(
    context: &OperatorContext,
    partitions: Partitions<T>,
    act: impl Fn(usize, &[T]) -> Result<(), BoxError> + Sync,
) -> Result<(), BatchError> {
    let work = |task: &PartitionContext, items: Arc<Vec<T>>| {
        let result = blame(context.operator, || act(task.partition, &items));
        result.unwrap_or_else(|error| task.fail(context.operator, error));
    };
    context.each(partitions, |items| !items.is_empty(), work)?;
    Ok(())
}

/// Writes a computed batch to a sink.
fn write<T: Data, S: Sink<T>>(
    context: &OperatorContext,
    partitions: Partitions<T>,
    sink: &mut S,
) -> Result<(), BatchError> {
    let time = context.time;
    context.try_guard(None, || sink.begin(time))?;
    each_partition(context, partitions, |partition, items| {
        sink.write(time, partition, items)
    })?;
    context.try_guard(None, || sink.commit(time))
}

impl<T: Data, P: Pipe<Item = T>> DStream<'_, T, P> {
    /// Calls `f` once for every partition of every batch, empty ones included, in parallel on the
    /// worker threads; with the batch time and the number of the partition.
    ///
    /// Everything upstream has been computed by then. An error fails the batch; other partitions
    /// may have run by then, see [`Sink`] on writing once.
    ///
    /// # Examples
    ///
    /// ```
    /// # use forebay::stream::StreamingContext;
    /// # let ctx = StreamingContext::builder("doc").build()?;
    /// ctx.batches([vec![1, 2, 3]]).for_each_partition(|time, partition, items| {
    ///     println!("{time}, partition {partition}: {} items", items.len());
    ///     Ok(())
    /// });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn for_each_partition<F>(&self, f: F)
    where
        F: Fn(BatchTime, usize, &[T]) -> Result<(), BoxError> + Send + Sync + 'static,
    {
        let pipe = self.pipe.clone();
        let kind = "for_each_partition";
        self.ctx
            .output(kind, self.operator, self.slide, move |context| {
                let partitions = batch_of(context, &pipe)?.into_shared();
                each_partition(context, partitions, |partition, items| {
                    f(context.time, partition, items)
                })
            });
    }

    /// Writes every batch to a [`Sink`].
    ///
    /// # Examples
    ///
    /// See [`Sink`].
    pub fn write_to<S: Sink<T>>(&self, sink: S) {
        self.write_as("write_to", sink);
    }

    /// Writes to a sink; `kind` is the name of the method that the user called.
    pub(super) fn write_as<S: Sink<T>>(&self, kind: &str, mut sink: S) {
        let pipe = self.pipe.clone();
        self.ctx
            .output(kind, self.operator, self.slide, move |context| {
                let partitions = batch_of(context, &pipe)?.into_shared();
                let written = write(context, partitions, &mut sink);
                if written.is_err() {
                    // The batch has failed already; a panic here adds nothing.
                    let _ = context.guard(None, || sink.abort(context.time));
                }
                written
            });
    }

    /// Sends every batch, with its time, to the program.
    ///
    /// The channel is unbounded: batches that the program does not receive wait in memory. When the
    /// receiver is dropped, later batches are dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// use forebay::stream::StreamingContext;
    ///
    /// let ctx = StreamingContext::builder("doubles").build()?;
    /// let doubles = ctx.batches([vec![1, 2], vec![3]]).map(|n| 2 * n).to_channel();
    /// let running = ctx.start()?;
    /// let received: Vec<Vec<i32>> = doubles.iter().map(|(_time, items)| items).collect();
    /// assert_eq!(received, [vec![2, 4], vec![6]]);
    /// running.await_termination()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_channel(&self) -> mpsc::Receiver<(BatchTime, Vec<T>)> {
        let (sender, receiver) = mpsc::channel();
        let pipe = self.pipe.clone();
        let kind = "to_channel";
        self.ctx
            .output(kind, self.operator, self.slide, move |context| {
                let items = batch_of(context, &pipe)?.into_vec();
                // The receiver has gone: there is nothing to do.
                let _ = sender.send((context.time, items));
                Ok(())
            });
        receiver
    }
}
