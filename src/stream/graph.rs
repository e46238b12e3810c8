//! The operators of a context, in the order of their declaration, which is a topological one.

use std::boxed::Box;
use std::collections::BTreeSet;
use std::format;
use std::string::String;
use std::vec::Vec;

use super::error::{BatchError, BoxError, StartError};
use super::executor::{NodeId, Step};

/// One operator at run time.
pub(crate) trait Node: Send {
    /// Tells, before the first batch, how many operators will read this one's batches.
    fn connect(&mut self, _consumers: usize) {}

    /// Lets an input begin to receive; called once, before the first batch.
    fn start(&mut self) -> Result<(), BoxError> {
        Ok(())
    }

    /// Makes an input receive nothing any more.
    fn stop(&mut self) {}

    /// Computes the batch of `step`.
    fn evaluate(&mut self, step: &Step) -> Result<(), BatchError>;

    /// Lets go of the batch.
    fn clear(&mut self) {}

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
    /// How many items it gave to the last batch.
    pub(crate) items: usize,
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
        });
        id
    }

    pub(crate) fn rename(&mut self, node: NodeId, name: String) {
        self.entries[node as usize].name = name;
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.entries
            .iter()
            .map(|entry| entry.name.clone())
            .collect()
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
        if !self.entries.iter().any(|entry| entry.role == Role::Output) {
            return Err(StartError::NoOutput);
        }
        for (entry, &consumers) in self.entries.iter_mut().zip(&consumers) {
            entry.node.connect(consumers);
        }
        let needed = |entry: &Entry, consumers: usize| entry.role == Role::Output || consumers > 0;
        let mut order: Vec<(Entry, NodeId)> = self
            .entries
            .into_iter()
            .zip(0..)
            .zip(consumers)
            .filter(|((entry, _), consumers)| needed(entry, *consumers))
            .map(|(numbered, _)| numbered)
            .collect();
        order.sort_by_key(|(entry, _)| entry.role == Role::Output);
        Ok(order)
    }

    /// How many readings by operators that some output needs, for each operator.
    fn consumers(&self) -> Vec<usize> {
        let mut consumers = std::vec![0; self.entries.len()];
        for (position, entry) in self.entries.iter().enumerate().rev() {
            if entry.role == Role::Output || consumers[position] > 0 {
                for &parent in &entry.parents {
                    consumers[parent as usize] += 1;
                }
            }
        }
        consumers
    }
}
