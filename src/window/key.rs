//! Keys of properties.

use coincide_codec::Value;
use coincide_codec::value::{OwnedText, PropertyKey, Symbol};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// The key of a property of an object of main: a string, the index of an element, or a symbol.
///
/// ```
/// use coincide::window::Key;
///
/// assert_eq!(Key::from(3_u32), Key::from("3"));
/// assert_eq!(Key::symbol("iterator").to_string(), "Symbol.iterator");
/// assert_ne!(Key::symbol_for("iterator"), Key::symbol("iterator"));
/// assert_eq!(Key::from("title").as_str(), Some("title"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key(PropertyKey);

impl Key {
    /// Returns the well-known symbol of this name, such as `iterator`.
    pub fn symbol(name: &str) -> Self {
        Self(PropertyKey::Symbol(Symbol::WellKnown(name.into())))
    }

    /// Returns the symbol that JavaScript's `Symbol.for` returns for this text.
    pub fn symbol_for(text: &str) -> Self {
        Self(PropertyKey::Symbol(Symbol::Registered(text.into())))
    }

    /// Returns the key if it is a well-formed string.
    pub fn as_str(&self) -> Option<&str> {
        self.0.as_str()
    }

    /// The keys of a path in the notation of JavaScript without brackets: `body.dataset.test`.
    pub(super) fn path(path: &str) -> Vec<Self> {
        path.split('.').map(Self::from).collect()
    }
}

impl From<&str> for Key {
    fn from(text: &str) -> Self {
        Self(PropertyKey::from(text))
    }
}

impl From<String> for Key {
    fn from(text: String) -> Self {
        Self(PropertyKey::Text(OwnedText::Utf8(text)))
    }
}

impl From<&String> for Key {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<u32> for Key {
    fn from(index: u32) -> Self {
        Self::from(index.to_string())
    }
}

impl From<&Self> for Key {
    fn from(key: &Self) -> Self {
        key.clone()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            PropertyKey::Text(text) => text.fmt(f),
            PropertyKey::Symbol(Symbol::WellKnown(name)) => write!(f, "Symbol.{name}"),
            PropertyKey::Symbol(Symbol::Registered(text)) => write!(f, "Symbol.for({text:?})"),
        }
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            PropertyKey::Text(OwnedText::Utf8(text)) => serializer.serialize_str(text),
            PropertyKey::Text(text) => Value::String(text.clone()).serialize(serializer),
            PropertyKey::Symbol(symbol) => Value::Symbol(symbol.clone()).serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self(PropertyKey::Text(text))),
            Value::Symbol(symbol) => Ok(Self(PropertyKey::Symbol(symbol))),
            other => Err(D::Error::custom(format_args!("expected a key, got {other:?}"))),
        }
    }
}
