//! The committed corpus of the fuzz targets, replayed without a fuzzer.

#[path = "../fuzz/bodies.rs"]
mod bodies;

use std::path::Path;

fn replay(target: &str, body: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).expect("the corpus is committed") {
        body(&std::fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count > 0, "{} is empty", folder.display());
}

#[test]
fn frames() {
    replay("frame_parser", bodies::frame_parser);
}

#[test]
fn values() {
    replay("value_decoder", bodies::value_decoder);
}

#[test]
fn typed_payloads() {
    replay("typed_decoder", bodies::typed_decoder);
}
