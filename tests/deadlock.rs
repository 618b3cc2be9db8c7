//! Calls of asynchronous exports that main's functions make while the worker is blocked in them.

use coincide::{CallError, CallErrorKind, Config, Main, Scope, Thrown, Worker};
use coincide_proto::conformance::{LIMIT, within};
use futures_util::FutureExt;
use futures_util::future::{Either, LocalBoxFuture, join, select};
use std::cell::RefCell;
use std::future::{pending, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::sync::mpsc;
use std::task::Poll;
use std::time::{Duration, Instant};

/// A timeout that never expires in a test that passes.
const LONG: Duration = Duration::from_secs(60);

/// A timeout for which tests wait.
const SHORT: Duration = Duration::from_millis(50);

const PAUSE: Duration = Duration::from_millis(100);

/// Resolves after `duration`.
fn sleep(duration: Duration) -> impl Future<Output = ()> {
    let over = Instant::now() + duration;
    let mut timer = None;
    poll_fn(move |context| {
        if Instant::now() >= over {
            return Poll::Ready(());
        }
        let waker = context.waker().clone();
        timer.get_or_insert_with(|| {
            std::thread::spawn(move || {
                std::thread::sleep(over.saturating_duration_since(Instant::now()));
                waker.wake();
            })
        });
        Poll::Pending
    })
}

/// Starts a worker whose export `start` blocks in main's `ask`. Its asynchronous export `slow` gives twice its argument.
fn link(deadlock_timeout: Duration) -> (Main, Worker) {
    let main = Main::new().unwrap();
    let config = Config { deadlock_timeout, ..Config::default() };
    let worker = main.worker().config(config).spawn(exports).unwrap();
    main.block_on(worker.ready()).unwrap();
    (main, worker)
}

fn exports(scope: &Scope) -> Result<(), Thrown> {
    scope.export_async("slow", |value: i32| async move { value * 2 });
    scope.export("quick", |value: i32| value + 1);
    let sync = scope.sync();
    scope.export("start", move || sync.call::<i32>("ask", ()).map_err(CallError::into_thrown));
    let sync = scope.sync();
    scope.export("start_briefly", move || {
        let error = sync.with_timeout(SHORT).call::<i32>("ask", ()).unwrap_err();
        assert!(matches!(error, CallError { kind: CallErrorKind::TimedOut, .. }), "{error}");
        Ok::<i32, Thrown>(7)
    });
    Ok(())
}

type Calls = Rc<RefCell<Vec<LocalBoxFuture<'static, Result<i32, CallError>>>>>;

#[test]
fn call_not_awaited_by_parent_is_deferred_and_runs() {
    within(LIMIT, || {
        type Register = fn(&Worker, &Calls);
        let cases: &[(&str, Register)] = &[
            ("a synchronous function", |worker, calls| {
                let (exports, calls) = (worker.proxy(), Rc::clone(calls));
                worker.register("ask", move || {
                    calls.borrow_mut().push(exports.call::<i32>("slow", (21,)).boxed_local());
                    1
                });
            }),
            ("a synchronous function that makes several", |worker, calls| {
                let (exports, calls) = (worker.proxy(), Rc::clone(calls));
                worker.register("ask", move || {
                    for _ in 0..3 {
                        calls.borrow_mut().push(exports.call::<i32>("slow", (21,)).boxed_local());
                    }
                    1
                });
            }),
            ("an asynchronous function that continues without it", |worker, calls| {
                let (exports, calls) = (worker.proxy(), Rc::clone(calls));
                worker.register_async("ask", move || {
                    calls.borrow_mut().push(exports.call::<i32>("slow", (21,)).boxed_local());
                    let quick = exports.call::<i32>("quick", (0,));
                    async move { Ok::<i32, Thrown>(quick.await?) }
                });
            }),
            ("an asynchronous function that waits for something else", |worker, calls| {
                let (exports, calls) = (worker.proxy(), Rc::clone(calls));
                worker.register_async("ask", move || {
                    calls.borrow_mut().push(exports.call::<i32>("slow", (21,)).boxed_local());
                    sleep(PAUSE).map(|()| 1)
                });
            }),
            ("a race that a timer wins", |worker, calls| {
                let (exports, calls) = (worker.proxy(), Rc::clone(calls));
                worker.register_async("ask", move || {
                    let call = exports.call::<i32>("slow", (21,));
                    let calls = Rc::clone(&calls);
                    async move {
                        match select(call, pin!(sleep(PAUSE))).await {
                            Either::Left(_) => 0,
                            Either::Right(((), call)) => {
                                calls.borrow_mut().push(call.boxed_local());
                                1
                            }
                        }
                    }
                });
            }),
            ("a function that throws", |worker, calls| {
                let (exports, calls) = (worker.proxy(), Rc::clone(calls));
                worker.register("ask", move || {
                    calls.borrow_mut().push(exports.call::<i32>("slow", (21,)).boxed_local());
                    Err::<i32, _>(Thrown::new("RangeError", "no"))
                });
            }),
        ];
        for (name, register) in cases {
            let (main, worker) = link(LONG);
            let calls = Calls::default();
            register(&worker, &calls);
            let result = main.block_on(worker.proxy().call::<i32>("start", ()));
            let expected = if *name == "a function that throws" { "`start` threw RangeError: no" } else { "Ok(1)" };
            assert_eq!(
                result.map(|value| format!("Ok({value})")).unwrap_or_else(|error| error.to_string()),
                expected,
                "{name}"
            );
            assert!(!calls.borrow().is_empty(), "{name}");
            for call in calls.take() {
                assert_eq!(main.block_on(call), Ok(42), "{name}");
            }
        }
    });
}

#[test]
fn call_awaited_by_parent_is_a_deadlock_that_names_the_cycle() {
    within(LIMIT, || {
        let (main, worker) = link(SHORT);
        let exports = worker.proxy();
        worker.register_async("ask", move || {
            let exports = exports.clone();
            async move { exports.call::<i32>("slow", (1,)).await.map_err(CallError::into_thrown) }
        });
        let error = main.block_on(worker.proxy().call::<i32>("start", ())).unwrap_err().to_string();
        assert!(error.contains("worker.slow, called by main.ask, called by worker.start"), "{error}");
        assert!(error.contains("was not run"), "{error}");
        assert_eq!(main.block_on(worker.proxy().call::<i32>("slow", (1,))), Ok(2), "it runs when the worker is free");
    });
}

#[test]
fn parent_that_catches_deadlock_continues() {
    within(LIMIT, || {
        let (main, worker) = link(SHORT);
        let exports = worker.proxy();
        worker.register_async("ask", move || {
            let exports = exports.clone();
            async move {
                let error = exports.call::<i32>("slow", (1,)).await.unwrap_err();
                assert!(matches!(error, CallError { kind: CallErrorKind::Deadlock(_), .. }), "{error}");
                Ok::<i32, Thrown>(exports.call::<i32>("quick", (1,)).await?)
            }
        });
        assert_eq!(main.block_on(worker.proxy().call("start", ())), Ok(2));
    });
}

#[test]
fn unrelated_call_waits_while_worker_is_blocked() {
    within(LIMIT, || {
        let (main, worker) = link(Duration::ZERO);
        let (ended, slow) = (Rc::new(RefCell::new(None)), worker.proxy());
        let own = Rc::clone(&ended);
        worker.register_async("ask", move || {
            let own = Rc::clone(&own);
            async move {
                sleep(PAUSE).await;
                assert!(own.borrow().is_none(), "the worker is blocked");
                1
            }
        });
        main.block_on(async {
            let start = worker.proxy().call::<i32>("start", ());
            let slow = async { *ended.borrow_mut() = Some(slow.call::<i32>("slow", (4,)).await) };
            let (result, ()) = join(start, slow).await;
            assert_eq!(result, Ok(1));
        });
        assert_eq!(ended.take(), Some(Ok(8)));
    });
}

#[test]
fn parent_that_returns_early_ends_deadlock_timeout() {
    within(LIMIT, || {
        let (main, worker) = link(LONG);
        let (calls, exports) = (Calls::default(), worker.proxy());
        let own = Rc::clone(&calls);
        worker.register_async("ask", move || {
            own.borrow_mut().push(exports.call::<i32>("slow", (5,)).boxed_local());
            pending::<i32>()
        });
        assert_eq!(main.block_on(worker.proxy().call("start_briefly", ())), Ok(7), "a timeout");
        assert_eq!(main.block_on(calls.borrow_mut().pop().unwrap()), Ok(10));

        let start = worker.proxy().call::<i32>("start", ());
        while calls.borrow().is_empty() {
            let _ = main.turn(Duration::from_millis(1));
        }
        worker.interrupt();
        let error = main.block_on(start).unwrap_err().to_string();
        assert!(error.contains("interrupted"), "{error}");
        assert_eq!(main.block_on(calls.borrow_mut().pop().unwrap()), Ok(10));
    });
}

#[test]
fn dropped_deferred_call_does_not_run() {
    within(LIMIT, || {
        let main = Main::new().unwrap();
        let (log, received) = mpsc::channel();
        let worker = main
            .spawn(move |scope| {
                let own = log.clone();
                scope.export_async("slow", move || {
                    own.send("slow").unwrap();
                    async {}
                });
                scope.export("end", move || log.send("end").unwrap());
                let sync = scope.sync();
                scope.export("start", move || Ok::<i32, Thrown>(sync.call("ask", ())?));
                Ok(())
            })
            .unwrap();
        let exports = worker.proxy();
        worker.register("ask", move || {
            drop(exports.call::<()>("slow", ()));
            1
        });
        main.block_on(worker.ready()).unwrap();
        assert_eq!(main.block_on(worker.proxy().call("start", ())), Ok(1));
        main.block_on(worker.proxy().call::<()>("end", ())).unwrap();
        assert_eq!(received.try_iter().collect::<Vec<_>>(), ["end"]);
    });
}

#[test]
fn notification_from_parent_runs_after_parent() {
    within(LIMIT, || {
        let main = Main::new().unwrap();
        let (log, received) = mpsc::channel();
        let worker = main
            .spawn(move |scope| {
                let own = log.clone();
                scope.export_async("note", move || {
                    own.send("note").unwrap();
                    async {}
                });
                let sync = scope.sync();
                scope.export("start", move || {
                    sync.call::<()>("ask", ())?;
                    log.send("returned").unwrap();
                    Ok::<(), Thrown>(())
                });
                Ok(())
            })
            .unwrap();
        let exports = worker.proxy();
        worker.register_async("ask", move || {
            exports.notify("note", ()).unwrap();
            sleep(PAUSE)
        });
        main.block_on(worker.ready()).unwrap();
        main.block_on(worker.proxy().call::<()>("start", ())).unwrap();
        assert_eq!(received.recv_timeout(LONG), Ok("returned"));
        while received.try_recv().is_err() {
            let _ = main.turn(Duration::from_millis(1));
        }
    });
}

#[test]
fn call_of_another_worker_runs_while_first_is_blocked() {
    within(LIMIT, || {
        let (main, first) = link(Duration::ZERO);
        let second = main.spawn(exports).unwrap();
        let other = second.proxy();
        first.register_async("ask", move || {
            let call = other.call::<i32>("slow", (9,));
            async move { Ok::<i32, Thrown>(call.await?) }
        });
        assert_eq!(main.block_on(first.proxy().call("start", ())), Ok(18));
    });
}

/// The worker is blocked in two nested calls, and each of them is the parent of a deferred call.
#[test]
fn deferred_calls_of_nested_parents_are_told_apart() {
    within(LIMIT, || {
        let main = Main::new().unwrap();
        let config = Config { deadlock_timeout: LONG, ..Config::default() };
        let worker = main
            .worker()
            .config(config)
            .spawn(|scope| {
                scope.export_async("slow", |value: i32| async move { value * 2 });
                for (name, ask) in [("outer", "ask_outer"), ("inner", "ask_inner")] {
                    let sync = scope.sync();
                    scope.export(name, move || sync.call::<i32>(ask, ()).map_err(CallError::into_thrown));
                }
                Ok(())
            })
            .unwrap();
        let calls = Calls::default();
        let (exports, own) = (worker.proxy(), Rc::clone(&calls));
        worker.register("ask_inner", move || {
            own.borrow_mut().push(exports.call::<i32>("slow", (1,)).boxed_local());
            1
        });
        let (exports, own) = (worker.proxy(), Rc::clone(&calls));
        worker.register_async("ask_outer", move || {
            own.borrow_mut().push(exports.call::<i32>("slow", (2,)).boxed_local());
            let inner = exports.call::<i32>("inner", ());
            async move { Ok::<i32, Thrown>(inner.await? + 10) }
        });
        main.block_on(worker.ready()).unwrap();
        assert_eq!(main.block_on(worker.proxy().call("outer", ())), Ok(11));
        let mut results: Vec<_> = calls.take().into_iter().map(|call| main.block_on(call).unwrap()).collect();
        results.sort_unstable();
        assert_eq!(results, [2, 4]);
    });
}

/// The worker awaits the parent without blocking, and is blocked in another call.
#[test]
fn awaited_parent_is_no_deadlock() {
    within(LIMIT, || {
        let main = Main::new().unwrap();
        let config = Config { deadlock_timeout: Duration::ZERO, ..Config::default() };
        let worker = main
            .worker()
            .config(config)
            .spawn(|scope| {
                scope.export_async("slow", |value: i32| async move { value * 2 });
                let (remote, sync) = (scope.proxy(), scope.sync());
                scope.export_async("start", move || {
                    let awaited = remote.call::<i32>("ask", ());
                    let blocked = sync.call::<()>("block", ());
                    async move {
                        blocked?;
                        Ok::<i32, Thrown>(awaited.await?)
                    }
                });
                Ok(())
            })
            .unwrap();
        let exports = worker.proxy();
        worker.register_async("ask", move || {
            let call = exports.call::<i32>("slow", (3,));
            async move { Ok::<i32, Thrown>(call.await?) }
        });
        worker.register_async("block", || sleep(PAUSE));
        main.block_on(worker.ready()).unwrap();
        assert_eq!(main.block_on(worker.proxy().call("start", ())), Ok(6));
    });
}

/// The function may still be registered after the parent has returned.
#[test]
fn early_call_waits_for_registration_unless_its_parent_waits() {
    within(LIMIT, || {
        let main = Main::new().unwrap();
        let config = Config { deadlock_timeout: SHORT, ..Config::default() };
        let worker = main
            .worker()
            .config(config)
            .spawn(|scope| {
                let error = scope.sync().call::<i32>("waits", ()).unwrap_err().to_string();
                assert!(error.contains("`late` is unknown"), "{error}");
                assert_eq!(scope.sync().call::<i32>("starts", ()), Ok(1));
                scope.export("late", || 5);
                Ok(())
            })
            .unwrap();
        let exports = worker.proxy();
        worker.register_async("waits", move || {
            let call = exports.call::<i32>("late", ());
            async move { call.await.map_err(CallError::into_thrown) }
        });
        let calls = Calls::default();
        let (exports, own) = (worker.proxy(), Rc::clone(&calls));
        worker.register("starts", move || {
            own.borrow_mut().push(exports.call::<i32>("late", ()).boxed_local());
            1
        });
        main.block_on(worker.ready()).unwrap();
        assert_eq!(main.block_on(calls.borrow_mut().pop().unwrap()), Ok(5));
    });
}

/// A raw function that answers later has begun.
#[test]
fn deadlock_error_reports_that_function_has_begun() {
    within(LIMIT, || {
        use coincide::raw::{Format, RawReply};
        let main = Main::new().unwrap();
        let config = Config { deadlock_timeout: SHORT, ..Config::default() };
        let (log, received) = mpsc::channel();
        let worker = main
            .worker()
            .config(config)
            .spawn(move |scope| {
                scope.export_raw("begins", move |_, _, _| {
                    log.send("begun").unwrap();
                    let log = log.clone();
                    Ok(RawReply::Later(Box::pin(async move {
                        log.send("ended").unwrap();
                        Ok((Format::Bytes, Vec::new()))
                    })))
                });
                let sync = scope.sync();
                scope.export("start", move || sync.call::<String>("ask", ()).map_err(CallError::into_thrown));
                Ok(())
            })
            .unwrap();
        let exports = worker.proxy();
        worker.register_async("ask", move || {
            let call = exports.call_raw("begins", |_| Format::Bytes);
            async move { call.await.unwrap_err().to_string() }
        });
        main.block_on(worker.ready()).unwrap();
        let text = main.block_on(worker.proxy().call::<String>("start", ())).unwrap();
        assert!(text.contains("has begun") && !text.contains("was not run"), "{text}");
        assert!(text.contains("worker.begins, called by main.ask, called by worker.start"), "{text}");
        assert_eq!([received.recv_timeout(LONG), received.recv_timeout(LONG)], [Ok("begun"), Ok("ended")]);
        let again = main.block_on(worker.proxy().call_raw("begins", |_| Format::Bytes));
        assert_eq!(again, Ok((Format::Bytes, Vec::new())), "each call receives its own answer");
    });
}
