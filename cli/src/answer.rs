//! What is answered to a request: a file of the folder, or why there is none.

use std::convert::Infallible;
use std::io::{self, ErrorKind};
use std::path::Path;

use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, IF_RANGE, LOCATION, RANGE};
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use percent_encoding::percent_decode_str;
use tower_http::services::ServeDir;

use crate::kinds;

/// A folder, and the headers with which its files are sent.
pub(crate) struct Site {
    files: ServeDir,
    headers: HeaderMap,
}

pub(crate) type Body = UnsyncBoxBody<Bytes, io::Error>;

impl Site {
    /// The site of a folder that is there. `isolated` pages get the headers of cross-origin isolation.
    pub(crate) fn new(folder: &Path, isolated: bool) -> Self {
        let headers = if isolated { ISOLATION } else { &[] };
        let headers = headers
            .iter()
            .map(|(name, value)| (hyper::header::HeaderName::from_static(name), HeaderValue::from_static(value)));
        Self { files: ServeDir::new(folder).ignore_multi_range_requests(true), headers: headers.collect() }
    }

    /// The answer to one request, whatever it asks for.
    pub(crate) async fn answer<B: Send + 'static>(
        &self,
        mut request: Request<B>,
    ) -> Result<Response<Body>, Infallible> {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        drop_odd_ranges(&method, request.headers_mut());
        let found = if is_secret(&path) { not_found() } else { self.find(request).await };
        let mut response = described(found, &method, &path);
        let headers = response.headers_mut();
        // Whoever develops a page wants to see what they have just saved.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.extend(self.headers.clone());
        Ok(response)
    }

    async fn find<B: Send + 'static>(&self, request: Request<B>) -> Response<Body> {
        let path = request.uri().path().to_owned();
        let found = match self.files.clone().try_call(request).await {
            Ok(found) => found.map(|body| body.boxed_unsync()),
            Err(error) if is_absence(&error) => return not_found(),
            Err(error) => {
                eprintln!("{path}: {error}");
                return status(StatusCode::INTERNAL_SERVER_ERROR);
            }
        };
        // A file is no folder: what its page refers to would be looked for below it.
        if path.ends_with('/') && found.status() == StatusCode::TEMPORARY_REDIRECT { not_found() } else { found }
    }
}

/// The headers of PyScript's page on workers: the second and third isolate a page, the others let pages of other origins, isolated
/// ones included, load what is served here.
const ISOLATION: &[(&str, &str)] = &[
    ("access-control-allow-origin", "*"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-embedder-policy", "require-corp"),
    ("cross-origin-resource-policy", "cross-origin"),
];

/// Names with a dot in front are left out, such as `.env` and `.git`: any page in the user's browser may ask this server.
/// So are `..`, and paths that begin with two slashes, which a redirection would turn into another host.
fn is_secret(path: &str) -> bool {
    let path = percent_decode_str(path).decode_utf8_lossy();
    let hidden = |name: &str| name.starts_with('.') && name != ".well-known";
    path.starts_with("//") || path.split(['/', '\\']).any(hidden)
}

/// A range is for `GET` and counts bytes; whether that of `If-Range` still holds isn't looked into. All of the file is right anyway.
fn drop_odd_ranges(method: &Method, headers: &mut HeaderMap) {
    let bytes = headers.get(RANGE).is_some_and(|range| range.as_bytes().starts_with(b"bytes="));
    if method != Method::GET || headers.contains_key(IF_RANGE) || !bytes {
        headers.remove(RANGE);
    }
}

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::PermissionDenied)
}

fn not_found() -> Response<Body> {
    status(StatusCode::NOT_FOUND)
}

fn status(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Full::default().map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = status;
    response
}

/// The response with the right type of its content; one that is an error says so in words.
fn described(mut response: Response<Body>, method: &Method, path: &str) -> Response<Body> {
    let status = response.status();
    if status.is_client_error() || status.is_server_error() {
        let text = Bytes::from(format!("{status}: {method} {path}\n"));
        response.headers_mut().insert(CONTENT_LENGTH, text.len().into());
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        return response.map(|_| Full::new(text).map_err(|never| match never {}).boxed_unsync());
    }
    let name = if path.ends_with('/') { "index.html" } else { path };
    let kind = response.headers().get(CONTENT_TYPE).and_then(|guessed| kinds::correct(name, guessed));
    if let Some(kind) = kind.filter(|_| !response.headers().contains_key(LOCATION)) {
        response.headers_mut().insert(CONTENT_TYPE, kind);
    }
    response
}
