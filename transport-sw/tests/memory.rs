//! Packets for which there is no memory. A separate test binary, because the allocator belongs to the whole process.

#[path = "../../tests/failing/mod.rs"]
mod failing;

use coincide_proto::{Role, Transmit};
use coincide_transport_sw::{Delivery, PacketError};
use failing::fail_above;

#[test]
fn polled_packet_without_memory_fails_and_can_be_polled_again() {
    let [mut main, mut worker] = [Role::Main, Role::Worker].map(|role| Delivery::new(role, Delivery::WINDOW));
    worker.collect();
    let mut body = Vec::new();
    for size in [100_000, 16] {
        assert_eq!(main.send(&Transmit::new(&[1; 16], &vec![7; size])), Ok(true));
        body.extend(main.poll_transmit().expect("there is a frame").bytes);
    }
    let again = body.clone();
    fail_above(50_000);
    let handled = worker.handle_polled(body);
    fail_above(usize::MAX);
    assert_eq!(handled, Err(PacketError::OutOfMemory { bytes: 100_052 }));
    assert!(!worker.has_input());
    assert_eq!(worker.handle_polled(again), Ok(()));
    for size in [100_016, 32] {
        let received = worker.receive_with(|frame| {
            assert_eq!(frame.len(), size);
            Ok(())
        });
        assert_eq!(received, Ok(true));
    }
}
