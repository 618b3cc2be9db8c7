//! The arguments of `coincide:use`: an operation on a remote handle.

use super::list::List;
use super::remote_function::APPLY;
use super::thrown::Thrown;
use serde::de::{self, Error as _, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;

/// An operation without its argument.
pub(super) struct Operation {
    target: Target,
    operation: u64,
    path: Vec<String>,
}

enum Target {
    /// The id of a handle.
    Id(u64),
    /// The name under which something is exposed.
    Name(String),
}

impl Operation {
    /// The id of the function that is called.
    pub(super) fn function(&self) -> Result<u64, Thrown> {
        match &self.target {
            Target::Name(name) => {
                Err(Thrown::new("ReferenceError", format!("nothing is exposed under the name `{name}`")))
            }
            Target::Id(id) if self.operation == u64::from(APPLY) && self.path.is_empty() => Ok(*id),
            Target::Id(_) => Err(Thrown::new("TypeError", "a callback can only be called")),
        }
    }
}

impl<'de> Deserialize<'de> for Operation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parts;

        impl<'de> Visitor<'de> for Parts {
            type Value = Operation;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a target, an operation, and a path")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Operation, A::Error> {
                let missing = |index| A::Error::invalid_length(index, &"a target, an operation, and a path");
                let target = parts.next_element()?.ok_or_else(|| missing(0))?;
                let operation = parts.next_element()?.ok_or_else(|| missing(1))?;
                let path = parts.next_element()?.ok_or_else(|| missing(2))?;
                while parts.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Operation { target, operation, path })
            }
        }

        deserializer.deserialize_seq(Parts)
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl Visitor<'_> for Either {
            type Value = Target;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the id of a handle or a name")
            }

            fn visit_u64<E: de::Error>(self, id: u64) -> Result<Target, E> {
                Ok(Target::Id(id))
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Target, E> {
                Ok(Target::Name(name.into()))
            }
        }

        deserializer.deserialize_any(Either)
    }
}

/// The arguments of a function in an operation that calls it.
pub(super) struct Applied<Args>(pub(super) Args);

impl<'de, Args: Deserialize<'de>> Deserialize<'de> for Applied<Args> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (_, _, _, List(args)) = <(IgnoredAny, IgnoredAny, IgnoredAny, List<Args>)>::deserialize(deserializer)?;
        Ok(Self(args))
    }
}
