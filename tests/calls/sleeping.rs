//! Calls and interrupts that reach a worker that sleeps or computes.

use coincide::{CallError, Main, Scope, Stop, Thrown};
use coincide_proto::conformance::{LIMIT, within};
use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

#[test]
fn calls_of_main_run_during_sleep_and_async_exports_after_it() {
    let (log, received) = mpsc::channel();
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
    // Asynchronous exports run when the worker serves.
    assert_eq!(received.try_iter().collect::<Vec<_>>(), ["hello", "awake", "later"]);
}

#[test]
fn call_received_by_check_runs_when_worker_waits() {
    answers_while_it_waits(|scope| {
        scope.export("answer", || 42);
        Ok(())
    });
}

#[test]
fn early_call_runs_when_ready_worker_waits() {
    answers_while_it_waits(|scope| {
        scope.sync().call::<()>("ping", ())?;
        scope.export("answer", || 42);
        Ok(scope.ready()?)
    });
}

#[test]
fn interrupt_or_closed_link_ends_sleep() {
    within(LIMIT, || {
        let (log, received) = mpsc::channel();
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
        let (first, second, third) = received.recv().unwrap();
        assert_eq!(first, Err(Stop::Interrupted));
        assert!(matches!(&second, Err(Stop::Closed(_))), "{second:?}");
        assert_eq!(third, second);
    });
}

#[test]
fn interrupt_ends_computation_at_check() {
    within(LIMIT, || {
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
    });
}

/// Main calls a worker that computes. The worker then runs `prepare` and calls main, whose function awaits the answer.
fn answers_while_it_waits(prepare: fn(&Scope) -> Result<(), Thrown>) {
    within(LIMIT, move || {
        let (log, received) = mpsc::channel();
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
        worker.register("ping", || ());
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
            if let Ok(result) = received.try_recv() {
                return assert_eq!(result.unwrap(), 42);
            }
        }
        worker.terminate();
        panic!("the call was not answered");
    });
}
