//! Checkpoints: the state of a stream on disk, and going on from there.
//!
//! Knows state only as bytes by key group; which state there is, operators say.

mod background;
mod codec;
pub(crate) mod directory;
mod error;
mod every;
#[cfg(test)]
mod faults;
mod footprint;
mod frame;
mod inspect;
mod log;
mod manifest;
mod mark;
mod part;
mod recovery;
mod report;
mod scan;

mod snapshot;
mod storage;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;
use std::vec::Vec;

pub(crate) use background::{At, Checkpointer};
pub(crate) use codec::{Codec, Codecs, put, take, time};
pub use error::CheckpointError;
pub use every::Every;
pub use inspect::{CheckpointContents, CheckpointFile, CheckpointInfo, OperatorContents, inspect};
pub(crate) use log::Log;
pub(crate) use mark::{GroupMark, Mark, mark_value};
pub(crate) use part::{Part, Refusal, list, put_panes, recover_value, take_panes, used_up};
pub use recovery::{CutLog, PassedOver, Recovery};
pub use report::CheckpointReport;

use crate::stream::error::StartError;
use crate::stream::plan::graph::Entry;
use crate::stream::run::executor::{Env, NodeId};
use crate::stream::run::trace;
use crate::stream::state::{Boundary, Paging, StateBackend};
use crate::stream::time::BatchTime;
use background::Target;
use directory::Directory;
use manifest::{MANIFEST, Stand};
use snapshot::Snapshot;

/// What the builder knows of checkpoints.
#[derive(Clone, Debug, Default)]
pub(crate) struct Durability {
    pub(crate) codecs: Codecs,
    /// Where checkpoints are written and how often, if they are.
    pub(crate) target: Option<(Directory, Every)>,
    /// Inputs that cannot be read again have logs.
    pub(crate) logs: bool,
    /// Where keyed state is kept, if not in memory.
    pub(crate) backend: Option<Arc<dyn StateBackend>>,
}

impl Durability {
    /// Lets the operators keep their state where it was asked for.
    pub(crate) fn open_backend(&self, operators: &mut Operators) -> Result<(), StartError> {
        let Some(backend) = &self.backend else {
            return Ok(());
        };
        let Some(store) = backend.open().map_err(StartError::State)? else {
            return Ok(());
        };
        let paging = Arc::new(Paging::new(store));
        for (entry, _) in operators {
            let paged = entry.node.page(&self.codecs, &paging);
            let refused = |refusal| CheckpointError::refused(refusal, &entry.name);
            paged.map_err(|refusal| StartError::Checkpoint(refused(refusal)))?;
        }
        Ok(())
    }
}

/// A checkpoint that waits for the operators to be complete.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) recovery: Recovery,
    pub(crate) snapshot: Option<Snapshot>,
}

impl Found {
    pub(crate) fn look(directory: &Directory) -> Result<Self, CheckpointError> {
        let (recovery, snapshot) = recovery::find(directory)?;
        trace::recovered(&recovery);
        Ok(Self { recovery, snapshot })
    }
}

/// What an input needs for opening its log.
pub(crate) struct Logs<'a> {
    pub(crate) directory: &'a Directory,
    pub(crate) codecs: &'a Codecs,
    pub(crate) operator: &'a str,
}

type Operators = [(Entry, NodeId)];

impl Checkpointer {
    /// Gives the operators what was found, and makes sure that checkpoints can be taken.
    /// Returns the zero time and the last batch time, if there are any.
    pub(crate) fn begin(
        durability: Durability,
        found: Option<Found>,
        operators: &mut Operators,
        env: &Env,
        interval: u64,
    ) -> Result<(Self, Option<(u64, u64)>), CheckpointError> {
        let target = durability.target;
        let mut this = Self::default();
        this.codecs = durability.codecs;
        this.target = target.map(|(directory, every)| Target { directory, every });
        let (recovery, snapshot) = match found {
            Some(found) => (Some(found.recovery), found.snapshot),
            None => (None, None),
        };
        this.recovery = recovery;
        let clock = match snapshot {
            Some(snapshot) => Some(this.restore(&snapshot, operators, env, interval)?),
            None => None,
        };
        this.make_sure(operators, durability.logs)?;
        Ok((this, clock))
    }

    /// Opens logs, and makes sure that checkpoints can be taken.
    fn make_sure(&mut self, operators: &mut Operators, logs: bool) -> Result<(), CheckpointError> {
        let Some(Target { directory, .. }) = &self.target else {
            return Ok(());
        };
        let is_used = || Ok(!directory.times()?.is_empty() || directory.claim_logs(&[]).is_err());
        if self.recovery.is_none() && is_used()? {
            let directory = directory.path.clone();
            return Err(CheckpointError::Occupied { directory });
        }
        let names = operators.iter().map(|(entry, _)| entry.name.as_str());
        directory.claim_logs(&names.collect::<Vec<_>>())?;
        for (entry, _) in operators.iter_mut().filter(|_| logs) {
            let cut = entry.node.log(&Logs {
                directory,
                codecs: &self.codecs,
                operator: &entry.name,
            })?;
            if let Some(recovery) = &mut self.recovery {
                recovery.cut.extend(cut);
            }
        }
        self.marks(operators)?;
        self.last.map_or(Ok(()), |newest| directory.tidy(newest))
    }

    fn restore(
        &mut self,
        snapshot: &Snapshot,
        operators: &mut Operators,
        env: &Env,
        interval: u64,
    ) -> Result<(u64, u64), CheckpointError> {
        let directory = self.recovery.as_ref().and_then(|found| found.path());
        let path = directory.unwrap_or("".as_ref()).join(MANIFEST);
        let Stand {
            zero,
            time,
            interval: was_interval,
            seed,
            key_groups,
        } = snapshot.stand;
        let groups = u64::from(env.routing.groups);
        for (what, was, is) in [
            ("batch interval in milliseconds", was_interval, interval),
            ("seed", seed, env.seed.get()),
            ("number of key groups", u64::from(key_groups), groups),
        ] {
            if was != is {
                let path = path.clone();
                return Err(CheckpointError::Setting {
                    path,
                    what,
                    was,
                    is,
                });
            }
        }
        for (name, part) in &snapshot.parts {
            let claimed = operators.iter_mut().find(|(entry, _)| entry.name == *name);
            let taken = match claimed {
                Some((entry, _)) => entry.node.recover(&self.codecs, part),
                None => Err(Refusal::Stateless),
            };
            taken.map_err(|refusal| disowned(refusal, path.clone(), name, part))?;
        }
        for (entry, _) in operators.iter_mut() {
            let reached = Boundary::Reached(BatchTime::from_millis(time));
            entry.node.boundary(reached);
        }
        self.last = Some(time);
        Ok((zero, time))
    }
}

/// Why the state of an operator could not be taken up.
fn disowned(refusal: Refusal, path: PathBuf, operator: &str, part: &Part) -> CheckpointError {
    let operator = operator.into();
    match refusal {
        Refusal::NoCodec(type_name) => CheckpointError::NotDurable {
            operator,
            type_name,
        },
        Refusal::NoReplay => CheckpointError::NotReplayable { operator },
        Refusal::Stateless => CheckpointError::Unclaimed { path, operator },
        Refusal::Types(is) => CheckpointError::TypeChanged {
            path,
            operator,
            was: part.types.clone(),
            is,
        },
        Refusal::Bytes(error) => CheckpointError::State {
            path,
            operator,
            error,
        },
        Refusal::Read(error) => error,
    }
}
