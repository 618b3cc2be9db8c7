//! How operations reach main, and main's calls the worker's functions.

use super::callback;
use super::remote::{Handle, Remote};
use super::table::{self, ROOT, Table};
use super::wire::{INVOKE, REFLECT, REFLECT_LATER};
use crate::Scope;
use crate::calls::error::{CallError, CallErrorKind};
use crate::calls::payload;
use crate::raw::RawError;
use crate::worker::{Reflection, WorkerEndpoint};
use coincide_codec::value::{self, RefKind};
use coincide_codec::{DecodeError, EncodeError};
use coincide_proto::{Format, Payload, Segment};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::any::Any;
use std::cell::RefCell;
use std::rc::{Rc, Weak};

impl Scope {
    /// Returns main's root object: `window`, unless main has chosen another one (see [`window`](crate::window)). Takes no trip.
    pub fn window(&self) -> Remote {
        let link = ObjectLink { scope: Rc::clone(&self.endpoint), table: table_of(self) };
        Remote::of(Rc::new(Handle { id: ROOT, kind: RefKind::Object, link }))
    }
}

impl Reflection for Table {
    fn as_any(self: Rc<Self>) -> Rc<dyn Any> {
        self
    }

    fn close(&self) {
        self.clear();
    }

    fn sizes(&self) -> (usize, usize) {
        Table::sizes(self)
    }
}

fn table_of(scope: &Scope) -> Rc<Table> {
    let known = scope.endpoint.reflection.borrow().clone();
    if let Some(table) = known.and_then(|known| known.as_any().downcast().ok()) {
        return table;
    }
    let table = Rc::new(Table::default());
    scope.endpoint.reflection.replace(Some(Rc::clone(&table) as Rc<dyn Reflection>));
    let (link, served) = (Rc::downgrade(&scope.endpoint), Rc::downgrade(&table));
    scope.export_raw(INVOKE, move |format, payload, result| {
        callback::serve(upgrade(&link, &served), format, payload, result)
    });
    let released = Rc::downgrade(&table);
    scope.on_released(move |ids| {
        if let Some(table) = released.upgrade() {
            table.functions.release(ids);
        }
    });
    table
}

fn upgrade(scope: &Weak<WorkerEndpoint>, table: &Weak<Table>) -> Option<ObjectLink> {
    Some(ObjectLink { scope: scope.upgrade()?, table: table.upgrade()? })
}

/// The worker's end of a link, with the references that live on it.
#[derive(Clone)]
pub(super) struct ObjectLink {
    pub(super) scope: Rc<WorkerEndpoint>,
    pub(super) table: Rc<Table>,
}

impl ObjectLink {
    /// Sends an operation to main and waits for the result. `name` returns its name in errors.
    pub(super) fn operate<R: DeserializeOwned>(
        &self,
        name: impl Fn() -> String,
        operation: &impl Serialize,
    ) -> Result<R, CallError> {
        self.give_back(&self.table.objects.take_many());
        let mut sent = Vec::new();
        let called = self.scope.call(REFLECT, None, None, |payload| {
            sent = self.encode_payload(operation, payload)?;
            Ok(Format::Value)
        });
        match called {
            Ok((Format::Value, mut payload)) => {
                let (head, segments) = payload::parts(&mut payload);
                let result = self.decode_payload(head, segments);
                self.scope.host.recycle(payload);
                result.map_err(|source| CallError::result(&name(), source))
            }
            Ok((_, payload)) => {
                self.scope.host.recycle(payload);
                let source = DecodeError::mismatch("main answered in a format that was not asked for");
                Err(CallError { function: name(), kind: CallErrorKind::Result(source) })
            }
            Err(error) => {
                if let RawError::Threw(payload) = &error {
                    // Errors are copies. References in one are not taken.
                    self.skip(payload);
                }
                let error = error.into_call_error(&name());
                if !was_sent(&error) {
                    self.table.functions.release(&sent);
                }
                Err(explained(error))
            }
        }
    }

    /// Sends an operation to main without waiting for an answer.
    pub(super) fn operate_later(&self, name: impl Fn() -> String, operation: &impl Serialize) -> Result<(), CallError> {
        self.give_back(&self.table.objects.take_many());
        let mut sent = Vec::new();
        let notified = self.scope.notify(REFLECT_LATER, |payload| {
            sent = self.encode_payload(operation, payload)?;
            Ok(Format::Value)
        });
        notified.map_err(|error| {
            self.table.functions.release(&sent);
            error.named(&name())
        })
    }

    /// Appends a value that may contain remote objects and functions. Returns the ids of its functions.
    pub(super) fn encode(&self, value: &impl Serialize, buffer: &mut Vec<u8>) -> Result<Vec<u64>, EncodeError> {
        self.encode_by(|| value::to_buf(value, buffer))
    }

    fn encode_payload(&self, value: &impl Serialize, payload: &mut Payload) -> Result<Vec<u64>, EncodeError> {
        let Payload { head, segments, .. } = payload;
        self.encode_by(|| value::to_payload(value, head, segments))
    }

    fn encode_by(&self, encode: impl FnOnce() -> Result<(), EncodeError>) -> Result<Vec<u64>, EncodeError> {
        let outer = self.table.functions.begin();
        let encoded = self.coding(encode);
        let sent = self.table.functions.end(outer);
        match encoded {
            Ok(()) => Ok(sent),
            Err(error) => {
                self.table.functions.release(&sent);
                Err(error)
            }
        }
    }

    /// Reads a value that may contain references. Unused ones are released.
    pub(super) fn decode<T: DeserializeOwned>(&self, payload: &[u8]) -> Result<T, DecodeError> {
        self.decode_payload(payload, &mut [])
    }

    /// Releases the references in a value that is not read.
    pub(super) fn skip(&self, payload: &[u8]) {
        if let Ok(ids) = self.table.receive(payload, &[]) {
            self.table.objects.settle(&ids);
        }
        self.give_back_later();
    }

    fn decode_payload<T: DeserializeOwned>(&self, head: &[u8], segments: &mut [Segment]) -> Result<T, DecodeError> {
        let ids = self.table.receive(head, segments)?;
        let value = self.coding(|| value::from_payload(head, segments));
        self.table.objects.settle(&ids);
        self.give_back_later();
        value
    }

    /// Checks whether main can be called.
    ///
    /// # Errors
    /// The link is closed, or this worker can't block.
    pub(super) fn check(&self, name: impl Fn() -> String) -> Result<(), CallError> {
        let engine = self.scope.host.engine.borrow();
        match engine.session().closed() {
            Some(closed) => Err(CallError { function: name(), kind: CallErrorKind::Closed(closed.clone()) }),
            None => {
                drop(engine);
                self.scope.why_no_wait().map_or(Ok(()), |kind| Err(CallError { function: name(), kind }))
            }
        }
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.table, &other.table)
    }

    /// Forgets an object whose last handle was dropped, and releases it.
    pub(super) fn forget(&self, id: u64) {
        self.table.objects.forget(id);
        self.give_back_later();
    }

    /// Schedules a release of references for when the worker is idle.
    fn give_back_later(&self) {
        if !self.table.objects.begins_to_wait() {
            return;
        }
        let link = (Rc::downgrade(&self.scope), Rc::downgrade(&self.table));
        self.scope.when_idle(async move {
            if let Some(link) = upgrade(&link.0, &link.1) {
                link.give_back(&link.table.objects.take_awaited());
                link.scope.host.engine.borrow_mut().flush();
            }
        });
    }

    /// Releases references. The release is sent with the next frames.
    fn give_back(&self, ids: &[u64]) {
        for ids in ids.chunks(MOST) {
            // A closed link has released all of them.
            let _ = self.scope.host.release(ids);
        }
    }

    /// Lets values of this link be written and read while `action` runs.
    fn coding<T>(&self, action: impl FnOnce() -> T) -> T {
        struct Restore(Option<ObjectLink>);

        impl Drop for Restore {
            fn drop(&mut self) {
                CODING.set(self.0.take());
            }
        }

        let _restore = Restore(CODING.replace(Some(self.clone())));
        action()
    }

    /// The link whose payload is being written or read.
    pub(super) fn coding_now() -> Option<Self> {
        CODING.with_borrow(Clone::clone)
    }
}

/// State of the encodings in progress of suspended code. Dropping it restores that state.
pub(crate) struct Aside {
    coding: Option<ObjectLink>,
    table: Option<(Rc<Table>, table::Aside)>,
}

impl Aside {
    pub(crate) fn of(scope: &WorkerEndpoint) -> Self {
        let known = scope.reflection.borrow().clone();
        let table: Option<Rc<Table>> = known.and_then(|known| known.as_any().downcast().ok());
        let table = table.map(|table| {
            let aside = table.set_aside();
            (table, aside)
        });
        Self { coding: CODING.take(), table }
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        CODING.set(self.coding.take());
        if let Some((table, aside)) = self.table.take() {
            table.restore(aside);
        }
    }
}

thread_local! {
    static CODING: RefCell<Option<ObjectLink>> = const { RefCell::new(None) };
}

/// Whether main may have received the references of an operation that ended with this error.
pub(super) fn was_sent(error: &CallError) -> bool {
    !matches!(
        error.kind,
        CallErrorKind::NotSent(_)
            | CallErrorKind::CannotBlock
            | CallErrorKind::CannotSuspend(_)
            | CallErrorKind::Arguments(_)
            | CallErrorKind::Closed(_)
    )
}

/// Adds advice to the error of a main that does not share objects.
fn explained(mut error: CallError) -> CallError {
    if let CallErrorKind::UnknownFunction(message) = &mut error.kind {
        *message = "main shares no objects with this worker: it has to call `share_window`, or in JavaScript to \
                    import `coincide/window/main`"
            .into();
    }
    error
}

/// Number of references that fit one message under any practical limits.
const MOST: usize = 4096;
