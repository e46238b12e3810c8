//! `package`: every published crate builds from the files that it would be published with.
//!
//! Cargo's own check compiles each crate and all its dependencies to the end. Here the packages
//! stand in a workspace of their own, in each other's place, and are only checked, with what the
//! gate has checked before.

use std::fmt::Write;
use std::fs;

use crate::call::{call, cargo};
use crate::{Failure, Task};

pub(crate) fn run(task: &Task) -> Result<(), Failure> {
    let target = &task.workspace.target;
    let published: Vec<_> = task
        .workspace
        .packages
        .iter()
        .filter(|package| package.is_published())
        .collect();
    cargo(["package", "--quiet", "--allow-dirty", "--no-verify"])
        .args(
            published
                .iter()
                .flat_map(|package| ["--package", &package.name]),
        )
        .run()?;
    let folder = target.join("packages");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let mut manifest =
        "[workspace]\nresolver = \"3\"\nmembers = [\"*\"]\n[patch.crates-io]\n".to_owned();
    for package in published {
        let name = format!("{}-{}", package.name, package.version);
        let file = target.join("package").join(format!("{name}.crate"));
        call("tar")
            .args(["xzf"])
            .args([&file])
            .args(["-C"])
            .args([&folder])
            .run()?;
        writeln!(manifest, "{} = {{ path = \"{name}\" }}", package.name)?;
    }
    fs::write(folder.join("Cargo.toml"), manifest)?;
    let lock = task.workspace.root.join("Cargo.lock");
    if lock.exists() {
        fs::copy(lock, folder.join("Cargo.lock"))?;
    }
    cargo(["check", "--workspace", "--all-features", "--manifest-path"])
        .args([folder.join("Cargo.toml")])
        .args(["--target-dir"])
        .args([target])
        .with_our_profile()
        .run()
}
