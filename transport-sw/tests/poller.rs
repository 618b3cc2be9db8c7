//! Polls of the relay: retries, backoff, and the limit on failures.

use coincide_proto::{Gone, ReceiveError, Role, Transmit};
use coincide_transport_sw::{Delivery, PollError, PollPolicy, Poller, RelayIo};
use std::collections::VecDeque;
use std::time::Duration;

/// A relay with scripted answers.
#[derive(Default)]
struct Relay {
    answers: VecDeque<Result<Vec<u8>, PollError>>,
    holds: Vec<Duration>,
    asks: Vec<bool>,
    pauses: Vec<Duration>,
}

impl RelayIo for Relay {
    fn poll(&mut self, packet: &[u8], hold: Duration, ask: bool) -> Result<Vec<u8>, PollError> {
        assert_eq!(packet.len(), 32);
        self.holds.push(hold);
        self.asks.push(ask);
        self.answers.pop_front().unwrap_or_else(|| Err(failed("connection refused")))
    }

    fn pause(&mut self, pause: Duration) {
        self.pauses.push(pause);
    }
}

fn worker() -> Delivery {
    let mut endpoint = Delivery::new(Role::Worker, Delivery::WINDOW);
    endpoint.collect();
    endpoint
}

/// The packets of a main that sends frames in turns, a packet each.
fn packets(count: usize) -> Vec<Vec<u8>> {
    let mut main = Delivery::new(Role::Main, Delivery::WINDOW);
    let mut packet = |_| {
        assert_eq!(main.send(&Transmit::new(&[1; 16], &[])), Ok(true));
        main.poll_transmit().expect("there is a frame").bytes
    };
    (0..count).map(&mut packet).collect()
}

fn failed(why: &str) -> PollError {
    PollError::Failed(why.into())
}

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

#[test]
fn main_is_gone_after_too_many_failed_polls() {
    let (mut endpoint, mut relay) = (worker(), Relay::default());
    let mut poller = Poller::new(PollPolicy { attempts: 9, ..PollPolicy::default() });
    for _ in 0..8 {
        assert_eq!(poller.poll(&mut endpoint, &mut relay, None), Ok(()));
        assert!(!endpoint.has_input());
    }
    let error = poller.poll(&mut endpoint, &mut relay, None).unwrap_err();
    assert_eq!(error.to_string(), "no answer after 9 attempts: connection refused");
    assert_eq!(endpoint.receive_with(|_| Ok(())), Err(ReceiveError::Gone(Gone)));
    assert_eq!(relay.pauses, [10, 20, 40, 80, 160, 320, 640, 1000].map(ms));
    assert_eq!(relay.holds, [Duration::from_secs(20); 9]);
    assert_eq!(relay.asks, [false, true, true, true, true, true, true, true, true]);
}

#[test]
fn answer_resets_the_number_of_failures() {
    let (mut endpoint, mut relay) = (worker(), Relay::default());
    let mut poller = Poller::new(PollPolicy { attempts: 2, ..PollPolicy::default() });
    for _ in 0..20 {
        relay.answers.extend([Err(failed("once")), Ok(Vec::new())]);
        assert_eq!(poller.poll(&mut endpoint, &mut relay, None), Ok(()));
        assert_eq!(poller.poll(&mut endpoint, &mut relay, None), Ok(()));
    }
    assert!(!endpoint.has_input());
}

#[test]
fn a_busy_relay_is_polled_with_growing_pauses_until_it_has_room() {
    let [packet] = <[_; 1]>::try_from(packets(1)).expect("there is one");
    let (mut endpoint, mut relay) = (worker(), Relay::default());
    let mut poller = Poller::new(PollPolicy { attempts: 2, ..PollPolicy::default() });
    // Far more refusals than the failures that end the link: a refusal shows that the relay works.
    relay.answers.push_back(Err(failed("once")));
    relay.answers.extend((0..100).map(|_| Err(PollError::Busy)));
    relay.answers.extend([Err(failed("once")), Ok(packet)]);
    for _ in 0..103 {
        assert!(!endpoint.has_input());
        assert_eq!(poller.poll(&mut endpoint, &mut relay, None), Ok(()));
    }
    assert_eq!(endpoint.receive_with(|_| Ok(())), Ok(true));
    assert_eq!(relay.pauses[1..9], [10, 20, 40, 80, 160, 320, 640, 1000].map(ms));
    assert_eq!(relay.pauses[100], ms(1000));
    // The relay may have dropped packets with the poll that it refused.
    assert!(!relay.asks[0] && relay.asks[1..].iter().all(|ask| *ask));
}

#[test]
fn pauses_of_a_busy_relay_end_with_the_timeout() {
    let (mut endpoint, mut relay) = (worker(), Relay::default());
    relay.answers.push_back(Err(PollError::Busy));
    assert_eq!(Poller::new(PollPolicy::default()).poll(&mut endpoint, &mut relay, Some(ms(3))), Ok(()));
    assert_eq!(relay.pauses, [ms(3)]);
}

#[test]
fn malformed_packets_and_gaps_count_as_failures_and_set_ask() {
    let [first, second] = <[_; 2]>::try_from(packets(2)).expect("there are two");
    let (mut endpoint, mut relay) = (worker(), Relay::default());
    let mut poller = Poller::new(PollPolicy::default());
    let both = [&first[..], &second].concat();
    relay.answers.extend([Ok(b"<html>".to_vec()), Ok(second.clone()), Ok(both)]);
    for _ in 0..3 {
        assert!(!endpoint.has_input());
        assert_eq!(poller.poll(&mut endpoint, &mut relay, None), Ok(()));
    }
    assert_eq!(relay.asks, [false, true, true]);
    assert_eq!((relay.pauses.len(), endpoint.receive_with(|_| Ok(()))), (2, Ok(true)));
}

#[test]
fn polls_and_pauses_respect_the_timeout() {
    let (mut endpoint, mut relay) = (worker(), Relay::default());
    let mut poller = Poller::new(PollPolicy::default());
    assert_eq!(poller.poll(&mut endpoint, &mut relay, Some(ms(3))), Ok(()));
    assert_eq!((relay.holds, relay.pauses), (vec![ms(3)], vec![ms(3)]));
}
