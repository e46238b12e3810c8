//! Output operators: a stream runs only for them.

use std::fmt::Display;
use std::io::{self, Write};

use crate::stream::data::Data;
use crate::stream::error::BoxError;
use crate::stream::op::batches::batch::Batch;
use crate::stream::op::transform::batch_of;
use crate::stream::pipeline::pipe::Pipe;
use crate::stream::plan::dstream::DStream;
use crate::stream::time::BatchTime;

/// How many items `print` shows by default.
const PRINTED: usize = 10;

impl<'c, T: Data, P: Pipe<Item = T>> DStream<'c, T, P> {
    /// Calls `f` once per batch, empty ones included, on the driver's thread.
    ///
    /// The outputs of a batch run in the order of their declaration. An error fails the batch.
    ///
    /// # Examples
    ///
    /// ```
    /// # use forebay::stream::StreamingContext;
    /// # let ctx = StreamingContext::builder("doc").build()?;
    /// ctx.batches([vec![1, 2, 3]]).for_each_batch(|batch, time| {
    ///     println!("{time}: {} items", batch.len());
    ///     Ok(())
    /// });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn for_each_batch<F>(&self, f: F)
    where
        F: FnMut(Batch<T>, BatchTime) -> Result<(), BoxError> + Send + 'static,
    {
        self.act("for_each_batch", f);
    }

    fn act<F>(&self, kind: &str, mut f: F)
    where
        F: FnMut(Batch<T>, BatchTime) -> Result<(), BoxError> + Send + 'static,
    {
        let pipe = self.pipe.clone();
        self.ctx
            .output(kind, self.operator, self.slide, move |context| {
                let batch = batch_of(context, &pipe)?;
                context
                    .guard(None, || f(batch, context.time))?
                    .map_err(|error| context.failure(error))
            });
    }
}

impl<T: Data + Display, P: Pipe<Item = T>> DStream<'_, T, P> {
    /// Prints the time and the first ten items of every batch to standard output.
    ///
    /// ```text
    /// -------------------------------------------
    /// Time: 1000 ms
    /// -------------------------------------------
    /// first item
    /// second item
    /// ...
    ///
    /// ```
    pub fn print(&self) {
        self.print_n(PRINTED);
    }

    /// Prints the time and the first `n` items of every batch to standard output.
    pub fn print_n(&self, n: usize) {
        self.print_to(io::stdout(), n);
    }

    /// Like [`print_n`](Self::print_n), to any writer.
    pub fn print_to<W: Write + Send + 'static>(&self, mut writer: W, n: usize) {
        self.act("print", move |batch, time| {
            write_head(&mut writer, &batch, time, n)?;
            Ok(())
        });
    }
}

fn write_head<T: Display>(
    writer: &mut impl Write,
    batch: &Batch<T>,
    time: BatchTime,
    n: usize,
) -> io::Result<()> {
    let rule = "-".repeat(43);
    writeln!(writer, "{rule}\nTime: {time}\n{rule}")?;
    for item in batch.iter().take(n) {
        writeln!(writer, "{item}")?;
    }
    if batch.len() > n {
        writeln!(writer, "...")?;
    }
    writeln!(writer)?;
    writer.flush()
}
