//! Serves folders to a browser on this machine, and receives the reports of pages.
//!
//! It is no more than that takes, but each connection has a thread of its own. Browsers open connections that they don't
//! use and keep those that they do: where connections wait for a thread of a pool, a page may wait for minutes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use anyhow::Context;

/// A folder that is served.
pub(super) struct Mount {
    /// What the paths of its files begin with: nothing, or names that each have a slash behind them.
    pub(super) prefix: &'static str,
    pub(super) folder: PathBuf,
    /// Whether responses have the headers that make a page cross-origin isolated, and allow pages of other origins to read them.
    pub(super) isolated: bool,
    /// The `Content-Security-Policy` of the responses.
    pub(super) policy: Option<&'static str>,
}

impl Mount {
    /// A folder that is served without a policy.
    pub(super) fn new(prefix: &'static str, folder: PathBuf, isolated: bool) -> Self {
        Self { prefix, folder, isolated, policy: None }
    }
}

/// A server of files; dropping it stops it.
pub(super) struct Server {
    address: SocketAddr,
    stopped: Arc<AtomicBool>,
    /// What pages have posted to `/report`.
    pub(super) lines: Receiver<String>,
}

impl Server {
    /// Serves on a free port. Of the mounts whose prefix fits, the first that has the file is taken.
    pub(super) fn start(mounts: Vec<Mount>) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port to serve on")?;
        let address = listener.local_addr()?;
        let stopped = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&stopped);
        let mounts: Arc<[Mount]> = mounts.into();
        let (sender, lines) = channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let (mounts, sender) = (Arc::clone(&mounts), sender.clone());
                // A browser that doesn't wait for its answer is no reason to stop.
                thread::spawn(move || stream.and_then(|stream| serve(&stream, &mounts, &sender)));
            }
        });
        Ok(Self { address, stopped, lines })
    }

    pub(super) fn address(&self, page: &str) -> String {
        format!("http://{}/{page}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        // The server checks for its end when a connection arrives. Open connections end with their browser.
        let _ = TcpStream::connect(self.address);
    }
}

/// Answers the requests of a connection, until the browser closes it.
fn serve(stream: &TcpStream, mounts: &[Mount], lines: &Sender<String>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    while let Some(request) = Request::read(&mut reader)? {
        let last = request.last;
        let answer = answer(request, mounts, lines);
        { stream }.write_all(&answer)?;
        if last {
            break;
        }
    }
    Ok(())
}

/// A request of HTTP/1.1, as far as it matters here.
struct Request {
    method: String,
    /// Without the slash that it begins with, and without a query.
    path: String,
    body: String,
    /// Whether the connection is closed afterwards.
    last: bool,
}

impl Request {
    /// The next request; nothing at the end of the connection.
    fn read(reader: &mut impl BufRead) -> std::io::Result<Option<Self>> {
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            if reader.by_ref().take(LINE).read_line(&mut line)? == 0 {
                return Ok(None);
            }
            match line.trim_end() {
                "" => break,
                line => head.push(line.to_owned()),
            }
        }
        let header = |name: &str| {
            let mut headers = head.iter().skip(1).filter_map(|line| line.split_once(':'));
            headers.find(|(found, _)| found.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value.trim())
        };
        let length = header("content-length").parse().unwrap_or(0);
        let last = header("connection").eq_ignore_ascii_case("close");
        let mut body = Vec::new();
        reader.take(length).read_to_end(&mut body)?;
        let mut words = head.first().map_or("", String::as_str).split(' ');
        let method = words.next().unwrap_or_default().to_owned();
        let path = words.next().unwrap_or_default().split(['?', '#']).next().unwrap_or_default();
        let path = path.strip_prefix('/').unwrap_or(path).to_owned();
        Ok(Some(Self { method, path, body: String::from_utf8_lossy(&body).into_owned(), last }))
    }
}

fn answer(request: Request, mounts: &[Mount], lines: &Sender<String>) -> Vec<u8> {
    match (request.method.as_str(), request.path.as_str()) {
        ("POST", "report") => {
            let _ = lines.send(request.body);
            response("204 No Content", &[], None)
        }
        ("GET", path) => match find(mounts, path) {
            Some((mount, content)) => {
                let mut headers = vec![("Content-Type", kind(path))];
                headers.extend(if mount.isolated { ISOLATION } else { &[] });
                headers.extend(mount.policy.map(|policy| ("Content-Security-Policy", policy)));
                response("200 OK", &headers, Some(&content))
            }
            // Browsers put a page of their own in the place of an empty one.
            None => response(
                "404 Not Found",
                &[("Content-Type", "text/plain; charset=utf-8")],
                Some(b"There is no such file."),
            ),
        },
        _ => response("405 Method Not Allowed", &[], Some(b"")),
    }
}

fn response(status: &str, headers: &[(&str, &str)], content: Option<&[u8]>) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status}\r\nCache-Control: no-store\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    if let Some(content) = content {
        head += &format!("Content-Length: {}\r\n", content.len());
    }
    [head.as_bytes(), b"\r\n", content.unwrap_or_default()].concat()
}

fn find<'a>(mounts: &'a [Mount], path: &str) -> Option<(&'a Mount, Vec<u8>)> {
    mounts.iter().find_map(|mount| {
        let rest = path.strip_prefix(mount.prefix)?;
        // Nothing outside of the folder: neither `..` nor a root.
        let inside = Path::new(rest).components().all(|part| matches!(part, Component::Normal(_)));
        let file = mount.folder.join(rest);
        // Reading a FIFO would block the thread of the connection indefinitely.
        if inside && file.is_file() { Some((mount, std::fs::read(file).ok()?)) } else { None }
    })
}

fn kind(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript",
        Some("wasm") => "application/wasm",
        Some("css") => "text/css",
        Some("json" | "map") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("txt" | "py" | "toml") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

const ISOLATION: &[(&str, &str)] = &[
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Embedder-Policy", "require-corp"),
    ("Cross-Origin-Resource-Policy", "cross-origin"),
    ("Access-Control-Allow-Origin", "*"),
];

/// Of a line of a request, in bytes: more than browsers send.
const LINE: u64 = 1 << 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_served_with_the_headers_of_their_mount() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mount = |prefix, folder: &str, isolated| Mount::new(prefix, source.join(folder), isolated);
        let strict = Mount { policy: Some("script-src 'self'"), ..mount("strict/", "web", false) };
        let server = Server::start(vec![mount("plain/", "web", false), strict, mount("", "", true)]).unwrap();
        let isolated = |answer: &str| answer.contains("Cross-Origin-Embedder-Policy: require-corp");

        let answer = ask(&server, "GET /web/server.rs?a=b HTTP/1.1", "");
        assert!(answer.starts_with("HTTP/1.1 200") && isolated(&answer), "{answer}");
        assert!(answer.contains("Cache-Control: no-store"), "{answer}");
        let answer = ask(&server, "GET /plain/sizes.mjs HTTP/1.1", "");
        assert!(answer.starts_with("HTTP/1.1 200") && !isolated(&answer), "{answer}");
        assert!(answer.contains("Content-Type: text/javascript"), "{answer}");
        assert!(!answer.contains("Content-Security-Policy"), "{answer}");
        let answer = ask(&server, "GET /strict/sizes.mjs HTTP/1.1", "");
        assert!(answer.contains("Content-Security-Policy: script-src 'self'\r\n"), "{answer}");

        for path in ["/plain/server.ts", "/../Cargo.toml", "/plain//etc/passwd", "/plain/../main.rs", "/"] {
            let answer = ask(&server, &format!("GET {path} HTTP/1.1"), "");
            assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
        }
        assert!(ask(&server, "POST /report HTTP/1.1", "a line").starts_with("HTTP/1.1 204"));
        assert_eq!(server.lines.try_recv().as_deref(), Ok("a line"));
        assert!(ask(&server, "POST /elsewhere HTTP/1.1", "a line").starts_with("HTTP/1.1 405"));
        assert!(server.lines.try_recv().is_err());
    }

    /// Browsers open more connections than they use, and keep them.
    #[test]
    fn connections_do_not_wait_for_each_other() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let server = Server::start(vec![Mount::new("", source, true)]).unwrap();
        for _ in 0..20 {
            let streams: Vec<_> = (0..12).map(|_| connect(&server)).collect();
            for mut stream in &streams {
                stream.write_all(b"GET /main.rs HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
                let mut head = [0; 12];
                stream.read_exact(&mut head).unwrap();
                assert_eq!(&head, b"HTTP/1.1 200");
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn fifo_is_not_found() {
        let folder = std::env::temp_dir().join(format!("coincide-fifo-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(folder.join("pipe")).status().unwrap().success());
        let server = Server::start(vec![Mount::new("", folder.clone(), true)]).unwrap();
        let answer = ask(&server, "GET /pipe HTTP/1.1", "");
        std::fs::remove_dir_all(folder).unwrap();
        assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    }

    fn connect(server: &Server) -> TcpStream {
        let stream = TcpStream::connect(server.address).unwrap();
        stream.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
        stream
    }

    fn ask(server: &Server, request: &str, body: &str) -> String {
        let mut stream = connect(server);
        let length = body.len();
        let head = format!("{request}\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}
