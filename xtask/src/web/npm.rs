//! Packages from npm, in the versions of lock files: the tools of `web/tests/package.json`, which optimize and check the package, and
//! what the benches need.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use crate::process;
use crate::workspace::Workspace;

/// A command of the tool, which is installed first if need be.
///
/// # Errors
/// The reason to do without it.
pub(super) fn tool(workspace: &Workspace, name: &str) -> Result<Command, String> {
    // Tried once in a run: without a network it takes its time to fail.
    static INSTALLED: OnceLock<Result<(), String>> = OnceLock::new();
    INSTALLED.get_or_init(|| install(workspace, FOLDER)).clone()?;
    let suffix = if cfg!(windows) { ".cmd" } else { "" };
    Ok(workspace.command(&format!("{MODULES}/.bin/{name}{suffix}")))
}

/// Runs npm itself in the folder; it comes with Node.js.
///
/// # Errors
/// The reason to do without it.
pub(super) fn npm(workspace: &Workspace, folder: &str) -> Result<Command, String> {
    let npm = || workspace.command(if cfg!(windows) { "npm.cmd" } else { "npm" });
    let mut version = npm();
    version.arg("--version");
    if !process::succeeds(version) {
        return Err("no `npm` on the search path".to_owned());
    }
    let mut npm = npm();
    npm.args(["--loglevel=error", "--prefix", folder]);
    Ok(npm)
}

/// The folder of an installed package.
pub(super) fn module(workspace: &Workspace, name: &str) -> PathBuf {
    workspace.root.join(MODULES).join(name)
}

/// Installs the packages of the folder's lock file, unless they are there.
///
/// # Errors
/// The reason to do without them.
pub(super) fn install(workspace: &Workspace, folder: &str) -> Result<(), String> {
    let path = workspace.root.join(folder);
    let lock = fs::read_to_string(path.join("package-lock.json")).map_err(|error| format!("no lock file: {error}"))?;
    // Written when all is there: says what all was.
    let done = path.join("node_modules/.installed");
    if fs::read_to_string(&done).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    let mut command = npm(workspace, folder)?;
    command.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline", "--fetch-retries=1"]);
    process::run(command, LIMIT).map_err(|error| format!("`npm ci` failed in {folder}: {error:#}"))?;
    fs::write(done, lock).map_err(|error| format!("cannot write to {folder}/node_modules: {error}"))
}

const FOLDER: &str = "web/tests";

const MODULES: &str = "web/tests/node_modules";

const LIMIT: Duration = Duration::from_secs(300);
