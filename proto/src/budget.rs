//! A limit on the memory of bodies in flight, shared by sessions.

use alloc::sync::Arc;
use core::fmt;
use core::sync::atomic::{AtomicUsize, Ordering};

/// A limit in bytes on the bodies in flight of several sessions. Clones share the limit.
///
/// Two kinds of bodies are charged: those that arrive in parts, as far as they have arrived, and those that wait to be sent. The first
/// 64 KiB of each session are free. Small calls of one link therefore work while large ones of another use up the budget. A body that does
/// not fit ends its call with [`ErrorCode::OUT_OF_MEMORY`](crate::ErrorCode::OUT_OF_MEMORY) or
/// [`SendError::OutOfMemory`](crate::SendError::OutOfMemory); the link stays open.
///
/// ```
/// use coincide_proto::{Budget, Config, Role, Session};
///
/// let budget = Budget::new(256 << 20);
/// let sessions = [0, 1].map(|_| Session::new(Role::Main, Config::default()).with_budget(&budget));
/// assert_eq!(budget.used(), 0);
/// # drop(sessions);
/// ```
#[derive(Clone, Debug)]
pub struct Budget {
    shared: Arc<Shared>,
}

/// Both words are counters and publish no other memory, so relaxed accesses suffice.
#[derive(Debug)]
struct Shared {
    /// Written by [`Budget::set_limit`].
    limit: AtomicUsize,
    /// Bytes granted to sessions, written by all of them. May exceed `limit` after that was lowered.
    used: AtomicUsize,
}

impl Budget {
    /// Creates a budget of `limit` bytes. `usize::MAX` means no limit.
    pub fn new(limit: usize) -> Self {
        Self { shared: Arc::new(Shared { limit: AtomicUsize::new(limit), used: AtomicUsize::new(0) }) }
    }

    /// Maximum number of bytes in use. `usize::MAX` means no limit.
    pub fn limit(&self) -> usize {
        self.shared.limit.load(Ordering::Relaxed)
    }

    /// Changes the limit. Bodies in flight are kept, even if they exceed the new limit.
    pub fn set_limit(&self, limit: usize) {
        self.shared.limit.store(limit, Ordering::Relaxed);
    }

    /// Number of bytes in use. Each session may count up to 64 KiB more than it needs.
    pub fn used(&self) -> usize {
        self.shared.used.load(Ordering::Relaxed)
    }

    fn left(&self) -> usize {
        self.limit().saturating_sub(self.used())
    }

    /// Takes `bytes` from the budget. Returns false, and takes nothing, if less is left.
    fn take(&self, bytes: usize) -> bool {
        let limit = self.limit();
        let taken = |used: usize| used.checked_add(bytes).filter(|used| *used <= limit);
        self.shared.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken).is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.shared.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl fmt::Display for Budget {
    /// The bytes in use, and the limit.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} bytes are in use", self.used(), self.limit())
    }
}

/// The bytes of the bodies in flight of one session. Takes from the budget in steps, so that small calls access no shared word.
#[derive(Debug)]
pub(crate) struct Account {
    budget: Option<Budget>,
    /// Bytes of the bodies in flight. Invariant: `held <= granted`.
    held: usize,
    /// The free bytes, and those that the budget has granted in addition. Invariant: `granted >= FREE`.
    granted: usize,
}

impl Account {
    pub(crate) fn new() -> Self {
        Self { budget: None, held: 0, granted: FREE }
    }

    /// # Panics
    /// If bytes are held already.
    pub(crate) fn set_budget(&mut self, budget: &Budget) {
        assert!(self.held == 0 && self.granted == FREE, "a session gets its budget before its first call");
        self.budget = Some(budget.clone());
    }

    pub(crate) fn budget(&self) -> Option<&Budget> {
        self.budget.as_ref()
    }

    /// Whether [`charge`](Self::charge) would accept `bytes` now.
    pub(crate) fn fits(&self, bytes: u64) -> bool {
        let left = self.budget.as_ref().map_or(usize::MAX, Budget::left);
        bytes <= (self.granted - self.held).saturating_add(left) as u64
    }

    /// Charges `bytes`. Returns false, and charges nothing, if the budget would be exceeded.
    #[inline]
    pub(crate) fn charge(&mut self, bytes: usize) -> bool {
        let Some(held) = self.held.checked_add(bytes) else {
            return false;
        };
        if held > self.granted && !self.extend(held) {
            return false;
        }
        self.held = held;
        true
    }

    #[inline]
    pub(crate) fn release(&mut self, bytes: usize) {
        self.held -= bytes;
        if self.granted > FREE && self.granted - self.held > STEP {
            self.shrink();
        }
    }

    #[cold]
    fn extend(&mut self, held: usize) -> bool {
        let Some(budget) = &self.budget else {
            self.granted = held;
            return true;
        };
        let granted = [held.saturating_add(STEP - 1) / STEP * STEP, held];
        let granted = granted.into_iter().find(|granted| *granted >= held && budget.take(granted - self.granted));
        self.granted = granted.unwrap_or(self.granted);
        granted.is_some()
    }

    #[cold]
    fn shrink(&mut self) {
        let granted = self.held.max(FREE);
        if let Some(budget) = &self.budget {
            budget.give_back(self.granted - granted);
        }
        self.granted = granted;
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.held = 0;
        self.shrink();
    }
}

/// Bytes of each session that are not charged.
const FREE: usize = 64 << 10;

/// Bytes that an account takes at a time, and that it may keep beyond its need.
const STEP: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_bodies_do_not_touch_the_budget() {
        let budget = Budget::new(0);
        let mut account = Account::new();
        account.set_budget(&budget);
        assert!(account.charge(FREE) && !account.charge(1) && account.fits(0) && !account.fits(1));
        account.release(FREE);
        assert!(account.charge(1));
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn accounts_share_the_limit_of_their_budget() {
        let budget = Budget::new(10 * STEP);
        let [mut first, mut second] = [0, 1].map(|_| Account::new());
        first.set_budget(&budget);
        second.set_budget(&budget);
        assert!(first.charge(FREE + 7 * STEP) && !second.charge(FREE + 3 * STEP + 1));
        assert!(second.charge(FREE + 2 * STEP + 1));
        assert!(!second.charge(STEP), "{budget}");
        first.release(7 * STEP);
        assert!(second.charge(STEP));
        drop((first, second));
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn released_bytes_return_to_the_budget() {
        let budget = Budget::new(usize::MAX);
        let mut account = Account::new();
        account.set_budget(&budget);
        for bytes in [1, FREE, FREE + 1, 2 * STEP - 1, 2 * STEP, 100 * STEP + 17] {
            assert!(account.charge(bytes));
            account.release(bytes);
            assert_eq!(budget.used(), 0, "{bytes}");
        }
    }
}
