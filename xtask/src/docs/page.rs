//! One page in Markdown: its headings, links and blocks of code.

use std::collections::HashMap;
use std::fs;

use anyhow::Context;
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use crate::workspace::Workspace;

/// A page and what the checks need of it.
pub(super) struct Page {
    /// Relative to the root, with `/`.
    pub(super) path: String,
    pub(super) text: String,
    /// The ids of the headings, as GitHub forms them.
    pub(super) ids: Vec<String>,
    /// Line and destination.
    pub(super) links: Vec<(usize, String)>,
    pub(super) blocks: Vec<Block>,
    /// Line and text of the code in sentences.
    pub(super) codes: Vec<(usize, String)>,
}

/// A fenced block of code.
pub(super) struct Block {
    /// The line of the page on which its text begins, from 1.
    pub(super) line: usize,
    /// Behind the fence, such as `rust,ignore`.
    pub(super) info: String,
    pub(super) text: String,
    /// The file that it shows, from a comment `<!-- file: PATH -->` before it.
    pub(super) file: Option<String>,
}

impl Page {
    pub(super) fn read(workspace: &Workspace, path: String) -> anyhow::Result<Self> {
        let text = fs::read_to_string(workspace.root.join(&path)).with_context(|| path.clone())?;
        Ok(Self::parse(path, text))
    }

    fn parse(path: String, text: String) -> Self {
        let (mut ids, mut links, mut blocks, mut codes) = (Ids::default(), Vec::new(), Vec::new(), Vec::new());
        let line = |at: usize| text[..at].matches('\n').count() + 1;
        let (mut heading, mut block, mut file) = (None::<String>, None::<Block>, None);
        for (event, range) in Parser::new_ext(&text, OPTIONS).into_offset_iter() {
            match event {
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => drop(ids.add(&heading.take().unwrap_or_default())),
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    links.push((line(range.start), dest_url.into_string()));
                }
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                    let line = line(range.start) + 1;
                    block = Some(Block { line, info: info.into_string(), text: String::new(), file: file.take() });
                }
                Event::End(TagEnd::CodeBlock) => blocks.extend(block.take()),
                Event::Html(html) => {
                    let named = html.trim().strip_prefix("<!-- file: ").and_then(|rest| rest.strip_suffix(" -->"));
                    file = named.map(str::to_owned).or(file);
                }
                Event::Text(text) => match (&mut block, &mut heading) {
                    (Some(block), _) => block.text += &text,
                    (None, Some(heading)) => *heading += &text,
                    (None, None) => {}
                },
                Event::Code(code) => {
                    if let Some(heading) = &mut heading {
                        *heading += &code;
                    }
                    codes.push((line(range.start), code.into_string()));
                }
                // A comment belongs to the block behind it.
                Event::Start(Tag::Paragraph) => file = None,
                _ => {}
            }
        }
        Self { path, ids: ids.all, links, blocks, codes, text }
    }
}

/// Ids of headings.
#[derive(Default)]
pub(super) struct Ids {
    all: Vec<String>,
    counts: HashMap<String, usize>,
}

impl Ids {
    /// The id of the next heading: lower case, without punctuation, with `-` for spaces, and a number if there was the same before.
    pub(super) fn add(&mut self, heading: &str) -> String {
        let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        let id: String = kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect();
        let count = self.counts.entry(id.clone()).or_default();
        *count += 1;
        let id = if *count == 1 { id } else { format!("{id}-{}", *count - 1) };
        self.all.push(id.clone());
        id
    }
}

/// What GitHub renders besides CommonMark.
pub(super) const OPTIONS: Options = Options::ENABLE_TABLES.union(Options::ENABLE_STRIKETHROUGH);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_has_ids_links_and_blocks() {
        let text = "# The `a` of b, c!\n\n[x](y.md#z)\n\n<!-- file: a/b.js -->\n```js\nf();\n```\n\n<!-- file: c -->\ntext\n\n```rust,ignore\nlet `a`;\n```\n# The a of b, c";
        let page = Page::parse("p.md".into(), text.into());
        assert_eq!(page.ids, ["the-a-of-b-c", "the-a-of-b-c-1"]);
        assert_eq!(page.links, [(3, "y.md#z".to_owned())]);
        assert_eq!(page.codes, [(1, "a".to_owned())]);
        let blocks: Vec<_> = page.blocks.iter().map(|it| (it.line, &*it.info, &*it.text, it.file.as_deref())).collect();
        assert_eq!(blocks, [(7, "js", "f();\n", Some("a/b.js")), (14, "rust,ignore", "let `a`;\n", None)]);
    }
}
