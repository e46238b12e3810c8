//! Keyed state beyond memory: tables that spill to an embedded store on disk.

use std::fs::{self, File};
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use redb::{Database, Durability, ReadableDatabase, TableDefinition};

use forebay::stream::{BoxError, PageStore, StateBackend, StateError};

/// Keeps keyed state on disk as far as it does not fit into a memory limit.
///
/// The directory is scratch space of one stream at a time, which locks the file `pages.lock` in it:
/// it starts empty, and nothing in it survives the run. What survives is in checkpoints.
///
/// # Cost
///
/// A batch reads and writes the whole tables of the key groups that it changes and that are not in
/// memory: some 50 nanoseconds for each of their keys, on one core. This suits states of which a
/// batch touches many keys. If a batch touches few,
/// [`key_groups`](forebay::stream::ContextBuilder::key_groups) decides how much is read for them:
/// more groups are smaller tables.
///
/// # Memory
///
/// The tables within the limit, to which a third may be added where states own heap memory, because
/// that is estimated; the table that each thread works on, and twice its bytes as a page; the
/// records of the batch; 16 MiB for the store. With
/// [`Retry`](forebay::stream::FailurePolicy::Retry) or [`Skip`](forebay::stream::FailurePolicy::Skip),
/// the tables in memory that a batch changes are there twice until the next one. With a
/// [`timeout`](forebay::stream::StateSpec::timeout), 8 bytes for each key and 8 for each touch within
/// it. A recovery has the bytes of one key group in memory.
///
/// # Examples
///
/// ```
/// use forebay::stream::StreamingContext;
/// use forebay_redb::Disk;
///
/// # let directory = std::env::temp_dir().join(format!("forebay-disk-{}", std::process::id()));
/// let ctx = StreamingContext::builder("words")
///     .state_backend(Disk::new(&directory).memory_limit(64 << 20))
///     .build()?;
/// let counts = ctx
///     .batches([vec!["ebb", "flow"], vec!["ebb"]])
///     .map(|word| (word.to_string(), 1u64))
///     .update_state_by_key(|_, new, old| Some(old.unwrap_or(0) + new.sum::<u64>()));
/// let asked = counts.handle();
/// let mut driver = ctx.into_driver()?;
/// driver.run_to_end()?;
/// assert_eq!(asked.get("ebb"), Some(2));
/// # drop((driver, asked));
/// # std::fs::remove_dir_all(&directory)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Disk {
    directory: PathBuf,
    memory_limit: usize,
}

impl Disk {
    /// State in `directory`, which is created if it does not exist, with a limit of 256 MiB of
    /// memory.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            memory_limit: 256 << 20,
        }
    }

    /// The bytes of tables that may stay in memory, for all operators together. Heap memory of keys
    /// and states, as of strings, is estimated.
    #[must_use]
    pub fn memory_limit(self, bytes: usize) -> Self {
        Self {
            memory_limit: bytes,
            ..self
        }
    }
}

/// The lock file of a directory in use.
const LOCK: &str = "pages.lock";

/// The file of the store.
const PAGES: &str = "pages.redb";

impl StateBackend for Disk {
    fn open(&self) -> Result<Option<Box<dyn PageStore>>, StateError> {
        let at = |path: &Path, error: BoxError| StateError::new(path, error);
        let directory = &self.directory;
        fs::create_dir_all(directory).map_err(|error| at(directory, error.into()))?;
        let path = directory.join(LOCK);
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path);
        let lock = lock.map_err(|error| at(&path, error.into()))?;
        lock.try_lock().map_err(|error| match error {
            fs::TryLockError::WouldBlock => {
                at(directory, "another stream keeps its state here".into())
            }
            fs::TryLockError::Error(error) => at(&path, error.into()),
        })?;
        let path = directory.join(PAGES);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(at(&path, error.into()));
            }
            _ => {}
        }
        let mut builder = Database::builder();
        let database = builder.set_cache_size(CACHE).create(&path);
        let database = database.map_err(|error| at(&path, error.into()))?;
        Ok(Some(Box::new(Pages {
            database,
            path,
            memory_limit: self.memory_limit,
            freed: Mutex::default(),
            _lock: lock,
        })))
    }
}

/// Bytes of cache: a page is read once for each time it is written, so hardly any.
const CACHE: usize = 16 << 20;

/// Pages by number.
const TABLE: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("pages");

/// An open store.
struct Pages {
    database: Database,
    path: PathBuf,
    memory_limit: usize,
    /// Pages to be removed with the next write, which costs less than a write of its own.
    freed: Mutex<Vec<u64>>,
    /// Released last.
    _lock: File,
}

impl Pages {
    /// The pages to be removed; the list is whole even if another holder panicked.
    fn freed(&self) -> MutexGuard<'_, Vec<u64>> {
        self.freed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, page: u64, bytes: &[u8]) -> Result<(), redb::Error> {
        let mut write = self.database.begin_write()?;
        write.set_durability(Durability::None)?;
        {
            let mut table = write.open_table(TABLE)?;
            for page in mem::take(&mut *self.freed()) {
                table.remove(page)?;
            }
            table.insert(page, bytes)?;
        }
        Ok(write.commit()?)
    }

    fn read(&self, page: u64) -> Result<Option<Vec<u8>>, redb::Error> {
        let table = self.database.begin_read()?.open_table(TABLE)?;
        Ok(table.get(page)?.map(|bytes| bytes.value().to_vec()))
    }

    fn error(&self, cause: impl Into<BoxError>) -> StateError {
        StateError::new(&self.path, cause)
    }
}

impl PageStore for Pages {
    fn memory_limit(&self) -> usize {
        self.memory_limit
    }

    fn put(&self, page: u64, bytes: &[u8]) -> Result<(), StateError> {
        self.write(page, bytes).map_err(|error| self.error(error))
    }

    fn get(&self, page: u64) -> Result<Vec<u8>, StateError> {
        let found = self.read(page).map_err(|error| self.error(error))?;
        found.ok_or_else(|| self.error(format!("page {page} is missing")))
    }

    fn remove(&self, page: u64) -> Result<(), StateError> {
        self.freed().push(page);
        Ok(())
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // The next run removes what could not be removed now.
        let _ = fs::remove_file(&self.path);
    }
}

/// The guide's examples are compiled and run as documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guide/src/survives.md")]
struct GuideSurvives;
