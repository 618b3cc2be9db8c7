//! A link over loom's memory, for the tests of the algorithm: `RUSTFLAGS="--cfg loom"`.
//!
//! Length words and the words of the control block are loom's atomics, so loads may return any value that the orderings allow. The bytes of
//! frames are loom's cells, so a copy that is not ordered after the copy of the other end is an error.

use crate::doorbell::Doorbell;
use crate::endpoint::{Endpoint, Ringer, Wake};
use crate::layout::{CONTROL_LEN, RECORD_ALIGN, Rings};
use crate::memory::Memory;
use coincide_proto::{FrameBytes, Gone, ReceiveError, Transmit};
use loom::cell::Cell;
use loom::sync::atomic::{AtomicU32, Ordering};
use loom::sync::{Condvar, Mutex};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// One end of a link in a loom model.
pub struct ModelEnd(Endpoint<LoomMemory>);

/// Makes `wait` of a [`ModelEnd`] return.
#[derive(Clone)]
pub struct ModelRinger(Ringer<LoomMemory>);

/// The ends of main and of the worker.
pub fn pair(config: Rings) -> (ModelEnd, ModelEnd) {
    let doorbell = Doorbell::new().expect("takes no descriptor");
    let memory = LoomMemory::new(config.region_len());
    config.describe(&memory);
    let main = Endpoint::main(memory.clone(), &config, Wake::Doorbell(Arc::clone(&doorbell)));
    let worker = Endpoint::worker(memory, &config, Wake::Doorbell(doorbell));
    (ModelEnd(main), ModelEnd(worker))
}

impl ModelEnd {
    /// Sends `word` in the first and the last four bytes of a frame of `len` bytes, a multiple of four and at least eight.
    pub fn send(&mut self, word: u32, len: usize) -> Result<bool, Gone> {
        let body = vec![0; len - 8].into_iter().chain(word.to_le_bytes()).collect::<Vec<u8>>();
        self.0.send(&Transmit::new(&word.to_le_bytes(), &body))
    }

    /// The word of the next frame, which must be the same at both of its ends.
    pub fn receive(&mut self) -> Result<Option<u32>, ReceiveError> {
        let mut received = None;
        self.0.receive_with(|frame| {
            let (mut first, mut last) = ([0; 4], [0; 4]);
            frame.copy_to(0, &mut first);
            frame.copy_to(frame.len() - 4, &mut last);
            assert_eq!(first, last, "a torn frame");
            received = Some(u32::from_le_bytes(first));
            Ok(())
        })?;
        Ok(received)
    }

    /// [`Transport::has_input`](coincide_proto::Transport::has_input).
    pub fn has_input(&self) -> bool {
        self.0.has_input()
    }

    /// [`Transport::wait`](coincide_proto::Transport::wait) without a timeout.
    pub fn wait(&mut self, room: bool) {
        self.0.wait(room, None);
    }

    /// Returns a handle that makes `wait` return.
    pub fn ringer(&self) -> ModelRinger {
        ModelRinger(self.0.ringer())
    }
}

impl ModelRinger {
    /// Makes `wait` return.
    pub fn ring(&self) {
        self.0.ring();
    }
}

#[derive(Clone)]
pub(crate) struct LoomMemory(Arc<Shared>);

struct Shared {
    words: HashMap<usize, AtomicU32>,
    bytes: HashMap<usize, Cell<u32>>,
    sleep: Mutex<()>,
    change: Condvar,
}

impl LoomMemory {
    fn new(len: usize) -> Self {
        let (mut words, mut bytes) = (HashMap::new(), HashMap::new());
        // The description shares a line, everything else of the control block has one of its own.
        for at in
            (4..16).step_by(4).chain((0..2048).step_by(128)).chain((CONTROL_LEN..len).step_by(RECORD_ALIGN as usize))
        {
            words.insert(at, AtomicU32::new(0));
        }
        for at in (CONTROL_LEN..len).step_by(4).filter(|at| !at.is_multiple_of(RECORD_ALIGN as usize)) {
            bytes.insert(at, Cell::new(0));
        }
        Self(Arc::new(Shared { words, bytes, sleep: Mutex::new(()), change: Condvar::new() }))
    }

    fn word(&self, at: usize) -> &AtomicU32 {
        &self.0.words[&at]
    }
}

impl Memory for LoomMemory {
    fn load(&self, word: usize) -> u32 {
        self.word(word).load(Ordering::Acquire)
    }

    fn store(&self, word: usize, value: u32) {
        self.word(word).store(value, Ordering::Release);
    }

    fn store_relaxed(&self, word: usize, value: u32) {
        self.word(word).store(value, Ordering::Relaxed);
    }

    fn swap(&self, word: usize, value: u32) -> u32 {
        self.word(word).swap(value, Ordering::AcqRel)
    }

    fn copy_in(&self, at: usize, bytes: &[u8]) {
        for (at, bytes) in (at..).step_by(4).zip(bytes.chunks(4)) {
            let value = u32::from_ne_bytes(bytes.try_into().expect("whole words"));
            match self.0.bytes.get(&at) {
                Some(cell) => cell.set(value),
                // A word that starts a line: inside a longer record it is one of its bytes.
                None => self.store_relaxed(at, value),
            }
        }
    }

    fn copy_out(&self, at: usize, target: &mut [u8]) {
        for (at, target) in (at..).step_by(4).zip(target.chunks_mut(4)) {
            let value = match self.0.bytes.get(&at) {
                Some(cell) => cell.get(),
                None => self.word(at).load(Ordering::Relaxed),
            };
            target.copy_from_slice(&value.to_ne_bytes());
        }
    }

    fn wait(&self, word: usize, expected: u32, _timeout: Option<Duration>) {
        let sleep = self.0.sleep.lock().expect("not poisoned");
        if self.word(word).load(Ordering::Relaxed) == expected {
            drop(self.0.change.wait(sleep));
        }
    }

    fn notify(&self, _word: usize) {
        let _sleep = self.0.sleep.lock();
        self.0.change.notify_all();
    }
}
