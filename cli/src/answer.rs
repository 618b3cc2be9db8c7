//! Answers to requests: a file of the folder, a list of a folder, or the reason why there is neither.

use std::convert::Infallible;
use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::path::PathBuf;

use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, IF_RANGE, LOCATION, RANGE,
};
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use percent_encoding::percent_decode_str;
use tower_http::services::ServeDir;
use tower_http::services::fs::DefaultServeDirFallback;

use crate::files::Files;
use crate::host::{Host, Refusal};
use crate::{kinds, listing, paths, range};

/// A folder, and how it is served.
pub(crate) struct Site {
    folder: PathBuf,
    files: ServeDir<DefaultServeDirFallback, Files>,
    headers: HeaderMap,
    hosts: Vec<Host>,
    lists: bool,
}

/// Options of a [`Site`].
pub(crate) struct Options {
    /// Whether pages get the headers of cross-origin isolation.
    pub(crate) isolated: bool,
    /// Whether pages of other origins may load and read the files.
    pub(crate) cors: bool,
    /// Hosts that requests may name, in addition to those of this machine.
    pub(crate) hosts: Vec<Host>,
    /// Whether a folder without an `index.html` is listed.
    pub(crate) lists: bool,
}

pub(crate) type Body = UnsyncBoxBody<Bytes, io::Error>;

impl Site {
    /// The site of an existing folder.
    pub(crate) fn new(folder: PathBuf, options: Options) -> Self {
        let Options { isolated, cors, hosts, lists } = options;
        let sets = [if isolated { ISOLATION } else { &[] }, if cors { CORS } else { OWN_ORIGIN }];
        let headers = sets.into_iter().flatten();
        let headers = headers.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let files = ServeDir::with_backend(&folder, Files).ignore_multi_range_requests(true);
        Self { headers: headers.collect(), folder, files, hosts, lists }
    }

    /// The answer to a request. `local` is the address that its connection was made to.
    pub(crate) async fn answer<B: Send + 'static>(
        &self,
        request: Request<B>,
        local: IpAddr,
    ) -> Result<Response<Body>, Infallible> {
        let mut response = match Host::check(request.uri(), request.headers(), local, &self.hosts) {
            Ok(()) => self.find(request).await,
            Err(Refusal::Malformed) => {
                text(StatusCode::BAD_REQUEST, "a request needs one `Host` header with a host name or an address")
            }
            Err(Refusal::NotAllowed(host)) => text(
                StatusCode::FORBIDDEN,
                &format!("the host {host} is not allowed; `coincide serve --allow-host {host}` allows it"),
            ),
        };
        let headers = response.headers_mut();
        // Browsers must not use a cached file after a change.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.extend(self.headers.clone());
        Ok(response)
    }

    async fn find<B: Send + 'static>(&self, mut request: Request<B>) -> Response<Body> {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let shown = format!("{method} {path}");
        if method != Method::GET && method != Method::HEAD {
            let mut response = text(StatusCode::METHOD_NOT_ALLOWED, &shown);
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET,HEAD"));
            return response;
        }
        let Some(file) = paths::resolve(&self.folder, &path) else {
            return text(StatusCode::NOT_FOUND, &shown);
        };
        // Without the host that a whole URL names: redirections stay on the one that the client sees.
        if let Some(target) = request.uri().path_and_query().cloned() {
            *request.uri_mut() = target.into();
        }
        let is_folder = path.ends_with('/');
        normalize_range(&mut request, if is_folder { file.join(INDEX) } else { file.clone() }).await;
        let found = match self.files.clone().try_call(request).await {
            Ok(found) if found.status() == StatusCode::NOT_FOUND => Err(ErrorKind::NotFound.into()),
            Ok(found) => Ok(described(found.map(|body| body.boxed_unsync()), &shown, &path)),
            Err(error) => Err(error),
        };
        let found = match found {
            Err(error) if error.kind() == ErrorKind::NotFound && is_folder && self.lists => list(file, &path).await,
            found => found,
        };
        match found {
            Ok(found) => found,
            Err(error) if error.kind() == ErrorKind::NotFound => text(StatusCode::NOT_FOUND, &shown),
            Err(error) => {
                eprintln!("{path}: {error}");
                text(StatusCode::INTERNAL_SERVER_ERROR, &shown)
            }
        }
    }
}

/// Isolate a page. Scripts of workers and frames of isolated pages need them as well.
const ISOLATION: Headers =
    &[("cross-origin-opener-policy", "same-origin"), ("cross-origin-embedder-policy", "require-corp")];

/// Let pages of all other origins, isolated ones included, load and read what is served.
const CORS: Headers = &[("access-control-allow-origin", "*"), ("cross-origin-resource-policy", "cross-origin")];

/// Lets no page of another origin load what is served.
const OWN_ORIGIN: Headers = &[("cross-origin-resource-policy", "same-origin")];

type Headers = &'static [(&'static str, &'static str)];

const INDEX: &str = "index.html";

/// A range applies to `GET` only. With `If-Range` the whole file is sent, which is correct whether or not its condition holds.
async fn normalize_range<B>(request: &mut Request<B>, file: PathBuf) {
    let applies = request.method() == Method::GET && !request.headers().contains_key(IF_RANGE);
    let Some(range) = request.headers_mut().remove(RANGE).filter(|_| applies) else {
        return;
    };
    let Ok(size) = tokio::fs::metadata(file).await.map(|metadata| metadata.len()) else {
        return;
    };
    let normalized = range.to_str().ok().and_then(|range| range::normalized(range, size));
    if let Some(normalized) = normalized.and_then(|range| HeaderValue::try_from(range).ok()) {
        request.headers_mut().insert(RANGE, normalized);
    }
}

/// The page that lists a folder.
async fn list(folder: PathBuf, path: &str) -> io::Result<Response<Body>> {
    let path = percent_decode_str(path).decode_utf8_lossy().into_owned();
    let page = tokio::task::spawn_blocking(move || listing::page(&folder, &path)).await??;
    Ok(content("text/html; charset=utf-8", page))
}

/// An answer in plain text: the status, and an explanation.
fn text(status: StatusCode, explanation: &str) -> Response<Body> {
    let mut response = content("text/plain; charset=utf-8", format!("{status}: {explanation}\n"));
    *response.status_mut() = status;
    response
}

fn content(kind: &'static str, text: String) -> Response<Body> {
    let length = text.len();
    let mut response = Response::new(Full::from(text).map_err(|never| match never {}).boxed_unsync());
    response.headers_mut().insert(CONTENT_LENGTH, length.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// The answer of the service of files with the right `Content-Type`. An error gets a text.
fn described(mut response: Response<Body>, request: &str, path: &str) -> Response<Body> {
    let status = response.status();
    if status.is_client_error() || status.is_server_error() {
        let mut described = text(status, request);
        let of_text = std::mem::replace(described.headers_mut(), std::mem::take(response.headers_mut()));
        described.headers_mut().extend(of_text);
        return described;
    }
    let name = if path.ends_with('/') { INDEX } else { path };
    let kind = response.headers().get(CONTENT_TYPE).and_then(|guessed| kinds::correct(name, guessed));
    if let Some(kind) = kind.filter(|_| !response.headers().contains_key(LOCATION)) {
        response.headers_mut().insert(CONTENT_TYPE, kind);
    }
    response
}
