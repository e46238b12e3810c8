//! `bench`: one benchmark by name, wherever it is.

use std::fs;

use crate::call::{call, cargo, not_tested, tools_dir};
use crate::tools::{self, DUCKDB};
use crate::{Failure, Task};

/// Those that Cargo does not know as targets of the workspace.
const RIVALS: &str = "rivals";

pub(crate) fn run(task: &Task) -> Result<(), Failure> {
    let scripts = scripts()?;
    let Some((name, args)) = task.args.split_first() else {
        for (package, name) in task.workspace.targets("bench") {
            println!("{name:20} of {package}; what it takes and prints is at its head");
        }
        println!("{RIVALS:20} the same jobs on other engines: benches/rivals");
        for name in scripts {
            println!("{name:20} the program beside others: see the head of benches/{name}.sh");
        }
        return Ok(());
    };
    if name == RIVALS {
        return cargo([
            "bench",
            "--manifest-path",
            "benches/rivals/Cargo.toml",
            "--",
        ])
        .args(args)
        .run();
    }
    if scripts.contains(name) {
        if let Err(failure) = tools::need(&[&DUCKDB]) {
            not_tested(&failure.to_string());
        }
        return call("bash")
            .args([format!("benches/{name}.sh")])
            .args(args)
            .env("PYTHON", tools_dir().join("bin/python"))
            .run();
    }
    let Some(package) = task.workspace.with_target("bench", name).next() else {
        return Err(
            format!("there is no benchmark `{name}`; `cargo xtask bench` lists them").into(),
        );
    };
    cargo([
        "bench",
        "--package",
        &package.name,
        "--all-features",
        "--bench",
        name,
        "--",
    ])
    .args(args)
    .run()
}

fn scripts() -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    for entry in fs::read_dir("benches")? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        names.extend(name.strip_suffix(".sh").map(str::to_owned));
    }
    names.sort();
    Ok(names)
}
