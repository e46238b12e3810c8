//! Inspection of checkpoints without the program that wrote them.

use std::path::{Path, PathBuf};
use std::string::String;
use std::time::Duration;
use std::vec::Vec;

use crate::stream::checkpoint::directory::Directory;
use crate::stream::checkpoint::error::CheckpointError;
use crate::stream::checkpoint::stored_checkpoint::StoredCheckpoint;
use crate::stream::state::saved::SavedState;
use crate::stream::time::BatchTime;

/// One checkpoint of a directory, intact or not.
#[derive(Debug)]
pub struct CheckpointInfo {
    time: BatchTime,
    path: PathBuf,
    contents: Result<CheckpointContents, CheckpointError>,
}

/// The contents of a checkpoint, every byte of which was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointContents {
    interval: Duration,
    zero_time: BatchTime,
    seed: u64,
    key_groups: u32,
    operators: Vec<OperatorContents>,
    files: Vec<CheckpointFile>,
}

/// The state of one operator in a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorContents {
    name: String,
    types: Vec<String>,
    keys: u64,
    key_groups: usize,
    bytes: u64,
}

/// A file of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointFile {
    name: String,
    bytes: u64,
}

/// Reads and verifies every checkpoint in a directory, newest first. The types of the program need
/// not be known; none are decoded.
///
/// # Cost
///
/// Reads every file once.
///
/// # Memory
///
/// A buffer of 256 KiB, the manifest, and some 100 bytes for each key group of each operator.
///
/// # Errors
///
/// If the directory cannot be read. What is wrong with a checkpoint is in its
/// [`CheckpointInfo`].
///
/// # Examples
///
/// ```
/// use forebay::stream::{Every, StreamingContext, inspect};
///
/// # let directory = std::env::temp_dir().join(format!("forebay-inspect-{}", std::process::id()));
/// let ctx = StreamingContext::builder("sums")
///     .checkpoint(&directory, Every::batches(1))
///     .build()?;
/// ctx.from_iter(1..=4u64, 4)
///     .map(|n| (n % 2, n))
///     .update_state_by_key(|_, new, old| Some(old.unwrap_or(0) + new.sum::<u64>()))
///     .named("sums")
///     .count()
///     .print();
/// ctx.into_driver()?.run_to_end()?;
///
/// let newest = &inspect(&directory)?[0];
/// assert_eq!(newest.time().as_millis(), 1_000);
/// let contents = newest.contents().expect("it is whole");
/// let sums = contents.operators().iter().find(|it| it.name() == "sums").expect("it has state");
/// assert_eq!((sums.keys(), sums.types()), (2, &["u64".to_string(), "u64".to_string()][..]));
/// # std::fs::remove_dir_all(&directory)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn inspect(directory: impl Into<PathBuf>) -> Result<Vec<CheckpointInfo>, CheckpointError> {
    let directory = Directory::new(directory.into());
    let info = |time| CheckpointInfo {
        time: BatchTime::from_millis(time),
        path: directory.path_of(time),
        contents: directory.verify(time).map(CheckpointContents::of),
    };
    Ok(directory.times()?.into_iter().map(info).collect())
}

impl CheckpointInfo {
    /// The batch after which it was taken, from the name of its directory.
    #[must_use]
    pub const fn time(&self) -> BatchTime {
        self.time
    }

    /// Its directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it holds.
    ///
    /// # Errors
    ///
    /// What is wrong with it, if it is not intact: recovery would pass it over.
    pub const fn contents(&self) -> Result<&CheckpointContents, &CheckpointError> {
        self.contents.as_ref()
    }
}

impl CheckpointContents {
    fn of(snapshot: StoredCheckpoint) -> Self {
        let stamp = snapshot.stamp;
        let operators = snapshot.operators.into_iter().map(OperatorContents::of);
        let file = |(name, bytes)| CheckpointFile { name, bytes };
        Self {
            interval: Duration::from_millis(stamp.interval),
            zero_time: BatchTime::from_millis(stamp.zero),
            seed: stamp.seed,
            key_groups: stamp.key_groups,
            operators: operators.collect(),
            files: snapshot.files.into_iter().map(file).collect(),
        }
    }

    /// The time between two batches of the stream.
    #[must_use]
    pub const fn batch_interval(&self) -> Duration {
        self.interval
    }

    /// The time one interval before the first batch.
    #[must_use]
    pub const fn zero_time(&self) -> BatchTime {
        self.zero_time
    }

    /// The seed of everything random in the stream.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// How many key groups the stream has.
    #[must_use]
    pub const fn key_groups(&self) -> u32 {
        self.key_groups
    }

    /// The operators that keep state, positions of inputs included, in the order of their
    /// declaration.
    #[must_use]
    pub fn operators(&self) -> &[OperatorContents] {
        &self.operators
    }

    /// Its files; a file linked from an earlier checkpoint has the time of that one in its name.
    #[must_use]
    pub fn files(&self) -> &[CheckpointFile] {
        &self.files
    }

    /// How many bytes its files have.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

impl OperatorContents {
    fn of((name, part): (String, SavedState)) -> Self {
        Self {
            name,
            bytes: part.bytes(),
            types: part.types,
            keys: part.keys,
            key_groups: part.groups.len(),
        }
    }

    /// The name of the operator.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The types of its state, by the names given with
    /// [`durable`](crate::stream::ContextBuilder::durable).
    #[must_use]
    pub fn types(&self) -> &[String] {
        &self.types
    }

    /// How many keys have a state.
    #[must_use]
    pub const fn keys(&self) -> u64 {
        self.keys
    }

    /// How many key groups they are in.
    #[must_use]
    pub const fn key_groups(&self) -> usize {
        self.key_groups
    }

    /// How many bytes its state has.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl CheckpointFile {
    /// Its name in the directory of the checkpoint.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many bytes it has.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }
}
