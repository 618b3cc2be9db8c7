//! One end of a link over any memory: two rings, and the wake-up rule.
//!
//! # The wake-up rule
//! An endpoint that is about to sleep announces it, then polls once more. An endpoint with news publishes it, then clears the announcement
//! of its peer. Every access to an announcement is a swap that acquires and releases:
//!
//! * **Parking.** `parked` is swapped to 1. Then, if room is wanted, `room_wanted` is swapped to 1. Then the endpoint polls again for
//!   input, for room and for the peer's `closed`. If there is nothing, it sleeps while `parked` is unchanged. Awake, it swaps
//!   `parked` to 0.
//! * **News** (a record, `closed`) is stored with release. Then the peer's `parked` is swapped to 0, and unless it was 0 the peer is rung.
//! * **Room**: `head` is stored with release. Each time that a quarter of the ring has been consumed, `room_wanted` is then swapped to 0. If it
//!   was 1, the peer's `parked` is swapped to 0, and unless that was 0 the peer is rung. [`Consumer::owes_report`] proves that this suffices.
//!
//! No wake-up is lost, because the swaps of one word have one order. If the announcement comes first, the swap for the news finds it and rings
//! the sleeper, unless an earlier swap has done so. If the swap for the news comes first, the announcement reads a value written by that swap
//! or a later one. It thus synchronizes with that swap, and the poll that follows finds the news.
//!
//! Both sides therefore swap, with acquire and release. A plain load of `parked` after a plain store of the news could be satisfied before that
//! store is visible (the store buffer). The alternative is a sequentially consistent fence on each side. Waking up is a swap as well: a plain
//! store of 0 would hide earlier swaps, and their news, from the next announcement.
//! `tests/loom.rs` checks this, and fails if one of these swaps becomes a load or a store.

use crate::doorbell::Doorbell;
use crate::layout::{MAIN, Rings, Side, WORKER};
use crate::memory::Memory;
use crate::ring::{Consumer, Frame, Producer, Record};
use crate::sync::AtomicBool;
use crate::sys::Instant;
use crate::wait::BusyPoll;
use coincide_proto::{Gone, ProtocolError, ReceiveError, Transmit};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// One end of a link.
pub(crate) struct Endpoint<M: Memory> {
    memory: M,
    inbox: Consumer,
    outbox: Producer,
    max_frame: usize,
    peer: Side,
    peer_wake: Wake,
    ringer: Ringer<M>,
    busy_poll: BusyPoll,
    /// A copy of the frame being received, where the memory is distant.
    near: Vec<u8>,
    /// Set once nothing can be received any more: the reason.
    over: Option<ReceiveError>,
    /// Whether `closed` has been announced to the peer.
    closed: bool,
}

/// How an endpoint is woken.
#[derive(Clone)]
pub(crate) enum Wake {
    /// The endpoint sleeps on its `parked` word.
    Word,
    /// The endpoint sleeps until a doorbell rings, which may serve other links.
    Doorbell(Arc<Doorbell>),
    /// The endpoint sleeps in another process, until its doorbell rings.
    #[cfg(not(target_family = "wasm"))]
    Remote(crate::sys::RemoteDoorbell),
}

impl<M: Memory> Endpoint<M> {
    /// Main's end of the link that `config` describes, which sleeps by `own`. The worker sleeps on its word.
    pub(crate) fn main(memory: M, config: &Rings, own: Wake) -> Self {
        let (inbox, outbox) = (config.up(), config.down());
        Self {
            inbox: Consumer::new(inbox),
            outbox: Producer::new(outbox),
            max_frame: outbox.max_frame(),
            peer: WORKER,
            peer_wake: Wake::Word,
            ringer: Ringer::new(memory.clone(), MAIN, own),
            memory,
            busy_poll: BusyPoll::worker(),
            near: Vec::new(),
            over: None,
            closed: false,
        }
    }

    /// The worker's end of the link that `config` describes.
    pub(crate) fn worker(memory: M, config: &Rings, main: Wake) -> Self {
        let (inbox, outbox) = (config.down(), config.up());
        Self {
            inbox: Consumer::new(inbox),
            outbox: Producer::new(outbox),
            max_frame: outbox.max_frame(),
            peer: MAIN,
            peer_wake: main,
            ringer: Ringer::new(memory.clone(), WORKER, Wake::Word),
            memory,
            busy_poll: BusyPoll::worker(),
            near: Vec::new(),
            over: None,
            closed: false,
        }
    }

    /// Sets how the endpoint is woken while it is in an event loop and not blocked.
    pub(crate) fn sleep_by(&mut self, wake: Wake) {
        self.ringer.wake = wake;
    }

    /// Sets how the peer is woken.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn ring_peer_by(&mut self, wake: Wake) {
        self.peer_wake = wake;
    }

    #[cfg(target_family = "wasm")]
    pub(crate) fn memory(&self) -> &M {
        &self.memory
    }

    pub(crate) fn max_frame(&self) -> usize {
        self.max_frame
    }

    pub(crate) fn set_busy_poll(&mut self, busy_poll: BusyPoll) {
        self.busy_poll = busy_poll;
    }

    pub(crate) fn ringer(&self) -> Ringer<M> {
        self.ringer.clone()
    }

    #[cfg(not(target_family = "wasm"))]
    /// Returns the action for the watcher of the peer's process: it marks the peer as closed and wakes this end.
    pub(crate) fn obituary(&self) -> impl FnOnce() + use<M> {
        let (memory, closed, ringer) = (self.memory.clone(), self.peer.closed, self.ringer());
        move || {
            memory.store(closed, 1);
            ringer.ring();
        }
    }

    pub(crate) fn send(&mut self, frame: &Transmit<'_>) -> Result<bool, Gone> {
        // Frames that the peer sent before it left are still to be received.
        if self.over.is_some() || self.memory.load(self.peer.closed) != 0 {
            return Err(Gone);
        }
        match self.outbox.write(&self.memory, frame) {
            Ok(true) => {
                self.wake_peer();
                Ok(true)
            }
            Ok(false) => Ok(false),
            Err(error) => {
                self.over = Some(error.into());
                Err(Gone)
            }
        }
    }

    pub(crate) fn receive_with(
        &mut self,
        take: impl FnOnce(&Frame<'_, M>) -> Result<(), ProtocolError>,
    ) -> Result<bool, ReceiveError> {
        if let Some(error) = &self.over {
            return Err(error.clone());
        }
        let outcome = match self.next_record() {
            Ok(Some(record)) => {
                let taken = take(&record.frame(&self.memory, &mut self.near));
                self.inbox.release(&self.memory, &record);
                if self.inbox.owes_report() && self.inbox.report_room(&self.memory) {
                    self.wake_peer();
                }
                taken.map(|()| true).map_err(ReceiveError::from)
            }
            Ok(None) => Ok(false),
            Err(error) => Err(error),
        };
        if let Err(error) = &outcome {
            self.over = Some(error.clone());
        }
        outcome
    }

    pub(crate) fn has_input(&self) -> bool {
        self.inbox.has_record(&self.memory) || self.memory.load(self.peer.closed) != 0 || self.over.is_some()
    }

    pub(crate) fn has_room(&self) -> bool {
        self.outbox.has_room(&self.memory)
    }

    pub(crate) fn arm(&mut self, room: bool) -> bool {
        if !self.announce(room) {
            return false;
        }
        let listening = self.memory.listen(self.ringer.own.parked, 1);
        if !listening {
            self.disarm();
        }
        listening
    }

    fn announce(&mut self, room: bool) -> bool {
        self.memory.swap(self.ringer.own.parked, 1);
        if room {
            // After `parked`: the peer rings only if `parked` is set when it clears this word.
            self.memory.swap(self.outbox.room_wanted(), 1);
        }
        if self.is_ready(room) {
            self.disarm();
            return false;
        }
        true
    }

    pub(crate) fn disarm(&mut self) {
        // A swap and not a store: see the wake-up rule.
        self.memory.swap(self.ringer.own.parked, 0);
    }

    pub(crate) fn wait(&mut self, room: bool, timeout: Option<Duration>) {
        if timeout == Some(Duration::ZERO) {
            return;
        }
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        if !self.poll(room) {
            self.park(room, deadline);
            self.busy_poll.woke();
        }
        // A swap: it acquires from the last of several rings, and does not erase a ring that it has not read.
        if self.ringer.rung.load(Ordering::Relaxed) {
            self.ringer.rung.swap(false, Ordering::AcqRel);
        }
    }

    /// Polls busily. Returns whether the endpoint became ready.
    fn poll(&mut self, room: bool) -> bool {
        let mut busy_poll = std::mem::replace(&mut self.busy_poll, BusyPoll::NONE);
        let came = busy_poll.poll(|| self.is_ready(room) || self.ringer.rung.load(Ordering::Relaxed));
        self.busy_poll = busy_poll;
        came
    }

    /// Sleeps, unless there is something to do.
    fn park(&mut self, room: bool, deadline: Option<Instant>) {
        if !self.announce(room) {
            return;
        }
        // The flag is read after the announcement. Pairs with `Ringer::ring`.
        if !self.ringer.rung.load(Ordering::Acquire) {
            self.sleep(deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())));
        }
        self.disarm();
    }

    pub(crate) fn close(&mut self) {
        if !self.closed {
            self.closed = true;
            self.over.get_or_insert(ReceiveError::Gone(Gone));
            // Release: after all records. Pairs with the load in `next_record`.
            self.memory.store(self.ringer.own.closed, 1);
            self.wake_peer();
        }
    }

    fn next_record(&self) -> Result<Option<Record>, ReceiveError> {
        if let Some(record) = self.inbox.peek(&self.memory)? {
            return Ok(Some(record));
        }
        // Acquire: pairs with the store in `close`. Everything that the peer sent before it left is visible from here on: poll again.
        if self.memory.load(self.peer.closed) == 0 {
            return Ok(None);
        }
        match self.inbox.peek(&self.memory)? {
            Some(record) => Ok(Some(record)),
            None => Err(Gone.into()),
        }
    }

    fn is_ready(&self, room: bool) -> bool {
        self.has_input() || room && self.has_room()
    }

    fn wake_peer(&self) {
        // The wake-up rule: the news was stored with release before this swap, which pairs with the swap in `announce`.
        if self.memory.swap(self.peer.parked, 0) != 0 {
            match &self.peer_wake {
                Wake::Word => self.memory.notify(self.peer.parked),
                Wake::Doorbell(doorbell) => doorbell.ring(),
                #[cfg(not(target_family = "wasm"))]
                Wake::Remote(doorbell) => doorbell.ring(),
            }
        }
    }

    fn sleep(&self, timeout: Option<Duration>) {
        match &self.ringer.wake {
            Wake::Doorbell(doorbell) if !M::DISTANT => {
                doorbell.wait(timeout);
            }
            _ => self.memory.wait(self.ringer.own.parked, 1, timeout),
        }
    }
}

impl<M: Memory> Drop for Endpoint<M> {
    fn drop(&mut self) {
        // A failed model unwinds after its words were dropped. loom reports the failure only if they are not accessed.
        if cfg!(loom) && std::thread::panicking() {
            return;
        }
        self.close();
    }
}

/// Wakes an endpoint of this process.
#[derive(Clone)]
pub(crate) struct Ringer<M> {
    memory: M,
    own: Side,
    wake: Wake,
    /// Set by `ring`, cleared at the end of the endpoint's `wait`, so that a ring just before a wait is not lost. Unused with a doorbell, which
    /// remembers its rings.
    rung: Arc<AtomicBool>,
}

impl<M: Memory> Ringer<M> {
    fn new(memory: M, own: Side, wake: Wake) -> Self {
        Self { memory, own, wake, rung: Arc::new(AtomicBool::new(false)) }
    }

    pub(crate) fn ring(&self) {
        match &self.wake {
            Wake::Doorbell(doorbell) => doorbell.ring(),
            _ => {
                // Handled like other news: published with release, then the announcement is cleared.
                self.rung.swap(true, Ordering::AcqRel);
                if self.memory.swap(self.own.parked, 0) != 0 {
                    self.memory.notify(self.own.parked);
                }
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::heap;
    use crate::layout::{CONTROL_LEN, PADDING};
    use crate::region::Region;
    use coincide_proto::FrameBytes;
    use proptest::prelude::*;

    struct Link {
        config: Rings,
        region: Region,
        main: Endpoint<Region>,
        worker: Endpoint<Region>,
    }

    impl Link {
        fn new() -> Self {
            let config = Rings::default().up_capacity(0).down_capacity(0);
            let region = heap::allocate(config.region_len());
            config.describe(&region);
            let doorbell = Doorbell::new().unwrap();
            let main = Endpoint::main(region.clone(), &config, Wake::Doorbell(Arc::clone(&doorbell)));
            let worker = Endpoint::worker(region.clone(), &config, Wake::Doorbell(doorbell));
            Self { config, region, main, worker }
        }
    }

    fn send(end: &mut Endpoint<Region>, len: usize) -> Result<bool, Gone> {
        end.send(&Transmit::new(&[1; 16], &vec![2; len - 16]))
    }

    fn receive(end: &mut Endpoint<Region>) -> Result<bool, ReceiveError> {
        end.receive_with(|frame| {
            frame.copy_to(0, &mut vec![0; frame.len()]);
            Ok(())
        })
    }

    fn refused(outcome: Result<bool, ReceiveError>) -> bool {
        matches!(outcome, Err(ReceiveError::Protocol(_)))
    }

    /// Whether main refuses a length word, after it has received a record of `consumed` bytes.
    fn main_refuses(word: u32, consumed: usize) -> bool {
        let mut link = Link::new();
        let up = link.config.up();
        if consumed > 0 {
            assert_eq!(send(&mut link.worker, consumed), Ok(true));
            assert_eq!(receive(&mut link.main), Ok(true));
        }
        let at = (consumed + 4).next_multiple_of(64) % up.capacity as usize * usize::from(consumed > 0);
        link.region.store(up.data + at, word);
        assert!(link.main.has_input());
        let first = receive(&mut link.main);
        refused(first.clone()) && receive(&mut link.main) == first && send(&mut link.main, 16) == Err(Gone)
    }

    #[test]
    fn impossible_lengths_are_refused() {
        for word in [2049, 16 << 10, PADDING - 1, u32::MAX, PADDING, PADDING | 64, PADDING | (16 << 10)] {
            assert!(main_refuses(word, 0), "{word:#x} at the start");
            assert!(main_refuses(word, 100), "{word:#x} after a record");
        }
        assert!(!main_refuses(2048, 0));
        assert!(!main_refuses(1, 100));
    }

    #[test]
    fn padding_without_a_record_behind_it_is_refused() {
        // The ring starts anew behind the padding, where the first record still lies: a zero and more padding are neither.
        for first in [0, PADDING | (16 << 10), PADDING | ((16 << 10) - 128)] {
            let mut link = Link::new();
            let up = link.config.up();
            assert_eq!(send(&mut link.worker, 100), Ok(true));
            assert_eq!(receive(&mut link.main), Ok(true));
            link.region.store(up.data, first);
            link.region.store(up.data + 128, PADDING | ((16 << 10) - 128));
            assert!(refused(receive(&mut link.main)), "{first:#x}");
        }
    }

    #[test]
    fn a_record_over_the_end_of_the_ring_is_refused() {
        let mut link = Link::new();
        let up = link.config.up();
        // 15 records of 1,024 bytes, one of 960: the next would start 64 bytes before the end.
        for len in [1020; 15].into_iter().chain([956]) {
            assert_eq!(send(&mut link.worker, len), Ok(true));
            assert_eq!(receive(&mut link.main), Ok(true));
        }
        link.region.store(up.data + (16 << 10) - 64, 61);
        assert!(refused(receive(&mut link.main)));
    }

    #[test]
    fn a_head_that_is_out_of_its_range_is_refused() {
        for head in [64, 1, 1 << 31, u32::MAX, u32::MAX - 63, 16 << 10] {
            let mut link = Link::new();
            link.region.store(link.config.down().head, head);
            // The head is loaded only when the ring seems full.
            let outcome = loop {
                match send(&mut link.main, 2048) {
                    Ok(true) => {}
                    outcome => break outcome,
                }
            };
            // A head beyond what the consumer can have consumed is refused. 64 is within it.
            assert_eq!(outcome, if head == 64 { Ok(false) } else { Err(Gone) }, "{head:#x}");
            assert_eq!(refused(receive(&mut link.main)), head != 64);
        }
    }

    #[test]
    fn a_peer_that_comes_back_to_life_stays_gone() {
        let mut link = Link::new();
        link.region.store(WORKER.closed, 1);
        assert_eq!(receive(&mut link.main), Err(ReceiveError::Gone(Gone)));
        link.region.store(WORKER.closed, 0);
        assert_eq!(receive(&mut link.main), Err(ReceiveError::Gone(Gone)));
        assert_eq!(send(&mut link.main, 16), Err(Gone));
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: if cfg!(miri) { 4 } else { 500 },
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        /// A producer that sleeps for want of room is rung, and finds it, before the consumer has nothing left to do.
        #[test]
        fn reports_of_room_are_often_enough(rounds in prop::collection::vec((16..=2048usize, 0..20usize), 1..40)) {
            let mut link = Link::new();
            for (len, consumed) in rounds {
                while send(&mut link.worker, len).unwrap() {}
                // Records consumed before it sleeps count towards the next report.
                for _ in 0..consumed {
                    let _ = receive(&mut link.main);
                }
                if send(&mut link.worker, 2048).unwrap() || !link.worker.arm(true) {
                    continue;
                }
                let mut rung = 0;
                while receive(&mut link.main).unwrap() {
                    if link.region.load(WORKER.parked) == 0 {
                        rung += 1;
                        if link.worker.arm(true) {
                            continue;
                        }
                        break;
                    }
                }
                prop_assert!((1..=2).contains(&rung));
                prop_assert_eq!(send(&mut link.worker, 2048), Ok(true));
                link.worker.disarm();
            }
        }
    }

    /// A step of a hostile peer, or of the endpoint.
    #[derive(Clone, Debug)]
    enum Step {
        Word { at: usize, value: u32 },
        Bytes { at: usize, bytes: Vec<u8> },
        PeerSends(usize),
        PeerReceives,
        Send(usize),
        Receive(usize),
        Sleep(bool),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let control = (0..16usize).prop_map(|line| line * 128);
        let ring = (0..(32usize << 10) / 64).prop_map(|line| CONTROL_LEN + line * 64);
        let start = (0..4usize, any::<bool>())
            .prop_map(|(line, down)| CONTROL_LEN + line * 64 + (16 << 10) * usize::from(down));
        let value = prop_oneof![
            any::<u32>(),
            0..3u32,
            1..2100u32,
            (0..300u32).prop_map(|lines| lines * 64),
            (0..300u32).prop_map(|lines| PADDING | (lines * 64)),
        ];
        let step = prop_oneof![
            4 => (prop_oneof![control, ring, start], value).prop_map(|(at, value)| Step::Word { at, value }),
            1 => (0..36_000usize, prop::collection::vec(any::<u8>(), 0..300)).prop_map(|(at, bytes)| Step::Bytes { at, bytes }),
            2 => (16..=2048usize).prop_map(Step::PeerSends),
            2 => Just(Step::PeerReceives),
            3 => (16..=2048usize).prop_map(Step::Send),
            3 => (1..100usize).prop_map(Step::Receive),
            1 => any::<bool>().prop_map(Step::Sleep),
        ];
        prop::collection::vec(step, 1..if cfg!(miri) { 20 } else { 200 })
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: if cfg!(miri) { 4 } else { 500 },
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        /// With any writes of the peer, an endpoint does not panic, does not read outside of the memory, and stops after invalid data.
        #[test]
        fn nonsense_in_the_memory_is_survived(steps in steps()) {
            let Link { region, mut main, mut worker, config } = Link::new();
            let mut over = None;
            for step in steps {
                match step {
                    Step::Word { at, value } => region.store(at, value),
                    Step::Bytes { at, bytes } => {
                        region.copy_in(at, &bytes[..bytes.len().min(config.region_len() - at)]);
                    }
                    Step::PeerSends(len) => drop(send(&mut worker, len)),
                    Step::PeerReceives => drop(receive(&mut worker)),
                    Step::Send(len) => {
                        let outcome = send(&mut main, len);
                        prop_assert!(over.is_none() || outcome == Err(Gone));
                    }
                    Step::Receive(times) => {
                        for _ in 0..times {
                            let outcome = receive(&mut main);
                            if let Some(over) = &over {
                                prop_assert_eq!(outcome.as_ref().unwrap_err(), over);
                            }
                            match outcome {
                                Ok(true) => {}
                                Ok(false) => break,
                                Err(error) => over = Some(error),
                            }
                        }
                    }
                    Step::Sleep(room) => {
                        if main.arm(room) {
                            prop_assert!(over.is_none());
                        }
                        main.disarm();
                        main.wait(room, Some(Duration::from_nanos(1)));
                    }
                }
            }
        }
    }
}
