//! The command line: output, files and exit status. The npm package's command passes the same cases.

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use serde_json::Value;

use crate::world::{World, text};

#[test]
fn commands_print_and_exit_as_listed() {
    let world = World::new();
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for case in world.cases["commands"].as_array().unwrap() {
        let name = text(&case["name"]);
        let arguments: Vec<String> =
            case["run"].as_array().unwrap().iter().map(|argument| text(argument).replace("$TAKEN", &port)).collect();
        let output = world.command(arguments.iter().map(String::as_str)).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(case["status"].as_i64().unwrap_or(0) as i32), "{name}: {said}");
        assert!(said.contains(&text(&case["says"]).replace("$TAKEN", &port)), "{name}: {said}");
        if let Some(file) = case["file"].as_str() {
            let written = fs::read_to_string(world.folder.join(file)).unwrap();
            assert!(written == expected(case), "{name}: the content of {file} is not as expected");
        }
    }
}

#[test]
fn unwritable_script_is_an_error() {
    let world = World::new();
    // A folder with the name of the file.
    fs::create_dir_all(world.folder.join("base/coi.js")).unwrap();
    let output = world.command(["coi", "base", "--force"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("error: "), "{output:?}");
}

fn expected(case: &Value) -> String {
    match case["script"].as_str() {
        Some(script) => {
            let folder = if script == "sw.js" { "../transport-sw/js" } else { "js" };
            fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join(script)).unwrap()
        }
        None => text(&case["content"]).to_owned(),
    }
}
