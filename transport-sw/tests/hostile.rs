//! Peers that violate the rules: an error, and no more memory than the window allows.

use coincide_proto::{Gone, ReceiveError, Role, Transmit};
use coincide_transport_sw::{Channel, Delivery, PacketError};

const WINDOW: usize = 1000;

fn frames(sender: &mut Delivery, count: usize) -> Vec<u8> {
    for _ in 0..count {
        assert_eq!(sender.send(&Transmit::new(&[1; 16], &[2; 984])), Ok(true));
    }
    sender.poll_transmit().expect("there are frames").bytes
}

fn refusal(handled: Result<(), PacketError>) -> String {
    handled.expect_err("it breaks a rule").to_string()
}

#[test]
fn frames_beyond_the_window_are_a_violation() {
    // A peer with a larger window than this end.
    let mut greedy = Delivery::new(Role::Worker, usize::MAX);
    let mut main = Delivery::new(Role::Main, WINDOW);
    let mut kept = 0;
    let refused = loop {
        kept += 100;
        match main.handle(frames(&mut greedy, 100), Channel::Direct) {
            Ok(()) => {}
            refused => break refusal(refused),
        }
    };
    assert!(refused.contains("more frames are unacknowledged than the window allows"), "{refused}");
    assert!((kept - 100) * 1004 <= WINDOW + Delivery::MAX_FRAME + 4, "{kept} frames were kept");
    assert!(matches!(main.receive_with(|_| Ok(())), Err(ReceiveError::Protocol(_))));
    assert_eq!(main.send(&Transmit::new(&[1; 16], &[])), Err(Gone));
}

#[test]
fn reserved_field_and_turn_of_main_are_ignored() {
    let mut packet = frames(&mut Delivery::new(Role::Main, WINDOW), 1);
    packet[6..12].fill(0xff);
    let mut worker = Delivery::new(Role::Worker, WINDOW);
    assert_eq!(worker.handle(packet, Channel::Direct), Ok(()));
    assert_eq!(worker.receive_with(|_| Ok(())), Ok(true));
    assert!(!worker.collects());
}

#[test]
fn gap_in_posted_packets_ends_the_link() {
    let mut worker = Delivery::new(Role::Worker, Delivery::WINDOW);
    frames(&mut worker, 1);
    let second = frames(&mut worker, 1);
    let mut main = Delivery::new(Role::Main, WINDOW);
    assert_eq!(main.handle(second.clone(), Channel::Relay), Err(PacketError::Gap { first: 1 }));
    assert!(!main.has_input(), "the relay may lose packets");
    assert_eq!(main.handle(second, Channel::Direct), Err(PacketError::Gap { first: 1 }));
    assert!(matches!(main.receive_with(|_| Ok(())), Err(ReceiveError::Protocol(_))));
}

#[test]
fn last_packet_below_received_frames_is_refused() {
    let mut worker = Delivery::new(Role::Worker, WINDOW);
    let mut main = Delivery::new(Role::Main, WINDOW);
    let mut early = Delivery::new(Role::Worker, WINDOW);
    early.close();
    let early = early.poll_transmit().expect("a packet announces that it has left").bytes;
    main.handle(frames(&mut worker, 1), Channel::Direct).expect("the packet is valid");
    let refused = refusal(main.handle(early, Channel::Relay));
    assert!(refused.contains("before a frame that has arrived"), "{refused}");
    assert_eq!(main.receive_with(|_| Ok(())), Ok(true), "packets of the relay do not end the link");
}

#[test]
fn repeated_frames_take_no_memory() {
    let mut worker = Delivery::new(Role::Worker, 100 * 1004);
    let mut main = Delivery::new(Role::Main, 100 * 1004);
    let all = frames(&mut worker, 90);
    for _ in 0..1000 {
        main.handle(all.clone(), Channel::Direct).expect("repetitions are accepted");
    }
    let mut count = 0;
    while main.receive_with(|_| Ok(())) == Ok(true) {
        count += 1;
    }
    assert_eq!(count, 90);
}
