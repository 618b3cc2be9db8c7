//! Schema hashes: a hash of the shape of a type, found by tracing its deserialization.
//!
//! The technique is that of serde-reflection: the type's own `Deserialize` implementation requests its parts, and receives arbitrary values.
//! Enums are deserialized repeatedly until each variant has been visited. A type that rejects the arbitrary values contributes the parts
//! requested before, which are the same at both ends.

use crate::DecodeError;
use crate::shared::SHARED_TOKEN;
use crate::value::HANDLE_TOKEN;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;
use serde::Deserialize;
use serde::de::{self, IntoDeserializer, Visitor};

/// The schema hash of `T`: FNV-1a with 64 bits over [`describe`]. Takes a few microseconds; cache the result.
pub fn hash_of<'de, T: Deserialize<'de>>() -> u64 {
    describe::<T>()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The shape of `T` as text, such as `struct Point{x:f64,y:f64}` or `enum E{A,B(u8),C{d:str}}`.
///
/// `usize` and `isize` are `u64` and `i64`, as postcard writes them alike. A type inside itself is represented by its name, an
/// unknown shape by `?`.
pub fn describe<'de, T: Deserialize<'de>>() -> String {
    let mut root = Node::Unknown;
    for _ in 0..MOST_PASSES {
        let before = root.unknown();
        // An error means that a type rejected an arbitrary value: the parts requested before count.
        let _ = T::deserialize(Tracer { node: &mut root, outer: None, level: 0 });
        if root.is_complete() || root.unknown() == before && matches!(root, Node::Unknown) {
            break;
        }
    }
    let mut text = String::new();
    root.write(&mut text);
    text
}

/// The shape of a type, as far as it is known.
#[derive(Debug)]
enum Node {
    Unknown,
    Leaf(&'static str),
    Inside(&'static str),
    Option(Box<Node>),
    Seq(Box<Node>),
    Map(Box<(Node, Node)>),
    Tuple(Vec<Node>),
    Newtype(&'static str, Box<Node>),
    Struct(&'static str, Vec<(&'static str, Node)>),
    Enum(&'static str, Vec<Variant>),
}

#[derive(Debug)]
struct Variant {
    name: &'static str,
    content: Node,
    tries: u32,
}

impl Variant {
    fn is_complete(&self) -> bool {
        self.tries > 0 && (self.content.is_complete() || self.tries >= MOST_TRIES)
    }
}

impl Node {
    fn children(&self) -> Vec<&Self> {
        match self {
            Self::Unknown | Self::Leaf(_) | Self::Inside(_) => Vec::new(),
            Self::Option(inner) | Self::Seq(inner) | Self::Newtype(_, inner) => [&**inner].into(),
            Self::Map(pair) => [&pair.0, &pair.1].into(),
            Self::Tuple(items) => items.iter().collect(),
            Self::Struct(_, fields) => fields.iter().map(|(_, node)| node).collect(),
            Self::Enum(_, variants) => variants.iter().map(|variant| &variant.content).collect(),
        }
    }

    fn is_complete(&self) -> bool {
        match self {
            Self::Unknown => false,
            Self::Enum(_, variants) => variants.iter().all(Variant::is_complete),
            _ => self.children().into_iter().all(Self::is_complete),
        }
    }

    fn unknown(&self) -> usize {
        usize::from(matches!(self, Self::Unknown)) + self.children().into_iter().map(Self::unknown).sum::<usize>()
    }

    fn write(&self, text: &mut String) {
        match self {
            Self::Unknown => text.push('?'),
            Self::Leaf(name) | Self::Inside(name) => text.push_str(name),
            Self::Option(inner) => inner.wrapped("option(", text),
            Self::Seq(inner) => inner.wrapped("seq(", text),
            Self::Newtype(name, inner) => {
                let _ = write!(text, "newtype {name}");
                inner.wrapped("(", text);
            }
            Self::Map(pair) => {
                text.push_str("map(");
                pair.0.write(text);
                text.push(',');
                pair.1.write(text);
                text.push(')');
            }
            Self::Tuple(items) => list(text, "tuple(", items, ")", |text, item| item.write(text)),
            Self::Struct(name, fields) => {
                let _ = write!(text, "struct {name}");
                list(text, "{", fields, "}", |text, (name, node)| {
                    let _ = write!(text, "{name}:");
                    node.write(text);
                });
            }
            Self::Enum(name, variants) => {
                let _ = write!(text, "enum {name}");
                list(text, "{", variants, "}", |text, variant| {
                    text.push_str(variant.name);
                    match &variant.content {
                        Self::Leaf("unit") => {}
                        Self::Struct(_, fields) => list(text, "{", fields, "}", |text, (name, node)| {
                            let _ = write!(text, "{name}:");
                            node.write(text);
                        }),
                        content => content.wrapped("(", text),
                    }
                });
            }
        }
    }

    fn wrapped(&self, open: &str, text: &mut String) {
        text.push_str(open);
        self.write(text);
        text.push(')');
    }
}

fn list<T>(text: &mut String, open: &str, items: &[T], close: &str, write: impl Fn(&mut String, &T)) {
    text.push_str(open);
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        write(text, item);
    }
    text.push_str(close);
}

/// The named types that enclose the current one.
#[derive(Clone, Copy)]
struct Outer<'a> {
    name: &'static str,
    outer: Option<&'a Outer<'a>>,
}

/// Deserializes a type from arbitrary values, and records its requests in `node`.
struct Tracer<'a> {
    node: &'a mut Node,
    outer: Option<&'a Outer<'a>>,
    /// How often a type has been entered inside of itself.
    level: usize,
}

impl Tracer<'_> {
    fn is_inside(&self, name: &str) -> bool {
        core::iter::successors(self.outer, |outer| outer.outer).any(|outer| outer.name == name)
    }

    fn leaf(self, name: &'static str) {
        *self.node = Node::Leaf(name);
    }
}

macro_rules! leaves {
    ($($method:ident $name:literal $visit:ident $value:expr;)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
            self.leaf($name);
            visitor.$visit($value)
        })*
    };
}

/// Records a type that is entered inside itself, and continues with a node that is discarded.
macro_rules! enter {
    ($self:ident, $name:ident, $again:ident, |$tracer:ident, $outer:ident| $body:expr) => {{
        let inside = $self.is_inside($name);
        if inside && $self.level >= DEEPEST {
            return Err(DecodeError::mismatch("a type contains itself without a base case"));
        }
        let mut unread = Node::Unknown;
        let $outer = Outer { name: $name, outer: $self.outer };
        let $tracer = if inside {
            *$self.node = Node::Inside($name);
            Tracer { node: &mut unread, outer: $self.outer, level: $self.level + 1 }
        } else {
            Tracer { node: $self.node, outer: $self.outer, level: $self.level }
        };
        $body
    }};
}

impl<'de> de::Deserializer<'de> for Tracer<'_> {
    type Error = DecodeError;

    leaves! {
        deserialize_bool "bool" visit_bool false;
        deserialize_i8 "i8" visit_i8 1;
        deserialize_i16 "i16" visit_i16 1;
        deserialize_i32 "i32" visit_i32 1;
        deserialize_i64 "i64" visit_i64 1;
        deserialize_i128 "i128" visit_i128 1;
        deserialize_u8 "u8" visit_u8 1;
        deserialize_u16 "u16" visit_u16 1;
        deserialize_u32 "u32" visit_u32 1;
        deserialize_u64 "u64" visit_u64 1;
        deserialize_u128 "u128" visit_u128 1;
        deserialize_f32 "f32" visit_f32 1.0;
        deserialize_f64 "f64" visit_f64 1.0;
        deserialize_char "char" visit_char 'a';
        deserialize_str "str" visit_borrowed_str "a";
        deserialize_string "str" visit_borrowed_str "a";
        deserialize_bytes "bytes" visit_borrowed_bytes b"a";
        deserialize_byte_buf "bytes" visit_borrowed_bytes b"a";
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, DecodeError> {
        self.leaf("any");
        Err(DecodeError::mismatch("postcard cannot encode a type that needs self-describing bytes"))
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_any(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_any(visitor)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.leaf("unit");
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, DecodeError> {
        *self.node = Node::Struct(name, Vec::new());
        visitor.visit_unit()
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        if !matches!(self.node, Node::Option(_)) {
            *self.node = Node::Option(Box::new(Node::Unknown));
        }
        let Node::Option(inner) = self.node else { unreachable!("it has just been set") };
        if self.level > 0 {
            **inner = Node::Leaf("unread");
            return visitor.visit_none();
        }
        visitor.visit_some(Tracer { node: inner, outer: self.outer, level: self.level })
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        if name == SHARED_TOKEN {
            // Equivalent to other bytes.
            return visitor.visit_newtype_struct(self);
        }
        if name == HANDLE_TOKEN {
            self.leaf("handle");
            return Err(DecodeError::mismatch("a handle can be sent in the value format only"));
        }
        enter!(self, name, again, |tracer, outer| {
            if !matches!(tracer.node, Node::Newtype(..)) {
                *tracer.node = Node::Newtype(name, Box::new(Node::Unknown));
            }
            let Node::Newtype(_, inner) = tracer.node else { unreachable!("it has just been set") };
            visitor.visit_newtype_struct(Tracer { node: inner, outer: Some(&outer), level: tracer.level })
        })
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        if !matches!(self.node, Node::Seq(_)) {
            *self.node = Node::Seq(Box::new(Node::Unknown));
        }
        let Node::Seq(inner) = self.node else { unreachable!("it has just been set") };
        let count = usize::from(self.level == 0);
        visitor.visit_seq(Items {
            nodes: alloc::vec![&mut **inner].into_iter(),
            left: count,
            outer: self.outer,
            level: self.level,
        })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, DecodeError> {
        if !matches!(self.node, Node::Tuple(_)) {
            *self.node = Node::Tuple((0..len).map(|_| Node::Unknown).collect());
        }
        let Node::Tuple(items) = self.node else { unreachable!("it has just been set") };
        let nodes: Vec<_> = items.iter_mut().collect();
        visitor.visit_seq(Items { left: len, nodes: nodes.into_iter(), outer: self.outer, level: self.level })
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        enter!(self, name, again, |tracer, outer| {
            if !matches!(tracer.node, Node::Newtype(..)) {
                *tracer.node = Node::Newtype(name, Box::new(Node::Unknown));
            }
            let Node::Newtype(_, inner) = tracer.node else { unreachable!("it has just been set") };
            Tracer { node: inner, outer: Some(&outer), level: tracer.level }.deserialize_tuple(len, visitor)
        })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        if !matches!(self.node, Node::Map(_)) {
            *self.node = Node::Map(Box::new((Node::Unknown, Node::Unknown)));
        }
        let Node::Map(pair) = self.node else { unreachable!("it has just been set") };
        let (key, value) = &mut **pair;
        let left = usize::from(self.level == 0);
        visitor.visit_map(Pair { key, value, left, outer: self.outer, level: self.level })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        enter!(self, name, again, |tracer, outer| {
            if !matches!(tracer.node, Node::Struct(..)) {
                *tracer.node = Node::Struct(name, fields.iter().map(|field| (*field, Node::Unknown)).collect());
            }
            let Node::Struct(_, fields) = tracer.node else { unreachable!("it has just been set") };
            let nodes: Vec<_> = fields.iter_mut().map(|(_, node)| node).collect();
            visitor.visit_seq(Items {
                left: nodes.len(),
                nodes: nodes.into_iter(),
                outer: Some(&outer),
                level: tracer.level,
            })
        })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        enter!(self, name, again, |tracer, outer| {
            if !matches!(tracer.node, Node::Enum(..)) {
                let unseen = |name: &&'static str| Variant { name, content: Node::Unknown, tries: 0 };
                *tracer.node = Node::Enum(name, variants.iter().map(unseen).collect());
            }
            let Node::Enum(_, variants) = tracer.node else { unreachable!("it has just been set") };
            if variants.is_empty() {
                return Err(DecodeError::mismatch("an enum has no variants"));
            }
            let index = if tracer.level > 0 {
                // Inside the enum itself any variant will do that terminates.
                (tracer.level - 1) % variants.len()
            } else {
                variants.iter().position(|variant| !variant.is_complete()).unwrap_or(0)
            };
            let variant = &mut variants[index];
            variant.tries += 1;
            visitor.visit_enum(Content { index, node: &mut variant.content, outer: Some(&outer), level: tracer.level })
        })
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

struct Items<'a> {
    nodes: alloc::vec::IntoIter<&'a mut Node>,
    left: usize,
    outer: Option<&'a Outer<'a>>,
    level: usize,
}

impl<'de> de::SeqAccess<'de> for Items<'_> {
    type Error = DecodeError;

    fn next_element_seed<T: de::DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, DecodeError> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let Some(node) = self.nodes.next() else {
            return Ok(None);
        };
        seed.deserialize(Tracer { node, outer: self.outer, level: self.level }).map(Some)
    }
}

struct Pair<'a> {
    key: &'a mut Node,
    value: &'a mut Node,
    left: usize,
    outer: Option<&'a Outer<'a>>,
    level: usize,
}

impl<'de> de::MapAccess<'de> for Pair<'_> {
    type Error = DecodeError;

    fn next_key_seed<T: de::DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, DecodeError> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(Tracer { node: self.key, outer: self.outer, level: self.level }).map(Some)
    }

    fn next_value_seed<T: de::DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, DecodeError> {
        seed.deserialize(Tracer { node: self.value, outer: self.outer, level: self.level })
    }
}

struct Content<'a> {
    index: usize,
    node: &'a mut Node,
    outer: Option<&'a Outer<'a>>,
    level: usize,
}

impl<'a, 'de> de::EnumAccess<'de> for Content<'a> {
    type Error = DecodeError;
    type Variant = Tracer<'a>;

    fn variant_seed<T: de::DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Tracer<'a>), DecodeError> {
        let index = IntoDeserializer::<DecodeError>::into_deserializer(self.index as u32);
        Ok((seed.deserialize(index)?, Tracer { node: self.node, outer: self.outer, level: self.level }))
    }
}

impl<'de> de::VariantAccess<'de> for Tracer<'_> {
    type Error = DecodeError;

    fn unit_variant(self) -> Result<(), DecodeError> {
        self.leaf("unit");
        Ok(())
    }

    fn newtype_variant_seed<T: de::DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, DecodeError> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, DecodeError> {
        de::Deserializer::deserialize_tuple(self, len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        if !matches!(self.node, Node::Struct(..)) {
            *self.node = Node::Struct("", fields.iter().map(|field| (*field, Node::Unknown)).collect());
        }
        let Node::Struct(_, fields) = self.node else { unreachable!("it has just been set") };
        let nodes: Vec<_> = fields.iter_mut().map(|(_, node)| node).collect();
        visitor.visit_seq(Items { left: nodes.len(), nodes: nodes.into_iter(), outer: self.outer, level: self.level })
    }
}

/// Maximum number of passes over a type.
const MOST_PASSES: usize = 1024;

/// Maximum number of passes over a variant whose content stays incomplete.
const MOST_TRIES: u32 = 8;

/// Maximum depth of a type inside itself, before recursion must terminate.
const DEEPEST: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;

    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Point {
        x: f64,
        tag: Option<char>,
    }

    #[derive(Deserialize)]
    #[allow(dead_code)]
    enum Shape {
        Nothing,
        Circle(Point, u8),
        Named { name: String, inner: Vec<Shape> },
        Wrapped(Box<Shape>),
        Other(Kind),
    }

    #[derive(Deserialize)]
    #[allow(dead_code)]
    enum Kind {
        A,
        B(core::num::NonZeroU16),
    }

    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct List {
        value: usize,
        next: Option<Box<List>>,
    }

    #[test]
    fn shapes_are_described_in_full() {
        assert_eq!(describe::<(u8, &str, Vec<bool>)>(), "tuple(u8,str,seq(bool))");
        assert_eq!(describe::<Point>(), "struct Point{x:f64,tag:option(char)}");
        assert_eq!(
            describe::<Shape>(),
            "enum Shape{Nothing,Circle(tuple(struct Point{x:f64,tag:option(char)},u8)),\
             Named{name:str,inner:seq(Shape)},Wrapped(Shape),Other(enum Kind{A,B(u16)})}"
        );
        assert_eq!(describe::<List>(), "struct List{value:u64,next:option(List)}");
        assert_eq!(describe::<BTreeMap<String, [i8; 2]>>(), "map(str,tuple(i8,i8))");
        assert_eq!(describe::<((), serde_bytes::ByteBuf)>(), "tuple(unit,bytes)");
    }

    #[test]
    fn hashes_differ_where_shapes_do() {
        assert_eq!(hash_of::<()>(), hash_of::<()>());
        assert_ne!(hash_of::<(u8,)>(), hash_of::<(u16,)>());
        assert_eq!(hash_of::<String>(), hash_of::<&str>());
        assert_eq!(hash_of::<(u8,)>(), 0xb099_eb38_c355_bc4d, "the hash travels: it must not change");
    }
}
