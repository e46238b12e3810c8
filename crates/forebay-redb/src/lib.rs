//! Keyed state beyond memory: tables that spill to an embedded store on disk.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::mem;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::{Mutex, MutexGuard, PoisonError};

use redb::{Database, Durability, ReadableDatabase, TableDefinition};

use forebay::stream::{BoxError, PageStore, StateBackend, StateError};

/// Keeps keyed state on disk as far as it does not fit into a memory limit.
///
/// The directory is scratch space of one stream at a time, which locks the file `pages.lock` in it:
/// it starts empty, and nothing in it survives the run. What survives is in checkpoints. On Unix what
/// is created there is for the owner alone: directories have mode 700 and files 600, whatever the
/// umask. A directory that exists keeps its mode.
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
        create_dirs(directory).map_err(|error| at(directory, error.into()))?;
        let path = directory.join(LOCK);
        let lock = match lock(&path).map_err(|error| at(&path, error.into()))? {
            Locked::Mine(lock) => lock,
            Locked::Others(process) => return Err(at(directory, in_use(process).into())),
        };
        let path = directory.join(PAGES);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(at(&path, error.into()));
            }
            _ => {}
        }
        let file = options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path);
        let file = file.map_err(|error| at(&path, error.into()))?;
        let database = Database::builder().set_cache_size(CACHE).create_file(file);
        let database = database.map_err(|error| at(&path, error.into()))?;
        Ok(Some(Box::new(Pages {
            database,
            path,
            memory_limit: self.memory_limit,
            freed: Mutex::default(),
            failed: Mutex::default(),
            _lock: lock,
        })))
    }
}

/// Creates a directory and its missing parents, for the owner alone.
fn create_dirs(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path)
}

/// Options of a file that is created for the owner alone.
fn options() -> OpenOptions {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix has modes"))]
    let mut options = File::options();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// What became of an attempt to lock a file.
enum Locked {
    /// Held until it is dropped.
    Mine(File),
    /// Held by another stream, in this process if that is known.
    Others(Option<u32>),
}

/// Locks a file, which is created if it does not exist; on a platform without file locks nothing is
/// locked.
fn lock(path: &Path) -> io::Result<Locked> {
    // Opening a FIFO could wait for ever.
    if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        let what = "not a regular file";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    }
    let mut options = options();
    let options = options.read(true).write(true).create(true).truncate(false);
    let mut file = options.open(path)?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => return Ok(Locked::Others(holder(&file))),
        Err(TryLockError::Error(error)) if error.kind() != io::ErrorKind::Unsupported => {
            return Err(error);
        }
        _ => {}
    }
    // For whoever is refused; nothing else depends on it.
    let _ = file
        .set_len(0)
        .and_then(|()| writeln!(file, "{}", process::id()));
    Ok(Locked::Mine(file))
}

/// The process that has locked a file, if that can be read: on Windows it cannot.
fn holder(file: &File) -> Option<u32> {
    let mut text = String::new();
    file.take(20).read_to_string(&mut text).ok()?;
    text.trim_end().parse().ok()
}

fn in_use(process: Option<u32>) -> String {
    let refusal = "another stream keeps its state here";
    match process {
        Some(own) if own == process::id() => format!("{refusal}, in this process"),
        Some(process) => format!("{refusal}, in process {process}"),
        None => refusal.into(),
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
    /// The error of the disk that came first: later ones say only that there was one. A write holds it
    /// until it has ended, so that nobody asks for it too soon.
    failed: Mutex<Option<StateError>>,
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

    fn failed(&self) -> MutexGuard<'_, Option<StateError>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An error of the store, or the error of the disk before it that it comes of.
    fn error(&self, cause: redb::Error, failed: &mut Option<StateError>) -> StateError {
        let comes_of_another = matches!(cause, redb::Error::PreviousIo);
        let is_of_disk = matches!(cause, redb::Error::Io(_));
        let error = StateError::new(&self.path, cause);
        match failed {
            Some(first) if comes_of_another => return first.clone(),
            None if is_of_disk => *failed = Some(error.clone()),
            _ => {}
        }
        error
    }
}

impl PageStore for Pages {
    fn memory_limit(&self) -> usize {
        self.memory_limit
    }

    fn put(&self, page: u64, bytes: &[u8]) -> Result<(), StateError> {
        let mut failed = self.failed();
        let written = self.write(page, bytes);
        written.map_err(|error| self.error(error, &mut failed))
    }

    fn get(&self, page: u64) -> Result<Vec<u8>, StateError> {
        let found = self.read(page);
        let found = found.map_err(|error| self.error(error, &mut self.failed()))?;
        found.ok_or_else(|| StateError::new(&self.path, format!("page {page} is missing")))
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
