//! Tables of calls: those made here, and those made by the peer.

use crate::deadlines::Deadlines;
use crate::{CallId, Role, Time};
use alloc::{collections::BinaryHeap, string::String, vec::Vec};
use hashbrown::HashMap;

/// Calls made here that the peer has not answered yet.
///
/// An id holds the slot of its call (bits 1 to 16), the role of the caller (bit 0) and a generation (the upper bits).
/// A slot is free again only when the answer has arrived, even if the call has ended before. An id is therefore never in use twice, and a late answer
/// cannot reach another call.
#[derive(Debug)]
pub(crate) struct Outgoing {
    role: Role,
    /// Slot 0 is never used, so that no id is 0.
    slots: Vec<Slot>,
    free: Vec<u16>,
    /// Slots that are not free.
    unanswered: usize,
    deadlines: Deadlines,
}

#[derive(Debug, Default)]
struct Slot {
    generation: u16,
    call: OutgoingCall,
}

/// A call made here.
#[derive(Debug, Default)]
pub(crate) struct OutgoingCall {
    pub(crate) stage: Stage,
    pub(crate) name: String,
    /// The peer's call whose handler made this one, or 0.
    pub(crate) parent: u32,
    /// Whether its last frame has been sent.
    pub(crate) sent: bool,
    /// Whether the first frame of the answer has arrived and further ones are expected.
    pub(crate) answering: bool,
    deadline: Option<Time>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stage {
    #[default]
    Free,
    /// The call has not ended here.
    Pending,
    /// The call has ended here; its answer is dropped.
    Abandoned,
}

impl Outgoing {
    pub(crate) fn new(role: Role) -> Self {
        Self { role, slots: Vec::new(), free: Vec::new(), unanswered: 0, deadlines: Deadlines::default() }
    }

    #[inline]
    pub(crate) fn unanswered(&self) -> usize {
        self.unanswered
    }

    /// Takes a slot. `None`: all 65,535 are taken.
    #[inline]
    pub(crate) fn insert(&mut self, name: &str, parent: u32, deadline: Option<Time>) -> Option<u32> {
        let index = match self.free.pop() {
            Some(index) => index,
            None => {
                if self.slots.is_empty() {
                    self.slots.push(Slot::default());
                }
                let index = u16::try_from(self.slots.len()).ok()?;
                self.slots.push(Slot::default());
                index
            }
        };
        let slot = &mut self.slots[usize::from(index)];
        let id = u32::from(slot.generation) << 17 | u32::from(index) << 1 | self.role.parity();
        slot.call.stage = Stage::Pending;
        slot.call.name.clear();
        slot.call.name.push_str(name);
        slot.call.parent = parent;
        slot.call.sent = false;
        slot.call.answering = false;
        slot.call.deadline = deadline;
        if let Some(deadline) = deadline {
            self.deadlines.insert(deadline, id);
        }
        self.unanswered += 1;
        Some(id)
    }

    #[inline]
    pub(crate) fn get(&self, id: u32) -> Option<&OutgoingCall> {
        let index = self.index(id)?;
        Some(&self.slots[index].call)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, id: u32) -> Option<&mut OutgoingCall> {
        let index = self.index(id)?;
        Some(&mut self.slots[index].call)
    }

    /// The answer has arrived, or the call was never sent: the id may be used again.
    #[inline]
    pub(crate) fn remove(&mut self, id: u32) {
        if let Some(index) = self.index(id) {
            self.forget_deadline(id);
            let slot = &mut self.slots[index];
            slot.call.stage = Stage::Free;
            slot.generation = (slot.generation + 1) & 0x7fff;
            self.unanswered -= 1;
            self.free.push(index as u16);
        }
    }

    /// The call has ended here, while its answer is still to come.
    pub(crate) fn abandon(&mut self, id: u32) {
        self.forget_deadline(id);
        if let Some(call) = self.get_mut(id) {
            call.stage = Stage::Abandoned;
        }
    }

    #[inline]
    pub(crate) fn next_deadline(&self) -> Option<Time> {
        self.deadlines.first().map(|(time, _)| time)
    }

    /// A call whose deadline is `now` or earlier.
    pub(crate) fn overdue(&self, now: Time) -> Option<u32> {
        self.deadlines.first().filter(|(time, _)| *time <= now).map(|(_, id)| id)
    }

    /// Empties the table and returns the ids of the calls that have not ended here, in order.
    pub(crate) fn drain_pending(&mut self) -> Vec<u32> {
        let mut pending = Vec::new();
        for index in 1..self.slots.len() {
            let slot = &self.slots[index];
            let id = u32::from(slot.generation) << 17 | (index as u32) << 1 | self.role.parity();
            let stage = slot.call.stage;
            if stage == Stage::Pending {
                pending.push(id);
            }
            if stage != Stage::Free {
                self.remove(id);
            }
        }
        // A heap: the code of `sort_unstable` is ten times as large, and pages would load it for this alone.
        BinaryHeap::from(pending).into_sorted_vec()
    }

    #[inline]
    fn forget_deadline(&mut self, id: u32) {
        if self.get_mut(id).and_then(|call| call.deadline.take()).is_some() {
            let (role, slots) = (self.role, &self.slots);
            self.deadlines.remove(|deadline, id| {
                find(role, slots, id).is_some_and(|index| slots[index].call.deadline == Some(deadline))
            });
        }
    }

    #[inline]
    fn index(&self, id: u32) -> Option<usize> {
        find(self.role, &self.slots, id)
    }
}

#[inline]
fn find(role: Role, slots: &[Slot], id: u32) -> Option<usize> {
    let index = usize::from((id >> 1) as u16);
    let slot = slots.get(index)?;
    let ours = id & 1 == role.parity() && id >> 17 == u32::from(slot.generation);
    (ours && slot.call.stage != Stage::Free).then_some(index)
}

/// Calls of the peer that have not been answered yet, under the ids that the peer gave them.
///
/// Most links have one such call at a time. The latest one therefore stays outside of the table, whose access costs more than the
/// rest of a small call.
#[derive(Debug, Default)]
pub(crate) struct Incoming {
    /// Id of the call in `latest`, or 0 if the contents of `latest` are stale.
    latest_id: u32,
    latest: IncomingCall,
    /// All calls but the latest.
    others: HashMap<u32, IncomingCall>,
    names: Vec<String>,
    /// Times at which deferred calls count as deadlocks.
    deferred: Deadlines,
}

/// A call of the peer.
#[derive(Debug, Default)]
pub(crate) struct IncomingCall {
    pub(crate) name: String,
    /// The call made here whose handler made this one, or 0.
    pub(crate) parent: u32,
    /// Depth of nesting, at least 1.
    pub(crate) depth: u16,
    /// Whether the peer blocks until the answer.
    pub(crate) blocks: bool,
    /// Whether the peer has cancelled it.
    pub(crate) cancelled: bool,
    /// Whether its function has been stopped.
    pub(crate) stopped: bool,
    /// When it counts as a deadlock, if it is deferred.
    pub(crate) deferred_until: Option<Time>,
    /// The number of the run of its function; 0 before that. For an [engine](crate::engine).
    pub(crate) run: u32,
    /// Whether its function has returned and its result follows. For an [engine](crate::engine).
    pub(crate) started: bool,
}

impl Incoming {
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.others.len() + usize::from(self.latest_id != 0)
    }

    /// Adds a call, whose id is not 0, and returns a spare buffer in exchange for its name. `None`: the id is in use.
    pub(crate) fn insert(&mut self, id: u32, name: String, parent: u32, depth: u16, blocks: bool) -> Option<String> {
        if id == self.latest_id || !self.others.is_empty() && self.others.contains_key(&id) {
            return None;
        }
        if self.latest_id != 0 {
            let name = self.names.pop().unwrap_or_default();
            let before = core::mem::replace(&mut self.latest, IncomingCall { name, ..IncomingCall::default() });
            self.others.insert(self.latest_id, before);
        }
        self.latest_id = id;
        let call = &mut self.latest;
        call.parent = parent;
        call.depth = depth;
        call.blocks = blocks;
        call.cancelled = false;
        call.stopped = false;
        call.deferred_until = None;
        call.run = 0;
        call.started = false;
        Some(core::mem::replace(&mut call.name, name))
    }

    #[inline]
    pub(crate) fn get(&self, id: CallId) -> Option<&IncomingCall> {
        if id.0 == self.latest_id && id.0 != 0 { Some(&self.latest) } else { self.others.get(&id.0) }
    }

    pub(crate) fn get_mut(&mut self, id: CallId) -> Option<&mut IncomingCall> {
        if id.0 == self.latest_id && id.0 != 0 { Some(&mut self.latest) } else { self.others.get_mut(&id.0) }
    }

    pub(crate) fn remove(&mut self, id: CallId) -> bool {
        self.end_deferral(id);
        if id.0 == self.latest_id && id.0 != 0 {
            self.latest_id = 0;
            return true;
        }
        let Some(call) = self.others.remove(&id.0) else {
            return false;
        };
        if self.names.len() < SPARE_NAMES {
            self.names.push(call.name);
        }
        true
    }

    pub(crate) fn clear(&mut self) {
        self.latest_id = 0;
        self.others.clear();
        self.deferred = Deadlines::default();
    }

    /// Marks a call as deferred until this time. Nothing happens if it is already.
    pub(crate) fn defer(&mut self, id: CallId, until: Time) {
        if let Some(call) = self.get_mut(id).filter(|call| call.deferred_until.is_none()) {
            call.deferred_until = Some(until);
            self.deferred.insert(until, id.0);
        }
    }

    #[inline]
    pub(crate) fn next_deferred(&self) -> Option<(Time, CallId)> {
        self.deferred.first().map(|(time, id)| (time, CallId(id)))
    }

    #[inline]
    pub(crate) fn end_deferral(&mut self, id: CallId) {
        if self.deferred.first().is_some() && self.get_mut(id).and_then(|call| call.deferred_until.take()).is_some() {
            let (latest_id, latest, others) = (self.latest_id, &self.latest, &self.others);
            self.deferred.remove(|until, id| {
                let call = if id == latest_id { Some(latest) } else { others.get(&id) };
                call.is_some_and(|call| call.deferred_until == Some(until))
            });
        }
    }
}

const SPARE_NAMES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_not_given_out_again_before_its_answer() {
        let mut calls = Outgoing::new(Role::Worker);
        let first = calls.insert("a", 0, None).unwrap();
        calls.abandon(first);
        let second = calls.insert("b", 0, None).unwrap();
        assert_ne!(first, second);
        calls.remove(first);
        let third = calls.insert("c", 0, None).unwrap();
        assert_ne!(first, third, "the slot is the same, the generation is not");
        assert!(calls.get(first).is_none());
        assert_eq!([first & 1, second & 1, third & 1], [1, 1, 1]);
    }

    #[test]
    fn calls_of_the_peer_are_found_in_any_order() {
        for (first, second) in [(2, 4), (4, 2)] {
            let mut calls = Incoming::default();
            assert!(
                calls.insert(2, "a".into(), 0, 1, false).is_some()
                    && calls.insert(4, "b".into(), 3, 2, false).is_some()
            );
            assert!(
                calls.insert(2, "c".into(), 0, 1, false).is_none()
                    && calls.insert(4, "c".into(), 0, 1, false).is_none()
            );
            assert_eq!(calls.get(CallId(2)).map(|call| call.name.as_str()), Some("a"));
            assert_eq!(calls.get_mut(CallId(4)).map(|call| (call.parent, call.depth)), Some((3, 2)));
            assert!(calls.remove(CallId(first)) && !calls.remove(CallId(first)));
            assert_eq!((calls.len(), calls.get(CallId(second)).is_some()), (1, true));
            assert!(calls.insert(6, "c".into(), 0, 1, false).is_some());
            assert!(calls.remove(CallId(second)) && calls.remove(CallId(6)));
            assert_eq!(calls.len(), 0);
            assert!(calls.get(CallId(0)).is_none() && !calls.remove(CallId(0)));
        }
    }

    #[test]
    fn ids_run_out_at_65_535_unanswered_calls() {
        let mut calls = Outgoing::new(Role::Main);
        for _ in 0..65_535 {
            assert_ne!(calls.insert("f", 0, None), Some(0));
        }
        assert_eq!(calls.insert("f", 0, None), None);
        assert_eq!(calls.drain_pending().len(), 65_535);
        assert_eq!(calls.unanswered(), 0);
    }
}
