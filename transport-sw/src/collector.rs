//! How a worker that blocks collects packets from the relay, and when it gives up.

use crate::endpoint::Endpoint;
use std::fmt;
use std::time::Duration;

/// How long a worker waits for the relay, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Longest time that the relay may hold a poll open; then it is asked anew. Default 20 s: browsers stop a service worker that takes
    /// much longer for one request.
    pub hold: Duration,
    /// Pause after a poll that failed; it doubles with each further one, up to a second. Default 10 ms.
    pub pause: Duration,
    /// Polls that fail in a row before main is given up. Default 10, which takes some 3 s.
    pub attempts: u32,
}

impl Default for Patience {
    fn default() -> Self {
        Self { hold: Duration::from_secs(20), pause: Duration::from_millis(10), attempts: 10 }
    }
}

/// What reaches the relay, and can sleep.
pub trait Poller {
    /// Asks the relay and blocks until it has answered, which it does after `hold` at the latest. `packet` says what has arrived. With
    /// `ask` something may have been lost, and the relay is to ask main at once.
    ///
    /// The result is the body of the answer: packets, or nothing.
    ///
    /// # Errors
    /// Why there is no answer of a relay, for people.
    fn poll(&mut self, packet: &[u8], hold: Duration, ask: bool) -> Result<Vec<u8>, String>;

    /// Blocks for so long.
    fn pause(&mut self, pause: Duration);
}

/// Collects what main sends while its worker blocks.
#[derive(Debug)]
pub struct Collector {
    patience: Patience,
    /// Polls that failed in a row.
    failures: u32,
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

impl Collector {
    /// One that has not been disappointed yet.
    pub fn new(patience: Patience) -> Self {
        Self { patience, failures: 0 }
    }

    /// Polls once, for `timeout` at most. Afterwards `endpoint` may or may not have something; whoever waits asks again.
    ///
    /// # Errors
    /// [`Unreachable`] after too many failures in a row; the endpoint is lost then.
    pub fn collect(
        &mut self,
        endpoint: &mut Endpoint,
        poller: &mut impl Poller,
        timeout: Option<Duration>,
    ) -> Result<(), Unreachable> {
        let hold = timeout.map_or(self.patience.hold, |timeout| timeout.min(self.patience.hold));
        let answer = poller.poll(&endpoint.poll_packet(), hold, self.failures > 0);
        let taken = answer.and_then(|body| endpoint.handle_collected(body).map_err(|breach| breach.to_string()));
        let Err(why) = taken else {
            self.failures = 0;
            return Ok(());
        };
        self.failures += 1;
        if self.failures >= self.patience.attempts {
            endpoint.lose();
            return Err(Unreachable { attempts: self.failures, why });
        }
        let doubled = self.patience.pause.saturating_mul(1 << (self.failures - 1).min(16)).min(LONGEST_PAUSE);
        poller.pause(timeout.map_or(doubled, |timeout| timeout.min(doubled)));
        Ok(())
    }
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no answer after {} attempts: {}", self.attempts, self.why)
    }
}

impl std::error::Error for Unreachable {}

const LONGEST_PAUSE: Duration = Duration::from_secs(1);
