//! Checkpoints: the state of a stream on disk, and going on from there.
//!
//! Knows state only as bytes by key group; which state there is, operators say.

mod codec;
mod directory;
mod error;
mod frame;
mod part;
mod recovery;
mod setup;
mod snapshot;

use std::path::PathBuf;
use std::string::String;
use std::sync::Arc;
use std::vec::Vec;

pub(crate) use codec::{Codec, Codecs, put, take, time};
pub use error::CheckpointError;
pub(crate) use part::{
    Part, Refusal, list, put_panes, recover_value, snapshot_value, take_panes, used_up,
};
pub use recovery::{PassedOver, Recovery};

use super::executor::{Env, NodeId};
use super::graph::Entry;
use directory::Directory;
use snapshot::{MANIFEST, Snapshot, Stand};

/// How often a checkpoint is taken.
///
/// # Examples
///
/// ```
/// use forebay::stream::Every;
///
/// let _every_fifth_batch = Every::batches(5);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Every(u64);

impl Every {
    /// After every so many batches.
    ///
    /// # Panics
    ///
    /// If `count` is 0.
    #[must_use]
    #[track_caller]
    pub const fn batches(count: u64) -> Self {
        assert!(count > 0, "a checkpoint is taken after at least one batch");
        Self(count)
    }
}

/// What the builder knows of checkpoints.
#[derive(Clone, Debug, Default)]
pub(crate) struct Durability {
    pub(crate) codecs: Codecs,
    /// Where checkpoints are written and how often, if they are.
    pub(crate) target: Option<(PathBuf, Every)>,
}

/// A checkpoint that waits for the operators to be complete.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) recovery: Arc<Recovery>,
    pub(crate) snapshot: Option<Snapshot>,
}

impl Found {
    pub(crate) fn look(directory: PathBuf) -> Result<Self, CheckpointError> {
        let (recovery, snapshot) = recovery::find(&Directory(directory))?;
        Ok(Self {
            recovery: Arc::new(recovery),
            snapshot,
        })
    }
}

/// What a driver does about checkpoints.
#[derive(Default)]
pub(crate) struct Checkpointer {
    codecs: Codecs,
    target: Option<(Directory, Every)>,
    recovery: Option<Arc<Recovery>>,
    /// The newest checkpoint known to be whole.
    last: Option<u64>,
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
        let target = target.map(|(path, every)| (Directory(path), every));
        let mut this = Self {
            codecs: durability.codecs,
            target,
            recovery: found.as_ref().map(|found| Arc::clone(&found.recovery)),
            last: None,
        };
        let clock = match found.and_then(|found| found.snapshot) {
            Some(snapshot) => Some(this.restore(&snapshot, operators, env, interval)?),
            None => None,
        };
        if let Some((directory, _)) = &this.target {
            if this.recovery.is_none() && !directory.times()?.is_empty() {
                let directory = directory.0.clone();
                return Err(CheckpointError::Occupied { directory });
            }
            this.parts(operators)?;
            if let Some(newest) = this.last {
                directory.tidy(newest)?;
            }
        }
        Ok((this, clock))
    }

    pub(crate) fn recovery(&self) -> Option<&Recovery> {
        self.recovery.as_deref()
    }

    fn parts(&self, operators: &Operators) -> Result<Vec<(String, Part)>, CheckpointError> {
        let mut parts = Vec::new();
        for (operator, _) in operators {
            match operator.node.snapshot(&self.codecs) {
                Ok(part) => parts.push((operator.name.clone(), part)),
                Err(Refusal::Stateless) => {}
                Err(refusal) => return Err(CheckpointError::refused(refusal, &operator.name)),
            }
        }
        Ok(parts)
    }

    /// Takes a checkpoint after a batch, if it is time for one.
    pub(crate) fn after_batch(
        &mut self,
        operators: &Operators,
        env: &Env,
        interval: u64,
        (zero, time): (u64, u64),
    ) -> Result<(), CheckpointError> {
        let Some((directory, every)) = &self.target else {
            return Ok(());
        };
        if !((time - zero) / interval).is_multiple_of(every.0) {
            return Ok(());
        }
        let snapshot = Snapshot {
            stand: Stand {
                zero,
                time,
                interval,
                seed: env.seed.get(),
                key_groups: env.routing.groups,
            },
            parts: self.parts(operators)?,
        };
        directory.write(&snapshot, self.last)?;
        self.last = Some(time);
        Ok(())
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
    }
}
