//! Requests to `coincide serve`. The npm package's command passes the same cases.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::world::{Answer, Serving, World, request, text};

#[test]
fn requests_are_answered_as_listed() {
    let world = World::new();
    let mut servers = BTreeMap::new();
    let mut failures = Vec::new();
    for case in world.cases["cases"].as_array().unwrap().iter().filter(|case| world.has(case)) {
        let options: Vec<&str> = case["options"].as_array().into_iter().flatten().map(text).collect();
        let serving = servers.entry(options).or_insert_with_key(|options| world.serve(options));
        let answer = ask(serving, case);
        if let Some(difference) = difference(&world, case, &answer) {
            failures.push(format!("{}: {difference}\n  {answer:?}", text(&case["name"])));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn shrinking_file_ends_the_connection_and_growing_file_is_cut() {
    let world = World::new();
    let serving = world.serve(&[]);
    for case in world.cases["changing"].as_array().unwrap() {
        let name = text(&case["name"]);
        let file = sparse(&world.folder.join("base/changing.bin"), case);
        let mut stream = serving.connect();
        let host = ("Host", serving.address.to_string());
        let headers: Vec<_> = [host.clone()].into_iter().chain(headers(case)).collect();
        let next = request("GET", "/digits.txt", &[host, ("Connection", "close".to_owned())]);
        stream.write_all((request("GET", "/changing.bin", &headers) + &next).as_bytes()).unwrap();
        let mut reader = BufReader::new(stream);
        let length = content_length(&mut reader);
        // The rest waits until it is read.
        file.set_len(case["becomes"].as_u64().unwrap()).unwrap();
        let mut rest = Vec::new();
        if let Err(error) = reader.read_to_end(&mut rest) {
            assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{name}");
        }
        if case["whole"].as_bool().unwrap() {
            assert!(rest[..length].iter().all(|byte| *byte == 0), "{name}");
            assert!(rest[length..].starts_with(b"HTTP/1.1 200"), "{name}: the next answer is missing");
        } else {
            assert!(rest.len() < length, "{name}: {} bytes of {length}", rest.len());
            assert!(rest.iter().all(|byte| *byte == 0), "{name}: the file has other content");
        }
    }
}

#[test]
fn many_idle_clients_do_not_block_others() {
    let world = World::new();
    let serving = world.serve(&[]);
    for case in world.cases["crowds"].as_array().unwrap().iter().filter(|case| world.has(case)) {
        let request = case["path"].as_str().map(|path| request("GET", path, &[("Host", "localhost".to_owned())]));
        let clients = (0..case["clients"].as_u64().unwrap()).map(|_| {
            let mut stream = serving.connect();
            // The connection may have been closed already.
            let _ = stream.write_all(request.as_deref().unwrap_or_default().as_bytes());
            stream
        });
        let mut clients: Vec<TcpStream> = clients.collect();
        if let Some(status) = case["status"].as_u64() {
            let mut head = [0; 12];
            clients.last_mut().unwrap().read_exact(&mut head).unwrap();
            assert_eq!(String::from_utf8_lossy(&head), format!("HTTP/1.1 {status}"), "{}", text(&case["name"]));
        }
        let answer = serving.ask("GET", "/digits.txt", &[]);
        assert_eq!((answer.status, answer.body.as_str()), (200, "0123456789"), "{}", text(&case["name"]));
        // Shorter than the server's own timeout of a connection.
        clients[0].set_read_timeout(Some(Duration::from_secs(4))).unwrap();
        let end = clients[0].read_to_end(&mut Vec::new());
        let closed = end.map_or_else(|error| error.kind() == ErrorKind::ConnectionReset, |_| true);
        assert!(closed, "{}: the oldest connection was not closed", text(&case["name"]));
    }
}

#[test]
fn changed_file_is_sent_again() {
    let world = World::new();
    let serving = world.serve(&[]);
    let tag = serving.ask("GET", "/digits.txt", &[]).header("ETag").unwrap().to_owned();
    // In the same second, and of the same length.
    std::fs::write(world.folder.join("base/digits.txt"), "9876543210").unwrap();
    let answer = serving.ask("GET", "/digits.txt", &[("If-None-Match", tag)]);
    assert_eq!((answer.status, answer.body.as_str()), (200, "9876543210"));
}

#[test]
fn large_file_arrives_complete() {
    let world = World::new();
    let content = "0123456789abcdef".repeat(1 << 18);
    std::fs::write(world.folder.join("base/large.bin"), &content).unwrap();
    let serving = world.serve(&[]);
    assert!(serving.ask("GET", "/large.bin", &[]).body == content);
    let range = serving.ask("GET", "/large.bin", &[("Range", "bytes=16-3000015".to_owned())]);
    assert!(range.status == 206 && range.body == content[16..3_000_016]);
}

#[cfg(unix)]
#[test]
fn interrupt_ends_the_server_with_success() {
    let world = World::new();
    let mut serving = world.serve(&[]);
    let _open = serving.connect();
    assert_eq!(serving.ask("GET", "/", &[]).status, 200);
    let pid = serving.child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    assert_eq!(serving.child.wait().unwrap().code(), Some(0));
}

#[test]
fn public_address_prints_warning() {
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
    let path = text(&case["path"]).replace("$LONG", &"a".repeat(300)).replace("$DEEP", &"a/".repeat(3000));
    let hosts = match &case["host"] {
        Value::Null => vec![serving.address.to_string()],
        Value::Array(hosts) => hosts.iter().map(|host| text(host).to_owned()).collect(),
        host => vec![text(host).to_owned()],
    };
    let filled = headers(case).map(|(name, value)| match value.split_once('$') {
        Some((before, of)) => {
            let plain = serving.ask("GET", &path, &[]);
            (name, format!("{before}{}", plain.header(of).unwrap()))
        }
        None => (name, value),
    });
    let headers: Vec<_> = hosts.into_iter().map(|host| ("Host", host)).chain(filled).collect();
    serving.ask_with_hosts(method, &path, &headers)
}

/// The headers of the request of a case.
fn headers(case: &Value) -> impl Iterator<Item = (&str, String)> {
    let headers = case["request"].as_object().into_iter().flatten();
    headers.map(|(name, value)| (name.as_str(), text(value).to_owned()))
}

/// A sparse file of the size of the case.
fn sparse(path: &Path, case: &Value) -> File {
    let file = File::create(path).unwrap();
    file.set_len(case["size"].as_u64().unwrap()).unwrap();
    file
}

/// Reads the head of an answer.
fn content_length(reader: &mut BufReader<TcpStream>) -> usize {
    let lines: Vec<String> = reader.by_ref().lines().map(Result::unwrap).take_while(|line| !line.is_empty()).collect();
    let length = lines.iter().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    length.unwrap_or_else(|| panic!("no length: {lines:?}"))
}

/// Differences between the answer and the case; empty if there are none.
fn difference(world: &World, case: &Value, answer: &Answer) -> Option<String> {
    if answer.status != case["status"].as_u64().unwrap() {
        return Some(format!("status {} where {} was expected", answer.status, case["status"]));
    }
    if case["body"].as_str().is_some_and(|body| body != answer.body) {
        return Some(format!("content {:?} where {} was expected", answer.body, case["body"]));
    }
    let mut expected = world.cases["headers"].as_object().unwrap().clone();
    expected.extend(case["headers"].as_object().cloned().unwrap_or_default());
    let (name, value) = expected.iter().find(|(name, value)| answer.header(name) != value.as_str())?;
    Some(format!("{name} is {:?} where {value} was expected", answer.header(name)))
}
