//! The example of a page and a worker that are both Rust: its wasm, and the pages that test it.

use std::path::PathBuf;

use anyhow::Context;
use wasm_bindgen_cli_support::Bindgen;

use super::build::compile;
use crate::workspace::Workspace;

/// Builds the wasm of the example and its glue, as `wasm-bindgen --target web` does.
///
/// # Errors
/// When something does not build or cannot be written.
pub(crate) fn build(workspace: &Workspace) -> anyhow::Result<()> {
    // The profile of the npm package, which shares most compiled crates.
    let wasm = compile(workspace, PACKAGE, "web", "web").context("the wasm of the example")?;
    let mut bindgen = Bindgen::new();
    bindgen.input_path(wasm).web(true)?.typescript(false).omit_default_module_path(false).out_name("example");
    bindgen.generate(built(workspace)).context("the glue of the example")
}

/// The folder of the build.
pub(super) fn built(workspace: &Workspace) -> PathBuf {
    workspace.root.join(FOLDER).join("pkg")
}

/// The pages that test it, with isolation and without. Each opens the next one.
pub(super) const PAGES: [&str; 2] = ["examples/web/tests/checks.html", "plain/examples/web/tests/checks.html"];

/// The folder of the example.
pub(super) const FOLDER: &str = "examples/web";

const PACKAGE: &str = "coincide-example-web";
