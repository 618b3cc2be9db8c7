//! Visitors that leave a part of a value unread.

use super::*;
use serde::de::{MapAccess, SeqAccess, Visitor};
use std::fmt;

/// Takes the first item of an array or the first entry of an object or a `Map`, and leaves the rest.
#[derive(Debug, PartialEq)]
struct First(String);

impl<'de> Deserialize<'de> for First {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Take;

        impl<'de> Visitor<'de> for Take {
            type Value = First;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("something with parts")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<First, A::Error> {
                Ok(First(items.next_element()?.unwrap_or_default()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<First, A::Error> {
                let (key, value): (String, u8) = entries.next_entry()?.unwrap_or_default();
                Ok(First(format!("{key}={value}")))
            }
        }

        deserializer.deserialize_any(Take)
    }
}

#[test]
fn unread_properties_are_skipped() {
    let value = object([("a", 1.into()), ("b", object([("c", array([text("d")]))])), ("a", 2.into())]);
    reads(array([value, object([("b", 3.into())])]), vec![First("a=1".into()), First("b=3".into())]);
}

#[test]
fn unread_items_and_entries_are_refused() {
    reads(array([text("a")]), First("a".into()));
    refuses::<First>(array([text("a"), text("b")]), "expected fewer elements, got 2 elements");
    reads(Value::Map(vec![(text("a"), 1.into())]), First("a=1".into()));
    let two = Value::Map(vec![(text("a"), 1.into()), (text("b"), 2.into())]);
    refuses::<First>(two, "expected fewer entries, got 2 elements");
}
