//! Lists of arguments from which a function takes as many as it has parameters.

use serde::de::value::UnitDeserializer;
use serde::de::{self, DeserializeSeed, Error as _, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::marker::PhantomData;

/// A list of arguments. Extra arguments are ignored, missing ones are undefined, as in JavaScript.
pub(crate) struct List<Args>(pub(crate) Args);

impl<'de, Args: Deserialize<'de>> Deserialize<'de> for List<Args> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Whole<Args>(PhantomData<Args>);

        impl<'de, Args: Deserialize<'de>> Visitor<'de> for Whole<Args> {
            type Value = List<Args>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of arguments")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<List<Args>, A::Error> {
                let args = Args::deserialize(Taken(&mut list))?;
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(List(args))
            }
        }

        deserializer.deserialize_seq(Whole(PhantomData))
    }
}

/// As many arguments as the function takes.
struct Taken<'a, A>(&'a mut A);

impl<'de, A: SeqAccess<'de>> Deserializer<'de> for Taken<'_, A> {
    type Error = A::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, A::Error> {
        visitor.visit_seq(self.0)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, A::Error> {
        visitor.visit_seq(First { list: self.0, left: len })
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, A::Error> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit_struct newtype_struct
        seq tuple_struct map struct enum identifier ignored_any
    }
}

/// The first items of a list. Missing ones are undefined.
struct First<'a, A> {
    list: &'a mut A,
    left: usize,
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for First<'_, A> {
    type Error = A::Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, A::Error> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        // The seed can be used only once, so missing items are detected first.
        let mut seed = Some(seed);
        match self.list.next_element_seed(Once(&mut seed))? {
            Some(value) => Ok(Some(value)),
            None => match seed {
                Some(seed) => seed.deserialize(Missing(UnitDeserializer::new())).map(Some),
                None => Err(A::Error::custom("a list ended amid an element")),
            },
        }
    }
}

/// A seed that remains unused if there is no item.
struct Once<'a, T>(&'a mut Option<T>);

impl<'de, T: DeserializeSeed<'de>> DeserializeSeed<'de> for Once<'_, T> {
    type Value = T::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T::Value, D::Error> {
        match self.0.take() {
            Some(seed) => seed.deserialize(deserializer),
            None => Err(D::Error::custom("an element was read twice")),
        }
    }
}

/// An argument that was not given.
struct Missing<E>(UnitDeserializer<E>);

impl<'de, E: de::Error> Deserializer<'de> for Missing<E> {
    type Error = E;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        self.0.deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_none()
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct newtype_struct
        seq tuple tuple_struct map struct enum identifier ignored_any
    }
}
