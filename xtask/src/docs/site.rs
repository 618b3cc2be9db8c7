//! The pages of `docs/` as a site, in the order of its index.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use pulldown_cmark::{CowStr, Event, HeadingLevel, Parser, Tag, TagEnd, html};

use super::page::{Ids, OPTIONS, Page};
use super::{INDEX, REPOSITORY, target};
use crate::workspace::Workspace;

/// Writes the site, and returns its folder.
pub(super) fn build(workspace: &Workspace) -> anyhow::Result<PathBuf> {
    let folder = workspace.target.join("docs/site");
    let _ = fs::remove_dir_all(&folder);
    let index = Page::read(workspace, INDEX.to_owned())?;
    let mut paths = vec![INDEX.to_owned()];
    for (_, link) in &index.links {
        let page = target(INDEX, link).map(|(path, _)| path).filter(|path| path.ends_with(".md"));
        paths.extend(page.filter(|path| !paths.contains(path) && path != "README.md"));
    }
    let mut book = Book { workspace, folder, paths, images: Vec::new() };
    for path in book.paths.clone() {
        book.write(&path)?;
    }
    fs::write(book.folder.join("page.css"), include_str!("page.css"))?;
    Ok(book.folder)
}

struct Book<'a> {
    workspace: &'a Workspace,
    folder: PathBuf,
    /// The pages of the site, in order.
    paths: Vec<String>,
    images: Vec<String>,
}

impl Book<'_> {
    fn write(&mut self, path: &str) -> anyhow::Result<()> {
        let page = Page::read(self.workspace, path.to_owned())?;
        let file = self.folder.join(file_of(path));
        fs::create_dir_all(file.parent().context("a page is in a folder")?)?;
        let (title, body) = self.render(path, &page.text)?;
        let contents = self.contents(path)?;
        let at = self.paths.iter().position(|other| other == path).context("a page of the site")?;
        let mut around = String::new();
        for (rel, label, other) in [
            ("prev", "Previous", at.checked_sub(1).and_then(|at| self.paths.get(at))),
            ("next", "Next", self.paths.get(at + 1)),
        ] {
            if let Some(other) = other {
                let _ = write!(around, "<a rel=\"{rel}\" href=\"{}\">{label}</a> ", relative(path, other));
            }
        }
        let style = format!("{}page.css", "../".repeat(file_of(path).matches('/').count()));
        fs::write(
            &file,
            format!(
                "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
                 <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title} - coincide</title>\n<link rel=\"stylesheet\" href=\"{style}\">\n\
                 <nav>{contents}</nav>\n<main>{body}<footer>{around}</footer></main>\n"
            ),
        )?;
        Ok(())
    }

    /// The headings and links of the index, as on page `path`.
    fn contents(&self, path: &str) -> anyhow::Result<String> {
        let index = Page::read(self.workspace, INDEX.to_owned())?;
        let (mut named, mut events) = (false, Vec::new());
        for event in Parser::new_ext(&index.text, OPTIONS) {
            named |= matches!(event, Event::Start(Tag::Heading { .. } | Tag::Link { .. }));
            let ends = matches!(event, Event::End(TagEnd::Heading(_) | TagEnd::Link));
            let frame =
                matches!(event, Event::Start(Tag::List(_) | Tag::Item) | Event::End(TagEnd::List(_) | TagEnd::Item));
            if named || frame {
                events.push(match event {
                    Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
                        let dest_url = self.link(path, INDEX, &dest_url).into();
                        Event::Start(Tag::Link { link_type, dest_url, title, id })
                    }
                    event => event,
                });
            }
            named &= !ends;
        }
        let mut contents = String::new();
        html::push_html(&mut contents, events.into_iter());
        Ok(contents)
    }

    /// Title and HTML of a page.
    fn render(&mut self, path: &str, text: &str) -> anyhow::Result<(String, String)> {
        let mut events: Vec<Event> = Parser::new_ext(text, OPTIONS).collect();
        let (mut ids, mut title) = (Ids::default(), String::new());
        let mut start = 0;
        for at in 0..events.len() {
            match &events[at] {
                Event::Start(Tag::Heading { .. }) => start = at,
                Event::End(TagEnd::Heading(_)) => {
                    let parts = events[start..at].iter().filter_map(|event| match event {
                        Event::Text(text) | Event::Code(text) => Some(&**text),
                        _ => None,
                    });
                    let heading: String = parts.collect();
                    let new = ids.add(&heading);
                    if let Event::Start(Tag::Heading { level, id, .. }) = &mut events[start] {
                        if title.is_empty() && *level == HeadingLevel::H1 {
                            title = heading;
                        }
                        *id = Some(CowStr::from(new));
                    }
                }
                _ => {}
            }
        }
        for event in &mut events {
            match event {
                Event::Start(Tag::Link { dest_url, .. }) => *dest_url = self.link(path, path, dest_url).into(),
                Event::Start(Tag::Image { dest_url, .. }) => {
                    let (image, _) = target(path, dest_url).context("an image of another site")?;
                    let name = image.rsplit('/').next().unwrap_or_default().to_owned();
                    if !self.images.contains(&image) {
                        fs::copy(self.workspace.root.join(&image), self.folder.join(&name))
                            .with_context(|| image.clone())?;
                        self.images.push(image);
                    }
                    *dest_url = format!("{}{name}", "../".repeat(file_of(path).matches('/').count())).into();
                }
                _ => {}
            }
        }
        let mut body = String::new();
        html::push_html(&mut body, events.into_iter());
        Ok((title, body))
    }

    /// A link of page `origin` on page `path`: to a page of the site, to a file of the repository, or elsewhere.
    fn link(&self, path: &str, origin: &str, link: &str) -> String {
        let Some((to, fragment)) = target(origin, link) else { return link.to_owned() };
        let fragment = fragment.map(|fragment| format!("#{fragment}")).unwrap_or_default();
        if self.paths.contains(&to) {
            return relative(path, &to) + &fragment;
        }
        format!("{}{to}{fragment}", REPOSITORY[0])
    }
}

/// The file of a page in the site.
fn file_of(path: &str) -> String {
    if path == INDEX {
        return "index.html".to_owned();
    }
    path.strip_prefix("docs/").unwrap_or(path).replace(".md", ".html")
}

/// The address of a page as another one refers to it.
fn relative(from: &str, to: &str) -> String {
    "../".repeat(file_of(from).matches('/').count()) + &file_of(to)
}
