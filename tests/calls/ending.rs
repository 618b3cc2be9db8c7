//! Timeouts, cancellation and interrupts of pending calls.

use crate::run;
use coincide::{CallError, CallErrorKind, CancelToken, Main};
use coincide_proto::conformance::{LIMIT, within};
use std::cell::Cell;
use std::future::pending;
use std::rc::Rc;
use std::time::Duration;

#[test]
fn expired_timeout_ends_call_at_either_end() {
    within(LIMIT, || {
        let (main, worker) = run(
            |scope| {
                let sync = scope.sync().with_timeout(Duration::from_millis(20));
                assert_eq!(
                    sync.call::<()>("never", ()),
                    Err(CallError { function: "never".into(), kind: CallErrorKind::TimedOut })
                );
                assert_eq!(scope.sync().call("quick", ()), Ok(1), "a late answer settles no other call");
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
    });
}

#[test]
fn cancelled_async_function_of_main_is_dropped() {
    within(LIMIT, || {
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
    });
}

#[test]
fn dropped_future_cancels_call() {
    within(LIMIT, || {
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
    });
}

#[test]
fn interrupt_ends_one_blocked_call() {
    within(LIMIT, || {
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
    });
}
