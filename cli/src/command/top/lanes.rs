//! Counting with several threads; another one reads the input.
//!
//! Blocks go to a fixed number of lanes in turn, and lanes to threads. The contents of a lane do not
//! depend on the number of threads or on their timing, so the result does not either.

use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use crate::args::InputArgs;
use crate::command::top::tally::Tally;
use crate::error::Error;
use crate::input::block::OwnedBlock;
use crate::input::read::read_input;
use crate::input::skip::{OnBad, Skipper};

/// The number of lanes; more threads than that are not used.
const LANES: usize = 8;

/// The most blocks that wait for a thread.
const AHEAD: usize = 4;

/// Counts all input with `jobs` threads; returns the tallies in the order of the lanes.
///
/// # Errors
///
/// The first unreadable file or bad line in the input, unless they are skipped.
pub(crate) fn count_all<T: Tally>(
    args: &InputArgs,
    jobs: NonZeroUsize,
    make: impl Fn() -> T,
) -> Result<Vec<T>, Error> {
    let mut lanes: Vec<T> = (0..LANES).map(|_| make()).collect();
    let mut skipper = Skipper::new(args.on_bad());
    if jobs.get() == 1 {
        let mut turns = (0..LANES).cycle();
        read_input(&args.sources(), &mut skipper, |block, skipper| {
            let lane = turns.next().unwrap_or_default();
            lanes[lane].take(block, skipper)
        })?;
    } else {
        count_with_threads(args, jobs.get().min(LANES), &mut lanes, &mut skipper)?;
    }
    skipper.report();
    Ok(lanes)
}

fn count_with_threads<T: Tally>(
    args: &InputArgs,
    threads: usize,
    lanes: &mut [T],
    skipper: &mut Skipper,
) -> Result<(), Error> {
    thread::scope(|scope| {
        let workers: Vec<_> = assign(lanes, threads)
            .into_iter()
            .map(|share| {
                let (sender, receiver) = sync_channel(AHEAD);
                let on_bad = args.on_bad();
                (sender, scope.spawn(move || work(share, &receiver, on_bad)))
            })
            .collect();
        let mut turns = (0..LANES).cycle();
        let read = read_input(&args.sources(), skipper, |block, _| {
            let lane = turns.next().unwrap_or_default();
            let (sender, _) = &workers[lane % threads];
            sender
                .send((lane / threads, block.to_owned()))
                .map_err(|_| Error::Closed)
        });
        let (senders, handles): (Vec<SyncSender<_>>, Vec<_>) = workers.into_iter().unzip();
        drop(senders);
        let mut errors = Vec::new();
        for handle in handles {
            match handle.join() {
                Ok(Ok(skipped)) => skipper.merge(&skipped),
                Ok(Err(error)) => errors.push(error),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        // All blocks before a bad line were counted, so the first bad line is among these errors.
        errors
            .into_iter()
            .min_by_key(Error::position)
            .map_or(read, Err)
    })
}

/// Assigns lane `i` to thread `i % threads`, where it is number `i / threads`.
fn assign<T>(lanes: &mut [T], threads: usize) -> Vec<Vec<&mut T>> {
    let mut shares: Vec<Vec<&mut T>> = (0..threads).map(|_| Vec::new()).collect();
    for (number, lane) in lanes.iter_mut().enumerate() {
        shares[number % threads].push(lane);
    }
    shares
}

fn work<T: Tally>(
    mut share: Vec<&mut T>,
    blocks: &Receiver<(usize, OwnedBlock)>,
    on_bad: OnBad,
) -> Result<Skipper, Error> {
    let mut skipper = Skipper::new(on_bad);
    for (lane, block) in blocks {
        share[lane].take(&block.as_block(), &mut skipper)?;
    }
    Ok(skipper)
}
