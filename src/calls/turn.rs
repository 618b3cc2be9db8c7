//! Turns of an event loop.

use crate::events::next_task;
use coincide_transport_atomics::Bell;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// Outcome of a turn: one of main ([`Main::turn`](crate::Main::turn)), or of a worker in an event loop
/// ([`Driver::turn`](crate::Driver::turn)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "it says when the next turn is due"]
pub enum Turn {
    /// There is more to do: take the next turn after other tasks have run.
    More,
    /// Idle until the bell rings: the file descriptor becomes readable, or the waker is woken.
    Idle {
        /// Take a turn after this time even if the bell has not rung: a deadline passes then.
        timeout: Option<Duration>,
    },
}

/// Takes turns until there are no more, and lets the executor run other tasks in between.
pub(crate) async fn take_turns(bell: Arc<Bell>, mut turn: impl FnMut() -> Option<Turn>) {
    while let Some(turn) = turn() {
        match turn {
            Turn::More => next_task().await,
            Turn::Idle { timeout: None } => rung(&bell).await,
            Turn::Idle { timeout: Some(timeout) } => crate::events::within(timeout, &bell, rung(&bell)).await,
        }
    }
}

/// Waits until the bell rings. May return early: a turn too many does no harm.
async fn rung(bell: &Bell) {
    let mut registered = false;
    poll_fn(|context| {
        if std::mem::replace(&mut registered, true) {
            return Poll::Ready(());
        }
        match bell.set_waker(Some(context.waker().clone())) {
            // The waker is woken at once if the bell was rung before.
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

/// Longest turn of the loops that drive endpoints.
pub(crate) const TURN: Duration = Duration::from_millis(2);
