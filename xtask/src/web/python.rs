//! The example with Python in workers: its interpreters, and the copies of its pages that are tried.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;

use super::{PACKAGE, npm};
use crate::process;
use crate::tools;
use crate::workspace::Workspace;

/// Installs the interpreters and makes the copies; the package has to be built.
///
/// # Errors
/// When the copies can't be made. The inner error is the reason to do without: a tool or a package is missing.
pub(crate) fn build(workspace: &Workspace) -> anyhow::Result<Result<(), String>> {
    if let Err(why) = tools::node(workspace).and_then(|()| npm::install(workspace, FOLDER)) {
        return Ok(Err(why));
    }
    let mut copy = workspace.command("node");
    copy.args([VARIANTS, PAGES, PACKAGE]).arg(copies(workspace));
    process::run(copy, LIMIT).context("the pages with Python")?;
    Ok(Ok(()))
}

/// Where the copies are.
pub(super) fn copies(workspace: &Workspace) -> PathBuf {
    workspace.target.join("python")
}

/// Address of the first page, which loads the pages that are not isolated afterwards.
pub(super) const CHECKS: &str = "python/tests/checks.html?pages=isolated";

/// Runs PyScript's use case, and hands on what its console says.
pub(crate) const DEMO: &str = "python/index.html";

/// Tests of MicroPython under Node.js.
pub(super) const NODE_TESTS: &str = "python/tests/micropython.tests.mjs";

/// Where it is.
pub(super) const FOLDER: &str = "python";

const PAGES: &str = "python/pages";
const VARIANTS: &str = "python/tests/variants.mjs";

const LIMIT: Duration = Duration::from_secs(60);
