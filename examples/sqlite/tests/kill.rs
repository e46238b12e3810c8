//! The program is killed at random moments and started again, with another number of partitions
//! each time, and files arrive while it is down; the table is then that of a run without any of
//! that.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// How many kills there are: `FOREBAY_KILLS`, or else 20.
fn wanted() -> u64 {
    std::env::var("FOREBAY_KILLS").map_or(20, |kills| kills.parse().expect("a number"))
}

/// Runs the program, killed after so long; says whether it was killed before it had ended.
fn run(directory: &Path, partitions: u64, at_most: Option<Duration>) -> bool {
    let mut child = Command::new(env!("CARGO_BIN_EXE_forebay-sqlite"))
        .arg(directory)
        .arg(partitions.to_string())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    if let Some(time) = at_most {
        sleep(time);
        child.kill().unwrap();
    }
    let status = child.wait().unwrap();
    assert!(status.code().is_none() || status.success(), "{status}");
    status.code().is_none()
}

fn counts(directory: &Path) -> BTreeMap<String, i64> {
    let database = rusqlite::Connection::open(directory.join("counts.sqlite")).unwrap();
    let mut rows = database.prepare("SELECT word, count FROM counts").unwrap();
    let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.unwrap().map(Result::unwrap).collect()
}

/// Counted without a stream.
fn truth(input: &Path) -> BTreeMap<String, i64> {
    let mut truth = BTreeMap::new();
    for file in fs::read_dir(input).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        for word in text.split_whitespace() {
            *truth.entry(word.to_string()).or_insert(0) += 1;
        }
    }
    truth
}

/// A file arrives, whole.
fn arrive(directory: &Path, number: u64) {
    let (aside, input) = (directory.join("arriving"), directory.join("input"));
    if input.exists() {
        fs::write(&aside, "ebb flow late\n".repeat(150)).unwrap();
        fs::rename(aside, input.join(format!("late-{number}.txt"))).unwrap();
    }
}

#[test]
fn every_word_is_in_the_table_once_whatever_was_killed() {
    let root = tempfile::tempdir().unwrap();
    let (mut kills, mut rounds, mut state) = (0, 0, 5u64);
    let wanted = wanted();
    while kills < wanted {
        rounds += 1;
        let directory = root.path().join(rounds.to_string());
        fs::create_dir(&directory).unwrap();
        let mut partitions = 3;
        loop {
            // Numerical Recipes' generator, for moments only.
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let moment = Duration::from_micros((state >> 33) % 120_000);
            if !run(&directory, partitions, (kills < wanted).then_some(moment)) {
                break;
            }
            kills += 1;
            partitions = 1 + kills % 5;
            arrive(&directory, kills);
        }
        assert_eq!(counts(&directory), truth(&directory.join("input")));
    }
    println!("{kills} kills in {rounds} runs");
}
