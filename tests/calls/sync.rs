//! Synchronous calls of a worker.

use crate::run;
use coincide::{CallError, CallErrorKind, Main, Thrown, Worker};
use futures_util::FutureExt;
use futures_util::future::Shared;
use std::cell::Cell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

#[test]
fn sync_call_returns_result() {
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
fn async_function_of_main_blocks_worker_but_not_main() {
    let (main, worker) = run(
        |scope| {
            let sync = scope.sync();
            scope.export("start", move || Ok::<i32, Thrown>(sync.call("wait", ())?));
            Ok(())
        },
        |_| {},
    );
    let (sender, receiver) = settable();
    worker.register_async("wait", move || receiver.clone());
    main.block_on(async {
        let start = worker.proxy().call::<i32>("start", ());
        assert_eq!(worker.closed(), None);
        sender(7);
        assert_eq!(start.await, Ok(7));
    });
}

#[test]
fn functions_are_replaced_and_removed_while_linked() {
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
fn nested_calls_beyond_depth_limit_fail_and_link_stays_open() {
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
fn one_main_serves_many_workers() {
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

/// A function that sets a value, and a future of the value.
fn settable() -> (impl FnOnce(i32), Shared<impl Future<Output = i32>>) {
    let cell = Rc::new(Cell::new(None));
    let setter = Rc::clone(&cell);
    let future = poll_fn(move |context| match cell.get() {
        Some(value) => Poll::Ready(value),
        None => {
            context.waker().wake_by_ref();
            Poll::Pending
        }
    });
    (move |value| setter.set(Some(value)), future.shared())
}
