//! Turns of an event loop.

use super::clock;
use super::host::Task;
use crate::events::{input_pending, next_task};
use coincide_proto::Time;
use coincide_transport_atomics::Doorbell;
use std::cell::Cell;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// Outcome of a turn of main ([`Main::turn`](crate::Main::turn)), or of a worker in an event loop
/// ([`Driver::turn`](crate::Driver::turn)): when the next turn is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "it says when the next turn is due"]
pub enum Turn {
    /// There is more to do: take the next turn after other tasks have run.
    More,
    /// Idle until the doorbell rings: the file descriptor becomes readable, or the waker is woken.
    Idle {
        /// Take a turn after this time even if the doorbell has not rung: a deadline passes then.
        timeout: Option<Duration>,
    },
}

/// Progress of a turn. The clock is read at its beginning and after every 8 actions.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// When the turn is over; `None`: it ends when there is nothing to do.
    end: Cell<Option<Time>>,
    /// Actions since the clock was read.
    actions: Cell<u32>,
    /// Readings of the clock since the last check for pending input.
    readings: Cell<u32>,
    is_over: Cell<bool>,
}

impl Pace {
    /// Begins a turn. Returns the time, which is read once.
    pub(crate) fn begin(&self, budget: Duration) -> Time {
        let now = clock::now();
        self.end.set(Some(now.after(budget)));
        self.actions.set(0);
        self.readings.set(0);
        self.is_over.set(false);
        now
    }

    /// Removes the budget, for a thread that serves without turns.
    pub(crate) fn lift(&self) {
        self.end.set(None);
        self.is_over.set(false);
    }

    /// Counts actions, or other work of the same duration. Returns whether the turn is over.
    pub(crate) fn add(&self, actions: u32) -> bool {
        let actions = self.actions.get().saturating_add(actions);
        self.actions.set(actions);
        if actions >= ACTIONS_PER_READING
            && let Some(end) = self.end.get()
        {
            self.actions.set(0);
            self.readings.set(self.readings.get() + 1);
            let has_input = || self.readings.get().is_multiple_of(READINGS_PER_INPUT) && input_pending();
            self.is_over.set(clock::now() >= end || has_input());
        }
        self.is_over()
    }

    /// Whether the budget of the turn is used up, or input of the user is pending.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over.get()
    }
}

/// An asynchronous function that runs in turns: it is polled in the next one if this one is over.
pub(crate) struct Paced {
    pub(crate) task: Task,
    pub(crate) pace: Rc<Pace>,
}

impl Future for Paced {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.pace.is_over() {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let poll = self.task.as_mut().poll(context);
        self.pace.add(1);
        poll
    }
}

/// Takes turns until there are no more, and lets the executor run other tasks in between.
pub(crate) async fn take_turns(doorbell: Arc<Doorbell>, mut turn: impl FnMut() -> Option<Turn>) {
    while let Some(turn) = turn() {
        match turn {
            Turn::More => next_task().await,
            Turn::Idle { timeout: None } => rung(&doorbell).await,
            Turn::Idle { timeout: Some(timeout) } => crate::events::within(timeout, &doorbell, rung(&doorbell)).await,
        }
    }
}

/// Waits until the doorbell rings. May return early, which causes an extra turn.
async fn rung(doorbell: &Doorbell) {
    let mut registered = false;
    poll_fn(|context| {
        if std::mem::replace(&mut registered, true) {
            return Poll::Ready(());
        }
        match doorbell.set_waker(Some(context.waker().clone())) {
            // Wakes at once if the doorbell has rung already.
            Ok(()) => Poll::Pending,
            // The system refuses the thread that wakes on behalf of worker processes: poll.
            Err(_) => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
        }
    })
    .await;
}

/// Actions between two readings of the clock.
const ACTIONS_PER_READING: u32 = 8;

/// Readings of the clock between two checks for input of the user, which take longer.
const READINGS_PER_INPUT: u32 = 8;

/// Longest turn of the loops that drive endpoints.
pub(crate) const TURN: Duration = Duration::from_millis(2);
