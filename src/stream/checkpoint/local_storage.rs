//! The local file system.

use std::any::Any;
use std::boxed::Box;
use std::ffi::OsString;
use std::format;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::string::String;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};
use std::vec::Vec;

use crate::stream::checkpoint::storage::{Locked, Output, Storage};

/// The local file system.
#[derive(Debug)]
pub(crate) struct LocalStorage {
    #[cfg_attr(not(unix), expect(dead_code, reason = "only Unix has modes"))]
    pub(crate) access: Access,
}

/// Who may use what is created, on Unix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// The owner: directories have mode 700, files 600.
    Owner,
    /// Whoever the umask of the process permits.
    Umask,
}

impl LocalStorage {
    fn options(&self) -> OpenOptions {
        #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix has modes"))]
        let mut options = OpenOptions::new();
        #[cfg(unix)]
        if self.access == Access::Owner {
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        }
        options
    }
}

impl Storage for LocalStorage {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix has modes"))]
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        if self.access == Access::Owner {
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        }
        builder.create(path)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn Output>> {
        let file = self.options().write(true).create_new(true).open(path)?;
        Ok(Box::new(DiskFile { file, early: None }))
    }

    fn sync(&self, files: Vec<Box<dyn Output>>, directories: &[&Path]) -> io::Result<()> {
        // One after the other: the first sync takes the journal along that the others would wait
        // for, and threads for them cost more than the rest of the work.
        files.into_iter().try_for_each(|mut file| file.sync())?;
        directories.iter().try_for_each(|path| sync_dir(path))
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        // Files of a checkpoint may be readable only; Windows syncs none that is not open for writing.
        let mut options = OpenOptions::new();
        options.read(true).write(cfg!(windows));
        options.open(path)?.sync_all()
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn cut(&self, path: &Path, length: u64) -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(path)?;
        file.set_len(length)?;
        file.sync_all()
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        unless_missing(fs::remove_file(path))
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        unless_missing(fs::remove_dir_all(path))
    }

    fn is_dir(&self, path: &Path) -> io::Result<bool> {
        match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            found => Ok(found?.is_dir()),
        }
    }

    fn list(&self, path: &Path) -> io::Result<Vec<OsString>> {
        match fs::read_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            entries => entries?.map(|entry| Ok(entry?.file_name())).collect(),
        }
    }

    fn length(&self, path: &Path) -> io::Result<u64> {
        regular(&fs::metadata(path)?)
    }

    fn read(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        let file = open_regular(path)?;
        if file.metadata()?.len() > most {
            let what = format!("a file of at most {most} bytes is expected here");
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, what));
        }
        let mut bytes = Vec::new();
        file.take(most).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn read_at(&self, path: &Path, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        let mut file = open_regular(path)?;
        file.seek(SeekFrom::Start(offset))?;
        fill(&mut file, into)
    }

    /// On a platform without file locks nothing is locked.
    fn lock(&self, path: &Path) -> io::Result<Locked> {
        // Opening a FIFO could wait for ever.
        match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            found => regular(&found?).map(drop)?,
        }
        let mut options = self.options();
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
        Ok(Locked::Mine(Box::new(file)))
    }

    fn real_path(&self, path: &Path) -> io::Result<PathBuf> {
        fs::canonicalize(path)
    }
}

/// The process that has locked a file, if that can be read: on Windows it cannot.
fn holder(file: &File) -> Option<u32> {
    let mut text = String::new();
    file.take(20).read_to_string(&mut text).ok()?;
    text.trim_end().parse().ok()
}

/// Opens a file for reading. A FIFO or a device could be read for ever.
fn open_regular(path: &Path) -> io::Result<File> {
    regular(&fs::metadata(path)?)?;
    File::open(path)
}

/// The length of a regular file.
fn regular(metadata: &fs::Metadata) -> io::Result<u64> {
    match (metadata.is_file(), metadata.is_dir()) {
        (true, _) => Ok(metadata.len()),
        (false, true) => Err(io::ErrorKind::IsADirectory.into()),
        (false, false) => {
            let what = "not a regular file";
            Err(io::Error::new(io::ErrorKind::InvalidInput, what))
        }
    }
}

/// Reads until `into` is full or the input ends; returns the number of bytes read.
pub(crate) fn fill(from: &mut impl Read, into: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < into.len() {
        match from.read(&mut into[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Syncs the entries of a directory, where directories can be opened.
fn sync_dir(path: &Path) -> io::Result<()> {
    let path = match path.as_os_str().is_empty() {
        true => Path::new("."),
        false => path,
    };
    match cfg!(unix) {
        true => File::open(path)?.sync_all(),
        false => Ok(()),
    }
}

fn unless_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A file of the local file system.
struct DiskFile {
    file: File,
    early: Option<EarlySync>,
}

impl Output for DiskFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    fn begin_sync(&mut self) {
        if self.early.is_none()
            && let Ok(file) = self.file.try_clone()
        {
            self.early = EarlySync::start(move || file.sync_data()).ok();
        }
        if let Some(early) = &self.early {
            early.wake();
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        // The system reports an error only once.
        self.early.take().map_or(Ok(()), EarlySync::finish)?;
        self.file.sync_all()
    }
}

/// A thread that writes back the first part of a file while the rest is prepared.
struct EarlySync {
    wake: SyncSender<()>,
    thread: JoinHandle<io::Result<()>>,
}

impl EarlySync {
    /// Starts the thread, which calls `sync` each time it is woken, until that fails.
    fn start(sync: impl Fn() -> io::Result<()> + Send + 'static) -> io::Result<Self> {
        let (wake, woken) = sync_channel(1);
        let thread = Builder::new()
            .name("forebay-sync".into())
            .spawn(move || woken.iter().try_for_each(|()| sync()))?;
        Ok(Self { wake, thread })
    }

    fn wake(&self) {
        // If a call is waiting already, it comes after what was written until now.
        let _ = self.wake.try_send(());
    }

    /// The first error.
    fn finish(self) -> io::Result<()> {
        drop(self.wake);
        self.thread.join().unwrap_or_else(panicked)
    }
}

fn panicked(_: Box<dyn Any + Send>) -> io::Result<()> {
    Err(io::Error::other("a thread panicked"))
}

#[cfg(test)]
mod tests {
    use std::string::ToString;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn the_first_error_of_an_early_sync_is_that_of_the_sync() {
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let early = EarlySync::start(move || match counted.fetch_add(1, Ordering::Relaxed) {
            0 => Err(io::Error::other("the disk is gone")),
            _ => Ok(()),
        });
        let early = early.unwrap();
        (0..9).for_each(|_| early.wake());
        let error = early.finish().unwrap_err();
        assert_eq!(error.to_string(), "the disk is gone");
        assert_eq!(calls.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn what_was_written_before_the_last_wake_is_synced_early() {
        let directory = tempfile::tempdir().unwrap();
        let storage = LocalStorage {
            access: Access::Owner,
        };
        let path = directory.path().join("state");
        let mut output = storage.create(&path).unwrap();
        for _ in 0..20 {
            output.write(&[7; 1_000]).unwrap();
            output.begin_sync();
        }
        output.sync().unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), 20_000);
        // What exists is never written over.
        let error = storage.create(&path).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    }

    #[test]
    fn what_is_no_regular_file_or_too_long_is_refused_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let storage = LocalStorage {
            access: Access::Owner,
        };
        let path = directory.path().join("manifest");
        fs::write(&path, "1234").unwrap();
        assert_eq!(storage.read(&path, 4).unwrap(), b"1234");
        let error = storage.read(&path, 3).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        let mut odd = std::vec![directory.path().to_path_buf()];
        odd.extend(cfg!(unix).then(|| PathBuf::from("/dev/zero")));
        for path in odd {
            assert!(storage.read(&path, 4).is_err());
            assert!(storage.length(&path).is_err());
            assert!(storage.read_at(&path, 0, &mut [0; 4]).is_err());
            assert!(storage.lock(&path).is_err());
        }
    }
}
