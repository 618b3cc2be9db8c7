//! The deadlines of calls, earliest first.

use crate::Time;
use alloc::collections::BinaryHeap;
use core::cmp::Reverse;

/// A heap with lazy removal: a removed entry stays until it is the first, or until most entries are removed ones.
///
/// Invariant: the first entry, if there is one, has not been removed.
#[derive(Debug, Default)]
pub(crate) struct Deadlines {
    heap: BinaryHeap<Reverse<(Time, u32)>>,
    /// Number of entries that have not been removed.
    live: usize,
}

impl Deadlines {
    pub(crate) fn insert(&mut self, deadline: Time, id: u32) {
        self.heap.push(Reverse((deadline, id)));
        self.live += 1;
    }

    #[inline]
    pub(crate) fn first(&self) -> Option<(Time, u32)> {
        self.heap.peek().map(|Reverse(entry)| *entry)
    }

    /// Removes an entry, for which `is_live` already returns false.
    pub(crate) fn remove(&mut self, is_live: impl Fn(Time, u32) -> bool) {
        self.live -= 1;
        while let Some((deadline, id)) = self.first()
            && !is_live(deadline, id)
        {
            self.heap.pop();
        }
        if self.heap.len() > 2 * self.live + SLACK {
            self.heap.retain(|Reverse((deadline, id))| is_live(*deadline, *id));
        }
    }
}

/// Up to this many removed entries are not worth a sweep of the heap.
const SLACK: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;

    #[test]
    fn first_is_the_earliest_and_removed_entries_take_no_room() {
        let mut deadlines = Deadlines::default();
        let mut live = BTreeSet::new();
        let mut state = 1_u32;
        for id in 0..10_000 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let deadline = Time(u64::from(state >> 16));
            deadlines.insert(deadline, id);
            live.insert((deadline, id));
            if id >= 100 {
                let gone = *if state.is_multiple_of(2) { live.first() } else { live.last() }.unwrap();
                live.remove(&gone);
                deadlines.remove(|deadline, id| live.contains(&(deadline, id)));
            }
            assert_eq!(deadlines.first(), live.first().copied());
            assert!(deadlines.heap.len() <= 2 * live.len() + SLACK + 1);
        }
    }
}
