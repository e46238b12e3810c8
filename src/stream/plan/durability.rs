//! Asking for checkpoints, and for going on from one.

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
    /// A checkpoint is taken when a batch and its outputs are done, and written while the stream
    /// goes on; there is one on its way at a time. If that fails, the stream ends: at the next
    /// batch, or where it is stopped. The one before it is kept too. Types that operators keep must
    /// be [`durable`](Self::durable), and inputs must be readable again:
    /// [`batches`](StreamingContext::batches), [`from_iter`](StreamingContext::from_iter),
    /// [`text_files`](StreamingContext::text_files), a
    /// [`ReplayableQueue`](crate::stream::ReplayableQueue) and every [`Source`](crate::stream::Source)
    /// whose positions are durable; others need a [`write_ahead_log`](Self::write_ahead_log). What
    /// the rate limits have learnt is not kept.
    ///
    /// # Cost
    ///
    /// Writes the key groups that were written to since the last checkpoint; a group that was not
    /// is a further name (a hard link) of the file that holds it. The stream stands still while
    /// the tables are marked, microseconds for each operator; while a checkpoint is on its way,
    /// the first write to a key group copies its table. So there is memory for those copies, and
    /// for the bytes of some tens of key groups.
    ///
    /// # Examples
    ///
    /// See [`recover_or`](StreamingContext::recover_or).
    pub fn checkpoint(mut self, directory: impl Into<PathBuf>, every: Every) -> Self {
        self.durability.target = Some((Directory::new(directory.into()), every));
        self
    }

    /// Lets inputs that cannot be read again be part of a stream with checkpoints: a
    /// [`channel`](StreamingContext::channel), a
    /// [`queue_stream`](StreamingContext::queue_stream), and every
    /// [`Receiver`](crate::stream::Receiver), of text or of anything else.
    ///
    /// What a batch takes from such an input is written into a log beside the checkpoints, and
    /// durable before anything is done with it. A stream that is recovered gives every batch what
    /// the log has for it, then what comes. What waits for a batch is not in the log yet: whoever
    /// must tell a sender that an item is safe waits for the
    /// [`receipt`](crate::stream::Sender::receipt). Items must be
    /// [`durable`](Self::durable).
    ///
    /// # Cost
    ///
    /// One write and one fsync for each batch that gets items. Segments of the log are removed when
    /// no checkpoint that is kept needs them.
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
    /// This goes for [`update_state_by_key`], [`update_state_by_partition`], [`state_by_key`] and
    /// [`summarize_by_key`]; windows hold their batches in memory, and their states with them. Keys
    /// and states that may leave memory must be [`durable`](Self::durable), whether or not there
    /// are checkpoints. Results are the same as in memory, and a checkpoint of one backend can be
    /// recovered into the other.
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

    /// Lets keys, states, window items and positions of type `T` be kept in checkpoints, where
    /// the type is called `name`.
    ///
    /// Numbers, `bool`, `char`, `()`, `String`, `Box<str>` and `Vec<u8>` are durable from the
    /// beginning.
    /// Bytes are those of postcard, which does not describe itself: a type that changes its shape
    /// needs another name, and is then refused instead of misread.
    pub fn durable<T>(mut self, name: &str) -> Self
    where
        T: Serialize + DeserializeOwned + 'static,
    {
        self.durability.codecs.add(Codec::<T>::serde(name));
        self
    }

    /// Like [`durable`](Self::durable), for types without serde, or that postcard cannot read.
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
    /// The stream that `build` makes, going on from the newest whole checkpoint in `directory`;
    /// from its beginning if there is none.
    ///
    /// State goes to the operators of the same name, given by
    /// [`named`](crate::stream::DStream::named) or by position, when the stream starts or becomes
    /// a driver. Inputs are read on from where they were; the next batch is the one after the
    /// checkpoint. The number of partitions and of threads may be another one.
    ///
    /// # Errors
    ///
    /// If `build` fails, if a checkpoint is of a newer format, or if there are checkpoints and
    /// none is whole: a stream never begins anew where it should go on. What does not fit the
    /// program is a [`StartError::Checkpoint`](crate::stream::StartError::Checkpoint) at the
    /// start.
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

    /// What recovery has decided; `None` if it was not asked.
    #[must_use]
    pub fn recovery(&self) -> Option<&Recovery> {
        self.found.as_ref().map(|found| &found.recovery)
    }
}
