//! How a worker that blocks collects packets from the relay, and when it gives up.

use crate::endpoint::Delivery;
use std::fmt;
use std::time::Duration;

/// How long a worker waits for the relay, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PollPolicy {
    /// Longest time that the relay may hold a poll open; then it is asked anew. Default 20 s: browsers stop a service worker that takes
    /// much longer for one request.
    pub hold: Duration,
    /// Pause after a poll that failed or found no room; it doubles with each further one, up to a second. Default 10 ms.
    pub pause: Duration,
    /// Polls that fail in a row before main is given up. Default 10, which takes some 3 s.
    pub attempts: u32,
}

impl Default for PollPolicy {
    fn default() -> Self {
        Self { hold: Duration::from_secs(20), pause: Duration::from_millis(10), attempts: 10 }
    }
}

/// What reaches the relay, and can sleep.
pub trait RelayIo {
    /// Asks the relay and blocks until it has answered, which it does after `hold` at the latest. `packet` says what has arrived. With
    /// `ask` something may have been lost, and the relay is to ask main at once.
    ///
    /// The result is the body of the answer: packets, or nothing.
    ///
    /// # Errors
    /// [`PollError`] says why there are no packets.
    fn poll(&mut self, packet: &[u8], hold: Duration, ask: bool) -> Result<Vec<u8>, PollError>;

    /// Blocks for so long.
    fn pause(&mut self, pause: Duration);
}

/// Why a poll brought nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PollError {
    /// The relay has no room for the link now. It will have some later: this is no failure.
    Busy,
    /// No relay has answered; the reason, in words.
    Failed(String),
}

/// Collects what main sends while its worker blocks.
#[derive(Debug)]
pub struct Poller {
    policy: PollPolicy,
    /// Polls that failed in a row.
    failures: u32,
    /// Polls that found no room, in a row.
    refusals: u32,
}

/// The relay no longer answers, and so main is out of reach.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unreachable {
    /// How often it was asked in vain.
    pub attempts: u32,
    /// Why the last attempt failed.
    pub why: String,
}

impl Poller {
    /// One that has not been disappointed yet.
    pub fn new(policy: PollPolicy) -> Self {
        Self { policy, failures: 0, refusals: 0 }
    }

    /// Polls once, for `timeout` at most. Afterwards `endpoint` may or may not have something; whoever waits asks again.
    ///
    /// # Errors
    /// [`Unreachable`] after too many failures in a row; the endpoint is lost then.
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
                Err(violation) => violation.to_string(),
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

    /// Pauses after the given number of failed polls, for `timeout` at most.
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
