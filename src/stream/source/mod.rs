//! Inputs: one kind per file.

use std::boxed::Box;
use std::sync::Arc;
use std::vec::Vec;

use crate::stream::Data;
use crate::stream::checkpoint::{CheckpointError, Codecs, CutLog, Logs, Mark, Part, Refusal};
use crate::stream::error::{BatchError, BoxError};
use crate::stream::op::batch::batch::split;
use crate::stream::pipeline::slot::Materialized;
use crate::stream::pipeline::slot::{Partitions, Slot, shared};
use crate::stream::plan::context::StreamingContext;
use crate::stream::plan::dstream::DStream;
use crate::stream::plan::graph::{Done, InputStatus, Node, ReceiverEvent, Role};
use crate::stream::run::executor::{Env, Step};
use crate::stream::run::metrics::ReceiverReport;
use crate::stream::run::rate::Pace;
use crate::stream::state::Boundary;
use crate::stream::time::BatchTime;

mod by_position;
mod channel;
mod iter;
mod logged;
mod queue;
mod receipt;
mod receiver;
#[cfg(feature = "redis")]
mod redis;
mod replayable_queue;
mod socket;
mod text;
mod text_files;

pub use by_position::{Positions, Source};
pub use channel::{Inlet, StoppedError};
pub use queue::BatchQueue;
pub use receipt::{LostError, Receipt};
pub use receiver::{Receiver, ReceiverState, ReceiverStatus};
#[cfg(feature = "redis")]
pub use redis::{AddressError, EntryId, EntryIdError, RedisEntry, RedisStreams};
pub use replayable_queue::{QueuePosition, ReplayableQueue};
pub use text_files::{FilesRead, TextFiles, Warnings};

/// What the driver asks of any kind of input.
pub(crate) trait Input: Send + 'static {
    type Item: Data;

    /// Begins to receive; called once, before the first batch.
    fn start(&mut self) -> Result<(), BoxError> {
        Ok(())
    }

    /// Ends receiving; what has been received is still there to be taken.
    fn stop(&mut self) {}

    /// What goes into the batch being cut: at most `limit` items.
    fn take(&mut self, limit: usize) -> Result<Vec<Self::Item>, BoxError>;

    /// The batch of what was taken is over.
    fn commit(&mut self) {}

    /// What was taken will not be lost: it is in a log, or its batch is over.
    fn secured(&mut self) {}

    /// Where it stands, for reading on from there in another run.
    fn mark(&self, _codecs: &Codecs) -> Result<Mark, Refusal> {
        Err(Refusal::NoReplay)
    }

    /// Goes to where an earlier run was; called before [`start`](Self::start).
    fn recover(&mut self, _codecs: &Codecs, _part: &Part) -> Result<(), Refusal> {
        Err(Refusal::NoReplay)
    }

    /// The batch of this time is over, and a checkpoint may be taken of what is after it.
    fn reached(&mut self, _time: BatchTime) {}

    /// No checkpoint that is kept is older than that of this batch.
    fn covered(&mut self, _oldest: BatchTime) {}

    /// Whether nothing will ever come any more.
    fn is_finished(&self) -> bool;

    /// Whether something has been received that no batch has taken.
    fn has_pending(&self) -> bool {
        false
    }

    /// What has happened to the receiver since the last call, if this is one.
    fn events(&mut self) -> Vec<ReceiverEvent> {
        Vec::new()
    }

    /// How the receiver is doing, if this is one.
    fn report(&self) -> Option<ReceiverReport> {
        None
    }
}

struct InputNode<I: Input> {
    input: I,
    slot: Arc<Slot<I::Item>>,
    pace: Pace,
    /// The batch that was taken and is not over.
    taken: Taken<I::Item>,
    /// How many items the last batch got.
    items: usize,
    logged: logged::Logged<I::Item>,
}

/// What an input remembers of the batch at hand.
enum Taken<T> {
    Nothing,
    /// Taken, and given away: the failure of a batch is the end of the stream.
    Given,
    /// Taken, and kept for another attempt.
    Kept(Partitions<T>),
}

impl<I: Input> InputNode<I> {
    fn take(&mut self, step: &Step) -> Result<Partitions<I::Item>, BatchError> {
        let limit = self.pace.limit();
        let items = step
            .guard(None, || self.receive(step, limit))?
            .map_err(|error| step.failure(error))?;
        self.items = items.len();
        let partitions = step.env.routing.partitions as usize;
        Ok(shared(split(items, partitions)))
    }
}

impl<I: Input> InputNode<I> {
    fn receive(&mut self, step: &Step, limit: usize) -> Result<Vec<I::Item>, BoxError> {
        let receive = || self.input.take(limit);
        let items = self.logged.take(step.time, receive)?;
        if self.logged.is_open() {
            self.input.secured();
        }
        Ok(items)
    }

    /// Whether the log has something that the input does not know of.
    fn has_waiting(&self) -> bool {
        self.logged.has_waiting()
    }
}

impl<I: Input> Node for InputNode<I> {
    fn connect(&mut self, consumers: usize) {
        self.slot.connect(consumers);
    }

    fn start(&mut self, _env: &Arc<Env>) -> Result<(), BoxError> {
        self.input.start()
    }

    fn stop(&mut self) {
        self.input.stop();
    }

    fn evaluate(&mut self, step: &Step) -> Result<(), BatchError> {
        let batch = match &self.taken {
            Taken::Kept(batch) => batch.clone(),
            _ => self.take(step)?,
        };
        self.taken = match step.env.policy.goes_on() {
            true => Taken::Kept(batch.clone()),
            false => Taken::Given,
        };
        self.slot.fill(batch);
        Ok(())
    }

    fn clear(&mut self) {
        self.slot.clear();
    }

    fn mark(&self, codecs: &Codecs) -> Result<Mark, Refusal> {
        match self.input.mark(codecs) {
            Err(Refusal::NoReplay) => self.logged.mark(codecs),
            marked => marked,
        }
    }

    fn recover(&mut self, codecs: &Codecs, part: &Part) -> Result<(), Refusal> {
        match self.input.recover(codecs, part) {
            Err(Refusal::NoReplay) => self.logged.recover(codecs, part),
            recovered => recovered,
        }
    }

    fn log(&mut self, logs: &Logs<'_>) -> Result<Option<CutLog>, CheckpointError> {
        self.logged.open(&self.input, logs)
    }

    fn covered(&mut self, oldest: BatchTime) -> Result<(), CheckpointError> {
        self.input.covered(oldest);
        self.logged.covered(oldest)
    }

    fn boundary(&mut self, boundary: Boundary) {
        if let Boundary::Reached(time) = boundary {
            self.input.reached(time);
            self.logged.reached(time);
        }
    }

    fn commit(&mut self, done: &Done) {
        if !matches!(self.taken, Taken::Nothing) {
            self.taken = Taken::Nothing;
            self.input.commit();
            self.input.secured();
            self.pace.update(self.items as u64, done);
        }
    }

    fn items(&self) -> Option<usize> {
        Some(self.items)
    }

    fn receiver_events(&mut self) -> Vec<ReceiverEvent> {
        self.input.events()
    }

    fn receiver(&self) -> Option<ReceiverReport> {
        self.input.report()
    }

    fn input(&self) -> Option<InputStatus> {
        Some(InputStatus {
            finished: self.input.is_finished() && !self.has_waiting(),
            pending: self.input.has_pending() || self.has_waiting(),
        })
    }
}

impl StreamingContext {
    pub(crate) fn input<I: Input>(&self, kind: &str, input: I) -> DStream<'_, I::Item> {
        let slot = Slot::new();
        let pipe = Materialized {
            slot: Arc::clone(&slot),
        };
        let settings = self.settings();
        let node = InputNode {
            input,
            slot,
            pace: Pace::new(settings.interval, settings.pacing),
            taken: Taken::Nothing,
            items: 0,
            logged: logged::Logged::new(),
        };
        let interval = settings.interval;
        let node = self.add(Role::Stream, kind, Vec::new(), interval, |_| Box::new(node));
        DStream::new(self, node, interval, pipe)
    }
}
