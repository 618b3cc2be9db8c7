//! Packages from npm, in the versions of lock files: the tools of `web/tests/package.json`, which optimize and check the package, and
//! what the benches need.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use crate::process;
use crate::workspace::Workspace;

/// A command of the tool. Installs the tool if it is missing.
///
/// # Errors
/// The reason to do without it.
pub(crate) fn tool(workspace: &Workspace, name: &str) -> Result<Command, String> {
    tools(workspace)?;
    let suffix = if cfg!(windows) { ".cmd" } else { "" };
    Ok(workspace.command(&format!("{MODULES}/.bin/{name}{suffix}")))
}

/// A runtime of which npm has a package for each platform in a scope: `@deno/linux-x64-glibc/deno`. The command of such a package is made by a script of
/// its installation, and those do not run here.
///
/// # Errors
/// The reason to do without it.
pub(super) fn runtime(workspace: &Workspace, scope: &str, name: &str) -> Result<Command, String> {
    tools(workspace)?;
    let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let packages = fs::read_dir(module(workspace, scope)).into_iter().flatten().flatten();
    let files = packages.flat_map(|package| [package.path().join(&name), package.path().join("bin").join(&name)]);
    // npm installs those for this platform: on Linux, Bun has some for another libc.
    let works = |file: &PathBuf| {
        let mut version = workspace.command(&file.to_string_lossy());
        version.arg("--version");
        file.exists() && process::succeeds(version)
    };
    let file = files.into_iter().find(works).ok_or_else(|| format!("npm has no `{name}` for this platform"))?;
    Ok(workspace.command(&file.to_string_lossy()))
}

/// Runs npm, a part of Node.js, in the folder.
///
/// # Errors
/// The reason to do without it.
pub(crate) fn npm(workspace: &Workspace, folder: &str) -> Result<Command, String> {
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

/// Installs the tools.
fn tools(workspace: &Workspace) -> Result<(), String> {
    // Tried once in a run, because without a network it takes long to fail.
    static INSTALLED: OnceLock<Result<(), String>> = OnceLock::new();
    INSTALLED.get_or_init(|| install(workspace, FOLDER)).clone()
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
    // Written after the installation, with the lock file that was installed.
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
