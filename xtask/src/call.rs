//! Running other programs, and remembering what they say that the end of a run repeats.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::{env, mem};

use crate::Failure;

/// Lines of all programs so far that begin with [`NOT_TESTED`] or sum tests up.
static NOTES: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// How a line begins that tells what could not be tested here.
pub(crate) const NOT_TESTED: &str = "NOT TESTED: ";

/// Says that something could not be tested, now and at the end.
pub(crate) fn not_tested(what: &str) {
    let line = format!("{NOT_TESTED}{what}");
    println!("{line}");
    note(line);
}

fn note(line: String) {
    NOTES.lock().expect("nobody panics with it").push(line);
}

/// The lines worth repeating since the last call.
pub(crate) fn take_notes() -> Vec<String> {
    mem::take(&mut *NOTES.lock().expect("nobody panics with it"))
}

/// Where tools of a program's own version are installed.
pub(crate) fn tools_dir() -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| OsString::from("target"));
    Path::new(&target).join("tools")
}

/// A program to be run, with the installed tools before all others.
pub(crate) struct Call {
    command: Command,
    text: String,
}

pub(crate) fn cargo<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Call {
    call("cargo").args(args)
}

pub(crate) fn call(program: &str) -> Call {
    let mut command = Command::new(program);
    let bin = tools_dir().join("bin");
    let bin = bin.canonicalize().unwrap_or(bin);
    let before = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths([bin].into_iter().chain(env::split_paths(&before)));
    command.env("PATH", path.unwrap_or(before));
    Call {
        command,
        text: program.to_owned(),
    }
}

impl Call {
    pub(crate) fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        for arg in args {
            self.text.push(' ');
            self.text.push_str(&arg.as_ref().to_string_lossy());
            self.command.arg(arg);
        }
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// In another workspace: with the profile of this one, whose builds are then used again.
    pub(crate) fn with_our_profile(self) -> Self {
        self.env("CARGO_PROFILE_DEV_DEBUG", "line-tables-only")
    }

    /// Runs it, shows what it prints, and fails if it fails.
    pub(crate) fn run(mut self) -> Result<(), Failure> {
        println!("$ {}", self.text);
        let spawned = self.command.stdout(Stdio::piped()).spawn();
        let mut child = spawned.map_err(|error| format!("{}: {error}", self.text))?;
        let output = child.stdout.take().expect("it is piped");
        for line in BufReader::new(output).split(b'\n') {
            let line = String::from_utf8_lossy(&line?).into_owned();
            println!("{line}");
            if line.starts_with(NOT_TESTED) || line.starts_with("test result:") {
                note(line);
            }
        }
        let status = child.wait()?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("`{}` failed: {status}", self.text).into())
        }
    }

    /// Runs it and returns what it prints.
    pub(crate) fn output(mut self) -> Result<String, Failure> {
        let output = self.command.stderr(Stdio::inherit()).output();
        let output = output.map_err(|error| format!("{}: {error}", self.text))?;
        if !output.status.success() {
            return Err(format!("`{}` failed: {}", self.text, output.status).into());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Runs it in silence and tells whether it succeeds.
    pub(crate) fn succeeds(mut self) -> bool {
        let silent = self.command.stdout(Stdio::null()).stderr(Stdio::null());
        silent.status().is_ok_and(|status| status.success())
    }
}

/// Whether a program of this name is on the PATH.
pub(crate) fn is_installed(program: &str) -> bool {
    let bin = tools_dir().join("bin");
    let path = env::var_os("PATH").unwrap_or_default();
    [bin]
        .into_iter()
        .chain(env::split_paths(&path))
        .any(|folder| folder.join(program).is_file())
}
