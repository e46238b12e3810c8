//! `guide`: the book in `docs/guide` builds, and its examples run.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::call::{call, cargo};
use crate::tests::AS_TESTED;
use crate::tools::{self, MDBOOK};
use crate::{Failure, Task};

const BOOK: &str = "docs/guide";

/// A line of `cargo build --message-format json`.
#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

pub(crate) fn run(task: &Task) -> Result<(), Failure> {
    if !Path::new(BOOK).join("book.toml").exists() {
        return Err(format!("there is no book in {BOOK}").into());
    }
    tools::need(&[&MDBOOK])?;
    call("mdbook")
        .args(["build", BOOK, "--dest-dir"])
        .args([task.workspace.target.join("guide")])
        .run()?;
    let libraries = libraries(task)?;
    call("mdbook")
        .args(["test", BOOK, "--library-path"])
        .args([libraries])
        .run()
}

/// A folder with the libraries of one build alone: rustdoc refuses to choose between several.
fn libraries(task: &Task) -> Result<PathBuf, Failure> {
    let folder = task.workspace.target.join("guide-libraries");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let messages = cargo(["build", "--quiet", "--lib", "--message-format", "json"])
        .args(AS_TESTED)
        .output()?;
    for line in messages.lines() {
        let message: Message = serde_json::from_str(line)?;
        for file in message.filenames {
            let library = file
                .extension()
                .is_some_and(|kind| kind == "rlib" || kind == "so");
            if let (true, Some(name)) = (library, file.file_name()) {
                fs::copy(&file, folder.join(name))?;
            }
        }
    }
    Ok(folder)
}
