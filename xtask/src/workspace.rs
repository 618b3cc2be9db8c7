//! What `cargo metadata` says of the repository, and cargo commands that start in its root.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;
use cargo_metadata::{MetadataCommand, Package, TargetKind};

/// The repository: where it is, where it builds to, which packages its main workspace has.
pub(crate) struct Workspace {
    /// The folder of the root manifest.
    pub(crate) root: PathBuf,
    /// The target directory; the workspaces of `benches` and `loom` builds go below or beside its profiles.
    pub(crate) target: PathBuf,
    packages: Vec<Package>,
}

impl Workspace {
    pub(crate) fn load() -> anyhow::Result<Self> {
        let metadata = MetadataCommand::new().no_deps().exec().context("cannot read the workspace")?;
        Ok(Self {
            root: metadata.workspace_root.into(),
            target: metadata.target_directory.into(),
            packages: metadata.packages,
        })
    }

    /// The crates that are published, in the order of the manifest.
    pub(crate) fn published(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| package.publish.as_ref().is_none_or(|registries| !registries.is_empty()))
    }

    /// The version that all published crates have.
    pub(crate) fn version(&self) -> anyhow::Result<String> {
        let package = self.published().next().context("no crate is published")?;
        Ok(package.version.to_string())
    }

    /// Every example, as package and name.
    pub(crate) fn examples(&self) -> impl Iterator<Item = (&str, &str)> {
        self.packages.iter().flat_map(|package| {
            package
                .targets
                .iter()
                .filter(|target| target.kind.contains(&TargetKind::Example))
                .map(|target| (package.name.as_str(), target.name.as_str()))
        })
    }

    /// A command that runs in the root, with nothing to read from standard input.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root).stdin(std::process::Stdio::null());
        if in_ci() {
            command.env("CARGO_TERM_COLOR", "never");
        }
        command
    }

    /// `cargo` with these arguments, in the root.
    pub(crate) fn cargo<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = self.command("cargo");
        command.args(arguments);
        command
    }
}

/// Whether this runs in continuous integration: output has no colours then.
pub(crate) fn in_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| value == "true")
}
