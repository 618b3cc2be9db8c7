//! Received calls and notifications that do not run yet.

use crate::{CallId, Event, Format, Payload, Session};
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// Three queues, each oldest first.
#[derive(Debug, Default)]
pub(super) struct Later {
    /// Received by a control poll; not yet dispatched. Releases of references keep their position.
    pub(super) unseen: VecDeque<Event>,
    /// Deferred until the worker serves, or held behind a call that lacks posted objects.
    pub(super) deferred: VecDeque<Event>,
    /// Early: their functions are not registered, but may be until the worker is ready.
    pub(super) early: VecDeque<Event>,
    /// Calls among those that are deferred whose posted objects had not arrived when they were dispatched.
    pub(super) lacking: Vec<CallId>,
    /// Whether a deferred call or notification was dispatched before its posted objects had arrived.
    pub(super) put_back: bool,
}

impl Later {
    /// Moves early calls and notifications to the front, when the worker becomes ready.
    pub(super) fn end_early(&mut self) {
        self.early.append(&mut self.unseen);
        core::mem::swap(&mut self.early, &mut self.unseen);
    }

    /// Removes a call that must not run any more.
    pub(super) fn take(&mut self, id: CallId) -> Option<(Format, Payload)> {
        take(&mut self.unseen, id).or_else(|| self.take_deferred(id))
    }

    /// Removes a call that waits for more than its dispatch.
    pub(super) fn take_deferred(&mut self, id: CallId) -> Option<(Format, Payload)> {
        self.complete(id);
        take(&mut self.deferred, id).or_else(|| take(&mut self.early, id))
    }

    /// The call is dispatched, or never will be. Returns whether it has lacked posted objects.
    #[inline]
    pub(super) fn complete(&mut self, id: CallId) -> bool {
        let index = self.lacking.iter().position(|other| *other == id);
        if let Some(index) = index {
            self.lacking.swap_remove(index);
        }
        index.is_some()
    }

    /// The oldest deferred call or notification.
    #[inline]
    pub(super) fn pop_deferred(&mut self) -> Option<Event> {
        let event = self.deferred.pop_front();
        if self.deferred.is_empty() {
            self.put_back = false;
        }
        event
    }

    /// Removes everything, and returns the buffers to the session.
    pub(super) fn clear(&mut self, session: &mut Session) {
        self.lacking.clear();
        self.put_back = false;
        for queue in [&mut self.unseen, &mut self.deferred, &mut self.early] {
            for event in queue.drain(..) {
                if let Event::Call { payload, .. } | Event::Notify { payload, .. } = event {
                    session.recycle(payload);
                }
            }
        }
    }
}

fn take(events: &mut VecDeque<Event>, id: CallId) -> Option<(Format, Payload)> {
    let index = events.iter().position(|event| matches!(event, Event::Call { id: other, .. } if *other == id))?;
    match events.remove(index) {
        Some(Event::Call { format, payload, .. }) => Some((format, payload)),
        _ => None,
    }
}
