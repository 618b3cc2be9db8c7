//! What `cases.json` describes: a folder with files, and the program in it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::Value;

/// `cases.json`, and a folder of its own with the files that are named there.
pub(crate) struct World {
    pub(crate) cases: Value,
    pub(crate) folder: PathBuf,
    /// Whether the links could be made.
    pub(crate) links: bool,
}

impl World {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("world-{}-{number}", std::process::id()));
        let cases = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases.json")).unwrap();
        let cases: Value = serde_json::from_str(&cases).unwrap();
        for (name, content) in cases["files"].as_object().unwrap() {
            let file = folder.join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text(content)).unwrap();
        }
        let links = cases["links"].as_object().unwrap().iter().all(|(name, to)| link(text(to), &folder.join(name)));
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
        Serving { address: address.parse().unwrap(), child }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // What is left behind is in the target folder.
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
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.address);
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(format!("{request}\r\n").as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        Answer::parse(&answer)
    }
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

#[cfg(unix)]
fn link(to: &str, at: &Path) -> bool {
    std::os::unix::fs::symlink(to, at).is_ok()
}

/// Links need rights that not every user has.
#[cfg(windows)]
fn link(to: &str, at: &Path) -> bool {
    std::os::windows::fs::symlink_file(to, at).is_ok()
}
