//! Tests that need more than `cargo test`: a peer, a browser, time.

use std::fs;

use crate::call::{Call, call, cargo, not_tested};
use crate::tools::{self, DATASKETCHES, FUZZ};
use crate::{Failure, Task};

/// The profile and features that `cargo test --all-features` builds with: what it has built is used.
pub(crate) const AS_TESTED: [&str; 3] = ["--profile", "test", "--all-features"];

/// Images are written by one side and read by the other, both ways.
pub(crate) fn interop(task: &Task) -> Result<(), Failure> {
    if let Err(failure) = tools::need(&[&DATASKETCHES]) {
        not_tested(&format!("{failure}; the fixtures in tests/it stand for it"));
        return Ok(());
    }
    let images = task.workspace.target.join("interop");
    if images.exists() {
        fs::remove_dir_all(&images)?;
    }
    fs::create_dir_all(&images)?;
    let peer = |act: &str| {
        let call = tools::python(&["tests/interop/peer.py", act]).args([&images]);
        call.env("PYTHONDONTWRITEBYTECODE", "1").run()
    };
    peer("write")?;
    cargo([
        "test",
        "--package",
        "forebay",
        "--all-features",
        "--test",
        "it",
        "images_are_exchanged_with_the_python_peer",
    ])
    .env("FOREBAY_INTEROP", &images)
    .run()?;
    peer("check")
}

pub(crate) fn page(task: &Task) -> Result<(), Failure> {
    if !["chromium", "chromium-browser", "google-chrome"]
        .iter()
        .any(|name| tools::debian(name, "chromium"))
    {
        not_tested("the live page: there is no Chromium here, and none could be installed");
        return Ok(());
    }
    cargo(["build", "--quiet", "--bin", "forebay"])
        .args(AS_TESTED)
        .run()?;
    let program = task.workspace.target.join("debug/forebay");
    call("sh")
        .args(["tests/page/run.sh"])
        .env("FOREBAY", program)
        .run()
}

pub(crate) fn sqlite(task: &Task) -> Result<(), Failure> {
    sqlite_call(task).run()
}

fn sqlite_call(task: &Task) -> Call {
    cargo([
        "test",
        "--manifest-path",
        "examples/sqlite/Cargo.toml",
        "--target-dir",
    ])
    .args([&task.workspace.target])
}

/// Runs a program under `panic = "abort"`, a profile that tests cannot have.
pub(crate) fn abort(task: &Task) -> Result<(), Failure> {
    cargo([
        "run",
        "--quiet",
        "--manifest-path",
        "tests/abort/Cargo.toml",
        "--target-dir",
    ])
    .args([&task.workspace.target])
    .run()
}

pub(crate) fn conformance(_: &Task) -> Result<(), Failure> {
    cargo([
        "test",
        "--all-features",
        "--test",
        "conformance",
        "--",
        "--nocapture",
    ])
    .run()
}

pub(crate) fn stats(task: &Task) -> Result<(), Failure> {
    printing(
        task,
        "stats",
        &["--release"],
        "FOREBAY_SOAK",
        task.arg_or(0, "10"),
    )
}

pub(crate) fn kills(task: &Task) -> Result<(), Failure> {
    for test in ["durability", "kills"] {
        printing(task, test, &[], "FOREBAY_KILLS", task.arg_or(0, "200"))?;
    }
    Ok(())
}

/// The one ignored test: it writes the files that another test reads.
pub(crate) fn fixtures(_: &Task) -> Result<(), Failure> {
    cargo(["test", "--package", "forebay-cli", "--test", "it"])
        .args(["--", "--ignored", "files_of_this_version_are_written"])
        .run()
}

/// All that is done to streams and summaries so that they fail, at length; the gate does a part.
pub(crate) fn attack(task: &Task) -> Result<(), Failure> {
    kills(task)?;
    let kills = task.arg_or(0, "200");
    sqlite_call(task).env("FOREBAY_KILLS", kills).run()?;
    let library = ["test", "--package", "forebay", "--all-features"];
    let of_the_library = [
        ["--lib", "faults::"],
        ["--lib", "clock_tests::"],
        ["--test=it", "panics::"],
        ["--test=it", "stream::repeated::"],
        ["--test=it", "stream::twin::"],
    ];
    for words in of_the_library {
        cargo(library)
            .args(words)
            .args(["--", "--nocapture"])
            .env("FOREBAY_FAULTS", "5000")
            .env("PROPTEST_CASES", "2000")
            .run()?;
    }
    for words in ["panics::", "clear::"] {
        cargo(["test", "--package", "forebay-stats", words])
            .env("FOREBAY_SOAK", "10")
            .run()?;
    }
    Ok(())
}

pub(crate) fn soak(task: &Task) -> Result<(), Failure> {
    printing(
        task,
        "durability",
        &["--release"],
        "FOREBAY_SOAK_SECONDS",
        task.arg_or(0, "3600"),
    )
}

/// Runs the tests of this name, of every crate that has one, and shows what they print.
fn printing(
    task: &Task,
    test: &str,
    args: &[&str],
    name: &str,
    value: &str,
) -> Result<(), Failure> {
    for package in task.workspace.with_target("test", test) {
        cargo([
            "test",
            "--all-features",
            "--package",
            &package.name,
            "--test",
            test,
        ])
        .args(args)
        .args(["--", "--nocapture"])
        .env(name, value)
        .run()?;
    }
    Ok(())
}

pub(crate) fn fuzz(task: &Task) -> Result<(), Failure> {
    tools::need(&[&FUZZ])?;
    let Some(target) = task.args.first() else {
        return cargo(["fuzz", "list"]).run();
    };
    let time = format!("-max_total_time={}", task.arg_or(1, "60"));
    cargo(["fuzz", "run", "--sanitizer", "none", target, "--", &time]).run()
}

pub(crate) fn mutants(task: &Task) -> Result<(), Failure> {
    if !crate::call::is_installed("cargo-mutants") {
        return Err(
            "cargo-mutants is missing, `cargo install --locked cargo-mutants` builds it".into(),
        );
    }
    let files = task.arg_or(0, "src/sample/*.rs");
    cargo([
        "mutants",
        "-f",
        files,
        "--all-features",
        "--test-package",
        "forebay,forebay-stats",
        "--",
        "--lib",
        "--test",
        "it",
        "--test",
        "stats",
    ])
    .run()
}

pub(crate) fn accuracy(_: &Task) -> Result<(), Failure> {
    cargo(["run", "--release", "--example", "accuracy"]).run()
}
