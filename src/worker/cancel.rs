//! Cancellation of blocked calls from other threads.

use super::ring::Ring;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Cancels the calls that were made with it, from any thread. Cancelling is permanent.
///
/// ```
/// # use coincide::{CallError, CallErrorKind, CancelToken, Main};
/// # let main = Main::new()?;
/// let token = CancelToken::new();
/// let inner = token.clone();
/// let worker = main.spawn(move |scope| {
///     let result = scope.sync().with_cancel(&inner).call::<()>("never", ());
///     assert!(matches!(result, Err(CallError { kind: CallErrorKind::Cancelled, .. })));
///     Ok(())
/// })?;
/// worker.register_async("never", || std::future::pending::<()>());
/// std::thread::spawn(move || token.cancel());
/// main.block_on(worker.ready())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct CancelToken {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    cancelled: AtomicBool,
    /// Doorbells of the workers that are blocked in a call with this token.
    waiting: Mutex<Vec<(u64, Ring)>>,
}

impl CancelToken {
    /// Creates a token that is not cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends pending and future calls with this token, with [`CallErrorKind::Cancelled`](crate::CallErrorKind::Cancelled). Idempotent.
    pub fn cancel(&self) {
        // Release pairs with the acquire in `is_cancelled`: what happened before the cancellation is seen by the cancelled.
        self.shared.cancelled.store(true, Ordering::Release);
        for (_, ring) in self.waiting().iter() {
            ring();
        }
    }

    /// Whether [`cancel`](Self::cancel) has been called.
    pub fn is_cancelled(&self) -> bool {
        self.shared.cancelled.load(Ordering::Acquire)
    }

    /// Calls `ring` on cancellation until the result is dropped. If the token is not cancelled after the registration, `ring` will be
    /// called, because `cancel` sets the flag before it reads the list.
    pub(crate) fn ring_on_cancel(&self, ring: Ring) -> Registration<'_> {
        let mut waiting = self.waiting();
        let key = waiting.last().map_or(0, |(key, _)| key + 1);
        waiting.push((key, ring));
        Registration { token: self, key }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<(u64, Ring)>> {
        self.shared.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CancelToken").field("cancelled", &self.is_cancelled()).finish_non_exhaustive()
    }
}

pub(crate) struct Registration<'a> {
    token: &'a CancelToken,
    key: u64,
}

impl Drop for Registration<'_> {
    fn drop(&mut self) {
        self.token.waiting().retain(|(key, _)| *key != self.key);
    }
}
