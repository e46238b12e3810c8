//! `layers`: imports point downward only, and no files import each other in a circle.
//!
//! Reads the source of all crates of the workspace and finds every path that names something of
//! another module: in `use`, inline, in macros and in serde's attributes. Re-exports are followed to
//! the module that defines the item. Fails on
//!
//! - an arrow that runs upward between rooms, in the order that `layers.toml` states;
//! - a circle between files of a crate. A file that only declares modules and re-exports is none;
//! - a crate that names something of another that is `#[doc(hidden)]` there.
//!
//! Code that is compiled for tests alone is not looked at.

mod arrows;
mod resolve;
mod rules;
mod source;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::Path;

use crate::{Failure, Task};
use rules::{Orders, Verdict};
use source::Source;

/// `cargo xtask layers [ORDERS]`.
pub(crate) fn run(task: &Task) -> Result<(), Failure> {
    let workspace = task.workspace;
    let mut crates: Vec<(&str, &Path)> = Vec::new();
    for package in workspace
        .packages
        .iter()
        .filter(|package| package.name != "xtask")
    {
        crates.extend(package.source().map(|root| (package.name.as_str(), root)));
    }
    let verdict = check(&crates, Path::new(task.arg_or(0, "xtask/layers.toml")))?;
    for finding in &verdict.findings {
        println!(
            "{}",
            finding.replace(&format!("{}/", workspace.root.display()), "")
        );
    }
    let Verdict {
        rooms,
        between_rooms,
        files,
        arrows,
        upward,
        circles,
        seams,
        ..
    } = verdict;
    println!(
        "layers: {files} files, {arrows} arrows between them, {circles} circles; {rooms} rooms, \
         {between_rooms} arrows between them, {upward} upward; {seams} private seams"
    );
    match verdict.findings.len() {
        0 => Ok(()),
        findings => Err(format!("{findings} findings").into()),
    }
}

/// Judges crates, given by name and root file, after the orders in a file.
fn check(crates: &[(&str, &Path)], orders: &Path) -> Result<Verdict, Failure> {
    let text =
        fs::read_to_string(orders).map_err(|error| format!("{}: {error}", orders.display()))?;
    let orders: Orders = toml::from_str(&text)?;
    let mut source = Source::default();
    for (name, root) in crates {
        source.read_crate(name, root)?;
    }
    let arrows = arrows::arrows(&mut source);
    Ok(rules::judge(&source, &arrows, &orders))
}
