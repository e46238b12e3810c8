//! The settings of a context.

use std::string::String;
use std::time::Duration;

use crate::random::JobSeed;
use crate::stream::checkpoint::config::DurabilityConfig;
use crate::stream::error::BuildError;
use crate::stream::exchange::Routing;
use crate::stream::plan::context::StreamingContext;
use crate::stream::plan::settings::{LONGEST_LINE, Settings};
use crate::stream::run::failure::FailurePolicy;
use crate::stream::run::rate::{Pacing, PidWeights};
use crate::stream::threads::executor::Executor;
use crate::stream::time::whole_millis;

/// How long a stop may take, unless given.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// The settings of a [`StreamingContext`].
#[derive(Clone, Debug)]
#[must_use]
pub struct ContextBuilder {
    name: String,
    interval: Duration,
    threads: Option<usize>,
    partitions: usize,
    key_groups: usize,
    seed: u64,
    executor: Option<Executor>,
    policy: FailurePolicy,
    pacing: Pacing,
    longest_line: usize,
    stop_timeout: Duration,
    pub(crate) durability: DurabilityConfig,
}

impl StreamingContext {
    /// A builder for a context of this name.
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
}

impl ContextBuilder {
    pub(crate) fn new(name: String) -> Self {
        Self {
            name,
            interval: Duration::from_secs(1),
            threads: None,
            partitions: 8,
            key_groups: 128,
            seed: 0,
            executor: None,
            policy: FailurePolicy::Stop,
            pacing: Pacing::default(),
            longest_line: LONGEST_LINE,
            stop_timeout: STOP_TIMEOUT,
            durability: DurabilityConfig::default(),
        }
    }

    /// The time from one batch to the next, in whole milliseconds; one second unless given.
    pub fn batch_interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// The number of worker threads; by default as many as the machine has cores. No result depends
    /// on it.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self.executor = None;
        self
    }

    /// Runs on the threads of `executor`, which other contexts may share.
    pub fn executor(mut self, executor: &Executor) -> Self {
        self.executor = Some(executor.clone());
        self
    }

    /// The number of partitions that inputs and keys are divided into; 8 unless given, on every
    /// machine.
    pub fn partitions(mut self, partitions: usize) -> Self {
        self.partitions = partitions;
        self
    }

    /// The number of key groups: the most partitions that keyed state can ever be divided into; 128
    /// unless given.
    pub fn key_groups(mut self, key_groups: usize) -> Self {
        self.key_groups = key_groups;
        self
    }

    /// The seed of everything random in the stream; 0 unless given.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// What happens to a batch that fails, and to the stream; [`FailurePolicy::Stop`] unless given.
    pub fn on_failure(mut self, policy: FailurePolicy) -> Self {
        self.policy = policy;
        self
    }

    /// The most items per second that each input may give; every batch may take at least one. What
    /// is not taken waits where it is; a full buffer blocks its senders.
    pub fn max_rate(mut self, items_per_second: f64) -> Self {
        self.pacing.max_rate = Some(items_per_second);
        self
    }

    /// Limits every input to what the batches can process: `initial_rate` items per second at
    /// first, then the rate that a [`PidRateEstimator`] finds.
    ///
    /// [`PidRateEstimator`]: crate::stream::PidRateEstimator
    pub fn backpressure(self, initial_rate: f64) -> Self {
        self.backpressure_with(initial_rate, PidWeights::default())
    }

    /// Like [`backpressure`](Self::backpressure), with other weights.
    pub fn backpressure_with(mut self, initial_rate: f64, weights: PidWeights) -> Self {
        self.pacing.backpressure = Some((initial_rate, weights));
        self
    }

    /// The longest line that inputs of text keep, in bytes without its end; 1 MiB unless given. A
    /// longer one is dropped and counted: see
    /// [`dropped_lines`](crate::stream::ReceiverStatus::dropped_lines) and
    /// [`text_files_with_warnings`](StreamingContext::text_files_with_warnings).
    pub fn longest_line(mut self, bytes: usize) -> Self {
        self.longest_line = bytes;
        self
    }

    /// How long a [`RunningStream`] may take to end, from the moment a stop is asked for; 30 seconds
    /// unless given.
    ///
    /// A graceful stop leaves unprocessed what it cannot process by then, and whoever waits for the
    /// end waits no longer: the [`StopError`] names the operator. With [`Duration::MAX`] there is no
    /// limit, with zero nothing is waited for.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use forebay::stream::{StopError, StreamingContext};
    ///
    /// let ctx = StreamingContext::builder("stuck")
    ///     .batch_interval(Duration::from_millis(1))
    ///     .stop_timeout(Duration::from_millis(20))
    ///     .build()?;
    /// let (unlock, locked) = std::sync::mpsc::channel::<()>();
    /// let (began, begun) = std::sync::mpsc::channel();
    /// ctx.batches([vec![1, 2, 3]]).for_each_batch(move |_, _| {
    ///     began.send(())?;
    ///     let _ = locked.recv(); // blocks until `unlock` is dropped
    ///     Ok(())
    /// });
    /// let running = ctx.start()?;
    /// begun.recv()?;
    /// match running.stop() {
    ///     Err(StopError::Blocked { operator, .. }) => assert_eq!(operator, "for_each_batch-1"),
    ///     other => panic!("{other:?}"),
    /// }
    /// drop(unlock);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// [`RunningStream`]: crate::stream::RunningStream
    /// [`StopError`]: crate::stream::StopError
    pub fn stop_timeout(mut self, timeout: Duration) -> Self {
        self.stop_timeout = timeout;
        self
    }

    /// Builds the context and, unless an executor was given, its threads.
    ///
    /// # Errors
    ///
    /// If the interval is not a positive number of milliseconds, a count is 0 or above 65,536, a
    /// rate is not positive and finite, or the operating system refuses the threads.
    pub fn build(self) -> Result<StreamingContext, BuildError> {
        let interval = whole_millis(self.interval).ok_or(BuildError::Interval(self.interval))?;
        let count = |what, given: usize| match given {
            1..=65_536 => Ok(given as u32),
            _ => Err(BuildError::Count(what, given)),
        };
        let routing = Routing {
            groups: count("key groups", self.key_groups)?,
            partitions: count("partitions", self.partitions)?,
        };
        self.pacing.check()?;
        let executor = match self.executor {
            Some(executor) => executor,
            None => Executor::new(self.threads.unwrap_or_else(cores))?,
        };
        let settings = Settings {
            interval,
            routing,
            seed: JobSeed::new(self.seed),
            policy: self.policy,
            pacing: self.pacing,
            longest_line: self.longest_line,
            stop_timeout: self.stop_timeout,
        };
        let ctx = StreamingContext::from_parts(self.name, settings, executor);
        let ctx = ctx.with_durability(self.durability);
        Ok(ctx)
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, Into::into)
}
