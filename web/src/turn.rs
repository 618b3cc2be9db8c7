//! The turn of an event loop, which all ends of a thread share.

use crate::action::{MORE, NONE};
use crate::end::{Clock, End, with_host};
use crate::memory::{self, Word};
use coincide_transport_atomics::BusyPoll;
use coincide_transport_atomics::web::Instant;
use std::time::Duration;
use wasm_bindgen::prelude::*;

/// The next action of a turn. `begins` starts a new turn. `has_started` is whether functions were started and have not ended. `has_settled` is whether the turn has
/// settled promises, whose reactions run after it.
///
/// Returns the kind of an action, or [`MORE`] if the turn is over and the next one is due after other tasks. Returns [`NONE`] if there is nothing to do. The word
/// `Timeout` then has the milliseconds until the next turn, unless an end rings earlier.
#[wasm_bindgen(js_name = takeTurn)]
pub fn take_turn(begins: bool, has_started: bool, has_settled: bool) -> u32 {
    with_host(|host| {
        let (ends, turn, clock) = host.parts();
        if begins {
            turn.begin(ends);
        }
        let kind = turn.next(ends, clock, has_started, has_settled);
        ends.iter_mut().for_each(|end| end.engine.keep());
        kind
    })
}

/// The state of turns, which serve all ends in rounds. A turn begins where the last one ended, so that short turns serve all ends.
pub(crate) struct Turn {
    /// Index of the end that is being served.
    at: usize,
    /// Number of actions of this end in this round.
    actions: u32,
    /// Whether this round had an action, or did not begin at the first end.
    progress: bool,
    /// Whether the turn is over, so that other tasks of the page can run.
    is_over: bool,
    /// Whether there was something to do for a peer, which may send something soon, or make room.
    polls_busily: bool,
    busy_poll: BusyPoll,
    /// Actions and rounds since the clock was read.
    steps: u32,
    /// Number of checks of the clock since the last check of pending input.
    checks: u32,
    start: Option<Instant>,
    armed: bool,
}

impl Default for Turn {
    fn default() -> Self {
        Self {
            at: 0,
            actions: 0,
            progress: false,
            is_over: false,
            polls_busily: false,
            busy_poll: BusyPoll::main(),
            steps: 0,
            checks: 0,
            start: None,
            armed: false,
        }
    }
}

impl Turn {
    /// Adjusts the state after the end at this index was dropped.
    pub(crate) fn removed(&mut self, index: usize) {
        if index < self.at {
            self.at -= 1;
        } else if index == self.at {
            self.actions = 0;
        }
    }

    fn begin(&mut self, ends: &mut [End]) {
        self.disarm(ends);
        self.actions = 0;
        self.progress = self.at > 0;
        self.is_over = false;
        self.steps = 0;
        self.checks = 0;
        self.start = None;
    }

    fn next(&mut self, ends: &mut [End], clock: Clock, has_started: bool, has_settled: bool) -> u32 {
        loop {
            if let Some(end) = ends.get_mut(self.at) {
                if let Some(kind) = self.share(end, clock) {
                    return kind;
                }
                // An end without an action, because the turn was over, is served in the next turn.
                if !self.is_over || self.actions > 0 {
                    self.at += 1;
                    self.actions = 0;
                }
                if self.is_over {
                    return MORE;
                }
                continue;
            }
            self.at = 0;
            let found = std::mem::take(&mut self.progress)
                || !has_settled && std::mem::take(&mut self.polls_busily) && !has_started && self.busy_poll(ends);
            if !found {
                if let Some(timeout) = self.arm(ends, clock) {
                    memory::set(Word::Timeout, timeout);
                    return NONE;
                }
                self.disarm(ends);
            }
            self.steps += 1;
            if has_settled && self.polls_busily || self.check_limits() {
                return MORE;
            }
        }
    }

    /// The next action of an end, unless it had [`SHARE`] actions in this round or the turn is over.
    fn share(&mut self, end: &mut End, clock: Clock) -> Option<u32> {
        if self.actions == 0 {
            if !end.is_busy(clock) {
                return None;
            }
            end.expire(clock);
        }
        if self.actions < SHARE
            && !self.check_limits()
            && let Some(action) = end.poll()
        {
            self.actions += 1;
            self.steps += 1;
            self.progress = true;
            return Some(end.show(action));
        }
        if self.actions > 0 {
            end.engine.flush();
        }
        // A message arrives only once the event loop runs again.
        self.polls_busily |= end.inbox.is_none();
        None
    }

    /// Checks the clock and pending input from time to time. Returns whether the turn is over.
    fn check_limits(&mut self) -> bool {
        if self.steps >= STEPS_PER_CHECK {
            self.steps = 0;
            self.checks += 1;
            let is_late = self.start.get_or_insert_with(Instant::now).elapsed() >= BUDGET;
            self.is_over = is_late || self.checks.is_multiple_of(CHECKS_PER_INPUT) && input_pending();
        }
        self.is_over
    }

    /// Polls busily for the next call, or for room for the rest of an answer. Returns whether there is something to do.
    fn busy_poll(&mut self, ends: &[End]) -> bool {
        let mut polls = 0_u32;
        let ready = || {
            polls = polls.saturating_add(1);
            ends.iter().any(|end| end.engine.is_busy())
        };
        let found = if ends.iter().any(|end| end.engine.is_blocked()) {
            BusyPoll::new(Duration::ZERO, ROOM).poll(ready)
        } else {
            self.busy_poll.poll(ready)
        };
        self.steps += polls / POLLS_PER_STEP;
        found
    }

    /// Arms every end, so that it rings. Returns the milliseconds until the next turn is due; `None` if there is something to do.
    fn arm(&mut self, ends: &mut [End], clock: Clock) -> Option<u32> {
        self.armed = true;
        let mut timeout = u32::MAX;
        for end in ends {
            if !end.engine.arm() {
                return None;
            }
            if let Some(deadline) = end.until_deadline(clock) {
                // Rounded up, so that the deadline has passed when the timer fires. Timers accept 31 bits.
                let deadline = deadline.saturating_add(Duration::from_nanos(999_999));
                timeout = timeout.min(deadline.as_millis().min(i32::MAX as u128) as u32);
            }
        }
        Some(timeout)
    }

    fn disarm(&mut self, ends: &mut [End]) {
        if std::mem::take(&mut self.armed) {
            ends.iter_mut().for_each(|end| end.engine.disarm());
            self.busy_poll.woke();
        }
    }
}

/// Maximum duration of a turn.
const BUDGET: Duration = Duration::from_millis(2);

/// Maximum number of actions of an end in one round.
const SHARE: u32 = 64;

/// Maximum duration of polling for room. A woken worker has made room for the rest of a large answer in this time. Unsent buffers of the program are copied
/// at the end of a turn, which takes longer.
const ROOM: Duration = Duration::from_micros(200);

/// Number of actions and rounds between two checks of the clock. Small, because a function of the program may take milliseconds.
const STEPS_PER_CHECK: u32 = 8;

/// Number of checks of the clock between two checks of pending input, which take longer.
const CHECKS_PER_INPUT: u32 = 8;

/// Number of polls that take about as long as a step.
const POLLS_PER_STEP: u32 = 32;

#[wasm_bindgen(raw_module = "./events.js")]
extern "C" {
    /// Whether a key or a click is pending, if the browser reports it.
    #[wasm_bindgen(js_name = inputPending)]
    fn input_pending() -> bool;
}
