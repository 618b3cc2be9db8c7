//! Builds the npm package into `web/pkg`, the same in the shape of coincident into `web/pkg-coincident`, and the modules that both are bundled from into
//! `web/modules`, from where tests of inner parts import them.

use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use base64::Engine;
use serde_json::Value;
use wasm_bindgen_cli_support::Bindgen;

use super::{npm, panics};
use crate::docs;
use crate::process;
use crate::report::{ODD, say};
use crate::tools;
use crate::workspace::Workspace;

/// How the package is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Profile {
    /// As it is published.
    Web,
    /// With checks and names, not optimized.
    Debug,
}

/// Builds the package, unless nothing has changed since it was built.
///
/// # Errors
/// When something does not build or cannot be written.
pub(crate) fn build(workspace: &Workspace, profile: Profile) -> anyhow::Result<()> {
    let (name, folder) = match profile {
        Profile::Web => ("web", "web"),
        Profile::Debug => ("dev", "debug"),
    };
    let wasm = compile(workspace, "coincide-web", name, folder).context("the wasm")?;

    let optimizer = match profile {
        Profile::Web => npm::tool(workspace, "wasm-opt"),
        Profile::Debug => Err("it is a debug build".to_owned()),
    };
    if let Err(why) = &optimizer {
        say!("{ODD}not optimized{ODD:#} the wasm, and the modules are not bundled: {why}");
    }
    let folders = [PACKAGE, COINCIDENT, MODULES].map(|folder| workspace.root.join(folder));
    let sources = sources(workspace)?;
    let optimized = optimizer.is_ok();
    let inputs = (profile, optimized, fs::read(&wasm)?, program()?, workspace.version()?);
    let bundler = [BUNDLER, FIELDS].map(|path| workspace.root.join(path));
    let scripts = bundler.iter().map(PathBuf::as_path);
    let inputs = hash_of(&inputs, sources.iter().map(|(from, _)| from.as_path()).chain(scripts))?;
    let stamp = workspace.target.join("web-package.stamp");
    if fs::read_to_string(&stamp).is_ok_and(|stamp| Some(stamp) == stamp_of(inputs, &folders)) {
        say!("{PACKAGE} is up to date");
        return Ok(());
    }

    // Beside the old one, which remains complete until the new one replaces it.
    let new_folders = [PACKAGE, COINCIDENT, MODULES].map(|folder| workspace.root.join(format!("{folder}.new")));
    let [new_package, new_coincident, new] = &new_folders;
    for folder in &new_folders {
        clear(folder)?;
        fs::create_dir_all(folder)?;
    }
    let mut bindgen = Bindgen::new();
    bindgen.input_path(wasm).web(true)?.typescript(false).omit_default_module_path(true).out_name("coincide");
    bindgen.debug(profile == Profile::Debug).keep_debug(profile == Profile::Debug);
    bindgen.remove_name_section(profile == Profile::Web).remove_producers_section(true);
    let mut output = bindgen.generate_output().context("the glue")?;
    if profile == Profile::Web && !panics::mute(output.wasm_mut()) {
        println!("warning: this compiler names panics differently, so their texts stay in the wasm, which is larger");
    }
    output.emit(new).context("the glue")?;
    guard(&new.join("coincide.js")).context("the guard of the glue")?;
    adopt_snippets(new).context("the snippets of the glue")?;
    let wasm = new.join(WASM);
    if let Ok(mut optimize) = optimizer {
        optimize.args(OPTIMIZE).arg(&wasm).arg("-o").arg(&wasm);
        process::run(optimize, LIMIT).context("optimizing the wasm")?;
    }
    // Pages that have the same path in the package and in the repository.
    let packaged: HashSet<&str> = sources
        .iter()
        .map(|(_, name)| &**name)
        .filter(|name| name.starts_with("docs/") || *name == "CHANGELOG.md")
        .collect();
    for (from, name) in &sources {
        let to = new.join(name);
        fs::create_dir_all(to.parent().context("a file is in a folder")?)?;
        if name.starts_with("docs/") {
            fs::write(to, docs::for_package(name, &fs::read_to_string(from)?, |page| packaged.contains(page))?)?;
        } else {
            fs::copy(from, to).with_context(|| from.display().to_string())?;
        }
    }
    fs::write(new.join("wasm.inline.js"), inline(&fs::read(&wasm)?))?;
    fs::write(new.join("package.json"), manifest(workspace)?)?;
    let mut files = Vec::new();
    collect(new, &mut files)?;
    for from in files {
        let name = from.strip_prefix(new)?;
        let (package, name) = match name.strip_prefix("coincident") {
            Ok(name) => (new_coincident, name),
            Err(_) => (new_package, name),
        };
        if !optimized || is_shipped(name) {
            let to = package.join(name);
            fs::create_dir_all(to.parent().context("a file is in a folder")?)?;
            fs::copy(&from, to).with_context(|| from.display().to_string())?;
        }
    }
    if optimized {
        bundle(workspace, new, [new_package, new_coincident])?;
    }
    for (new, folder) in new_folders.iter().zip(&folders) {
        clear(folder)?;
        fs::rename(new, folder).with_context(|| format!("cannot put {} in its place", folder.display()))?;
    }
    fs::write(stamp, stamp_of(inputs, &folders).context("the package vanished")?)?;
    Ok(())
}

/// Compiles a crate to wasm and returns the file, which cargo writes into `folder`. Installs the target first if it is missing.
///
/// # Errors
/// When the target cannot be installed, or the crate does not build.
pub(super) fn compile(workspace: &Workspace, package: &str, profile: &str, folder: &str) -> anyhow::Result<PathBuf> {
    tools::rust_target(workspace, TARGET).map_err(anyhow::Error::msg)?;
    let cargo = ["build", "--package", package, "--profile", profile, "--target", TARGET];
    process::run(workspace.cargo(cargo), LIMIT)?;
    let file = package.replace('-', "_");
    Ok(workspace.target.join(TARGET).join(folder).join(file).with_extension("wasm"))
}

/// Prints the sizes of what the package ships, raw and compressed: of all files, or of what each entry loads alone.
///
/// # Errors
/// When a module refers to a file that isn't there.
pub(crate) fn sizes(workspace: &Workspace, files: bool) -> anyhow::Result<()> {
    if let Err(why) = tools::node(workspace) {
        say!("{ODD}no sizes{ODD:#}: {why}");
        return Ok(());
    }
    let mut command = workspace.command("node");
    command.args(["xtask/src/web/sizes.mjs", PACKAGE]).args(files.then_some("--files"));
    process::run(command, LIMIT).context("the files of the package")
}

/// Bundles the modules into the entries of both packages.
fn bundle(workspace: &Workspace, modules: &Path, packages: [&PathBuf; 2]) -> anyhow::Result<()> {
    let mut command = workspace.command("node");
    command.arg(BUNDLER).arg(npm::module(workspace, "rolldown")).arg(modules).args(packages);
    command.arg(workspace.version()?);
    process::run(command, LIMIT).context("bundling the modules")
}

/// Whether a file of the modules is in the package as it is: everything but JavaScript that is bundled. What a site serves under its own name is
/// read there by people. The entries for development import other entries.
fn is_shipped(name: &Path) -> bool {
    let whole = ["coi.js", "listeners.js", "sw.js", "sw-listeners.js", "main.dev.js", "window/main.dev.js"];
    name.extension().is_none_or(|extension| extension != "js") || whole.iter().any(|whole| name == Path::new(whole))
}

/// What goes into the package, and the name that it has there. `package.json` comes along for [`manifest`].
fn sources(workspace: &Workspace) -> anyhow::Result<Vec<(PathBuf, String)>> {
    let mut sources = Vec::new();
    // Pages in Rust use the same modules for main's objects.
    for (folder, to) in [("web/js", ""), ("src/window/js", "reflect/"), ("web/coincident", "coincident/")] {
        let (folder, mut files) = (workspace.root.join(folder), Vec::new());
        collect(&folder, &mut files)?;
        for file in files {
            let name = file.strip_prefix(&folder)?.to_str().context("the name of a file is no text")?;
            sources.push((file.clone(), format!("{to}{}", name.replace('\\', "/"))));
        }
    }
    let (docs, mut pages) = (workspace.root.join("docs"), Vec::new());
    collect(&docs, &mut pages)?;
    for page in pages.into_iter().filter(|page| page.extension().is_some_and(|extension| extension == "md")) {
        let name = page.strip_prefix(&docs)?.to_str().context("the name of a page is no text")?.replace('\\', "/");
        // The report consists of charts, which the package does not contain.
        if name != "BENCHMARKS.md" {
            sources.push((page, format!("docs/{name}")));
        }
    }
    for (from, name) in [
        ("CHANGELOG.md", "CHANGELOG.md"),
        ("LICENSE-APACHE", "LICENSE-APACHE"),
        ("LICENSE-MIT", "LICENSE-MIT"),
        ("cli/js/coi.js", "coi.js"),
        ("codec/js/blobs.js", "values/blobs.js"),
        ("codec/js/classes.js", "values/classes.js"),
        ("codec/js/decode.js", "values/decode.js"),
        ("codec/js/encode.js", "values/encode.js"),
        ("codec/js/format.js", "values/format.js"),
        ("codec/js/refusal.js", "values/refusal.js"),
        ("codec/js/skip.js", "values/skip.js"),
        ("src/boot.js", "boot.js"),
        ("src/web/events.js", "events.js"),
        ("transport-sw/js/sw.js", "sw.js"),
        ("transport-sw/js/sw-listeners.js", "sw-listeners.js"),
        ("LICENSE-APACHE", "coincident/LICENSE-APACHE"),
        ("LICENSE-MIT", "coincident/LICENSE-MIT"),
        ("transport-sw/js/sw.js", "coincident/sw.js"),
        ("transport-sw/js/sw-listeners.js", "coincident/listeners.js"),
        ("web/README.md", "README.md"),
        ("web/package.json", "package.json"),
    ] {
        sources.push((workspace.root.join(from), name.to_owned()));
    }
    sources.sort();
    Ok(sources)
}

/// Identifies the build of this program.
fn program() -> anyhow::Result<impl Hash> {
    let program = std::env::current_exe()?.metadata()?;
    Ok((program.len(), program.modified()?))
}

/// The stamp of these inputs, or `None` if a folder is missing.
fn stamp_of(inputs: u64, folders: &[PathBuf]) -> Option<String> {
    let mut files = Vec::new();
    for folder in folders {
        collect(folder, &mut files).ok()?;
    }
    files.sort();
    Some(format!("{inputs:016x} {:016x}", hash_of(&(), files.iter().map(PathBuf::as_path)).ok()?))
}

/// A hash of the value, and of the paths and contents of the files.
fn hash_of<'a>(value: &impl Hash, files: impl Iterator<Item = &'a Path>) -> anyhow::Result<u64> {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    for file in files {
        (file, fs::read(file).with_context(|| file.display().to_string())?).hash(&mut hasher);
    }
    Ok(hasher.finish())
}

/// Makes the glue use the guarded exports of the wasm: see `link/guard.js`.
fn guard(glue: &Path) -> anyhow::Result<()> {
    let text = fs::read_to_string(glue)?;
    let bare = "wasm = instance.exports;";
    if text.matches(bare).count() != 1 {
        bail!("the glue is of another form: `{bare}` is not there once");
    }
    let guarded = text.replacen(bare, "wasm = guarded(instance.exports);", 1);
    fs::write(glue, format!("import {{ guarded }} from './link/guard.js';\n{guarded}"))?;
    Ok(())
}

/// Moves the snippets that the glue imports beside it, under their own names, where modules of the package import them as well. Removes all others,
/// which are for programs in Rust.
fn adopt_snippets(package: &Path) -> anyhow::Result<()> {
    let glue = package.join("coincide.js");
    let mut text = fs::read_to_string(&glue)?;
    let folder = package.join("snippets");
    let mut snippets = Vec::new();
    if folder.exists() {
        collect(&folder, &mut snippets)?;
    }
    for snippet in snippets {
        let path = snippet.strip_prefix(package)?.to_string_lossy().replace('\\', "/");
        let name = snippet.file_name().and_then(|name| name.to_str()).context("the name of a file is no text")?;
        if text.contains(&path) {
            text = text.replace(&path, name);
            fs::copy(&snippet, package.join(name))?;
        }
    }
    clear(&folder)?;
    fs::write(glue, text)?;
    Ok(())
}

fn clear(folder: &Path) -> anyhow::Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot clear {}", folder.display()))?;
    }
    Ok(())
}

/// The module that contains the wasm.
fn inline(wasm: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(wasm);
    format!(
        "// The wasm of main, instead of a file to fetch.\n\
         const text = '{text}';\n\n\
         /** The compiled module. */\n\
         export const source = () => new WebAssembly.Module(Uint8Array.from(atob(text), c => c.charCodeAt(0)));\n"
    )
}

/// `package.json` with the version of the crates; the rest of what it says about the project agrees with theirs.
fn manifest(workspace: &Workspace) -> anyhow::Result<String> {
    let text = fs::read_to_string(workspace.root.join("web/package.json"))?;
    let placeholder = "\"version\": \"0.0.0\"";
    if !text.contains(placeholder) {
        bail!("web/package.json has no {placeholder}");
    }
    let said: Value = serde_json::from_str(&text).context("web/package.json")?;
    let package = workspace.published().next().context("no crate is published")?;
    let repository = package.repository.as_deref().context("the crates name no repository")?;
    for (name, expected) in [
        ("/license", package.license.clone().unwrap_or_default()),
        ("/author", package.authors.join(", ")),
        ("/repository/url", format!("git+{repository}.git")),
        ("/bugs", format!("{repository}/issues")),
        ("/homepage", format!("{repository}#readme")),
    ] {
        if said.pointer(name).and_then(Value::as_str) != Some(&expected) {
            bail!("{name} in web/package.json is not `{expected}`, as the crates have it");
        }
    }
    Ok(text.replacen(placeholder, &format!("\"version\": \"{}\"", workspace.version()?), 1))
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { collect(&path, files)? } else { files.push(path) }
    }
    Ok(())
}

/// What the package is compiled for.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// Where the package is built.
pub(super) const PACKAGE: &str = "web/pkg";

/// Where the package in the shape of coincident is built. It can't be used without being bundled.
pub(super) const COINCIDENT: &str = "web/pkg-coincident";

/// The modules of the package.
pub(super) const MODULES: &str = "web/modules";

const BUNDLER: &str = "xtask/src/web/bundle.mjs";

/// Imported by it.
const FIELDS: &str = "xtask/src/web/fields.mjs";

const WASM: &str = "coincide_bg.wasm";

/// The features are those that rustc assumes for the target: wasm-opt must use no others.
const OPTIMIZE: [&str; 9] = [
    "-O3",
    "--strip-target-features",
    "--mvp-features",
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

const LIMIT: Duration = Duration::from_secs(900);
