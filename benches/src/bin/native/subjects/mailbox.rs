//! A request and a response in shared memory, each announced by a word of its own: what no protocol can beat by much.

use std::sync::atomic::{AtomicU32, Ordering};

use rustix::thread::futex;

use super::{Payload, Subject, pair, serve_child};
use crate::case::{Case, Condition};
use crate::child::{self, Caller};
use crate::measure::{Meter, Plan};
use crate::shared::Shared;
use coincide_benches::report::{Batch, Kind};

/// Two ends that spin on the words.
pub(crate) struct Limit;

impl Subject for Limit {
    fn name(&self) -> &'static str {
        "limit"
    }

    fn about(&self) -> &'static str {
        "two ends that spin on shared words, and copy the payload in and out: the lower bound"
    }

    fn kind(&self) -> Kind {
        Kind::Bound
    }

    fn takes(&self, case: &Case) -> bool {
        case.condition == Condition::Hot
    }

    fn run_threads(&self, case: &Case, meter: &mut Meter) -> anyhow::Result<()> {
        run_threads(Waiting::Spin, case, meter)
    }

    fn run_processes(&self, case: &Case, plan: &Plan) -> anyhow::Result<Batch> {
        run_processes(self, Waiting::Spin, case, plan)
    }

    fn call_from_child(&self, case: &Case, meter: &mut Meter) -> anyhow::Result<()> {
        call_from_child(Waiting::Spin, case, meter)
    }
}

/// How an end waits for a word to change.
#[derive(Clone, Copy)]
pub(super) enum Waiting {
    Spin,
    /// In the kernel, at once.
    Futex,
}

pub(super) fn run_threads(waiting: Waiting, case: &Case, meter: &mut Meter) -> anyhow::Result<()> {
    let memory = Shared::new(memory_len(case))?;
    let mailbox = Mailbox { memory: &memory, waiting, flags: futex::Flags::PRIVATE, bytes: case.bytes() };
    pair(case, || mailbox.serve(None), || mailbox.call(case, meter))
}

pub(super) fn run_processes(
    subject: &dyn Subject,
    waiting: Waiting,
    case: &Case,
    plan: &Plan,
) -> anyhow::Result<Batch> {
    let memory = Shared::new(memory_len(case))?;
    let mailbox = Mailbox { memory: &memory, waiting, flags: futex::Flags::empty(), bytes: case.bytes() };
    serve_child(subject, case, plan, &memory.name(), |caller| mailbox.serve(Some(caller)))
}

pub(super) fn call_from_child(waiting: Waiting, case: &Case, meter: &mut Meter) -> anyhow::Result<()> {
    let memory = Shared::open(&child::link()?)?;
    Mailbox { memory: &memory, waiting, flags: futex::Flags::empty(), bytes: case.bytes() }.call(case, meter)
}

#[derive(Clone, Copy)]
struct Mailbox<'a> {
    memory: &'a Shared,
    waiting: Waiting,
    flags: futex::Flags,
    /// Length of each message.
    bytes: usize,
}

impl Mailbox<'_> {
    /// The caller's end: writes the request, increments its word, waits for the response's word to be the same.
    fn call(&self, case: &Case, meter: &mut Meter) -> anyhow::Result<()> {
        let _stop = Stop(self);
        let (request, response) = (0, response_at(self.bytes));
        let mut payload = Payload::new(case);
        let mut answer = vec![0; self.bytes];
        let mut number = 0;
        meter.run(|| {
            // SAFETY: the callee reads the request only between the two words' changes.
            unsafe { self.memory.write(request + PAYLOAD, payload.next()) };
            number += 1;
            self.publish(request, number);
            self.wait_while(response, number - 1, None);
            // SAFETY: the callee has published the response, and writes the next one after the next request.
            unsafe { self.memory.read(response + PAYLOAD, &mut answer) };
            payload.check(&answer)
        })
    }

    /// The callee's end: copies each request out, and the response in.
    fn serve(&self, caller: Option<&Caller>) -> anyhow::Result<()> {
        let (request, response) = (0, response_at(self.bytes));
        let mut buffer = vec![0; self.bytes];
        let mut number = 0;
        loop {
            if !self.wait_while(request, number, caller) {
                return Ok(());
            }
            number += 1;
            // SAFETY: the caller has published the request and waits for the response.
            unsafe {
                self.memory.read(request + PAYLOAD, &mut buffer);
                self.memory.write(response + PAYLOAD, &buffer);
            }
            self.publish(response, number);
        }
    }

    fn publish(&self, word: usize, number: u32) {
        // Release: after the payload. Pairs with the loads in `wait_while`.
        self.memory.word(word).store(number, Ordering::Release);
        self.wake(self.memory.word(word));
    }

    fn wake(&self, word: &AtomicU32) {
        if let Waiting::Futex = self.waiting {
            // Fails only for addresses that are no words.
            let _ = futex::wake(word, self.flags, 1);
        }
    }

    /// Waits until the word is no longer `number`. `false`: the caller has gone.
    fn wait_while(&self, word: usize, number: u32, caller: Option<&Caller>) -> bool {
        let word = self.memory.word(word);
        loop {
            for _ in 0..POLLS {
                // Acquire: before the payload. Pairs with the store in `publish`.
                let now = word.load(Ordering::Acquire);
                if now != number {
                    return now != GONE;
                }
                match self.waiting {
                    Waiting::Spin => std::hint::spin_loop(),
                    // That the word has changed already, or a signal came, is found out above.
                    Waiting::Futex => {
                        let _ = futex::wait(word, self.flags, number, None);
                    }
                }
            }
            if caller.is_some_and(Caller::has_finished) {
                return false;
            }
        }
    }
}

/// Tells the callee that the caller has gone, however it went.
struct Stop<'a, 'b>(&'a Mailbox<'b>);

impl Drop for Stop<'_, '_> {
    fn drop(&mut self) {
        self.0.publish(0, GONE);
    }
}

/// The request lies at offset 0: a word, and the payload in the same cache line as far as it fits. The response lies at the next
/// page but one.
fn response_at(bytes: usize) -> usize {
    (bytes + PAYLOAD).next_multiple_of(4096) + 4096
}

fn memory_len(case: &Case) -> usize {
    2 * response_at(case.bytes())
}

const PAYLOAD: usize = 8;

const GONE: u32 = u32::MAX;

/// Polls of the word between two checks of the child.
const POLLS: u32 = 1 << 14;
