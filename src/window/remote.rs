//! Objects of main.

use super::link::ObjectLink;
use super::path::Path;
use super::table::ROOT;
use coincide_codec::value::{RefKind, RefOwner, Reference};
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::rc::Rc;

/// An object of main, or a function or an array of it. Its operations are those of a [`Path`].
///
/// Two are equal if they stand for the same object. The comparison takes no trip. Cloning creates another handle of the same object. When the
/// last one is dropped, main releases the object.
///
/// In a value that is sent to main, it represents the object itself. In a received value, it accepts an object of any class.
#[derive(Clone)]
pub struct Remote(Path);

impl Remote {
    pub(super) fn of(handle: Rc<Handle>) -> Self {
        Self(Path { handle, keys: Vec::new() })
    }

    /// Whether it is a function or a class.
    pub fn is_function(&self) -> bool {
        self.0.handle.kind == RefKind::Function
    }

    /// Whether it is an array.
    pub fn is_array(&self) -> bool {
        self.0.handle.kind == RefKind::Array
    }

    fn identity(&self) -> (usize, u64) {
        let handle = &self.0.handle;
        (Rc::as_ptr(&handle.link.table).addr(), handle.id)
    }
}

impl Deref for Remote {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl PartialEq for Remote {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for Remote {}

impl Hash for Remote {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Handle { id, kind, .. } = *self.0.handle;
        f.debug_struct("Remote").field("kind", &kind).field("id", &id).finish_non_exhaustive()
    }
}

impl Serialize for Remote {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let handle = &self.0.handle;
        handle.link.table.keep(handle);
        handle.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Remote {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let reference = Reference::deserialize(deserializer)?;
        let Some(link) = ObjectLink::coding_now() else {
            return Err(D::Error::custom("objects of main come as results of operations on such, and nowhere else"));
        };
        let Reference { owner: RefOwner::Sender, kind, id } = reference else {
            return Err(D::Error::custom("expected an object of main, got a function of this worker"));
        };
        let table = Rc::clone(&link.table);
        let make = || Handle { id, kind, link };
        Ok(Self::of(if id == ROOT { Rc::new(make()) } else { table.objects.handle(id, make) }))
    }
}

/// An object of main on a link; there is one for each id.
pub(super) struct Handle {
    pub(super) id: u64,
    pub(super) kind: RefKind,
    pub(super) link: ObjectLink,
}

impl Serialize for Handle {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !ObjectLink::coding_now().is_some_and(|link| link.is_same(&self.link)) {
            return Err(S::Error::custom(
                "an object of main can be sent to its own main only, as part of an operation",
            ));
        }
        Reference { owner: RefOwner::Receiver, kind: self.kind, id: self.id }.serialize(serializer)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if self.id != ROOT {
            self.link.forget(self.id);
        }
    }
}
