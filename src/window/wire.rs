//! Encoding of operations: section 24 of the specification.

use super::path::Path;
use crate::calls::payload::Args;
use serde::Serialize;
use serde::ser::{SerializeTuple, Serializer};

/// Main's function that carries out operations.
pub(crate) const REFLECT: &str = "coincide:reflect";

/// The same, for operations whose results are not awaited.
pub(crate) const REFLECT_LATER: &str = "coincide:reflect-later";

/// The worker's function that calls its functions.
pub(crate) const INVOKE: &str = "coincide:invoke";

pub(crate) const GET: u8 = 0;
pub(crate) const SET: u8 = 1;
pub(crate) const HAS: u8 = 2;
pub(crate) const DELETE: u8 = 3;
pub(crate) const OWN_KEYS: u8 = 4;
pub(crate) const APPLY: u8 = 11;
pub(crate) const CONSTRUCT: u8 = 12;
pub(crate) const ASSIGN: u8 = 13;
pub(crate) const GATHER: u8 = 14;
pub(crate) const QUERY: u8 = 15;
pub(crate) const EVALUATE: u8 = 16;
pub(crate) const BATCH: u8 = 17;
pub(crate) const INVOKE_METHOD: u8 = 18;
pub(crate) const REACH: u8 = 19;

/// An operation on the object at the end of a path, with up to two arguments.
pub(crate) struct Operation<'a, A, B> {
    pub(crate) number: u8,
    pub(crate) path: &'a Path,
    pub(crate) first: Option<A>,
    pub(crate) second: Option<B>,
}

impl<A: Serialize, B: Serialize> Serialize for Operation<'_, A, B> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { number, path, first, second } = self;
        let rest = usize::from(first.is_some()) + usize::from(second.is_some());
        let mut parts = serializer.serialize_tuple(rest + if path.keys.is_empty() { 2 } else { 4 })?;
        if path.keys.is_empty() {
            parts.serialize_element(number)?;
            parts.serialize_element(&*path.handle)?;
        } else {
            parts.serialize_element(&REACH)?;
            parts.serialize_element(&*path.handle)?;
            parts.serialize_element(&path.keys)?;
            parts.serialize_element(number)?;
        }
        if let Some(first) = first {
            parts.serialize_element(first)?;
        }
        if let Some(second) = second {
            parts.serialize_element(second)?;
        }
        parts.end()
    }
}

/// Arguments as a list, also if there are none.
pub(crate) struct List<A>(pub(crate) A);

impl<A: Args> Serialize for List<A> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if A::NONE { serializer.serialize_tuple(0)?.end() } else { self.0.serialize(serializer) }
    }
}
