//! Suspending the code of a worker instead of blocking its thread.

use crate::calls::host::Task;
use coincide_proto::engine::FiberId;
use std::task::Waker;
use std::time::Duration;

/// Suspends code. While code is suspended, the event loop runs and takes turns of the same endpoint.
pub(crate) trait Suspender {
    /// Why the running code can't be suspended. `None` if no reason is known.
    fn hindrance(&self) -> Option<&'static str>;

    /// Suspends the running code until it is woken or `timeout` expires.
    ///
    /// # Errors
    /// Why it could not be suspended, and what to do.
    fn suspend(&self, fiber: FiberId, timeout: Option<Duration>) -> Result<(), String>;

    /// Suspends the running code until the event loop has handled what has arrived.
    fn visit_event_loop(&self) -> Result<(), String>;

    /// Returns a waker that resumes the fiber.
    fn waker(&self, fiber: FiberId) -> Waker;

    /// Runs a task whose code can be suspended.
    fn spawn(&self, task: Task);
}
