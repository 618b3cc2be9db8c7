//! Queues of calls that have not been sent.

use crate::calls::clock;
use coincide_proto::Time;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::time::Duration;

/// Calls that wait to be sent, oldest first.
pub(super) struct Queue<T> {
    items: RefCell<VecDeque<T>>,
    /// A lower bound of the deadlines of the items.
    first_deadline: Cell<Option<Time>>,
}

/// An item of a queue that may have a deadline.
pub(super) trait Due {
    fn deadline(&self) -> Option<Time>;
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self { items: RefCell::default(), first_deadline: Cell::default() }
    }
}

impl<T: Due> Queue<T> {
    /// Appends an item. Returns whether it has a deadline.
    pub(super) fn push(&self, item: T) -> bool {
        let deadline = item.deadline();
        self.items.borrow_mut().push_back(item);
        self.bound(deadline);
        deadline.is_some()
    }

    /// Removes the oldest item.
    pub(super) fn pop(&self) -> Option<T> {
        let item = self.items.borrow_mut().pop_front();
        self.unbound_if_empty();
        item
    }

    /// Removes all items.
    pub(super) fn take(&self) -> VecDeque<T> {
        self.first_deadline.set(None);
        self.items.take()
    }

    /// Removes the items for which `keep` returns `false`.
    pub(super) fn retain(&self, keep: impl FnMut(&T) -> bool) {
        self.items.borrow_mut().retain(keep);
        self.unbound_if_empty();
    }

    /// Number of items.
    pub(super) fn len(&self) -> usize {
        self.items.borrow().len()
    }

    /// Time until [`take_expired`](Self::take_expired) may return an item. Reads the clock only if there are deadlines.
    pub(super) fn until_deadline(&self) -> Option<Duration> {
        self.first_deadline.get().map(|deadline| deadline.since(clock::now()))
    }

    /// Removes the items whose deadline has passed, oldest first.
    pub(super) fn take_expired(&self) -> VecDeque<T> {
        if self.until_deadline().is_none_or(|left| !left.is_zero()) {
            return VecDeque::new();
        }
        let now = clock::now();
        let is_expired = |item: &T| item.deadline().is_some_and(|deadline| deadline <= now);
        let (expired, left): (_, VecDeque<_>) = self.take().into_iter().partition(is_expired);
        left.iter().for_each(|item| self.bound(item.deadline()));
        self.items.replace(left);
        expired
    }

    /// An empty queue has no deadline.
    fn unbound_if_empty(&self) {
        if self.len() == 0 {
            self.first_deadline.set(None);
        }
    }

    fn bound(&self, deadline: Option<Time>) {
        let first = self.first_deadline.get();
        self.first_deadline.set(first.into_iter().chain(deadline).min());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Due for (u32, Option<Time>) {
        fn deadline(&self) -> Option<Time> {
            self.1
        }
    }

    fn numbers(items: VecDeque<(u32, Option<Time>)>) -> Vec<u32> {
        items.into_iter().map(|(number, _)| number).collect()
    }

    #[test]
    fn expired_items_are_removed_in_order_and_others_keep_their_deadlines() {
        let queue = Queue::default();
        let (past, future) = (clock::now(), clock::now().after(Duration::from_secs(3600)));
        assert_eq!(queue.until_deadline(), None);
        assert!(!queue.push((0, None)));
        assert!(numbers(queue.take_expired()).is_empty());
        for (number, deadline) in [(1, past), (2, future), (3, past)] {
            assert!(queue.push((number, Some(deadline))));
        }
        assert_eq!(queue.until_deadline(), Some(Duration::ZERO));
        assert_eq!(numbers(queue.take_expired()), [1, 3]);
        assert!(queue.until_deadline().is_some_and(|left| !left.is_zero()), "the next one is later");
        assert!(numbers(queue.take_expired()).is_empty());
        queue.retain(|(number, _)| *number != 0);
        assert_eq!(queue.len(), 1);
        assert_eq!(queue.pop().map(|(number, _)| number), Some(2));
        assert!(queue.pop().is_none());
    }

    #[test]
    fn emptied_queue_has_no_deadline() {
        let future = clock::now().after(Duration::from_secs(3600));
        for way in ["pop", "take", "retain"] {
            let queue = Queue::default();
            queue.push((1, Some(future)));
            match way {
                "pop" => _ = queue.pop(),
                "take" => _ = queue.take(),
                _ => queue.retain(|_| false),
            }
            assert_eq!(queue.until_deadline(), None, "{way}");
        }
    }
}
