//! Paths of requests: the names that are served, and the files they lead to.

use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;

/// The path in the folder for the path of a request. `None` if nothing of this name is served.
///
/// Paths that begin with two slashes are refused: as the target of a redirection they would name another host.
pub(crate) fn resolve(folder: &Path, path: &str) -> Option<PathBuf> {
    let names = path.strip_prefix('/').filter(|rest| !rest.starts_with('/'))?;
    let mut found = folder.to_owned();
    for name in names.split('/').filter(|name| !name.is_empty()) {
        found.push(decoded(name)?);
    }
    Some(found)
}

/// Whether files and folders of this name are served. Hidden ones, such as `.env` and `.git`, are not: they often hold secrets.
pub(crate) fn is_served(name: &str) -> bool {
    let hidden = name.starts_with('.') && name != ".well-known";
    let special = name.contains(['/', '\\', '\0']) || cfg!(windows) && name.contains(':');
    !hidden && !special
}

/// A name without percent-encoding, if it is served.
fn decoded(name: &str) -> Option<String> {
    let is_complete =
        |rest: &str| rest.as_bytes().get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
    if !name.split('%').skip(1).all(is_complete) {
        return None;
    }
    let name = percent_decode_str(name).decode_utf8().ok()?;
    is_served(&name).then(|| name.into_owned())
}
