//! Exports that main awaits, and functions of main that a worker awaits.

use crate::run;
use coincide::{Main, Thrown};
use std::cell::Cell;
use std::future::{pending, poll_fn};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

#[test]
fn concurrent_calls_of_exports_return_their_results() {
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
fn ready_returns_names_of_exports_each_time() {
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
fn early_call_runs_once_exported() {
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
fn concurrent_calls_of_worker_return_their_results() {
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
