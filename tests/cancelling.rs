//! Calls of exports that main ends early: the functions that run for them stop.

use coincide::{CallError, CallErrorKind, CallFuture, Main, Scope, Stop, Thrown, Worker};
use coincide_proto::conformance::{LIMIT, within};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use std::cell::{Cell, RefCell};
use std::future::pending;
use std::rc::Rc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

/// Channel for the worker's reports.
type Log = Sender<String>;

/// A timeout that never expires in a test that passes.
const LONG: Duration = Duration::from_secs(60);

/// Exports functions that wait until they are stopped, each in a different way, and report the error that stopped them.
fn exports(scope: &Scope, log: &Log) -> Result<(), Thrown> {
    type Wait = fn(&Scope) -> String;
    let waits: [(&str, Wait); 4] = [
        ("checks", |scope| {
            loop {
                if let Err(stop) = scope.check() {
                    return format!("{stop:?}");
                }
            }
        }),
        ("sleeps", |scope| format!("{:?}", scope.sleep(LONG).unwrap_err())),
        ("blocks", |scope| variant(&scope.sync().call::<()>("never", ()).unwrap_err())),
        ("calls", |scope| {
            loop {
                if let Err(error) = scope.sync().call::<()>("ping", ()) {
                    return variant(&error);
                }
            }
        }),
    ];
    for (name, wait) in waits {
        let (own, log) = (scope.clone(), log.clone());
        scope.export(name, move || {
            own.sync().notify("begun", ()).unwrap();
            let stopped = wait(&own);
            // A function is stopped once, so later calls succeed.
            assert_eq!(own.check(), Ok(()));
            assert_eq!(own.sleep(Duration::ZERO), Ok(()));
            assert_eq!(own.sync().call::<()>("ping", ()), Ok(()));
            log.send(format!("{name}: {stopped}")).unwrap();
        });
    }
    let own = scope.clone();
    // An asynchronous function that blocks in its own poll.
    let log = log.clone();
    scope.export_async("polls", move || {
        let (own, log) = (own.clone(), log.clone());
        async move {
            own.sync().notify("begun", ()).unwrap();
            let stopped = variant(&own.sync().call::<()>("never", ()).unwrap_err());
            log.send(format!("polls: {stopped}")).unwrap();
        }
    });
    scope.export("answer", || 42);
    Ok(())
}

fn variant(error: &CallError) -> String {
    match error {
        CallError { kind: CallErrorKind::Cancelled, .. } => "Cancelled".into(),
        other => other.to_string(),
    }
}

/// The worker, how many of its functions have begun, and what it reports.
fn link(setup: impl FnOnce(&Scope, &Log) -> Result<(), Thrown> + Send + 'static) -> Linked {
    let (log, reports) = mpsc::channel();
    let main = Main::new().unwrap();
    let worker = main.spawn(move |scope| setup(scope, &log)).unwrap();
    let begun = Rc::new(Cell::new(0));
    let own = Rc::clone(&begun);
    worker.register("begun", move || own.set(own.get() + 1));
    worker.register("ping", || ());
    worker.register_async("never", pending::<()>);
    main.block_on(worker.ready()).unwrap();
    Linked { main, worker, begun, reports }
}

struct Linked {
    main: Main,
    worker: Worker,
    begun: Rc<Cell<u32>>,
    reports: Receiver<String>,
}

impl Linked {
    /// Calls an export, and waits until it has begun.
    fn begin(&self, name: &str) -> CallFuture<()> {
        let before = self.begun.get();
        let call = self.worker.proxy().call::<()>(name, ());
        self.turn_until(|| self.begun.get() > before);
        call
    }

    fn turn_until(&self, done: impl Fn() -> bool) {
        let start = std::time::Instant::now();
        while !done() {
            let _ = self.main.turn(Duration::from_millis(1));
            assert!(start.elapsed() < LONG, "the condition does not become true");
            std::thread::yield_now();
        }
    }

    /// The worker's next report.
    fn report(&self) -> String {
        let report = RefCell::new(None);
        self.turn_until(|| {
            *report.borrow_mut() = self.reports.try_recv().ok();
            report.borrow().is_some()
        });
        report.take().unwrap()
    }

    fn is_free(&self) {
        assert_eq!(self.main.block_on(self.worker.proxy().with_timeout(LONG).call::<i32>("answer", ())), Ok(42));
    }
}

#[test]
fn dropped_and_timed_out_calls_stop_their_functions() {
    within(LIMIT, || {
        let it = link(exports);
        for name in ["checks", "sleeps", "blocks", "calls", "polls"] {
            drop(it.begin(name));
            assert_eq!(it.report(), format!("{name}: Cancelled"), "dropped");
            it.is_free();

            let begun = it.begun.get();
            // Repeats until the call has begun before its timeout.
            while it.begun.get() == begun {
                let call = it.worker.proxy().with_timeout(Duration::from_millis(30)).call::<()>(name, ());
                assert_eq!(
                    it.main.block_on(call),
                    Err(CallError { function: name.into(), kind: CallErrorKind::TimedOut })
                );
                it.is_free();
            }
            assert_eq!(it.report(), format!("{name}: Cancelled"), "timed out");
        }
    });
}

#[test]
fn call_cancelled_before_it_runs_never_runs_and_stops_no_other() {
    within(LIMIT, || {
        let it = link(|scope, log| {
            exports(scope, log)?;
            let (own, log) = (scope.clone(), log.clone());
            // Receives calls of main only by `check`, until main ends it.
            scope.export("checks_for_long", move || {
                own.sync().notify("begun", ()).unwrap();
                let mut looks = 0;
                let stop = loop {
                    looks += 1;
                    if looks == 1000 {
                        own.sync().notify("looked", ()).unwrap();
                    }
                    if let Err(stop) = own.check() {
                        break stop;
                    }
                };
                log.send(format!("checks_for_long: {stop:?}")).unwrap();
            });
            Ok(())
        });
        let looked = Rc::new(Cell::new(false));
        let own = Rc::clone(&looked);
        it.worker.register("looked", move || own.set(true));
        let running = it.begin("checks_for_long");
        drop(it.worker.proxy().call::<()>("checks", ()));
        it.turn_until(|| looked.get());
        assert!(it.reports.try_recv().is_err(), "the call that runs is another one");
        it.worker.interrupt();
        assert_eq!(it.report(), "checks_for_long: Interrupted");
        it.main.block_on(running).unwrap();
        it.is_free();
        assert!(it.reports.try_recv().is_err());
    });
}

/// `outer` is blocked in a function of main that calls `inner`, which waits.
fn nested(inner: &'static str, drops_inner: bool) -> (Linked, CallFuture<()>) {
    let it = link(|scope, log| {
        exports(scope, log)?;
        let (own, log) = (scope.clone(), log.clone());
        scope.export("outer", move || {
            let error = own.sync().call::<()>("nests", ()).unwrap_err();
            assert_eq!(own.check(), Ok(()));
            log.send(format!("outer: {}", variant(&error))).unwrap();
        });
        Ok(())
    });
    let (exports, kept) = (it.worker.proxy(), Rc::new(RefCell::new(None::<LocalBoxFuture<'static, _>>)));
    it.worker.register_async("nests", move || {
        let call = exports.call::<()>(inner, ());
        if drops_inner {
            call.map(|_| ()).boxed_local()
        } else {
            // Outlives the function, as the promises of a main in JavaScript do.
            *kept.borrow_mut() = Some(call.boxed_local());
            pending::<()>().boxed_local()
        }
    });
    let outer = it.begin("outer");
    (it, outer)
}

#[test]
fn cancel_stops_each_function_of_the_call_once() {
    within(LIMIT, || {
        for drops_inner in [false, true] {
            for inner in ["checks", "sleeps", "blocks", "calls"] {
                let (it, outer) = nested(inner, drops_inner);
                drop(outer);
                assert_eq!(it.report(), format!("{inner}: Cancelled"));
                assert_eq!(it.report(), "outer: Cancelled");
                it.is_free();
                assert!(it.reports.try_recv().is_err());
            }
        }
    });
}

/// The worker runs an unrelated call of main while it is blocked in a call that is cancelled.
#[test]
fn unrelated_call_nested_in_cancelled_call_completes() {
    within(LIMIT, || {
        let it = link(|scope, log| {
            exports(scope, log)?;
            let (own, log) = (scope.clone(), log.clone());
            scope.export("asks", move || {
                own.sync().notify("begun", ()).unwrap();
                for _ in 0..1000 {
                    own.check()?;
                    own.sync().call::<()>("ping", ())?;
                }
                own.sync().call::<()>("proceed", ())?;
                own.check()?;
                log.send("asks: to its end".into()).unwrap();
                Ok::<i32, Thrown>(7)
            });
            Ok(())
        });
        let proceed = Rc::new(Cell::new(false));
        let own = Rc::clone(&proceed);
        it.worker.register_async("proceed", move || {
            let own = Rc::clone(&own);
            std::future::poll_fn(move |context| {
                context.waker().wake_by_ref();
                if own.get() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
            })
        });
        let outer = it.begin("blocks");
        let before = it.begun.get();
        let mut inner = it.worker.proxy().call::<i32>("asks", ()).boxed_local();
        it.turn_until(|| it.begun.get() > before);
        drop(outer);
        proceed.set(true);
        assert_eq!(it.main.block_on(&mut inner), Ok(7));
        assert_eq!(it.report(), "asks: to its end");
        assert_eq!(it.report(), "blocks: Cancelled");
        it.is_free();
    });
}

/// Only the nested call is cancelled, inside an outer one that continues.
#[test]
fn cancel_of_nested_call_does_not_stop_outer_call() {
    within(LIMIT, || {
        let it = link(|scope, log| {
            exports(scope, log)?;
            let own = scope.clone();
            scope.export("outer", move || {
                own.sync().call::<()>("nests", ())?;
                own.check()?;
                Ok::<i32, Thrown>(1)
            });
            Ok(())
        });
        for inner in ["checks", "sleeps", "blocks", "calls"] {
            let exports = it.worker.proxy().with_timeout(Duration::from_millis(30));
            it.worker
                .register_async("nests", move || exports.call::<()>(inner, ()).map(|result| assert!(result.is_err())));
            let begun = it.begun.get();
            while it.begun.get() == begun {
                assert_eq!(it.main.block_on(it.worker.proxy().call::<i32>("outer", ())), Ok(1));
            }
            assert_eq!(it.report(), format!("{inner}: Cancelled"));
        }
    });
}

#[test]
fn cancel_drops_future_of_function_of_main() {
    within(LIMIT, || {
        struct Dropped(Rc<Cell<bool>>);
        impl Drop for Dropped {
            fn drop(&mut self) {
                self.0.set(true);
            }
        }
        let it = link(exports);
        let dropped = Rc::new(Cell::new(false));
        let own = Rc::clone(&dropped);
        it.worker.register_async("never", move || {
            let guard = Dropped(Rc::clone(&own));
            async move {
                pending::<()>().await;
                drop(guard);
            }
        });
        drop(it.begin("blocks"));
        assert_eq!(it.report(), "blocks: Cancelled");
        it.is_free();
        assert!(dropped.get());
    });
}

#[test]
fn interrupt_and_cancellation_are_reported_separately() {
    within(LIMIT, || {
        let it = link(|scope, log| {
            let (own, log) = (scope.clone(), log.clone());
            scope.export("checks", move || {
                own.sync().notify("begun", ()).unwrap();
                let next = || loop {
                    if let Err(stop) = own.check() {
                        return stop;
                    }
                };
                let stops = [next(), next()];
                assert!(stops.contains(&Stop::Interrupted) && stops.contains(&Stop::Cancelled), "{stops:?}");
                log.send("both".into()).unwrap();
            });
            scope.export("answer", || 42);
            Ok(())
        });
        let call = it.begin("checks");
        it.worker.interrupt();
        drop(call);
        assert_eq!(it.report(), "both");
        it.is_free();
    });
}
