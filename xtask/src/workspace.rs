//! What `cargo metadata` says about this repository.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::Failure;

#[derive(Deserialize)]
pub(crate) struct Workspace {
    #[serde(rename = "workspace_root")]
    pub(crate) root: PathBuf,
    #[serde(rename = "target_directory")]
    pub(crate) target: PathBuf,
    workspace_default_members: Vec<String>,
    pub(crate) packages: Vec<Package>,
}

#[derive(Deserialize)]
pub(crate) struct Package {
    id: String,
    pub(crate) name: String,
    pub(crate) rust_version: Option<String>,
    /// `Some` of no registry: not published.
    publish: Option<Vec<String>>,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
    src_path: PathBuf,
}

impl Workspace {
    pub(crate) fn read() -> Result<Self, Failure> {
        let output = Command::new("cargo")
            .args(["metadata", "--format-version", "1", "--no-deps"])
            .stderr(std::process::Stdio::inherit())
            .output()?;
        if !output.status.success() {
            return Err("cargo metadata fails".into());
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// The members that `cargo test` leaves out, this tool aside.
    pub(crate) fn other_members(&self) -> impl Iterator<Item = &Package> {
        let default = &self.workspace_default_members;
        self.packages
            .iter()
            .filter(|package| !default.contains(&package.id) && package.name != "xtask")
    }
}

impl Package {
    pub(crate) fn is_published(&self) -> bool {
        self.publish
            .as_ref()
            .is_none_or(|registries| !registries.is_empty())
    }

    /// The root file of the library, or of the program where there is no library.
    pub(crate) fn source(&self) -> Option<&Path> {
        let of = |kind: &str| {
            let of_kind = |target: &&Target| target.kind.iter().any(|known| known == kind);
            self.targets
                .iter()
                .find(of_kind)
                .map(|target| target.src_path.as_path())
        };
        of("lib")
            .or_else(|| of("proc-macro"))
            .or_else(|| of("cdylib"))
            .or_else(|| of("bin"))
    }
}
