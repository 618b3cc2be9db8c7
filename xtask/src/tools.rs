//! Tools that a check needs beyond the toolchain: set up where that is one quiet command, else the reason to skip.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::process;
use crate::workspace::Workspace;

/// Makes sure that the current toolchain can build for `target`.
///
/// # Errors
/// The reason to skip what needs it.
pub(crate) fn rust_target(workspace: &Workspace, target: &str) -> Result<(), String> {
    let installed = || {
        let mut command = workspace.command("rustc");
        command.args(["--print", "target-libdir", "--target", target]);
        process::output(command).is_some_and(|folder| Path::new(&folder).is_dir())
    };
    let set_up = rustup(workspace, &["target", "add", target]);
    if installed() || (process::run(set_up, SET_UP).is_ok() && installed()) {
        return Ok(());
    }
    Err(format!("the target is not installed, and `rustup target add {target}` failed"))
}

/// Makes sure that nightly's miri is there.
///
/// # Errors
/// The reason to skip what needs it.
pub(crate) fn miri(workspace: &Workspace) -> Result<(), String> {
    nightly(workspace)?;
    let installed = || process::succeeds(workspace.cargo(["+nightly", "miri", "--version"]));
    let set_up = rustup(workspace, &["component", "add", "miri", "rust-src", "--toolchain", "nightly"]);
    if installed() || (process::run(set_up, SET_UP).is_ok() && installed()) {
        return Ok(());
    }
    Err("no miri, and `rustup component add miri rust-src --toolchain nightly` failed".to_owned())
}

/// Makes sure that a nightly toolchain is there.
///
/// # Errors
/// The reason to skip what needs it.
pub(crate) fn nightly(workspace: &Workspace) -> Result<(), String> {
    if process::succeeds(workspace.cargo(["+nightly", "--version"])) {
        return Ok(());
    }
    Err("no nightly toolchain (`rustup toolchain install nightly` adds it)".to_owned())
}

/// Makes sure that nightly and cargo-fuzz are there.
///
/// # Errors
/// The reason to skip what needs it.
pub(crate) fn cargo_fuzz(workspace: &Workspace) -> Result<(), String> {
    nightly(workspace)?;
    if !process::succeeds(workspace.cargo(["+nightly", "fuzz", "--version"])) {
        return Err("cargo-fuzz is not installed (`cargo install cargo-fuzz` adds it)".to_owned());
    }
    Ok(())
}

/// Makes sure that Node.js is there.
///
/// # Errors
/// The reason to skip what needs it.
pub(crate) fn node(workspace: &Workspace) -> Result<(), String> {
    let mut command = workspace.command("node");
    command.arg("--version");
    if process::succeeds(command) { Ok(()) } else { Err("no `node` on the search path".to_owned()) }
}

/// What Node.js says that it is.
pub(crate) fn node_version(workspace: &Workspace) -> String {
    let mut command = workspace.command("node");
    command.arg("--version");
    process::output(command).map_or_else(String::new, |version| format!("Node.js {version}"))
}

/// Looks for a Python that can be a worker: `proto/python`.
///
/// # Errors
/// The reason to skip what needs it.
pub(crate) fn python(workspace: &Workspace) -> Result<(), String> {
    let mut command = workspace.command("python3");
    command.arg("proto/python/shared.py");
    if process::succeeds(command) {
        Ok(())
    } else {
        Err("no `python3` on the search path that can be a worker (`python3 proto/python/shared.py` says why)"
            .to_owned())
    }
}

fn rustup(workspace: &Workspace, arguments: &[&str]) -> Command {
    let mut command = workspace.command("rustup");
    command.args(arguments);
    command
}

/// How long setting a tool up may take.
const SET_UP: Duration = Duration::from_secs(180);
