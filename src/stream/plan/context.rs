//! Building a stream: the context, its settings, and its start.

use std::boxed::Box;
use std::cell::RefCell;
use std::fmt;
use std::string::String;
use std::sync::Arc;
use std::vec::Vec;

use crate::stream::Data;
use crate::stream::checkpoint::{Checkpointer, Durability, Found};
use crate::stream::error::{BatchError, StartError};
use crate::stream::pipeline::pipe::{Materialized, Pipe, Shared};
use crate::stream::pipeline::slot::{Partitions, Slot, shared};
use crate::stream::plan::builder::{ContextBuilder, Settings};
use crate::stream::plan::dstream::DStream;
use crate::stream::plan::graph::{Graph, Node, Role};
use crate::stream::run::driver::{Driver, Listeners};
use crate::stream::run::executor::{Env, Executor, NodeId, Step};
use crate::stream::run::listener::Listener;
use crate::stream::run::running::RunningStream;

/// Where a stream is put together: inputs are made here, operators hang on them, and
/// [`start`](Self::start) consumes the whole.
///
/// What Spark checks at run time does not compile here. Nothing can be added once the stream
/// runs:
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
    name: String,
    settings: Settings,
    executor: Executor,
    graph: RefCell<Graph>,
    listeners: RefCell<Listeners>,
    durability: Durability,
    /// A checkpoint to go on from.
    pub(crate) found: Option<Found>,
}

impl StreamingContext {
    /// Starts the settings of a context.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use forebay::stream::StreamingContext;
    ///
    /// let ctx = StreamingContext::builder("words")
    ///     .batch_interval(Duration::from_millis(500))
    ///     .threads(2)
    ///     .partitions(8)
    ///     .seed(7)
    ///     .build()?;
    /// # let _ = ctx;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn builder(name: impl Into<String>) -> ContextBuilder {
        ContextBuilder::new(name.into())
    }

    pub(crate) fn from_parts(name: String, settings: Settings, executor: Executor) -> Self {
        Self {
            name,
            settings,
            executor,
            graph: RefCell::default(),
            listeners: RefCell::default(),
            durability: Durability::default(),
            found: None,
        }
    }

    pub(crate) fn with_durability(self, durability: Durability) -> Self {
        Self { durability, ..self }
    }

    pub(crate) fn with_found(self, found: Found) -> Self {
        let found = Some(found);
        Self { found, ..self }
    }

    /// The name given to the builder.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Starts the stream on a clock: one batch per interval of wall-clock time.
    ///
    /// A stream whose inputs are all bounded ends by itself.
    ///
    /// # Errors
    ///
    /// If no output is registered, two operators have the same name, or the operating system
    /// refuses a thread.
    pub fn start(self) -> Result<RunningStream, StartError> {
        let name = self.name.clone();
        RunningStream::spawn(&name, self.into_driver()?)
    }

    /// The stream without clock and threads of its own: its owner steps it.
    ///
    /// # Errors
    ///
    /// If no output is registered, two operators have the same name, an input cannot begin, or,
    /// with the feature `checkpoint`, a checkpoint does not fit the program, none could be taken, or
    /// state cannot be kept where it shall be.
    pub fn into_driver(self) -> Result<Driver, StartError> {
        let graph = self.graph.into_inner();
        let env = Env {
            executor: self.executor,
            seed: self.settings.seed,
            routing: self.settings.routing,
            policy: self.settings.policy,
            names: graph.names(),
        };
        let mut operators = graph.finish()?;
        let interval = self.settings.interval;
        self.durability.open_backend(&mut operators)?;
        let (checkpoints, clock) =
            Checkpointer::begin(self.durability, self.found, &mut operators, &env, interval)
                .map_err(StartError::Checkpoint)?;
        let env = Arc::new(env);
        for (operator, _) in &mut operators {
            let started = operator.node.start(&env);
            started.map_err(|error| StartError::Input(operator.name.clone(), error))?;
        }
        let listeners = self.listeners.into_inner();
        let driver = Driver::new(operators, env, interval, listeners);
        let driver = driver.with_checkpoints(checkpoints, clock);
        Ok(driver)
    }

    /// Tells `listener` what happens to the batches, from the first one on.
    pub fn listen(&self, listener: impl Listener) {
        self.listeners.borrow_mut().push(Box::new(listener));
    }

    pub(crate) fn settings(&self) -> Settings {
        self.settings
    }

    pub(crate) fn rename(&self, node: NodeId, name: String) {
        self.graph.borrow_mut().rename(node, name);
    }

    /// Lets an operator run even if no output needs it.
    pub(crate) fn keep(&self, node: NodeId) {
        self.graph.borrow_mut().keep(node);
    }

    pub(crate) fn add(
        &self,
        role: Role,
        kind: &str,
        parents: Vec<NodeId>,
        every: u64,
        make: impl FnOnce(NodeId) -> Box<dyn Node>,
    ) -> NodeId {
        let mut graph = self.graph.borrow_mut();
        graph.add(role, kind, parents, every, make)
    }

    /// A stream whose stage runs inside its consumer's loop.
    pub(crate) fn narrow<P: Pipe>(
        &self,
        kind: &str,
        parents: Vec<NodeId>,
        slide: u64,
        pipe: impl FnOnce(NodeId) -> P,
    ) -> DStream<'_, P::Item, Shared<P>> {
        let mut made = None;
        let node = self.add(Role::Stream, kind, parents, slide, |node| {
            let pipe = Shared {
                pipe: pipe(node),
                slot: Slot::new(),
            };
            made = Some(pipe.clone());
            Box::new(pipe)
        });
        let pipe = made.expect("`add` calls `make`");
        DStream::new(self, node, slide, pipe)
    }

    /// A stream whose batches `evaluate` computes whole.
    pub(crate) fn wide<T: Data>(
        &self,
        kind: &str,
        parents: Vec<NodeId>,
        slide: u64,
        mut evaluate: impl FnMut(&Step) -> Result<Vec<Vec<T>>, BatchError> + Send + 'static,
    ) -> DStream<'_, T> {
        self.wide_shared(kind, parents, slide, move |step| evaluate(step).map(shared))
    }

    /// Like [`wide`](Self::wide), for partitions that may have other holders.
    pub(crate) fn wide_shared<T: Data>(
        &self,
        kind: &str,
        parents: Vec<NodeId>,
        slide: u64,
        evaluate: impl FnMut(&Step) -> Result<Partitions<T>, BatchError> + Send + 'static,
    ) -> DStream<'_, T> {
        let slot = Slot::new();
        let pipe = Materialized {
            slot: Arc::clone(&slot),
        };
        let node = self.add(Role::Stream, kind, parents, slide, |_| {
            Box::new(Wide { slot, evaluate })
        });
        DStream::new(self, node, slide, pipe)
    }

    /// An operator at the end of the graph.
    pub(crate) fn output(
        &self,
        kind: &str,
        parent: NodeId,
        slide: u64,
        act: impl FnMut(&Step) -> Result<(), BatchError> + Send + 'static,
    ) {
        self.add(Role::Output, kind, std::vec![parent], slide, |_| {
            Box::new(Act(act))
        });
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

impl<P: Pipe> Node for Shared<P> {
    fn connect(&mut self, consumers: usize) {
        self.slot.connect(consumers);
    }

    fn evaluate(&mut self, step: &Step) -> Result<(), BatchError> {
        if self.slot.consumers() > 1 {
            let partitions = step.run(&self.pipe, |scope| self.pipe.collect(scope))?;
            self.slot.fill(partitions);
        }
        Ok(())
    }

    fn clear(&mut self) {
        self.slot.clear();
    }

    fn items(&self) -> Option<usize> {
        self.slot.items()
    }
}

struct Wide<T, E> {
    slot: Arc<Slot<T>>,
    evaluate: E,
}

impl<T, E> Node for Wide<T, E>
where
    T: Data,
    E: FnMut(&Step) -> Result<Partitions<T>, BatchError> + Send,
{
    fn connect(&mut self, consumers: usize) {
        self.slot.connect(consumers);
    }

    fn evaluate(&mut self, step: &Step) -> Result<(), BatchError> {
        self.slot.fill((self.evaluate)(step)?);
        Ok(())
    }

    fn clear(&mut self) {
        self.slot.clear();
    }

    fn items(&self) -> Option<usize> {
        self.slot.items()
    }
}

struct Act<F>(F);

impl<F> Node for Act<F>
where
    F: FnMut(&Step) -> Result<(), BatchError> + Send,
{
    fn evaluate(&mut self, step: &Step) -> Result<(), BatchError> {
        (self.0)(step)
    }
}
