//! Which objects of main a worker holds, and which of its functions main holds. Nothing here knows of links.

use super::callback::Function;
use super::remote::Handle;
use coincide_codec::DecodeError;
use coincide_codec::value::{Reader, RefOwner};
use coincide_proto::Segment;
use hashbrown::HashMap;
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

/// The references of one link.
#[derive(Default)]
pub(crate) struct Table {
    objects: RefCell<HashMap<u64, Arrivals>>,
    /// References to be released, each once for each time that it arrived.
    back: RefCell<Vec<u64>>,
    /// Whether a task to release them when the worker is idle is scheduled.
    awaited: Cell<bool>,
    held: RefCell<Held>,
    /// Handles of the objects in the payload that is being written, if requested.
    kept: RefCell<Option<Vec<Rc<Handle>>>>,
}

/// How often a reference of main has come, and what stands for it.
#[derive(Default)]
struct Arrivals {
    times: usize,
    handle: Weak<Handle>,
}

/// Functions of the worker that main has.
#[derive(Default)]
struct Held {
    functions: HashMap<u64, (Rc<Function>, usize)>,
    ids: HashMap<*const Function, u64>,
    last: u64,
    /// What has been sent in the payload that is being written.
    sent: Vec<u64>,
}

impl Table {
    /// Counts the references in a payload that has come; gives those of main. [`settle`](Self::settle) has to follow.
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
        let mut objects = self.objects.borrow_mut();
        if !memory || objects.try_reserve(ids.len()).is_err() {
            return Err(DecodeError::out_of_memory());
        }
        for id in &ids {
            objects.entry(*id).or_default().times += 1;
        }
        drop(objects);
        read.inspect_err(|_| self.settle(&ids)).map(|()| ids)
    }

    /// Releases references that arrived and were not taken.
    pub(super) fn settle(&self, ids: &[u64]) {
        let mut objects = self.objects.borrow_mut();
        for id in ids {
            if objects.get(id).is_some_and(|arrivals| arrivals.handle.strong_count() == 0) {
                self.give_back(*id, objects.remove(id));
            }
        }
    }

    /// The handle of an object of main, by `make` if there is none.
    pub(super) fn handle(&self, id: u64, make: impl FnOnce() -> Handle) -> Rc<Handle> {
        let mut objects = self.objects.borrow_mut();
        let arrivals = objects.entry(id).or_default();
        arrivals.handle.upgrade().unwrap_or_else(|| {
            let handle = Rc::new(make());
            arrivals.handle = Rc::downgrade(&handle);
            handle
        })
    }

    /// A handle is dropped.
    pub(super) fn forget(&self, id: u64) {
        let arrivals = self.objects.borrow_mut().remove(&id);
        self.give_back(id, arrivals);
    }

    /// Returns whether to schedule a release: there are references, and none is scheduled. Marks it as scheduled until they are taken.
    pub(super) fn begins_to_wait(&self) -> bool {
        !self.back.borrow().is_empty() && !self.awaited.replace(true)
    }

    /// The references to give back, for the one who has waited for them.
    pub(super) fn take_awaited(&self) -> Vec<u64> {
        self.awaited.set(false);
        self.back.take()
    }

    fn give_back(&self, id: u64, arrivals: Option<Arrivals>) {
        let times = arrivals.map_or(0, |arrivals| arrivals.times);
        self.back.borrow_mut().extend(std::iter::repeat_n(id, times));
    }

    /// The references to give back, if there are many.
    pub(super) fn take_many(&self) -> Vec<u64> {
        if self.back.borrow().len() < MANY { Vec::new() } else { self.back.take() }
    }

    /// Does something that writes; gives handles of the objects that it has written.
    pub(super) fn keeping<T>(&self, write: impl FnOnce() -> T) -> (T, Vec<Rc<Handle>>) {
        let outer = self.kept.replace(Some(Vec::new()));
        let result = write();
        (result, self.kept.replace(outer).unwrap_or_default())
    }

    /// An object has been written.
    pub(super) fn keep(&self, handle: &Rc<Handle>) {
        if let Some(kept) = &mut *self.kept.borrow_mut() {
            kept.push(Rc::clone(handle));
        }
    }

    /// The id by which a function is sent. It is held until main has given it back as often as it was sent.
    pub(super) fn send(&self, function: &Rc<Function>) -> u64 {
        let held = &mut *self.held.borrow_mut();
        let id = *held.ids.entry(Rc::as_ptr(function)).or_insert_with(|| {
            // An id is never used again: one that comes too late names nothing, not something else.
            held.last += 1;
            held.last
        });
        held.functions.entry(id).or_insert_with(|| (Rc::clone(function), 0)).1 += 1;
        held.sent.push(id);
        id
    }

    /// Begins a payload; gives what the one that is being written has sent so far.
    pub(super) fn begin(&self) -> Vec<u64> {
        std::mem::take(&mut self.held.borrow_mut().sent)
    }

    /// Ends a payload; returns what it has sent, and continues with `outer`.
    pub(super) fn end(&self, outer: Vec<u64>) -> Vec<u64> {
        std::mem::replace(&mut self.held.borrow_mut().sent, outer)
    }

    /// The function that main calls.
    pub(super) fn function(&self, id: u64) -> Option<Rc<Function>> {
        self.held.borrow().functions.get(&id).map(|(function, _)| Rc::clone(function))
    }

    /// Main has given functions back, each id as often as it is listed; or they have not been sent after all.
    pub(super) fn release(&self, ids: &[u64]) {
        let mut gone = Vec::new();
        let mut held = self.held.borrow_mut();
        for id in ids {
            let Some((_, times)) = held.functions.get_mut(id) else { continue };
            *times -= 1;
            if *times == 0 {
                let entry = held.functions.remove(id);
                if let Some((function, _)) = &entry {
                    held.ids.remove(&Rc::as_ptr(function));
                }
                gone.extend(entry);
            }
        }
        // What they have captured may be handles, or functions in turn.
        drop(held);
    }

    /// Forgets everything: the link is closed.
    pub(super) fn clear(&self) {
        self.back.take();
        let held = self.held.take();
        self.objects.take();
        drop(held);
    }

    /// How many objects of main are held here, and how many functions main has.
    pub(super) fn sizes(&self) -> (usize, usize) {
        (self.objects.borrow().len(), self.held.borrow().functions.len())
    }
}

/// Id of the root on the wire. It is never released.
pub(super) const ROOT: u64 = 0;

/// Number of pending references that is released at once even while the worker is busy.
const MANY: usize = 64;
