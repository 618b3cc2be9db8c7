//! `cargo xtask bench`: hands over to the bench crate's own program, which measures and reports.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;

use crate::process;
use crate::workspace::Workspace;

/// Builds and runs the bench program; it writes to `target/bench` of the repository.
///
/// # Errors
/// When it does not build or fails.
pub(crate) fn run(workspace: &Workspace, quick: bool, json: Option<&Path>, filter: Option<&str>) -> anyhow::Result<()> {
    let mut command =
        workspace.cargo(["run", "--release", "--manifest-path", "benches/Cargo.toml", "--bin", "report", "--"]);
    command.env("CARGO_TARGET_DIR", &workspace.target);
    if quick {
        command.arg("--quick");
    }
    if let Some(json) = json {
        // The program starts in the root; the file is meant from where the user stands.
        command.arg("--json").arg(std::path::absolute(json).context("cannot find the folder of the JSON file")?);
    }
    command.args(filter);
    process::run(command, LIMIT).context("the benches")
}

/// Building the peers and measuring everything stays far below this.
const LIMIT: Duration = Duration::from_secs(4 * 3600);
