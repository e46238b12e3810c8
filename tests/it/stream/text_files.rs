//! The directory of text files.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use forebay::stream::{BoxError, Every, FilesRead, Source, StreamingContext, TextFiles, inspect};

use super::{Seen, builder, context, millis};

fn put(directory: &Path, name: &str, content: &str, age: u64) {
    let path = directory.join(name);
    fs::write(&path, content).unwrap();
    let time = SystemTime::now() - Duration::from_secs(age);
    File::options()
        .append(true)
        .open(&path)
        .unwrap()
        .set_modified(time)
        .unwrap();
}

#[test]
fn files_are_read_once_in_order_of_age_and_path() {
    let directory = tempfile::tempdir().unwrap();
    let incoming = directory.path().join("incoming");
    let ctx = context();
    let (lines, warnings) = ctx.text_files_with_warnings(&incoming);
    let seen = Seen::of(&lines);
    let mut driver = ctx.into_driver().unwrap();
    driver.step(millis(1_000)).unwrap();
    assert_eq!(warnings.count(), 1);

    fs::create_dir(&incoming).unwrap();
    fs::create_dir(incoming.join("folder")).unwrap();
    put(&incoming, ".hidden", "no", 0);
    put(&incoming, "b", "b1\r\nb2", 10);
    put(&incoming, "a", "a1\n", 5);
    put(&incoming, "c", "c1\n", 10);
    driver.step(millis(2_000)).unwrap();
    put(&incoming, "a", "a again\n", 0);
    put(&incoming, "d", "d1\n", 100);
    driver.step(millis(3_000)).unwrap();
    fs::remove_dir_all(&incoming).unwrap();
    driver.step(millis(4_000)).unwrap();

    assert_eq!(warnings.count(), 2);
    let expected: [&[&str]; 4] = [&[], &["b1", "b2", "c1", "a1"], &["d1"], &[]];
    assert_eq!(seen.batches(), expected);
    assert!(!driver.is_finished());
}

/// Plans a batch and reads it; returns the position after it.
fn batch(files: &mut TextFiles, at: &FilesRead, limit: usize) -> (FilesRead, Vec<String>) {
    let plan = files.plan(std::slice::from_ref(at), limit).unwrap();
    let lines = files.read(0, &plan[0]).unwrap();
    (plan[0].end.clone(), lines)
}

fn start(directory: &Path) -> (TextFiles, FilesRead) {
    let mut files = TextFiles::new(directory);
    let at = files.start().unwrap().remove(0);
    (files, at)
}

fn whole(at: &FilesRead) -> Vec<&str> {
    let names = at.whole().map(|path| path.file_name().unwrap());
    names.map(|name| name.to_str().unwrap()).collect()
}

#[test]
fn a_name_is_forgotten_when_other_files_are_there_and_it_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let (mut files, at) = start(folder.path());
    put(folder.path(), "a", "a1\n", 2);
    put(folder.path(), "b", "b1\nb2\nb3\n", 1);
    let (at, lines) = batch(&mut files, &at, 2);
    assert_eq!((lines.concat().as_str(), whole(&at)), ("a1b1", vec!["a"]));
    let remove = |name: &str| fs::remove_file(folder.path().join(name)).unwrap();
    // Begun, it is not forgotten, and what is open can be read.
    remove("b");
    let (at, lines) = batch(&mut files, &at, 1);
    assert_eq!((lines.concat().as_str(), whole(&at)), ("b2", vec!["a"]));
    let (at, _) = batch(&mut files, &at, 9);
    assert_eq!(whole(&at), ["a", "b"]);
    // An empty directory may be one that is not mounted.
    fs::rename(folder.path().join("a"), folder.path().join(".a")).unwrap();
    let (at, _) = batch(&mut files, &at, 9);
    assert_eq!(whole(&at), ["a", "b"]);
    fs::rename(folder.path().join(".a"), folder.path().join("a")).unwrap();
    let (at, lines) = batch(&mut files, &at, 9);
    assert_eq!((lines.len(), whole(&at)), (0, vec!["a"]));
    // Somebody else of the same name.
    put(folder.path(), "b", "b4\n", 9);
    let (at, lines) = batch(&mut files, &at, 9);
    assert_eq!(
        (lines.concat().as_str(), whole(&at)),
        ("b4", vec!["a", "b"])
    );
}

#[test]
fn a_range_in_which_a_name_is_forgotten_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let (mut files, at) = start(folder.path());
    put(folder.path(), "a", "a1\n", 3);
    put(folder.path(), "b", "b1\nb2\n", 2);
    let (first, _) = batch(&mut files, &at, 2);
    fs::remove_file(folder.path().join("a")).unwrap();
    put(folder.path(), "c", "c1\nc2\n", 1);
    let (second, lines) = batch(&mut files, &first, 2);
    assert_eq!(
        (lines.concat().as_str(), whole(&second)),
        ("b2c1", vec!["b"])
    );
    let mut other = TextFiles::new(folder.path());
    other.start().unwrap();
    // As after a crash: the batch is read again, and the next one is planned.
    assert_eq!(other.read(0, &(first..second.clone())).unwrap(), lines);
    let (_, lines) = batch(&mut other, &second, 9);
    assert_eq!(lines, ["c2"]);
}

#[test]
fn positions_are_as_large_as_the_directory() {
    let directory = tempfile::tempdir().unwrap();
    let (incoming, checkpoints) = (directory.path().join("in"), directory.path().join("out"));
    fs::create_dir(&incoming).unwrap();
    let durable = builder().checkpoint(&checkpoints, Every::batches(1_000));
    let ctx = durable.build().unwrap();
    ctx.text_files(&incoming).for_each_batch(|_, _| Ok(()));
    let mut driver = ctx.into_driver().unwrap();
    for n in 0..500 {
        let path = incoming.join(format!("events-{n:06}.log"));
        fs::write(&path, "x\n").unwrap();
        let report = driver.step(driver.next_time()).unwrap();
        assert_eq!(report.items(), 1);
        fs::remove_file(path).unwrap();
    }
    driver.checkpoint().unwrap();
    let checkpoints = inspect(&checkpoints).unwrap();
    let contents = checkpoints[0].contents().unwrap();
    assert!(contents.operators()[0].bytes() < 1_000);
}

/// Somebody else takes files out of the directory, too.
#[test]
fn a_file_that_vanishes_is_neither_a_missing_directory_nor_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let incoming: PathBuf = directory.path().into();
    let ctx = builder().threads(1).build().unwrap();
    let (lines, warnings) = ctx.text_files_with_warnings(&incoming);
    lines.for_each_batch(|_, _| Ok(()));
    let mut driver = ctx.into_driver().unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let done = Arc::clone(&stop);
    let mover = thread::spawn(move || {
        for n in 0.. {
            let path = incoming.join(format!("upload-{n}"));
            fs::write(&path, "x\n").unwrap();
            fs::remove_file(&path).unwrap();
            if done.load(Ordering::Relaxed) {
                break;
            }
        }
    });
    let steps = (0..1_000).try_for_each(|_| driver.step(driver.next_time()).map(drop));
    stop.store(true, Ordering::Relaxed);
    mover.join().unwrap();
    steps.unwrap();
    assert_eq!(warnings.count(), 0);
}

#[test]
fn a_line_that_is_too_long_is_a_warning_wherever_a_file_is_cut() {
    let folder = tempfile::tempdir().unwrap();
    let long = "x".repeat(100_001);
    put(folder.path(), "a", &format!("one\n{long}\ntwo\n{long}"), 0);
    for limit in 1..=4 {
        let mut files = TextFiles::new(folder.path()).longest_line(100_000);
        let warnings = files.warnings();
        let (mut at, mut all) = (files.start().unwrap().remove(0), Vec::new());
        while at.whole().count() == 0 {
            let (next, mut lines) = batch(&mut files, &at, limit);
            let mut other = TextFiles::new(folder.path()).longest_line(100_000);
            assert_eq!(other.read(0, &(at..next.clone())).unwrap(), lines);
            all.append(&mut lines);
            at = next;
        }
        assert_eq!(all, ["one", "two"]);
        assert_eq!(warnings.count(), 2);
    }
    // The setting of the context is that of its inputs.
    let ctx = builder().longest_line(3).build().unwrap();
    let (lines, warnings) = ctx.text_files_with_warnings(folder.path());
    let seen = Seen::of(&lines);
    ctx.into_driver().unwrap().step(millis(1_000)).unwrap();
    assert_eq!(seen.batches().concat(), ["one", "two"]);
    assert_eq!(warnings.count(), 2);
}

/// They would be read for ever.
#[cfg(unix)]
#[test]
fn pipes_devices_and_links_are_passed_over_and_never_opened() {
    use std::os::unix::fs::symlink;
    use std::process::Command;

    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    symlink("/dev/zero", folder.path().join("device")).unwrap();
    put(folder.path(), "file", "1\n2\n", 0);
    let (mut files, at) = start(folder.path());
    let (at, lines) = batch(&mut files, &at, 1);
    assert_eq!(lines, ["1"]);
    // A pipe in the place of a file that was begun is no file.
    fs::rename(&pipe, folder.path().join("file")).unwrap();
    let mut other = TextFiles::new(folder.path());
    let error = other.plan(&[at], 1).unwrap_err().to_string();
    assert!(error.contains("it is no longer a regular file"), "{error}");
}

/// A stream goes on from a checkpoint whose position names files that are gone.
#[test]
fn a_recovered_stream_forgets_what_was_removed_while_it_was_away() {
    let directory = tempfile::tempdir().unwrap();
    let (incoming, checkpoints) = (directory.path().join("in"), directory.path().join("out"));
    fs::create_dir(&incoming).unwrap();
    let build = || {
        let durable = builder().checkpoint(&checkpoints, Every::batches(1));
        Ok::<_, BoxError>(durable.build()?)
    };
    let open = || {
        let ctx = StreamingContext::recover_or(&checkpoints, build).unwrap();
        let (lines, positions) = ctx.source_from(TextFiles::new(&incoming), None);
        let seen = Seen::of(&lines);
        (ctx.into_driver().unwrap(), seen, positions)
    };
    let (mut driver, _, _) = open();
    put(&incoming, "a", "a1\n", 2);
    put(&incoming, "b", "b1\n", 1);
    driver.step(driver.next_time()).unwrap();
    driver.checkpoint().unwrap();
    drop(driver);
    fs::remove_file(incoming.join("a")).unwrap();
    let (mut driver, seen, positions) = open();
    driver.step(driver.next_time()).unwrap();
    assert!(seen.batches().concat().is_empty());
    assert_eq!(whole(&positions.get()[0]), ["b"]);
}
