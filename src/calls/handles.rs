//! Handles: values that stay at one end and are used by the other end.

use super::callback::Kept;
use super::endpoint::Endpoint;
use super::remote_function::Remote;
use super::tables::{Given, Received};
use coincide_codec::value::{HandleKind, Reader, RefOwner};
use coincide_codec::{DecodeError, EncodeError};
use coincide_proto::{Payload, Segment};
use std::cell::{OnceCell, RefCell};
use std::rc::{Rc, Weak};

/// The handles of one end of a link.
pub(crate) struct Handles {
    /// This end, for writing and reading values. Unset: handles cannot be sent.
    endpoint: OnceCell<Weak<dyn Endpoint>>,
    given: Given<Kept>,
    received: Received<Remote>,
    /// What the payload that was written last has given.
    written: RefCell<Vec<u64>>,
}

impl Default for Handles {
    fn default() -> Self {
        Self {
            endpoint: OnceCell::new(),
            given: Given::counting_from(BEFORE_FIRST),
            received: Received::default(),
            written: RefCell::default(),
        }
    }
}

impl Handles {
    /// Sets which end they are of.
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

    /// What the payload that was written last has given.
    pub(super) fn take_written(&self) -> Vec<u64> {
        self.written.take()
    }

    /// Releases handles that were not sent.
    pub(super) fn take_back(&self, given: &[u64]) {
        self.given.release(given);
    }

    /// Releases handles in a payload that the other end does not receive.
    pub(super) fn unsent(&self, payload: &Payload) {
        let mut ids = Vec::new();
        // A payload of this end is well-formed. Without memory for the list, the handles stay until the link ends.
        let _ = each_counted(&payload.head, payload.segments(), |id| {
            if ids.try_reserve(1).is_ok() {
                ids.push(id);
            }
        });
        self.given.release(&ids);
    }

    /// Reads arguments or a result that may contain handles. Those that are not used, also because the payload cannot be read, are released.
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

    /// Releases the handles of a payload that is not read.
    pub(super) fn skip(&self, head: &[u8], segments: &[Segment]) {
        if Reader::may_have_handles(head)
            && let Ok(arrived) = self.count(head, segments)
        {
            self.settle(&arrived);
        }
    }

    /// The value of this end with this id.
    pub(super) fn given(&self, id: u64) -> Option<Rc<Kept>> {
        self.given.get(id)
    }

    /// The id by which a function of this end is sent.
    pub(super) fn send(&self, function: &Rc<Kept>) -> u64 {
        self.given.send(function)
    }

    /// The local handle of a function of the other end.
    pub(super) fn remote(&self, id: u64, make: impl FnOnce() -> Remote) -> Rc<Remote> {
        self.received.handle(id, make)
    }

    /// Drops the local handle of a function of the other end.
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

    /// Forgets everything: the link is closed.
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
            // It is refused: what precedes the error is released.
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
        struct Restore(Option<Weak<dyn Endpoint>>);

        impl Drop for Restore {
            fn drop(&mut self) {
                CODING.set(self.0.take());
            }
        }

        let _restore = Restore(CODING.replace(self.endpoint.get().cloned()));
        action()
    }
}

/// The end whose payload is being written or read.
pub(super) fn coding_now() -> Option<Rc<dyn Endpoint>> {
    CODING.with_borrow(|endpoint| endpoint.as_ref()?.upgrade())
}

thread_local! {
    static CODING: RefCell<Option<Weak<dyn Endpoint>>> = const { RefCell::new(None) };
}

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

/// Handles have larger ids than references of the same end, which are counted from 1 in a table of their own: a released id names one of both.
const BEFORE_FIRST: u64 = 1 << 40;
