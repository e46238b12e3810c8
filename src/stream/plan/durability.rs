//! Settings for checkpoints, and recovery from them.

use std::path::PathBuf;
use std::sync::Arc;
use std::vec::Vec;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::stream::checkpoint::directory::Directory;
use crate::stream::checkpoint::error::CheckpointError;
use crate::stream::checkpoint::every::Every;
use crate::stream::checkpoint::found::FoundCheckpoint;
use crate::stream::checkpoint::recovery::Recovery;
use crate::stream::error::BoxError;
use crate::stream::plan::builder::ContextBuilder;
use crate::stream::plan::context::StreamingContext;
use crate::stream::run::trace;
use crate::stream::state::backend::StateBackend;
use crate::stream::state::codec::Codec;

impl ContextBuilder {
    /// Writes checkpoints into `directory`: the state of every operator and the positions of all
    /// inputs, after as many batches as `every` says, and when the stream ends or is stopped
    /// gracefully.
    ///
    /// A checkpoint is taken when a batch and its outputs are done, and written in the background;
    /// one is written at a time. If writing fails, the stream ends at the next batch or when it is
    /// stopped. The checkpoint before it is kept too.
    ///
    /// The directory has one stream at a time, which locks the file `LOCK` in it where the platform
    /// has file locks, until its driver is dropped. It is created if it does not exist. On Unix what
    /// is created there is for the owner alone: directories have mode 700 and files 600, whatever
    /// the umask. A directory that exists keeps its mode.
    ///
    /// Types that operators keep must be [`durable`](Self::durable), and inputs must be replayable:
    /// [`batches`](StreamingContext::batches), [`from_iter`](StreamingContext::from_iter),
    /// [`text_files`](StreamingContext::text_files), a
    /// [`ReplayableQueue`](crate::stream::ReplayableQueue) and every
    /// [`Source`](crate::stream::Source) whose positions are durable; others need a
    /// [`write_ahead_log`](Self::write_ahead_log). The state of the rate limits is not kept.
    ///
    /// What a batch reads of a replayable input is durable before the batch runs: a batch that comes
    /// again after a crash has the same time and the same items, whatever has come since. Only a
    /// [`Source`](crate::stream::Source) whose ranges are not repeatable can break that, or one that
    /// fails then under [`FailurePolicy::Skip`](crate::stream::FailurePolicy::Skip): the last batch of
    /// the earlier run, left out, has its items read with the next.
    ///
    /// # Cost
    ///
    /// For each batch and input, one write of the positions it reads to and one fsync; so also for
    /// batches that a stream on a clock has missed. The positions since the older kept checkpoint are
    /// on disk, and in memory after a recovery until their batches have come again: that of
    /// [`text_files`](StreamingContext::text_files) is as long as the directory.
    ///
    /// A checkpoint writes the key groups that changed since the last one; an unchanged group is a hard
    /// link to the file that holds it. The stream stops while the snapshot is taken, for
    /// microseconds per operator. While a checkpoint is being written, the first write to a key
    /// group copies its table. Memory is needed for these copies and for the bytes of some tens of
    /// key groups.
    ///
    /// # Examples
    ///
    /// See [`recover_or`](StreamingContext::recover_or).
    pub fn checkpoint(mut self, directory: impl Into<PathBuf>, every: Every) -> Self {
        self.durability.target = Some((Directory::new(directory.into()), every));
        self
    }

    /// Logs inputs that cannot be replayed, so that they can be part of a stream with checkpoints:
    /// a [`channel`](StreamingContext::channel), a
    /// [`queue_stream`](StreamingContext::queue_stream), and every
    /// [`Receiver`](crate::stream::Receiver).
    ///
    /// What a batch takes from such an input is written to a log beside the checkpoints, and
    /// durable before the batch runs. After a recovery every batch gets what the log holds for it,
    /// and nothing that has come since. Items that wait for a batch are not in the log yet: to tell a sender that an item is
    /// safe, wait for its [`receipt`](crate::stream::Sender::receipt). Items must be
    /// [`durable`](Self::durable).
    ///
    /// # Cost
    ///
    /// One write and one fsync for each batch, also if it gets no items. Segments of the log are removed when
    /// no kept checkpoint needs them.
    ///
    /// # Examples
    ///
    /// ```
    /// use forebay::stream::{BatchQueue, BoxError, Every, StreamingContext};
    ///
    /// # let directory = std::env::temp_dir().join(format!("forebay-log-{}", std::process::id()));
    /// # let dir = directory.clone();
    /// let queue = BatchQueue::<u64>::new();
    /// let build = || -> Result<StreamingContext, BoxError> {
    ///     let ctx = StreamingContext::builder("sums")
    ///         .checkpoint(&dir, Every::batches(10))
    ///         .write_ahead_log()
    ///         .build()?;
    ///     ctx.queue_stream(&queue).count().print();
    ///     Ok(ctx)
    /// };
    /// let mut driver = StreamingContext::recover_or(&directory, build)?.into_driver()?;
    /// queue.push(vec![1, 2, 3]);
    /// driver.step(driver.next_time())?;
    /// drop(driver); // a crash, before the first checkpoint
    ///
    /// assert!(queue.is_empty()); // what the batch has had is in the log alone
    /// let mut driver = StreamingContext::recover_or(&directory, build)?.into_driver()?;
    /// assert_eq!(driver.step(driver.next_time())?.items(), 3);
    /// # drop(driver);
    /// # std::fs::remove_dir_all(&directory)?;
    /// # Ok::<(), BoxError>(())
    /// ```
    pub fn write_ahead_log(mut self) -> Self {
        self.durability.logs = true;
        self
    }

    /// Where keyed state is kept; [`Memory`](crate::stream::Memory) unless given.
    ///
    /// Applies to [`update_state_by_key`], [`update_state_by_partition`], [`state_by_key`] and
    /// [`summarize_by_key`]; windows keep their batches and states in memory. Keys and states that
    /// may spill must be [`durable`](Self::durable), with or without checkpoints. Results are the
    /// same as in memory, and a checkpoint of one backend can be recovered with another.
    ///
    /// # Examples
    ///
    /// See [`StateBackend`].
    ///
    /// [`update_state_by_key`]: crate::stream::DStream::update_state_by_key
    /// [`update_state_by_partition`]: crate::stream::DStream::update_state_by_partition
    /// [`state_by_key`]: crate::stream::DStream::state_by_key
    /// [`summarize_by_key`]: crate::stream::DStream::summarize_by_key
    pub fn state_backend(mut self, backend: impl StateBackend) -> Self {
        self.durability.backend = Some(Arc::new(backend));
        self
    }

    /// Stores keys, states, window items and positions of type `T` in checkpoints, under the type
    /// name `name`.
    ///
    /// Numbers, `bool`, `char`, `()`, `String`, `Box<str>` and `Vec<u8>` are durable without a
    /// call. The encoding is postcard, which does not describe itself: a type that changes its
    /// shape needs another name, and is then refused instead of misread.
    pub fn durable<T>(mut self, name: &str) -> Self
    where
        T: Serialize + DeserializeOwned + 'static,
    {
        self.durability.codecs.add(Codec::<T>::serde(name));
        self
    }

    /// Like [`durable`](Self::durable), for types without serde or that postcard cannot read.
    pub fn durable_with<T: 'static>(
        mut self,
        name: &str,
        encode: impl Fn(&T) -> Result<Vec<u8>, BoxError> + Send + Sync + 'static,
        decode: impl Fn(&[u8]) -> Result<T, BoxError> + Send + Sync + 'static,
    ) -> Self {
        self.durability
            .codecs
            .add(Codec::bytes(name, encode, decode));
        self
    }
}

impl StreamingContext {
    /// Builds a stream that resumes from the newest intact checkpoint in `directory`, or starts
    /// from the beginning if there is none.
    ///
    /// State goes to the operators of the same name ([`named`](crate::stream::DStream::named) or by
    /// position) when the stream starts or becomes a driver. Inputs resume from their positions;
    /// the next batch is the one after the checkpoint. The number of partitions and of threads may
    /// differ. A stream that writes its checkpoints to another directory goes on from the one found:
    /// what the logs hold beyond it stays behind.
    ///
    /// # Errors
    ///
    /// If `build` fails, if another stream uses the directory, if a checkpoint cannot be read or has
    /// another format version, or if there are checkpoints and none is intact: a stream never starts
    /// over where it should resume. The directory must be writable, since it is locked from here on.
    /// State that does not fit the program is a [`StartError::Checkpoint`](crate::stream::StartError::Checkpoint) at
    /// the start.
    ///
    /// # Examples
    ///
    /// ```
    /// use forebay::stream::{BoxError, Every, StreamingContext};
    ///
    /// # let directory = std::env::temp_dir().join(format!("forebay-doc-{}", std::process::id()));
    /// # let dir = directory.clone();
    /// let build = || -> Result<StreamingContext, BoxError> {
    ///     let ctx = StreamingContext::builder("sums")
    ///         .checkpoint(&dir, Every::batches(1))
    ///         .build()?;
    ///     ctx.from_iter(1..=4u64, 1)
    ///         .map(|n| (n % 2, n))
    ///         .update_state_by_key(|_, new, old| Some(old.unwrap_or(0) + new.sum::<u64>()))
    ///         .named("sums")
    ///         .map(|(parity, sum)| format!("{parity}: {sum}"))
    ///         .print();
    ///     Ok(ctx)
    /// };
    /// let mut driver = StreamingContext::recover_or(&directory, build)?.into_driver()?;
    /// driver.step(driver.next_time())?;
    /// drop(driver); // a crash
    ///
    /// let mut driver = StreamingContext::recover_or(&directory, build)?.into_driver()?;
    /// let restored = driver.recovery().and_then(|recovery| recovery.restored());
    /// assert_eq!(restored.map(|time| time.as_millis()), Some(1_000));
    /// assert_eq!(driver.run_to_end()?, 3);
    /// # std::fs::remove_dir_all(&directory)?;
    /// # Ok::<(), BoxError>(())
    /// ```
    pub fn recover_or<E>(
        directory: impl Into<PathBuf>,
        build: impl FnOnce() -> Result<Self, E>,
    ) -> Result<Self, E>
    where
        E: From<CheckpointError>,
    {
        let found = FoundCheckpoint::look(&Directory::new(directory.into()))?;
        trace::recovered(&found.recovery);
        Ok(build()?.with_found(found))
    }

    /// What recovery found; `None` if the context was not recovered.
    #[must_use]
    pub fn recovery(&self) -> Option<&Recovery> {
        self.found.as_ref().map(|found| &found.recovery)
    }
}
