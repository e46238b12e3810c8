//! From a declared stream to a driver, or to a stream on a clock.

use std::boxed::Box;
use std::sync::Arc;

use crate::stream::checkpoint::checkpointer::Checkpointer;
use crate::stream::checkpoint::config::{DurabilityConfig, JobFacts};
use crate::stream::checkpoint::error::CheckpointError;
use crate::stream::plan::context::StreamingContext;
use crate::stream::plan::settings::Settings;
use crate::stream::run::activity::Activity;
use crate::stream::run::clock::{Clock, SystemClock};
use crate::stream::run::driver::Driver;
use crate::stream::run::error::StartError;
use crate::stream::run::job::JobContext;
use crate::stream::run::operator::{ActiveOperator, committed, durable};
use crate::stream::run::running::RunningStream;
use crate::stream::state::spill::SpillManager;
use crate::stream::threads::inside::StreamId;
use crate::stream::time::BatchTime;

impl StreamingContext {
    /// Starts the stream on a clock: one batch per interval of wall-clock time.
    ///
    /// A stream whose inputs are all bounded ends by itself. See [`RunningStream`] for when batches
    /// run, and how it ends.
    ///
    /// # Errors
    ///
    /// As [`into_driver`](Self::into_driver), or if the operating system refuses a thread.
    pub fn start(self) -> Result<RunningStream, StartError> {
        self.start_on(SystemClock::new())
    }

    /// Starts the stream on this clock.
    pub(crate) fn start_on(self, clock: impl Clock + 'static) -> Result<RunningStream, StartError> {
        let (name, stop_timeout) = (self.name.clone(), self.settings.stop_timeout);
        RunningStream::spawn(&name, self.into_driver()?, stop_timeout, Box::new(clock))
    }

    /// The stream without a clock and without threads of its own: its owner steps it.
    ///
    /// # Errors
    ///
    /// If no output is registered, two operators have the same name, two outputs write to the same
    /// directories, an input cannot start, a checkpoint does not fit the program, no checkpoint can
    /// be taken, or the state backend cannot be opened.
    pub fn into_driver(self) -> Result<Driver, StartError> {
        let graph = self.graph.into_inner();
        let Settings {
            interval,
            seed,
            routing,
            policy,
            ..
        } = self.settings;
        let names: Arc<[_]> = graph.names().into();
        let job = Arc::new(JobContext {
            activity: Arc::new(Activity::new(
                StreamId::new(&self.executor),
                Arc::clone(&names),
            )),
            executor: self.executor,
            seed,
            routing,
            policy,
            names,
        });
        let mut operators = graph.finish(&job)?;
        spill_state(&self.durability, &mut operators)?;
        let facts = JobFacts {
            interval,
            seed: seed.get(),
            key_groups: routing.groups,
            executor: job.executor.clone(),
        };
        let begun = Checkpointer::begin(
            self.durability,
            self.found,
            &mut durable(&mut operators),
            facts,
        );
        let (checkpoints, clock) = begun.map_err(StartError::Checkpoint)?;
        if let Some((zero, last)) = clock
            && zero < last
        {
            committed(&mut operators, BatchTime::from_millis(last));
        }
        for ActiveOperator { operator, name, .. } in &mut operators {
            if let Some(input) = operator.as_input_mut() {
                let failed = |error| StartError::Input(name.clone(), error);
                input.start().map_err(failed)?;
            }
        }
        let listeners = self.listeners.into_inner();
        Ok(Driver::new(
            operators,
            job,
            interval,
            listeners,
            checkpoints,
            clock,
        ))
    }
}

/// Opens the state backend and lets keyed state spill to it.
fn spill_state(
    durability: &DurabilityConfig,
    operators: &mut [ActiveOperator],
) -> Result<(), StartError> {
    let Some(backend) = &durability.backend else {
        return Ok(());
    };
    let Some(store) = backend.open().map_err(StartError::State)? else {
        return Ok(());
    };
    let spill = Arc::new(SpillManager::new(store));
    for ActiveOperator { operator, name, .. } in operators {
        let Some(stateful) = operator.as_stateful() else {
            continue;
        };
        let refused = |refusal| StartError::Checkpoint(CheckpointError::refused(refusal, name));
        stateful
            .spill_to(&durability.codecs, &spill)
            .map_err(refused)?;
    }
    Ok(())
}
