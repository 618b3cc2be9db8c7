//! What can go wrong, and where in the value.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

/// The way from the outermost value to the one that an error is about, such as `args[1].items[3].on`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path {
    /// Innermost first: errors collect them on their way out.
    segments: Vec<Segment>,
}

/// One step of a [`Path`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// A root with a name, such as `args`.
    Root(&'static str),
    /// A property or field.
    Key(String),
    /// An element of an array, of a set, or a map's entry.
    Index(usize),
}

impl Path {
    /// The same path, seen from one level further out.
    pub fn enter(&mut self, segment: Segment) {
        self.segments.push(segment);
    }

    /// Whether the error is about the outermost value.
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, segment) in self.segments.iter().rev().enumerate() {
            match segment {
                Segment::Root(name) => f.write_str(name)?,
                Segment::Index(number) => write!(f, "[{number}]")?,
                Segment::Key(key) if is_identifier(key) && index == 0 => f.write_str(key)?,
                Segment::Key(key) if is_identifier(key) => write!(f, ".{key}")?,
                Segment::Key(key) => write!(f, "[{key:?}]")?,
            }
        }
        Ok(())
    }
}

fn is_identifier(key: &str) -> bool {
    !key.starts_with(|first: char| first.is_ascii_digit())
        && !key.is_empty()
        && key.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '$')
}

/// A value can't be encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodeError {
    path: Path,
    message: Cow<'static, str>,
}

impl EncodeError {
    /// An error about the value at hand; [`at`](Self::at) adds where that is.
    pub fn new(message: impl Into<Cow<'static, str>>) -> Self {
        Self { path: Path::default(), message: message.into() }
    }

    /// The same error, seen from one level further out.
    #[must_use]
    pub fn at(mut self, segment: Segment) -> Self {
        self.path.enter(segment);
        self
    }

    /// Where in the value.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        located(f, &self.path, &self.message)
    }
}

impl core::error::Error for EncodeError {}

impl serde::ser::Error for EncodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }
}

/// Bytes can't be decoded, or not as what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    path: Path,
    kind: DecodeErrorKind,
}

/// Why bytes can't be decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// They are no value of the format; the peer made them wrong.
    Malformed(&'static str),
    /// They are a value, but of another type than was asked for.
    Mismatch(String),
    /// The types of the two ends differ.
    Schema {
        /// The hash of the type that was asked for.
        expected: u64,
        /// The hash in the bytes.
        found: u64,
    },
}

impl DecodeError {
    /// The value is of another type than was asked for.
    pub fn mismatch(message: impl Into<String>) -> Self {
        Self { path: Path::default(), kind: DecodeErrorKind::Mismatch(message.into()) }
    }

    pub(crate) fn malformed(rule: &'static str) -> Self {
        Self { path: Path::default(), kind: DecodeErrorKind::Malformed(rule) }
    }

    pub(crate) fn schema(expected: u64, found: u64) -> Self {
        Self { path: Path::default(), kind: DecodeErrorKind::Schema { expected, found } }
    }

    /// The same error, seen from one level further out.
    #[must_use]
    pub fn at(mut self, segment: Segment) -> Self {
        self.path.enter(segment);
        self
    }

    /// Where in the value.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Why.
    pub fn kind(&self) -> &DecodeErrorKind {
        &self.kind
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        located(f, &self.path, &self.kind)
    }
}

impl fmt::Display for DecodeErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(rule) => write!(f, "malformed payload: {rule}"),
            Self::Mismatch(message) => f.write_str(message),
            Self::Schema { expected, found } => write!(
                f,
                "the types differ: the schema hash is {found:016x} and {expected:016x} was expected; build both ends from the same declaration"
            ),
        }
    }
}

impl core::error::Error for DecodeError {}

impl serde::de::Error for DecodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::mismatch(message.to_string())
    }

    fn invalid_type(found: serde::de::Unexpected<'_>, expected: &dyn serde::de::Expected) -> Self {
        Self::mismatch(alloc::format!("expected {expected}, got {found}"))
    }

    fn invalid_value(found: serde::de::Unexpected<'_>, expected: &dyn serde::de::Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn invalid_length(length: usize, expected: &dyn serde::de::Expected) -> Self {
        Self::mismatch(alloc::format!("expected {expected}, got {length} elements"))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::mismatch(alloc::format!("the property `{field}` is missing"))
    }
}

fn located(f: &mut fmt::Formatter<'_>, path: &Path, message: &dyn fmt::Display) -> fmt::Result {
    if path.is_empty() { write!(f, "{message}") } else { write!(f, "{path}: {message}") }
}
