//! The documentation: checks its links, programs and commands, and builds it as a site.

mod links;
mod page;
mod site;
mod snippets;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::report::Tally;
use crate::workspace::Workspace;
use page::Page;
use pulldown_cmark::{Event, Parser, Tag};

/// Checks every page of the repository, and builds the site. Returns its folder, if it could be built.
pub(crate) fn check(workspace: &Workspace, tally: &mut Tally) -> Option<PathBuf> {
    let pages = match pages(workspace) {
        Ok(pages) => pages,
        Err(error) => {
            tally.fail(format!("reading the pages: {error:#}"));
            return None;
        }
    };
    tally.check("links", links::check(workspace, &pages));
    snippets::check(workspace, &pages, tally);
    let site = site::build(workspace);
    let folder = site.as_ref().ok().cloned();
    tally.check("the site of the documentation", site.map(drop));
    folder
}

/// The page as a package contains it: links to files that the package lacks lead to the repository.
///
/// # Errors
/// When such a link is not written as `[text](destination)`.
pub(crate) fn for_package(path: &str, text: &str, contains: impl Fn(&str) -> bool) -> anyhow::Result<String> {
    let mut new = text.to_owned();
    // From the end, so that the ranges of those before remain valid.
    let links: Vec<_> = Parser::new_ext(text, page::OPTIONS).into_offset_iter().collect();
    for (event, range) in links.into_iter().rev() {
        let (link, prefix) = match &event {
            Event::Start(Tag::Link { dest_url, .. }) => (dest_url, REPOSITORY[0]),
            Event::Start(Tag::Image { dest_url, .. }) => (dest_url, IMAGES),
            _ => continue,
        };
        let Some((to, fragment)) = target(path, link) else { continue };
        if to == path || contains(&to) || link.contains(':') {
            continue;
        }
        let end = range.end - 1;
        let start =
            text[..end].ends_with(&**link).then(|| end - link.len()).with_context(|| format!("{path}: {link}"))?;
        let fragment = fragment.map(|fragment| format!("#{fragment}")).unwrap_or_default();
        new.replace_range(start..end, &format!("{prefix}{to}{fragment}"));
    }
    Ok(new)
}

/// Every page in Markdown of the repository, by path.
fn pages(workspace: &Workspace) -> anyhow::Result<Vec<Page>> {
    sources(workspace, &["md"])?.into_iter().map(|path| Page::read(workspace, path)).collect()
}

/// The paths of all source files with one of these extensions, relative to the root, with `/`.
fn sources(workspace: &Workspace, extensions: &[&str]) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    collect(&workspace.root, &workspace.root, extensions, &mut found)?;
    found.sort();
    Ok(found)
}

fn collect(root: &Path, folder: &Path, extensions: &[&str], found: &mut Vec<String>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let relative = path.strip_prefix(root)?.to_str().unwrap_or_default().replace('\\', "/");
        if path.is_dir() {
            let hidden = name.starts_with('.') && name != ".github";
            if !hidden && !GENERATED.contains(&name) && !GENERATED.contains(&relative.as_str()) {
                collect(root, &path, extensions, found)?;
            }
        } else if path.extension().and_then(|extension| extension.to_str()).is_some_and(|it| extensions.contains(&it)) {
            found.push(relative);
        }
    }
    Ok(())
}

/// Fails with all faults, or if nothing was checked.
fn verdict(count: usize, faults: &[String]) -> anyhow::Result<()> {
    if count == 0 {
        bail!("there are none");
    }
    if !faults.is_empty() {
        bail!("{} of {count}\n{}", faults.len(), faults.join("\n"));
    }
    Ok(())
}

/// The path that a link on the page leads to, relative to the root, and its fragment; `None` for other sites.
fn target<'a>(page: &str, link: &'a str) -> Option<(String, Option<&'a str>)> {
    let (path, fragment) = link.split_once('#').map_or((link, None), |(path, fragment)| (path, Some(fragment)));
    if let Some(path) = REPOSITORY.iter().find_map(|prefix| path.strip_prefix(prefix)) {
        return Some((path.trim_end_matches('/').to_owned(), fragment));
    }
    if path.contains(':') {
        return None;
    }
    if path.is_empty() {
        return Some((page.to_owned(), fragment));
    }
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    Some((parts.join("/"), fragment))
}

/// The addresses of files and folders of this repository.
const REPOSITORY: [&str; 2] =
    ["https://github.com/coincide-rs/coincide/blob/main/", "https://github.com/coincide-rs/coincide/tree/main/"];

/// The address of the files of this repository as they are.
const IMAGES: &str = "https://raw.githubusercontent.com/coincide-rs/coincide/main/";

/// The page that lists all others.
const INDEX: &str = "docs/README.md";

/// Folders of generated or installed files, by name or by path.
const GENERATED: [&str; 6] = ["target", "node_modules", "web/pkg", "web/pkg-coincident", "web/modules", "__pycache__"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_relative_to_the_root() {
        let of = |link| target("docs/guides/window.md", link);
        assert_eq!(of("errors.md#memory"), Some(("docs/guides/errors.md".into(), Some("memory"))));
        assert_eq!(of("../../proto/SPEC.md"), Some(("proto/SPEC.md".into(), None)));
        assert_eq!(of("#limits"), Some(("docs/guides/window.md".into(), Some("limits"))));
        assert_eq!(of("../../"), Some((String::new(), None)));
        assert_eq!(of("../../../outside.md"), Some(("../outside.md".into(), None)));
        assert_eq!(of("https://github.com/coincide-rs/coincide/blob/main/README.md"), Some(("README.md".into(), None)));
        assert_eq!(of("https://docs.rs/postcard"), None);
        assert_eq!(of("mailto:a@b"), None);
    }

    #[test]
    fn links_out_of_a_package_lead_to_the_repository() {
        let text = "[a](b.md#c) [`d`](../../e/f.rs#g), `[x](../y)`\n![h](../i.svg) [j](https://k.example/l) [m](#n)\n";
        let new = for_package("docs/guides/page.md", text, |path| path == "docs/guides/b.md").unwrap();
        let [blob, raw] = [REPOSITORY[0], IMAGES];
        let wanted = format!(
            "[a](b.md#c) [`d`]({blob}e/f.rs#g), `[x](../y)`\n![h]({raw}docs/i.svg) [j](https://k.example/l) [m](#n)\n"
        );
        assert_eq!(new, wanted);
    }
}
