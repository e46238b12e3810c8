//! `cost`: what a build takes, by features.

use std::collections::BTreeSet;
use std::fs;
use std::time::Instant;

use crate::call::cargo;
use crate::{Failure, Task};

pub(crate) fn run(task: &Task) -> Result<(), Failure> {
    let target = task.workspace.target.join("cost");
    println!("| crate | features | crates | seconds |\n|---|---|---:|---:|");
    for package in task
        .workspace
        .packages
        .iter()
        .filter(|package| package.is_published())
    {
        for (name, flags) in [
            ("none", ["--no-default-features"].as_slice()),
            ("default", &[]),
            ("all", &["--all-features"]),
        ] {
            let tree = cargo([
                "tree",
                "--edges",
                "normal",
                "--prefix",
                "none",
                "--package",
                &package.name,
            ]);
            let tree = tree.args(flags).output()?;
            // What was listed before ends in `(*)`.
            let crates: BTreeSet<_> = tree
                .lines()
                .map(|line| line.trim_end_matches(" (*)"))
                .collect();
            if target.exists() {
                fs::remove_dir_all(&target)?;
            }
            let start = Instant::now();
            cargo([
                "build",
                "--quiet",
                "--package",
                &package.name,
                "--target-dir",
            ])
            .args([&target])
            .args(flags)
            .env("CARGO_INCREMENTAL", "0")
            .output()?;
            let seconds = start.elapsed().as_secs_f64();
            println!(
                "| {} | {name} | {} | {seconds:.0} |",
                package.name,
                crates.len()
            );
        }
    }
    Ok(())
}
