//! The page to land on, as it is deployed; and Lua in a worker, which it shows.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;

use super::server::Server;
use super::{Browser, PACKAGE, npm};
use crate::process;
use crate::report::say;
use crate::tools;
use crate::workspace::Workspace;

/// Writes the site into its folder; the package has to be built.
///
/// # Errors
/// When it can't be written. The inner error is the reason to do without: a tool or a package is missing.
pub(crate) fn build(workspace: &Workspace) -> anyhow::Result<Result<PathBuf, String>> {
    let installed =
        tools::node(workspace).and_then(|()| PARTS.iter().try_for_each(|folder| npm::install(workspace, folder)));
    if let Err(why) = installed {
        return Ok(Err(why));
    }
    let folder = folder(workspace);
    let mut write = workspace.command("node");
    write.arg(format!("{FOLDER}/build.mjs")).arg(&folder);
    process::run(write, LIMIT).context("the site")?;
    Ok(Ok(folder))
}

/// Takes the picture of the site that the README shows; the site has to be built.
///
/// # Errors
/// When there is no Chromium, or the page does not come to its end in it.
pub(crate) fn picture(workspace: &Workspace) -> anyhow::Result<()> {
    let program = Browser::Chromium.find_or_install(workspace).map_err(anyhow::Error::msg)?;
    let server = Server::start(super::mounts(workspace))?;
    let mut take = workspace.command("node");
    take.args([format!("{FOLDER}/screenshot.mjs"), program, server.address(PAGE), PICTURE.to_owned()]);
    process::run(take, LIMIT).context("the picture")?;
    say!("The picture is {PICTURE}.");
    Ok(())
}

/// Installs Lua, and the package beside it, as a user does; the package has to be built.
///
/// # Errors
/// When the package can't be put there. The inner error is the reason to do without: a tool or a package is missing.
pub(super) fn prepare_lua(workspace: &Workspace) -> anyhow::Result<Result<(), String>> {
    if let Err(why) = npm::install(workspace, LUA) {
        return Ok(Err(why));
    }
    let to = workspace.root.join(LUA).join("node_modules/coincide");
    if to.exists() {
        fs::remove_dir_all(&to)?;
    }
    copy(&workspace.root.join(PACKAGE), &to).context("the package beside Lua")?;
    Ok(Ok(()))
}

/// Where the site is written.
pub(crate) fn folder(workspace: &Workspace) -> PathBuf {
    workspace.target.join("site")
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let Some(to) = path.file_name().map(|name| to.join(name)) else { continue };
        if path.is_dir() { copy(&path, &to)? } else { fs::copy(&path, &to).map(|_| ())? }
    }
    Ok(())
}

/// Served with the headers of isolation.
pub(crate) const PAGE: &str = "front/index.html";
/// Served without them: `coi.js` isolates it, as on a host that sends none.
pub(super) const CHECKS: &str = "plain/front/tests.html";
/// Tests of Lua under Node.js.
pub(super) const LUA_TESTS: &str = "examples/lua/tests.mjs";
/// The page of the tests.
pub(super) const TESTS: &str = "site/tests";

/// Where what the site is made of is installed.
const PARTS: [&str; 4] = [FOLDER, LUA, super::python::FOLDER, "benches/web"];
const FOLDER: &str = "site";
const PICTURE: &str = "docs/site.png";
const LUA: &str = "examples/lua";

const LIMIT: Duration = Duration::from_secs(120);
