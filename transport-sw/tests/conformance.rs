//! The suite that every transport has to pass: all of it over a relay that behaves, and what can be fast enough over one that
//! loses, repeats, swaps and delays packets, is started anew and answers with rubbish.

mod net;

use coincide_proto::conformance::{self, Ends};
use coincide_transport_sw::Delivery;

coincide_proto::conformance!(|| {
    let (main, worker) = net::pair(Delivery::WINDOW, net::Faults::default());
    (Box::new(main), Box::new(worker))
});

fn faulty(check: fn(&dyn Fn() -> Ends)) {
    conformance::within(conformance::LIMIT, move || {
        check(&|| {
            let (main, worker) = net::pair(100_000, net::Faults { packets: 8, polls: 4 });
            (Box::new(main), Box::new(worker))
        });
    });
}

#[test]
fn calls_cross_a_faulty_relay() {
    faulty(conformance::a_handshake_and_calls_cross_both_ways);
}

#[test]
fn both_ends_call_at_once_over_a_faulty_relay() {
    faulty(conformance::both_ends_call_at_once);
}

#[test]
fn a_faulty_relay_takes_more_than_it_holds() {
    faulty(conformance::both_ends_may_fill_the_link_at_once);
    faulty(conformance::no_wake_up_is_lost_when_frames_come_in_bursts);
}

#[test]
fn a_faulty_relay_brings_room() {
    faulty(conformance::a_sleeper_is_woken_by_room);
}

#[test]
fn a_faulty_relay_brings_the_end() {
    faulty(conformance::a_sleeper_is_woken_when_the_peer_leaves);
    faulty(conformance::leaving_delivers_what_was_sent_before);
    faulty(conformance::dropping_is_leaving);
}
