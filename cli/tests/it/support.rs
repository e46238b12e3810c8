//! Running the binary and reading its output.

use std::collections::HashMap;
use std::hash::Hash;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;

use serde_json::Value;

/// The outcome of a run of the binary.
#[derive(Debug, PartialEq)]
pub(crate) struct Run {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// The standard output of a run that succeeded without messages.
    #[track_caller]
    pub(crate) fn quiet_success(self) -> String {
        assert_eq!((self.status, self.stderr.as_str()), (0, ""));
        self.stdout
    }

    /// The message of a run that failed with this status and without output.
    #[track_caller]
    pub(crate) fn failure(self, status: i32) -> String {
        assert_eq!((self.status, self.stdout.as_str()), (status, ""));
        self.stderr
    }
}

pub(crate) fn command(args: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_forebay"));
    command
        .args(args.split_whitespace())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs `forebay` with these arguments, separated by spaces, and this standard input.
pub(crate) fn forebay(args: &str, stdin: impl AsRef<[u8]>) -> Run {
    let mut child = command(args).spawn().expect("the binary starts");
    let mut pipe = child.stdin.take().expect("standard input is a pipe");
    let stdin = stdin.as_ref();
    let output = thread::scope(|scope| {
        // The run may end before it has read everything.
        scope.spawn(move || pipe.write_all(stdin));
        child.wait_with_output().expect("the binary ends")
    });
    Run {
        status: output.status.code().expect("it was not killed"),
        stdout: String::from_utf8(output.stdout).expect("output is UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("messages are UTF-8"),
    }
}

#[track_caller]
pub(crate) fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("one JSON value")
}

/// The path of a file of real input; `None`, with a message, if it is missing.
pub(crate) fn data(name: &str) -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let path = root.join("../shared/data").join(name);
    if path.exists() {
        Some(path)
    } else {
        eprintln!("skipped: {name} is not here");
        None
    }
}

pub(crate) fn read(path: &PathBuf) -> String {
    let bytes = std::fs::read(path).expect("the file can be read");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The sum of the weights of each key, exactly.
pub(crate) fn exact<K: Hash + Eq>(items: impl IntoIterator<Item = (K, u64)>) -> HashMap<K, u64> {
    let mut counts = HashMap::new();
    for (key, weight) in items {
        *counts.entry(key).or_insert(0) += weight;
    }
    counts
}

/// The keys from the heaviest down, equal weights in ascending order of the key.
pub(crate) fn ranked<K: Ord + Clone>(counts: &HashMap<K, u64>) -> Vec<(K, u64)> {
    let mut ranked: Vec<_> = counts.iter().map(|(k, &n)| (k.clone(), n)).collect();
    ranked.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    ranked
}

/// The words of a text by their definition, in the simplest way.
pub(crate) fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !(c.is_alphabetic() || c.is_numeric() || c == '\'' || c == '\u{2019}'))
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}
