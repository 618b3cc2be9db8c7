//! Content types of files by their names.

use std::path::Path;

use hyper::header::HeaderValue;

/// The `Content-Type` of files for which the guessed one is not what browsers expect.
pub(crate) fn correct(path: &str, guessed: &HeaderValue) -> Option<HeaderValue> {
    let extension = Path::new(path).extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let corrected = match extension.to_ascii_lowercase().as_str() {
        "js" | "mjs" | "cjs" => "text/javascript; charset=utf-8",
        "map" => "application/json",
        "ts" => "text/plain; charset=utf-8",
        "mpy" | "whl" => "application/octet-stream",
        "otf" => "font/otf",
        "woff" => "font/woff",
        // Sources are UTF-8. Browsers assume another encoding for text without a charset.
        _ if guessed.as_bytes().starts_with(b"text/") => {
            let guessed = guessed.to_str().ok()?;
            return HeaderValue::try_from(format!("{guessed}; charset=utf-8")).ok();
        }
        _ => return None,
    };
    Some(HeaderValue::from_static(corrected))
}
