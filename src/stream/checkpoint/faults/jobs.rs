//! The streams that run on a simulated disk.

use std::collections::BTreeMap;
use std::format;
use std::path::Path;
use std::string::String;
use std::sync::{Arc, Mutex};
use std::vec::Vec;

use crate::stream::checkpoint::directory::Directory;
use crate::stream::checkpoint::error::CheckpointError;
use crate::stream::checkpoint::every::Every;
use crate::stream::checkpoint::found::FoundCheckpoint;
use crate::stream::error::BoxError;
use crate::stream::threads::lock::lock;
use crate::stream::{
    BatchQueue, BatchTime, DStream, Driver, FailurePolicy, State, StateSpec, StreamEvent,
    StreamingContext,
};

use super::process::Process;

/// Neither this directory nor the one above is there at first.
pub(super) const DIRECTORY: &str = "/data/checkpoints";

/// How many batches a stream has.
pub(super) const BATCHES: u64 = 6;

/// What is known outside of the machine, whatever happens to it.
#[derive(Debug, Default)]
pub(super) struct Witness {
    /// What outputs have had, by batch.
    pub(super) outputs: BTreeMap<u64, String>,
    /// The newest checkpoint that was reported.
    pub(super) durable: Option<BatchTime>,
    /// What should not have happened.
    pub(super) wrongs: Vec<String>,
}

pub(super) type SharedWitness = Arc<Mutex<Witness>>;

/// A stream of which a run goes on after the one before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Job {
    pub(super) input: Input,
    pub(super) policy: FailurePolicy,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Input {
    /// Batches that can be replayed.
    Replayable,
    /// Batches that are pushed and in the log.
    Pushed,
}

/// How far a run came, before the first batch.
#[derive(Debug)]
pub(super) enum Start {
    /// What to go on from could not be found.
    Lost(CheckpointError),
    /// The start failed.
    Failed,
    /// It went on after this batch, and this many newer checkpoints were passed over.
    After(Option<BatchTime>, usize),
}

impl Job {
    /// Goes on as far as the process goes, at most to the end of batch `last`.
    pub(super) fn run(self, process: &Process, last: u64, witness: &SharedWitness) -> Start {
        let queue = BatchQueue::new();
        let declared = self.declare(process, &queue, witness);
        let ctx = match declared {
            Ok(ctx) => ctx,
            Err(error) => return Start::Lost(*error.downcast().unwrap()),
        };
        let heard = Arc::clone(witness);
        ctx.listen(move |event: &StreamEvent| {
            if let StreamEvent::Checkpointed(report) = event {
                lock(&heard).durable = Some(report.time());
            }
        });
        let recovery = ctx.recovery().unwrap();
        let start = Start::After(recovery.restored(), recovery.passed_over().len());
        let Ok(mut driver) = ctx.into_driver() else {
            return Start::Failed;
        };
        while driver.next_time().as_millis() <= last * 1_000 {
            if matches!(self.input, Input::Pushed) {
                push(&driver, &queue, witness);
            }
            if driver.step(driver.next_time()).is_err() {
                return start;
            }
        }
        if last == BATCHES {
            let _ = driver.checkpoint();
        }
        start
    }

    fn declare(
        self,
        process: &Process,
        queue: &BatchQueue<(u64, u64)>,
        witness: &SharedWitness,
    ) -> Result<StreamingContext, BoxError> {
        let every = Every::batches(2);
        let mut builder = StreamingContext::builder("faults")
            .threads(1)
            .partitions(2)
            .key_groups(3)
            .on_failure(self.policy)
            .durable::<(u64, u64)>("pair of numbers")
            .checkpoint(DIRECTORY, every)
            .write_ahead_log();
        let directory = directory(process);
        let found = FoundCheckpoint::look(&directory)?;
        builder.durability.target = Some((directory, every));
        let ctx = builder.build()?;
        match self.input {
            Input::Replayable => sums(&ctx.batches((0..BATCHES).map(batch)), witness),
            Input::Pushed => sums(&ctx.queue_stream(queue), witness),
        }
        Ok(ctx.with_found(found))
    }
}

/// The directory of checkpoints, as a process sees it.
pub(super) fn directory(process: &Process) -> Directory {
    Directory {
        path: DIRECTORY.into(),
        storage: Arc::new(process.clone()),
    }
}

/// Pushes what the next batch is to have; what is in the log comes from there.
fn push(driver: &Driver, queue: &BatchQueue<(u64, u64)>, witness: &SharedWitness) {
    if driver.has_pending() {
        return;
    }
    let time = driver.next_time().as_millis();
    let mut witness = lock(witness);
    if witness.outputs.contains_key(&time) {
        let wrong = format!("batch {time} has had its output and is not in the log");
        witness.wrongs.push(wrong);
    }
    queue.push(batch(time / 1_000 - 1));
}

/// Sums of which a batch changes only some, so that some files are linked.
fn sums(pairs: &DStream<'_, (u64, u64)>, witness: &SharedWitness) {
    let add = |_: BatchTime, _: &u64, n: Option<u64>, sum: &mut State<u64>| {
        let new = sum.get().copied().unwrap_or(0) + n?;
        sum.update(new);
        None::<()>
    };
    let witness = Arc::clone(witness);
    pairs
        .state_by_key(StateSpec::new(add))
        .snapshots()
        .for_each_batch(move |batch, time| {
            let mut sums: Vec<_> = batch.into_vec();
            sums.sort_unstable();
            let sums = format!("{sums:?}");
            let mut witness = lock(&witness);
            let before = witness.outputs.insert(time.as_millis(), sums.clone());
            if before.as_ref().is_some_and(|before| *before != sums) {
                let wrong = format!("batch {time} was {before:?} and is {sums}");
                witness.wrongs.push(wrong);
            }
            Ok(())
        });
}

/// The first batch has nine keys, each later one a single one.
fn batch(number: u64) -> Vec<(u64, u64)> {
    match number {
        0 => (0..9).map(|key| (key, 1)).collect(),
        n => std::vec![(n % 2, n)],
    }
}

/// What a stream can resume from.
pub(super) fn newest(process: &Process) -> Result<Option<BatchTime>, CheckpointError> {
    let found = FoundCheckpoint::look(&directory(process))?;
    Ok(found.recovery.restored())
}

/// Whether this is an error that can be of such a disk, rather than of what is on it.
pub(super) fn is_of_a_call(error: &CheckpointError) -> bool {
    matches!(error, CheckpointError::Io { path, .. } if path.starts_with(Path::new("/data")))
}
