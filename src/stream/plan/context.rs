//! The context that a stream is declared in.

use std::boxed::Box;
use std::cell::RefCell;
use std::fmt;
use std::path::PathBuf;
use std::string::String;
use std::time::Duration;
use std::vec::Vec;

use crate::stream::checkpoint::config::DurabilityConfig;
use crate::stream::checkpoint::found::FoundCheckpoint;
use crate::stream::plan::graph::{Graph, Role};
use crate::stream::plan::settings::Settings;
use crate::stream::run::audience::Listeners;
use crate::stream::run::listener::Listener;
use crate::stream::run::operator::Operator;
use crate::stream::threads::blame::OperatorId;
use crate::stream::threads::executor::Executor;

/// The context that a stream is declared in: inputs are created from it, operators are applied to
/// them, and [`start`](Self::start) consumes it.
///
/// The compiler rejects what Spark rejects at run time. Nothing can be added once the stream runs:
///
/// ```compile_fail,E0505
/// # use forebay::stream::StreamingContext;
/// let ctx = StreamingContext::builder("late").build()?;
/// let lines = ctx.batches([vec![1, 2, 3]]);
/// lines.print();
/// let running = ctx.start()?;
/// lines.map(|n| n + 1).print(); // `lines` borrows the context, which has moved
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// It cannot be started twice:
///
/// ```compile_fail,E0382
/// # use forebay::stream::StreamingContext;
/// let ctx = StreamingContext::builder("twice").build()?;
/// ctx.batches([vec![1, 2, 3]]).print();
/// let first = ctx.start()?;
/// let second = ctx.start()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// It cannot go on after a stop:
///
/// ```compile_fail,E0382
/// # use forebay::stream::StreamingContext;
/// let ctx = StreamingContext::builder("again").build()?;
/// ctx.batches([vec![1, 2, 3]]).print();
/// let running = ctx.start()?;
/// running.stop()?;
/// running.await_termination()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct StreamingContext {
    pub(super) name: String,
    pub(super) settings: Settings,
    pub(super) executor: Executor,
    pub(super) graph: RefCell<Graph>,
    pub(super) listeners: RefCell<Listeners>,
    pub(super) durability: DurabilityConfig,
    /// The checkpoint to resume from.
    pub(crate) found: Option<FoundCheckpoint>,
}

impl StreamingContext {
    pub(crate) fn from_parts(name: String, settings: Settings, executor: Executor) -> Self {
        Self {
            name,
            settings,
            executor,
            graph: RefCell::default(),
            listeners: RefCell::default(),
            durability: DurabilityConfig::default(),
            found: None,
        }
    }

    pub(crate) fn with_durability(self, durability: DurabilityConfig) -> Self {
        Self { durability, ..self }
    }

    pub(crate) fn with_found(self, found: FoundCheckpoint) -> Self {
        let found = Some(found);
        Self { found, ..self }
    }

    /// The name given to the builder.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Reports what happens to batches and receivers to `listener`, from the first batch on.
    pub fn listen(&self, listener: impl Listener) {
        self.listeners.borrow_mut().push(Box::new(listener));
    }

    /// The time from one batch to the next.
    #[must_use]
    pub const fn batch_interval(&self) -> Duration {
        Duration::from_millis(self.settings.interval)
    }

    pub(crate) fn settings(&self) -> Settings {
        self.settings
    }

    pub(crate) fn rename(&self, operator: OperatorId, name: String) {
        self.graph.borrow_mut().rename(operator, name);
    }

    /// An output writes to these paths: the stream does not start if another one does.
    pub(crate) fn claim(&self, paths: impl IntoIterator<Item = PathBuf>) {
        self.graph.borrow_mut().claim(paths);
    }

    /// Makes an operator run even if no output needs it.
    pub(crate) fn keep(&self, operator: OperatorId) {
        self.graph.borrow_mut().keep(operator);
    }

    /// The position of the operator that is added next.
    pub(crate) fn next_id(&self) -> OperatorId {
        self.graph.borrow().next_id()
    }

    pub(crate) fn add(
        &self,
        role: Role,
        kind: &str,
        parents: Vec<OperatorId>,
        every: u64,
        operator: Box<dyn Operator>,
    ) -> OperatorId {
        let mut graph = self.graph.borrow_mut();
        graph.add(role, kind, parents, every, operator)
    }
}

impl fmt::Debug for StreamingContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamingContext")
            .field("name", &self.name)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
