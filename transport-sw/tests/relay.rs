//! The relay's script contains the text of its module in a function, and adds the listeners itself.

use std::path::Path;

#[test]
fn script_matches_the_module() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("js");
    let module = std::fs::read_to_string(folder.join("sw-listeners.js")).unwrap();
    let (notes, rest) = module.split_once("\n\n").expect("notes, then code");
    let code = rest.strip_suffix(EXPORT).expect("the module ends with its exports");
    assert!(notes.lines().all(|line| line.starts_with("//")), "{notes}");
    let script = format!("{NOTES}(() => {{\n'use strict';\n\n{code}{LISTEN}}})();\n");
    let path = folder.join("sw.js");
    if std::env::var_os("COINCIDE_BLESS").is_some() {
        std::fs::write(&path, script).unwrap();
    } else {
        assert!(std::fs::read_to_string(&path).unwrap() == script, "{} is not that of its module", path.display());
    }
}

const EXPORT: &str = "export { activate, fetch, install, message };\n";

const LISTEN: &str = "for (const [type, listener] of Object.entries({ activate, fetch, install, message })) addEventListener(type, listener);\n";

const NOTES: &str = "\
// The relay of coincide: a service worker, or a script for `importScripts` at the top of another one. It answers the
// requests of coincide's workers and passes all others on. Generated from `sw-listeners.js`, which documents it.
";
