//! The table of inputs: where lines come from, what each source is called and how it is opened.
//!
//! A source is added as a variant of [`Source`]: the compiler then asks for its name and for how it
//! is opened, both below, and [`Source::from_path`] or an option of a subcommand makes it. How input
//! is encoded is another table, in `encoding.rs`, and is the same for all sources.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
#[cfg(unix)]
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
#[cfg(unix)]
use std::thread;

use crate::file::Identity;
use crate::input::chunk::{Chunks, Delivery, Sequential};
use crate::input::encoding::decoded;
#[cfg(unix)]
use crate::input::encoding::{LONGEST_MAGIC, is_encoded};
use crate::input::generate::GeneratedLog;
#[cfg(unix)]
use crate::input::parallel;
use crate::input::progress::Progress;

/// One source of lines.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    File(PathBuf),
    Stdin,
    /// A generated log of this many lines.
    Generated(u64),
}

impl Source {
    /// The source for a path on the command line; `-` is standard input.
    pub(crate) fn from_path(path: &Path) -> Self {
        if path.as_os_str() == "-" {
            Self::Stdin
        } else {
            Self::File(path.to_owned())
        }
    }

    /// Whether it can be read again from the start, as a restart from a checkpoint does.
    pub(crate) const fn is_repeatable(&self) -> bool {
        match self {
            Self::File(_) | Self::Generated(_) => true,
            Self::Stdin => false,
        }
    }

    /// The identity of the regular file that it is, if it is one.
    pub(crate) fn identity(&self) -> Option<Identity> {
        match self {
            Self::File(path) => Identity::of_regular(path),
            Self::Stdin => Identity::of_stdin(),
            Self::Generated(_) => None,
        }
    }

    /// Opens the source and decodes it; `progress` counts the bytes before decoding.
    fn open(&self, progress: &Progress) -> io::Result<Box<dyn Read>> {
        match self {
            Self::File(path) => decoded(progress.watch(File::open(path)?)),
            Self::Stdin => decoded(progress.watch(io::stdin().lock())),
            Self::Generated(lines) => Ok(Box::new(GeneratedLog::new(*lines))),
        }
    }

    /// Calls `visit` with its chunks, decoded; `progress` counts the bytes before decoding. A large
    /// plain file is read by several threads.
    ///
    /// # Errors
    ///
    /// If it cannot be opened.
    pub(crate) fn with_chunks<T>(
        &self,
        delivery: Delivery,
        progress: &Progress,
        visit: impl FnOnce(&mut dyn Chunks) -> T,
    ) -> io::Result<T> {
        #[cfg(unix)]
        if let Some((file, threads)) = self.for_threads(delivery)? {
            let visit = |mut chunks| visit(&mut chunks);
            return Ok(parallel::with_chunks(&file, threads, progress, visit));
        }
        let reader = self.open(progress)?;
        Ok(visit(&mut Sequential { reader, delivery }))
    }

    /// The file and a number of threads, if several threads read it faster than one.
    #[cfg(unix)]
    fn for_threads(&self, delivery: Delivery) -> io::Result<Option<(File, usize)>> {
        use std::os::unix::fs::FileExt;
        const WORTH_BYTES: u64 = 8 << 20;
        const MOST_THREADS: usize = 4;
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let large = self.bytes().is_some_and(|bytes| bytes >= WORTH_BYTES);
        let Self::File(path) = self else {
            return Ok(None);
        };
        if cores == 1 || !large || delivery != Delivery::Full {
            return Ok(None);
        }
        let file = File::open(path)?;
        let mut head = [0; LONGEST_MAGIC];
        let read = file.read_at(&mut head, 0)?;
        let plain = !is_encoded(&head[..read]);
        Ok(plain.then_some((file, cores.min(MOST_THREADS))))
    }

    /// Its size, if that is known.
    fn bytes(&self) -> Option<u64> {
        let Self::File(path) = self else { return None };
        let metadata = path.metadata().ok()?;
        metadata.is_file().then_some(metadata.len())
    }
}

/// The size of all sources, if that of each is known.
pub(crate) fn total_bytes(sources: &[Source]) -> Option<u64> {
    sources.iter().map(Source::bytes).sum()
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Stdin => f.write_str("standard input"),
            Self::Generated(_) => f.write_str("generated input"),
        }
    }
}
