//! Jobs of other threads for main.
//!
//! Threads put jobs into main's mailbox. Main performs them in its turns. Bounds and fairness:
//!
//! - Jobs are performed in order of arrival, at most [`BATCH`] of them before the links are served.
//! - At most [`WINDOW`] calls of one worker are in flight. Others stay in order in a queue of their worker, so that a slow worker delays no other
//!   one. A queued call uses memory of the thread that made it.
//! - At most [`ROOM`] notifications and registrations of one worker are queued; more are refused with
//!   [`Busy`](crate::CallErrorKind::Busy). Notifications stay queued while the link has no room.

use super::flag::Flag;
use crate::calls::error::{CallError, CallErrorKind};
use crate::calls::host::Host;
use crate::calls::slot::Slot;
use coincide_proto::{CallId, CloseReason, Closed, ClosedBy, Format, Payload};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// The jobs of all threads for one main.
pub(crate) struct Mailbox {
    jobs: Mutex<Jobs>,
    /// Set while there may be jobs.
    flag: Flag,
}

struct Jobs {
    queue: VecDeque<(Arc<Address>, Job)>,
    /// Main was dropped.
    closed: bool,
}

/// A job for main.
pub(crate) enum Job {
    Call(Arc<Slot>),
    Cancel(CallId, Arc<Slot>),
    Notify(Notification),
    /// Registers or removes a function.
    Change(Box<dyn FnOnce(&Host) + Send>),
}

/// A call without an answer.
pub(crate) struct Notification {
    pub(crate) function: String,
    pub(crate) format: Format,
    pub(crate) payload: Payload,
}

/// The endpoint that jobs are for, as other threads see it.
pub(crate) struct Address {
    /// `None`: main was already dropped.
    mailbox: Option<Arc<Mailbox>>,
    /// Why the link is closed.
    closed: OnceLock<Closed>,
    /// Notifications and changes that are queued.
    queued: AtomicUsize,
}

impl Mailbox {
    pub(crate) fn new(flag: Flag) -> Self {
        Self { jobs: Mutex::new(Jobs { queue: VecDeque::new(), closed: false }), flag }
    }

    /// Set while there may be jobs.
    pub(crate) fn flag(&self) -> &Flag {
        &self.flag
    }

    pub(crate) fn take(&self) -> Option<(Arc<Address>, Job)> {
        self.jobs().queue.pop_front()
    }

    /// Refuses all jobs from now on, because main was dropped.
    pub(crate) fn close(&self) {
        let jobs = {
            let mut jobs = self.jobs();
            jobs.closed = true;
            std::mem::take(&mut jobs.queue)
        };
        for (address, job) in jobs {
            address.refuse(job);
        }
    }

    fn jobs(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Address {
    pub(crate) fn new(mailbox: Option<Arc<Mailbox>>) -> Self {
        Self { mailbox, closed: OnceLock::new(), queued: AtomicUsize::new(0) }
    }

    /// Whether this thread is main's.
    pub(crate) fn is_here(&self) -> bool {
        self.mailbox.as_ref().is_some_and(|mailbox| mailbox.flag.is_here())
    }

    /// Queues a job without a limit, or refuses it.
    pub(crate) fn send(self: &Arc<Self>, job: Job) {
        let Some(mailbox) = &self.mailbox else {
            return self.refuse(job);
        };
        let mut jobs = mailbox.jobs();
        if jobs.closed {
            drop(jobs);
            return self.refuse(job);
        }
        jobs.queue.push_back((Arc::clone(self), job));
        drop(jobs);
        mailbox.flag.raise();
    }

    /// Queues a notification or a change if there is room for it.
    pub(crate) fn send_limited(self: &Arc<Self>, function: &str, job: Job) -> Result<(), CallError> {
        if let Some(closed) = self.closed.get() {
            return Err(CallError::new(function, CallErrorKind::Closed(closed.clone())));
        }
        // Relaxed: it is a count, and orders nothing.
        let taken = self
            .queued
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |queued| (queued < ROOM).then_some(queued + 1));
        if taken.is_err() {
            return Err(CallError::new(function, CallErrorKind::Busy(ROOM)));
        }
        self.send(job);
        Ok(())
    }

    /// Counts a notification or a change as no longer queued.
    pub(crate) fn performed(&self) {
        self.queued.fetch_sub(1, Ordering::Relaxed);
    }

    /// Ends a job that cannot be performed.
    pub(crate) fn refuse(&self, job: Job) {
        match job {
            Job::Call(slot) => slot.refuse(&self.why_closed()),
            Job::Cancel(..) => {}
            Job::Notify(_) | Job::Change(_) => self.performed(),
        }
    }

    /// The link is closed.
    pub(crate) fn close(&self, closed: &Closed) {
        // The first reason is kept.
        let _ = self.closed.set(closed.clone());
    }

    fn why_closed(&self) -> Closed {
        let gone = || Closed { by: ClosedBy::Here, reason: CloseReason::TERMINATED, text: String::new() };
        self.closed.get().cloned().unwrap_or_else(gone)
    }
}

/// Maximum number of jobs that main performs before it serves its links.
pub(crate) const BATCH: usize = 64;

/// Maximum number of calls of one worker in flight for other threads.
pub(crate) const WINDOW: usize = 256;

/// Maximum number of queued notifications and registrations of one worker.
const ROOM: usize = 1024;
