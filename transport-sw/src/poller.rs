//! Polls of the relay by a worker that blocks, with backoff and a limit on failures.

use crate::endpoint::Delivery;
use std::fmt;
use std::time::Duration;

/// Timeouts, backoff and number of attempts for polls of the relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PollPolicy {
    /// Longest time for which the relay may hold a poll open. Default 20 s: browsers stop a service worker that takes
    /// much longer for one request.
    pub hold: Duration,
    /// Pause after a poll that failed or found no room, doubled with each consecutive one up to 1 s. Default 10 ms.
    pub pause: Duration,
    /// Consecutive failed polls after which main is unreachable. Default 10, which takes about 3 s.
    pub attempts: u32,
}

impl Default for PollPolicy {
    fn default() -> Self {
        Self { hold: Duration::from_secs(20), pause: Duration::from_millis(10), attempts: 10 }
    }
}

/// I/O of a [`Poller`]: requests to the relay, and pauses.
pub trait RelayIo {
    /// Polls the relay and blocks until it answers, at the latest after `hold`. Returns the body of the answer: packets, or nothing.
    ///
    /// `packet` acknowledges what has arrived. With `ask`, packets may have been lost, and the relay queries main at once.
    ///
    /// # Errors
    /// [`PollError`] is the reason why there are no packets.
    fn poll(&mut self, packet: &[u8], hold: Duration, ask: bool) -> Result<Vec<u8>, PollError>;

    /// Blocks for the duration `pause`.
    fn pause(&mut self, pause: Duration);
}

/// Why a poll returned no packets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PollError {
    /// The relay has no room for the link at present. Not counted as a failure.
    Busy,
    /// No relay has answered. Contains the reason.
    Failed(String),
}

/// Polls the relay for packets of main while the worker blocks.
///
/// ```
/// use coincide_proto::Role;
/// use coincide_transport_sw::{Delivery, PollError, PollPolicy, Poller, RelayIo};
/// use std::time::Duration;
///
/// /// A relay that keeps no packets.
/// struct Idle;
///
/// impl RelayIo for Idle {
///     fn poll(&mut self, _packet: &[u8], _hold: Duration, _ask: bool) -> Result<Vec<u8>, PollError> {
///         Ok(Vec::new())
///     }
///
///     fn pause(&mut self, _pause: Duration) {}
/// }
///
/// let mut worker = Delivery::new(Role::Worker, 64 << 10);
/// worker.collect();
/// let mut poller = Poller::new(PollPolicy::default());
/// poller.poll(&mut worker, &mut Idle, Some(Duration::from_millis(5)))?;
/// assert!(!worker.has_input());
/// # Ok::<(), coincide_transport_sw::Unreachable>(())
/// ```
#[derive(Debug)]
pub struct Poller {
    policy: PollPolicy,
    /// Consecutive failed polls.
    failures: u32,
    /// Consecutive polls that found no room.
    refusals: u32,
}

/// The relay no longer answers, so main is unreachable.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unreachable {
    /// Number of failed attempts.
    pub attempts: u32,
    /// Why the last attempt failed.
    pub why: String,
}

impl Poller {
    /// Creates a poller without failures.
    pub fn new(policy: PollPolicy) -> Self {
        Self { policy, failures: 0, refusals: 0 }
    }

    /// Polls the relay once, for at most `timeout`, and passes its packets to `endpoint`. Call it again while `endpoint` has no input.
    ///
    /// # Errors
    /// [`Unreachable`] after too many consecutive failures; the endpoint is then lost.
    pub fn poll(
        &mut self,
        endpoint: &mut Delivery,
        relay_io: &mut impl RelayIo,
        timeout: Option<Duration>,
    ) -> Result<(), Unreachable> {
        let hold = timeout.map_or(self.policy.hold, |timeout| timeout.min(self.policy.hold));
        let ask = self.failures + self.refusals > 0;
        let why = match relay_io.poll(&endpoint.poll_packet(), hold, ask) {
            Ok(body) => match endpoint.handle_polled(body) {
                Ok(()) => {
                    (self.failures, self.refusals) = (0, 0);
                    return Ok(());
                }
                Err(error) => error.to_string(),
            },
            Err(PollError::Busy) => {
                self.failures = 0;
                self.refusals = self.refusals.saturating_add(1);
                self.back_off(self.refusals, relay_io, timeout);
                return Ok(());
            }
            Err(PollError::Failed(why)) => why,
        };
        self.failures += 1;
        if self.failures >= self.policy.attempts {
            endpoint.lose();
            return Err(Unreachable { attempts: self.failures, why });
        }
        self.back_off(self.failures, relay_io, timeout);
        Ok(())
    }

    /// Pauses after the given number of failed polls, for at most `timeout`.
    fn back_off(&self, polls: u32, relay_io: &mut impl RelayIo, timeout: Option<Duration>) {
        let doubled = self.policy.pause.saturating_mul(1 << (polls - 1).min(16)).min(LONGEST_PAUSE);
        relay_io.pause(timeout.map_or(doubled, |timeout| timeout.min(doubled)));
    }
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no answer after {} attempts: {}", self.attempts, self.why)
    }
}

impl std::error::Error for Unreachable {}

const LONGEST_PAUSE: Duration = Duration::from_secs(1);
