//! Every pair of options of every subcommand runs, or is refused before anything is opened.
//!
//! The pairs are those of the argument parser, so that an option that is added is tried with all
//! others. Only the values below are not known to the parser.

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use clap::{Arg, ArgAction, CommandFactory, Parser};

use super::Args;

/// The arguments for the process that a test starts: this test program itself.
const PAIR: &str = "FOREBAY_TESTED_PAIR";

/// What makes a run of each subcommand, besides options.
const RUNS: [(&str, &[&str]); 6] = [
    ("top", &["lines"]),
    ("sample", &["-n", "2", "lines"]),
    ("stream", &["lines"]),
    // Instead of a file.
    ("stream", &["--generate", "20"]),
    ("state", &["../kept"]),
    ("merge", &["../saved"]),
];

/// A value for an option; `None` if it takes none.
fn value(option: &Arg, subcommand: &str) -> Option<String> {
    if matches!(option.get_action(), ArgAction::SetTrue) {
        return None;
    }
    let first = option.get_possible_values().into_iter().next_back();
    let known = first.map(|value| value.get_name().to_owned());
    let id = option.get_id().as_str();
    Some(known.unwrap_or_else(|| {
        match id {
            "field" | "by_field" | "weight_field" | "time_field" => "1",
            "delimiter" => ",",
            "every" | "interval" => "10ms",
            "window" if subcommand == "top" => "20ms",
            "window" => "2",
            "half_life" | "confidence" => "0.5",
            "estimates" => "count",
            "save" => "new-save",
            "report" => "new-report",
            "checkpoint" => "new-checkpoint",
            "state_dir" => "new-state",
            "serve" => "0",
            "serve_token_file" => "token",
            "generate" => "20",
            "top" | "samples" | "state_memory" | "seed" | "threads" | "partitions" | "jobs"
            | "k" | "n" | "batch_lines" => "3",
            other => panic!("give a value for the new option {other}"),
        }
        .to_owned()
    }))
}

/// All pairs of options of a subcommand, and each option alone; with each of the options in `rest`.
fn runs(name: &str, rest: &[&str]) -> Vec<Vec<String>> {
    let command = Args::command();
    let command = command.find_subcommand(name).expect("a subcommand");
    let options: Vec<Vec<String>> = command
        .get_arguments()
        .filter(|option| !option.is_positional() && !rest.contains(&flag(option).as_str()))
        .map(|option| [Some(flag(option)), value(option, name)])
        .map(|words| words.into_iter().flatten().collect())
        .collect();
    let is_pair_already = rest[0].starts_with("--");
    let mut runs = Vec::new();
    for (at, first) in options.iter().enumerate() {
        let others = if is_pair_already {
            &[]
        } else {
            &options[at + 1..]
        };
        for second in [Vec::new()].iter().chain(others) {
            let words = [name].into_iter().chain(rest.iter().copied());
            let mut run: Vec<String> = words.map(str::to_owned).collect();
            run.extend(first.iter().chain(second).cloned());
            runs.push(run);
        }
    }
    runs
}

fn flag(option: &Arg) -> String {
    match option.get_long() {
        Some(long) => format!("--{long}"),
        None => format!("-{}", option.get_short().expect("an option has a name")),
    }
}

/// The names of all files in a folder.
fn names(folder: &Path) -> BTreeSet<OsString> {
    let entries = fs::read_dir(folder).expect("a folder");
    entries
        .map(|entry| entry.expect("an entry").file_name())
        .collect()
}

/// The exit code and the messages of this test program as `forebay`.
fn forebay(folder: &Path, run: &[String]) -> (Option<i32>, String) {
    let output = Command::new(env::current_exe().expect("this program"))
        .args(["--exact", "args::pairs::as_the_program", "--nocapture"])
        .env(PAIR, run.join("\n"))
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .expect("it starts");
    let messages = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), messages)
}

/// The program, in a process that a test below starts; nothing otherwise.
#[test]
fn as_the_program() {
    if let Ok(pair) = env::var(PAIR) {
        let args = Args::parse_from(["forebay"].into_iter().chain(pair.split('\n')));
        std::process::exit(crate::run(&args).into());
    }
}

/// Writes what runs read.
fn write_input(folder: &Path) {
    fs::write(folder.join("lines"), "1\n2\n1\n").expect("there is room");
    fs::write(folder.join("token"), "s3cret\n").expect("there is room");
}

/// Tries a run in a folder of its own within `folder`.
fn try_run(folder: &Path, run: &[String]) {
    let folder = tempfile::tempdir_in(folder).expect("there is room");
    let folder = folder.path();
    write_input(folder);
    let before = names(folder);
    let (code, messages) = forebay(folder, run);
    match code {
        Some(0) => {}
        Some(2) => {
            assert_eq!(before, names(folder), "{run:?}: {messages}");
            assert!(!messages.contains("serving at"), "{run:?}: {messages}");
        }
        _ => panic!("{run:?} ended with {code:?}: {messages}"),
    }
}

#[test]
fn every_pair_of_options_runs_or_is_refused_before_anything_is_opened() {
    let folder = tempfile::tempdir().expect("a folder");
    write_input(folder.path());
    for run in [
        "top --save saved lines",
        "stream -q --checkpoint kept lines",
    ] {
        let words: Vec<String> = run.split(' ').map(str::to_owned).collect();
        let (code, messages) = forebay(folder.path(), &words);
        assert_eq!(code, Some(0), "{run}: {messages}");
    }
    let is_taken = |run: &Vec<String>| {
        // What the parser refuses opens nothing.
        let words = ["forebay"]
            .into_iter()
            .chain(run.iter().map(String::as_str));
        Args::try_parse_from(words).is_ok()
    };
    let all = RUNS.iter().flat_map(|(name, rest)| runs(name, rest));
    let taken: Vec<_> = all.filter(is_taken).collect();
    assert!(taken.len() > 300, "{} pairs", taken.len());
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(run) = taken.get(next.fetch_add(1, Ordering::Relaxed)) {
                    try_run(folder.path(), run);
                }
            });
        }
    });
}
