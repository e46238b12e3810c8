//! A stream that is lost and recovered gives what the unbroken one gives.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use forebay::stream::{
    BatchTime, BoxError, CheckpointError, Driver, Every, StartError, StreamingContext,
};

#[path = "../../support/everything.rs"]
mod everything;

pub(crate) use everything::{Seen, everything, settings, unbroken};

fn recover(directory: &Path, partitions: usize, seen: &Seen) -> Driver {
    let settings = settings(partitions).checkpoint(directory, Every::batches(2));
    let build = || Ok::<_, BoxError>(everything(settings, seen));
    let ctx = StreamingContext::recover_or(directory, build).unwrap();
    ctx.into_driver().unwrap()
}

pub(crate) fn steps(driver: &mut Driver, count: usize) {
    for _ in 0..count {
        driver.step(driver.next_time()).unwrap();
    }
}

#[test]
fn every_operator_goes_on_as_if_nothing_had_happened_wherever_it_is_lost() {
    let expected = unbroken(3);
    for lost_after in 1..12 {
        let (directory, seen) = (tempfile::tempdir().unwrap(), Seen::default());
        steps(&mut recover(directory.path(), 3, &seen), lost_after);
        let mut driver = recover(directory.path(), 3, &seen);
        let restored = driver.recovery().unwrap().restored();
        assert_eq!(
            restored.map_or(0, BatchTime::as_millis),
            lost_after as u64 / 2 * 2_000
        );
        driver.run_to_end().unwrap();
        // Not only the same items: in the same order.
        assert_eq!(
            *seen.lock().unwrap(),
            *expected.lock().unwrap(),
            "{lost_after}"
        );
    }
}

#[test]
fn any_number_of_partitions_takes_up_the_state_of_any_other() {
    let sorted = |seen: &Seen| {
        let mut all = seen.lock().unwrap().clone();
        // The merge of samples and summaries follows the partitions; all else is the same.
        all.retain(|(name, _), _| *name != "heavy");
        all.values_mut().for_each(|rows| rows.sort());
        all
    };
    let expected = sorted(&unbroken(1));
    let counts = [1, 2, 3, 8, 128];
    let pairs = counts.iter().flat_map(|&from| counts.map(|to| (from, to)));
    for (from, to) in pairs.chain((1..=128).map(|to| (3, to))) {
        let (directory, seen) = (tempfile::tempdir().unwrap(), Seen::default());
        steps(&mut recover(directory.path(), from, &seen), 5);
        recover(directory.path(), to, &seen).run_to_end().unwrap();
        let seen = sorted(&seen);
        for (at, rows) in &expected {
            assert_eq!(seen.get(at), Some(rows), "{at:?} from {from} to {to}");
        }
    }
}

/// The files of a checkpoint with their contents.
pub(crate) fn files(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(self::files(&path)),
            false => {
                files.insert(path.clone(), fs::read(&path).unwrap());
            }
        }
    }
    files
}

#[test]
fn equal_states_are_equal_bytes() {
    let of = |partitions| {
        let directory = tempfile::tempdir().unwrap();
        steps(&mut sums(directory.path(), partitions).unwrap(), 4);
        let files = files(directory.path()).into_values();
        files.collect::<Vec<_>>()
    };
    assert_eq!(of(1), of(1));
    assert_eq!(of(2), of(2));
}

#[test]
fn what_a_kill_has_left_of_older_checkpoints_is_removed_when_the_stream_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    steps(&mut sums(directory.path(), 2).unwrap(), 4);
    let whole = files(directory.path());
    let left = directory.path().join("batch-00000000000000002000");
    fs::create_dir(&left).unwrap();
    fs::write(left.join("operators"), "half").unwrap();
    assert_ne!(files(directory.path()), whole);
    let driver = sums(directory.path(), 2).unwrap();
    assert_eq!(files(directory.path()), whole);
    let recovery = driver.recovery().unwrap();
    assert_eq!(recovery.restored(), Some(BatchTime::from_millis(4_000)));
}

fn context(directory: &Path, partitions: usize) -> Result<StreamingContext, BoxError> {
    let ctx = StreamingContext::builder("sums")
        .threads(1)
        .partitions(partitions)
        .key_groups(4)
        .checkpoint(directory, Every::batches(1))
        .build()?;
    ctx.from_iter(1..=20u64, 1)
        .map(|n| (n % 3, n))
        .update_state_by_key(|_, new, old| Some(old.unwrap_or(0u64) + new.sum::<u64>()))
        .named("sums")
        .for_each_batch(|_, _| Ok(()));
    Ok(ctx)
}

fn sums(directory: &Path, partitions: usize) -> Result<Driver, BoxError> {
    let ctx = StreamingContext::recover_or(directory, || context(directory, partitions))?;
    Ok(ctx.into_driver()?)
}

fn checkpoint_error(error: &BoxError) -> &CheckpointError {
    match error.downcast_ref() {
        Some(StartError::Checkpoint(error)) => error,
        _ => error.downcast_ref().expect("an error of checkpoints"),
    }
}

#[test]
fn every_truncation_and_every_flipped_byte_is_passed_over_or_refused() {
    let directory = tempfile::tempdir().unwrap();
    steps(&mut sums(directory.path(), 2).unwrap(), 3);
    let newest = directory.path().join("batch-00000000000000003000");
    let mut tried = 0;
    for (path, bytes) in files(&newest) {
        let cut = (0..bytes.len()).map(|at| bytes[..at].to_vec());
        // Two of the bits of each byte, one after the other.
        let flipped = (0..2 * bytes.len()).map(|bit| {
            let mut bytes = bytes.clone();
            bytes[bit / 2] ^= 1 << ((bit + 3 * (bit % 2)) % 8);
            bytes
        });
        for damaged in cut.chain(flipped) {
            fs::write(&path, damaged).unwrap();
            let driver = sums(directory.path(), 2).unwrap();
            let recovery = driver.recovery().unwrap();
            assert_eq!(recovery.restored().unwrap().as_millis(), 2_000);
            assert_eq!(recovery.passed_over()[0].path(), newest);
            tried += 1;
        }
        fs::remove_file(&path).unwrap();
        assert_eq!(
            sums(directory.path(), 2)
                .unwrap()
                .last_time()
                .unwrap()
                .as_millis(),
            2_000
        );
        fs::write(&path, bytes).unwrap();
    }
    assert!(tried > 500, "{tried}");
    assert_eq!(
        sums(directory.path(), 2)
            .unwrap()
            .last_time()
            .unwrap()
            .as_millis(),
        3_000
    );
}

#[test]
fn without_an_intact_checkpoint_the_stream_does_not_start_over() {
    let directory = tempfile::tempdir().unwrap();
    steps(&mut sums(directory.path(), 2).unwrap(), 3);
    for path in files(directory.path())
        .into_keys()
        .filter(|path| path.ends_with("manifest"))
    {
        fs::write(path, b"not a manifest, but long enough").unwrap();
    }
    let error = sums(directory.path(), 2).unwrap_err();
    let CheckpointError::NoneLeft { passed_over, .. } = checkpoint_error(&error) else {
        panic!("{error}");
    };
    assert_eq!(passed_over.len(), 2);
    assert!(matches!(
        passed_over[0].reason(),
        CheckpointError::Foreign { .. }
    ));
    let error = context(directory.path(), 2)
        .unwrap()
        .into_driver()
        .unwrap_err();
    assert!(
        error.to_string().contains("recover them or remove them"),
        "{error}"
    );
}

#[test]
fn what_does_not_fit_the_program_is_an_error_with_a_name() {
    let directory = tempfile::tempdir().unwrap();
    steps(&mut sums(directory.path(), 2).unwrap(), 1);
    let error = |seed: u64, name: &'static str, groups: usize| {
        let directory = directory.path();
        let build = || -> Result<_, BoxError> {
            let ctx = StreamingContext::builder("other")
                .seed(seed)
                .key_groups(groups)
                .build()?;
            ctx.from_iter(1..=20u64, 1)
                .map(|n| (n % 3, n))
                .update_state_by_key(|_, _, _| Some(String::new()))
                .named(name)
                .for_each_batch(|_, _| Ok(()));
            Ok(ctx)
        };
        let ctx = StreamingContext::recover_or(directory, build).unwrap();
        ctx.into_driver().unwrap_err().to_string()
    };
    let changed = error(0, "sums", 4);
    assert!(
        changed
            .ends_with("operator sums has the types [\"u64\", \"u64\"] in the checkpoint and [\"u64\", \"string\"] in the program"),
        "{changed}"
    );
    assert!(changed.contains("manifest"), "{changed}");
    assert!(error(0, "totals", 4).ends_with(
        "state of operator sums, but the program has no operator of this name with state"
    ));
    assert!(error(1, "sums", 4).ends_with("the seed is 0 in the checkpoint and 1 in the program"));
    assert!(
        error(0, "sums", 5)
            .ends_with("the number of key groups is 4 in the checkpoint and 5 in the program")
    );
}

#[test]
fn what_cannot_be_kept_is_refused_before_the_first_batch() {
    #[derive(Clone)]
    struct Plain;
    let directory = tempfile::tempdir().unwrap();
    let builder = || {
        let builder = StreamingContext::builder("refused");
        builder
            .checkpoint(directory.path(), Every::batches(1))
            .build()
            .unwrap()
    };
    let ctx = builder();
    ctx.from_iter(0..3u64, 1)
        .map(|n| (n, ()))
        .update_state_by_key(|_, _, _| Some(Plain))
        .for_each_batch(|_, _| Ok(()));
    let error = ctx.into_driver().unwrap_err().to_string();
    assert!(
        error.contains("update_state_by_key-2 keeps ") && error.contains("Plain"),
        "{error}"
    );

    let ctx = builder();
    let (_inlet, items) = ctx.channel::<u64>(8);
    items.print();
    let error = ctx.into_driver().unwrap_err().to_string();
    assert!(error.contains("cannot be read again"), "{error}");
}

#[test]
fn a_checkpoint_that_cannot_be_written_ends_the_stream_with_the_cause() {
    let directory = tempfile::tempdir().unwrap();
    let mut driver = sums(directory.path(), 2).unwrap();
    fs::write(
        directory.path().join(".part-00000000000000001000"),
        b"a file",
    )
    .unwrap();
    let error = driver.step(driver.next_time()).unwrap_err().to_string();
    assert!(error.contains("operator checkpoint failed"), "{error}");
}

/// A checkpoint of format version 2 after three batches of `sums`, stored with the tests.
fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/stream/checkpoint_v2")
}

const GOLDEN: &str = "batch-00000000000000003000";

fn goes_on_from(golden: &Path) {
    let directory = tempfile::tempdir().unwrap();
    let copy = directory.path().join(GOLDEN);
    fs::create_dir(&copy).unwrap();
    for (path, bytes) in files(golden) {
        fs::write(copy.join(path.file_name().unwrap()), bytes).unwrap();
    }
    let mut driver = sums(directory.path(), 3).unwrap();
    assert_eq!(driver.last_time().unwrap().as_millis(), 3_000);
    steps(&mut driver, 1);
    drop(driver);
    // And what it has written since is what a stream writes that was never interrupted.
    let unbroken = tempfile::tempdir().unwrap();
    steps(&mut sums(unbroken.path(), 3).unwrap(), 4);
    let newest = |directory: &Path| {
        let files = files(&directory.join("batch-00000000000000004000"));
        files.into_values().collect::<Vec<_>>()
    };
    assert_eq!(newest(directory.path()), newest(unbroken.path()));
}

#[test]
fn a_checkpoint_of_another_format_version_is_refused_and_the_stream_does_not_start_over() {
    for version in [1u8, 3] {
        let directory = tempfile::tempdir().unwrap();
        steps(&mut sums(directory.path(), 2).unwrap(), 3);
        let manifest = directory.path().join(GOLDEN).join("manifest");
        let mut bytes = fs::read(&manifest).unwrap();
        bytes[8] = version;
        let header = crc32fast::hash(&bytes[..12]).to_le_bytes();
        bytes[12..16].copy_from_slice(&header);
        fs::write(&manifest, bytes).unwrap();
        let error = sums(directory.path(), 2).unwrap_err().to_string();
        let expected = format!("has format version {version}, this program reads version 2");
        assert!(error.contains(&expected), "{error}");
    }
}

#[test]
fn checkpoints_of_format_version_2_stay_readable() {
    let golden = golden();
    let directory = tempfile::tempdir().unwrap();
    steps(&mut sums(directory.path(), 2).unwrap(), 3);
    let written = files(&directory.path().join(GOLDEN));
    if std::env::var_os("FOREBAY_WRITE_GOLDEN").is_some() {
        fs::create_dir_all(&golden).unwrap();
        for (path, bytes) in written {
            fs::write(golden.join(path.file_name().unwrap()), bytes).unwrap();
        }
        return;
    }
    goes_on_from(&golden);
    // What the same batch writes today is byte for byte what it wrote then.
    let then = files(&golden);
    assert_eq!(
        then.values().collect::<Vec<_>>(),
        written.values().collect::<Vec<_>>()
    );
}
