//! Where lines come from: files, standard input, or a generator.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::decode::decoded;
use crate::generate::GeneratedLog;
use crate::progress::Progress;

/// One source of lines.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    File(PathBuf),
    Stdin,
    /// A log of so many lines that is made up on the way.
    Generated(u64),
}

impl Source {
    /// The source that a path on the command line stands for.
    pub(crate) fn from_path(path: &Path) -> Self {
        if path.as_os_str() == "-" {
            Self::Stdin
        } else {
            Self::File(path.to_owned())
        }
    }

    /// The bytes of the source, decompressed if they are compressed; `progress` sees them as they
    /// are stored.
    pub(crate) fn open(&self, progress: &Progress) -> io::Result<Box<dyn Read>> {
        match self {
            Self::File(path) => decoded(progress.watch(File::open(path)?)),
            Self::Stdin => decoded(progress.watch(io::stdin().lock())),
            Self::Generated(lines) => Ok(Box::new(GeneratedLog::new(*lines))),
        }
    }

    /// How many bytes it holds, if that is known.
    fn bytes(&self) -> Option<u64> {
        let Self::File(path) = self else { return None };
        let metadata = path.metadata().ok()?;
        metadata.is_file().then_some(metadata.len())
    }
}

/// How many bytes all sources hold, if that is known of each.
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
