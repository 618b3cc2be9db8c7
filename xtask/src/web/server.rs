//! Serves folders to a browser on this machine, and hears what pages report.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use anyhow::anyhow;
use tiny_http::{Header, Method, Request, Response};

/// A folder that is served.
pub(super) struct Mount {
    /// What the paths of its files begin with: nothing, or a name and a slash.
    pub(super) prefix: &'static str,
    pub(super) folder: PathBuf,
    /// Whether responses have the headers that make a page cross-origin isolated.
    pub(super) isolated: bool,
}

/// A server of files; dropping it stops it.
pub(super) struct Server {
    http: Arc<tiny_http::Server>,
    /// What pages have posted to `/report`.
    pub(super) lines: Receiver<String>,
}

impl Server {
    /// Serves on a free port. Of the mounts whose prefix fits, the first is taken.
    pub(super) fn start(mounts: Vec<Mount>) -> anyhow::Result<Self> {
        let http = tiny_http::Server::http("127.0.0.1:0").map_err(|error| anyhow!("no port to serve on: {error}"))?;
        let http = Arc::new(http);
        let mounts: Arc<[Mount]> = mounts.into();
        let (sender, lines) = channel();
        for _ in 0..THREADS {
            let (http, mounts, sender) = (Arc::clone(&http), Arc::clone(&mounts), sender.clone());
            thread::spawn(move || {
                for request in http.incoming_requests() {
                    // A browser that doesn't wait for its answer is no reason to stop.
                    let _ = answer(request, &mounts, &sender);
                }
            });
        }
        Ok(Self { http, lines })
    }

    pub(super) fn address(&self, page: &str) -> String {
        format!("http://{}/{page}", self.http.server_addr())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for _ in 0..THREADS {
            self.http.unblock();
        }
    }
}

fn answer(mut request: Request, mounts: &[Mount], lines: &Sender<String>) -> std::io::Result<()> {
    let path = request.url().split(['?', '#']).next().unwrap_or_default().trim_start_matches('/').to_owned();
    match request.method() {
        Method::Post if path == "report" => {
            let mut body = String::new();
            request.as_reader().read_to_string(&mut body)?;
            let _ = lines.send(body);
            return request.respond(Response::empty(204));
        }
        Method::Get | Method::Head => {}
        _ => return request.respond(Response::empty(405)),
    }
    let Some((mount, content)) = find(mounts, &path) else {
        return request.respond(Response::empty(404));
    };
    let mut response = Response::from_data(content);
    let isolated: &[(&str, &str)] = if mount.isolated { &ISOLATION } else { &[] };
    for (name, value) in [("Content-Type", kind(&path)), ("Cache-Control", "no-store")].iter().chain(isolated) {
        response.add_header(Header::from_bytes(*name, *value).expect("the names and values are ASCII"));
    }
    request.respond(response)
}

fn find<'a>(mounts: &'a [Mount], path: &str) -> Option<(&'a Mount, Vec<u8>)> {
    let (mount, rest) = mounts.iter().find_map(|mount| Some((mount, path.strip_prefix(mount.prefix)?)))?;
    // Nothing outside of the folder: neither `..` nor a root.
    let inside = Path::new(rest).components().all(|part| matches!(part, Component::Normal(_)));
    let content = if inside { std::fs::read(mount.folder.join(rest)).ok()? } else { return None };
    Some((mount, content))
}

fn kind(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript",
        Some("wasm") => "application/wasm",
        Some("css") => "text/css",
        Some("json" | "map") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

const ISOLATION: [(&str, &str); 3] = [
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Embedder-Policy", "require-corp"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
];

/// A browser keeps several connections open, each of which occupies a thread.
const THREADS: usize = 16;

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn files_are_served_with_the_headers_of_their_mount() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mount = |prefix, folder: &str, isolated| Mount { prefix, folder: source.join(folder), isolated };
        let server = Server::start(vec![mount("plain/", "web", false), mount("", "", true)]).unwrap();
        let isolated = |answer: &str| answer.contains("Cross-Origin-Embedder-Policy: require-corp");

        let answer = ask(&server, "GET /web/server.rs?a=b HTTP/1.1", "");
        assert!(answer.starts_with("HTTP/1.1 200") && isolated(&answer), "{answer}");
        assert!(answer.contains("Cache-Control: no-store"), "{answer}");
        let answer = ask(&server, "GET /plain/sizes.mjs HTTP/1.1", "");
        assert!(answer.starts_with("HTTP/1.1 200") && !isolated(&answer), "{answer}");
        assert!(answer.contains("Content-Type: text/javascript"), "{answer}");

        for path in ["/plain/server.ts", "/../Cargo.toml", "/plain//etc/passwd", "/plain/../main.rs", "/"] {
            let answer = ask(&server, &format!("GET {path} HTTP/1.1"), "");
            assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
        }
        assert!(ask(&server, "POST /report HTTP/1.1", "a line").starts_with("HTTP/1.1 204"));
        assert_eq!(server.lines.try_recv().as_deref(), Ok("a line"));
        assert!(ask(&server, "POST /elsewhere HTTP/1.1", "a line").starts_with("HTTP/1.1 405"));
        assert!(server.lines.try_recv().is_err());
    }

    fn ask(server: &Server, request: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(server.http.server_addr().to_ip().unwrap()).unwrap();
        let length = body.len();
        let head = format!("{request}\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}
