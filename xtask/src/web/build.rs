//! Builds the npm package into `web/pkg`.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use base64::Engine;
use wasm_bindgen_cli_support::Bindgen;

use crate::process;
use crate::workspace::Workspace;

/// Builds the package; gives a table of the sizes of what it ships.
///
/// # Errors
/// When something doesn't build, or can't be written.
pub(crate) fn build(workspace: &Workspace) -> anyhow::Result<String> {
    let cargo = ["build", "--package", "coincide-web", "--profile", PROFILE, "--target", TARGET];
    process::run(workspace.cargo(cargo), LIMIT).context("the wasm")?;

    let package = workspace.root.join("web/pkg");
    if package.exists() {
        fs::remove_dir_all(&package).context("cannot clear web/pkg")?;
    }
    fs::create_dir_all(&package)?;
    let wasm = workspace.target.join(TARGET).join(PROFILE).join("coincide_web.wasm");
    let mut bindgen = Bindgen::new();
    bindgen.input_path(wasm).web(true)?.typescript(false).omit_default_module_path(true).out_name("coincide");
    bindgen.remove_name_section(true).remove_producers_section(true);
    bindgen.generate(&package).context("the glue")?;

    for entry in fs::read_dir(workspace.root.join("web/js"))? {
        let entry = entry?;
        fs::copy(entry.path(), package.join(entry.file_name()))?;
    }
    for name in ["LICENSE-APACHE", "LICENSE-MIT"] {
        fs::copy(workspace.root.join(name), package.join(name))?;
    }
    fs::copy(workspace.root.join("web/README.md"), package.join("README.md"))?;
    let bytes = fs::read(package.join(WASM))?;
    fs::write(package.join("wasm.inline.js"), inline(&bytes))?;
    fs::write(package.join("package.json"), manifest(workspace)?)?;
    sizes(&package)
}

/// The module that has the wasm in itself.
fn inline(wasm: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(wasm);
    format!(
        "// The wasm of main, in place of a file to fetch.\n\
         const text = '{text}';\n\n\
         /** The compiled module. */\n\
         export const source = () => new WebAssembly.Module(Uint8Array.from(atob(text), c => c.charCodeAt(0)));\n"
    )
}

/// `package.json` with the version of the crates.
fn manifest(workspace: &Workspace) -> anyhow::Result<String> {
    let text = fs::read_to_string(workspace.root.join("web/package.json"))?;
    let placeholder = "\"version\": \"0.0.0\"";
    if !text.contains(placeholder) {
        bail!("web/package.json has no {placeholder}");
    }
    Ok(text.replacen(placeholder, &format!("\"version\": \"{}\"", workspace.version()?), 1))
}

/// What a page loads, raw and compressed.
fn sizes(package: &Path) -> anyhow::Result<String> {
    let mut lines = format!("{:<24} {:>9} {:>9}", "shipped to a page", "bytes", "brotli");
    let (mut raw, mut small) = (0, 0);
    let mut files = vec![];
    collect(package, &mut files)?;
    files.sort();
    for path in files {
        let name = path.strip_prefix(package)?.display().to_string();
        let shipped = name.ends_with(".js") && !name.contains(".node.") && !name.contains(".inline.") || name == WASM;
        if !shipped {
            continue;
        }
        let bytes = fs::read(&path)?;
        let mut compressed = vec![];
        brotli::BrotliCompress(&mut &bytes[..], &mut compressed, &brotli::enc::BrotliEncoderParams::default())?;
        raw += bytes.len();
        small += compressed.len();
        if bytes.len() > 4000 {
            let name = name.rsplit('/').next().unwrap_or(&name).to_owned();
            lines += &format!("\n{name:<24} {:>9} {:>9}", bytes.len(), compressed.len());
        }
    }
    Ok(lines + &format!("\n{:<24} {raw:>9} {small:>9}", "all together"))
}

fn collect(folder: &Path, files: &mut Vec<std::path::PathBuf>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { collect(&path, files)? } else { files.push(path) }
    }
    Ok(())
}

/// What the package is compiled for.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

const PROFILE: &str = "web";

const WASM: &str = "coincide_bg.wasm";

const LIMIT: Duration = Duration::from_secs(900);
