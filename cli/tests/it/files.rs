//! What is written to files: when, under which names, and never over an input.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;

use crate::support::{Run, command, forebay};

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("log"), "p\nq\n").expect("there is room");
    folder
}

/// Runs `forebay` in a folder.
fn run_in(folder: &Path, args: &str) -> Run {
    let output = command(args)
        .current_dir(folder)
        .output()
        .expect("it starts");
    Run {
        status: output.status.code().expect("it was not killed"),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").file_name().display().to_string())
        .collect();
    names.sort();
    names
}

#[test]
fn what_cannot_be_written_is_told_before_the_input_is_read_and_results_are_printed() {
    let folder = folder();
    for args in [
        "top --save no/file",
        "sample -n 1 --save no/file",
        "stream -q --report no/file",
    ] {
        let mut child = command(args)
            .current_dir(folder.path())
            .spawn()
            .expect("it starts");
        let mut messages = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut line = String::new();
        // Nothing was written to its input yet.
        messages.read_line(&mut line).expect("text");
        let start = "forebay: cannot write no/file at present: ";
        assert!(line.starts_with(start), "{args}: {line}");
        let mut input = child.stdin.take().expect("a pipe");
        input.write_all(b"ebb\n").expect("it reads its input");
        drop(input);
        let (mut results, mut rest) = (String::new(), String::new());
        let mut output = child.stdout.take().expect("a pipe");
        output.read_to_string(&mut results).expect("text");
        messages.read_to_string(&mut rest).expect("text");
        assert_eq!(child.wait().expect("it ends").code(), Some(1), "{args}");
        assert!(results.contains("ebb"), "{args}: {results}");
        assert!(
            rest.starts_with("forebay: cannot write no/file: "),
            "{rest}"
        );
    }
}

#[test]
fn results_are_printed_even_if_the_summary_cannot_be_saved() {
    let folder = folder();
    fs::write(folder.path().join("bytes"), b"\xff\n").expect("there is room");
    let run = run_in(
        folder.path(),
        "top --save s --save-as datasketches --format csv bytes",
    );
    assert_eq!(
        (run.status, run.stdout.as_str(), run.stderr.as_str()),
        (
            1,
            "item,lower,upper,share\n\u{fffd},1,1,1.0\n",
            "forebay: cannot write s: an item is not valid UTF-8\n"
        )
    );
    assert_eq!(names(folder.path()), ["bytes", "log"]);
}

#[test]
fn the_summary_is_saved_even_if_nobody_reads_the_results() {
    let folder = folder();
    let mut child = command("top --save s log")
        .current_dir(folder.path())
        .spawn()
        .expect("it starts");
    drop(child.stdout.take());
    assert!(child.wait().expect("it ends").success());
    let merged = run_in(folder.path(), "merge --format csv s").quiet_success();
    assert_eq!(merged, "item,lower,upper,share\np,1,1,0.5\nq,1,1,0.5\n");
}

#[cfg(unix)]
#[test]
fn an_output_is_never_an_input() {
    let folder = folder();
    fs::hard_link(folder.path().join("log"), folder.path().join("twin")).expect("a link");
    std::os::unix::fs::symlink("log", folder.path().join("link")).expect("a link");
    fs::write(folder.path().join("token"), "s3cret").expect("there is room");
    for args in [
        "top log --save log",
        "top log --save ./log",
        "top log --save twin",
        "top link --save log",
        "top log --save link",
        "sample -n 1 log --save ./log",
        "stream -q log --report log",
        "stream -q log --serve 0 --serve-token-file token --report token",
    ] {
        let message = run_in(folder.path(), args).failure(2);
        assert!(message.contains("is an input too"), "{args}: {message}");
    }
    // By way of standard input.
    let log = fs::File::open(folder.path().join("log")).expect("it is there");
    let output = command("top --save log")
        .current_dir(folder.path())
        .stdin(log)
        .output()
        .expect("it starts");
    assert_eq!(output.status.code(), Some(2));
    let read = |name| fs::read_to_string(folder.path().join(name)).expect("it is there");
    assert_eq!(
        (read("log"), read("token")),
        ("p\nq\n".into(), "s3cret".into())
    );
}

#[test]
fn merged_files_may_be_replaced_by_their_merge() {
    let folder = folder();
    run_in(folder.path(), "top --save all log").quiet_success();
    for _ in 0..2 {
        run_in(folder.path(), "top --save day log").quiet_success();
        run_in(folder.path(), "merge all day --save all").quiet_success();
    }
    let merged = run_in(folder.path(), "merge --format csv all").quiet_success();
    assert_eq!(merged, "item,lower,upper,share\np,3,3,0.5\nq,3,3,0.5\n");
}

#[cfg(unix)]
#[test]
fn modes_and_links_are_kept_and_files_of_other_names_left_alone() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let mode = |name| {
        fs::metadata(path(name))
            .expect("it is there")
            .permissions()
            .mode()
            & 0o777
    };
    run_in(folder.path(), "top --save s log").quiet_success();
    assert_eq!(mode("s"), 0o600, "a new file is for its user alone");
    fs::set_permissions(path("s"), fs::Permissions::from_mode(0o640)).expect("its owner may");
    // Someone else's file, by the name that was used once; it is neither taken nor followed.
    fs::write(path("victim"), "theirs").expect("there is room");
    symlink("victim", path("s.partial")).expect("a link");
    symlink("later", path("l")).expect("a link");
    for target in ["s", "l"] {
        run_in(folder.path(), &format!("top --save {target} log")).quiet_success();
    }
    assert_eq!((mode("s"), mode("later")), (0o640, 0o600));
    assert_eq!(fs::read(path("victim")).expect("it is there"), b"theirs");
    assert!(
        fs::symlink_metadata(path("l"))
            .expect("it is there")
            .is_symlink()
    );
    assert_eq!(
        names(folder.path()),
        ["l", "later", "log", "s", "s.partial", "victim"]
    );
}

#[test]
fn two_runs_at_a_time_may_save_under_one_name() {
    let folder = folder();
    for _ in 0..10 {
        let start = || {
            command("top --save s log")
                .current_dir(folder.path())
                .spawn()
                .expect("it starts")
        };
        for child in [start(), start()] {
            let output = child.wait_with_output().expect("it ends");
            assert!(output.status.success(), "{output:?}");
        }
    }
    assert_eq!(names(folder.path()), ["log", "s"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_is_full_leaves_the_old_file_and_no_other() {
    let folder = folder();
    run_in(folder.path(), "top --save s log").quiet_success();
    let before = fs::read(folder.path().join("s")).expect("it is there");
    let script = "trap '' XFSZ; ulimit -f 1; seq 20000 | \"$0\" top -k 20000 --save s";
    let output = std::process::Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_forebay")])
        .current_dir(folder.path())
        .output()
        .expect("a shell");
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(
        message.contains("cannot write s: File too large"),
        "{message}"
    );
    assert!(!output.stdout.is_empty(), "the results are printed");
    assert_eq!(
        fs::read(folder.path().join("s")).expect("it is there"),
        before
    );
    assert_eq!(names(folder.path()), ["log", "s"]);
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_saved_to_standard_output_follows_the_results() {
    let folder = folder();
    let results = run_in(folder.path(), "top log").quiet_success();
    for path in ["/dev/stdout", "/proc/self/fd/1"] {
        let out = fs::File::create(folder.path().join("out")).expect("there is room");
        let status = command(&format!("top log --save {path}"))
            .current_dir(folder.path())
            .stdout(out)
            .status();
        assert!(status.expect("it starts").success());
        let written = fs::read(folder.path().join("out")).expect("it is there");
        let saved = written.strip_prefix(results.as_bytes()).expect("both");
        fs::write(folder.path().join("saved"), saved).expect("there is room");
        let merged = run_in(folder.path(), "merge saved").quiet_success();
        assert_eq!(merged, results, "{path}");
    }
}

#[cfg(unix)]
#[test]
fn pipes_devices_and_folders_are_refused_where_a_file_is_expected() {
    let folder = folder();
    let made = std::process::Command::new("mkfifo")
        .arg(folder.path().join("fifo"))
        .status();
    assert!(made.expect("mkfifo can be run").success());
    for what in ["fifo", ".", "/dev/zero"] {
        for args in [
            format!("merge {what}"),
            format!("stream --serve 0 --serve-token-file {what} log"),
        ] {
            let message = run_in(folder.path(), &args).failure(1);
            assert!(
                message.starts_with(&format!("forebay: cannot read {what}: ")),
                "{message}"
            );
        }
        if what != "." {
            for option in ["--checkpoint", "--state-dir"] {
                let args = format!("stream -q {option} {what} log");
                let message = run_in(folder.path(), &args).failure(1);
                assert!(
                    message.starts_with(&format!("forebay: cannot write {what}: ")),
                    "{message}"
                );
            }
        }
    }
    fs::write(folder.path().join("large"), "x".repeat(5_000)).expect("there is room");
    let args = "stream --serve 0 --serve-token-file large log";
    let message = run_in(folder.path(), args).failure(1);
    assert!(message.contains("larger than 4096 bytes"), "{message}");
}

#[cfg(unix)]
#[test]
fn an_output_that_cannot_be_written_is_an_error() {
    let folder = folder();
    // Open, but for reading.
    let log = fs::File::open(folder.path().join("log")).expect("it is there");
    let mut cases = vec![log];
    cases.extend(fs::File::options().write(true).open("/dev/full"));
    for out in cases {
        let output = command("top log")
            .current_dir(folder.path())
            .stdout(out)
            .output()
            .expect("it starts");
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(
            message.starts_with("forebay: cannot write the output: "),
            "{message}"
        );
    }
}

#[test]
fn a_saved_summary_can_be_read_from_standard_input() {
    let folder = folder();
    let results = run_in(folder.path(), "top --save s log").quiet_success();
    let saved = fs::read(folder.path().join("s")).expect("it is there");
    assert_eq!(forebay("merge -", &saved).quiet_success(), results);
    let message = forebay("merge -", "plain text").failure(1);
    assert!(
        message.contains("standard input is not a saved summary"),
        "{message}"
    );
    // No more is read of it than shows that.
    let mut child = command("merge -").spawn().expect("it starts");
    let mut pipe = child.stdin.take().expect("a pipe");
    pipe.write_all(&[b'x'; 4096]).expect("it reads its input");
    assert_eq!(child.wait().expect("it ends").code(), Some(1));
}
