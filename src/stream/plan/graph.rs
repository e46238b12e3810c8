//! The operators of a context, in the order of their declaration, which is a topological one.

use std::boxed::Box;
use std::collections::BTreeSet;
use std::format;
use std::path::PathBuf;
use std::string::String;
use std::sync::Arc;
use std::vec::Vec;

use crate::stream::run::error::StartError;
use crate::stream::run::job::JobContext;
use crate::stream::run::operator::{ActiveOperator, Operator};
use crate::stream::threads::blame::OperatorId;

/// Whether an operator makes a stream or is an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Stream,
    Output,
}

/// One operator as declared.
struct Declared {
    operator: Box<dyn Operator>,
    name: String,
    role: Role,
    /// The operators whose batches it reads, once per reading.
    parents: Vec<OperatorId>,
    /// It is evaluated at multiples of this many milliseconds after the zero time.
    every: u64,
    /// A handle outside the stream reads its state.
    kept: bool,
}

impl Declared {
    /// Whether the operator runs, given how many operators that do read its batches.
    fn is_needed(&self, consumers: usize) -> bool {
        self.role == Role::Output || self.kept || consumers > 0
    }
}

/// All operators declared so far.
#[derive(Default)]
pub(crate) struct Graph {
    declared: Vec<Declared>,
    /// What outputs write, and nothing else may.
    claimed: Vec<PathBuf>,
}

impl Graph {
    /// The position of the operator that is added next.
    pub(crate) fn next_id(&self) -> OperatorId {
        self.declared.len() as OperatorId
    }

    /// Adds an operator at [`next_id`](Self::next_id).
    pub(crate) fn add(
        &mut self,
        role: Role,
        kind: &str,
        parents: Vec<OperatorId>,
        every: u64,
        operator: Box<dyn Operator>,
    ) -> OperatorId {
        let id = self.next_id();
        self.declared.push(Declared {
            operator,
            name: format!("{kind}-{id}"),
            role,
            parents,
            every,
            kept: false,
        });
        id
    }

    pub(crate) fn rename(&mut self, operator: OperatorId, name: String) {
        self.declared[operator as usize].name = name;
    }

    /// An output writes to these paths: the stream does not start if another one does.
    pub(crate) fn claim(&mut self, paths: impl IntoIterator<Item = PathBuf>) {
        self.claimed.extend(paths);
    }

    /// Makes an operator run even if no output needs it.
    pub(crate) fn keep(&mut self, operator: OperatorId) {
        self.declared[operator as usize].kept = true;
    }

    pub(crate) fn names(&self) -> Vec<Arc<str>> {
        let names = self.declared.iter().map(|declared| declared.name.as_str());
        names.map(Arc::from).collect()
    }

    /// The operators that some output needs, connected, in the order they run: streams as they
    /// were declared, then outputs.
    pub(crate) fn finish(self, job: &Arc<JobContext>) -> Result<Vec<ActiveOperator>, StartError> {
        let mut names = BTreeSet::new();
        for declared in &self.declared {
            if !names.insert(declared.name.as_str()) {
                return Err(StartError::DuplicateName(declared.name.clone()));
            }
        }
        let mut claimed = BTreeSet::new();
        for path in &self.claimed {
            if !claimed.insert(path) {
                return Err(StartError::DuplicateOutput(path.clone()));
            }
        }
        if !self.declared.iter().any(|declared| declared.is_needed(0)) {
            return Err(StartError::NoOutput);
        }
        let consumers = self.consumers();
        let (mut streams, mut outputs) = (Vec::new(), Vec::new());
        for ((declared, consumers), id) in self.declared.into_iter().zip(consumers).zip(0..) {
            if !declared.is_needed(consumers) {
                continue;
            }
            let mut operator = declared.operator;
            operator.connect(consumers, job);
            let order = match declared.role {
                Role::Stream => &mut streams,
                Role::Output => &mut outputs,
            };
            order.push(ActiveOperator {
                operator,
                id,
                name: declared.name,
                every: declared.every,
            });
        }
        streams.append(&mut outputs);
        Ok(streams)
    }

    /// For each operator, how often operators that run read its batches.
    fn consumers(&self) -> Vec<usize> {
        let mut consumers = std::vec![0; self.declared.len()];
        for (position, declared) in self.declared.iter().enumerate().rev() {
            if declared.is_needed(consumers[position]) {
                for &parent in &declared.parents {
                    consumers[parent as usize] += 1;
                }
            }
        }
        consumers
    }
}
