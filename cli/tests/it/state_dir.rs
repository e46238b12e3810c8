//! `forebay stream --state-dir`.

use std::fs;
use std::path::PathBuf;

use crate::support::forebay;

/// A directory, and a file of lines in it.
fn input() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    let lines = (0..3_000).map(|n| format!("w{} w{} {}\n", n % 7, n * n % 31, n / 5));
    let file = directory.path().join("lines");
    fs::write(&file, lines.collect::<String>()).expect("there is room");
    (directory, file)
}

#[test]
fn state_on_disk_changes_no_result_and_leaves_nothing() {
    let (directory, file) = input();
    let state = directory.path().join("state");
    let args = format!(
        "stream -q --format json --batch-lines 500 {}",
        file.display()
    );
    let expected = forebay(&args, "").quiet_success();
    for memory in ["0", "1", "256"] {
        let on_disk = format!(
            "{args} --state-dir {} --state-memory {memory}",
            state.display()
        );
        assert_eq!(forebay(&on_disk, "").quiet_success(), expected, "{memory}");
        let left = fs::read_dir(&state).expect("it was made");
        let left: Vec<_> = left
            .map(|entry| entry.expect("it is there").file_name())
            .collect();
        assert_eq!(left, ["pages.lock"]);
    }
    // With checkpoints too; either kind of state can be resumed from them.
    let kept = directory.path().join("kept");
    let args = format!("{args} --checkpoint {}", kept.display());
    let on_disk = format!("{args} --state-dir {} --state-memory 0", state.display());
    assert_eq!(forebay(&on_disk, "").quiet_success(), expected);
    assert_eq!(forebay(&args, "").stdout, expected);
    assert_eq!(forebay(&on_disk, "").stdout, expected);
}

#[test]
fn output_from_state_on_disk_is_the_same_byte_for_byte() {
    let directory = tempfile::tempdir().expect("a directory");
    // More items than the smallest limit of memory allows, many with equal counts.
    let line = |n: usize| format!("k{} w{}\n", n * 7_919 % 2_700, n * n % 40);
    let file = directory.path().join("lines");
    fs::write(&file, (0..6_000).map(line).collect::<String>()).expect("there is room");
    let (state, page) = (
        directory.path().join("state"),
        directory.path().join("page"),
    );
    let on_disk = format!("--state-dir {} --state-memory 0", state.display());
    // The page after the charts, which show times.
    let results = || {
        let page = fs::read_to_string(&page).expect("it was written");
        let at = page.find("<h2>Heavy hitters").expect("it has a heading");
        page[at..].to_owned()
    };
    for shown in [
        "--top 0",
        "--top 0 --samples 0",
        "--top 1500",
        "--top 3",
        "",
    ] {
        for format in ["table", "json", "csv"] {
            let args = format!(
                "stream -q --batch-lines 2000 --format {format} {shown} --report {} {}",
                page.display(),
                file.display()
            );
            let expected = (forebay(&args, "").quiet_success(), results());
            let found = forebay(&format!("{args} {on_disk}"), "").quiet_success();
            assert_eq!((found, results()), expected, "{format} {shown}");
            if shown.starts_with("--top 0") {
                let items = (0..2_700).map(|n| format!("k{n}"));
                let is_there = |item: &String| expected.0.contains(item.as_str());
                assert_eq!(items.filter(is_there).count(), 2_700);
            }
        }
    }
}

#[test]
fn directories_that_cannot_hold_state_are_named() {
    let (directory, file) = input();
    let message = forebay(
        &format!("stream -q --state-dir {0} {0}", file.display()),
        "",
    )
    .failure(1);
    assert!(
        message.contains(&format!("cannot write {}: not a directory", file.display())),
        "{message}"
    );
    let below = file.join("below");
    let args = format!(
        "stream -q --state-dir {} {}",
        below.display(),
        file.display()
    );
    let message = forebay(&args, "").failure(1);
    assert!(message.contains("lines/below: "), "{message}");
    // A directory in use by another program.
    let taken = directory.path().join("taken");
    fs::create_dir(&taken).expect("there is room");
    let lock = fs::File::create(taken.join("pages.lock")).expect("there is room");
    lock.lock().expect("it is not locked");
    let args = format!(
        "stream -q --state-dir {} {}",
        taken.display(),
        file.display()
    );
    let message = forebay(&args, "").failure(1);
    assert!(
        message.contains("another stream keeps its state here"),
        "{message}"
    );
    drop(lock);
    forebay(&args, "").quiet_success();
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_named_as_that_whichever_thread_meets_it_first() {
    let (directory, file) = input();
    let script = "trap '' XFSZ; ulimit -f 40; exec \"$0\" \"$@\"";
    for _ in 0..5 {
        let args =
            "stream -q --field 3 --threads 4 --batch-lines 500 --state-memory 0 --state-dir d";
        let output = std::process::Command::new("sh")
            .args(["-c", script, env!("CARGO_BIN_EXE_forebay")])
            .args(args.split(' '))
            .arg(&file)
            .current_dir(directory.path())
            .output()
            .expect("a shell");
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(
            message.contains("d/pages.redb: I/O error: File too large"),
            "{message}"
        );
    }
}

#[test]
fn memory_without_a_directory_is_refused() {
    let (_directory, file) = input();
    let args = format!("stream -q --state-memory 5 {}", file.display());
    let message = forebay(&args, "").failure(2);
    assert!(message.contains("--state-dir"), "{message}");
    let args = format!(
        "stream -q --state-dir x --state-memory many {}",
        file.display()
    );
    let message = forebay(&args, "").failure(2);
    assert!(message.contains("many"), "{message}");
}
