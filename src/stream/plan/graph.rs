//! The operators of a context, in the order of their declaration, which is a topological one.

use std::boxed::Box;
use std::collections::BTreeSet;
use std::format;
use std::string::String;
use std::sync::Arc;
use std::time::Duration;
use std::vec::Vec;

use crate::stream::checkpoint::{CheckpointError, Codecs, CutLog, Logs, Mark, Part, Refusal};
use crate::stream::error::{BatchError, BoxError, StartError};
use crate::stream::run::executor::{Env, NodeId, Step};
use crate::stream::run::metrics::{ReceiverReport, StateSize};
use crate::stream::state::Boundary;
use crate::stream::state::Paging;
use crate::stream::time::BatchTime;

/// One operator at run time.
pub(crate) trait Node: Send {
    /// Tells, before the first batch, how many operators will read this one's batches.
    fn connect(&mut self, _consumers: usize) {}

    /// Lets an input begin to receive; called once, before the first batch, with what batches
    /// will run on.
    fn start(&mut self, _env: &Arc<Env>) -> Result<(), BoxError> {
        Ok(())
    }

    /// Makes an input receive nothing any more.
    fn stop(&mut self) {}

    /// Computes the batch of `step`.
    fn evaluate(&mut self, step: &Step) -> Result<(), BatchError>;

    /// Lets go of the batch.
    fn clear(&mut self) {}

    /// Follows the driver from batch to batch.
    fn boundary(&mut self, _boundary: Boundary) {}

    /// Keeps the state as it is, for [`restore`](Self::restore).
    fn save(&mut self) {}

    /// Goes back to the state last kept.
    fn restore(&mut self) {}

    /// Lets keyed state leave memory; called before [`recover`](Self::recover). State that is not
    /// kept in tables alone stays in memory.
    fn page(&mut self, _codecs: &Codecs, _paging: &Arc<Paging>) -> Result<(), Refusal> {
        Ok(())
    }

    /// Holds on to the state as it is between two batches, to be written later.
    fn mark(&self, _codecs: &Codecs) -> Result<Mark, Refusal> {
        Err(Refusal::Stateless)
    }

    /// Takes up the state of an earlier run; called before [`start`](Self::start).
    fn recover(&mut self, _codecs: &Codecs, _part: &Part) -> Result<(), Refusal> {
        Err(Refusal::Stateless)
    }

    /// Opens a write-ahead log, if this is an input that needs one; called after
    /// [`recover`](Self::recover). Returns what was cut off its end.
    fn log(&mut self, _logs: &Logs<'_>) -> Result<Option<CutLog>, CheckpointError> {
        Ok(None)
    }

    /// Nothing older than the checkpoint of this batch is needed any more.
    fn covered(&mut self, _oldest: BatchTime) -> Result<(), CheckpointError> {
        Ok(())
    }

    /// The batch is over: it has succeeded, or is given up and later ones go on.
    fn commit(&mut self, _done: &Done) {}

    /// How many items the batch has; `None` where they are not counted, because they only pass
    /// through the loop of a consumer.
    fn items(&self) -> Option<usize> {
        None
    }

    /// How much state there is, for an operator that keeps state by key.
    fn state(&self) -> Option<StateSize> {
        None
    }

    /// What has happened to a receiver since the last call.
    fn receiver_events(&mut self) -> Vec<ReceiverEvent> {
        Vec::new()
    }

    /// How a receiver is doing, if this is the input of one.
    fn receiver(&self) -> Option<ReceiverReport> {
        None
    }

    /// What an input has to say; `None` for everything that is not one.
    fn input(&self) -> Option<InputStatus> {
        None
    }
}

/// The state of one input between two batches.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InputStatus {
    /// Nothing will ever come any more.
    pub(crate) finished: bool,
    /// Something has been received that no batch has taken yet.
    pub(crate) pending: bool,
}

/// What happens to a receiver.
#[derive(Debug)]
pub(crate) enum ReceiverEvent {
    Started,
    /// It failed, and will be called again.
    Error(String),
    Stopped,
}

/// How a batch went that is over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Done {
    pub(crate) end: BatchTime,
    pub(crate) processing: Duration,
    pub(crate) scheduling: Duration,
}

/// Whether an operator makes a stream or is an end of the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Stream,
    Output,
}

/// One operator as declared.
pub(crate) struct Entry {
    pub(crate) node: Box<dyn Node>,
    pub(crate) name: String,
    pub(crate) role: Role,
    /// Whose batches it reads; one entry per reading.
    parents: Vec<NodeId>,
    /// It is evaluated at multiples of this many milliseconds after the zero time.
    pub(crate) every: u64,
    /// Somebody outside reads what it keeps.
    kept: bool,
}

impl Entry {
    /// Whether the operator runs, given how many operators that do read its batches.
    fn is_needed(&self, consumers: usize) -> bool {
        self.role == Role::Output || self.kept || consumers > 0
    }
}

/// All operators declared so far.
#[derive(Default)]
pub(crate) struct Graph {
    entries: Vec<Entry>,
}

impl Graph {
    /// Adds an operator; `make` is given its position.
    pub(crate) fn add(
        &mut self,
        role: Role,
        kind: &str,
        parents: Vec<NodeId>,
        every: u64,
        make: impl FnOnce(NodeId) -> Box<dyn Node>,
    ) -> NodeId {
        let id = self.entries.len() as NodeId;
        self.entries.push(Entry {
            node: make(id),
            name: format!("{kind}-{id}"),
            role,
            parents,
            every,
            kept: false,
        });
        id
    }

    pub(crate) fn rename(&mut self, node: NodeId, name: String) {
        self.entries[node as usize].name = name;
    }

    /// Lets an operator run even if no output needs it.
    pub(crate) fn keep(&mut self, node: NodeId) {
        self.entries[node as usize].kept = true;
    }

    pub(crate) fn names(&self) -> Vec<Arc<str>> {
        let names = self.entries.iter().map(|entry| entry.name.as_str());
        names.map(Arc::from).collect()
    }

    /// The operators that some output needs, connected, in the order they run: streams as they
    /// were declared, then outputs.
    pub(crate) fn finish(mut self) -> Result<Vec<(Entry, NodeId)>, StartError> {
        let mut names = BTreeSet::new();
        for entry in &self.entries {
            if !names.insert(entry.name.as_str()) {
                return Err(StartError::DuplicateName(entry.name.clone()));
            }
        }
        let consumers = self.consumers();
        if !self.entries.iter().any(|entry| entry.is_needed(0)) {
            return Err(StartError::NoOutput);
        }
        for (entry, &consumers) in self.entries.iter_mut().zip(&consumers) {
            entry.node.connect(consumers);
        }
        let mut order: Vec<(Entry, NodeId)> = self
            .entries
            .into_iter()
            .zip(0..)
            .zip(consumers)
            .filter(|((entry, _), consumers)| entry.is_needed(*consumers))
            .map(|(numbered, _)| numbered)
            .collect();
        order.sort_by_key(|(entry, _)| entry.role == Role::Output);
        Ok(order)
    }

    /// How many readings by operators that some output needs, for each operator.
    fn consumers(&self) -> Vec<usize> {
        let mut consumers = std::vec![0; self.entries.len()];
        for (position, entry) in self.entries.iter().enumerate().rev() {
            if entry.is_needed(consumers[position]) {
                for &parent in &entry.parents {
                    consumers[parent as usize] += 1;
                }
            }
        }
        consumers
    }
}
