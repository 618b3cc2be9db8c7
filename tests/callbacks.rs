//! Functions as arguments and results.

use coincide::{
    CallError, CallErrorKind, CallFuture, Callback, Config, Main, Proxy, RemoteFunction, Scope, Thrown, Value, Worker,
};
use coincide_proto::conformance::{LIMIT, within};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// A main and a worker that is ready.
fn started(setup: impl FnOnce(&Scope) + Send + 'static) -> (Main, Worker) {
    let main = Main::new().unwrap();
    let worker = main
        .spawn(move |scope| {
            setup(scope);
            Ok(())
        })
        .unwrap();
    main.block_on(worker.ready()).unwrap();
    (main, worker)
}

/// A function and a reference to its captures. Its count is 1 once the function is dropped.
fn counted(owner: &Rc<()>) -> Callback {
    let owner = Rc::clone(owner);
    Callback::new(move |number: u32| {
        let _ = &owner;
        number + 1
    })
}

/// Runs main and the worker until `owner` is the only reference.
fn until_released(main: &Main, proxy: &Proxy, owner: &Rc<()>) {
    for _ in 0..1000 {
        if Rc::strong_count(owner) == 1 {
            return;
        }
        main.block_on(proxy.call::<()>("nothing", ())).unwrap();
    }
    panic!("{} are left", Rc::strong_count(owner) - 1);
}

#[test]
fn worker_calls_callback_of_main() {
    let (main, worker) = started(|scope| {
        scope.export("apply", |function: RemoteFunction, number: u32| {
            function.call_blocking::<u32>((number,)).map_err(CallError::into_thrown)
        });
        scope.export_async("apply_later", |function: RemoteFunction, number: u32| async move {
            function.call::<u32>((number,)).await.map_err(CallError::into_thrown)
        });
    });
    let proxy = worker.proxy();
    for name in ["apply", "apply_later"] {
        let double = Callback::new(|number: u32| number * 2);
        assert_eq!(main.block_on(proxy.call::<u32>(name, (&double, 21))).unwrap(), 42);
        let later = Callback::new_async(|number: u32| async move { number * 3 });
        assert_eq!(main.block_on(proxy.call::<u32>(name, (later, 5))).unwrap(), 15);
        let throws = Callback::new(|_: u32| Err::<u32, _>(Thrown::new("RangeError", "too large")));
        let error = main.block_on(proxy.call::<u32>(name, (throws, 5))).unwrap_err();
        assert_eq!(error.to_string(), format!("`{name}` threw RangeError: too large"));
    }
}

#[test]
fn main_calls_callback_of_worker() {
    let (main, worker) = started(|scope| {
        scope.export("adder", |first: u32| Callback::new(move |second: u32| first + second));
        scope.export("later", |first: u32| Callback::new_async(move |second: u32| async move { first * second }));
        let sync = scope.sync();
        scope.export("blocked", move || {
            let calls = Rc::new(Cell::new(0));
            let counter = Rc::clone(&calls);
            let count = Callback::new(move |by: u32| counter.set(counter.get() + by));
            sync.call::<()>("use", (&count, 4)).map_err(CallError::into_thrown)?;
            Ok::<u32, Thrown>(calls.get())
        });
    });
    worker.register_async("use", |function: RemoteFunction, times: u32| async move {
        for _ in 0..times {
            function.call::<()>((10,)).await.map_err(CallError::into_thrown)?;
        }
        Ok::<(), Thrown>(())
    });
    let proxy = worker.proxy();
    let adder: RemoteFunction = main.block_on(proxy.call("adder", (40,))).unwrap();
    assert_eq!(main.block_on(adder.call::<u32>((2,))).unwrap(), 42);
    let error = adder.call_blocking::<u32>((2,)).unwrap_err();
    assert!(matches!(error.kind, CallErrorKind::CannotBlock), "{error}");
    let later: RemoteFunction = main.block_on(proxy.call("later", (6,))).unwrap();
    assert_eq!(main.block_on(later.call::<u32>((7,))).unwrap(), 42);
    // The worker runs its function while it is blocked.
    assert_eq!(main.block_on(proxy.call::<u32>("blocked", ())).unwrap(), 40);
}

#[test]
fn extra_arguments_are_dropped_and_missing_ones_are_none() {
    let (main, worker) = started(|scope| {
        scope.export("apply", |function: RemoteFunction| {
            let all = (
                function.call_blocking::<String>(()),
                function.call_blocking::<String>((1,)),
                function.call_blocking::<String>((1, 2, 3)),
                function.call_blocking::<String>(("text",)).map_err(|error| error.to_string()),
            );
            (all.0.unwrap(), all.1.unwrap(), all.2.unwrap(), all.3.unwrap_err())
        });
    });
    let shows = Callback::new(|first: Option<u32>, second: Option<u32>| format!("{first:?} {second:?}"));
    let shown: (String, String, String, String) = main.block_on(worker.proxy().call("apply", (shows,))).unwrap();
    assert_eq!((&*shown.0, &*shown.1, &*shown.2), ("None None", "Some(1) None", "Some(1) Some(2)"));
    assert_eq!(shown.3, "`a callback` does not take these arguments: args[0]: expected u32, got string \"text\"");
}

#[test]
fn callback_sent_back_equals_the_original() {
    let (main, worker) = started(|scope| {
        let kept: Rc<RefCell<Vec<RemoteFunction>>> = Rc::default();
        let list = Rc::clone(&kept);
        scope.export("keep", move |first: RemoteFunction, more: Vec<RemoteFunction>| {
            let same = more.iter().filter(|function| **function == first).count();
            list.borrow_mut().push(first);
            list.borrow_mut().extend(more);
            same
        });
        scope.export("back", move || kept.borrow().clone());
    });
    let proxy = worker.proxy();
    let (one, other) = (Callback::new(|| 1), Callback::new(|| 2));
    let same = proxy.call::<usize>("keep", (&one, vec![one.clone(), other.clone(), one.clone()]));
    assert_eq!(main.block_on(same).unwrap(), 2);
    let back: Vec<Callback> = main.block_on(proxy.call("back", ())).unwrap();
    assert_eq!(back, [one.clone(), one.clone(), other, one]);
}

#[test]
fn released_callbacks_are_dropped() {
    let (main, worker) = started(|scope| {
        let kept: Rc<RefCell<Vec<RemoteFunction>>> = Rc::default();
        let list = Rc::clone(&kept);
        scope.export("keep", move |function: RemoteFunction| list.borrow_mut().push(function));
        scope.export("drop", move || kept.take().len());
        scope.export("take", |_function: RemoteFunction| ());
        scope.export("show", |value: Value| matches!(value, Value::Array(items) if items.len() == 2));
        scope.export("optional", |number: u32, function: Option<RemoteFunction>| (number, function.is_some()));
        scope.export("nothing", || ());
    });
    let proxy = worker.proxy();
    let owner = Rc::new(());
    // It is held while the other end holds a handle.
    main.block_on(proxy.call::<()>("keep", (counted(&owner),))).unwrap();
    main.block_on(proxy.call::<()>("nothing", ())).unwrap();
    assert_eq!(Rc::strong_count(&owner), 2);
    assert_eq!(main.block_on(proxy.call::<usize>("drop", ())).unwrap(), 1);
    until_released(&main, &proxy, &owner);

    for _ in 0..500 {
        let function = counted(&owner);
        main.block_on(proxy.call::<()>("take", (&function,))).unwrap();
        main.block_on(proxy.call::<()>("take", (function,))).unwrap();
    }
    let shown = proxy.call::<bool>("show", ((counted(&owner), counted(&owner)),));
    assert!(main.block_on(shown).unwrap());
    let taken = proxy.call::<(u32, bool)>("optional", (1, counted(&owner)));
    assert_eq!(main.block_on(taken).unwrap(), (1, true));
    proxy.notify("take", (counted(&owner),)).unwrap();
    until_released(&main, &proxy, &owner);
}

#[test]
fn callbacks_in_unsent_arguments_are_released() {
    let (main, worker) = started(|scope| {
        scope.export("number", |number: u32, _next: RemoteFunction| number);
        scope.export("nothing", || ());
    });
    let proxy = worker.proxy();
    let owner = Rc::new(());
    let fails = |function: &str, call: Result<Value, CallError>| assert!(call.is_err(), "{function}");
    fails("unknown", main.block_on(proxy.call("unknown", (counted(&owner),))));
    fails("other types", main.block_on(proxy.call("number", (counted(&owner), 1))));
    fails("the second one", main.block_on(proxy.call("number", (counted(&owner), counted(&owner)))));
    fails("too many", main.block_on(proxy.call("nothing", (counted(&owner),))));
    let refused = Callback::new(|_: u32| ());
    let error = main.block_on(proxy.call::<()>("nothing", (counted(&owner), Value::Hole, refused))).unwrap_err();
    assert!(matches!(error.kind, CallErrorKind::Arguments(_)), "{error}");
    // Other threads have no end of the link.
    let error = main.block_on(worker.shared_proxy().call::<()>("nothing", (counted(&owner),))).unwrap_err();
    assert!(error.to_string().contains("functions and streams belong to the thread of their link"), "{error}");
    until_released(&main, &proxy, &owner);
}

#[test]
fn callbacks_of_worker_are_dropped_once_main_drops_their_handles() {
    let owner = Arc::new(());
    let owned = Arc::clone(&owner);
    let (main, worker) = started(move |scope| {
        scope.export("give", move || {
            let owned = Arc::clone(&owned);
            Callback::new(move || Arc::strong_count(&owned))
        });
        scope.export("nothing", || ());
    });
    let proxy = worker.proxy();
    let kept: Vec<RemoteFunction> = (0..200).map(|_| main.block_on(proxy.call("give", ())).unwrap()).collect();
    assert_eq!(main.block_on(kept[0].call::<usize>(())).unwrap(), 202);
    drop(kept);
    // A result of another type, and one that is read where there is no end of the link.
    assert!(main.block_on(proxy.call::<u32>("give", ())).is_err());
    let error = main.block_on(worker.shared_proxy().call::<RemoteFunction>("give", ())).unwrap_err();
    assert!(error.to_string().contains("functions and streams belong to the thread of their link"), "{error}");
    for _ in 0..1000 {
        if Arc::strong_count(&owner) == 2 {
            return;
        }
        main.block_on(proxy.call::<()>("nothing", ())).unwrap();
    }
    panic!("{} are left", Arc::strong_count(&owner) - 2);
}

#[test]
fn callbacks_fail_once_link_is_closed() {
    within(LIMIT, || {
        let (main, worker) = started(|scope| {
            scope.export("give", || Callback::new(|| 1));
            let kept: RefCell<Vec<RemoteFunction>> = RefCell::default();
            scope.export("keep", move |function: RemoteFunction| kept.borrow_mut().push(function));
        });
        let proxy = worker.proxy();
        let owner = Rc::new(());
        main.block_on(proxy.call::<()>("keep", (counted(&owner),))).unwrap();
        let function: RemoteFunction = main.block_on(proxy.call("give", ())).unwrap();
        assert_eq!(Rc::strong_count(&owner), 2);
        worker.terminate();
        assert_eq!(Rc::strong_count(&owner), 1);
        let error = main.block_on(function.call::<u32>(())).unwrap_err();
        assert!(matches!(error.kind, CallErrorKind::Closed(_)), "{error}");
        assert_eq!(error.function, "a callback");
        drop(function);
    });
}

#[test]
fn callbacks_of_another_link_are_refused() {
    let setup = |scope: &Scope| {
        scope.export("give", || Callback::new(|| 1));
        scope.export("take", |_function: RemoteFunction| ());
    };
    let (main, one) = started(setup);
    let other = main
        .spawn(move |scope| {
            setup(scope);
            Ok(())
        })
        .unwrap();
    let function: RemoteFunction = main.block_on(one.proxy().call("give", ())).unwrap();
    // It is sent back.
    main.block_on(one.proxy().call::<Value>("give", ())).unwrap();
    let error = main.block_on(other.proxy().call::<()>("take", (&function,))).unwrap_err();
    assert!(error.to_string().contains("pass a `Callback` that calls it"), "{error}");
    let error = main.block_on(one.proxy().call::<()>("take", (&function,))).unwrap_err();
    assert!(error.to_string().contains("expected a function of the other end, got one of this end"), "{error}");
    let forwards = Callback::new_async(move || {
        let call = function.call::<u32>(());
        async move { call.await.map_err(CallError::into_thrown) }
    });
    main.block_on(other.proxy().call::<()>("take", (forwards,))).unwrap();
}

#[test]
fn calls_of_callbacks_end_at_their_timeout() {
    within(LIMIT, || {
        let (main, worker) = started(|scope| {
            scope.export("apply", |function: RemoteFunction| {
                let error = function.with_timeout(Duration::from_millis(1)).call_blocking::<()>(()).unwrap_err();
                matches!(error.kind, CallErrorKind::TimedOut)
            });
        });
        let never = Callback::new_async(std::future::pending::<()>);
        assert!(main.block_on(worker.proxy().call::<bool>("apply", (never,))).unwrap());
    });
}

#[test]
fn cancelled_calls_release_callbacks_in_their_arguments() {
    let (main, worker) = started(|scope| {
        scope.export_async("never", |_function: RemoteFunction| std::future::pending::<()>());
        scope.export("nothing", || ());
    });
    let proxy = worker.proxy();
    let owner = Rc::new(());
    for _ in 0..20 {
        let call = proxy.call::<()>("never", (counted(&owner),));
        main.block_on(proxy.call::<()>("nothing", ())).unwrap();
        drop(call);
    }
    until_released(&main, &proxy, &owner);
}

#[test]
fn callbacks_in_unread_payloads_are_released() {
    const EACH: usize = 1000;
    let given = Arc::new(());
    let owned = Arc::clone(&given);
    let (main, worker) = started(move |scope| {
        scope.export("give", move |_: u32| {
            let owned = Arc::clone(&owned);
            Callback::new(move || Arc::strong_count(&owned))
        });
        scope.export("number", |number: u32| number);
        scope.export_bytes("bytes", |_: &mut Vec<u8>| Ok(()));
        scope.export("nothing", || ());
        scope.export_async("never", |_: RemoteFunction| std::future::pending::<()>());
    });
    let proxy = worker.proxy();
    let nothing = || main.block_on(proxy.call::<()>("nothing", ())).unwrap();
    let held = Arc::strong_count(&given);
    let owner = Rc::new(());
    let fails = |call: CallFuture<Value>| assert!(main.block_on(call).is_err());
    let variants: [(&str, &dyn Fn()); 10] = [
        ("arguments for an unknown function", &|| fails(proxy.call("unknown", (counted(&owner),)))),
        ("arguments of other types", &|| fails(proxy.call("number", (counted(&owner),)))),
        ("arguments behind one of another type", &|| fails(proxy.call("number", ("", counted(&owner))))),
        ("arguments for a function of bytes", &|| fails(proxy.call("bytes", (counted(&owner),)))),
        ("arguments of an unknown notification", &|| proxy.notify("unknown", (counted(&owner),)).unwrap()),
        ("arguments of a call that is cancelled at once", &|| drop(proxy.call::<()>("never", (counted(&owner),)))),
        ("a result of another type", &|| fails(proxy.call("give", ("number",)))),
        ("the result of a call that is cancelled", &|| drop(proxy.call::<RemoteFunction>("give", (1,)))),
        ("a result that has arrived", &|| {
            let call = proxy.call::<RemoteFunction>("give", (1,));
            nothing();
            drop(call);
        }),
        ("the result of a notification", &|| proxy.notify("give", (1,)).unwrap()),
    ];
    for (name, act) in variants {
        (0..EACH).for_each(|_| act());
        for _ in 0..2 * EACH {
            nothing();
            if (Rc::strong_count(&owner), Arc::strong_count(&given)) == (1, held) {
                break;
            }
        }
        assert_eq!((Rc::strong_count(&owner), Arc::strong_count(&given)), (1, held), "{name}");
    }
}

#[test]
fn async_callback_of_blocked_worker_is_a_deadlock() {
    within(LIMIT, || {
        let main = Main::new().unwrap();
        let config = Config { deadlock_timeout: Duration::from_millis(20), ..Config::default() };
        let worker = main
            .worker()
            .config(config)
            .spawn(|scope| {
                let sync = scope.sync();
                scope.export("blocked", move || {
                    let later = Callback::new_async(|| async { 1 });
                    sync.call::<u32>("wait", (later,)).map_err(CallError::into_thrown)
                });
                Ok(())
            })
            .unwrap();
        worker.register_async("wait", |function: RemoteFunction| async move {
            let error = function.call::<u32>(()).await.unwrap_err();
            u32::from(matches!(error.kind, CallErrorKind::Deadlock(_)))
        });
        assert_eq!(main.block_on(worker.proxy().call::<u32>("blocked", ())).unwrap(), 1);
    });
}

#[test]
fn callbacks_of_both_ends_call_each_other() {
    within(LIMIT, || {
        let (main, worker) = started(|scope| {
            scope.export("countdown", |from: u32, next: RemoteFunction| {
                if from == 0 {
                    return Ok(0);
                }
                let own = next.clone();
                let back = Callback::new(move |left: u32| {
                    own.call_blocking::<u32>((left, ())).map_err(CallError::into_thrown)
                });
                next.call_blocking::<u32>((from, back)).map_err(CallError::into_thrown)
            });
        });
        let next = Callback::new_async(|left: u32, back: Option<RemoteFunction>| async move {
            match back {
                Some(back) if left > 0 => {
                    let rest: u32 = back.call((left - 1,)).await.map_err(CallError::into_thrown)?;
                    Ok::<u32, Thrown>(rest + 1)
                }
                _ => Ok(100),
            }
        });
        assert_eq!(main.block_on(worker.proxy().call::<u32>("countdown", (3, next))).unwrap(), 101);
    });
}
