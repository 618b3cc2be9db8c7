//! Packets for which there is no memory. In a file of its own: the allocator is that of the whole process.

use coincide_proto::{Role, Transmit};
use coincide_transport_sw::{Breach, Endpoint};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

#[test]
fn collected_packet_without_memory_is_an_error_and_can_be_collected_again() {
    let [mut main, mut worker] = [Role::Main, Role::Worker].map(|role| Endpoint::new(role, Endpoint::WINDOW));
    worker.collect();
    let mut body = Vec::new();
    for size in [100_000, 16] {
        assert_eq!(main.send(&Transmit { head: &[1; 16], body: &vec![7; size] }), Ok(true));
        body.extend(main.poll_transmit().expect("there is a frame").bytes);
    }
    let again = body.clone();
    LARGEST.set(50_000);
    let handled = worker.handle_collected(body);
    LARGEST.set(usize::MAX);
    assert_eq!(handled, Err(Breach::OutOfMemory { bytes: 100_052 }));
    assert!(!worker.has_input());
    assert_eq!(worker.handle_collected(again), Ok(()));
    for size in [100_016, 32] {
        let received = worker.receive_with(|frame| {
            assert_eq!(frame.len(), size);
            Ok(())
        });
        assert_eq!(received, Ok(true));
    }
}

thread_local! {
    /// Larger allocations of this thread fail.
    static LARGEST: Cell<usize> = const { Cell::new(usize::MAX) };
}

struct Failing;

// SAFETY: each method does what the system's allocator does, or fails as allocators may.
unsafe impl GlobalAlloc for Failing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if LARGEST.try_with(|largest| layout.size() > largest.get()).unwrap_or(false) {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller keeps the contract of `alloc`, which is the same here.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`, and `pointer` came from the system's allocator.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Failing = Failing;
