//! The header `Range`, as RFC 9110 defines it in section 14.

/// Converts `range` to a header that the service of files accepts. `None` if the whole file is sent: the header is malformed, in a unit other than
/// bytes, or has several ranges.
///
/// The parser of that service is stricter than the RFC: it refuses numbers above 2^64, leading zeros, and suffixes that are longer than the
/// file. In an empty file it finds a byte.
pub(crate) fn normalized(range: &str, size: u64) -> Option<String> {
    let (unit, set) = range.split_once('=')?;
    let mut specs = set.split(',').map(str::trim).filter(|spec| !spec.is_empty());
    let (first, last) = specs.next()?.split_once('-')?;
    if !unit.eq_ignore_ascii_case("bytes") || specs.next().is_some() {
        return None;
    }
    let (first, last) = match (number(first), number(last)) {
        (Number::Absent, Number::Is(0)) => return Some(UNSATISFIABLE.to_owned()),
        // The RFC calls a suffix satisfiable whatever the size. No `Content-Range` can express the empty one.
        (Number::Absent, Number::Is(_)) if size == 0 => return None,
        (Number::Absent, Number::Is(suffix)) => (size.saturating_sub(suffix), size - 1),
        (Number::Is(first), Number::Absent) => (first, u64::MAX),
        (Number::Is(first), Number::Is(last)) if first <= last => (first, last),
        _ => return None,
    };
    if first >= size {
        return Some(UNSATISFIABLE.to_owned());
    }
    Some(format!("bytes={first}-{}", last.min(size - 1)))
}

enum Number {
    Absent,
    Is(u64),
    Malformed,
}

fn number(digits: &str) -> Number {
    if digits.is_empty() {
        Number::Absent
    } else if digits.bytes().all(|digit| digit.is_ascii_digit()) {
        // Parsing digits fails only on overflow. No file is longer than `u64::MAX` bytes.
        Number::Is(digits.parse().unwrap_or(u64::MAX))
    } else {
        Number::Malformed
    }
}

/// Asks for no byte, which no file satisfies.
const UNSATISFIABLE: &str = "bytes=-0";
