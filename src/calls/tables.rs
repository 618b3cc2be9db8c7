//! Tables of remote values held by one end of a link, and of local values held by the other. Independent of links.

use hashbrown::HashMap;
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

/// Values of the other end, by id.
pub(crate) struct Received<H> {
    arrivals: RefCell<HashMap<u64, Arrivals<H>>>,
    /// Ids to be released, each once for each time that it arrived.
    back: RefCell<Vec<u64>>,
    /// Whether a task to release them when the end is idle is scheduled.
    awaited: Cell<bool>,
}

/// How often a value has arrived, and its handle.
struct Arrivals<H> {
    times: usize,
    handle: Weak<H>,
}

impl<H> Default for Received<H> {
    fn default() -> Self {
        Self { arrivals: RefCell::default(), back: RefCell::default(), awaited: Cell::default() }
    }
}

impl<H> Default for Arrivals<H> {
    fn default() -> Self {
        Self { times: 0, handle: Weak::new() }
    }
}

impl<H> Received<H> {
    /// Counts the values in a received payload. [`settle`](Self::settle) must follow. Returns `false`, and counts nothing, if out of memory.
    #[must_use]
    pub(crate) fn count(&self, ids: &[u64]) -> bool {
        let mut arrivals = self.arrivals.borrow_mut();
        if arrivals.try_reserve(ids.len()).is_err() {
            return false;
        }
        for id in ids {
            arrivals.entry(*id).or_default().times += 1;
        }
        true
    }

    /// Releases the values that arrived and were not used.
    pub(crate) fn settle(&self, ids: &[u64]) {
        let mut arrivals = self.arrivals.borrow_mut();
        for id in ids {
            if arrivals.get(id).is_some_and(|arrivals| arrivals.handle.strong_count() == 0) {
                self.give_back(*id, arrivals.remove(id));
            }
        }
    }

    /// The handle of a value, created by `make` if there is none.
    pub(crate) fn handle(&self, id: u64, make: impl FnOnce() -> H) -> Rc<H> {
        let mut arrivals = self.arrivals.borrow_mut();
        let arrivals = arrivals.entry(id).or_default();
        arrivals.handle.upgrade().unwrap_or_else(|| {
            let handle = Rc::new(make());
            arrivals.handle = Rc::downgrade(&handle);
            handle
        })
    }

    /// Forgets a value whose last handle was dropped, and releases it.
    pub(crate) fn forget(&self, id: u64) {
        let arrivals = self.arrivals.borrow_mut().remove(&id);
        self.give_back(id, arrivals);
    }

    /// Returns whether to schedule a release: there is something to release, and none is scheduled. Marks it as scheduled until it is taken.
    pub(crate) fn begins_to_wait(&self) -> bool {
        !self.back.borrow().is_empty() && !self.awaited.replace(true)
    }

    /// The ids to release, for the scheduled release.
    pub(crate) fn take_awaited(&self) -> Vec<u64> {
        self.awaited.set(false);
        self.back.take()
    }

    /// The ids to release, if there are many.
    pub(crate) fn take_many(&self) -> Vec<u64> {
        if self.back.borrow().len() < MANY { Vec::new() } else { self.back.take() }
    }

    /// Drops everything, because the link is closed.
    pub(crate) fn clear(&self) {
        self.back.take();
        self.arrivals.take();
    }

    /// Number of values.
    pub(crate) fn len(&self) -> usize {
        self.arrivals.borrow().len()
    }

    fn give_back(&self, id: u64, arrivals: Option<Arrivals<H>>) {
        let times = arrivals.map_or(0, |arrivals| arrivals.times);
        self.back.borrow_mut().extend(std::iter::repeat_n(id, times));
    }
}

/// Values of this end that the other end holds.
pub(crate) struct Given<T>(RefCell<Things<T>>);

struct Things<T> {
    by_id: HashMap<u64, (Rc<T>, usize)>,
    ids: HashMap<*const T, u64>,
    last: u64,
    /// Ids sent in the payload that is being written.
    sent: Vec<u64>,
}

impl<T> Things<T> {
    fn send(&mut self, thing: &Rc<T>, id: u64) {
        self.by_id.entry(id).or_insert_with(|| (Rc::clone(thing), 0)).1 += 1;
        self.sent.push(id);
    }
}

impl<T> Default for Given<T> {
    fn default() -> Self {
        Self(RefCell::new(Things { by_id: HashMap::new(), ids: HashMap::new(), last: 0, sent: Vec::new() }))
    }
}

impl<T> Given<T> {
    /// The id by which a value is sent, counted from 1.
    pub(crate) fn send(&self, thing: &Rc<T>) -> u64 {
        let things = &mut *self.0.borrow_mut();
        let id = *things.ids.entry(Rc::as_ptr(thing)).or_insert_with(|| {
            // An id is never reused, so a late one cannot name another value.
            things.last += 1;
            things.last
        });
        things.send(thing, id);
        id
    }

    /// Counts a value with an existing id as sent. The value is held until the other end has released it as often as it was sent.
    pub(crate) fn send_as(&self, thing: &Rc<T>, id: u64) {
        self.0.borrow_mut().send(thing, id);
    }

    /// Begins a payload. Returns the ids sent so far in the payload that is being written.
    pub(crate) fn begin(&self) -> Vec<u64> {
        std::mem::take(&mut self.0.borrow_mut().sent)
    }

    /// Ends a payload. Returns the ids sent in it, and continues with `outer`.
    pub(crate) fn end(&self, outer: Vec<u64>) -> Vec<u64> {
        std::mem::replace(&mut self.0.borrow_mut().sent, outer)
    }

    /// The value with this id.
    pub(crate) fn get(&self, id: u64) -> Option<Rc<T>> {
        self.0.borrow().by_id.get(&id).map(|(thing, _)| Rc::clone(thing))
    }

    /// Releases values, each id as often as it is listed: the other end has released them, or they were not sent.
    pub(crate) fn release(&self, ids: &[u64]) {
        let mut gone = Vec::new();
        let mut things = self.0.borrow_mut();
        for id in ids {
            let Some((_, times)) = things.by_id.get_mut(id) else { continue };
            *times -= 1;
            if *times == 0 {
                let entry = things.by_id.remove(id);
                if let Some((thing, _)) = &entry {
                    things.ids.remove(&Rc::as_ptr(thing));
                }
                gone.extend(entry);
            }
        }
        // They may have captured handles or values of these tables.
        drop(things);
    }

    /// Drops everything, because the link is closed.
    pub(crate) fn clear(&self) {
        let mut things = self.0.borrow_mut();
        let dropped = (std::mem::take(&mut things.by_id), std::mem::take(&mut things.ids));
        drop(things);
        drop(dropped);
    }

    /// Number of values.
    pub(crate) fn len(&self) -> usize {
        self.0.borrow().by_id.len()
    }
}

/// Number of pending ids that is released at once even while the end is busy.
const MANY: usize = 64;
