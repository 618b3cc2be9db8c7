//! Calls both ways between main and workers in threads.

use coincide::{CallError, CallErrorKind, CancelToken, Main, Rings, Scope, Stop, Thrown, Turn, Worker};
use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::task::Poll;
use std::time::{Duration, Instant};

/// Starts a worker whose setup is `setup`, lets `register` register functions, and waits until it is ready.
fn run(
    setup: impl FnOnce(&Scope) -> Result<(), Thrown> + Send + 'static,
    register: impl FnOnce(&Worker),
) -> (Main, Worker) {
    let main = Main::new().unwrap();
    let worker = main.spawn(setup).unwrap();
    register(&worker);
    main.block_on(worker.ready()).unwrap();
    (main, worker)
}

#[test]
fn a_sync_call_returns_the_result() {
    run(
        |scope| {
            let greeting: String = scope.sync().call("hello", ("PyScript",))?;
            assert_eq!(greeting, "Hello, PyScript");
            let sum: i64 = scope.sync().call("add", (40, 2))?;
            assert_eq!(sum, 42);
            scope.sync().call::<()>("nothing", ())?;
            Ok(())
        },
        |worker| {
            worker.register("hello", |name: String| format!("Hello, {name}"));
            worker.register("add", |a: i64, b: i64| a + b);
            worker.register("nothing", || ());
        },
    );
}

#[test]
fn an_asynchronous_function_blocks_the_worker_and_not_main() {
    let (main, worker) = run(
        |scope| {
            let sync = scope.sync();
            scope.export("start", move || Ok::<i32, Thrown>(sync.call("wait", ())?));
            Ok(())
        },
        |_| {},
    );
    let (sender, receiver) = futures_channel();
    worker.register_async("wait", move || receiver.clone());
    main.block_on(async {
        let start = worker.proxy().call::<i32>("start", ());
        assert_eq!(worker.closed(), None);
        sender(7);
        assert_eq!(start.await, Ok(7));
    });
}

/// A setter, and a future of what it sets.
fn futures_channel() -> (impl FnOnce(i32), futures_util::future::Shared<impl Future<Output = i32>>) {
    let cell = Rc::new(Cell::new(None));
    let setter = Rc::clone(&cell);
    let future = std::future::poll_fn(move |context| match cell.get() {
        Some(value) => std::task::Poll::Ready(value),
        None => {
            context.waker().wake_by_ref();
            std::task::Poll::Pending
        }
    });
    (move |value| setter.set(Some(value)), futures_util::FutureExt::shared(future))
}

#[test]
fn main_awaits_exports_concurrently() {
    let (main, worker) = run(
        |scope| {
            scope.export("double", |k: u32| k * 2);
            Ok(())
        },
        |_| {},
    );
    let exports = worker.proxy();
    let calls: Vec<_> = (0..100_u32).map(|k| exports.call::<u32>("double", (k,))).collect();
    let results = main.block_on(futures_util::future::join_all(calls));
    assert_eq!(results, (0..100).map(|k| Ok(k * 2)).collect::<Vec<_>>());
}

#[test]
fn ready_lists_the_exports() {
    let main = Main::new().unwrap();
    let worker = main
        .spawn(|scope| {
            scope.export("b", || 1);
            scope.export("a", || 2);
            Ok(())
        })
        .unwrap();
    assert_eq!(main.block_on(worker.ready()).unwrap(), ["a", "b"]);
    assert_eq!(main.block_on(worker.ready()).unwrap(), ["a", "b"], "it can be awaited again");
}

#[test]
fn a_call_before_ready_waits_for_the_export() {
    let main = Main::new().unwrap();
    let worker = main
        .spawn(|scope| {
            scope.sync().call::<()>("pause", ())?;
            scope.export("late", || 1);
            Ok(())
        })
        .unwrap();
    worker.register("pause", || ());
    assert_eq!(main.block_on(worker.proxy().call::<i32>("late", ())), Ok(1));
}

#[test]
fn functions_can_be_registered_replaced_and_removed_at_any_time() {
    let (main, worker) = run(
        |scope| {
            let sync = scope.sync();
            scope.export("ask", move || Ok::<i32, Thrown>(sync.call("f", ())?));
            Ok(())
        },
        |_| {},
    );
    let ask = || main.block_on(worker.proxy().call::<i32>("ask", ()));
    assert!(matches!(ask(), Err(CallError { kind: CallErrorKind::Threw(_), .. })));
    worker.register("f", || 1);
    assert_eq!(ask(), Ok(1));
    worker.register("f", || 2);
    assert_eq!(ask(), Ok(2));
    assert!(worker.unregister("f"));
    assert!(!worker.unregister("f"));
    let error = ask().unwrap_err();
    assert!(error.to_string().contains("no function `f` is registered"), "{error}");
}

#[test]
fn nested_calls_complete_down_to_the_depth_limit() {
    let (main, worker) = run(
        |scope| {
            let sync = scope.sync();
            scope.export("down", move |k: u32| Ok::<u32, Thrown>(sync.call("back", (k,))?));
            Ok(())
        },
        |worker| {
            let exports = worker.proxy();
            worker.register_async("back", move |k: u32| {
                let exports = exports.clone();
                async move {
                    if k == 0 { Ok(0) } else { Ok::<u32, Thrown>(exports.call::<u32>("down", (k - 1,)).await? + 1) }
                }
            });
        },
    );
    assert_eq!(main.block_on(worker.proxy().call::<u32>("down", (20_u32,))), Ok(20));
    let error = main.block_on(worker.proxy().call::<u32>("down", (1000_u32,))).unwrap_err();
    assert!(error.to_string().contains("nested"), "{error}");
    assert_eq!(main.block_on(worker.proxy().call::<u32>("down", (3_u32,))), Ok(3), "the link stays open");
}

#[test]
fn errors_of_functions_are_the_callers_typed_errors() {
    run(
        |scope| {
            let sync = scope.sync();
            let CallError { function, kind: CallErrorKind::Threw(thrown) } = sync.call::<()>("fail", ()).unwrap_err()
            else {
                panic!()
            };
            assert_eq!((&*function, &*thrown.class, &*thrown.message), ("fail", "RangeError", "too far"));
            let CallError { kind: CallErrorKind::Threw(thrown), .. } = sync.call::<()>("parse", ("x",)).unwrap_err()
            else {
                panic!()
            };
            assert_eq!((&*thrown.class, &*thrown.message), ("ParseIntError", "invalid digit found in string"));
            let CallError { kind: CallErrorKind::Panicked(message), .. } = sync.call::<()>("panic", ()).unwrap_err()
            else {
                panic!()
            };
            assert!(message.contains("oh no"), "{message}");
            let CallError { kind: CallErrorKind::Panicked(message), .. } =
                sync.call::<()>("panic_later", ()).unwrap_err()
            else {
                panic!()
            };
            assert!(message.contains("later"), "{message}");
            let CallError { kind: CallErrorKind::UnknownFunction(message), .. } =
                sync.call::<()>("nope", ()).unwrap_err()
            else {
                panic!()
            };
            assert!(message.contains("`nope`") && message.contains("fail"), "{message}");
            let error = sync.call::<()>("parse", (7,)).unwrap_err();
            assert!(matches!(error, CallError { kind: CallErrorKind::BadArguments(_), .. }), "{error}");
            assert!(error.to_string().contains("args[0]"), "{error}");
            let error = sync.call::<()>("parse", ()).unwrap_err();
            assert!(matches!(error, CallError { kind: CallErrorKind::BadArguments(_), .. }), "{error}");
            let error = sync.call::<String>("one", ()).unwrap_err();
            assert!(matches!(error, CallError { kind: CallErrorKind::Result(_), .. }), "{error}");
            assert_eq!(sync.call("one", ()), Ok(1), "the link goes on");
            Ok(())
        },
        |worker| {
            worker.register("fail", || Err::<(), _>(Thrown::new("RangeError", "too far")));
            worker.register("parse", |text: String| Ok::<i32, Thrown>(text.parse()?));
            worker.register("panic", || -> () { panic!("oh no") });
            worker.register_async("panic_later", || async {
                if true {
                    panic!("later")
                }
            });
            worker.register("one", || 1);
        },
    );
}

#[test]
fn deadlines_end_calls_on_both_sides() {
    let (main, worker) = run(
        |scope| {
            let sync = scope.sync().with_timeout(Duration::from_millis(20));
            assert_eq!(
                sync.call::<()>("never", ()),
                Err(CallError { function: "never".into(), kind: CallErrorKind::TimedOut })
            );
            assert_eq!(scope.sync().call("quick", ()), Ok(1), "a late answer reaches nobody else");
            scope.export_async("never", pending::<()>);
            Ok(())
        },
        |worker| {
            worker.register_async("never", pending::<()>);
            worker.register("quick", || 1);
        },
    );
    let exports = worker.proxy().with_timeout(Duration::from_millis(20));
    let result = main.block_on(exports.call::<()>("never", ()));
    assert_eq!(result, Err(CallError { function: "never".into(), kind: CallErrorKind::TimedOut }));
}

#[test]
fn a_cancelled_function_of_main_is_dropped() {
    struct Dropped(Rc<Cell<bool>>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }
    let main = Main::new().unwrap();
    let token = CancelToken::new();
    let inner = token.clone();
    let worker = main
        .spawn(move |scope| {
            let sync = scope.sync().with_cancel(&inner);
            assert_eq!(
                sync.call::<()>("never", ()),
                Err(CallError { function: "never".into(), kind: CallErrorKind::Cancelled })
            );
            assert_eq!(
                sync.call::<()>("never", ()),
                Err(CallError { function: "never".into(), kind: CallErrorKind::Cancelled })
            );
            scope.sync().call::<()>("ping", ())?;
            Ok(())
        })
        .unwrap();
    let dropped = Rc::new(Cell::new(false));
    let guard = Rc::clone(&dropped);
    worker.register("ping", || ());
    worker.register_async("never", move || {
        let guard = Dropped(Rc::clone(&guard));
        std::thread::spawn({
            let token = token.clone();
            move || token.cancel()
        });
        async move {
            pending::<()>().await;
            drop(guard);
        }
    });
    main.block_on(worker.ready()).unwrap();
    assert!(dropped.get());
}

#[test]
fn dropping_a_future_cancels_the_call() {
    let (main, worker) = run(
        |scope| {
            scope.export_async("never", pending::<()>);
            scope.export("one", || 1);
            Ok(())
        },
        |_| {},
    );
    drop(worker.proxy().call::<()>("never", ()));
    assert_eq!(main.block_on(worker.proxy().call("one", ())), Ok(1));
}

#[test]
fn an_interrupt_ends_a_blocked_call() {
    let main = Main::new().unwrap();
    let worker = main
        .spawn(|scope| {
            let error = scope.sync().call::<()>("never", ()).unwrap_err();
            assert_eq!(error, CallError { function: "never".into(), kind: CallErrorKind::Interrupted });
            assert_eq!(scope.sync().call("one", ()), Ok(1), "an interrupt counts once");
            Ok(())
        })
        .unwrap();
    worker.register("one", || 1);
    let handle = worker.clone();
    worker.register_async("never", move || {
        handle.interrupt();
        pending::<()>()
    });
    main.block_on(worker.ready()).unwrap();
}

#[test]
fn what_main_calls_runs_while_the_worker_sleeps() {
    let (log, heard) = mpsc::channel();
    let main = Main::new().unwrap();
    let worker = main
        .spawn(move |scope| {
            let own = log.clone();
            scope.export("hello", move || own.send("hello").unwrap());
            let own = log.clone();
            scope.export_async("later", move || {
                own.send("later").unwrap();
                async {}
            });
            let start = Instant::now();
            assert_eq!(scope.sleep(Duration::ZERO), Ok(()));
            scope.sync().notify("started", ())?;
            assert_eq!(scope.sleep(Duration::from_millis(200)), Ok(()));
            assert!(start.elapsed() >= Duration::from_millis(200));
            log.send("awake").unwrap();
            Ok(())
        })
        .unwrap();
    let started = Rc::new(Cell::new(false));
    let own = Rc::clone(&started);
    worker.register("started", move || own.set(true));
    let (hello, later) = (worker.proxy().call::<()>("hello", ()), worker.proxy().call::<()>("later", ()));
    main.block_on(hello).unwrap();
    main.block_on(worker.ready()).unwrap();
    main.block_on(later).unwrap();
    assert!(started.get());
    // What is asynchronous runs when the worker serves.
    assert_eq!(heard.try_iter().collect::<Vec<_>>(), ["hello", "awake", "later"]);
}

#[test]
fn what_was_heard_while_the_worker_computed_runs_when_it_waits() {
    answers_while_it_waits(|scope| {
        scope.export("answer", || 42);
        Ok(())
    });
}

#[test]
fn what_came_before_its_function_runs_when_a_worker_that_is_ready_waits() {
    answers_while_it_waits(|scope| {
        scope.sync().call::<()>("looks", ())?;
        scope.export("answer", || 42);
        Ok(scope.ready()?)
    });
}

/// A worker that computes is called by main, then prepares its answer, and then calls main, which waits for that.
fn answers_while_it_waits(prepare: fn(&Scope) -> Result<(), Thrown>) {
    let (log, heard) = mpsc::channel();
    let called = Arc::new(AtomicBool::new(false));
    let main = Main::new().unwrap();
    let own = Arc::clone(&called);
    let worker = main
        .spawn(move |scope| {
            scope.sync().notify("started", ())?;
            while !own.load(Ordering::Acquire) {
                scope.check()?;
            }
            scope.check()?;
            prepare(scope)?;
            log.send(scope.sync().call::<i32>("ask", ())).unwrap();
            Ok(())
        })
        .unwrap();
    let started = Rc::new(Cell::new(false));
    let own = Rc::clone(&started);
    worker.register("started", move || own.set(true));
    worker.register("looks", || ());
    let answer = Rc::new(RefCell::new(None::<Pin<Box<dyn Future<Output = Result<i32, CallError>>>>>));
    let own = Rc::clone(&answer);
    worker.register_async("ask", move || {
        let answer = own.take().unwrap();
        async move { answer.await.unwrap() }
    });
    let turn = || {
        let _ = main.turn(Duration::from_millis(1));
        std::thread::sleep(Duration::from_millis(1));
    };
    while !started.get() {
        turn();
    }
    answer.replace(Some(Box::pin(worker.proxy().call("answer", ()))));
    turn();
    called.store(true, Ordering::Release);
    for _ in 0..5000 {
        turn();
        if let Ok(result) = heard.try_recv() {
            return assert_eq!(result.unwrap(), 42);
        }
    }
    worker.terminate();
    panic!("the call was not answered");
}

#[test]
fn main_ends_a_sleep() {
    let (log, heard) = mpsc::channel();
    let main = Main::new().unwrap();
    let worker = main
        .spawn(move |scope| {
            scope.sync().notify("asleep", ())?;
            let first = scope.sleep(Duration::MAX);
            scope.sync().notify("asleep", ())?;
            log.send((first, scope.sleep(Duration::MAX), scope.sleep(Duration::MAX))).unwrap();
            Ok(())
        })
        .unwrap();
    let (handle, sleeps) = (worker.clone(), Cell::new(0));
    worker.register("asleep", move || {
        sleeps.set(sleeps.get() + 1);
        if sleeps.get() == 1 { handle.interrupt() } else { handle.terminate() }
    });
    main.block_on(worker.ready()).unwrap_err();
    let (first, second, third) = heard.recv_timeout(Duration::from_secs(20)).unwrap();
    assert_eq!(first, Err(Stop::Interrupted));
    assert!(matches!(&second, Err(Stop::Closed(_))), "{second:?}");
    assert_eq!(third, second);
}

#[test]
fn an_interrupt_stops_a_computation_that_looks() {
    let main = Main::new().unwrap();
    let worker = main
        .spawn(|scope| {
            scope.sync().notify("started", ())?;
            let stop = loop {
                if let Err(stop) = scope.check() {
                    break stop;
                }
            };
            assert_eq!(stop, Stop::Interrupted);
            assert_eq!(scope.check(), Ok(()));
            Ok(())
        })
        .unwrap();
    let handle = worker.clone();
    worker.register("started", move || handle.interrupt());
    main.block_on(worker.ready()).unwrap();
}

#[test]
fn notifications_keep_their_order() {
    let seen = Rc::new(std::cell::RefCell::new(Vec::new()));
    let log = Rc::clone(&seen);
    run(
        |scope| {
            for k in 0..1000_u32 {
                scope.sync().notify("note", (k,))?;
            }
            scope.sync().call::<()>("flush", ())?;
            Ok(())
        },
        move |worker| {
            worker.register("note", move |k: u32| log.borrow_mut().push(k));
            worker.register("flush", || ());
        },
    );
    assert_eq!(*seen.borrow(), (0..1000).collect::<Vec<_>>());
}

#[test]
fn bytes_of_any_size_cross_both_ways() {
    let (main, worker) = run(
        |scope| {
            for size in [0, 1, 4096, 300_000, 20 << 20] {
                let sent: Vec<u8> = (0..size).map(|k| (k % 251) as u8).collect();
                let mut bytes = sent.clone();
                scope.sync().call_bytes("reverse", &mut bytes)?;
                bytes.reverse();
                assert!(bytes == sent, "{size}");
            }
            scope.export_bytes("reverse", |bytes| {
                bytes.reverse();
                Ok(())
            });
            Ok(())
        },
        |worker| {
            worker.register_bytes("reverse", |bytes| {
                bytes.reverse();
                Ok(())
            });
        },
    );
    let bytes: Vec<u8> = (0..5 << 20).map(|k: u32| k as u8).collect();
    let reversed = main.block_on(worker.proxy().call_bytes("reverse", bytes.clone())).unwrap();
    assert!(reversed.iter().rev().eq(&bytes));
}

#[test]
fn many_workers_are_served_by_one_main() {
    let main = Main::new().unwrap();
    let workers: Vec<Worker> = (0..16_u32)
        .map(|k| {
            let worker = main
                .spawn(move |scope| {
                    for round in 0..200_u32 {
                        let echo: (u32, u32) = scope.sync().call("echo", (k, round))?;
                        assert_eq!(echo, (k, round));
                    }
                    Ok(())
                })
                .unwrap();
            worker.register("echo", |k: u32, round: u32| (k, round));
            worker
        })
        .collect();
    main.block_on(async {
        for worker in &workers {
            worker.ready().await.unwrap();
        }
    });
}

/// A call from outside of a turn that finds no room must not wait for ever: the next turn goes on with it.
#[test]
fn a_large_call_from_outside_of_a_turn_goes_on() {
    struct Woken(AtomicBool);
    impl std::task::Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    let main = Main::new().unwrap();
    let rings = Rings::default().up_capacity(0).down_capacity(0);
    let worker = main.worker().rings(rings).spawn(|scope| {
        scope.export_bytes("length", |bytes| {
            *bytes = bytes.len().to_le_bytes().to_vec();
            Ok(())
        });
        Ok(())
    });
    let worker = worker.unwrap();
    main.block_on(worker.ready()).unwrap();
    let woken = Arc::new(Woken(AtomicBool::new(false)));
    main.set_waker(Some(Arc::clone(&woken).into())).unwrap();
    while main.turn(Duration::from_millis(1)) == Turn::More {}
    woken.0.store(false, Ordering::SeqCst);

    let mut call = std::pin::pin!(worker.proxy().call_bytes("length", vec![1; 1 << 20]));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let start = Instant::now();
    loop {
        if let std::task::Poll::Ready(result) = call.as_mut().poll(&mut context) {
            assert_eq!(result.unwrap(), (1_usize << 20).to_le_bytes());
            return;
        }
        // A turn only when the bell has asked for one.
        if woken.0.swap(false, Ordering::SeqCst) {
            while main.turn(Duration::from_millis(1)) == Turn::More {}
        }
        assert!(start.elapsed() < Duration::from_secs(20), "nobody asked for another turn");
        std::thread::yield_now();
    }
}

#[test]
fn a_worker_awaits_several_functions_of_main_at_once() {
    let (main, worker) = run(
        |scope| {
            let remote = scope.proxy();
            scope.export_async("both", move || {
                // Neither ends before both have begun.
                let (left, right) = (remote.call::<i32>("meet", (1,)), remote.call::<i32>("meet", (2,)));
                async move { Ok::<i32, Thrown>(left.await? * 10 + right.await?) }
            });
            let remote = scope.proxy();
            scope.export_async("late", move || {
                let call = remote.with_timeout(Duration::from_millis(20)).call::<()>("never", ());
                async move { call.await.unwrap_err().to_string() }
            });
            let (remote, sync) = (scope.proxy(), scope.sync());
            scope.export("around", move || {
                let _awaited = remote.call::<i32>("one", ());
                Ok::<i32, Thrown>(sync.call::<i32>("one", ())? + sync.call::<i32>("one", ())?)
            });
            Ok(())
        },
        |worker| {
            let present = Rc::new(Cell::new(0));
            worker.register_async("meet", move |number: i32| {
                present.set(present.get() + 1);
                let present = Rc::clone(&present);
                async move {
                    poll_fn(|context| {
                        context.waker().wake_by_ref();
                        if present.get() == 2 { Poll::Ready(()) } else { Poll::Pending }
                    })
                    .await;
                    number
                }
            });
            worker.register_async("never", pending::<()>);
            worker.register("one", || 1);
        },
    );
    let exports = worker.proxy();
    assert_eq!(main.block_on(exports.call("both", ())), Ok(12));
    assert_eq!(main.block_on(exports.call("late", ())), Ok("`never` did not return in time".to_owned()));
    assert_eq!(main.block_on(exports.call("around", ())), Ok(2), "a dropped future takes no other call's result");
}
