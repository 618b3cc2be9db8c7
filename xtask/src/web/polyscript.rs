//! polyscript, which PyScript consists of, built with the package in the shape of coincident.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;

use super::npm;
use crate::process;
use crate::workspace::Workspace;

/// Builds polyscript. Requires the package and the interpreters of [`super::python`].
///
/// # Errors
/// When it cannot be built. The inner error is the reason to skip it: a tool is missing.
pub(super) fn build(workspace: &Workspace) -> anyhow::Result<Result<(), String>> {
    if let Err(why) = npm::tool(workspace, "rolldown") {
        return Ok(Err(why));
    }
    let mut build = workspace.command("node");
    build.arg(format!("{FOLDER}/build.mjs")).arg(built(workspace));
    process::run(build, LIMIT).context("polyscript")?;
    Ok(Ok(()))
}

/// Where the build is.
pub(super) fn built(workspace: &Workspace) -> PathBuf {
    workspace.target.join("web-polyscript")
}

/// A worker that blocks, and one that can't.
pub(super) const PAGES: [&str; 2] = ["polyscript/page.html", "plain/polyscript/page.html"];

/// Where its page is.
pub(super) const FOLDER: &str = "web/tests/polyscript";

const LIMIT: Duration = Duration::from_secs(60);
