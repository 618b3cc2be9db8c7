//! `coincide serve`, asked as browsers and others ask it. The npm package's command passes the same cases.

use serde_json::Value;

use crate::world::{Answer, Serving, World, text};

#[test]
fn every_case_is_answered_as_described() {
    let world = World::new();
    let serving = world.serve(&[]);
    let cases = world.cases["cases"].as_array().unwrap();
    let failures: Vec<String> = cases
        .iter()
        .filter(|case| world.links || case["needs"] != "links")
        .filter_map(|case| {
            let answer = ask(&serving, case);
            let difference = difference(&world, case, &answer)?;
            Some(format!("{}: {difference}\n  {answer:?}", text(&case["name"])))
        })
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn headers_of_isolation_can_be_left_out() {
    let world = World::new();
    let serving = world.serve(&["--no-isolation"]);
    for path in ["/", "/none.html"] {
        let answer = serving.ask("GET", path, &[]);
        for name in world.cases["headers"].as_object().unwrap().keys() {
            assert_eq!(answer.header(name), None, "{path}");
        }
        assert_eq!(answer.header("Cache-Control"), Some("no-cache"));
    }
}

#[test]
fn a_changed_file_is_sent_anew() {
    let world = World::new();
    let serving = world.serve(&[]);
    let tag = serving.ask("GET", "/digits.txt", &[]).header("ETag").unwrap().to_owned();
    // In the same second, and of the same length.
    std::fs::write(world.folder.join("base/digits.txt"), "9876543210").unwrap();
    let answer = serving.ask("GET", "/digits.txt", &[("If-None-Match", tag)]);
    assert_eq!((answer.status, answer.body.as_str()), (200, "9876543210"));
}

#[test]
fn a_large_file_arrives_whole() {
    let world = World::new();
    let content = "0123456789abcdef".repeat(1 << 18);
    std::fs::write(world.folder.join("base/large.bin"), &content).unwrap();
    let serving = world.serve(&[]);
    assert!(serving.ask("GET", "/large.bin", &[]).body == content);
    let range = serving.ask("GET", "/large.bin", &[("Range", "bytes=16-3000015".to_owned())]);
    assert!(range.status == 206 && range.body == content[16..3_000_016]);
}

/// Whoever connects and says nothing holds nobody up.
#[test]
fn connections_do_not_wait_for_each_other() {
    let world = World::new();
    let serving = world.serve(&[]);
    let _silent: Vec<_> = (0..50).map(|_| std::net::TcpStream::connect(serving.address).unwrap()).collect();
    assert_eq!(serving.ask("GET", "/", &[]).status, 200);
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_it_well() {
    use std::io::Write;

    let world = World::new();
    // Nobody writes to it: whoever opens it waits.
    assert!(std::process::Command::new("mkfifo").arg(world.folder.join("base/pipe")).status().unwrap().success());
    let mut serving = world.serve(&[]);
    let mut stuck = std::net::TcpStream::connect(serving.address).unwrap();
    stuck.write_all(b"GET /pipe HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    assert_eq!(serving.ask("GET", "/", &[]).status, 200);
    let pid = serving.child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    assert_eq!(serving.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_public_address_comes_with_a_warning() {
    use std::io::{BufRead, BufReader};

    let world = World::new();
    let mut command = world.command(["serve", "base", "--port", "0", "--host", "0.0.0.0"]);
    let mut child = command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let mut warning = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut warning).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(warning.contains("other machines can read this folder"), "{warning}");
}

fn ask(serving: &Serving, case: &Value) -> Answer {
    let method = case["method"].as_str().unwrap_or("GET");
    let path = text(&case["path"]);
    let mut headers = Vec::new();
    for (name, value) in case["request"].as_object().into_iter().flatten() {
        let value = text(value);
        let value = match value.split_once('$') {
            Some((before, name)) => {
                let plain = serving.ask("GET", path, &[]);
                format!("{before}{}", plain.header(name).unwrap())
            }
            None => value.to_owned(),
        };
        headers.push((name.as_str(), value));
    }
    serving.ask(method, path, &headers)
}

/// What is wrong with the answer; nothing if it is as described.
fn difference(world: &World, case: &Value, answer: &Answer) -> Option<String> {
    if answer.status != case["status"].as_u64().unwrap() {
        return Some(format!("status {} where {} was expected", answer.status, case["status"]));
    }
    if case["body"].as_str().is_some_and(|body| body != answer.body) {
        return Some(format!("content {:?} where {} was expected", answer.body, case["body"]));
    }
    let always = world.cases["headers"].as_object().unwrap().iter();
    let mut headers = always.chain(case["headers"].as_object().into_iter().flatten());
    let (name, value) = headers.find(|(name, value)| answer.header(name) != value.as_str())?;
    Some(format!("{name} is {:?} where {value} was expected", answer.header(name)))
}
