//! Suspending the code of a worker instead of blocking its thread.

use crate::calls::host::Task;
use coincide_proto::engine::StrandId;
use std::task::Waker;
use std::time::Duration;

/// What can suspend code. While code is suspended, the event loop runs and takes turns of the same endpoint.
pub(crate) trait Suspender {
    /// Why the code that runs can't be suspended; `None` if it can, as far as is known.
    fn hindrance(&self) -> Option<&'static str>;

    /// Suspends the code that runs until it is woken, or `timeout` is over.
    ///
    /// # Errors
    /// Why it could not be suspended, and what to do.
    fn suspend(&self, strand: StrandId, timeout: Option<Duration>) -> Result<(), String>;

    /// Suspends the code that runs until the event loop has handled what has arrived.
    fn visit_event_loop(&self) -> Result<(), String>;

    /// Wakes suspended code.
    fn waker(&self, strand: StrandId) -> Waker;

    /// Runs a task whose code can be suspended.
    fn spawn(&self, task: Task);
}
