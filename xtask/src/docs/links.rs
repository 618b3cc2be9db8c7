//! Checks the links between pages, and from other files to them.

use std::collections::HashMap;
use std::fs;

use super::page::Page;
use super::{INDEX, REPOSITORY, sources, target, verdict};
use crate::workspace::Workspace;

/// Checks that each link to a file of the repository, and to a heading of a page, has a target, and that the index lists each page of `docs/`.
pub(super) fn check(workspace: &Workspace, pages: &[Page]) -> anyhow::Result<()> {
    let by_path: HashMap<&str, &Page> = pages.iter().map(|page| (page.path.as_str(), page)).collect();
    let fault = |from: &str, link: &str| {
        let (path, fragment) = target(from, link)?;
        if !workspace.root.join(&path).exists() {
            return Some(format!("{link}: no such file"));
        }
        let (fragment, page) = (fragment?, by_path.get(path.as_str())?);
        (!page.ids.iter().any(|id| id == fragment)).then(|| format!("{link}: no such heading"))
    };
    let (mut faults, mut count) = (Vec::new(), 0);
    for page in pages {
        for (line, link) in &page.links {
            count += 1;
            faults.extend(fault(&page.path, link).map(|fault| format!("{}:{line}: {fault}", page.path)));
        }
    }
    for file in sources(workspace, &["html", "js", "json", "mjs", "rs", "ts", "mts", "toml"])? {
        // Files that are not text have no links.
        let Ok(text) = fs::read_to_string(workspace.root.join(&file)) else { continue };
        for (number, line) in text.lines().enumerate() {
            for prefix in REPOSITORY {
                for (at, _) in line.match_indices(prefix) {
                    let link = line[at..].split(['"', '\'', ')', '>', '`', '\\', ' ']).next().unwrap_or_default();
                    // The code that knows the prefix.
                    if link.len() == prefix.len() || link.contains('{') {
                        continue;
                    }
                    count += 1;
                    faults.extend(fault(&file, link).map(|fault| format!("{file}:{}: {fault}", number + 1)));
                }
            }
        }
    }
    let listed = |page: &Page| {
        let index = by_path.get(INDEX).map_or(&[][..], |index| &index.links);
        index.iter().any(|(_, link)| target(INDEX, link).is_some_and(|(path, _)| path == page.path))
    };
    let listing = |page: &&Page| page.path.starts_with("docs/") && page.path != INDEX;
    for page in pages.iter().filter(listing).filter(|page| !listed(page)) {
        faults.push(format!("{}: not listed in {INDEX}", page.path));
    }
    // Files that a sentence names, such as `src/lib.rs`.
    for page in pages.iter().filter(|page| NAMING.iter().any(|prefix| page.path.starts_with(prefix))) {
        for (line, code) in page.codes.iter().filter(|(_, code)| is_source(code)) {
            count += 1;
            if !workspace.root.join(code).exists() {
                faults.push(format!("{}:{line}: {code}: no such file", page.path));
            }
        }
    }
    verdict(count, &faults)
}

/// Whether the text is the path of a source file, from the root.
fn is_source(text: &str) -> bool {
    let extension = [".rs", ".js", ".mjs", ".md", ".py", ".json"].iter().any(|extension| text.ends_with(extension));
    let folder = FOLDERS.iter().any(|folder| text.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')));
    extension && folder && !text.contains(['*', ' ', '<'])
}

/// Pages whose sentences name files from the root.
const NAMING: [&str; 2] = ["docs/explanation/", "CONTRIBUTING.md"];

/// Folders of sources.
const FOLDERS: [&str; 14] = [
    "benches",
    "cli",
    "codec",
    "docs",
    "examples",
    "fuzz",
    "proto",
    "python",
    "site",
    "src",
    "transport-atomics",
    "transport-sw",
    "web",
    "xtask",
];
