//! `forebay stream`: runs the input through the micro-batch driver.

mod feed;
mod items;
mod kept;
mod lines;
mod page;
mod record;
mod report;
mod results;
mod serve;
mod signal;
mod telemetry;

use std::io::Write;

use forebay::frequent::MisraGries;
use forebay::sample::Reservoir;
use forebay::stream::{ContextBuilder, DStream, StreamingContext};
use forebay_serve::Telemetry;

use crate::args::{StreamArgs, Verbosity};
use crate::command::stream::feed::Feed;
use crate::command::stream::items::ItemStates;
use crate::command::stream::kept::Kept;
use crate::command::stream::lines::LineSource;
use crate::command::stream::record::Record;
use crate::command::stream::report::Report;
use crate::command::stream::results::{Found, Results, SharedSample};
use crate::error::Error;
use crate::saved::{self, Replacement};

/// Runs the input through a stream and prints the results at the end.
///
/// # Errors
///
/// Unreadable or bad input unless it is skipped, failing output, and a failing stream.
pub(crate) fn run(args: &StreamArgs, out: &mut impl Write) -> Result<(), Error> {
    let window = args.window_batches()?;
    let server = args.serve.map(|address| serve::settings(address, args));
    let server = server.transpose()?;
    let results = Results::new(Found::new(window));
    let size = args.interval.is_none().then_some(args.batch_lines.get());
    let builder = context(args)?;
    // What cannot be written or read is told before the input is read.
    let page = args.plan_report()?;
    let lines = LineSource::new(Feed::start(args)?, size);
    let build = || builder.build().map_err(Error::stream);
    let ctx = match &args.checkpoint {
        None => build()?,
        Some(directory) => {
            let ctx = StreamingContext::recover_or(directory, build)?;
            kept::report_recovery(&ctx, directory);
            ctx
        }
    };
    let (items, kept) = declare(&ctx.source(lines.clone()), args, &results, window);
    let telemetry = Telemetry::of(&ctx);
    if args.verbosity() == Verbosity::Progress {
        ctx.listen(telemetry::progress(&telemetry));
    }
    let server = match (server, &kept) {
        (Some(settings), Some(kept)) => Some(serve::start(settings, kept.served(&telemetry))?),
        _ => None,
    };
    let ended = run_to_end(args, ctx, &lines);
    drop(server);
    let interrupt = lines.outcome(ended)?;
    let found = kept.map_or_else(|| results.take(), |kept| kept.found(window));
    let report = Report::new(&found, items, args)?;
    let printed = report.write(args, out).and_then(|()| Ok(out.flush()?));
    saved::after(printed, || {
        let write = |page: Replacement| page.write(|file| page::write(&report, &telemetry, file));
        let written = page.map_or(Ok(()), write);
        written.map_err(|error| report.cause(error))
    })?;
    interrupt.map_or(Ok(()), |interrupt| Err(Error::Interrupted(interrupt)))
}

fn context(args: &StreamArgs) -> Result<ContextBuilder, Error> {
    let mut builder = StreamingContext::builder("forebay stream")
        .partitions(args.partitions.get())
        .seed(args.seed);
    if let Some(threads) = args.threads {
        builder = builder.threads(threads.get());
    }
    if let Some(interval) = args.interval {
        builder = builder.batch_interval(interval);
    }
    kept::durable(builder, args)
}

/// Declares the graph: lines to items, items to samples, counts and heavy hitters.
fn declare(
    lines: &DStream<'_, Record>,
    args: &StreamArgs,
    results: &Results,
    window: Option<usize>,
) -> (ItemStates, Option<Kept>) {
    let (k, capacity) = (args.k.get(), args.samples);
    lines
        .count()
        .for_each_batch(results.output(|found, lines: Vec<u64>| {
            found.batches += 1;
            found.lines += lines.iter().sum::<u64>();
        }));
    let occurrences = lines.flat_map(Record::into_occurrences);
    let samples = (capacity > 0).then(|| {
        let samples = occurrences
            .filter_map(|occurrence| Some((occurrence.item, occurrence.line?)))
            .summarize_by_key(move |rng| SharedSample::new(Reservoir::with_rng(capacity, rng)))
            .named("samples");
        samples.handle()
    });
    let items = occurrences.map(|occurrence| occurrence.item);
    let counts = items
        .map(|item| (item, 1u64))
        .update_state_by_key(|_item, new, old| Some(old.unwrap_or(0) + new.sum::<u64>()))
        .named("counts");
    let distinct = counts.count();
    distinct.for_each_batch(
        results.output(|found, counts: Vec<u64>| found.items = counts.iter().sum()),
    );
    let states = ItemStates {
        counts: counts.handle(),
        samples,
    };
    let heavy = items.transform(move |batch, _time| batch.summarize(|| MisraGries::new(k)));
    let keeps_all = args.checkpoint.is_some() || args.serve.is_some();
    let kept = keeps_all.then(|| Kept::declare(lines, &heavy, states.clone(), results, window));
    let verbosity = args.verbosity();
    heavy.for_each_batch(results.output(move |found, panes| {
        for pane in panes {
            if verbosity == Verbosity::EachBatch {
                report::report_batch(found, &pane);
            }
            found.window.push(pane);
        }
    }));
    (states, kept)
}

/// Runs the batches until the input has ended.
fn run_to_end(args: &StreamArgs, ctx: StreamingContext, lines: &LineSource) -> Result<(), Error> {
    if args.interval.is_some() {
        let running = ctx.start().map_err(Error::stream)?;
        return running.await_termination().map_err(Error::stream);
    }
    // Without an interval, a batch runs as soon as it has its lines.
    let mut driver = ctx.into_driver().map_err(Error::stream)?;
    while lines.wait_for_batch() {
        driver.step(driver.next_time()).map_err(Error::stream)?;
    }
    driver.checkpoint().map_err(Error::stream)
}
