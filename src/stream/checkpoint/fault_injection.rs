//! Fault injection: every file system call of a checkpoint fails in turn, in every way.

use std::boxed::Box;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::format;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::string::String;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::vec::Vec;

use crate::stream::checkpoint::directory::Directory;
use crate::stream::checkpoint::error::CheckpointError;
use crate::stream::checkpoint::every::Every;
use crate::stream::checkpoint::found::FoundCheckpoint;
use crate::stream::checkpoint::storage::{LocalStorage, Output, Storage};
use crate::stream::error::BoxError;
use crate::stream::threads::lock::lock;
use crate::stream::{
    BatchQueue, BatchTime, DStream, Driver, State, StateSpec, StepError, StreamEvent,
    StreamingContext,
};

/// The fault at the chosen call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// The call fails without any effect.
    Fails,
    /// Half of it is done, and it fails.
    Short,
    /// The disk is full.
    Full,
    /// The machine stops before the call; what was not synced is lost.
    CrashBefore,
    /// The machine stops after the call; what was not synced is lost.
    CrashAfter,
    /// The process is killed after the call; what was done stays done.
    Killed,
}

const FAULTS: [Fault; 6] = [
    Fault::Fails,
    Fault::Short,
    Fault::Full,
    Fault::CrashBefore,
    Fault::CrashAfter,
    Fault::Killed,
];

/// A change of a directory that is undone when the machine stops.
#[derive(Debug)]
enum Entry {
    Made(PathBuf),
    Renamed(PathBuf, PathBuf),
}

impl Entry {
    fn path(&self) -> &Path {
        match self {
            Self::Made(path) | Self::Renamed(_, path) => path,
        }
    }
}

#[derive(Debug, Default)]
struct Machine {
    calls: usize,
    /// The machine has stopped: no call has any effect.
    is_down: bool,
    /// Changes of directories that were not synced, in their order.
    entries: Vec<Entry>,
    /// Files with the part of them that is durable.
    files: Vec<(File, u64)>,
}

/// A file system that stops or fails at one call.
#[derive(Clone, Debug)]
struct Faulty {
    machine: Arc<Mutex<Machine>>,
    at: usize,
    fault: Fault,
}

fn down() -> io::Error {
    io::Error::other("the machine is down")
}

impl Faulty {
    fn new(at: usize, fault: Fault) -> Self {
        Self {
            machine: Arc::default(),
            at,
            fault,
        }
    }

    /// Runs a call: `whole` does it, `half` does half of it.
    fn call<T>(
        &self,
        half: impl FnOnce(&mut Machine),
        whole: impl FnOnce(&mut Machine) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut machine = lock(&self.machine);
        if machine.is_down {
            return Err(down());
        }
        let number = machine.calls;
        machine.calls += 1;
        if number != self.at {
            return whole(&mut machine);
        }
        match self.fault {
            Fault::Fails => Err(io::Error::other("it failed")),
            Fault::Full => Err(io::ErrorKind::StorageFull.into()),
            Fault::Short => {
                half(&mut machine);
                Err(io::ErrorKind::WriteZero.into())
            }
            Fault::CrashBefore => {
                machine.stop();
                Err(down())
            }
            Fault::CrashAfter => {
                whole(&mut machine)?;
                machine.stop();
                Err(down())
            }
            Fault::Killed => {
                whole(&mut machine)?;
                machine.is_down = true;
                Err(down())
            }
        }
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.simply(|machine| {
            let is_inside = |entry: &Entry| entry.path().parent() == Some(path);
            machine.entries.retain(|entry| !is_inside(entry));
            Ok(())
        })
    }

    fn simply<T>(&self, whole: impl FnOnce(&mut Machine) -> io::Result<T>) -> io::Result<T> {
        self.call(|_| (), whole)
    }
}

impl Machine {
    /// Loses what was not synced: directory entries, and half of the bytes.
    fn stop(&mut self) {
        self.is_down = true;
        for (file, durable) in &self.files {
            let length = file.metadata().unwrap().len();
            file.set_len(durable + (length - durable) / 2).unwrap();
        }
        for entry in self.entries.drain(..).rev() {
            match entry {
                Entry::Made(path) if path.is_dir() => fs::remove_dir_all(path).unwrap(),
                Entry::Made(path) => fs::remove_file(path).unwrap(),
                Entry::Renamed(from, to) => fs::rename(to, from).unwrap(),
            }
        }
    }

    /// Drops the pending undo of a path that is gone.
    fn forget(&mut self, gone: &Path) {
        self.entries.retain(|entry| !entry.path().starts_with(gone));
    }
}

impl Storage for Faulty {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.simply(|machine| {
            if !path.exists() {
                LocalStorage.create_dir(path)?;
                machine.entries.push(Entry::Made(path.into()));
            }
            Ok(())
        })
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn Output>> {
        self.simply(|machine| {
            let mut options = OpenOptions::new();
            let file = options.write(true).create(true).truncate(true).open(path)?;
            machine.entries.push(Entry::Made(path.into()));
            machine.files.push((file.try_clone()?, 0));
            let number = machine.files.len() - 1;
            let storage = self.clone();
            Ok(Box::new(Opened {
                file,
                number,
                storage,
            }) as Box<dyn Output>)
        })
    }

    fn sync(&self, files: Vec<Box<dyn Output>>, directories: &[&Path]) -> io::Result<()> {
        files.into_iter().try_for_each(|mut file| file.sync())?;
        directories.iter().try_for_each(|path| self.sync_dir(path))
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.simply(|machine| {
            LocalStorage.link(from, to)?;
            machine.entries.push(Entry::Made(to.into()));
            Ok(())
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.simply(|machine| {
            LocalStorage.rename(from, to)?;
            for entry in &mut machine.entries {
                if let Entry::Made(path) = entry
                    && let Ok(rest) = path.strip_prefix(from)
                {
                    *path = to.join(rest);
                }
            }
            // What was created under the old name exists under the new one, or under the old one
            // again.
            machine.entries.retain(|entry| entry.path() != to);
            machine.entries.push(Entry::Renamed(from.into(), to.into()));
            Ok(())
        })
    }

    fn cut(&self, path: &Path, length: u64) -> io::Result<()> {
        self.simply(|_| LocalStorage.cut(path, length))
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.simply(|machine| {
            machine.forget(path);
            LocalStorage.remove_file(path)
        })
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        let half = |machine: &mut Machine| {
            // One file of the directory.
            if let Some(Ok(first)) = fs::read_dir(path).ok().and_then(|mut all| all.next()) {
                machine.forget(&first.path());
                fs::remove_file(first.path()).unwrap();
            }
        };
        self.call(half, |machine| {
            machine.forget(path);
            LocalStorage.remove_dir(path)
        })
    }

    fn list(&self, path: &Path) -> io::Result<Vec<OsString>> {
        self.simply(|_| LocalStorage.list(path))
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.simply(|_| LocalStorage.read(path))
    }

    fn read_at(&self, path: &Path, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        let half = into.len() / 2;
        match self.simply(|_| LocalStorage.read_at(path, offset, into)) {
            // The file ends earlier than it did.
            Err(error) if error.kind() == io::ErrorKind::WriteZero => {
                LocalStorage.read_at(path, offset, &mut into[..half])
            }
            read => read,
        }
    }
}

struct Opened {
    file: File,
    number: usize,
    storage: Faulty,
}

impl Output for Opened {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut file = self.file.try_clone()?;
        let half = |_: &mut Machine| file.write_all(&bytes[..bytes.len() / 2]).unwrap();
        self.storage.call(half, |_| (&self.file).write_all(bytes))
    }

    fn sync(&mut self) -> io::Result<()> {
        self.storage.simply(|machine| {
            let (file, durable) = &mut machine.files[self.number];
            *durable = file.metadata()?.len();
            Ok(())
        })
    }
}

const BATCHES: u64 = 6;

/// What outputs have seen, by batch.
type Seen = Arc<Mutex<BTreeMap<u64, String>>>;

/// Runs the stream on such a file system as far as it goes; returns the newest checkpoint that it
/// reported as durable.
fn run(ctx: StreamingContext, step: impl Fn(&mut Driver) -> Result<(), StepError>) -> Durable {
    let durable = Arc::new(Mutex::new(None));
    let heard = Arc::clone(&durable);
    ctx.listen(move |event: &StreamEvent| {
        if let StreamEvent::Checkpointed(report) = event {
            *lock(&heard) = Some(report.time());
        }
    });
    // The start itself may fail.
    if let Ok(mut driver) = ctx.into_driver() {
        let _ = step(&mut driver);
    }
    lock(&durable).take()
}

type Durable = Option<BatchTime>;

/// Fails every call of a stream in every way, recovers the stream, and compares its output. `begin`
/// runs a stream in a directory up to the point where calls begin to fail; `run` runs it on a
/// storage from there to its end, with more than `least` calls.
fn whatever_fails(
    least: usize,
    begin: impl Fn(&Path, &Seen),
    run: impl Fn(&Path, Faulty, &Seen) -> Durable,
) {
    let temporary = tempfile::tempdir().unwrap();
    let expected = Seen::default();
    let counting = Faulty::new(usize::MAX, Fault::Fails);
    let whole = temporary.path().join("whole");
    begin(&whole, &expected);
    run(&whole, counting.clone(), &expected);
    let calls = lock(&counting.machine).calls;
    assert!(calls > least, "{calls} calls");
    assert_eq!(lock(&expected).len() as u64, BATCHES);
    for at in 0..calls {
        for fault in FAULTS {
            let directory = temporary.path().join(format!("{at}-{fault:?}"));
            let seen = Seen::default();
            begin(&directory, &seen);
            let durable = run(&directory, Faulty::new(at, fault), &seen);
            let newest = look(&directory).unwrap().recovery.restored();
            assert!(newest >= durable, "{at} {fault:?}: {newest:?}");
            run(&directory, Faulty::new(usize::MAX, Fault::Fails), &seen);
            assert_eq!(*lock(&seen), *lock(&expected), "call {at} {fault:?}");
            fs::remove_dir_all(&directory).unwrap();
        }
    }
}

/// What a working machine can resume from.
fn look(directory: &Path) -> Result<FoundCheckpoint, CheckpointError> {
    FoundCheckpoint::look(&Directory::new(directory.into()))
}

/// A stream that has not started when calls begin to fail.
fn nothing(_: &Path, _: &Seen) {}

/// The stream whose checkpoints go to this storage, where recovery reads too.
fn recovered(
    directory: &Path,
    storage: Faulty,
    declare: impl FnOnce(&StreamingContext),
) -> Result<StreamingContext, BoxError> {
    let builder = StreamingContext::builder("faults")
        .threads(1)
        .partitions(2)
        .key_groups(3)
        .durable::<(u64, u64)>("pair of numbers");
    let every = Every::batches(2);
    let mut builder = builder.checkpoint(directory, every).write_ahead_log();
    let path = directory.to_path_buf();
    let storage = Arc::new(storage);
    let directory = Directory { path, storage };
    let found = FoundCheckpoint::look(&directory)?;
    builder.durability.target = Some((directory, every));
    let ctx = builder.build()?;
    declare(&ctx);
    Ok(ctx.with_found(found))
}

/// Sums of which a batch changes only some, so that some files are linked. The output of a batch is
/// recorded, and must be the same whenever the batch runs again.
fn sums(pairs: &DStream<'_, (u64, u64)>, seen: &Seen) {
    let add = |_: BatchTime, _: &u64, n: Option<u64>, sum: &mut State<u64>| {
        let new = sum.get().copied().unwrap_or(0) + n?;
        sum.update(new);
        None::<()>
    };
    let seen = Arc::clone(seen);
    pairs
        .state_by_key(StateSpec::new(add))
        .snapshots()
        .for_each_batch(move |batch, time| {
            let mut sums: Vec<_> = batch.into_vec();
            sums.sort_unstable();
            let sums = format!("{sums:?}");
            let before = lock(&seen).insert(time.as_millis(), sums.clone());
            assert_eq!(before.unwrap_or(sums.clone()), sums, "{time}");
            Ok(())
        });
}

/// The first batch has nine keys, each later one a single one.
fn batch(number: u64) -> Vec<(u64, u64)> {
    match number {
        0 => (0..9).map(|key| (key, 1)).collect(),
        n => std::vec![(n % 2, n)],
    }
}

#[test]
fn nothing_committed_is_lost_whatever_call_fails_and_however() {
    whatever_fails(60, nothing, |directory, storage, seen| {
        // The first read may fail.
        let ctx = known(directory, storage, seen).ok();
        ctx.and_then(|ctx| run(ctx, |driver| driver.run_to_end().map(drop)))
    });
}

/// Sums of batches that can be replayed.
fn known(directory: &Path, storage: Faulty, seen: &Seen) -> Result<StreamingContext, BoxError> {
    recovered(directory, storage, |ctx| {
        sums(&ctx.batches((0..BATCHES).map(batch)), seen);
    })
}

#[test]
fn nothing_is_lost_or_started_over_whichever_call_of_a_recovery_fails() {
    let (late, passed_over) = (AtomicUsize::new(0), AtomicUsize::new(0));
    // Checkpoints after the second and after the fourth batch.
    let begin = |directory: &Path, seen: &Seen| {
        let whole = Faulty::new(usize::MAX, Fault::Fails);
        let ctx = known(directory, whole, seen).unwrap();
        run(ctx, |driver| {
            (0..5).try_for_each(|_| driver.step(driver.next_time()).map(drop))
        });
    };
    whatever_fails(30, begin, |directory, storage, seen| {
        let ctx = match known(directory, storage, seen) {
            Ok(ctx) => ctx,
            Err(error) => {
                assert!(error.is::<CheckpointError>(), "{error}");
                return None;
            }
        };
        let recovery = ctx.recovery().unwrap();
        let restored = recovery.restored().map(BatchTime::as_millis);
        assert!(restored.is_some_and(|time| time >= 2_000), "{restored:?}");
        passed_over.fetch_add(recovery.passed_over().len(), Ordering::Relaxed);
        let durable = run(ctx, |driver| driver.run_to_end().map(drop));
        // After the fourth batch only the start can keep the sixth from running.
        let is_late = restored == Some(4_000) && lock(seen).len() == 5;
        late.fetch_add(usize::from(is_late), Ordering::Relaxed);
        durable
    });
    // Both kinds occurred: a checkpoint that could not be verified, and one that could not be read
    // afterwards.
    let (passed_over, late) = (passed_over.into_inner(), late.into_inner());
    assert!(passed_over > 5 && late > 10, "{passed_over}, {late}");
}

#[test]
fn nothing_logged_is_lost_or_changed_whatever_call_fails_and_however() {
    whatever_fails(60, nothing, |directory, storage, seen| {
        let queue = BatchQueue::new();
        let declare = |ctx: &StreamingContext| {
            sums(&ctx.queue_stream(&queue), seen);
        };
        // It may be the first look that fails.
        let ctx = recovered(directory, storage, declare).ok()?;
        run(ctx, |driver| {
            while driver.next_time().as_millis() <= BATCHES * 1_000 {
                let number = driver.next_time().as_millis() / 1_000 - 1;
                // What is in the log comes from there.
                if !driver.has_pending() {
                    queue.push(batch(number));
                }
                driver.step(driver.next_time())?;
            }
            driver.checkpoint()
        })
    });
}
