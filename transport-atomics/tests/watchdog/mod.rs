//! A limit for tests that would wait for ever if they failed.

use std::panic::resume_unwind;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Runs `test`, which fails if it takes longer than `limit`.
pub(crate) fn within<T: Send + 'static>(limit: Duration, test: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, outcome) = mpsc::channel();
    let thread = thread::spawn(move || {
        let value = test();
        let _ = done.send(());
        value
    });
    // A test that panics drops the sender.
    if outcome.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout) {
        panic!("not over after {limit:?}");
    }
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}
