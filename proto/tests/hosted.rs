//! Hosted segments: they arrive with their contents at the time of sending, and are freed.

mod link;

use coincide_proto::{
    Budget, Call, Config, ErrorCode, Event, Format, Hosted, Outcome, Payload, Progress, Role, Session,
};
use link::{Link, pattern};
use proptest::collection::vec;
use proptest::prelude::*;
use std::cell::Cell;
use std::sync::{Arc, Mutex};

thread_local! {
    /// Bytes allocated by the host at present.
    static LIVING: Cell<usize> = const { Cell::new(0) };
    /// Limit on the bytes of the host, and the number of bytes copied from buffers of the program.
    static LARGEST: Cell<usize> = const { Cell::new(usize::MAX) };
    static COPIED: Cell<usize> = const { Cell::new(0) };
}

/// A buffer of the host: the program's buffer, and the host's copy of it.
#[derive(Debug)]
struct Buffer(Arc<Mutex<Vec<u8>>>, Mutex<Option<Vec<u8>>>, usize);

impl Buffer {
    fn of(bytes: &Arc<Mutex<Vec<u8>>>) -> Arc<dyn Hosted> {
        let len = bytes.lock().unwrap().len();
        LIVING.set(LIVING.get() + 1);
        Arc::new(Self(Arc::clone(bytes), Mutex::default(), len))
    }

    fn allot(len: usize) -> Option<Arc<dyn Hosted>> {
        (len <= LARGEST.get()).then(|| Self::of(&Arc::new(Mutex::new(vec![0; len]))))
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        LIVING.set(LIVING.get() - 1);
    }
}

impl Hosted for Buffer {
    fn number(&self) -> u32 {
        0
    }

    fn len(&self) -> usize {
        self.2
    }

    fn copy_to(&self, at: usize, target: &mut [u8]) {
        COPIED.set(COPIED.get() + target.len());
        match &*self.1.lock().unwrap() {
            Some(kept) => target.copy_from_slice(&kept[at..][..target.len()]),
            None => target.copy_from_slice(&self.0.lock().unwrap()[at..][..target.len()]),
        }
    }

    fn copy_from(&self, at: usize, source: &[u8]) {
        self.0.lock().unwrap()[at..][..source.len()].copy_from_slice(source);
    }

    fn keep(&self, from: usize) -> bool {
        let mut kept = vec![0; self.2];
        kept[from..].copy_from_slice(&self.0.lock().unwrap()[from..]);
        *self.1.lock().unwrap() = Some(kept);
        self.2 <= LARGEST.get()
    }
}

/// A link whose main receives segments of `least` bytes into buffers of the host.
fn link(least: usize, budget: &Budget) -> Link {
    let mut link = Link::new(Config::default(), Config::default());
    link.main = Session::new(Role::Main, Config::default()).with_budget(budget).with_hosted(least, Buffer::allot);
    link.settle();
    link.events(Role::Main);
    link.events(Role::Worker);
    link
}

/// A payload with `gap` bytes of head before each buffer and after the last, and all of its bytes.
fn payload(gap: usize, buffers: &[Arc<Mutex<Vec<u8>>>]) -> (Payload, Vec<u8>) {
    let (mut head, mut all, mut hosted) = (Vec::new(), Vec::new(), Vec::new());
    for bytes in buffers {
        head.extend(pattern(gap));
        all.extend(pattern(gap));
        hosted.push((head.len(), Buffer::of(bytes)));
        all.extend_from_slice(&bytes.lock().unwrap());
    }
    head.extend(pattern(gap));
    all.extend(pattern(gap));
    (Payload { head, segments: None, hosted: Some(Box::new(hosted)) }, all)
}

fn buffers(lens: &[usize]) -> Vec<Arc<Mutex<Vec<u8>>>> {
    lens.iter().map(|len| Arc::new(Mutex::new(pattern(*len)))).collect()
}

fn call(link: &mut Link, payload: Payload) -> coincide_proto::CallId {
    link.worker.call(Call { name: "f", ..Call::default() }, payload).expect("the call can be sent")
}

proptest! {
    #[test]
    fn payload_is_what_it_was_when_it_was_sent(
        gap in prop_oneof![Just(0), 1..20_usize, 0..5000_usize],
        lens in vec(prop_oneof![1..20_usize, 1..9000_usize], 0..40),
        least in prop_oneof![Just(1), Just(100), Just(usize::MAX)],
        frames in vec(2048..6000_usize, 1..8),
        room in 0..30_usize,
    ) {
        let budget = Budget::new(10 << 20);
        let mut link = link(least, &budget);
        let buffers = buffers(&lens);
        let (payload, expected) = payload(gap, &buffers);
        call(&mut link, payload);
        // The transport has room for some frames. Then the program runs and overwrites the buffers that it has sent.
        for (sent, frame) in frames.iter().cycle().enumerate() {
            if sent == room {
                prop_assert!(link.worker.keep());
                buffers.iter().for_each(|bytes| bytes.lock().unwrap().fill(0xee));
            }
            link.max_frame = *frame;
            if link.send(Role::Worker) != Progress::Sent {
                break;
            }
        }
        link.settle();
        let Event::Call { id, payload: received, .. } = link.event(Role::Main) else { panic!("the call has arrived") };
        prop_assert!(received == expected);
        if lens.len() <= coincide_proto::MAX_SEGMENTS {
            let large = lens.iter().filter(|len| **len >= least);
            prop_assert!(received.hosted().iter().map(|(_, bytes)| bytes.len()).eq(large.copied()));
        }
        link.main.reply(id, Format::Bytes, received).expect("the call is unanswered");
        link.settle();
        let Event::Ended { outcome: Outcome::Returned { payload, .. }, .. } = link.event(Role::Worker) else {
            panic!("the call has been answered")
        };
        prop_assert!(payload == expected);
        prop_assert_eq!((LIVING.get(), budget.used()), (0, 0));
    }

    #[test]
    fn cancelled_and_closed_bodies_leave_nothing(sent in 0..40_usize, closes in any::<bool>()) {
        let budget = Budget::new(10 << 20);
        let mut link = link(1, &budget);
        let (payload, _) = payload(10, &buffers(&[30_000, 1, 30_000]));
        let id = call(&mut link, payload);
        link.max_frame = 2048;
        for _ in 0..sent {
            let _ = link.send(Role::Worker);
            link.receive(Role::Main);
        }
        match closes {
            true => link.worker.abort(coincide_proto::CloseReason::TERMINATED, ""),
            false => link.worker.cancel(id),
        }
        link.settle();
        link.events(Role::Main);
        link.events(Role::Worker);
        prop_assert_eq!((LIVING.get(), budget.used()), (0, 0));
    }
}

#[test]
fn hosted_segments_beyond_budget_or_memory_are_refused_and_the_link_stays_open() {
    for (budget, largest) in [(300_000, usize::MAX), (10 << 20, 300_000)] {
        LARGEST.set(largest);
        let budget = Budget::new(budget);
        let mut link = link(1, &budget);
        for len in [500_000, 2 << 20] {
            let id = call(&mut link, payload(10, &buffers(&[len])).0);
            link.settle();
            let Outcome::Threw { code, .. } = link.ended(Role::Worker, id) else { panic!("the call is refused") };
            assert_eq!((code, LIVING.get(), budget.used()), (ErrorCode::OUT_OF_MEMORY, 0, 0));
        }
        let (small, expected) = payload(10, &buffers(&[200_000]));
        call(&mut link, small);
        link.settle();
        let Event::Call { payload, .. } = link.event(Role::Main) else { panic!("the call has arrived") };
        assert!(payload == expected);
    }
    LARGEST.set(usize::MAX);
}

#[test]
fn keep_reports_that_there_is_no_memory() {
    let mut link = link(1, &Budget::new(10 << 20));
    call(&mut link, payload(10, &buffers(&[100])).0);
    LARGEST.set(10);
    assert!(!link.worker.keep());
    LARGEST.set(usize::MAX);
}

#[test]
fn hosted_bytes_are_copied_once_each_way_and_sent_ones_are_not_kept() {
    let mut link = link(1, &Budget::new(10 << 20));
    let buffers = buffers(&[1 << 20]);
    call(&mut link, payload(10, &buffers).0);
    COPIED.set(0);
    while link.send(Role::Worker) == Progress::Sent {}
    assert_eq!(COPIED.get(), 1 << 20);
    // Everything was sent, so no copy is needed, and a lack of memory has no effect.
    LARGEST.set(0);
    assert!(link.worker.keep());
    LARGEST.set(usize::MAX);
}
