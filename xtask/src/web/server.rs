//! Serves a folder to a browser on this machine, and hears what pages report.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use anyhow::anyhow;
use tiny_http::{Header, Method, Request, Response};

/// Which headers responses have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Headers {
    /// Those that make a page cross-origin isolated.
    Isolated,
}

/// A server of files; dropping it stops it.
pub(super) struct Server {
    http: Arc<tiny_http::Server>,
    /// What pages have posted to `/report`, a line each.
    pub(super) lines: Receiver<String>,
}

impl Server {
    /// Serves `folder` on a free port.
    pub(super) fn start(folder: PathBuf, headers: Headers) -> anyhow::Result<Self> {
        let http = tiny_http::Server::http("127.0.0.1:0").map_err(|error| anyhow!("no port to serve on: {error}"))?;
        let http = Arc::new(http);
        let (sender, lines) = channel();
        for _ in 0..THREADS {
            let (http, folder, sender) = (Arc::clone(&http), folder.clone(), sender.clone());
            thread::spawn(move || {
                for request in http.incoming_requests() {
                    // A browser that doesn't wait for its answer is no reason to stop.
                    let _ = answer(request, &folder, headers, &sender);
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

fn answer(mut request: Request, folder: &Path, headers: Headers, lines: &Sender<String>) -> std::io::Result<()> {
    let path = request.url().split(['?', '#']).next().unwrap_or_default().trim_start_matches('/').to_owned();
    if *request.method() == Method::Post {
        let mut body = String::new();
        request.as_reader().read_to_string(&mut body)?;
        let _ = lines.send(body);
        return request.respond(Response::empty(204));
    }
    let plain = Path::new(&path).components().all(|part| matches!(part, Component::Normal(_)));
    let content = if plain { std::fs::read(folder.join(&path)).ok() } else { None };
    let Some(content) = content else {
        return request.respond(Response::empty(404));
    };
    let mut response = Response::from_data(content);
    let kind = match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript",
        Some("wasm") => "application/wasm",
        Some("css") => "text/css",
        Some("json") => "application/json",
        _ => "application/octet-stream",
    };
    let isolated: &[(&str, &str)] = match headers {
        Headers::Isolated => &[
            ("Cross-Origin-Opener-Policy", "same-origin"),
            ("Cross-Origin-Embedder-Policy", "require-corp"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
        ],
    };
    for (name, value) in [("Content-Type", kind), ("Cache-Control", "no-store")].iter().chain(isolated) {
        response.add_header(Header::from_bytes(*name, *value).expect("the names and values are ASCII"));
    }
    request.respond(response)
}

/// A browser keeps several connections open, each of which occupies a thread.
const THREADS: usize = 16;
