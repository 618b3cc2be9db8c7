//! Programs that bundlers build: the package is installed as npm would publish it, checked by linters, and used in Chromium.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;

use super::{Browser, PACKAGE, Profile, Report, TARGET, build, npm};
use crate::process;
use crate::report::Tally;
use crate::tools;
use crate::workspace::Workspace;

/// Installs the bundlers and the package, and runs the tests of `web/tests/bundlers`; each is counted.
pub(crate) fn test(workspace: &Workspace, tally: &mut Tally) {
    const WHAT: &str = "programs that bundlers build";
    if let Err(why) = tools::rust_target(workspace, TARGET).and_then(|()| tools::node(workspace)) {
        return tally.skip(WHAT, why);
    }
    let built = build(workspace, Profile::Web);
    let works = built.is_ok();
    tally.check("building the package", built);
    if !works {
        return;
    }
    // Outside of the sources: some bundlers write beside the program, and take the folder of the next lock file for the project's.
    let folder = workspace.target.join("bundlers");
    let installed = copy_manifest(workspace, &folder)
        .map_err(|error| format!("{error:#}"))
        .and_then(|()| npm::install(workspace, &folder.to_string_lossy()));
    if let Err(why) = installed {
        return tally.skip(WHAT, why);
    }
    let packed = install(workspace, &folder);
    let tarball = match packed {
        Ok(tarball) => tarball,
        Err(error) => return tally.fail(format!("installing the package: {error:#}")),
    };
    for (linter, arguments) in LINTERS {
        let suffix = if cfg!(windows) { ".cmd" } else { "" };
        let mut lint = workspace.command(&folder.join(format!("node_modules/.bin/{linter}{suffix}")).to_string_lossy());
        lint.args(arguments).arg(&tarball);
        tally.check(&format!("the package, as {linter} sees it"), process::run(lint, LIMIT));
    }
    let program = match Browser::Chromium.find_or_install(workspace) {
        Ok(program) => program,
        Err(why) => return tally.skip(WHAT, why),
    };
    let mut command = workspace.command("node");
    command.arg(SCRIPT).arg(&folder).arg(program);
    let mut report = Report::new(Browser::Chromium.name(), SCRIPT);
    let result = process::stream(command, LIMIT, |line| report.line(line, tally));
    report.finish(tally, result.err().map(|error| format!("{error:#}")));
}

/// Puts the manifest and the lock file into the folder.
fn copy_manifest(workspace: &Workspace, folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    for name in ["package.json", "package-lock.json"] {
        let from = workspace.root.join(SOURCES).join(name);
        fs::copy(&from, folder.join(name)).with_context(|| from.display().to_string())?;
    }
    Ok(())
}

/// Packs the package and unpacks it where programs in the folder find it. Returns the tarball.
fn install(workspace: &Workspace, folder: &Path) -> anyhow::Result<PathBuf> {
    let name = format!("coincide-{}.tgz", workspace.version()?);
    let mut pack = npm::npm(workspace, PACKAGE).map_err(anyhow::Error::msg)?;
    pack.args(["pack", "--pack-destination"]).arg(folder).arg(workspace.root.join(PACKAGE));
    process::run(pack, LIMIT)?;
    let to = folder.join("node_modules/coincide");
    if to.exists() {
        fs::remove_dir_all(&to)?;
    }
    fs::create_dir_all(&to)?;
    let mut unpack = workspace.command("tar");
    // A colon in a path would name another machine: the path is relative.
    unpack.current_dir(folder).args(["-xzf", &name, "-C", "node_modules/coincide", "--strip-components=1"]);
    process::run(unpack, LIMIT)?;
    Ok(folder.join(name))
}

const SOURCES: &str = "web/tests/bundlers";

const SCRIPT: &str = "web/tests/bundlers/run.mjs";

/// The package is of modules alone, which `require` and TypeScript's oldest resolution do not find.
const LINTERS: [(&str, &[&str]); 2] =
    [("publint", &["run", "--strict"]), ("attw", &["--profile", "esm-only", "--format", "ascii"])];

/// For all tests on a machine that is busy otherwise.
const LIMIT: Duration = Duration::from_secs(1200);
