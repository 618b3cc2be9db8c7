//! Objects of main that a worker holds, and functions of the worker that main holds. Independent of links.

use super::callback::Function;
use super::remote::Handle;
use crate::calls::tables::{Given, Received};
use coincide_codec::DecodeError;
use coincide_codec::value::{Reader, RefOwner};
use coincide_proto::Segment;
use std::cell::RefCell;
use std::rc::Rc;

/// The references of one link.
#[derive(Default)]
pub(crate) struct Table {
    pub(super) objects: Received<Handle>,
    pub(super) functions: Given<Function>,
    /// Handles of the objects in the payload that is being written, if requested.
    kept: RefCell<Option<Vec<Rc<Handle>>>>,
}

impl Table {
    /// Counts the references in a received payload. Returns those of main. [`Received::settle`] must follow.
    pub(super) fn receive(&self, head: &[u8], segments: &[Segment]) -> Result<Vec<u64>, DecodeError> {
        let mut ids = Vec::new();
        let mut memory = true;
        let read = Reader::of_payload(head, segments).skip_references(|reference| {
            if reference.owner == RefOwner::Sender && reference.id != ROOT {
                memory = memory && ids.try_reserve(1).is_ok();
                if memory {
                    ids.push(reference.id);
                }
            }
        });
        if !memory || !self.objects.count(&ids) {
            return Err(DecodeError::out_of_memory());
        }
        read.inspect_err(|_| self.objects.settle(&ids)).map(|()| ids)
    }

    /// Calls `write`. Also returns handles of the objects that it has written.
    pub(super) fn keeping<T>(&self, write: impl FnOnce() -> T) -> (T, Vec<Rc<Handle>>) {
        let outer = self.kept.replace(Some(Vec::new()));
        let result = write();
        (result, self.kept.replace(outer).unwrap_or_default())
    }

    /// Records an object that has been written.
    pub(super) fn keep(&self, handle: &Rc<Handle>) {
        if let Some(kept) = &mut *self.kept.borrow_mut() {
            kept.push(Rc::clone(handle));
        }
    }

    /// Takes the state of the values that are being written, so that other code can run.
    pub(super) fn set_aside(&self) -> Aside {
        Aside { sent: self.functions.begin(), kept: self.kept.take() }
    }

    /// Restores the state that [`set_aside`](Self::set_aside) took.
    pub(super) fn restore(&self, Aside { sent, kept }: Aside) {
        self.functions.end(sent);
        self.kept.replace(kept);
    }

    /// Drops everything, because the link is closed.
    pub(super) fn clear(&self) {
        self.objects.clear();
        self.functions.clear();
    }

    /// Number of objects of main held here, and of functions held by main.
    pub(super) fn sizes(&self) -> (usize, usize) {
        (self.objects.len(), self.functions.len())
    }
}

/// The functions and the handles in values that are being written.
pub(super) struct Aside {
    sent: Vec<u64>,
    kept: Option<Vec<Rc<Handle>>>,
}

/// Id of the root on the wire. It is never released.
pub(super) const ROOT: u64 = 0;
