//! `cargo xtask release`: makes the files of a release, and checks what has to be true of it.

use std::fs;
use std::time::Duration;

use anyhow::{Context, bail};

use crate::process;
use crate::report::{BAD, GOOD, ODD, say};
use crate::web;
use crate::workspace::Workspace;

/// Writes the `.crate` files and the tarball of npm to `target/release-files`, and prints the checklist. Fails if an item does not hold, unless
/// this is a rehearsal.
pub(crate) fn run(workspace: &Workspace, rehearsal: bool) -> anyhow::Result<()> {
    let version = workspace.version()?;
    let folder = workspace.target.join("release-files");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;

    let mut package = workspace.cargo(["package", "--locked", "--no-verify"]);
    if rehearsal {
        package.arg("--allow-dirty");
    }
    for krate in workspace.published() {
        package.args(["--package", krate.name.as_str()]);
    }
    process::run(package, LIMIT)?;
    let mut wanted = Vec::new();
    for krate in workspace.published() {
        let name = format!("{}-{version}.crate", krate.name);
        fs::copy(workspace.target.join("package").join(&name), folder.join(&name)).with_context(|| name.clone())?;
        wanted.push(name);
    }
    web::build(workspace, web::Profile::Web)?;
    let mut npm = web::npm(workspace, "web").map_err(anyhow::Error::msg)?;
    npm.arg("pack").arg(workspace.root.join("web/pkg")).arg("--pack-destination").arg(&folder);
    process::run(npm, LIMIT)?;
    wanted.push(format!("coincide-{version}.tgz"));
    for name in &wanted {
        let bytes = fs::metadata(folder.join(name)).with_context(|| name.clone())?.len();
        say!("{bytes:>9} bytes  {name}");
    }

    let incomplete = incomplete(workspace)?;
    for fault in &incomplete {
        say!("{ODD}missing{ODD:#} {fault}");
    }
    let changelog = fs::read_to_string(workspace.root.join("CHANGELOG.md"))?;
    let git = |arguments: &[&str]| {
        let mut command = workspace.command("git");
        command.args(arguments);
        process::output(command).with_context(|| format!("`git {}` failed", arguments.join(" ")))
    };
    let items = [
        ("all changes are committed", git(&["status", "--porcelain"])?.is_empty()),
        ("each crate contains its README and its licences", incomplete.is_empty()),
        (
            "docs/guides/bundlers.md loads this version",
            fs::read_to_string(workspace.root.join("docs/guides/bundlers.md"))?
                .contains(&format!("/coincide@{version}/")),
        ),
        ("CHANGELOG.md has a section of this version", changelog.contains(&format!("## [{version}]"))),
        (
            "CITATION.cff names this version",
            fs::read_to_string(workspace.root.join("CITATION.cff"))?.contains(&format!("\nversion: {version}\n")),
        ),
        (
            "the tag of this version is on this commit",
            git(&["tag", "--points-at", "HEAD"])?.lines().any(|tag| tag == format!("v{version}")),
        ),
    ];
    for (item, holds) in items {
        let (style, mark) = if holds { (GOOD, "yes") } else { (BAD, "no ") };
        say!("{style}{mark}{style:#} {item}");
    }
    say!("{} files of version {version} are in {}", wanted.len(), folder.display());
    if !rehearsal && items.iter().any(|(_, holds)| !holds) {
        bail!("this is not a release yet; `--rehearse` ignores that");
    }
    Ok(())
}

/// The files that every published crate has to contain and that are missing, as crate and file.
pub(crate) fn incomplete(workspace: &Workspace) -> anyhow::Result<Vec<String>> {
    let mut missing = Vec::new();
    for krate in workspace.published() {
        let list = ["package", "--list", "--quiet", "--allow-dirty", "--package", krate.name.as_str()];
        let files =
            process::output(workspace.cargo(list)).with_context(|| format!("`cargo {}` failed", list.join(" ")))?;
        let missed = NEEDED.iter().filter(|needed| !files.lines().any(|file| file == **needed));
        missing.extend(missed.map(|file| format!("{}/{file}", krate.name)));
    }
    Ok(missing)
}

const NEEDED: [&str; 3] = ["LICENSE-APACHE", "LICENSE-MIT", "README.md"];

const LIMIT: Duration = Duration::from_secs(600);
