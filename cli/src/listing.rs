//! The page that lists a folder without an `index.html`.

use std::fs;
use std::io;
use std::path::Path;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::files::absence;
use crate::paths::is_served;

/// The HTML of a list of what is served of the folder. `path` is its decoded path, with a slash at both ends.
///
/// # Errors
/// [`NotFound`](std::io::ErrorKind::NotFound) if the folder does not exist, or the error of reading it.
pub(crate) fn page(folder: &Path, path: &str) -> io::Result<String> {
    let mut names = fs::read_dir(folder).map_err(absence)?.filter_map(|entry| shown(&entry.ok()?)).collect::<Vec<_>>();
    names.sort_unstable();
    if path != "/" {
        names.insert(0, "../".to_owned());
    }
    let title = escaped(path);
    let mut html = format!(
        "<!doctype html>\n<meta charset=\"utf-8\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title}</title>\n<h1>{title}</h1>\n<ul>\n"
    );
    for name in names {
        // A name may look like the scheme of a URL, which `./` prevents.
        let link = utf8_percent_encode(&name, ENCODED);
        html += &format!("<li><a href=\"./{link}\">{}</a></li>\n", escaped(&name));
    }
    Ok(html + "</ul>\n")
}

/// The name of an entry, with a slash behind that of a folder. `None` if a request for it would not be answered with a file or a folder.
fn shown(entry: &fs::DirEntry) -> Option<String> {
    let name = entry.file_name().into_string().ok().filter(|name| is_served(name))?;
    // Follows links.
    let metadata = fs::metadata(entry.path()).ok()?;
    if metadata.is_dir() { Some(name + "/") } else { metadata.is_file().then_some(name) }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

/// All but what `encodeURIComponent` leaves as it is, and the slash behind a folder.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');
