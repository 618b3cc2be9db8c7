//! Errors of encoding and decoding, with the path to the value at fault.

use crate::memory::OutOfMemory;
use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// Path from the outermost value to the value at fault, such as `args[1].items[3].on`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path {
    /// Innermost first: each level adds its segment as the error passes it.
    segments: Vec<PathSegment>,
}

/// One step of a [`Path`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathSegment {
    /// A root with a name, such as `args`.
    Root(&'static str),
    /// A property or field.
    Key(String),
    /// An element of an array, of a set, or a map's entry.
    Index(usize),
}

impl Path {
    /// Adds the segment of the enclosing level.
    pub fn enter(&mut self, segment: PathSegment) {
        self.segments.push(segment);
    }

    /// Whether the outermost value is at fault.
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, segment) in self.segments.iter().rev().enumerate() {
            match segment {
                PathSegment::Root(name) => f.write_str(name)?,
                PathSegment::Index(number) => write!(f, "[{number}]")?,
                PathSegment::Key(key) if is_identifier(key) && index == 0 => f.write_str(key)?,
                PathSegment::Key(key) if is_identifier(key) => write!(f, ".{key}")?,
                PathSegment::Key(key) => write!(f, "[{key:?}]")?,
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

impl PathSegment {
    /// A property. A long key is truncated.
    pub(crate) fn key(key: &str) -> Self {
        Self::Key(beginning(key).into())
    }

    /// The same for a symbol, registered under `name` or well known by it.
    pub(crate) fn symbol(registered: bool, name: &str) -> Self {
        let name = beginning(name);
        Self::Key(if registered { alloc::format!("Symbol.for({name:?})") } else { alloc::format!("Symbol.{name}") })
    }
}

/// Why a value cannot be encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodeError {
    path: Path,
    kind: EncodeErrorKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum EncodeErrorKind {
    Refused(Cow<'static, str>),
    OutOfMemory,
}

impl EncodeError {
    /// Creates an error about the current value. [`at`](Self::at) adds its path.
    pub fn new(message: impl Into<Cow<'static, str>>) -> Self {
        Self { path: Path::default(), kind: EncodeErrorKind::Refused(message.into()) }
    }

    /// Whether there was no memory for the bytes. A smaller value may succeed, or the same one later.
    pub fn is_out_of_memory(&self) -> bool {
        matches!(self.kind, EncodeErrorKind::OutOfMemory)
    }

    /// Adds the path segment of the enclosing level.
    #[must_use]
    pub fn at(mut self, segment: PathSegment) -> Self {
        self.path.enter(segment);
        self
    }

    /// Path to the value at fault.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            EncodeErrorKind::Refused(message) => located(f, &self.path, message),
            EncodeErrorKind::OutOfMemory => located(f, &self.path, &UNSENT),
        }
    }
}

impl core::error::Error for EncodeError {}

impl From<OutOfMemory> for EncodeError {
    fn from(_: OutOfMemory) -> Self {
        Self { path: Path::default(), kind: EncodeErrorKind::OutOfMemory }
    }
}

impl serde::ser::Error for EncodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        match clipped(format_args!("{message}")) {
            // From a `Value` inside of another type, whose error passes serde as text.
            text if text == UNSENT => OutOfMemory.into(),
            text => Self::new(text),
        }
    }
}

/// Why bytes cannot be decoded, or not as the requested type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    path: Path,
    kind: DecodeErrorKind,
}

/// Kinds of decoding errors.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The bytes are malformed: the peer is at fault.
    Malformed(&'static str),
    /// The bytes are a value of another type than the requested one.
    Mismatch(String),
    /// The types of the two ends differ.
    Schema {
        /// The hash of the requested type.
        expected: u64,
        /// The hash in the bytes.
        found: u64,
    },
    /// There is no memory for the value. A smaller value may succeed, or the same one later.
    OutOfMemory,
}

impl DecodeError {
    /// Creates an error for a value of another type than the requested one.
    pub fn mismatch(message: impl Into<String>) -> Self {
        Self { path: Path::default(), kind: DecodeErrorKind::Mismatch(message.into()) }
    }

    pub(crate) fn malformed(rule: &'static str) -> Self {
        Self { path: Path::default(), kind: DecodeErrorKind::Malformed(rule) }
    }

    pub(crate) fn schema(expected: u64, found: u64) -> Self {
        Self { path: Path::default(), kind: DecodeErrorKind::Schema { expected, found } }
    }

    /// Creates an error for a lack of memory for the value, or for data that the program derives from it.
    pub fn out_of_memory() -> Self {
        OutOfMemory.into()
    }

    /// Adds the path segment of the enclosing level.
    #[must_use]
    pub fn at(mut self, segment: PathSegment) -> Self {
        self.path.enter(segment);
        self
    }

    /// Path to the value at fault.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether there was no memory for the value.
    pub fn is_out_of_memory(&self) -> bool {
        self.kind == DecodeErrorKind::OutOfMemory
    }

    /// The kind of the error.
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
            Self::OutOfMemory => f.write_str(UNREAD),
        }
    }
}

impl core::error::Error for DecodeError {}

impl From<OutOfMemory> for DecodeError {
    fn from(_: OutOfMemory) -> Self {
        Self { path: Path::default(), kind: DecodeErrorKind::OutOfMemory }
    }
}

impl serde::de::Error for DecodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        match clipped(format_args!("{message}")) {
            // As with `EncodeError`.
            text if text == UNREAD => OutOfMemory.into(),
            text => Self::mismatch(text),
        }
    }

    fn invalid_type(found: serde::de::Unexpected<'_>, expected: &dyn serde::de::Expected) -> Self {
        // What was found may be text of any length.
        Self::mismatch(clipped(format_args!("expected {expected}, got {found}")))
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

fn beginning(text: &str) -> &str {
    &text[..text.floor_char_boundary(LONGEST_TEXT)]
}

/// Text for an error, truncated if it is long.
fn clipped(text: fmt::Arguments<'_>) -> String {
    struct Beginning(String);

    impl fmt::Write for Beginning {
        fn write_str(&mut self, part: &str) -> fmt::Result {
            let end = part.floor_char_boundary(LONGEST_TEXT - self.0.len());
            self.0.push_str(&part[..end]);
            if end < part.len() { Err(fmt::Error) } else { Ok(()) }
        }
    }

    let mut beginning = Beginning(String::new());
    if fmt::write(&mut beginning, text).is_err() {
        beginning.0.push_str("...");
    }
    beginning.0
}

fn located(f: &mut fmt::Formatter<'_>, path: &Path, message: &dyn fmt::Display) -> fmt::Result {
    if path.is_empty() { write!(f, "{message}") } else { write!(f, "{path}: {message}") }
}

/// Longest text in bytes that an error copies from a value or a program.
const LONGEST_TEXT: usize = 1024;

const UNSENT: &str = "it is larger than there is memory for";

const UNREAD: &str = "there is no memory to read it";
