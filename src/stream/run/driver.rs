//! The driver: runs one batch whenever its owner says so.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::vec::Vec;

use crate::stream::checkpoint::checkpointer::Checkpointer;
use crate::stream::checkpoint::recovery::Recovery;
use crate::stream::error::{BatchError, Cause};
use crate::stream::run::activity::{Activity, Work};
use crate::stream::run::audience::{Audience, Listeners};
use crate::stream::run::error::StepError;
use crate::stream::run::failure::FailurePolicy;
use crate::stream::run::job::JobContext;
use crate::stream::run::listener::StreamEvent;
use crate::stream::run::metrics::{OperatorReport, StepReport};
use crate::stream::run::operator::{
    ActiveOperator, BatchEnd, InputStatus, ReceiverEvent, committed, each_stateful, stateful,
};
use crate::stream::run::operator_context::OperatorContext;
use crate::stream::run::trace;
use crate::stream::state::phase::BatchPhase;
use crate::stream::threads::blame::catch;
use crate::stream::time::BatchTime;

/// A stream that runs only when its owner calls [`step`](Self::step).
///
/// It has no clock and never sleeps; a test or an embedding program decides when a batch is cut.
///
/// # Examples
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use forebay::stream::{BatchTime, StreamingContext};
///
/// let ctx = StreamingContext::builder("doubles").build()?;
/// let seen = Arc::new(Mutex::new(Vec::new()));
/// let sink = Arc::clone(&seen);
/// ctx.batches([vec![1, 2], vec![3]])
///     .map(|n| 2 * n)
///     .for_each_batch(move |batch, _time| {
///         sink.lock().unwrap().push(batch.into_vec());
///         Ok(())
///     });
/// let mut driver = ctx.into_driver()?;
/// driver.step(BatchTime::from_millis(1_000))?;
/// driver.step(BatchTime::from_millis(2_000))?;
/// assert!(driver.is_finished());
/// assert_eq!(*seen.lock().unwrap(), [vec![2, 4], vec![6]]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Driver {
    /// The operators that some output needs, in the order of running.
    pub(super) operators: Vec<ActiveOperator>,
    pub(super) job: Arc<JobContext>,
    /// Milliseconds.
    interval: u64,
    /// The zero time and the last batch time; `None` before the first batch. Both are the same if a
    /// log of an earlier run tells the time of the first batch.
    pub(super) clock: Option<(u64, u64)>,
    /// The failure after which no step is taken.
    pub(super) failed: Option<BatchError>,
    pub(super) audience: Audience,
    pub(super) checkpoints: Checkpointer,
}

impl Driver {
    /// What the driver is doing.
    pub(crate) fn activity(&self) -> &Arc<Activity> {
        &self.job.activity
    }

    /// A driver that continues after the batch that `clock` ends with.
    pub(crate) fn new(
        operators: Vec<ActiveOperator>,
        job: Arc<JobContext>,
        interval: u64,
        listeners: Listeners,
        checkpoints: Checkpointer,
        clock: Option<(u64, u64)>,
    ) -> Self {
        let activity = Arc::clone(&job.activity);
        Self {
            operators,
            job,
            interval,
            clock,
            failed: None,
            audience: Audience::new(listeners, activity),
            checkpoints,
        }
    }

    /// The time between two batches.
    #[must_use]
    pub const fn batch_interval(&self) -> Duration {
        Duration::from_millis(self.interval)
    }

    /// What recovery found; `None` if the stream was not recovered.
    #[must_use]
    pub fn recovery(&self) -> Option<&Recovery> {
        self.checkpoints.recovery()
    }

    /// The last batch that was run.
    #[must_use]
    pub fn last_time(&self) -> Option<BatchTime> {
        let at = self.at()?;
        Some(BatchTime::from_millis(at.time))
    }

    /// The only valid time for the next step; before the very first one, the earliest.
    #[must_use]
    pub fn next_time(&self) -> BatchTime {
        let last = self.clock.map_or(0, |(_, last)| last);
        BatchTime::from_millis(last + self.interval)
    }

    /// The time with which a stream goes on that has run before, here or in an earlier run.
    pub(crate) fn resumes_at(&self) -> Option<BatchTime> {
        self.clock.map(|_| self.next_time())
    }

    /// Whether every input has ended; never, if one is unbounded.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.inputs().all(|input| input.finished)
    }

    /// Whether an input holds items that no batch has taken yet, or batches of an earlier run are to
    /// come again.
    #[must_use]
    pub fn has_pending(&self) -> bool {
        self.pending_input().is_some()
    }

    /// The first input that holds items that no batch has taken yet.
    pub(crate) fn pending_input(&self) -> Option<&str> {
        let mut inputs = self.operators.iter();
        let pending = |it: &&ActiveOperator| {
            it.operator
                .as_input()
                .is_some_and(|input| input.status().pending)
        };
        inputs.find(pending).map(|it| it.name.as_str())
    }

    /// Stops the inputs. What they have received goes into the batches that follow;
    /// [`has_pending`](Self::has_pending) says whether there is any.
    pub fn stop_inputs(&mut self) {
        for ActiveOperator { operator, .. } in &mut self.operators {
            if let Some(input) = operator.as_input_mut() {
                input.stop();
            }
        }
        self.notify_receiver_events();
    }

    fn inputs(&self) -> impl Iterator<Item = InputStatus> {
        let inputs = self.operators.iter();
        inputs.filter_map(|it| Some(it.operator.as_input()?.status()))
    }

    /// Runs one batch: all operators that an output needs, then the outputs, in the order of
    /// their declaration.
    ///
    /// # Errors
    ///
    /// The first time must be a positive multiple of the batch interval, each later one exactly an
    /// interval after the last, which may be one of an earlier run; otherwise nothing runs. If the batch fails, so does every later
    /// step; under [`FailurePolicy::Skip`] the failure is in the report instead. A checkpoint that
    /// cannot be written fails the stream after the batch, and so does a listener that panics then:
    /// what the batch has done stays. A panic outside of the operators, as in a copy of a position,
    /// ends the stream whatever the policy.
    pub fn step(&mut self, time: BatchTime) -> Result<StepReport, StepError> {
        self.step_late(time, None)
    }

    /// A step for a batch that has waited for this long, if a clock runs it.
    pub(crate) fn step_late(
        &mut self,
        time: BatchTime,
        waited: Option<Duration>,
    ) -> Result<StepReport, StepError> {
        let stream = self.job.activity.stream();
        let stepped = catch(stream, || self.step_unguarded(time, waited));
        stepped.unwrap_or_else(|(_, payload)| Err(self.lose(time, payload.as_ref())))
    }

    fn step_unguarded(
        &mut self,
        time: BatchTime,
        waited: Option<Duration>,
    ) -> Result<StepReport, StepError> {
        if let Some(error) = &self.failed {
            return Err(StepError::Failed(error.clone()));
        }
        self.check(time)?;
        self.job.activity.begin(time);
        self.notify_receiver_events();
        self.audience.submit(time);
        self.unless_failed()?;
        self.audience.tell(&StreamEvent::Started(time));
        self.unless_failed()?;
        let report = self.run(time, waited);
        if let Some(error) = report.failure() {
            self.audience.tell(&StreamEvent::Failed(error.clone()));
            if self.job.policy != FailurePolicy::Skip {
                self.failed = Some(error.clone());
                return Err(StepError::Batch(error.clone()));
            }
        }
        self.commit(&report);
        if report.failure().is_none() {
            self.audience.tell(&StreamEvent::Completed(report.clone()));
        }
        self.checkpoint_if_due()?;
        self.notify_receiver_events();
        self.unless_failed()?;
        Ok(report)
    }

    /// The failure that has ended the stream.
    pub(crate) fn failure(&self) -> Option<&BatchError> {
        self.failed.as_ref().or(self.audience.failure())
    }

    /// Whether a listener has failed in this step.
    pub(super) fn unless_failed(&mut self) -> Result<(), StepError> {
        self.failed = self.failure().cloned();
        match &self.failed {
            Some(error) => Err(StepError::Batch(error.clone())),
            None => Ok(()),
        }
    }

    /// Ends the stream after a panic that no operator has guarded, whatever the failure policy: what
    /// was being changed is unknown. Nobody waits for the batch any more.
    fn lose(&mut self, time: BatchTime, payload: &(dyn Any + Send)) -> StepError {
        let error = BatchError::new("driver".into(), time, None, Cause::from_panic(payload));
        self.failed = Some(error.clone());
        // What panics here has panicked before, and the other operators are still to be told.
        let _ = each_stateful(&mut self.operators, &self.job, time, |state| {
            state.enter_phase(BatchPhase::Lost);
        });
        self.audience.tell(&StreamEvent::Failed(error.clone()));
        StepError::Batch(error)
    }

    /// Runs a batch, with the retries of the failure policy, and measures it.
    fn run(&mut self, time: BatchTime, waited: Option<Duration>) -> StepReport {
        let span = trace::batch(time);
        let started = Instant::now();
        let zero = self
            .clock
            .map_or(time.as_millis() - self.interval, |(zero, _)| zero);
        let mut reports = Vec::with_capacity(self.operators.len());
        let (mut retries, mut failure) = (0, None);
        while let Err(error) = self.attempt(time, time.as_millis() - zero, &mut reports) {
            if retries == self.job.policy.retries() {
                failure = Some(error);
                break;
            }
            retries += 1;
            self.audience.tell(&StreamEvent::Retried(error));
        }
        self.clock = Some((zero, time.as_millis()));
        let inputs = reports.iter().filter(|(is_input, _)| *is_input);
        let report = StepReport {
            time,
            items: inputs.filter_map(|(_, report)| report.items).sum(),
            waited,
            duration: started.elapsed(),
            retries,
            failure,
            operators: reports.into_iter().map(|(_, report)| report).collect(),
        };
        trace::finished(&span, &report);
        report
    }

    /// Evaluates every operator that is due. If that fails and a batch may follow, all state is
    /// rolled back.
    fn attempt(
        &mut self,
        time: BatchTime,
        since_zero: u64,
        reports: &mut Vec<(bool, OperatorReport)>,
    ) -> Result<(), BatchError> {
        let (stream, goes_on) = (self.job.activity.stream(), self.job.policy.goes_on());
        self.enter_phase(BatchPhase::Started(stream));
        reports.clear();
        if goes_on {
            let saved = each_stateful(&mut self.operators, &self.job, time, |state| state.save());
            // Nothing has changed yet, and what was saved may be older than this batch.
            saved.inspect_err(|_| self.enter_phase(BatchPhase::RolledBack))?;
        }
        let result = self.evaluate(time, since_zero, reports);
        self.job.activity.enter(Work::Driver);
        for ActiveOperator { operator, .. } in &mut self.operators {
            operator.clear();
        }
        if result.is_err() {
            let after = match goes_on {
                true => BatchPhase::RolledBack,
                false => BatchPhase::Aborted,
            };
            if goes_on {
                stateful(&mut self.operators).for_each(|(_, state)| state.roll_back());
            }
            self.enter_phase(after);
        }
        result
    }

    fn enter_phase(&mut self, phase: BatchPhase) {
        stateful(&mut self.operators).for_each(|(_, state)| state.enter_phase(phase));
    }

    fn evaluate(
        &mut self,
        time: BatchTime,
        since_zero: u64,
        reports: &mut Vec<(bool, OperatorReport)>,
    ) -> Result<(), BatchError> {
        for ActiveOperator {
            operator,
            id,
            every,
            ..
        } in &mut self.operators
        {
            if !since_zero.is_multiple_of(*every) {
                continue;
            }
            let name = &self.job.names[*id as usize];
            let _span = trace::operator(name);
            self.job.activity.enter(Work::Operator(*id));
            let started = Instant::now();
            let context = OperatorContext {
                job: Arc::clone(&self.job),
                operator: *id,
                time,
            };
            context.guard(None, || operator.evaluate(&context))??;
            let report = OperatorReport {
                name: Arc::clone(name),
                duration: started.elapsed(),
                items: operator.items(),
                state: operator.as_stateful().and_then(|state| state.size()),
                receiver: operator.as_receiver().map(|receiver| receiver.report()),
            };
            reports.push((operator.as_input().is_some(), report));
        }
        Ok(())
    }

    /// Commits the batch: inputs go on after it, and handles see its state.
    fn commit(&mut self, report: &StepReport) {
        let end = BatchEnd::of(report);
        for ActiveOperator { operator, .. } in &mut self.operators {
            if let Some(input) = operator.as_input_mut() {
                input.batch_done(&end);
            }
        }
        committed(&mut self.operators, report.time);
    }

    /// Announces the batches that are due by `now` and were not announced yet, from `next` on.
    pub(crate) fn submit_until(&mut self, next: BatchTime, now: BatchTime) {
        self.audience.submit_until(next, now, self.interval);
    }

    fn notify_receiver_events(&mut self) {
        let mut events = Vec::new();
        for ActiveOperator { operator, id, .. } in &mut self.operators {
            let Some(receiver) = operator.as_receiver() else {
                continue;
            };
            for event in receiver.events() {
                let name = Arc::clone(&self.job.names[*id as usize]);
                events.push(match event {
                    ReceiverEvent::Started => StreamEvent::ReceiverStarted(name),
                    ReceiverEvent::Error(message) => StreamEvent::ReceiverError(name, message),
                    ReceiverEvent::Stopped => StreamEvent::ReceiverStopped(name),
                });
            }
        }
        events.iter().for_each(|event| self.audience.tell(event));
    }

    /// Steps interval by interval until every input has ended; returns the number of steps.
    ///
    /// # Errors
    ///
    /// As [`step`](Self::step).
    ///
    /// # Examples
    ///
    /// ```
    /// use forebay::stream::StreamingContext;
    ///
    /// let ctx = StreamingContext::builder("finite").build()?;
    /// ctx.from_iter(0..10, 4).count().print();
    /// assert_eq!(ctx.into_driver()?.run_to_end()?, 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn run_to_end(&mut self) -> Result<usize, StepError> {
        let mut steps = 0;
        while !self.is_finished() {
            self.step(self.next_time())?;
            steps += 1;
        }
        self.conclude()?;
        Ok(steps)
    }

    fn check(&self, given: BatchTime) -> Result<(), StepError> {
        let expected = self.next_time();
        if self.clock.is_some() {
            return match given == expected {
                true => Ok(()),
                false => Err(StepError::OutOfOrder { given, expected }),
            };
        }
        match given.as_millis().is_multiple_of(self.interval) && given.as_millis() > 0 {
            true => Ok(()),
            false => Err(StepError::NotAMultiple {
                given,
                interval: self.batch_interval(),
            }),
        }
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver")
            .field("interval", &self.batch_interval())
            .field("last_time", &self.last_time())
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}
