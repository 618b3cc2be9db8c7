//! The doorbell: rings are remembered, and end each kind of wait.

#![cfg(not(loom))]

use coincide_proto::conformance::within;
use coincide_transport_atomics::Doorbell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(60);

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn several_rings_count_as_one() {
    let doorbell = Doorbell::new().unwrap();
    assert!(!doorbell.wait(Some(Duration::ZERO)));
    for _ in 0..3 {
        doorbell.ring();
    }
    assert!(doorbell.wait(None));
    assert!(!doorbell.wait(Some(Duration::ZERO)));
    let start = Instant::now();
    assert!(!doorbell.wait(Some(Duration::from_millis(2))));
    assert!(start.elapsed() >= Duration::from_millis(1));
}

#[test]
fn ring_wakes_a_waiting_thread() {
    within(LONG, || {
        for _ in 0..if cfg!(miri) { 3 } else { 1_000 } {
            let doorbell = Doorbell::new().unwrap();
            let other = Arc::clone(&doorbell);
            let thread = thread::spawn(move || while !other.wait(None) {});
            doorbell.ring();
            thread.join().unwrap();
        }
    });
}

#[test]
fn waker_is_woken_by_each_ring_and_by_a_pending_one() {
    let doorbell = Doorbell::new().unwrap();
    let count = Arc::new(Count::default());
    doorbell.set_waker(Some(Waker::from(Arc::clone(&count)))).unwrap();
    assert_eq!(count.0.load(Ordering::SeqCst), 0);
    doorbell.ring();
    doorbell.ring();
    assert_eq!(count.0.load(Ordering::SeqCst), 2);
    doorbell.set_waker(Some(Waker::from(Arc::clone(&count)))).unwrap();
    assert_eq!(count.0.load(Ordering::SeqCst), 3);
    assert!(doorbell.wait(None));
    doorbell.set_waker(None).unwrap();
    doorbell.ring();
    assert_eq!(count.0.load(Ordering::SeqCst), 3);
}

/// The last handle may be dropped during the wake-up.
#[test]
fn waker_may_drop_the_doorbell() {
    struct Last(std::sync::Mutex<Option<Arc<Doorbell>>>);
    impl Wake for Last {
        fn wake(self: Arc<Self>) {
            self.0.lock().unwrap().take();
        }
    }
    let doorbell = Doorbell::new().unwrap();
    let last = Arc::new(Last(std::sync::Mutex::new(Some(Arc::clone(&doorbell)))));
    doorbell.set_waker(Some(Waker::from(last))).unwrap();
    doorbell.ring();
    assert_eq!(Arc::strong_count(&doorbell), 1);
}

#[cfg(all(target_os = "linux", not(miri)))]
#[test]
fn descriptor_is_readable_from_a_ring_until_a_wait() {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let doorbell = Doorbell::new().unwrap();
    let readable =
        || poll(&mut [PollFd::new(&doorbell, PollFlags::IN)], Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).unwrap() > 0;
    for _ in 0..3 {
        assert!(!readable());
        doorbell.ring();
        assert!(readable());
        assert!(readable());
        assert!(doorbell.wait(None));
    }
    assert!(!readable());
}
