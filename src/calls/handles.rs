//! Handles: values that stay at one end and are used by the other end.

use super::endpoint::Endpoint;
use super::local::Local;
use super::remote::Remote;
use super::tables::{Given, Received};
use coincide_codec::value::{HandleKind, Reader, RefOwner, Reference};
use coincide_codec::{DecodeError, EncodeError};
use coincide_proto::{Payload, Segment};
use std::cell::{Cell, OnceCell, RefCell};
use std::mem;
use std::rc::{Rc, Weak};

/// The handles of one end of a link.
pub(crate) struct Handles {
    /// This end, for writing and reading values. Unset: handles cannot be sent.
    endpoint: OnceCell<Weak<dyn Endpoint>>,
    given: Given<Local>,
    received: Received<Remote>,
    /// Ids of the handles in the payload that was written last.
    written: RefCell<Vec<u64>>,
}

impl Default for Handles {
    fn default() -> Self {
        Self {
            endpoint: OnceCell::new(),
            given: Given::default(),
            received: Received::default(),
            written: RefCell::default(),
        }
    }
}

impl Handles {
    /// Sets the end to which the handles belong.
    pub(crate) fn belong_to(&self, endpoint: Weak<dyn Endpoint>) {
        let _ = self.endpoint.set(endpoint);
    }

    pub(super) fn weak_endpoint(&self) -> Option<Weak<dyn Endpoint>> {
        self.endpoint.get().cloned()
    }

    pub(super) fn endpoint(&self) -> Option<Rc<dyn Endpoint>> {
        self.endpoint.get()?.upgrade()
    }

    /// Writes a value that may contain handles of this end.
    pub(super) fn writing<T>(&self, write: impl FnOnce() -> Result<T, EncodeError>) -> Result<T, EncodeError> {
        let outer = self.given.begin();
        let result = self.coding(write);
        let given = self.given.end(outer);
        if result.is_err() {
            self.given.release(&given);
            self.written.take();
        } else {
            self.written.replace(given);
        }
        result
    }

    /// The ids that `give` returns.
    pub(super) fn giving(&self, give: impl FnOnce()) -> Vec<u64> {
        let outer = self.given.begin();
        give();
        self.given.end(outer)
    }

    /// Returns the ids of the handles in the payload that was written last.
    pub(super) fn take_written(&self) -> Vec<u64> {
        self.written.take()
    }

    /// Releases handles that were not sent.
    pub(crate) fn take_back(&self, given: &[u64]) {
        self.given.release(given);
    }

    /// Reads arguments or a result that may contain handles. Releases those that are not used, including those of a malformed payload.
    pub(super) fn reading<T>(
        &self,
        head: &[u8],
        segments: &mut [Segment],
        read: impl FnOnce(&mut [Segment]) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        if !Reader::may_have_handles(head) {
            return read(segments);
        }
        let arrived = self.count(head, segments)?;
        let value = self.coding(|| read(segments));
        self.settle(&arrived);
        value
    }

    /// Releases the handles in an error.
    pub(super) fn skip_thrown(&self, head: &[u8], segments: &[Segment]) {
        if Reader::may_have_handles(head)
            && let Ok(arrived) = self.count(head, segments)
        {
            self.settle(&arrived);
        }
    }

    /// Releases the handles and references in a payload that is not read.
    pub(super) fn skip(&self, payload: &Payload) {
        let ids = counted_in(payload);
        // Ids of handles and of references are different, and those of references are in no table here.
        if self.received.count(&ids) {
            self.settle(&ids);
        }
    }

    /// The value of this end with this id.
    pub(super) fn given(&self, id: u64) -> Option<Rc<Local>> {
        self.given.get(id)
    }

    /// Counts a function or stream of this end that is sent.
    pub(super) fn send(&self, local: &Rc<Local>) {
        self.given.send_as(local, local.id);
    }

    /// The handle of a function or stream of the other end.
    pub(super) fn remote(&self, id: u64, make: impl FnOnce() -> Remote) -> Rc<Remote> {
        self.received.handle(id, make)
    }

    /// Drops the handle of a function or stream of the other end.
    pub(super) fn forget(&self, id: u64) {
        self.received.forget(id);
        self.give_back_later();
    }

    /// Receives ids that the other end has released.
    pub(super) fn released(&self, ids: &[u64]) {
        self.given.release(ids);
    }

    /// The ids to release, if there are many.
    pub(super) fn take_many(&self) -> Vec<u64> {
        self.received.take_many()
    }

    /// Drops everything, because the link is closed.
    pub(super) fn clear(&self) {
        self.received.clear();
        self.given.clear();
    }

    /// Counts the handles in a payload.
    #[cold]
    fn count(&self, head: &[u8], segments: &[Segment]) -> Result<Vec<u64>, DecodeError> {
        let mut ids = Vec::new();
        let mut memory = true;
        let counted = each_counted(head, segments, |id| {
            memory = memory && ids.try_reserve(1).is_ok();
            if memory {
                ids.push(id);
            }
        });
        if counted.is_err() {
            // Malformed: the handles before the error are released.
            if self.received.count(&ids) {
                self.settle(&ids);
            }
            return counted.map(|()| ids);
        }
        if memory && self.received.count(&ids) { Ok(ids) } else { Err(DecodeError::out_of_memory()) }
    }

    fn settle(&self, arrived: &[u64]) {
        self.received.settle(arrived);
        self.give_back_later();
    }

    /// Schedules a release of unused handles for when this end is idle.
    fn give_back_later(&self) {
        let Some(endpoint) = self.endpoint() else {
            return;
        };
        if !self.received.begins_to_wait() {
            return;
        }
        let later = Rc::downgrade(&endpoint);
        endpoint.spawn(Box::pin(async move {
            if let Some(endpoint) = later.upgrade() {
                let host = endpoint.host();
                host.give_back(&host.handles.received.take_awaited());
                endpoint.flush();
            }
        }));
    }

    /// Lets values of this end be written and read while `action` runs.
    fn coding<T>(&self, action: impl FnOnce() -> T) -> T {
        coding_as(self.endpoint.get().cloned().map_or(Current::Elsewhere, Current::End), action)
    }
}

/// The purpose for which values are written or read, for their `Serialize` and `Deserialize`.
pub(super) enum Coding {
    /// Payloads of this end.
    End(Rc<dyn Endpoint>),
    /// Arguments of a pool, whose worker is not known yet. Collects the functions and streams in them.
    Pool(Rc<RefCell<Vec<Rc<Local>>>>),
    /// Sample values, from which the shape of a type is derived.
    Shape,
    /// Payloads of another thread, or in a format without handles.
    Elsewhere,
}

/// [`Coding`] without ownership of an end.
#[derive(Clone)]
enum Current {
    End(Weak<dyn Endpoint>),
    Pool(Rc<RefCell<Vec<Rc<Local>>>>),
    Shape,
    Elsewhere,
}

/// The purpose of the current encoding.
pub(super) fn coding() -> Coding {
    match CODING.with_borrow(Current::clone) {
        Current::End(endpoint) => endpoint.upgrade().map_or(Coding::Elsewhere, Coding::End),
        Current::Pool(given) => Coding::Pool(given),
        Current::Shape => Coding::Shape,
        Current::Elsewhere => Coding::Elsewhere,
    }
}

/// Writes arguments for a pool. Returns the functions and streams in them, once for each time that they occur.
pub(crate) fn writing_for_pool<T>(write: impl FnOnce() -> T) -> (T, Vec<Rc<Local>>) {
    let given = Rc::default();
    let written = coding_as(Current::Pool(Rc::clone(&given)), write);
    (written, given.take())
}

/// Derives the shape of a type, in which functions and streams may occur.
pub(super) fn shaping<T>(derive: impl FnOnce() -> T) -> T {
    coding_as(Current::Shape, derive)
}

/// Writes in a format without handles. `None` if the values contain functions or streams, which need another format.
pub(super) fn without_handles<T, E>(write: impl FnOnce() -> Result<T, E>) -> Option<Result<T, E>> {
    MET.set(false);
    let result = coding_as(Current::Elsewhere, write);
    if result.is_err() && MET.get() { None } else { Some(result) }
}

/// The error for a function or a stream without a link that it can belong to.
pub(super) fn without_link() -> &'static str {
    MET.set(true);
    "functions and streams belong to the thread of their link: pass them by the proxies of a worker, of a pool or of main; with a shared proxy, \
     register a function and pass its name"
}

fn coding_as<T>(current: Current, action: impl FnOnce() -> T) -> T {
    struct Restore(Current);

    impl Drop for Restore {
        fn drop(&mut self) {
            CODING.replace(mem::replace(&mut self.0, Current::Elsewhere));
        }
    }

    let _restore = Restore(CODING.replace(current));
    action()
}

/// State of the encodings in progress of suspended code. Dropping it restores that state.
pub(crate) struct Aside<'a> {
    handles: &'a Handles,
    coding: Current,
    met: bool,
    sent: Vec<u64>,
}

impl<'a> Aside<'a> {
    pub(crate) fn of(handles: &'a Handles) -> Self {
        let coding = CODING.replace(Current::Elsewhere);
        Self { handles, coding, met: MET.get(), sent: handles.given.begin() }
    }
}

impl Drop for Aside<'_> {
    fn drop(&mut self) {
        CODING.replace(mem::replace(&mut self.coding, Current::Elsewhere));
        MET.set(self.met);
        self.handles.given.end(mem::take(&mut self.sent));
    }
}

thread_local! {
    static CODING: RefCell<Current> = const { RefCell::new(Current::Elsewhere) };

    /// Whether a handle has been met where none can be written.
    static MET: Cell<bool> = const { Cell::new(false) };
}

/// The ids of the sender's handles and references in a payload that is not read, up to the first malformed item. Ids for which there is no memory
/// stay until the link ends.
pub(super) fn counted_in(payload: &Payload) -> Vec<u64> {
    let (head, segments) = (&payload.head[..], payload.segments());
    let mut ids = Vec::new();
    let mut keep = |id| {
        if ids.try_reserve(1).is_ok() {
            ids.push(id);
        }
    };
    let _ = each_counted(head, segments, &mut keep);
    let _ = Reader::of_payload(head, segments).skip_references(|Reference { owner, id, .. }| {
        if owner == RefOwner::Sender && id != ROOT {
            keep(id);
        }
    });
    ids
}

/// Id of the root of references, which is not released.
const ROOT: u64 = 0;

/// Calls `found` with the ids of the sender's handles in a payload, except for signals, which are not counted.
fn each_counted(head: &[u8], segments: &[Segment], mut found: impl FnMut(u64)) -> Result<(), DecodeError> {
    if !Reader::may_have_handles(head) {
        return Ok(());
    }
    Reader::of_payload(head, segments).skip_handles(|owner, kind, id| {
        if owner == RefOwner::Sender && !matches!(kind, HandleKind::Signal | HandleKind::Controller) {
            found(id);
        }
    })
}
