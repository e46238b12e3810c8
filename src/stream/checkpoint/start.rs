//! Restoring a checkpoint, and verifying that others can follow.

use std::path::PathBuf;
use std::vec::Vec;

use crate::stream::checkpoint::checkpointer::{Checkpointer, Target};
use crate::stream::checkpoint::config::{DurabilityConfig, JobFacts};
use crate::stream::checkpoint::durable::{LogContext, Members};
use crate::stream::checkpoint::error::CheckpointError;
use crate::stream::checkpoint::found::FoundCheckpoint;
use crate::stream::checkpoint::lock::DirectoryLock;
use crate::stream::checkpoint::manifest::{JobStamp, MANIFEST};
use crate::stream::checkpoint::stored_checkpoint::StoredCheckpoint;
use crate::stream::state::refusal::Refusal;
use crate::stream::state::saved::SavedState;
use crate::stream::time::BatchTime;

impl Checkpointer {
    /// Restores the operators from what was found, and verifies that checkpoints can be taken.
    /// Returns the zero time and the last batch time, if there are any.
    pub(crate) fn begin(
        config: DurabilityConfig,
        found: Option<FoundCheckpoint>,
        operators: &mut Members<'_>,
        job: JobFacts,
    ) -> Result<(Self, Option<(u64, u64)>), CheckpointError> {
        let (recovery, stored, lock) = match found {
            Some(found) => (Some(found.recovery), found.stored, found.lock),
            None => (None, None, None),
        };
        let target = config.target;
        let mut this = Self::new(
            config.codecs,
            target.map(|(directory, every)| Target { directory, every }),
            recovery,
            job,
        );
        let is_new = this.lock(lock)?;
        let clock = match stored {
            Some(stored) => Some(this.restore(&stored, operators)?),
            None => None,
        };
        let first = this.make_sure(operators, is_new, config.logs)?;
        // Without a checkpoint the stream begins again with the first batch of the logs.
        let before = first.map(|time| time.as_millis().saturating_sub(this.job.interval));
        let clock = clock.or_else(|| before.map(|before| (before, before)));
        Ok((this, clock))
    }

    /// Locks the directory of the checkpoints; `found` is the lock of the one in which recovery has
    /// looked. Returns whether they differ, so that nobody has looked there.
    fn lock(&mut self, found: Option<DirectoryLock>) -> Result<bool, CheckpointError> {
        let Some(Target { directory, .. }) = &self.target else {
            self.locks.extend(found);
            return Ok(false);
        };
        let is_other = !found
            .as_ref()
            .is_some_and(|lock| directory.is_locked_by(lock));
        self.locks.extend(found);
        if is_other {
            self.locks.push(directory.lock()?);
        }
        Ok(is_other)
    }

    /// Opens logs, and verifies that checkpoints can be taken. Returns the first batch of an earlier
    /// run that no checkpoint covers.
    fn make_sure(
        &mut self,
        operators: &mut Members<'_>,
        is_new: bool,
        write_ahead: bool,
    ) -> Result<Option<BatchTime>, CheckpointError> {
        let Some(Target { directory, .. }) = &self.target else {
            return Ok(None);
        };
        let is_used = || Ok(!directory.times()?.is_empty() || directory.claim_logs(&[]).is_err());
        if is_new && is_used()? {
            let directory = directory.path.clone();
            return Err(CheckpointError::Occupied { directory });
        }
        let names = operators.iter().map(|(name, _)| *name);
        directory.claim_logs(&names.collect::<Vec<_>>())?;
        let mut first = None;
        for (name, operator) in operators.iter_mut() {
            let opened = operator.open_log(&LogContext {
                directory,
                codecs: &self.codecs,
                operator: name,
                write_ahead,
            })?;
            first = first.into_iter().chain(opened.first).min();
            if let Some(recovery) = &mut self.recovery {
                recovery.cut.extend(opened.cut);
            }
        }
        self.snapshots(operators)?;
        // A checkpoint elsewhere is none of this directory.
        self.last = self.last.filter(|_| !is_new);
        if let Some(newest) = self.last {
            directory.make_durable(newest)?;
            directory.tidy(newest)?;
        }
        Ok(first)
    }

    fn restore(
        &mut self,
        stored: &StoredCheckpoint,
        operators: &mut Members<'_>,
    ) -> Result<(u64, u64), CheckpointError> {
        let directory = self.recovery.as_ref().and_then(|found| found.path());
        let path = directory.unwrap_or("".as_ref()).join(MANIFEST);
        let JobStamp {
            zero,
            time,
            interval,
            seed,
            key_groups,
        } = stored.stamp;
        let job = &self.job;
        let (was_groups, groups) = (u64::from(key_groups), u64::from(job.key_groups));
        for (what, was, is) in [
            ("batch interval in milliseconds", interval, job.interval),
            ("seed", seed, job.seed),
            ("number of key groups", was_groups, groups),
        ] {
            if was != is {
                return Err(CheckpointError::Setting {
                    path,
                    what,
                    was,
                    is,
                });
            }
        }
        for (name, saved) in &stored.operators {
            let claimed = operators.iter_mut().find(|(operator, _)| operator == name);
            let Some((_, operator)) = claimed else {
                let operator = name.clone();
                return Err(CheckpointError::Unclaimed { path, operator });
            };
            let recovered = operator.recover(&self.codecs, saved);
            recovered.map_err(|refusal| disowned(refusal, path.clone(), name, saved))?;
        }
        self.last = Some(time);
        Ok((zero, time))
    }
}

/// The error for state that an operator did not take.
fn disowned(
    refusal: Refusal,
    path: PathBuf,
    operator: &str,
    saved: &SavedState,
) -> CheckpointError {
    let operator = operator.into();
    match refusal {
        Refusal::NoCodec(type_name) => CheckpointError::NotDurable {
            operator,
            type_name,
        },
        Refusal::NoReplay => CheckpointError::NotReplayable { operator },
        Refusal::Types(is) => CheckpointError::TypeChanged {
            path,
            operator,
            was: saved.types.clone(),
            is,
        },
        Refusal::Bytes(error) => CheckpointError::State {
            path,
            operator,
            error,
        },
        Refusal::Read(error) => match error.downcast::<CheckpointError>() {
            Ok(error) => *error,
            Err(error) => CheckpointError::State {
                path,
                operator,
                error,
            },
        },
    }
}
