//! Workers in Rust on a page: the life cycle of their Web Worker, from its first message to its end.

use crate::calls::failure::panic_message;
use crate::main::{MainEndpoint, Runner, Worker, WorkerBuilder};
use crate::{Config, Driver, Main, Scope, SpawnError, Thrown};
use coincide_proto::CloseReason;
use coincide_transport_atomics::{Doorbell, web as atomics};
use std::fmt;
use std::io;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;

#[cfg(not(feature = "suspending"))]
mod not_suspending;
#[cfg(feature = "suspending")]
mod suspending;

#[cfg(not(feature = "suspending"))]
use not_suspending as suspending;

/// How a worker of a page reaches main and waits for it.
///
/// A worker gets the first tier that is available, or the [requested](WorkerBuilder::tier) one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tier {
    /// Rings in shared memory; the worker blocks. The page must be cross-origin isolated.
    SharedMemory,
    /// Messages. A call suspends the worker's code, and the worker's event loop runs. Needs the feature `suspending` of this crate, and a browser
    /// with JavaScript Promise Integration: Chromium 137, Firefox 153 or later.
    ///
    /// Calls take some tens of microseconds longer. The setup function, exports, callbacks and tasks of [`Scope::spawn`] can make synchronous calls.
    /// In other code they fail with [`CallErrorKind::CannotSuspend`](crate::CallErrorKind::CannotSuspend). While code is suspended, the worker
    /// serves, asynchronous exports included. Suspended code is resumed in the order in which its calls end.
    Suspending,
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SharedMemory => "shared-memory",
            Self::Suspending => "suspending",
        })
    }
}

/// The tier of workers on this page, from [`Main::diagnose`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnosis {
    /// The default tier. `None` if no tier is available; [`WorkerBuilder::spawn_script`] then fails.
    pub tier: Option<Tier>,
    /// Why each better tier is not available.
    pub reasons: Vec<String>,
}

impl Main {
    /// Returns the default tier of workers on this page, and why no better one is available.
    ///
    /// ```no_run
    /// # use coincide::{Main, Tier};
    /// let diagnosis = Main::diagnose();
    /// if diagnosis.tier != Some(Tier::SharedMemory) {
    ///     println!("slower calls: {}", diagnosis.reasons.join("; "));
    /// }
    /// ```
    pub fn diagnose() -> Diagnosis {
        let Some(why) = why_not_shared() else {
            return Diagnosis { tier: Some(Tier::SharedMemory), reasons: Vec::new() };
        };
        match suspending::why_not() {
            None => Diagnosis { tier: Some(Tier::Suspending), reasons: vec![why] },
            Some(also) => Diagnosis { tier: None, reasons: vec![why, also] },
        }
    }
}

impl Worker {
    /// Tier of the worker. `None` if it was [attached](WorkerBuilder::attach).
    pub fn tier(&self) -> Option<Tier> {
        self.endpoint.tier.get()
    }
}

impl WorkerBuilder<'_> {
    /// Requires a tier. By default the worker gets the best one available.
    ///
    /// If it is not available, [`spawn_script`](Self::spawn_script) fails with [`SpawnError::NoTier`].
    pub fn tier(mut self, tier: Tier) -> Self {
        self.tier = Some(tier);
        self
    }

    fn chosen(&self) -> Result<Tier, SpawnError> {
        let Some(tier) = self.tier else {
            let Diagnosis { tier, reasons } = Main::diagnose();
            return tier.ok_or_else(|| SpawnError::NoTier(reasons.join("; ")));
        };
        let why = match tier {
            Tier::SharedMemory => why_not_shared(),
            Tier::Suspending => suspending::why_not(),
        };
        let refused = |why| SpawnError::NoTier(format!("a worker cannot have the tier {tier}: {why}"));
        why.map_or(Ok(tier), |why| Err(refused(why)))
    }

    /// Starts the module at `url` as a Web Worker, which runs the same wasm and passes its first message to [`serve_script`]. Relative
    /// addresses are resolved against the page's.
    ///
    /// The module imports the glue that wasm-bindgen generates for its target `web`, and calls a function of the program that calls
    /// [`serve_script`]:
    /// ```js
    /// import { initSync, worker } from './pkg/program.js';
    /// addEventListener('message', ({ data }) => { initSync(data); worker(data); }, { once: true });
    /// ```
    ///
    /// The Web Worker ends with its link. [`Worker::terminate`] ends it even while it computes, and so does dropping the last handle of main.
    /// If the script can't be loaded, throws before it has attached to the link, or panics, the link is closed for that reason. A panic of main
    /// ends its workers, unless the program is compiled to unwind.
    ///
    /// ```no_run
    /// # use coincide::{Main, Worker};
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let main = Main::new()?;
    /// wasm_bindgen_futures::spawn_local(main.run());
    /// let worker = main.worker().name("painter").spawn_script("./worker.js")?;
    /// worker.register("hello", |name: String| format!("Hello, {name}"));
    /// worker.ready().await?;
    /// let answer: i32 = worker.proxy().call("version", ()).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When the name is taken, no [`Tier`] is available, or the browser refuses the worker. A script that can't be loaded is reported later, as
    /// the reason why the link is closed.
    pub fn spawn_script(self, url: &str) -> Result<Worker, SpawnError> {
        self.check_name()?;
        self.chosen()?;
        let web_worker = start_module(url, self.name.as_deref()).map_err(refused)?;
        self.spawn_in(&web_worker).inspect_err(|_| terminate(&web_worker))
    }

    /// Uses a Web Worker that the program has created, as bundlers require: `new Worker(new URL('./worker.js', import.meta.url),
    /// { type: 'module' })`. The program must not have posted anything to it. It then belongs to the link and ends with it.
    ///
    /// # Errors
    /// When the name is taken, no [`Tier`] is available, or the value is not a Web Worker or already has a link. The worker is then
    /// unchanged. When it refuses the first message: it is then terminated.
    pub fn spawn_in(self, web_worker: &JsValue) -> Result<Worker, SpawnError> {
        self.check_name()?;
        let tier = self.chosen()?;
        #[cfg(panic = "abort")]
        end_workers_on_panic();
        let config = self.worker_config();
        let (worker, buffer) = match tier {
            Tier::SharedMemory => self.share_memory(web_worker)?,
            Tier::Suspending => (suspending::connect(self, web_worker)?, JsValue::UNDEFINED),
        };
        let booted = boot(web_worker, &wasm_bindgen::module(), &buffer, &config.name, &numbers(&config));
        booted.map_err(|error| {
            let error = refused(error);
            worker.endpoint.abort(CloseReason::FAILED, &error.to_string());
            error
        })?;
        Ok(worker)
    }

    /// Connects main to a Web Worker that has no link. Returns the worker and the shared memory.
    fn share_memory(self, web_worker: &JsValue) -> Result<(Worker, JsValue), SpawnError> {
        let buffer = atomics::create(self.rings).map_err(refused)?;
        claim(web_worker).map_err(refused)?;
        let doorbell = Arc::clone(&self.main.doorbell);
        let end = atomics::main_transport(&buffer, Arc::clone(&doorbell))?;
        if let Some(port) = doorbell_port(web_worker) {
            end.wake_by_port(&port);
        }
        let worker = self.connect(Box::new(end));
        worker.endpoint.tier.set(Some(Tier::SharedMemory));
        worker.endpoint.run_in(WebWorker(web_worker.clone()));
        attend(web_worker, ringing(doorbell), JsValue::UNDEFINED, failing(&worker.endpoint));
        Ok((worker, buffer))
    }
}

/// Serves as a worker in a Web Worker that [`WorkerBuilder::spawn_script`](crate::WorkerBuilder::spawn_script) or
/// [`spawn_in`](crate::WorkerBuilder::spawn_in) has started, whose first message is `boot`.
///
/// Runs `setup`, in which calls of main block, and reports to main that the worker is ready. Then the worker's event loop serves its exports
/// until the link is closed, which ends the Web Worker.
///
/// On [`Tier::SharedMemory`], `setup` runs before this function returns. On [`Tier::Suspending`] it starts in a later microtask, in which it can be
/// suspended.
///
/// A panic ends the worker, unless the program is compiled to unwind. Main receives its message as the reason why the link is closed.
///
/// ```no_run
/// # use coincide::{ServeError, Thrown};
/// # use wasm_bindgen::prelude::*;
/// #[wasm_bindgen]
/// pub fn worker(boot: &JsValue) -> Result<(), JsError> {
///     coincide::serve_script(boot, |scope| {
///         let greeting: String = scope.sync().call("hello", ("PyScript",))?;
///         scope.export("version", || 42);
///         Ok(())
///     })?;
///     Ok(())
/// }
/// ```
///
/// # Errors
/// When `boot` is another message, the worker is already attached to its link, or `setup` fails before this function returns. Main receives
/// the error of `setup` on either tier.
pub fn serve_script<F>(boot: &JsValue, setup: F) -> Result<(), ServeError>
where
    F: FnOnce(&Scope) -> Result<(), Thrown> + 'static,
{
    let boot = boot_of(boot).ok_or(ServeError::NotBooted)?;
    if TAKEN.swap(true, Ordering::Relaxed) {
        return Err(ServeError::Twice);
    }
    #[cfg(panic = "abort")]
    report_panics();
    if boot.buffer().is_undefined() {
        return Ok(suspending::serve(&boot, setup)?);
    }
    let driver = attached(&boot)?;
    listen_to_main(ringing(Arc::clone(driver.doorbell())), JsValue::UNDEFINED);
    let done = setup(driver.scope()).and_then(|()| Ok(driver.scope().ready()?));
    if let Err(thrown) = &done {
        report(driver.scope(), boot.is_of_package(), thrown);
    }
    spawn_local(async move {
        driver.run().await;
        leave();
    });
    done.map_err(ServeError::Setup)
}

/// Reports a failed setup to main.
fn report(scope: &Scope, is_of_package: bool, thrown: &Thrown) {
    if is_of_package {
        let class = if thrown.class.is_empty() { "Error" } else { &thrown.class };
        report_failure(class, &thrown.message, &thrown.stack);
    } else {
        scope.endpoint.fail(&thrown.to_string());
    }
}

/// Attaches to the link that main has sent to this worker.
fn attached(boot: &Boot) -> io::Result<Driver> {
    let doorbell = Doorbell::new()?;
    let transport = atomics::worker_transport(&boot.buffer(), Arc::clone(&doorbell))?;
    if let Some(port) = doorbell_port(&JsValue::UNDEFINED) {
        transport.wake_by_port(&port);
    }
    let ringer = transport.ringer();
    Ok(Driver::new(Box::new(transport), Arc::new(move || ringer.ring()), doorbell, config(boot)))
}

/// Error of [`serve_script`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The value is not the first message that main sends to a worker.
    #[error(
        "this is not the first message of a worker that was started by `spawn_script` or `spawn_in`: pass the `data` of that event"
    )]
    NotBooted,
    /// There is one link in a worker.
    #[error("this worker has attached to its link already: call `serve_script` once")]
    Twice,
    /// There is no link in the first message, or one of another version.
    #[error("the worker can't attach to its link: {0}")]
    Link(#[from] io::Error),
    /// The setup function failed.
    #[error("{0}")]
    Setup(Thrown),
}

/// The Web Worker of a link.
struct WebWorker(JsValue);

impl Runner for WebWorker {
    fn end(self: Box<Self>, orderly: bool) {
        forget(&self.0);
        if !orderly {
            terminate(&self.0);
        }
    }
}

/// Rings from JavaScript.
fn ringing(doorbell: Arc<Doorbell>) -> JsValue {
    Closure::<dyn Fn()>::new(move || doorbell.ring()).into_js_value()
}

/// Closes the link from JavaScript.
fn failing(link: &Rc<MainEndpoint>) -> JsValue {
    let link = Rc::downgrade(link);
    Closure::<dyn Fn(String, bool)>::new(move |what: String, panicked| fail(&link, &what, panicked)).into_js_value()
}

fn fail(link: &Weak<MainEndpoint>, what: &str, panicked: bool) {
    let Some(link) = link.upgrade() else {
        return;
    };
    if panicked {
        link.abort(CloseReason::FAILED, &format!("the worker panicked: {what}"));
    } else if !link.host.engine.borrow().session().is_open() {
        // Uncaught errors of a worker that is attached do not close the link.
        link.abort(CloseReason::FAILED, &format!("the worker has failed: {what}"));
    }
}

/// Reports a panic to main before it ends this instance of the wasm, after which the link is not served.
#[cfg(panic = "abort")]
fn report_panics() {
    on_panic(|panic| {
        let place = panic.location().map(|location| format!(" ({location})")).unwrap_or_default();
        report_panic(&format!("{}{place}", panic_message(panic.payload())));
    });
}

/// Makes a panic of main end its workers before it ends this instance of the wasm: otherwise they would block indefinitely.
#[cfg(panic = "abort")]
fn end_workers_on_panic() {
    static DONE: AtomicBool = AtomicBool::new(false);
    if !DONE.swap(true, Ordering::Relaxed) {
        on_panic(|_| terminate_all());
    }
}

/// Adds an action to the panic hook, which runs before the present one.
#[cfg(panic = "abort")]
fn on_panic(action: impl Fn(&std::panic::PanicHookInfo<'_>) + Send + Sync + 'static) {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        action(panic);
        before(panic);
    }));
}

/// Text of an exception of JavaScript.
fn refused(error: JsValue) -> SpawnError {
    let text =
        error.dyn_ref::<js_sys::Error>().map_or_else(|| format!("{error:?}"), |error| String::from(error.to_string()));
    io::Error::other(text).into()
}

/// Settings in the first message, as numbers of JavaScript, which represent integers up to 2^53 exactly.
fn numbers(config: &Config) -> Vec<f64> {
    let Config { name: _, max_frame, max_message, max_pending, max_depth, spare_bytes, segments, deadlock_timeout } =
        *config;
    let deadlock_timeout = deadlock_timeout.as_secs_f64();
    vec![
        max_frame.into(),
        max_message as f64,
        max_pending.into(),
        max_depth.into(),
        spare_bytes as f64,
        f64::from(u8::from(segments)),
        deadlock_timeout,
    ]
}

fn config(boot: &Boot) -> Config {
    let (name, numbers) = (boot.name(), boot.config());
    let &[max_frame, max_message, max_pending, max_depth, spare_bytes, segments, deadlock_timeout] = &*numbers else {
        // Sent by a main of the npm package.
        let config = Config { name, ..Config::default() };
        return match boot.deadlock_timeout() {
            Some(milliseconds) => Config { deadlock_timeout: duration(milliseconds / 1000.0), ..config },
            None => config,
        };
    };
    Config {
        name,
        max_frame: max_frame as u32,
        max_message: max_message as u64,
        max_pending: max_pending as u32,
        max_depth: max_depth as u16,
        spare_bytes: spare_bytes as usize,
        segments: segments != 0.0,
        deadlock_timeout: duration(deadlock_timeout),
    }
}

fn duration(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

/// Whether this instance of the wasm is attached to the link of its worker.
static TAKEN: AtomicBool = AtomicBool::new(false);

#[wasm_bindgen(module = "/src/boot.js")]
extern "C" {
    #[wasm_bindgen(js_name = whyNotShared)]
    fn why_not_shared() -> Option<String>;
}

#[wasm_bindgen(module = "/src/script.js")]
extern "C" {
    /// The part of the first message that is for the link.
    type Boot;
    #[wasm_bindgen(method, getter)]
    fn buffer(this: &Boot) -> JsValue;
    #[wasm_bindgen(method, getter)]
    fn name(this: &Boot) -> String;
    #[wasm_bindgen(method, getter)]
    fn config(this: &Boot) -> Vec<f64>;
    /// In milliseconds.
    #[wasm_bindgen(method, getter, js_name = deadlockTimeout)]
    fn deadlock_timeout(this: &Boot) -> Option<f64>;
    #[wasm_bindgen(method, getter, js_name = isOfPackage)]
    fn is_of_package(this: &Boot) -> bool;

    #[wasm_bindgen(js_name = startModule, catch)]
    fn start_module(url: &str, name: Option<&str>) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch)]
    fn claim(worker: &JsValue) -> Result<(), JsValue>;
    fn attend(worker: &JsValue, ring: JsValue, deliver: JsValue, fail: JsValue);
    #[wasm_bindgen(catch)]
    fn boot(worker: &JsValue, module: &JsValue, buffer: &JsValue, name: &str, config: &[f64]) -> Result<(), JsValue>;
    fn terminate(worker: &JsValue);
    fn forget(worker: &JsValue);
    #[cfg(panic = "abort")]
    #[wasm_bindgen(js_name = terminateAll)]
    fn terminate_all();
    #[wasm_bindgen(js_name = doorbellPort)]
    fn doorbell_port(worker: &JsValue) -> Option<JsValue>;
    #[wasm_bindgen(js_name = bootOf)]
    fn boot_of(message: &JsValue) -> Option<Boot>;
    #[wasm_bindgen(js_name = listenToMain)]
    fn listen_to_main(ring: JsValue, take: JsValue);
    #[wasm_bindgen(js_name = postPacket)]
    fn post_packet(target: &JsValue, packet: &[u8]);
    #[wasm_bindgen(js_name = reportPanic)]
    fn report_panic(text: &str);
    #[wasm_bindgen(js_name = reportFailure)]
    fn report_failure(name: &str, message: &str, stack: &str);
    fn leave();
}
