//! Which cases and subjects a filter selects.

/// Whether `name`, a path such as `native/call/32B/hot/threads/tarpc`, passes the filter.
///
/// A filter is a path itself. Its segments must match consecutive segments of the name: all but the last exactly, the last one as the
/// beginning of a segment or as whole words of it. A slash at the end of the filter requires the whole segment. An empty filter passes
/// everything. `web/filter.js` follows the same rule, and `web/filter.json` tests both.
pub fn passes(name: &str, filter: &str) -> bool {
    let is_whole = filter.ends_with('/');
    let wanted: Vec<&str> = filter.split('/').filter(|part| !part.is_empty()).collect();
    let Some((last, first)) = wanted.split_last() else { return true };
    let parts: Vec<&str> = name.split('/').collect();
    let fits = |part: &str| part == *last || !is_whole && contains(part, last);
    parts.windows(wanted.len()).any(|window| window[..first.len()] == *first && fits(window[first.len()]))
}

/// Whether a segment begins with the text, or has it between other characters than letters and digits.
fn contains(segment: &str, text: &str) -> bool {
    segment.match_indices(text).any(|(at, _)| {
        let ends = |character: Option<char>| !character.is_some_and(char::is_alphanumeric);
        at == 0 || ends(segment[..at].chars().next_back()) && ends(segment[at + text.len()..].chars().next())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_match_beginnings_of_segments_and_whole_words() {
        let table: Vec<(String, String, bool)> = serde_json::from_str(include_str!("../../web/filter.json")).unwrap();
        for (name, filter, expected) in table {
            assert_eq!(passes(&name, &filter), expected, "`{filter}` of {name}");
        }
    }
}
