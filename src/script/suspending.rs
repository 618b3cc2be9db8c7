//! The tier `suspending`: a link in messages, whose worker suspends its code instead of blocking.
//!
//! Code that can be suspended is entered through one export, [`run_job`], by `WebAssembly.promising`. The browser's engine does not switch the stack
//! that LLVM keeps in linear memory. Therefore wasm-bindgen copies that stack to the heap and back, so suspended code can be resumed in any order.

// wasm-bindgen marks its experimental functions for suspending as deprecated.
#![allow(deprecated)]

use super::{Boot, WebWorker, attend, claim, config, failing, listen_to_main, post_packet, refused, ringing};
use crate::calls::clock;
use crate::calls::host::Task;
use crate::calls::turn::{TURN, Turn};
use crate::main::{Worker, WorkerBuilder};
use crate::worker::Suspender;
use crate::{Driver, Scope, SpawnError, Thrown, Tier};
use coincide_proto::engine::FiberId;
use coincide_proto::{CallId, ControlSignals, Time};
use coincide_transport_atomics::Doorbell;
use coincide_transport_sw::link::{Inbox, Platform, WeakInbox, main_transport, worker_transport};
use coincide_transport_sw::{Delivery, PollError};
use js_sys::Uint8Array;
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;

/// Why this tier is not available; `None` if it is.
pub(super) fn why_not() -> Option<String> {
    why_not_suspending()
}

/// Connects main to a Web Worker that has no link.
pub(super) fn connect(builder: WorkerBuilder<'_>, web_worker: &JsValue) -> Result<Worker, SpawnError> {
    claim(web_worker).map_err(refused)?;
    let doorbell = Arc::clone(&builder.main.doorbell);
    let (port, owned) = Port::new(web_worker.clone(), Arc::clone(&doorbell));
    let (end, inbox) = main_transport(None, port);
    let _ = owned.set(inbox.downgrade());
    let worker = builder.connect(Box::new(end));
    worker.endpoint.tier.set(Some(Tier::Suspending));
    worker.endpoint.run_in(WebWorker(web_worker.clone()));
    attend(web_worker, ringing(doorbell), delivering(&inbox), failing(&worker.endpoint));
    Ok(worker)
}

/// Serves in a worker. `setup` runs in a later microtask.
pub(super) fn serve(boot: &Boot, setup: impl FnOnce(&Scope) -> Result<(), Thrown> + 'static) -> io::Result<()> {
    let doorbell = Doorbell::new()?;
    let (port, owned) = Port::new(JsValue::UNDEFINED, Arc::clone(&doorbell));
    let (end, inbox) = worker_transport(None, port);
    let _ = owned.set(inbox.downgrade());
    let rung = Arc::clone(&doorbell);
    let driver =
        Driver::suspending(Box::new(end), Arc::new(move || rung.ring()), doorbell, config(boot), Box::new(Jspi));
    let scope = driver.scope().clone();
    listen_to_main(ringing(Arc::clone(driver.doorbell())), delivering(&inbox));
    let link = Rc::new(Link { driver, is_scheduled: Cell::new(false) });
    let waker = Waker::from(Arc::new(Scheduler));
    take_turns_by(&Closure::<dyn Fn()>::new(schedule).into_js_value());
    on_failure(&Closure::<dyn Fn(String)>::new(|text: String| super::report_panic(&text)).into_js_value());
    LINK.set(Some(Rc::clone(&link)));
    link.driver.set_waker(Some(waker))?;
    enter(move || {
        let done = setup(&scope).and_then(|()| Ok(scope.ready()?));
        if let Err(thrown) = done {
            scope.endpoint.fail(&thrown.to_string());
            // Thrown as an uncaught error, for the console.
            spawn_local(async move { wasm_bindgen::throw_str(&thrown.to_string()) });
        }
    });
    Ok(())
}

/// A worker's link, whose turns are jobs. If code in a turn is suspended, the next turn is a new job.
struct Link {
    driver: Driver,
    is_scheduled: Cell<bool>,
}

impl Link {
    fn turn(&self) {
        self.is_scheduled.set(false);
        let turn = self.driver.turn(TURN);
        if self.driver.is_done() {
            turn_after(-1.0);
            if LINK.take().is_some() {
                leave_soon();
            }
            return;
        }
        match turn {
            Turn::More => turn_next(),
            Turn::Idle { timeout } => turn_after(milliseconds(timeout)),
        }
    }
}

/// Takes a turn in a later microtask.
fn schedule() {
    let link = LINK.with_borrow(Clone::clone);
    if let Some(link) = link
        && !link.is_scheduled.replace(true)
    {
        enter(move || link.turn());
    }
}

/// Takes a turn when the doorbell rings.
struct Scheduler;

impl Wake for Scheduler {
    fn wake(self: Arc<Self>) {
        schedule();
    }
}

thread_local! {
    /// There is one link in a worker.
    static LINK: RefCell<Option<Rc<Link>>> = const { RefCell::new(None) };
    static JOBS: RefCell<VecDeque<Box<dyn FnOnce()>>> = const { RefCell::new(VecDeque::new()) };
    /// Whether the running code was entered by a job, or is a task that a job has spawned.
    static CAN_SUSPEND: Cell<bool> = const { Cell::new(false) };
}

/// Runs a job, whose code can be suspended, in a later microtask.
fn enter(job: impl FnOnce() + 'static) {
    JOBS.with_borrow_mut(|jobs| jobs.push_back(Box::new(job)));
    enter_soon(&wasm_bindgen::exports());
}

/// Runs the next job. For coincide alone.
#[allow(unreachable_pub)]
#[wasm_bindgen(jspi, js_name = coincideRunJob, skip_typescript)]
pub fn run_job() {
    let job = JOBS.with_borrow_mut(VecDeque::pop_front);
    if let Some(job) = job {
        suspendable(job);
    }
}

/// Marks the code of `run` as code that can be suspended.
fn suspendable<T>(run: impl FnOnce() -> T) -> T {
    let outer = CAN_SUSPEND.replace(true);
    let result = run();
    CAN_SUSPEND.set(outer);
    result
}

/// Suspends code by JavaScript Promise Integration.
struct Jspi;

impl Jspi {
    fn until(promise: &js_sys::Promise) -> Result<(), String> {
        CAN_SUSPEND.set(false);
        let resumed = js_sys::futures::jspi_block_on_promise(promise);
        CAN_SUSPEND.set(true);
        resumed.map(drop).map_err(|_| BELOW_JAVASCRIPT.into())
    }
}

impl Suspender for Jspi {
    fn hindrance(&self) -> Option<&'static str> {
        (!CAN_SUSPEND.get()).then_some(NOT_ENTERED)
    }

    fn suspend(&self, fiber: FiberId, timeout: Option<Duration>) -> Result<(), String> {
        let key = fiber.number();
        Self::until(&wait(key, milliseconds(timeout))).inspect_err(|_| wake(key))
    }

    fn visit_event_loop(&self) -> Result<(), String> {
        Self::until(&next_task())
    }

    fn waker(&self, fiber: FiberId) -> Waker {
        Arc::new(Resumed(fiber.number())).into()
    }

    fn spawn(&self, task: Task) {
        let task = Suspendable(task);
        if CAN_SUSPEND.get() {
            // The task can be suspended because the running code can.
            spawn_local(task);
        } else {
            enter(move || spawn_local(task));
        }
    }
}

/// Resumes the fiber with this number.
struct Resumed(u32);

impl Wake for Resumed {
    fn wake(self: Arc<Self>) {
        wake(self.0);
    }
}

/// A task whose code can be suspended, since it was spawned by code that can.
struct Suspendable(Task);

impl Future for Suspendable {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        suspendable(|| self.0.as_mut().poll(context))
    }
}

/// Posts the packets of an end.
struct Port {
    /// The Web Worker on main; undefined in the worker.
    target: JsValue,
    doorbell: Arc<Doorbell>,
    /// Posts the frames that were sent.
    flush: JsValue,
}

/// The inbox of a port's end, which is created after the port.
type Owned = Rc<OnceCell<WeakInbox>>;

impl Port {
    fn new(target: JsValue, doorbell: Arc<Doorbell>) -> (Box<Self>, Owned) {
        let inbox = Owned::default();
        let owned = Rc::clone(&inbox);
        let flush = move || {
            if let Some(inbox) = owned.get().and_then(WeakInbox::upgrade) {
                inbox.flush();
            }
        };
        let flush = Closure::<dyn Fn()>::new(flush).into_js_value();
        (Box::new(Self { target, doorbell, flush }), inbox)
    }
}

impl Platform for Port {
    fn post(&self, packet: &[u8]) {
        post_packet(&self.target, packet);
    }

    fn relay(&self, _: &[u8]) {}

    fn poll(&self, _: &str, _: Duration) -> Result<Vec<u8>, PollError> {
        Err(PollError::Failed("this link has no relay".into()))
    }

    fn now(&self) -> Duration {
        clock::now().since(Time::default())
    }

    fn pause(&self, _: Duration) {}

    fn has_out_of_band(&self) -> bool {
        false
    }

    fn interrupt(&self) {}

    fn cancel(&self, _: CallId) {}

    fn poll_control(&self, _: Option<CallId>) -> ControlSignals {
        ControlSignals::default()
    }

    fn flush_soon(&self) {
        call_soon(&self.flush);
    }

    fn ring(&self) {
        self.doorbell.ring();
    }

    fn leave(&self, _: &[u8]) {}
}

/// Takes packets from JavaScript.
fn delivering(inbox: &Inbox) -> JsValue {
    let inbox = inbox.downgrade();
    let deliver = move |packet: Uint8Array| {
        if let Some(inbox) = inbox.upgrade() {
            if packet.length() > MAX_PACKET {
                inbox.lose(packet.length() as usize);
            } else {
                inbox.handle(packet.to_vec());
            }
        }
    };
    Closure::<dyn Fn(Uint8Array)>::new(deliver).into_js_value()
}

/// Milliseconds for a timer, at most 31 bits; -1 without a timeout. Rounded up, so that the deadline has passed when the timer fires.
fn milliseconds(timeout: Option<Duration>) -> f64 {
    timeout.map_or(-1.0, |timeout| (timeout.as_secs_f64() * 1000.0).ceil().min(f64::from(i32::MAX)))
}

#[wasm_bindgen(module = "/src/script/suspending.js")]
extern "C" {
    #[wasm_bindgen(js_name = whyNotSuspending)]
    fn why_not_suspending() -> Option<String>;
    #[wasm_bindgen(js_name = onFailure)]
    fn on_failure(callback: &JsValue);
    #[wasm_bindgen(js_name = enterSoon)]
    fn enter_soon(exports: &JsValue);
    fn wait(key: u32, milliseconds: f64) -> js_sys::Promise;
    fn wake(key: u32);
    #[wasm_bindgen(js_name = takeTurnsBy)]
    fn take_turns_by(callback: &JsValue);
    #[wasm_bindgen(js_name = turnAfter)]
    fn turn_after(milliseconds: f64);
    #[wasm_bindgen(js_name = turnNext)]
    fn turn_next();
    #[wasm_bindgen(js_name = callSoon)]
    fn call_soon(callback: &JsValue);
    #[wasm_bindgen(js_name = leaveSoon)]
    fn leave_soon();
}

#[wasm_bindgen(module = "/src/web/events.js")]
extern "C" {
    #[wasm_bindgen(js_name = nextTask)]
    fn next_task() -> js_sys::Promise;
}

/// Largest packet of an end that follows the protocol: a full window, the frame that exceeds it, and their lengths.
const MAX_PACKET: u32 = 2 * (Delivery::WINDOW + Delivery::MAX_FRAME) as u32;

const NOT_ENTERED: &str = "this code cannot be suspended, because the event loop has entered it directly, as a task of `spawn_local`, a `Closure` or a \
    function of wasm-bindgen: await the call by `Scope::proxy`, or make it in the setup function, an export, a callback or a task of `Scope::spawn`";

const BELOW_JAVASCRIPT: &str = "this code cannot be suspended, because a JavaScript function has called it: return from that function before the call, \
    or make the call in a task of `Scope::spawn`";
