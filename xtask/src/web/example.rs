//! The example of a page and a worker that are both Rust: its wasm, and the pages that try it.

use std::time::Duration;

use anyhow::Context;
use wasm_bindgen_cli_support::Bindgen;

use super::TARGET;
use crate::process;
use crate::workspace::Workspace;

/// Builds the wasm of the example and its glue, as `wasm-bindgen --target web` does it.
///
/// # Errors
/// When something doesn't build, or can't be written.
pub(crate) fn build(workspace: &Workspace) -> anyhow::Result<()> {
    // The profile of the npm package, which has most of it compiled already.
    let cargo = ["build", "--package", PACKAGE, "--profile", "web", "--target", TARGET];
    process::run(workspace.cargo(cargo), LIMIT).context("the wasm of the example")?;
    let wasm = workspace.target.join(TARGET).join("web").join(PACKAGE.replace('-', "_")).with_extension("wasm");
    let mut bindgen = Bindgen::new();
    bindgen.input_path(wasm).web(true)?.typescript(false).omit_default_module_path(false).out_name("example");
    bindgen.generate(workspace.root.join(FOLDER).join("pkg")).context("the glue of the example")
}

/// The pages that try it, with isolation and without; each goes on to the next one by itself.
pub(super) const PAGES: [&str; 2] = ["examples/web/tests/checks.html", "plain/examples/web/tests/checks.html"];

/// Where it is.
pub(super) const FOLDER: &str = "examples/web";

const PACKAGE: &str = "coincide-example-web";

const LIMIT: Duration = Duration::from_secs(900);
