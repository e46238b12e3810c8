//! `ci`: everything that must pass before a change lands.

use std::time::Instant;

use crate::call::{self, Call, NOT_TESTED, call, cargo, not_tested};
use crate::tests::AS_TESTED;
use crate::tools::{self, DENY, HACK, SHEAR, TYPOS};
use crate::{Failure, Task, guide, layers, package, tests};

type Step = (&'static str, fn(&Task) -> Result<(), Failure>);

/// Everything; what fails soonest comes first, and each step finds built what it shares with another.
const STEPS: [Step; 21] = [
    ("format", format),
    ("tools", |_| tools::need(&[&HACK, &DENY, &SHEAR, &TYPOS])),
    ("typos", |_| call("typos").run()),
    ("layers", layers::run),
    ("unused dependencies", |_| {
        cargo(["shear", "--deny-warnings"]).run()
    }),
    ("licenses, bans, sources", licenses),
    ("advisories", advisories),
    ("clippy", clippy),
    ("documentation", documentation),
    ("features, in pairs", features),
    ("oldest compilers", oldest_compilers),
    ("tests of the README", |_| {
        if !tools::debian("redis-server", "redis-server") {
            not_tested("Redis: there is no redis-server here, and none could be installed");
        }
        cargo(["test", "--all-features"]).run()
    }),
    ("tests of the other members", other_tests),
    ("guide", guide::run),
    ("examples", examples),
    ("interop", tests::interop),
    ("page", tests::page),
    ("packages", package::run),
    ("workspaces beside this one", beside),
    ("SQLite", tests::sqlite),
    ("panic = \"abort\"", tests::abort),
];

/// What is done in less than five minutes.
const QUICK: [Step; 5] = [
    ("format", format),
    ("layers", layers::run),
    ("clippy", clippy),
    ("unit tests", |_| {
        cargo(["test", "--all-features", "--lib", "--bins"]).run()
    }),
    ("documentation tests", |_| {
        cargo(["test", "--all-features", "--doc"]).run()
    }),
];

pub(crate) fn run(task: &Task) -> Result<(), Failure> {
    let quick = match task.args {
        [] => false,
        [word] if word == "--quick" => true,
        _ => return Err("it takes nothing but --quick".into()),
    };
    // The words are for the gate, not for its steps.
    let task = &Task { args: &[], ..*task };
    let steps: &[Step] = if quick { &QUICK } else { &STEPS };
    let mut table = Vec::new();
    let mut notes = Vec::new();
    let mut failed = 0;
    for (name, run) in steps {
        println!("\n== {name}");
        let start = Instant::now();
        let verdict = match run(task) {
            Ok(()) => "passed".to_owned(),
            Err(failure) => {
                failed += 1;
                format!("FAILED: {failure}")
            }
        };
        let line = format!("{:6.1} s  {name}: {verdict}", start.elapsed().as_secs_f64());
        println!("{line}");
        table.push(line);
        notes.append(&mut call::take_notes());
    }
    println!("\n== steps\n{}", table.join("\n"));
    let (not_tested, tests): (Vec<_>, Vec<_>) =
        notes.iter().partition(|note| note.starts_with(NOT_TESTED));
    for line in tests.into_iter().chain(not_tested) {
        println!("{line}");
    }
    match failed {
        0 => {
            println!("the gate is open");
            Ok(())
        }
        _ => Err(format!("{failed} of {} steps failed", steps.len()).into()),
    }
}

fn format(task: &Task) -> Result<(), Failure> {
    cargo(["fmt", "--all", "--check"]).run()?;
    for manifest in task.workspace.beside()? {
        cargo(["fmt", "--all", "--check", "--manifest-path", &manifest]).run()?;
    }
    Ok(())
}

fn licenses(_: &Task) -> Result<(), Failure> {
    cargo([
        "deny",
        "--all-features",
        "check",
        "licenses",
        "bans",
        "sources",
    ])
    .run()
}

/// Known faults of dependencies, where the database of advisories can be had.
fn advisories(_: &Task) -> Result<(), Failure> {
    if !cargo(["deny", "fetch", "db"]).succeeds() {
        not_tested("advisories: their database cannot be fetched here");
        return Ok(());
    }
    cargo(["deny", "--all-features", "check", "advisories"]).run()
}

fn clippy(_: &Task) -> Result<(), Failure> {
    cargo([
        "clippy",
        "--workspace",
        "--all-targets",
        "--all-features",
        "--",
        "-D",
        "warnings",
    ])
    .run()
}

fn documentation(_: &Task) -> Result<(), Failure> {
    cargo(["doc", "--workspace", "--no-deps", "--all-features"])
        .env("RUSTDOCFLAGS", "-D warnings")
        .run()
}

/// Every pair of features of every crate, without what only tests need.
fn features(task: &Task) -> Result<(), Failure> {
    let powerset = [
        "--feature-powerset",
        "--depth",
        "2",
        "--exclude-features",
        "default",
    ];
    let calls = hack(
        task,
        &["clippy", "--workspace", "--exclude", "xtask"],
        &powerset,
    )?;
    calls
        .into_iter()
        .try_for_each(|call| call.args(["--", "-D", "warnings"]).run())
}

/// What cargo-hack would run, each for its package alone: with a manifest's path, as cargo-hack has
/// it, Cargo takes all default members, and their features are added up.
fn hack(task: &Task, command: &[&str], options: &[&str]) -> Result<Vec<Call>, Failure> {
    let list = cargo(["hack"])
        .args(command)
        .args(options)
        .args(["--print-command-list"])
        .output()?;
    let parse = |line: &str| {
        let (command, manifest) = line.split_once(" --manifest-path ")?;
        let (manifest, features) = manifest.split_once(' ').unwrap_or((manifest, ""));
        let package = task.workspace.package_of(manifest)?;
        let mut words = command.split_whitespace();
        let call = call(words.next()?).args(words);
        Some(
            call.args(["--quiet", "--package", &package.name])
                .args(features.split_whitespace()),
        )
    };
    let calls: Option<Vec<Call>> = list.lines().map(parse).collect();
    calls.ok_or_else(|| format!("these commands of cargo-hack are not understood:\n{list}").into())
}

fn oldest_compilers(task: &Task) -> Result<(), Failure> {
    let packages = || {
        task.workspace
            .packages
            .iter()
            .filter(|package| package.rust_version.is_some())
    };
    for package in packages() {
        let version = package.rust_version.as_deref().unwrap_or_default();
        if !tools::toolchain(version) {
            not_tested(&format!(
                "Rust {version}: its toolchain cannot be installed here; clippy's `incompatible_msrv` alone \
                 has looked for newer parts of the standard library"
            ));
            return Ok(());
        }
    }
    let names: Vec<&str> = packages()
        .flat_map(|package| ["--package", package.name.as_str()])
        .collect();
    let calls = hack(task, &["check", "--rust-version", "--all-features"], &names)?;
    calls.into_iter().try_for_each(Call::run)
}

fn other_tests(task: &Task) -> Result<(), Failure> {
    cargo(["test", "--package", "xtask"]).run()?;
    for package in task.workspace.other_members() {
        cargo(["test", "--all-features", "--package", &package.name]).run()?;
    }
    Ok(())
}

fn examples(_: &Task) -> Result<(), Failure> {
    let run = |name: &str, args: &[&str]| {
        let call = cargo(["run", "--quiet", "--example", name]).args(AS_TESTED);
        call.args(["--"]).args(args).run()
    };
    run("accuracy", &["200"])?;
    for name in ["top_ten_a_minute", "sample_per_user", "join_in_window"] {
        run(name, &[])?;
    }
    Ok(())
}

/// Fuzz targets, rivals and examples with manifests of their own compile.
fn beside(task: &Task) -> Result<(), Failure> {
    for manifest in task.workspace.beside()? {
        cargo([
            "clippy",
            "--all-targets",
            "--manifest-path",
            &manifest,
            "--target-dir",
        ])
        .args([&task.workspace.target])
        .args(["--", "-D", "warnings"])
        .run()?;
    }
    Ok(())
}
