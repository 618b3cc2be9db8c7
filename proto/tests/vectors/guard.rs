//! `VERSION.json`: detects every change of the wire format, and requires a new version for each incompatible change.
//!
//! The file contains a digest of each case. A new case is recorded by `COINCIDE_BLESS=1`. A changed or removed
//! case means that ends of the old and the new version differ: the test refuses to record
//! that before the version is raised.

use crate::{folder, read_json};
use coincide_proto::VERSION;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::fmt::Write;

/// The files of vectors, and the version that each belongs to.
const FILES: [(&str, Owner); 7] = [
    ("frames.json", Owner::Protocol),
    ("objects.json", Owner::Protocol),
    ("packets.json", Owner::Protocol),
    ("operations.json", Owner::Protocol),
    ("rings.json", Owner::Layout),
    ("sessions.json", Owner::Protocol),
    ("values.json", Owner::Protocol),
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Owner {
    Protocol,
    Layout,
}

/// The contents of `VERSION.json`.
#[derive(Clone, Debug, Default, PartialEq)]
struct State {
    protocol: (u64, u64),
    layout: u64,
    /// File, path of the list in it, name of the case: digest.
    cases: BTreeMap<(String, String, String), String>,
}

#[test]
fn vectors_match_the_recorded_version() {
    // The large stack is for values that are nested deeply.
    let test = std::thread::Builder::new().stack_size(64 << 20).spawn(check_files).unwrap();
    if let Err(panic) = test.join() {
        std::panic::resume_unwind(panic);
    }
}

fn check_files() {
    let path = folder().join("VERSION.json");
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let recorded = if text.is_empty() { State::default() } else { State::parse(&text) };
    let mut now = State { protocol: (VERSION.0.into(), VERSION.1.into()), ..State::default() };
    // The published package does not contain it.
    let layout = std::fs::read_to_string(folder().join("../../transport-atomics/LAYOUT.md"));
    now.layout = layout.map_or(recorded.layout, |text| layout_version(&text));
    for (file, _) in FILES {
        for ((list, name), digest) in digests(&read_json(file)) {
            now.cases.insert((file.into(), list, name), digest);
        }
    }
    let broken = broken_promises(&recorded, &now);
    assert!(broken.is_empty(), "{}", refusal(&recorded, &now, &broken));
    let new = now.render();
    if std::env::var_os("COINCIDE_BLESS").is_some() {
        // Atomically: another test run may read the file.
        let temporary = path.with_extension("new");
        std::fs::write(&temporary, new).unwrap();
        std::fs::rename(&temporary, &path).unwrap();
        return;
    }
    assert!(text == new, "{}", news(&recorded, &now));
}

/// Cases that the recorded version promises, and that have changed or are missing.
fn broken_promises(recorded: &State, now: &State) -> Vec<String> {
    let raised = |owner| match owner {
        Owner::Protocol => now.protocol > recorded.protocol,
        Owner::Layout => now.layout > recorded.layout,
    };
    let mut broken = Vec::new();
    for (case, digest) in &recorded.cases {
        let (file, list, name) = case;
        // An unknown file belongs to the protocol.
        let owner = FILES.iter().find(|(known, _)| known == file).map_or(Owner::Protocol, |(_, owner)| *owner);
        match now.cases.get(case) {
            _ if raised(owner) => {}
            None => broken.push(format!("{file}, {list}: {name:?} is gone")),
            Some(found) if found != digest => broken.push(format!("{file}, {list}: {name:?} has changed")),
            Some(_) => {}
        }
    }
    for (what, lowered) in [("protocol", now.protocol < recorded.protocol), ("layout", now.layout < recorded.layout)] {
        if lowered {
            broken.push(format!("the version of the {what} is lower than before"));
        }
    }
    broken
}

fn refusal(recorded: &State, now: &State, broken: &[String]) -> String {
    format!(
        "what travels has changed, but the version has not: protocol {}.{} ({}.{} before), layout {} ({} before).\n\
         - If that was not meant, undo it.\n\
         - If it was: raise the version (VERSION in proto/src/frame.rs, or the layout version in transport-atomics) as \
         section 21 of SPEC.md says, then run {BLESS}\n\
         - If a case was wrong, and no released end does what it said, remove its line from VERSION.json and run the \
         same.\n{}",
        now.protocol.0,
        now.protocol.1,
        recorded.protocol.0,
        recorded.protocol.1,
        now.layout,
        recorded.layout,
        broken.join("\n")
    )
}

/// New cases, which must be recorded.
fn news(recorded: &State, now: &State) -> String {
    let mut text = format!("VERSION.json does not hold all cases as they are now: run {BLESS}");
    for (case, digest) in &now.cases {
        if recorded.cases.get(case) != Some(digest) {
            let (file, list, name) = case;
            let _ = write!(text, "\n{file}, {list}: {name:?}");
        }
    }
    text
}

const BLESS: &str = "COINCIDE_BLESS=1 cargo test -p coincide-proto --test vectors";

impl State {
    fn parse(text: &str) -> Self {
        let json: Json = serde_json::from_str(text).expect("VERSION.json is JSON");
        let number = |at: &str| json.pointer(at).and_then(Json::as_u64).unwrap_or_else(|| panic!("no number at {at}"));
        let mut cases = BTreeMap::new();
        for (file, lists) in json["files"].as_object().expect("there are files") {
            for (list, digests) in lists.as_object().expect("there are lists") {
                for (name, digest) in digests.as_object().expect("there are cases") {
                    let digest = digest.as_str().expect("a digest is text").into();
                    cases.insert((file.clone(), list.clone(), name.clone()), digest);
                }
            }
        }
        Self { protocol: (number("/protocol/major"), number("/protocol/minor")), layout: number("/layout"), cases }
    }

    /// Writes one case per line, so that a diff shows the case.
    fn render(&self) -> String {
        let Self { protocol: (major, minor), layout, cases } = self;
        let mut text = format!(
            "{{\n  \"protocol\": {{\"major\": {major}, \"minor\": {minor}}},\n  \"layout\": {layout},\n  \"files\": {{"
        );
        let (mut last_file, mut last_list) = ("", "");
        for ((file, list, name), digest) in cases {
            if file != last_file {
                let end = if last_file.is_empty() { "" } else { "\n      }\n    }," };
                let _ = write!(text, "{end}\n    {}: {{\n      {}: {{", Json::from(&file[..]), Json::from(&list[..]));
            } else if list != last_list {
                let _ = write!(text, "\n      }},\n      {}: {{", Json::from(&list[..]));
            } else {
                text.push(',');
            }
            (last_file, last_list) = (file, list);
            let _ = write!(text, "\n        {}: \"{digest}\"", Json::from(&name[..]));
        }
        text.push_str(if cases.is_empty() { "}\n}\n" } else { "\n      }\n    }\n  }\n}\n" });
        text
    }
}

fn layout_version(text: &str) -> u64 {
    let version = text.split("\nLayout version ").nth(1).and_then(|rest| rest.split('.').next());
    version.and_then(|version| version.parse().ok()).expect("LAYOUT.md says its version")
}

/// Digests of all cases: the named elements of lists anywhere in `json`. A list is identified by its path.
fn digests(json: &Json) -> BTreeMap<(String, String), String> {
    let mut found = BTreeMap::new();
    collect("", json, &mut found);
    assert!(!found.is_empty(), "a file of vectors has cases");
    found
}

fn collect(path: &str, json: &Json, found: &mut BTreeMap<(String, String), String>) {
    match json {
        Json::Object(lists) => {
            for (key, list) in lists {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                collect(&path, list, found);
            }
        }
        Json::Array(cases) => {
            for case in cases {
                let name = case["name"].as_str().unwrap_or_else(|| panic!("{path}: a case has no name: {case}"));
                let mut hash = Fnv::default();
                hash.json(case);
                let before = found.insert((path.into(), name.into()), format!("{:016x}", hash.0));
                assert_eq!(before, None, "{path}: two cases are called {name:?}");
            }
        }
        _ => panic!("{path}: neither a list nor lists"),
    }
}

/// FNV-1a with 64 bits.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        }
    }

    /// Hashes the content of the JSON, independent of spaces and of the order of properties. Lists are prefixed by their length, which
    /// excludes ambiguity.
    fn json(&mut self, json: &Json) {
        match json {
            Json::Array(elements) => {
                self.bytes(format!("[{} ", elements.len()).as_bytes());
                elements.iter().for_each(|element| self.json(element));
            }
            Json::Object(properties) => {
                self.bytes(format!("{{{} ", properties.len()).as_bytes());
                let sorted: BTreeMap<_, _> = properties.iter().collect();
                for (key, value) in sorted {
                    self.bytes(Json::from(&key[..]).to_string().as_bytes());
                    self.json(value);
                }
            }
            other => {
                self.bytes(other.to_string().as_bytes());
                self.bytes(b" ");
            }
        }
    }
}

fn state(protocol: (u64, u64), layout: u64, cases: &[(&str, &str, &str)]) -> State {
    let cases = cases
        .iter()
        .map(|(file, name, digest)| ((file.to_string(), "valid".to_string(), name.to_string()), digest.to_string()));
    State { protocol, layout, cases: cases.collect() }
}

const OLD: [(&str, &str, &str); 3] = [("frames.json", "a", "1"), ("rings.json", "a", "2"), ("values.json", "a", "3")];

#[test]
fn new_cases_keep_the_version() {
    let recorded = state((1, 0), 1, &OLD);
    assert_eq!(broken_promises(&recorded, &recorded), [""; 0]);
    let more = [&OLD[..], &[("frames.json", "b", "4"), ("sessions.json", "a", "5")]].concat();
    let now = state((1, 0), 1, &more);
    assert_eq!(broken_promises(&recorded, &now), [""; 0]);
    let news = news(&recorded, &now);
    assert!(news.contains("COINCIDE_BLESS=1") && news.contains("frames.json, valid: \"b\""), "{news}");
    assert!(!news.contains("rings.json"), "only what is new is listed: {news}");
}

#[test]
fn changed_or_removed_cases_need_another_version() {
    let recorded = state((1, 0), 1, &OLD);
    let changed = [("frames.json", "a", "9"), ("rings.json", "a", "2")];
    let broken = ["frames.json, valid: \"a\" has changed", "values.json, valid: \"a\" is gone"];
    assert_eq!(broken_promises(&recorded, &state((1, 0), 1, &changed)), broken);
    assert_eq!(broken_promises(&recorded, &state((1, 0), 2, &changed)), broken, "the layout version does not cover it");
    assert_eq!(broken_promises(&recorded, &state((1, 1), 1, &changed)), [""; 0]);
    assert_eq!(broken_promises(&recorded, &state((2, 0), 1, &changed)), [""; 0]);
    let text = refusal(&recorded, &state((1, 0), 1, &changed), &broken.map(String::from));
    assert!(
        text.contains("raise the version") && text.contains("COINCIDE_BLESS=1") && text.contains(broken[1]),
        "{text}"
    );
}

#[test]
fn vectors_of_rings_belong_to_the_layout_version() {
    let recorded = state((1, 0), 1, &OLD);
    let changed = [OLD[0], ("rings.json", "a", "9"), OLD[2]];
    assert_eq!(broken_promises(&recorded, &state((1, 1), 1, &changed)), ["rings.json, valid: \"a\" has changed"]);
    assert_eq!(broken_promises(&recorded, &state((1, 0), 2, &changed)), [""; 0]);
}

#[test]
fn versions_must_not_decrease() {
    let recorded = state((1, 1), 2, &OLD);
    assert_eq!(
        broken_promises(&recorded, &state((1, 0), 2, &OLD)),
        ["the version of the protocol is lower than before"]
    );
    assert_eq!(broken_promises(&recorded, &state((1, 1), 1, &OLD)), ["the version of the layout is lower than before"]);
}

#[test]
fn digests_depend_on_content_and_not_on_format() {
    let digests = |text: &str| digests(&serde_json::from_str(text).unwrap());
    let one = digests(r#"{"x": {"valid": [{"name": "a", "bytes": "00", "n": [1, [2]]}]}}"#);
    assert_eq!(one.keys().next(), Some(&("x.valid".to_string(), "a".to_string())));
    assert_eq!(one, digests(r#"{"x":{"valid":[{"n":[1,[2]],"bytes":"00",  "name":"a"}]}}"#));
    for other in
        [r#""01", "n": [1, [2]]"#, r#""00", "n": [[1], 2]"#, r#""00", "n": [1, [2], null]"#, r#""00", "n": ["1", [2]]"#]
    {
        assert_ne!(one, digests(&format!(r#"{{"x": {{"valid": [{{"name": "a", "bytes": {other}}}]}}}}"#)), "{other}");
    }
    let mut hash = Fnv::default();
    hash.bytes(b"tuple(unit,unit)");
    assert_eq!(hash.0, 0xb104_3706_ff49_fda4, "as in section 18");
}

#[test]
fn state_round_trips() {
    let odd = state((1, 2), 3, &[("a", "n \" é", "0"), ("a", "o", "1"), ("b", "n", "2")]);
    for state in [odd, state((1, 0), 1, &OLD), state((1, 0), 1, &[])] {
        assert_eq!(State::parse(&state.render()), state);
    }
}
