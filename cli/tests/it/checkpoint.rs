//! `forebay stream --checkpoint` and `forebay state`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Run, command, forebay, json};

/// A directory, and a file of lines in it.
fn input() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    let lines = (0..5_000).map(|n| format!("w{} w{} {}\n", n % 7, n * n % 31, n / 50));
    let file = directory.path().join("lines");
    fs::write(&file, lines.collect::<String>()).expect("there is room");
    (directory, file)
}

fn stream(file: &Path, directory: Option<&Path>, more: &str) -> Run {
    let checkpoint =
        directory.map_or_else(String::new, |it| format!("--checkpoint {}", it.display()));
    let file = file.display();
    forebay(
        &format!("stream -q --format json --batch-lines 700 {checkpoint} {more} {file}"),
        "",
    )
}

#[test]
fn checkpoints_change_no_result_and_an_ended_stream_is_resumed() {
    let (directory, file) = input();
    let kept = directory.path().join("kept");
    for more in ["", "--window 3", "--field 2 --samples 0"] {
        let expected = stream(&file, None, more).quiet_success();
        let _ = fs::remove_dir_all(&kept);
        assert_eq!(stream(&file, Some(&kept), more).quiet_success(), expected);
        let again = stream(&file, Some(&kept), more);
        assert_eq!((again.status, &again.stdout), (0, &expected));
        let said = format!(
            "resuming from {}, after the batch of 8000 ms\n",
            kept.display()
        );
        assert_eq!(again.stderr, said);
        // Only the lines added since are read.
        let before = fs::read(&file).expect("it is there");
        fs::write(&file, [&before[..], b"w1 new one\n"].concat()).expect("there is room");
        let more_lines = json(&stream(&file, Some(&kept), more).stdout);
        assert_eq!(more_lines["records"], 5_001);
        fs::write(&file, before).expect("there is room");
    }
}

#[test]
fn a_stream_that_is_killed_and_resumed_has_the_result_of_an_unbroken_one() {
    let directory = tempfile::tempdir().expect("a directory");
    let args = |name: &str| {
        let kept = directory.path().join(name);
        let kept = kept.display();
        format!(
            "stream -q --format json --field 1 --window 9 --batch-lines 3000 --generate 150000 \
             --checkpoint {kept}"
        )
    };
    let expected = forebay(&args("unbroken"), "").quiet_success();
    let (mut kills, mut slowness) = (0, 1);
    let kept = directory.path().join("broken");
    let is_begun = || {
        let state = forebay(&format!("state {}", kept.display()), "");
        state.stdout.contains(" ms: whole")
    };
    // On a busy machine it takes longer to the first checkpoint.
    let delays = [40, 90, 20, 150, 60, 110, 30, 80].into_iter().cycle();
    for (round, after) in delays.enumerate() {
        if round >= 8 {
            if is_begun() {
                break;
            }
            slowness *= 2;
        }
        let mut child = command(&args("broken"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary starts");
        sleep(Duration::from_millis(after * slowness));
        child.kill().expect("it can be killed");
        let status = child.wait().expect("it ends");
        kills += usize::from(status.code().is_none());
    }
    let last = forebay(&args("broken"), "");
    assert_eq!(last.status, 0, "{}", last.stderr);
    assert_eq!(last.stdout, expected);
    assert!(
        kills > 0 && last.stderr.contains("resuming from"),
        "{kills} kills"
    );
}

#[test]
fn other_input_or_options_cannot_resume() {
    let (directory, file) = input();
    let kept = directory.path().join("kept");
    let checkpoint = format!("--checkpoint {}", kept.display());
    for input in ["", "-"] {
        let message = forebay(&format!("stream -q {checkpoint} {input}"), "a\n").failure(2);
        assert!(
            message.contains("standard input cannot be read again"),
            "{message}"
        );
    }
    stream(&file, Some(&kept), "").quiet_success();
    let other = stream(&file, Some(&kept), "--field 1");
    assert_eq!(other.status, 1);
    assert!(
        other.stderr.contains("the state of operator totals"),
        "{}",
        other.stderr
    );
    assert!(other.stderr.contains("field none"), "{}", other.stderr);
    let other = stream(&file, Some(&kept), "--seed 5");
    assert!(
        other
            .stderr
            .contains("the seed is 0 in the checkpoint and 5 in the program"),
        "{}",
        other.stderr
    );
    let message = forebay(
        &format!("stream -q --checkpoint {0} {0}", file.display()),
        "",
    )
    .failure(1);
    assert!(message.contains("lines"), "{message}");
}

#[test]
fn a_checkpoint_shows_its_operators_without_the_program_that_wrote_it() {
    let (directory, file) = input();
    let kept = directory.path().join("kept");
    let result = json(&stream(&file, Some(&kept), "").quiet_success());
    let table = forebay(&format!("state {}", kept.display()), "").quiet_success();
    assert!(table.starts_with("batch 8000 ms: whole, "), "{table}");
    assert!(table.contains("\ntotals"), "{table}");
    let rows = forebay(&format!("state --format json {}", kept.display()), "").quiet_success();
    let rows: Value = serde_json::from_str(&rows).expect("it is JSON");
    let newest = &rows[0];
    assert_eq!(
        (&newest["batch_time"], &newest["whole"]),
        (&Value::from(8_000), &Value::from(true))
    );
    let operators = newest["operators"].as_array().expect("a list");
    let counts = operators
        .iter()
        .find(|it| it["name"] == "counts")
        .expect("it is kept");
    assert_eq!(counts["keys"], result["keys"]);
    assert_eq!(counts["types"], serde_json::json!(["text", "u64"]));
    let files = newest["files"].as_array().expect("a list");
    let bytes: u64 = files
        .iter()
        .map(|file| file["bytes"].as_u64().expect("a number"))
        .sum();
    assert_eq!(newest["bytes"], bytes);
    let on_disk = |name: &Value| {
        let path = Path::new(newest["path"].as_str().expect("text"));
        fs::metadata(path.join(name.as_str().expect("text")))
            .expect("it is there")
            .len()
    };
    assert!(
        files
            .iter()
            .all(|file| on_disk(&file["name"]) == file["bytes"])
    );

    let manifest = Path::new(newest["path"].as_str().expect("text")).join("manifest");
    let mut damaged = fs::read(&manifest).expect("it is there");
    *damaged.last_mut().expect("it is not empty") ^= 1;
    fs::write(&manifest, damaged).expect("there is room");
    let run = forebay(&format!("state {}", kept.display()), "");
    assert_eq!(run.status, 1);
    assert!(
        run.stdout.contains("manifest is damaged: the checksum"),
        "{}",
        run.stdout
    );
    assert!(
        run.stderr.contains("of which 1 cannot be used"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_directory_without_checkpoints_is_an_error() {
    let (directory, file) = input();
    let message = forebay(&format!("state {}", directory.path().display()), "").failure(1);
    assert!(message.contains("has no checkpoints"), "{message}");
    let message = forebay(&format!("state {}/nowhere", directory.path().display()), "").failure(1);
    assert!(message.contains("nowhere: No such file"), "{message}");
    let message = forebay(&format!("state {}", file.display()), "").failure(1);
    assert!(message.contains("lines"), "{message}");
}
