//! What `cargo metadata` says about this repository.

use std::fs;
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
    manifest_path: PathBuf,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) rust_version: Option<String>,
    /// `Some` of no registry: not published.
    publish: Option<Vec<String>>,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
    src_path: PathBuf,
}

/// What is read of the root's `Cargo.toml`.
#[derive(Deserialize)]
struct Manifest {
    workspace: Members,
}

#[derive(Deserialize)]
struct Members {
    #[serde(default)]
    exclude: Vec<String>,
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

    /// All targets of a kind, each with its package.
    pub(crate) fn targets<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.packages.iter().flat_map(move |package| {
            let targets = package.targets.iter().filter(move |target| target.is(kind));
            targets.map(|target| (package.name.as_str(), target.name.as_str()))
        })
    }

    /// The packages that have a target of this kind and name.
    pub(crate) fn with_target<'a>(
        &'a self,
        kind: &'a str,
        name: &'a str,
    ) -> impl Iterator<Item = &'a Package> {
        let has = move |target: &Target| target.is(kind) && target.name == name;
        self.packages
            .iter()
            .filter(move |package| package.targets.iter().any(has))
    }

    /// The package of a manifest, whose path begins at the root.
    pub(crate) fn package_of(&self, manifest: &str) -> Option<&Package> {
        let manifest = self.root.join(manifest);
        self.packages
            .iter()
            .find(|package| package.manifest_path == manifest)
    }

    /// The manifests of the workspaces that this one excludes.
    pub(crate) fn beside(&self) -> Result<Vec<String>, Failure> {
        let text = fs::read_to_string(self.root.join("Cargo.toml"))?;
        let manifest: Manifest = toml::from_str(&text)?;
        let folders = manifest.workspace.exclude.into_iter();
        Ok(folders
            .map(|folder| format!("{folder}/Cargo.toml"))
            .collect())
    }

    /// The members that `cargo test` leaves out, this tool aside.
    pub(crate) fn other_members(&self) -> impl Iterator<Item = &Package> {
        let default = &self.workspace_default_members;
        self.packages
            .iter()
            .filter(|package| !default.contains(&package.id) && package.name != "xtask")
    }
}

impl Target {
    fn is(&self, kind: &str) -> bool {
        self.kind.iter().any(|known| known == kind)
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
