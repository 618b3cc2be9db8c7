//! Checks the npm package as a user's tools see it: packed and typed.

use std::fs;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;

use super::npm;
use crate::process;
use crate::report::{Tally, say};
use crate::workspace::Workspace;

/// Checks the built package.
pub(super) fn check(workspace: &Workspace, tally: &mut Tally) {
    let npm = match npm::npm(workspace, super::PACKAGE).and_then(|npm| npm::tool(workspace, "tsc").map(|_| npm)) {
        Ok(npm) => npm,
        Err(why) => return tally.skip("packing and types of the package", why),
    };
    let packed = pack(workspace, npm);
    let works = packed.is_ok();
    tally.check("the package, packed", packed);
    if !works {
        return;
    }
    for (what, project, resolution) in RESOLUTIONS {
        let checked = npm::tool(workspace, "tsc").map_err(anyhow::Error::msg).and_then(|mut tsc| {
            tsc.args(["--project", project, "--module", resolution.0, "--moduleResolution", resolution.1]);
            process::run(tsc, LIMIT)
        });
        tally.check(&format!("the type declarations, as {what} finds them"), checked);
    }
}

/// Puts what npm would publish where the tests import it from, and checks that nothing is left out.
fn pack(workspace: &Workspace, mut npm: std::process::Command) -> anyhow::Result<()> {
    npm.args(["pack", "--dry-run", "--json"]).arg(workspace.root.join(super::PACKAGE));
    let mut said = String::new();
    process::stream(npm, LIMIT, |line| said += line)?;
    let said: Value = serde_json::from_str(&said).context("what npm said is no JSON")?;
    let said = said.get(0).or_else(|| said.as_object()?.values().next()).context("npm said nothing")?;
    let files = said["files"].as_array().context("npm named no files")?;
    let files: Vec<&str> = files.iter().filter_map(|file| file["path"].as_str()).collect();
    say!("{} files, {} bytes packed, {} unpacked", files.len(), said["size"], said["unpackedSize"]);

    let from = workspace.root.join(super::PACKAGE);
    let manifest: Value = serde_json::from_str(&fs::read_to_string(from.join("package.json"))?)?;
    let mut wanted = vec!["README.md", "LICENSE-APACHE", "LICENSE-MIT"];
    targets(&manifest["exports"], &mut wanted);
    targets(&manifest["bin"], &mut wanted);
    if let Some(missing) = wanted.into_iter().find(|name| !files.contains(name)) {
        bail!("{missing} is not in it");
    }
    let to = npm::module(workspace, "coincide");
    if to.exists() {
        fs::remove_dir_all(&to)?;
    }
    for file in files {
        fs::create_dir_all(to.join(file).parent().context("a file is in a folder")?)?;
        fs::copy(from.join(file), to.join(file)).with_context(|| file.to_owned())?;
    }
    Ok(())
}

/// The files that `exports` or `bin` of a `package.json` names.
fn targets<'a>(named: &'a Value, files: &mut Vec<&'a str>) {
    match named {
        Value::Object(conditions) => conditions.values().for_each(|value| targets(value, files)),
        Value::String(file) => files.push(file.trim_start_matches("./")),
        _ => {}
    }
}

/// The ways in which TypeScript finds the files of a package: in programs for pages with the types of the DOM, in programs for Node.js without them.
const RESOLUTIONS: [(&str, &str, (&str, &str)); 3] = [
    ("a bundler", "web/tests/types/page.json", ("esnext", "bundler")),
    ("a page without a bundler", "web/tests/types/page.json", ("nodenext", "nodenext")),
    ("Node.js", "web/tests/types/node.json", ("node16", "node16")),
];

const LIMIT: Duration = Duration::from_secs(120);
