//! The example of a page and a worker that are both Rust: its wasm, and the pages that try it.

use std::path::PathBuf;

use anyhow::Context;
use wasm_bindgen_cli_support::Bindgen;

use super::build::compile;
use crate::workspace::Workspace;

/// Builds the wasm of the example and its glue, as `wasm-bindgen --target web` does it.
///
/// # Errors
/// When something doesn't build, or can't be written.
pub(crate) fn build(workspace: &Workspace) -> anyhow::Result<()> {
    // The profile of the npm package, which has most of it compiled already.
    let wasm = compile(workspace, PACKAGE, "web", "web").context("the wasm of the example")?;
    let mut bindgen = Bindgen::new();
    bindgen.input_path(wasm).web(true)?.typescript(false).omit_default_module_path(false).out_name("example");
    bindgen.generate(built(workspace)).context("the glue of the example")
}

/// Where the build is.
pub(super) fn built(workspace: &Workspace) -> PathBuf {
    workspace.root.join(FOLDER).join("pkg")
}

/// The pages that test it, with isolation and without. Each opens the next one.
pub(super) const PAGES: [&str; 2] = ["examples/web/tests/checks.html", "plain/examples/web/tests/checks.html"];

/// Where it is.
pub(super) const FOLDER: &str = "examples/web";

const PACKAGE: &str = "coincide-example-web";
