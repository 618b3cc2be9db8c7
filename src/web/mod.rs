//! Workers of a page or of Node.js, whose links lie in a `SharedArrayBuffer` or travel in messages. Both ends live in event loops.

use crate::calls::error::SpawnError;
use crate::events::{delay, next_task};
use crate::main::{Main, TURN, Turn, Worker, WorkerBuilder};
use crate::worker::{Scope, WorkerEndpoint};
use coincide_proto::Config;
use coincide_transport_atomics::{Bell, web as atomics};
use coincide_transport_sw::web::{self as messages, Inbox, Relay};
use futures_util::future::{Either, select};
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

impl Main {
    /// Drives main in the event loop of the page for as long as there is a handle of it: takes a turn whenever there is something to
    /// do, and lets the page work in between. For `wasm_bindgen_futures::spawn_local`.
    pub fn run(&self) -> impl Future<Output = ()> + use<> {
        let (shared, bell) = (Rc::downgrade(&self.shared), Arc::clone(&self.shared.bell));
        async move {
            while let Some(turn) = shared.upgrade().map(|shared| shared.turn(TURN, &|| false)) {
                wait_for_next(turn, &bell).await;
            }
        }
    }
}

impl WorkerBuilder<'_> {
    /// A new link in a `SharedArrayBuffer`, for [`attach_buffer`](Self::attach_buffer) here and [`Scope::attach_buffer`] in the worker.
    ///
    /// # Errors
    /// Whatever JavaScript throws: there is no `SharedArrayBuffer`, because the page is not cross-origin isolated, or no memory.
    pub fn create_buffer(&self) -> Result<JsValue, JsValue> {
        atomics::create(self.rings)
    }

    /// Takes on the worker that has or will get the link in `buffer`. A worker that can't listen to shared words (because it has no
    /// `Atomics.waitAsync`) is woken by `port`, whose `postMessage` is called then, as well.
    ///
    /// # Errors
    /// When the name is taken, or there is no link in the buffer.
    pub fn attach_buffer(self, buffer: &JsValue, port: Option<&JsValue>) -> Result<Worker, SpawnError> {
        self.check_name()?;
        let end = atomics::main_transport(buffer, Arc::clone(&self.main.bell))?;
        if let Some(port) = port {
            end.wake_by_port(port);
        }
        Ok(self.connect(Box::new(end)))
    }
}

impl WorkerBuilder<'_> {
    /// Takes on a worker whose frames travel in messages: they leave by `port.postMessage(packet, transfer)`, and what arrives has to be given
    /// to the inbox. The worker can block if both ends have the same `relay`.
    ///
    /// # Errors
    /// When the name is taken.
    pub fn attach_port(self, port: &JsValue, relay: Option<&Relay>) -> Result<(Worker, Inbox), SpawnError> {
        self.check_name()?;
        let bell = Arc::clone(&self.main.bell);
        let (end, inbox) = messages::main_transport(port, relay, move || bell.ring());
        Ok((self.connect(Box::new(end)), inbox))
    }
}

/// A worker's end in its event loop: what drives it, and what rings it.
#[derive(Debug)]
pub struct Attached {
    /// The worker's own side.
    pub scope: Scope,
    /// Makes the driver look: to be rung by the port that main wakes this worker by, if it needs one.
    pub bell: Arc<Bell>,
}

impl Scope {
    /// Takes up the link that main has given to this worker. [`run`](Attached::run) then has to drive it.
    ///
    /// # Errors
    /// When there is no link in the buffer.
    pub fn attach_buffer(buffer: &JsValue, port: Option<&JsValue>, limits: Config) -> io::Result<Attached> {
        let bell = Bell::new()?;
        let end = atomics::worker_transport(buffer, Arc::clone(&bell))?;
        if let Some(port) = port {
            end.wake_by_port(port);
        }
        let ringer = end.ringer();
        Ok(Attached {
            scope: Self::new(WorkerEndpoint::new(
                Box::new(end),
                Arc::new(move || ringer.ring()),
                limits,
                Some(Arc::clone(&bell)),
            )),
            bell,
        })
    }
}

impl Scope {
    /// Takes up a link whose frames travel in messages; see [`WorkerBuilder::attach_port`].
    ///
    /// # Errors
    /// Never on platforms that there are.
    pub fn attach_port(port: &JsValue, relay: Option<&Relay>, limits: Config) -> io::Result<(Attached, Inbox)> {
        let bell = Bell::new()?;
        let ring = {
            let bell = Arc::clone(&bell);
            move || bell.ring()
        };
        let (end, inbox) = messages::worker_transport(port, relay, ring.clone());
        let scope = Self::new(WorkerEndpoint::new(Box::new(end), Arc::new(ring), limits, Some(Arc::clone(&bell))));
        Ok((Attached { scope, bell }, inbox))
    }
}

impl Attached {
    /// Serves the exports in the worker's event loop until the link is closed, and what was queued before has been sent. For `wasm_bindgen_futures::spawn_local`.
    pub fn run(&self) -> impl Future<Output = ()> + use<> {
        let (scope, bell) = (self.scope.clone(), Arc::clone(&self.bell));
        async move {
            loop {
                let turn = scope.endpoint.turn(TURN);
                // The link may have been closed in this very turn, and then nobody rings any more.
                if scope.endpoint.has_left() {
                    return;
                }
                wait_for_next(turn, &bell).await;
            }
        }
    }
}

/// Waits until the next turn is due.
async fn wait_for_next(turn: Turn, bell: &Bell) {
    let timeout = match turn {
        Turn::More => {
            // Fails only if the event loop has been torn down.
            let _ = JsFuture::from(next_task()).await;
            return;
        }
        Turn::Idle { timeout } => timeout,
    };
    let mut registered = false;
    let rung = poll_fn(|context| {
        if std::mem::replace(&mut registered, true) {
            return Poll::Ready(());
        }
        // Only what has to do with processes could fail. The waker is woken at once if the bell was rung before.
        let _ = bell.set_waker(Some(context.waker().clone()));
        Poll::Pending
    });
    match timeout {
        None => rung.await,
        Some(timeout) => {
            let delay = JsFuture::from(delay(milliseconds(timeout)));
            // Whichever it was: a turn too many does no harm.
            let (Either::Left(_) | Either::Right(_)) = select(pin!(rung), pin!(delay)).await;
        }
    }
}

/// Rounded up, so that a deadline has passed when the timer fires; timers take 31 bits.
fn milliseconds(timeout: Duration) -> f64 {
    (timeout.as_secs_f64() * 1000.0).ceil().min(f64::from(i32::MAX))
}
