//! Several pending calls of one worker: it is suspended in them on the tier `suspending`, and blocked on others.

use coincide::{
    ByteBuf, CallError, CallErrorKind, Callback, CancelToken, CloseReason, Diagnosis, Main, RemoteFunction,
    RemoteStream, Scope, Source, SpawnError, Stop, SyncProxy, Thrown, Tier, Worker,
};
use futures_util::StreamExt;
use js_sys::Array;
use serde::{Serialize, Serializer};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::hint::black_box;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;

use super::{Checked, contains, driven, equal, failure};

/// Exports the functions that the page calls.
pub(super) fn export(scope: &Scope) {
    let sync = scope.sync();
    scope.export("through_gate", move |gate: String, seed: u32| through(&sync, &gate, seed));
    let sync = scope.sync();
    scope.export("call_with_timeout", move |gate: String| {
        let error = sync.with_timeout(Duration::from_millis(20)).call::<()>("gate", (gate,)).unwrap_err();
        error.to_string()
    });
    let (sync, token) = (scope.sync(), CancelToken::new());
    let own = token.clone();
    scope.export("cancellable", move |gate: String| {
        let error = sync.with_cancel(&own).call::<()>("gate", (gate,)).unwrap_err();
        error.to_string()
    });
    scope.export("cancel_it", move || token.cancel());
    let own = scope.clone();
    scope.export("doze", move |milliseconds: u64| outcome(own.sleep(Duration::from_millis(milliseconds))));
    let own = scope.clone();
    scope.export("report_doze", move || {
        let stopped = outcome(own.sleep(LONG));
        own.sync().notify("reported", (stopped,)).map_err(Thrown::from)
    });
    let own = scope.clone();
    scope.export("report_computation", move || {
        own.sync().notify("computes", ())?;
        let stopped = loop {
            if let Err(stop) = own.check() {
                break stop.to_string();
            }
        };
        own.sync().notify("reported", (stopped,)).map_err(Thrown::from)
    });
    let sync = scope.sync();
    scope.export("report_gate", move |gate: String| {
        let stopped = sync.call::<()>("gate", (gate,)).map_or_else(|error| error.to_string(), |()| "opened".into());
        sync.notify("reported", (stopped,)).map_err(Thrown::from)
    });
    let sync = scope.sync();
    scope.export("down", move |depth: u32| match depth {
        0 => Ok(0),
        depth => sync.call::<u32>("up", (depth - 1,)).map(|depth| depth + 1).map_err(CallError::into_thrown),
    });
    scope.export("inc", |number: u32| number + 1);
    let proxy = scope.proxy();
    scope.export_async("inc_later", move |number: u32| {
        let number = proxy.call::<u32>("inc", (number,));
        async move { number.await.map_err(CallError::into_thrown) }
    });
    let sync = scope.sync();
    scope.export_async("gate_in_future", move |gate: String, seed: u32| {
        let sync = sync.clone();
        async move { through(&sync, &gate, seed) }
    });
    let own = scope.clone();
    scope.export("begin_tasks", move |tasks: u32| {
        for number in 0..tasks {
            let sync = own.sync();
            own.spawn(async move {
                for step in 0..4 {
                    let answer = through(&sync, &format!("{number} {step}"), number).unwrap_or(u32::MAX);
                    sync.notify("task_went_on", (number, answer)).unwrap();
                }
            });
        }
    });
    scope.export("calls_back", |function: RemoteFunction, number: u32| {
        function.call_blocking::<u32>((number,)).map_err(CallError::into_thrown)
    });
    scope.export("adds_rows", |rows: RemoteStream<u32>| {
        rows.into_blocking().sum::<Result<u32, _>>().map_err(CallError::into_thrown)
    });
    let sync = scope.sync();
    scope.export("rows_by_calls", move |below: u32| {
        let sync = sync.clone();
        Source::new((0..below).map(move |number| sync.call::<u32>("inc", (number,)).map_err(CallError::into_thrown)))
    });
    let sync = scope.sync();
    scope.export("encodes_by_calls", move |gate: String| {
        let argument = (Asking { sync: sync.clone(), gate }, Callback::new(|number: u32| number + 1));
        sync.call::<u32>("takes_function", argument).map_err(CallError::into_thrown)
    });
    let own = scope.clone();
    scope.export("not_suspendable", move || {
        let (sync, local) = (own.sync(), own.sync());
        let error = Rc::new(RefCell::new(String::new()));
        let found = Rc::clone(&error);
        let each = Closure::<dyn FnMut(JsValue)>::new(move |_| {
            found.replace(said(sync.call::<u32>("inc", (1,))));
        });
        for_each(&Array::of1(&JsValue::NULL), each.as_ref());
        let again = said(own.sync().call::<u32>("inc", (1,)));
        spawn_local(async move {
            local.notify("reported", (said(local.call::<u32>("inc", (1,))),)).unwrap();
        });
        let (timer, sleeper) = (own.sync(), own.clone());
        let late = Closure::<dyn FnMut()>::new(move || {
            timer.notify("reported", (said(timer.call::<u32>("inc", (1,))),)).unwrap();
            timer.notify("reported", (outcome(sleeper.sleep(LONG)),)).unwrap();
        });
        set_timeout(late.into_js_value().as_ref(), 0);
        (error.take(), again)
    });
    scope.export("endless", || -> u32 {
        loop {
            std::hint::spin_loop();
        }
    });
}

/// Waits for main's gate, and checks that the contents of the stack are unchanged afterwards.
fn through(sync: &SyncProxy, gate: &str, seed: u32) -> Result<u32, Thrown> {
    let mut local = [seed; 500];
    black_box(&mut local);
    let answer: u32 = sync.call("gate", (gate,)).map_err(CallError::into_thrown)?;
    black_box(&mut local);
    match local.iter().find(|word| **word != seed) {
        None => Ok(seed + answer),
        Some(word) => Err(Thrown::new("Error", format!("{word} is on the stack where {seed} was"))),
    }
}

fn outcome(slept: Result<(), Stop>) -> String {
    slept.map_or_else(|stop| stop.to_string(), |()| "slept".into())
}

fn said<T: std::fmt::Debug>(called: Result<T, CallError>) -> String {
    called.map_or_else(|error| error.to_string(), |answer| format!("{answer:?}"))
}

/// A value that waits for main's gate while it is written.
struct Asking {
    sync: SyncProxy,
    gate: String,
}

impl Serialize for Asking {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let answer = through(&self.sync, &self.gate, 7).map_err(|error| serde::ser::Error::custom(&error.message))?;
        answer.serialize(serializer)
    }
}

/// Functions of main whose calls are pending until main opens them.
#[derive(Default)]
struct Gates {
    /// Whether each gate is open: an entry for each that was called or opened.
    gates: RefCell<BTreeMap<String, bool>>,
    wakers: RefCell<Vec<Waker>>,
    reports: RefCell<Vec<String>>,
    computes: Cell<u32>,
}

impl Gates {
    fn change(&self, change: impl FnOnce(&mut BTreeMap<String, bool>)) {
        change(&mut self.gates.borrow_mut());
        self.wake();
    }

    fn wake(&self) {
        self.wakers.take().into_iter().for_each(Waker::wake);
    }

    fn open(&self, gate: &str) {
        self.change(|gates| _ = gates.insert(gate.into(), true));
    }

    /// Waits until the condition holds.
    async fn until(&self, reached: impl Fn(&Self) -> bool) {
        poll_fn(|context| {
            if reached(self) {
                return Poll::Ready(());
            }
            self.wakers.borrow_mut().push(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Waits until the worker waits at this gate.
    async fn waited_at(&self, gate: &str) {
        self.until(|gates| gates.gates.borrow().contains_key(gate)).await;
    }

    /// Returns the reports when there are this many.
    async fn reported(&self, reports: usize) -> Vec<String> {
        self.until(|gates| gates.reports.borrow().len() >= reports).await;
        self.reports.take()
    }
}

fn gated(main: &Main) -> Result<(Worker, Rc<Gates>), SpawnError> {
    let worker = main.worker().spawn_script("./tests/worker.js")?;
    let gates = Rc::new(Gates::default());
    let served = Rc::clone(&gates);
    worker.register_async("gate", move |gate: String| {
        let gates = Rc::clone(&served);
        async move {
            gates.change(|gates| _ = gates.entry(gate.clone()).or_default());
            gates.until(|gates| gates.gates.borrow().get(&gate) == Some(&true)).await;
            1_u32
        }
    });
    let served = Rc::clone(&gates);
    worker.register("reported", move |report: String| {
        served.reports.borrow_mut().push(report);
        served.wake();
    });
    let served = Rc::clone(&gates);
    worker.register("computes", move || {
        served.computes.set(served.computes.get() + 1);
        served.wake();
    });
    worker.register("inc", |number: u32| number + 1);
    let proxy = worker.proxy();
    worker.register_async("up", move |depth: u32| {
        let call = proxy.call::<u32>("down", (depth,));
        async move { call.await.map_err(CallError::into_thrown) }
    });
    Ok((worker, gates))
}

pub(super) async fn tiers() -> Checked {
    let main = driven()?;
    let shared = main.worker().tier(Tier::SharedMemory).spawn_script("./tests/worker.js");
    let worker = main.worker().spawn_script("./tests/worker.js")?;
    let Diagnosis { tier, reasons, .. } = Main::diagnose();
    equal(worker.tier(), tier)?;
    match main.worker().tier(Tier::Suspending).spawn_script("./tests/worker.js") {
        Ok(suspending) => {
            equal(suspending.tier(), Some(Tier::Suspending))?;
            suspending.register("inc", |number: u32| number + 1);
            equal(suspending.proxy().call::<u32>("inc_later", (1,)).await?, 2)?;
        }
        Err(why) => contains(&why.to_string(), "lacks JavaScript Promise Integration")?,
    }
    if tier == Some(Tier::SharedMemory) {
        equal(reasons.len(), 0)?;
        return equal(shared?.tier(), Some(Tier::SharedMemory));
    }
    let refused = shared.err().ok_or("shared memory without isolation")?.to_string();
    contains(&refused, "a worker cannot have the tier shared-memory")?;
    for header in ["Cross-Origin-Opener-Policy", "Cross-Origin-Embedder-Policy"] {
        contains(&refused, header)?;
        contains(&reasons.join("; "), header)?;
    }
    Ok(())
}

pub(super) async fn nested() -> Checked {
    let main = driven()?;
    let (worker, _) = gated(&main)?;
    for depth in [1, 2, 31] {
        equal(worker.proxy().call::<u32>("down", (depth,)).await?, depth)?;
    }
    let error = failure(worker.proxy().call::<u32>("down", (1000,)).await)?;
    contains(&error.to_string(), "down")?;
    // Nothing remains pending.
    equal(worker.proxy().call::<u32>("down", (20,)).await?, 20)
}

pub(super) async fn reentrant() -> Checked {
    let main = driven()?;
    let (worker, gates) = gated(&main)?;
    let proxy = worker.proxy();
    let waits = proxy.call::<u32>("through_gate", ("a", 5));
    gates.waited_at("a").await;
    // The worker runs functions while it waits.
    equal(proxy.call::<u32>("inc", (1,)).await?, 2)?;
    let function = Callback::new(|number: u32| number * 2);
    equal(proxy.call::<u32>("calls_back", (function, 4)).await?, 8)?;
    let later = Callback::new_async(async |number: u32| Ok::<_, Thrown>(number * 3));
    equal(proxy.call::<u32>("calls_back", (later, 4)).await?, 12)?;
    equal(proxy.call::<u32>("adds_rows", (Source::new(0..100),)).await?, 4950)?;
    let mut rows = proxy.call::<RemoteStream<u32>>("rows_by_calls", (40,)).await?;
    let mut sum = 0;
    while let Some(row) = rows.next().await {
        sum += row?;
    }
    equal(sum, 820)?;
    gates.open("a");
    equal(waits.await?, 6)
}

pub(super) async fn deadlines() -> Checked {
    let main = driven()?;
    let (worker, gates) = gated(&main)?;
    let proxy = worker.proxy();
    contains(&proxy.call::<String>("call_with_timeout", ("a",)).await?, "did not return in time")?;
    let cancellable = proxy.call::<String>("cancellable", ("b",));
    gates.waited_at("b").await;
    proxy.call::<()>("cancel_it", ()).await?;
    contains(&cancellable.await?, "was cancelled")?;
    equal(proxy.call::<String>("doze", (5,)).await?, "slept".to_owned())?;
    equal(proxy.call::<String>("doze", (0,)).await?, "slept".to_owned())
}

pub(super) async fn stops() -> Checked {
    let main = driven()?;
    let (worker, gates) = gated(&main)?;
    let proxy = worker.proxy();
    for (function, gate) in [("report_gate", Some("a")), ("report_doze", None), ("report_computation", None)] {
        for interrupts in [true, false] {
            let gate = gate.map(|gate| format!("{gate} {interrupts}"));
            gates.computes.set(0);
            let call = match &gate {
                Some(gate) => proxy.call::<()>(function, (gate,)),
                None => proxy.call::<()>(function, ()),
            };
            match (&gate, function) {
                (Some(gate), _) => gates.waited_at(gate).await,
                (_, "report_computation") => gates.until(|gates| gates.computes.get() == 1).await,
                // Runs while the other function sleeps.
                _ => _ = proxy.call::<u32>("inc", (1,)).await?,
            }
            if interrupts {
                worker.interrupt();
                call.await?;
            } else {
                drop(call);
            }
            let report = gates.reported(1).await.remove(0);
            contains(&report, if interrupts { "interrupted" } else { "cancelled" })
                .map_err(|error| format!("{function}, interrupted: {interrupts}: {error}"))?;
        }
    }
    equal(proxy.call::<u32>("inc", (1,)).await?, 2)
}

pub(super) async fn ends() -> Checked {
    let main = driven()?;
    for way in ["terminate", "panic", "leave", "endless"] {
        let (worker, gates) = gated(&main)?;
        let proxy = worker.proxy();
        let waits = proxy.call::<u32>("through_gate", ("a", 5));
        gates.waited_at("a").await;
        let dozes = proxy.call::<String>("doze", (60_000,));
        proxy.call::<u32>("inc", (1,)).await?;
        let computes = (way == "endless").then(|| proxy.call::<u32>("endless", ()));
        let (reason, text) = match way {
            "panic" => {
                failure(proxy.call::<i32>("panic", ()).await)?;
                (CloseReason::FAILED, "the worker panicked: the message of the worker")
            }
            "leave" => {
                failure(proxy.call::<()>("leave", ()).await)?;
                (CloseReason::DONE, "")
            }
            _ => {
                worker.terminate();
                (CloseReason::TERMINATED, "")
            }
        };
        for error in [failure(waits.await)?, failure(dozes.await)?] {
            let CallErrorKind::Closed(closed) = &error.kind else { return Err(error.into()) };
            equal(closed.reason, reason)?;
            contains(&closed.text, text)?;
        }
        if let Some(computes) = computes {
            failure(computes.await)?;
        }
    }
    Ok(())
}

pub(super) async fn any_order() -> Checked {
    let main = driven()?;
    for export in ["through_gate", "gate_in_future"] {
        let (worker, gates) = gated(&main)?;
        let names: Vec<String> = (0..5).map(|number| number.to_string()).collect();
        for order in [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 0, 4, 1, 3]] {
            gates.gates.take();
            let mut calls = Vec::new();
            for (seed, name) in (100..).zip(&names) {
                calls.push(Some(worker.proxy().call::<u32>(export, (name, seed))));
                gates.waited_at(name).await;
            }
            for index in order {
                gates.open(&names[index]);
                let Some(call) = calls[index].take() else { return Err("each call ends once".into()) };
                equal(call.await?, 101 + index as u32)?;
            }
        }
    }
    Ok(())
}

pub(super) async fn crowd() -> Checked {
    let main = driven()?;
    let (worker, gates) = gated(&main)?;
    let proxy = worker.proxy();
    let calls: Vec<_> = (0..CROWD).map(|seed| proxy.call::<u32>("through_gate", (seed.to_string(), seed))).collect();
    gates.until(|gates| gates.gates.borrow().len() == CROWD as usize).await;
    (0..CROWD).rev().for_each(|seed| gates.open(&seed.to_string()));
    for (seed, call) in (0..).zip(calls) {
        equal(call.await?, seed + 1)?;
    }
    // More bytes than the window accepts, from suspended code.
    let bytes = ByteBuf::from(vec![7; 10 << 20]);
    equal(proxy.call::<ByteBuf>("echo", (bytes.clone(),)).await? == bytes, true)
}

pub(super) async fn asynchronous() -> Checked {
    let main = driven()?;
    let (worker, gates) = gated(&main)?;
    let proxy = worker.proxy();
    // A function that was started before and is suspended itself, and one that is started while code is suspended.
    let early = proxy.call::<u32>("gate_in_future", ("early", 3));
    gates.waited_at("early").await;
    let waits = proxy.call::<u32>("through_gate", ("a", 5));
    gates.waited_at("a").await;
    equal(proxy.call::<u32>("inc_later", (1,)).await?, 2)?;
    gates.open("early");
    equal(early.await?, 4)?;
    gates.open("a");
    equal(waits.await?, 6)?;
    // Main's function may wait for a function of the code that called it. On other tiers that is a deadlock.
    let inner = worker.proxy();
    worker.register_async("up", move |number: u32| {
        let call = inner.call::<u32>("inc_later", (number,));
        async move { call.await.map_err(CallError::into_thrown) }
    });
    equal(proxy.call::<u32>("down", (8,)).await?, 9)
}

pub(super) async fn tasks() -> Checked {
    let main = driven()?;
    let (worker, gates) = gated(&main)?;
    let steps = Rc::new(RefCell::new(Vec::new()));
    let (seen, woken) = (Rc::clone(&steps), Rc::clone(&gates));
    worker.register("task_went_on", move |number: u32, answer: u32| {
        seen.borrow_mut().push((number, answer));
        woken.wake();
    });
    const TASKS: u32 = 8;
    worker.proxy().call::<()>("begin_tasks", (TASKS,)).await?;
    for step in 0..4 {
        for number in 0..TASKS {
            gates.waited_at(&format!("{number} {step}")).await;
        }
        // In reverse order.
        for number in (0..TASKS).rev() {
            gates.open(&format!("{number} {step}"));
        }
        gates.until(|_| steps.borrow().len() == TASKS as usize).await;
        let mut found = steps.take();
        found.sort_unstable();
        equal(found, (0..TASKS).map(|number| (number, number + 1)).collect())?;
    }
    Ok(())
}

pub(super) async fn encoding() -> Checked {
    let main = driven()?;
    let (worker, gates) = gated(&main)?;
    worker.register_async("takes_function", move |number: u32, function: RemoteFunction| {
        let call = function.call::<u32>((number,));
        async move { call.await.map_err(CallError::into_thrown) }
    });
    let proxy = worker.proxy();
    let first = proxy.call::<u32>("encodes_by_calls", ("a",));
    gates.waited_at("a").await;
    let second = proxy.call::<u32>("encodes_by_calls", ("b",));
    gates.waited_at("b").await;
    gates.open("a");
    equal(first.await?, 9)?;
    gates.open("b");
    equal(second.await?, 9)
}

pub(super) async fn refusals() -> Checked {
    let main = driven()?;
    let (worker, gates) = gated(&main)?;
    let (below, again): (String, String) = worker.proxy().call("not_suspendable", ()).await?;
    contains(&below, "`inc` was not called")?;
    contains(&below, "a JavaScript function has called it")?;
    equal(again, "2".to_owned())?;
    for report in gates.reported(3).await {
        contains(&report, "the event loop has entered it")?;
        contains(&report, "Scope::spawn")?;
    }
    equal(worker.proxy().call::<u32>("down", (3,)).await?, 3)
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(callback: &JsValue, milliseconds: i32);
}

#[wasm_bindgen(inline_js = "export const forEach = (list, each) => list.forEach(item => each(item));")]
extern "C" {
    #[wasm_bindgen(js_name = forEach)]
    fn for_each(list: &Array, each: &JsValue);
}

/// Number of functions that are suspended at once.
const CROWD: u32 = 400;

const LONG: Duration = Duration::from_secs(60);
