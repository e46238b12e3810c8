//! `guide`: the book in `docs/guide` builds, and its examples run.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::call::{call, cargo};
use crate::tests::AS_TESTED;
use crate::tools::{self, MDBOOK};
use crate::{Failure, Task};

const BOOK: &str = "docs/guide";

/// A line of `cargo build --message-format json`; only those of compiled targets have the rest.
#[derive(Deserialize)]
struct Message {
    target: Option<Target>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

pub(crate) fn run(task: &Task) -> Result<(), Failure> {
    tools::need(&[&MDBOOK])?;
    let book = task.workspace.target.join("guide");
    call("mdbook")
        .args(["build", BOOK, "--dest-dir"])
        .args([book])
        .run()?;
    // `mdbook test` cannot be given the libraries by name, and rustdoc refuses to choose between
    // several builds of one: rustdoc is called as `mdbook test` does, with names.
    let libraries = libraries(task)?;
    let mut chapters = Vec::new();
    for entry in fs::read_dir(Path::new(BOOK).join("src"))? {
        chapters.push(entry?.path());
    }
    chapters.sort();
    for chapter in chapters {
        call("rustdoc")
            .args(["--test", "--edition", "2024", "--library-path"])
            .args([task.workspace.target.join("debug/deps")])
            .args(libraries.iter().flat_map(|library| ["--extern", library]))
            .args([chapter])
            .run()?;
    }
    Ok(())
}

/// The libraries of the default members, as `name=file`.
fn libraries(task: &Task) -> Result<Vec<String>, Failure> {
    let build = ["build", "--quiet", "--lib", "--message-format", "json"];
    let mut libraries = Vec::new();
    for line in cargo(build).args(AS_TESTED).output()?.lines() {
        let Message {
            target: Some(target),
            filenames,
        } = serde_json::from_str(line)?
        else {
            continue;
        };
        let is_ours = task
            .workspace
            .targets("lib")
            .any(|(_, name)| name == target.name);
        let library = filenames
            .iter()
            .find(|file| file.extension().is_some_and(|kind| kind == "rlib"));
        if let (true, Some(file)) = (is_ours, library) {
            libraries.push(format!("{}={}", target.name, file.display()));
        }
    }
    Ok(libraries)
}
