//! State on disk: the directory, and more of it than there is memory for.

#[path = "../../../tests/support/everything.rs"]
mod everything;
#[path = "../../../tests/support/seen.rs"]
mod seen;

use std::fs;
use std::path::Path;

use everything::{everything, settings, unbroken};
use forebay::stream::{ContextBuilder, Driver, StartError, StreamingContext};
use forebay_redb::Disk;
use seen::{Seen, builder};

#[test]
fn every_operator_gives_the_same_on_disk() {
    let expected = unbroken(3);
    for limit in [0, 10_000] {
        let (directory, seen) = (tempfile::tempdir().unwrap(), everything::Seen::default());
        let disk = Disk::new(directory.path()).memory_limit(limit);
        let ctx = everything(settings(3).state_backend(disk), &seen);
        ctx.into_driver().unwrap().run_to_end().unwrap();
        assert_eq!(*seen.lock().unwrap(), *expected.lock().unwrap(), "{limit}");
    }
}

/// A stream with a state, which is in the directory as a whole.
fn stream(settings: ContextBuilder, directory: &Path) -> StreamingContext {
    let disk = Disk::new(directory).memory_limit(0);
    let ctx = settings.state_backend(disk).build().unwrap();
    ctx.batches(vec![(0..5_000u64).collect::<Vec<_>>(); 4])
        .map(|n| (n, 1u64))
        .update_state_by_key(|_, new, old| Some(old.unwrap_or(0) + new.sum::<u64>()))
        .named("ones")
        .for_each_batch(|_, _| Ok(()));
    ctx
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn state_error(started: Result<Driver, StartError>) -> String {
    match started {
        Err(StartError::State(error)) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_directory_belongs_to_one_stream_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("made/when/needed");
    let mut first = stream(builder(), &root).into_driver().unwrap();
    first.step(first.next_time()).unwrap();
    let error = state_error(stream(builder(), &root).into_driver());
    let expected = format!(
        "state in {}: another stream keeps its state here, in this process",
        root.display()
    );
    assert_eq!(error, expected);
    // The first goes on undisturbed, and leaves the directory to others.
    first.run_to_end().unwrap();
    drop(first);
    assert_eq!(names(&root), ["pages.lock"]);
    stream(builder(), &root)
        .into_driver()
        .unwrap()
        .run_to_end()
        .unwrap();
}

#[test]
fn what_an_earlier_run_has_left_does_not_count() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("pages.redb"), "torn by a kill").unwrap();
    fs::write(directory.path().join("notes"), "somebody else's").unwrap();
    let ctx = stream(builder(), directory.path());
    ctx.into_driver().unwrap().run_to_end().unwrap();
    assert_eq!(names(directory.path()), ["notes", "pages.lock"]);
}

#[test]
fn a_directory_that_cannot_be_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "no directory").unwrap();
    let error = state_error(stream(builder(), &file).into_driver());
    assert!(
        error.starts_with(&format!("state in {}: ", file.display())),
        "{error}"
    );
    let error = state_error(stream(builder(), &file.join("below")).into_driver());
    assert!(error.contains("file/below: "), "{error}");
    // A directory where the store should be.
    let taken = directory.path().join("taken");
    fs::create_dir_all(taken.join("pages.redb")).unwrap();
    let error = state_error(stream(builder(), &taken).into_driver());
    assert!(error.contains("pages.redb: "), "{error}");
}

#[test]
fn the_report_says_how_much_is_in_memory() {
    let sizes = |settings: ContextBuilder| {
        let ctx = settings.build().unwrap();
        let counts = ctx
            .batches([(0..9_000u64).map(|n| (n, n)).collect::<Vec<_>>()])
            .update_state_by_key(|_, mut new, old| new.next().or(old));
        let seen = Seen::of(&counts.count());
        let mut driver = ctx.into_driver().unwrap();
        let report = driver.step(driver.next_time()).unwrap();
        assert_eq!(seen.batches(), [[9_000]]);
        let state = report
            .operators()
            .iter()
            .find_map(forebay::stream::OperatorReport::state);
        state.unwrap()
    };
    let whole = sizes(builder());
    let directory = tempfile::tempdir().unwrap();
    let disk = |limit| builder().state_backend(Disk::new(directory.path()).memory_limit(limit));
    let half = sizes(disk(whole.bytes() / 2));
    let none = sizes(disk(0));
    assert_eq!((half.keys(), none.keys()), (whole.keys(), whole.keys()));
    assert!(half.bytes() <= whole.bytes() / 2 && half.bytes() > whole.bytes() / 4);
    assert_eq!(none.bytes(), 0);
}

#[cfg(unix)]
#[test]
fn what_is_made_is_for_the_owner_alone_and_a_fifo_is_no_lock() {
    use std::os::unix::fs::PermissionsExt;

    let directory = tempfile::tempdir().unwrap();
    let above = directory.path().join("made");
    let root = above.join("when/needed");
    let mut driver = stream(builder(), &root).into_driver().unwrap();
    driver.step(driver.next_time()).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!([mode(&above), mode(&root)], [0o700; 2]);
    let files = ["pages.lock", "pages.redb"].map(|name| mode(&root.join(name)));
    assert_eq!(files, [0o600; 2]);
    driver.run_to_end().unwrap();
    drop(driver);
    let lock = root.join("pages.lock");
    fs::remove_file(&lock).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&lock).status();
    assert!(made.unwrap().success());
    let error = state_error(stream(builder(), &root).into_driver());
    assert!(error.ends_with("not a regular file"), "{error}");
}
