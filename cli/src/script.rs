//! Writes the scripts that are embedded in this program.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

/// A script for sites.
pub(crate) struct Script {
    /// The name of the file.
    name: &'static str,
    text: &'static str,
}

/// Isolates the pages of a site whose headers cannot be set.
pub(crate) const COI: Script = Script { name: "coi.js", text: include_str!("../js/coi.js") };

/// Relays to workers that block where memory can't be shared.
pub(crate) const SW: Script = Script { name: "sw.js", text: coincide_transport_sw::RELAY_SCRIPT };

/// Where to write, and whether to overwrite.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The file to write, or the folder to write it into
    file: PathBuf,
    /// Overwrite a file that has other contents
    #[arg(long)]
    force: bool,
}

/// Writes the script, unless it is there already.
///
/// # Errors
/// When there is no such folder, when the file has other contents and `force` isn't set, or when it can't be written.
pub(crate) fn write(script: &Script, options: &Options) -> anyhow::Result<()> {
    let file = if options.file.is_dir() { options.file.join(script.name) } else { options.file.clone() };
    let shown = file.display();
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // A path that ends in a slash means a folder.
    let folder = if is_folder(&options.file) { &options.file } else { folder };
    if !folder.is_dir() {
        bail!("there is no folder {}: create it first", folder.display());
    }
    // A name without an extension is more likely a folder that is missing than a script.
    if !file.exists() && file.extension().is_none() {
        bail!("there is no folder {shown}: create it first, or name a file that ends in .js");
    }
    let there =
        if file.exists() { Some(fs::read(&file).with_context(|| format!("cannot read {shown}"))?) } else { None };
    match there {
        Some(there) if there == script.text.as_bytes() => {
            println!("{shown} is up to date");
            return Ok(());
        }
        Some(_) if !options.force => bail!("{shown} exists and has other contents; `--force` overwrites it"),
        _ => {}
    }
    fs::write(&file, script.text).with_context(|| format!("cannot write {shown}"))?;
    println!("wrote {shown}");
    Ok(())
}

fn is_folder(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().last().is_some_and(|last| std::path::is_separator(char::from(*last)))
}
