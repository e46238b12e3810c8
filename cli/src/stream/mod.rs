//! `forebay stream`: the micro-batch driver from end to end.

mod chart;
mod feed;
mod page;
mod record;
mod report;
mod results;
mod telemetry;

use std::io::Write;
use std::mem;
use std::time::Duration;

use forebay::frequent::MisraGries;
use forebay::sample::Reservoir;
use forebay::stream::{BatchQueue, DStream, StreamingContext};

use crate::args::{StreamArgs, Verbosity};
use crate::error::Error;
use crate::saved;
use crate::stream::feed::Feed;
use crate::stream::record::Record;
use crate::stream::report::Report;
use crate::stream::results::{Found, Results, SharedSample};
use crate::stream::telemetry::{Audience, Telemetry};

/// Runs the input through a stream and prints what it has found in the end.
///
/// # Errors
///
/// Unreadable or bad input, unless it is to be skipped, failing output, and a failing stream.
pub(crate) fn run(args: &StreamArgs, out: &mut impl Write) -> Result<(), Error> {
    let window = args.window_batches()?;
    let results = Results::new(Found::new(window));
    let ctx = context(args)?;
    // By lines, every collection pushed is a batch; by the clock, a batch is all there is.
    let queue = match args.interval {
        None => BatchQueue::new(),
        Some(_) => BatchQueue::all_at_once(),
    };
    declare(&ctx.queue_stream(&queue), args, &results);
    let telemetry = Telemetry::new();
    ctx.listen(telemetry.listener(audience(args)));
    let feed = Feed::start(args)?;
    match args.interval {
        None => step_by_lines(args, feed, ctx, &queue)?,
        Some(_) => run_on_clock(feed, ctx, &queue)?,
    }
    let report = Report::new(results.take(), args, window);
    if let Some(path) = &args.report {
        let page = page::page(&report, &telemetry.points());
        let saved = saved::replace(path, page.as_bytes());
        saved.map_err(|cause| Error::Save {
            name: path.display().to_string(),
            cause,
        })?;
    }
    report.write(args, out)
}

fn audience(args: &StreamArgs) -> Audience {
    match args.verbosity() {
        Verbosity::Progress => Audience::person(),
        _ => Audience::Nobody,
    }
}

fn context(args: &StreamArgs) -> Result<StreamingContext, Error> {
    let mut builder = StreamingContext::builder("forebay stream")
        .partitions(args.partitions.get())
        .seed(args.seed);
    if let Some(threads) = args.threads {
        builder = builder.threads(threads.get());
    }
    if let Some(interval) = args.interval {
        builder = builder.batch_interval(interval);
    }
    builder.build().map_err(Error::stream)
}

/// The graph: lines to items, items to samples, running counts and heavy hitters.
fn declare(lines: &DStream<'_, Record>, args: &StreamArgs, results: &Results) {
    let (k, capacity) = (args.k.get(), args.samples);
    lines
        .count()
        .for_each_batch(results.output(|found, lines: Vec<u64>| {
            found.batches += 1;
            found.lines += lines.iter().sum::<u64>();
        }));
    let occurrences = lines.flat_map(Record::into_occurrences);
    if capacity > 0 {
        occurrences
            .filter_map(|occurrence| Some((occurrence.item, occurrence.line?)))
            .summarize_by_key(move |rng| SharedSample::new(Reservoir::with_rng(capacity, rng)))
            .for_each_batch(results.output(|found, samples| found.samples = samples));
    }
    let items = occurrences.map(|occurrence| occurrence.item);
    items
        .map(|item| (item, 1u64))
        .update_state_by_key(|_item, new, old| Some(old.unwrap_or(0) + new.sum::<u64>()))
        .for_each_batch(results.output(|found, counts| found.counts = counts));
    let verbosity = args.verbosity();
    items
        .transform(move |batch, _time| batch.summarize(|| MisraGries::new(k)))
        .for_each_batch(results.output(move |found, panes| {
            for pane in panes {
                if verbosity == Verbosity::EachBatch {
                    report::tell_batch(found, &pane);
                }
                found.window.push(pane);
            }
        }));
}

/// Cuts batches by lines: the driver is stepped by hand whenever one is full.
fn step_by_lines(
    args: &StreamArgs,
    feed: Feed,
    ctx: StreamingContext,
    queue: &BatchQueue<Record>,
) -> Result<(), Error> {
    let size = args.batch_lines.get();
    let mut driver = ctx.into_driver().map_err(Error::stream)?;
    let mut step = |batch| {
        queue.push(batch);
        let time = driver.next_time();
        driver.step(time).map(drop).map_err(Error::stream)
    };
    let mut batch = Vec::new();
    feed.for_each(|records| {
        for record in records {
            batch.push(record);
            if batch.len() == size {
                step(mem::take(&mut batch))?;
            }
        }
        Ok(())
    })?;
    if batch.is_empty() {
        Ok(())
    } else {
        step(batch)
    }
}

/// Cuts batches by the clock: each takes what has been read since the last one.
fn run_on_clock(
    feed: Feed,
    ctx: StreamingContext,
    queue: &BatchQueue<Record>,
) -> Result<(), Error> {
    /// Blocks read ahead of the stream; more would only take memory.
    const MOST_WAITING: usize = 256;
    const PAUSE: Duration = Duration::from_millis(1);
    let mut running = ctx.start().map_err(Error::stream)?;
    feed.for_each(|records| {
        while queue.len() >= MOST_WAITING {
            // Ends before its input does only by failing.
            running
                .await_termination_or_timeout(PAUSE)
                .map_err(Error::stream)?;
        }
        queue.push(records);
        Ok(())
    })?;
    queue.close();
    running.await_termination().map_err(Error::stream)
}
