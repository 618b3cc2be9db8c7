//! Bytes that calls add to their payloads on the wire.

mod link;

use coincide_proto::{Call, Event, Format, Role};
use link::Link;

/// Frames and bytes of one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Traffic {
    frames: usize,
    bytes: usize,
}

/// Moves frames until none is left, and counts those that `role` sends.
fn moved(link: &mut Link, role: Role) -> Traffic {
    let mut traffic = Traffic::default();
    loop {
        let _ = (link.send(Role::Main), link.send(Role::Worker));
        let queue = if role == Role::Main { &link.down } else { &link.up };
        traffic.frames += queue.len();
        traffic.bytes += queue.iter().map(Vec::len).sum::<usize>();
        let received = [link.receive(Role::Main), link.receive(Role::Worker)];
        if received == [false; 2] {
            return traffic;
        }
    }
}

/// An echo of this many bytes: frames of the request and its bytes beyond the payload, then the same of the answer.
fn echo(link: &mut Link, size: usize) -> [(usize, usize); 2] {
    let call = Call { name: "echo", ..Call::default() };
    link.worker.call(call, vec![7; size]).unwrap();
    let request = moved(link, Role::Worker);
    let Event::Call { id, payload, .. } = link.event(Role::Main) else { panic!("the call has arrived") };
    link.main.reply(id, Format::Bytes, payload.into_bytes()).unwrap();
    let answer = moved(link, Role::Main);
    assert!(matches!(link.event(Role::Worker), Event::Ended { .. }));
    [request, answer].map(|Traffic { frames, bytes }| (frames, bytes - size))
}

#[test]
fn calls_add_few_bytes_to_their_payloads() {
    // A header of 16 bytes, and the name in requests. Longer bodies add 8 bytes for their length, and a header for each further frame.
    let table = [
        (0, [(1, 20), (1, 16)]),
        (32, [(1, 20), (1, 16)]),
        (4 << 10, [(1, 20), (1, 16)]),
        (64 << 10, [(2, 44), (2, 40)]),
        (1 << 20, [(17, 284), (17, 280)]),
    ];
    let mut link = Link::open();
    for (size, expected) in table {
        assert_eq!(echo(&mut link, size), expected, "{size}");
    }
}
