//! Input read by one thread and worked on by several.
//!
//! Blocks are dealt to a fixed number of lanes in turn, and lanes to threads; what is in a lane
//! does not depend on how many threads there are or how they run, so neither does the result.

use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use crate::args::InputArgs;
use crate::command::top::tally::Tally;
use crate::error::Error;
use crate::input::block::OwnedBlock;
use crate::input::read::read_input;
use crate::input::skip::{OnBad, Skipper};

/// How many parts the input is dealt to; no more threads than that are of use.
const LANES: usize = 8;

/// Blocks waiting for each thread, at most.
const AHEAD: usize = 4;

/// Takes in all input with `jobs` threads; the tallies come back in the order of the lanes.
///
/// # Errors
///
/// Unreadable files and bad lines, the first in the input, unless they are to be skipped.
pub(crate) fn take_all<T: Tally>(
    args: &InputArgs,
    jobs: NonZeroUsize,
    make: impl Fn() -> T,
) -> Result<Vec<T>, Error> {
    let mut lanes: Vec<T> = (0..LANES).map(|_| make()).collect();
    let mut skipper = Skipper::new(args.on_bad());
    if jobs.get() == 1 {
        let mut turn = (0..LANES).cycle();
        read_input(&args.sources(), &mut skipper, |block, skipper| {
            let lane = turn.next().unwrap_or_default();
            lanes[lane].take(block, skipper)
        })?;
    } else {
        take_with_threads(args, jobs.get().min(LANES), &mut lanes, &mut skipper)?;
    }
    skipper.report();
    Ok(lanes)
}

fn take_with_threads<T: Tally>(
    args: &InputArgs,
    threads: usize,
    lanes: &mut [T],
    skipper: &mut Skipper,
) -> Result<(), Error> {
    thread::scope(|scope| {
        let crew: Vec<_> = deal(lanes, threads)
            .into_iter()
            .map(|share| {
                let (sender, receiver) = sync_channel(AHEAD);
                let on_bad = args.on_bad();
                (sender, scope.spawn(move || work(share, &receiver, on_bad)))
            })
            .collect();
        let mut turn = (0..LANES).cycle();
        let read = read_input(&args.sources(), skipper, |block, _| {
            let lane = turn.next().unwrap_or_default();
            let (sender, _) = &crew[lane % threads];
            let errand = (lane / threads, block.to_owned());
            sender.send(errand).map_err(|_| Error::Closed)
        });
        let (senders, workers): (Vec<SyncSender<_>>, Vec<_>) = crew.into_iter().unzip();
        drop(senders);
        let mut errors = Vec::new();
        for worker in workers {
            match worker.join() {
                Ok(Ok(skipped)) => skipper.merge(&skipped),
                Ok(Err(error)) => errors.push(error),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        // Every block before one with a bad line has been taken, so the first is among these.
        errors
            .into_iter()
            .min_by_key(Error::position)
            .map_or(read, Err)
    })
}

/// Lane `i` goes to thread `i % threads`, where it is number `i / threads`.
fn deal<T>(lanes: &mut [T], threads: usize) -> Vec<Vec<&mut T>> {
    let mut shares: Vec<Vec<&mut T>> = (0..threads).map(|_| Vec::new()).collect();
    for (number, lane) in lanes.iter_mut().enumerate() {
        shares[number % threads].push(lane);
    }
    shares
}

fn work<T: Tally>(
    mut share: Vec<&mut T>,
    errands: &Receiver<(usize, OwnedBlock)>,
    on_bad: OnBad,
) -> Result<Skipper, Error> {
    let mut skipper = Skipper::new(on_bad);
    for (lane, block) in errands {
        share[lane].take(&block.as_block(), &mut skipper)?;
    }
    Ok(skipper)
}
