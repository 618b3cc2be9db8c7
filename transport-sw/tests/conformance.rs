//! The conformance suite for transports: all of it over a reliable relay, and the fast checks over a relay that
//! loses, repeats, reorders and delays packets, restarts, and sends malformed answers.

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
    faulty(conformance::handshake_and_calls_cross_in_both_directions);
}

#[test]
fn both_ends_call_at_once_over_a_faulty_relay() {
    faulty(conformance::both_ends_call_at_once);
}

#[test]
fn both_ends_fill_the_link_over_a_faulty_relay() {
    faulty(conformance::both_ends_may_fill_the_link_at_once);
    faulty(conformance::no_wake_up_is_lost_with_bursts_of_frames);
}

#[test]
fn sleeper_is_woken_by_room_over_a_faulty_relay() {
    faulty(conformance::sleeper_is_woken_by_room);
}

#[test]
fn sleeper_is_woken_by_the_end_over_a_faulty_relay() {
    faulty(conformance::sleeper_is_woken_when_the_peer_leaves);
    faulty(conformance::frames_sent_before_leaving_are_delivered);
    faulty(conformance::drop_leaves_the_link);
}
