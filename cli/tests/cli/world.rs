//! The folder and the files that `cases.json` describes, and the program that serves them.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::Value;

/// `cases.json`, and a new folder with the files that it names.
pub(crate) struct World {
    pub(crate) cases: Value,
    pub(crate) folder: PathBuf,
    /// Whether symbolic links could be created.
    pub(crate) links: bool,
}

impl World {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("world-{}-{number}", std::process::id()));
        let cases = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases.json")).unwrap();
        let cases: Value = serde_json::from_str(&cases).unwrap();
        write_files(&folder, &cases["files"]);
        let links = link_files(&folder, &cases["links"]);
        if cfg!(unix) {
            let unix = &cases["unix"];
            write_files(&folder, &unix["files"]);
            assert!(link_files(&folder, &unix["links"]));
            let fifos = unix["fifos"].as_array().unwrap().iter().map(|name| in_its_folder(&folder, text(name)));
            assert!(Command::new("mkfifo").args(fifos).status().unwrap().success());
        }
        Self { cases, folder, links }
    }

    /// The program, to be run in the folder.
    pub(crate) fn command<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_coincide"));
        command.current_dir(&self.folder).args(arguments).stdin(Stdio::null());
        command
    }

    /// Serves the folder `base`, with further options.
    pub(crate) fn serve(&self, options: &[&str]) -> Serving {
        let mut command = self.command(["serve", "base", "--port", "0"].into_iter().chain(options.iter().copied()));
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        let address = first.strip_prefix("http://").and_then(|rest| rest.split('/').next()).unwrap();
        let address: SocketAddr = address.parse().unwrap();
        Serving { address: (Ipv4Addr::LOCALHOST, address.port()).into(), child }
    }

    /// Whether the system has what the case needs.
    pub(crate) fn has(&self, case: &Value) -> bool {
        match case["needs"].as_str() {
            Some("links") => self.links,
            Some("unix") => cfg!(unix),
            Some(unknown) => panic!("a case needs {unknown}"),
            None => true,
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // Remaining files are in the target folder.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The program, while it serves.
pub(crate) struct Serving {
    pub(crate) address: SocketAddr,
    pub(crate) child: Child,
}

impl Serving {
    pub(crate) fn ask(&self, method: &str, path: &str, headers: &[(&str, String)]) -> Answer {
        let host = ("Host", self.address.to_string());
        self.ask_with_hosts(method, path, &[&[host], headers].concat())
    }

    /// Asks with no other `Host` than those in `headers`.
    pub(crate) fn ask_with_hosts(&self, method: &str, path: &str, headers: &[(&str, String)]) -> Answer {
        let mut stream = self.connect();
        let headers = [headers, &[("Connection", "close".to_owned())]].concat();
        stream.write_all(request(method, path, &headers).as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        Answer::parse(&answer)
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream
    }
}

/// The bytes of a request.
pub(crate) fn request(method: &str, path: &str, headers: &[(&str, String)]) -> String {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("{method} {path} HTTP/1.1\r\n{headers}\r\n")
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u64,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    fn parse(answer: &[u8]) -> Self {
        let answer = String::from_utf8(answer.to_vec()).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let header = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self { status, headers: lines.filter_map(header).collect(), body: body.to_owned() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} is there twice: {self:?}");
        value
    }
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

fn write_files(folder: &Path, files: &Value) {
    for (name, content) in files.as_object().unwrap() {
        fs::write(in_its_folder(folder, name), text(content)).unwrap();
    }
}

/// Whether symbolic links could be created.
fn link_files(folder: &Path, links: &Value) -> bool {
    links.as_object().unwrap().iter().all(|(name, to)| link(text(to), &folder.join(name)))
}

/// The path of a file. Creates its folder.
fn in_its_folder(folder: &Path, name: &str) -> PathBuf {
    let file = folder.join(named(name));
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    file
}

#[cfg(unix)]
fn named(name: &str) -> OsString {
    use std::os::unix::ffi::OsStringExt;

    match name.split_once("$BYTE") {
        Some((before, after)) => OsString::from_vec([before.as_bytes(), b"\xff", after.as_bytes()].concat()),
        None => name.into(),
    }
}

#[cfg(not(unix))]
fn named(name: &str) -> OsString {
    name.into()
}

#[cfg(unix)]
fn link(to: &str, at: &Path) -> bool {
    std::os::unix::fs::symlink(to, at).is_ok()
}

/// Creating links may require privileges.
#[cfg(windows)]
fn link(to: &str, at: &Path) -> bool {
    std::os::windows::fs::symlink_file(to, at).is_ok()
}
