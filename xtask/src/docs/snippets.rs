//! Checks the blocks of code of the pages: Rust is part of a documentation test, JavaScript and TypeScript have no error of syntax or types, JSON
//! parses, copies of files equal them, and commands of this repository exist.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use serde_json::{Map, Value, json};

use super::page::{Block, Page};
use super::{sources, target, verdict};
use crate::process;
use crate::report::Tally;
use crate::web;
use crate::workspace::Workspace;

pub(super) fn check(workspace: &Workspace, pages: &[Page], tally: &mut Tally) {
    tally.check("programs in Rust", rust(workspace, pages));
    tally.check("copies of files", copies(workspace, pages));
    tally.check("JSON", json_blocks(pages));
    tally.check("commands of xtask", commands(pages));
    tally.check("options of the npm package", options(workspace, pages));
    match web::tool(workspace, "tsc") {
        Ok(tsc) => tally.check("programs in JavaScript and TypeScript", scripts(workspace, pages, tsc)),
        Err(why) => tally.skip("programs in JavaScript and TypeScript", why),
    }
}

/// All blocks, with their pages.
fn blocks(pages: &[Page]) -> impl Iterator<Item = (&Page, &Block)> {
    pages.iter().flat_map(|page| page.blocks.iter().map(move |block| (page, block)))
}

fn is_private(page: &Page) -> bool {
    page.path.starts_with(PRIVATE)
}

/// A block in Rust has to be in a page that a crate includes in its documentation, where it is a documentation test, or to show a file.
fn rust(workspace: &Workspace, pages: &[Page]) -> anyhow::Result<()> {
    let mut included = Vec::new();
    for file in sources(workspace, &["rs"])? {
        let text = fs::read_to_string(workspace.root.join(&file))?;
        for part in text.split("doc = include_str!(\"").skip(1) {
            let path = part.split('"').next().unwrap_or_default();
            included.extend(target(&file, path).map(|(path, _)| path));
        }
    }
    let (mut count, mut faults) = (0, Vec::new());
    for (page, block) in blocks(pages).filter(|(_, block)| block.info.split(',').next() == Some("rust")) {
        if is_private(page) {
            continue;
        }
        count += 1;
        let tested = included.contains(&page.path) && !block.info.split(',').any(|word| word == "ignore");
        if !tested && block.file.is_none() {
            faults.push(format!("{}:{}: not a documentation test, and no copy of a file", page.path, block.line));
        }
    }
    verdict(count, &faults)
}

/// A block below `<!-- file: PATH -->` has to be the file, or its end.
fn copies(workspace: &Workspace, pages: &[Page]) -> anyhow::Result<()> {
    let (mut count, mut faults) = (0, Vec::new());
    for (page, block) in blocks(pages) {
        let Some(file) = &block.file else { continue };
        count += 1;
        let text = fs::read_to_string(workspace.root.join(file)).with_context(|| format!("{}: {file}", page.path))?;
        if !text.trim_end().ends_with(block.text.trim_end()) {
            faults.push(format!("{}:{}: is not the text of {file}", page.path, block.line));
        }
    }
    verdict(count, &faults)
}

fn json_blocks(pages: &[Page]) -> anyhow::Result<()> {
    let (mut count, mut faults) = (0, Vec::new());
    for (page, block) in blocks(pages).filter(|(_, block)| block.info == "json") {
        count += 1;
        if let Err(error) = serde_json::from_str::<Value>(&block.text) {
            faults.push(format!("{}:{}: {error}", page.path, block.line));
        }
    }
    // Few pages have any.
    if faults.is_empty() { Ok(()) } else { verdict(count, &faults) }
}

/// A line `cargo xtask …` has to be accepted by this program. Words in capitals stand for something else.
fn commands(pages: &[Page]) -> anyhow::Result<()> {
    let (mut count, mut faults) = (0, Vec::new());
    let mut check = |page: &Page, line: usize, text: &str| {
        let Some(rest) = text.trim().strip_prefix("cargo xtask ") else { return };
        let words: Vec<&str> = rest.split('#').next().unwrap_or_default().split_whitespace().collect();
        if words.iter().any(|word| matches!(*word, "…" | "NAME" | "STEP")) {
            return;
        }
        count += 1;
        if let Err(error) = crate::Cli::try_parse_from(["xtask"].iter().chain(&words)) {
            faults.push(format!("{}:{line}: {text}\n{error}", page.path));
        }
    };
    for page in pages {
        for (line, code) in &page.codes {
            check(page, *line, code);
        }
        for block in page.blocks.iter().filter(|block| matches!(&*block.info, "sh" | "text")) {
            for (at, line) in block.text.lines().enumerate() {
                check(page, block.line + at, line);
            }
        }
    }
    verdict(count, &faults)
}

/// The reference has to list each option that the declarations have, and each one of the command `coincide`.
fn options(workspace: &Workspace, pages: &[Page]) -> anyhow::Result<()> {
    let text = |path: &str| fs::read_to_string(workspace.root.join(path)).with_context(|| path.to_owned());
    let rows = |path: &str| {
        let page = pages.iter().find(|page| page.path == path).with_context(|| format!("{path} is missing"))?;
        anyhow::Ok(page.text.lines().filter(|line| line.starts_with('|')).collect::<Vec<_>>().join("\n"))
    };
    let (mut count, mut faults) = (0, Vec::new());
    let listed = rows(OPTIONS)?;
    for path in DECLARATIONS {
        let text = text(path)?;
        for interface in text.split("export interface ").skip(1) {
            let (head, rest) = interface.split_once(" {\n").unwrap_or_default();
            let name = head.split([' ', '<']).next().unwrap_or_default();
            if !name.ends_with("Options") && !name.ends_with("Limits") {
                continue;
            }
            let body = rest.split("\n}").next().unwrap_or_default();
            for (option, _) in body.lines().filter_map(|line| line.trim_start().split_once("?: ")) {
                count += 1;
                if !listed.contains(&format!("| `{option}` |")) {
                    faults.push(format!("{OPTIONS}: `{option}` of {path} is missing"));
                }
            }
        }
    }
    let listed = rows(CLI)?;
    let help = text("web/js/cli.mjs")?;
    let help = help.split("const HELP = `").nth(1).and_then(|rest| rest.split('`').next()).context("no help")?;
    let of_serve = help.split("  coi <FILE>").next().unwrap_or_default();
    for flag in of_serve.split_whitespace().filter(|word| word.starts_with("--")) {
        count += 1;
        if !listed.contains(&format!("`{flag}`")) && !listed.contains(&format!("`{flag} ")) {
            faults.push(format!("{CLI}: {flag} is missing"));
        }
    }
    verdict(count, &faults)
}

/// Checks blocks in JavaScript and TypeScript against the declarations of the npm package. Names and modules of the reader's program are unknown.
fn scripts(workspace: &Workspace, pages: &[Page], mut tsc: std::process::Command) -> anyhow::Result<()> {
    let folder = workspace.target.join("docs/snippets");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    let mut files = Vec::new();
    for (page, block) in blocks(pages) {
        let language = block.info.split(',').next().unwrap_or_default();
        if !matches!(language, "js" | "jsx" | "ts") || is_private(page) {
            continue;
        }
        let name = format!("{}.{}.{language}", page.path.replace('/', "."), block.line);
        // Without this, a block with no import would be a script whose names are global.
        fs::write(folder.join(&name), format!("{}\nexport {{}};\n", block.text.trim_end()))?;
        files.push(name);
    }
    fs::write(folder.join("platform.d.ts"), PLATFORM)?;
    let project = folder.join("tsconfig.json");
    fs::write(&project, serde_json::to_string_pretty(&config(workspace)?)?)?;
    tsc.args(["--pretty", "false", "--project"]).arg(&project);
    let (mut faults, mut unknown) = (Vec::new(), 0);
    let result = process::stream(tsc, LIMIT, |line| {
        if UNKNOWN.iter().any(|code| line.contains(&format!(": error {code}:"))) {
            unknown += 1;
        } else if line.contains("error TS") {
            faults.push(place(line));
        }
    });
    // The compiler fails for the unknown names as well. Without any, it has failed by itself.
    if unknown == 0 && faults.is_empty() {
        result?;
    }
    verdict(files.len(), &faults)
}

/// `PAGE:LINE: message` of an error at a line of a snippet's file.
fn place(error: &str) -> String {
    let found = || {
        let (file, rest) = error.split_once('(')?;
        let (position, message) = rest.split_once("): ")?;
        let name = Path::new(file).file_stem()?.to_str()?;
        let (page, line) = name.rsplit_once('.')?;
        let line = line.parse::<usize>().ok()? + position.split(',').next()?.parse::<usize>().ok()? - 1;
        Some(format!("{page}:{line}: {message}"))
    };
    found().unwrap_or_else(|| error.to_owned())
}

/// The project of the snippets, in which the entries of the package lead to their declarations.
fn config(workspace: &Workspace) -> anyhow::Result<Value> {
    let manifest: Value = serde_json::from_str(&fs::read_to_string(workspace.root.join("web/package.json"))?)?;
    let mut paths = Map::new();
    for (entry, conditions) in manifest["exports"].as_object().context("the package exports nothing")? {
        if let Some(types) = conditions["types"].as_str() {
            let name = format!("coincide{}", entry.trim_start_matches('.'));
            paths.insert(name, json!([workspace.root.join("web/js").join(types).to_string_lossy()]));
        }
    }
    Ok(json!({
        "compilerOptions": {
            "target": "esnext",
            "lib": ["esnext", "dom", "dom.iterable"],
            "module": "esnext",
            "moduleResolution": "bundler",
            "jsx": "preserve",
            "types": [],
            "allowJs": true,
            "checkJs": true,
            "strict": false,
            "noEmit": true,
            "paths": paths,
        },
        "include": ["*"],
    }))
}

/// Errors that say that the program around a snippet is not there: names, modules, and types of JSX. TS2349: a function of a worker on either tier of
/// `coincide/suspending/worker`, which a program in JavaScript need not narrow.
const UNKNOWN: [&str; 8] = ["TS2304", "TS2307", "TS2349", "TS2552", "TS2580", "TS2591", "TS7026", "TS18004"];

/// What the compiler's own declarations lack.
const PLATFORM: &str = "interface ImportMeta { env: any; dirname: string }
declare namespace WebAssembly { const Suspending: any; const promising: any }
";

/// The page of the options, and the declarations that have them.
const OPTIONS: &str = "docs/reference/options.md";
const DECLARATIONS: [&str; 5] = [
    "web/js/main.d.ts",
    "web/js/worker.d.ts",
    "web/js/window/main.d.ts",
    "web/js/window/worker.d.ts",
    "web/js/vite.d.mts",
];
const CLI: &str = "docs/reference/cli.md";

/// Pages of the benches, whose programs use inner parts of the suite. A test of their own compares them with files.
const PRIVATE: &str = "benches/";

const LIMIT: Duration = Duration::from_secs(120);
