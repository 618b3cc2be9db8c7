//! The test vectors in `proto/vectors`, in the form of section 22 of `proto/SPEC.md`.

#[path = "vectors/frames.rs"]
mod frames;
#[path = "vectors/guard.rs"]
mod guard;
mod link;
#[path = "vectors/sessions.rs"]
mod sessions;
#[path = "link/violations.rs"]
#[allow(dead_code, reason = "only its list of rules is needed")]
mod violations;

use coincide_proto::{Config, Format, Role};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors")
}

/// Values nest deeper than JSON parsers allow by default.
fn read_json(name: &str) -> Json {
    let path = folder().join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut reader = serde_json::Deserializer::from_str(&text);
    reader.disable_recursion_limit();
    Json::deserialize(&mut reader).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn read<T: DeserializeOwned>(name: &str) -> T {
    serde_json::from_value(read_json(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The limits of an end, as the vectors write them.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Limits {
    #[serde(default)]
    name: String,
    max_frame: u32,
    max_message: String,
    max_pending: u32,
    max_depth: u16,
}

impl Limits {
    fn config(&self) -> Config {
        Config {
            name: self.name.clone(),
            max_frame: self.max_frame,
            max_message: decimal(&self.max_message),
            max_pending: self.max_pending,
            max_depth: self.max_depth,
            ..Config::default()
        }
    }
}

/// Numbers of 64 bits are text, since not every JSON parser supports them.
fn decimal(text: &str) -> u64 {
    let number: u64 = text.parse().unwrap_or_else(|_| panic!("{text:?} is no number"));
    assert_eq!(number.to_string(), text);
    number
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Vec<u8> {
    assert!(
        text.len().is_multiple_of(2) && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')),
        "{text}"
    );
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn role(name: &str) -> Role {
    match name {
        "main" => Role::Main,
        "worker" => Role::Worker,
        _ => panic!("no end is called {name:?}"),
    }
}

const FORMATS: [(&str, Format); 4] =
    [("bytes", Format::Bytes), ("typed", Format::Typed), ("value", Format::Value), ("text", Format::Text)];

fn format(name: &str) -> Format {
    let known = FORMATS.iter().find(|(known, _)| *known == name);
    known.unwrap_or_else(|| panic!("no format is called {name:?}")).1
}

fn format_name(format: Format) -> &'static str {
    FORMATS.iter().find(|(_, known)| *known == format).unwrap().0
}

/// The names that the specification gives to violations.
fn specified_violations() -> std::collections::BTreeSet<&'static str> {
    let section = include_str!("../SPEC.md").split("\n## 15 ").nth(1).unwrap().split("\n## ").next().unwrap();
    let names = section.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next());
    names.filter(|name| *name != "name").collect()
}

/// Whether `text` is the error of a session that detects this violation.
fn is_text_of(text: &str, violation: &str) -> bool {
    let without_numbers = |text: &str| text.replace(|char: char| char.is_ascii_digit(), "");
    let mut rules = violations::violations().into_iter().filter(|known| known.name == violation);
    rules.any(|known| without_numbers(known.rule) == without_numbers(text))
}

/// Reports all failures at once, which shows what they have in common.
fn assert_none(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} cases fail:\n{}", wrong.len(), wrong.join("\n"));
}
