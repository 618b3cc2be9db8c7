//! Functions and streams that this end owns, and their encoding as handles.

use super::functions::Function;
use super::handles::{self, Coding};
use super::source::Rows;
use coincide_codec::Value;
use coincide_codec::value::{Handle, HandleKind, RefOwner};
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cell::Cell;
use std::rc::Rc;

/// A local handle: a function or a stream that stays at this end.
pub(crate) struct Local {
    /// Unique in the thread, so that a payload can be written before its link is known.
    pub(super) id: u64,
    pub(super) thing: Thing,
}

pub(crate) enum Thing {
    Function(Function),
    Stream(Box<dyn Rows>),
}

impl Local {
    pub(super) fn new(thing: Thing) -> Rc<Self> {
        let id = LAST.get() + 1;
        LAST.set(id);
        Rc::new(Self { id, thing })
    }

    /// Writes a handle for the other end.
    pub(super) fn serialize<S: Serializer>(self: &Rc<Self>, serializer: S) -> Result<S::Ok, S::Error> {
        match handles::coding() {
            Coding::End(endpoint) => endpoint.host().give(self),
            Coding::Pool(given) => given.borrow_mut().push(Rc::clone(self)),
            Coding::Elsewhere | Coding::Shape => return Err(S::Error::custom(handles::without_link())),
        }
        let kind = match self.thing {
            Thing::Function(_) => HandleKind::Function,
            Thing::Stream(_) => HandleKind::Stream,
        };
        Handle { owner: RefOwner::Sender, kind, id: self.id, description: Value::Undefined }.serialize(serializer)
    }

    /// Reads a handle of a function of this end that was sent back.
    pub(super) fn deserialize_function<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Rc<Self>, D::Error> {
        let handle = Handle::deserialize(deserializer);
        let coding = handles::coding();
        if matches!(coding, Coding::Shape) {
            return Ok(Self::placeholder());
        }
        let Handle { owner: RefOwner::Receiver, id, .. } = handle? else {
            return Err(D::Error::custom("expected a function of this end, got one of the other end"));
        };
        let Coding::End(endpoint) = coding else {
            return Err(D::Error::custom(handles::without_link()));
        };
        let local = endpoint.host().handles.given(id).filter(|local| matches!(local.thing, Thing::Function(_)));
        local.ok_or_else(|| D::Error::custom("the function of this end was released and cannot be used again"))
    }

    /// A function that is never called, for the sample values from which the shape of a type is derived.
    pub(super) fn placeholder() -> Rc<Self> {
        Self::new(Thing::Function(Function::applied(|| ())))
    }
}

thread_local! {
    /// The last id. Ids of handles exceed those of references, which are counted from 1 in a separate table, so a released id is in one table only.
    static LAST: Cell<u64> = const { Cell::new(1 << 40) };
}
