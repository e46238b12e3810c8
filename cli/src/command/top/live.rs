//! The most frequent items while input arrives, printed at an interval.

use std::io::{IsTerminal, Write, stdout};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::args::TopArgs;
use crate::command::top::tally::Tally;
use crate::error::Error;
use crate::frequent::ranking::Ranking;
use crate::frequent::sums::Sums;
use crate::frequent::window::Window;
use crate::input::block::OwnedBlock;
use crate::input::chunk::Delivery;
use crate::input::progress::Progress;
use crate::input::read::read_blocks;
use crate::input::skip::Skipper;
use crate::output::format::Format;

/// The most blocks that are read ahead.
const AHEAD: usize = 64;

/// Prints the ranking at an interval, and once more at the end of the input.
///
/// # Errors
///
/// Unreadable files and bad lines unless they are skipped, and failing output.
pub(crate) fn run<T: Tally>(
    args: &TopArgs,
    every: Duration,
    mut tally: T,
    out: &mut impl Write,
) -> Result<(), Error> {
    let (sender, blocks) = sync_channel(AHEAD);
    let mut skipper = Skipper::new(args.input.on_bad());
    let reader = spawn_reader(args, sender);
    let mut window = Window::new(args.window_panes()?);
    let mut tick = Instant::now() + every;
    loop {
        let flow = take_until(tick, &blocks, &mut tally, &mut skipper)?;
        window.push(tally.finish());
        draw(args, &window, out)?;
        if flow == Flow::Ended {
            break;
        }
        while tick <= Instant::now() {
            tick += every;
        }
    }
    match reader.join() {
        Ok(read) => skipper.merge(&read?),
        Err(panic) => std::panic::resume_unwind(panic),
    }
    skipper.report();
    Ok(())
}

/// Reads on another thread. If the output fails, that thread is not joined: it may wait for a line
/// that never comes.
fn spawn_reader(
    args: &TopArgs,
    sender: SyncSender<OwnedBlock>,
) -> thread::JoinHandle<Result<Skipper, Error>> {
    let sources = args.input.sources();
    let mut skipper = Skipper::new(args.input.on_bad());
    thread::spawn(move || {
        let hidden = Progress::hidden();
        read_blocks(
            &sources,
            Delivery::AtOnce,
            &mut skipper,
            &hidden,
            |block, _| sender.send(block.to_owned()).map_err(|_| Error::Closed),
        )?;
        Ok(skipper)
    })
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Flow {
    Open,
    Ended,
}

fn take_until<T: Tally>(
    tick: Instant,
    blocks: &Receiver<OwnedBlock>,
    tally: &mut T,
    skipper: &mut Skipper,
) -> Result<Flow, Error> {
    loop {
        match blocks.recv_timeout(tick.saturating_duration_since(Instant::now())) {
            Ok(block) => tally.take(&block.as_block(), skipper)?,
            Err(RecvTimeoutError::Timeout) => return Ok(Flow::Open),
            Err(RecvTimeoutError::Disconnected) => return Ok(Flow::Ended),
        }
        if Instant::now() >= tick {
            return Ok(Flow::Open);
        }
    }
}

fn draw<S: Sums + Clone>(
    args: &TopArgs,
    window: &Window<S>,
    out: &mut impl Write,
) -> Result<(), Error> {
    /// Moves to the upper left corner and erases the screen.
    const CLEAR: &str = "\x1b[H\x1b[2J";
    let Some(summary) = window.merged()? else {
        return Ok(());
    };
    if args.output.format == Format::Table && stdout().is_terminal() {
        write!(out, "{CLEAR}")?;
    }
    Ranking::new(&summary, args.output.n.get()).write(args.output.format, out)?;
    Ok(out.flush()?)
}
