//! The state of a stream with checkpoints or a server, and recovery.

use std::fs;
use std::io;
use std::path::Path;

use forebay::frequent::MisraGries;
use forebay::stream::{ContextBuilder, DStream, Every, StateHandle, StreamingContext};
use forebay_redb::Disk;
use forebay_serve::{ServedState, ServedStream, Telemetry};

use crate::args::StreamArgs;
use crate::command::stream::items::ItemStates;
use crate::command::stream::record::{Record, Text};
use crate::command::stream::results::{Found, Results, SharedSample};
use crate::error::Error;
use crate::frequent::window::Window;
use crate::input::source::Source;
use crate::output::message::say;

/// The heavy hitters of the batches in the window.
pub(crate) type Panes = Window<MisraGries<Text>>;

/// All results as state, for checkpoints and for the server.
pub(crate) struct Kept {
    /// The numbers of batches and lines.
    totals: StateHandle<(), (u64, u64)>,
    items: ItemStates,
    window: StateHandle<(), Panes>,
}

impl Kept {
    /// Declares the state of totals and of heavy hitters; the totals also go to `results`.
    pub(crate) fn declare(
        lines: &DStream<'_, Record>,
        heavy: &DStream<'_, MisraGries<Text>>,
        items: ItemStates,
        results: &Results,
        length: Option<usize>,
    ) -> Self {
        let totals = lines
            .count()
            .map(|lines| ((), lines))
            .update_state_by_key(|(), new, old| {
                let (batches, lines) = old.unwrap_or((0, 0));
                Some((batches + 1, lines + new.sum::<u64>()))
            })
            .named("totals");
        totals.for_each_batch(results.output(|found, totals| {
            for ((), (batches, lines)) in totals {
                (found.batches, found.lines) = (batches, lines);
            }
        }));
        let window = heavy
            .map(|pane| ((), pane))
            .update_state_by_key(move |(), new, old| {
                let mut window = old.unwrap_or_else(|| Window::new(length));
                new.for_each(|pane| window.push(pane));
                Some(window)
            })
            .named("window");
        Self {
            totals: totals.handle(),
            items,
            window: window.handle(),
        }
    }

    /// The results of this run and of those before it.
    pub(crate) fn found(&self, length: Option<usize>) -> Found {
        let (batches, lines) = self.totals.get(&()).unwrap_or((0, 0));
        Found {
            batches,
            lines,
            items: self.items.counts.snapshot().len() as u64,
            window: self.window.get(&()).unwrap_or_else(|| Window::new(length)),
        }
    }

    /// All state, for the server.
    pub(crate) fn served(&self, telemetry: &Telemetry) -> ServedStream {
        let key = |bytes: &[u8]| Some(Text::from(bytes));
        let name = |item: &Text| item.to_vec();
        // The total is a number of items that were read.
        let merged = |window: &Panes| window.merged().ok().flatten();
        let total = move |window: &Panes| merged(window).map(|heavy| heavy.total_weight());
        let heavy = ServedState::single(self.window.clone());
        let heavy = heavy.shown_as(total).heavy_hitters(merged, name);
        let counts = ServedState::with_byte_keys(self.items.counts.clone(), key, name);
        let served = ServedStream::with_telemetry(telemetry)
            .state("heavy_hitters", heavy)
            .state("counts", counts.counts(|count| *count));
        let Some(samples) = &self.items.samples else {
            return served;
        };
        let samples = ServedState::with_byte_keys(samples.clone(), key, name);
        let samples = samples.shown_as(SharedSample::drawn);
        served.state("samples", samples.sample(SharedSample::drawn))
    }
}

/// Adds checkpoints and the state backend on disk, if they are wanted.
///
/// # Errors
///
/// If the input cannot be read again, or a directory is something else.
pub(crate) fn durable(
    mut builder: ContextBuilder,
    args: &StreamArgs,
) -> Result<ContextBuilder, Error> {
    let sources = args.sources();
    if args.checkpoint.is_some() && !sources.iter().all(Source::is_repeatable) {
        let message = "--checkpoint needs files: standard input cannot be read again";
        return Err(Error::Usage(message.into()));
    }
    for directory in [&args.checkpoint, &args.state_dir].into_iter().flatten() {
        check_directory(directory)?;
    }
    if let Some(directory) = &args.checkpoint {
        builder = builder.checkpoint(directory, Every::auto());
    }
    if let Some(directory) = &args.state_dir {
        let memory_limit = args.state_memory.saturating_mul(1 << 20);
        builder = builder.state_backend(Disk::new(directory).memory_limit(memory_limit));
    }
    if args.checkpoint.is_none() && args.state_dir.is_none() {
        return Ok(builder);
    }
    Ok(builder
        .durable::<(u64, u64)>(&totals(&sources, args))
        .durable::<Text>("text")
        .durable::<SharedSample>("sample of lines")
        .durable::<Panes>("heavy hitters by batch"))
}

/// Checks that a directory can be made or is there: a pipe or a device would be opened in vain.
fn check_directory(directory: &Path) -> Result<(), Error> {
    match fs::metadata(directory) {
        Ok(found) if !found.is_dir() => Err(Error::Save {
            name: directory.display().to_string(),
            cause: io::ErrorKind::NotADirectory.into(),
        }),
        _ => Ok(()),
    }
}

/// The name of the type of the totals. It holds all options that must not change: if they do,
/// recovery fails and shows both names.
fn totals(sources: &[Source], args: &StreamArgs) -> String {
    let names: Vec<String> = sources.iter().map(Source::to_string).collect();
    let field = args.keys.field.map(|number| number.to_string());
    format!(
        "totals of {} (field {}, delimiter {}, counters {}, window {}, samples {})",
        names.join(" "),
        field.as_deref().unwrap_or("none"),
        args.delimiter
            .text()
            .map_or_else(|| "none".to_owned(), |text| format!("{text:?}")),
        args.k,
        args.window.as_deref().unwrap_or("none"),
        args.samples,
    )
}

/// Reports what the stream resumes from, and which checkpoints it skipped.
pub(crate) fn report_recovery(ctx: &StreamingContext, directory: &Path) {
    let Some(recovery) = ctx.recovery() else {
        return;
    };
    for passed_over in recovery.passed_over() {
        let reason = passed_over.reason();
        say(format_args!("skipped a checkpoint: {reason}"));
    }
    if let Some(time) = recovery.restored() {
        let directory = directory.display();
        say(format_args!(
            "resuming from {directory}, after the batch of {time}"
        ));
    }
}
