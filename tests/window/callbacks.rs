//! Functions of a worker that main calls and releases.

use crate::{Does, Dropped, key, object, parts, play, released, sizes};
use coincide::raw::{Format, RawReply};
use coincide::window::{Callback, Remote};
use coincide::{CallError, CallErrorKind, Main, Scope, Thrown, Value};
use coincide_codec::value::{RefKind, RefOwner};
use coincide_proto::conformance::{LIMIT, within};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::mpsc;

#[test]
fn callback_runs_with_typed_arguments_while_worker_is_blocked() {
    fn does(scope: &Scope) -> Result<(), Thrown> {
        let window = scope.window();
        let inner = window.clone();
        let few = Callback::new(move |text: String, object: Remote, missing: Option<u32>| {
            assert_eq!(missing, None);
            // An operation inside the operation that waits.
            inner.set("seen", &object)?;
            Ok::<_, Thrown>((text, object))
        });
        let throws = Callback::new(|| Err::<(), _>(Thrown::new("RangeError", "too far")));
        window.run("call", (&few, &throws))?;
        assert_eq!(sizes(scope), (0, 2));
        drop((few, throws));
        assert_eq!(sizes(scope), (0, 2));
        scope.export("done", || ());
        Ok(())
    }
    let main = Main::new().unwrap();
    let worker = main.spawn(does as Does).unwrap();
    let exports = worker.proxy();
    let steps = Rc::new(RefCell::new(Vec::new()));
    let log = Rc::clone(&steps);
    worker.register_raw("coincide:reflect", move |_, payload, result| {
        let operation = Value::decode(payload).unwrap();
        let true_now = |result: &mut Vec<u8>| {
            Value::Boolean(true).encode(result).unwrap();
            Ok(RawReply::Now(Format::Value))
        };
        if parts(&operation)[0] != Value::from(18) {
            log.borrow_mut().push(format!("{:?}", &parts(&operation)[2..]));
            return true_now(result);
        }
        let Value::Array(args) = &parts(&operation)[3] else { panic!() };
        let ids: Vec<_> = args
            .iter()
            .map(|arg| match arg {
                Value::Reference { owner: RefOwner::Sender, kind: RefKind::Function, id } => *id,
                other => panic!("{other:?} is no function"),
            })
            .collect();
        assert_eq!(ids, [1, 2]);
        let (exports, log) = (exports.clone(), Rc::clone(&log));
        Ok(RawReply::Later(Box::pin(async move {
            let call = |id, args: Vec<Value>| {
                let callee = Value::Reference { owner: RefOwner::Receiver, kind: RefKind::Function, id };
                let payload = Value::Array(vec![callee, object(9), Value::Array(args)]);
                exports.call_raw("coincide:invoke", move |buffer| {
                    payload.encode(buffer).unwrap();
                    Format::Value
                })
            };
            let (_, given) = call(1, vec!["a".into(), object(3)]).await.unwrap();
            log.borrow_mut().push(format!("{:?}", Value::decode(&given).unwrap()));
            let failed = call(2, vec!["more".into(), object(4), object(4)]).await.unwrap_err();
            log.borrow_mut().push(failed.to_string());
            let missing = call(1, vec![]).await.unwrap_err();
            log.borrow_mut().push(missing.to_string());
            let unknown = call(8, vec![]).await.unwrap_err();
            log.borrow_mut().push(unknown.to_string());
            let mut bytes = Vec::new();
            Value::Undefined.encode(&mut bytes).unwrap();
            Ok((Format::Value, bytes))
        })))
    });
    let released = released(&worker);
    main.block_on(worker.proxy().call::<()>("done", ())).unwrap();
    let reference = "Reference { owner: Receiver, kind: Object, id: 3 }";
    let steps = steps.borrow();
    assert_eq!(steps[0], format!("[String(Utf8(\"seen\")), {reference}]"));
    assert_eq!(steps[1], format!("Array([String(Utf8(\"a\")), {reference}])"));
    assert_eq!(steps[2], "RangeError: too far");
    assert!(steps[3].contains("expected a string"), "{}", steps[3]);
    assert!(steps[4].contains("there is no function 8"), "{}", steps[4]);
    // Objects in calls that did not take them are released.
    worker.release(&[1, 2]).unwrap();
    main.block_on(worker.proxy().call::<()>("done", ())).unwrap();
    let mut ids = released.borrow().clone();
    ids.sort_unstable();
    ids.dedup();
    assert!(ids.iter().all(|id| [3, 4, 9].contains(id)), "{ids:?}");
}

#[test]
fn callback_released_by_main_drops_its_captures() {
    fn does(scope: &Scope) -> Result<(), Thrown> {
        let (sender, receiver) = mpsc::channel();
        let dropped = Dropped(sender);
        let window = scope.window();
        let callback = Callback::new(move || dropped.0.send("called").is_ok());
        window.set("callback", &callback)?;
        window.set("callback", &callback)?;
        drop(callback);
        scope.export("dropped", move || receiver.try_iter().count());
        // Arguments that cannot be sent keep no callback: the second one is refused.
        let other = Callback::new(|| ());
        let refused = window.run("run", (&other, NoValue)).unwrap_err();
        assert!(matches!(refused, CallError { kind: CallErrorKind::Arguments(_), .. }), "{refused}");
        assert_eq!(sizes(scope), (0, 1));
        // A batch that is dropped keeps no callback.
        let mut batch = window.batch();
        batch.set(&window, "other", &other)?;
        assert_eq!(sizes(scope), (0, 2));
        drop(batch);
        assert_eq!(sizes(scope), (0, 1));
        Ok(())
    }
    let (main, worker) = play(does, |_| Ok(Value::Boolean(true)));
    let dropped = || main.block_on(worker.proxy().call::<usize>("dropped", ())).unwrap();
    main.block_on(worker.ready()).unwrap();
    worker.release(&[1]).unwrap();
    assert_eq!(dropped(), 0);
    worker.release(&[1]).unwrap();
    assert_eq!(dropped(), 1);
    // Further releases, and unknown ids, are ignored.
    worker.release(&[1, 77]).unwrap();
    assert_eq!(dropped(), 0);
}

#[test]
fn async_callback_runs_when_worker_serves() {
    fn does(scope: &Scope) -> Result<(), Thrown> {
        let answers = Callback::new_async(|number: u32| async move {
            if number == 0 { Err(Thrown::new("RangeError", "nothing")) } else { Ok(number + 1) }
        });
        Ok(scope.window().set("callback", answers)?)
    }
    let (main, worker) = play(does, |_| Ok(Value::Boolean(true)));
    main.block_on(worker.ready()).unwrap();
    let call = |number: u32| {
        let callee = Value::Reference { owner: RefOwner::Receiver, kind: RefKind::Function, id: 1 };
        let call = Value::Array(vec![callee, Value::Undefined, Value::Array(vec![number.into()])]);
        main.block_on(worker.proxy().call_raw("coincide:invoke", |buffer| {
            call.encode(buffer).unwrap();
            Format::Value
        }))
    };
    assert_eq!(Value::decode(&call(41).unwrap().1), Ok(42.into()));
    assert_eq!(call(0).unwrap_err().to_string(), "RangeError: nothing");
}

#[test]
fn terminated_worker_fails_operations_and_drops_callbacks() {
    within(LIMIT, || {
        let main = Main::new().unwrap();
        let (sender, receiver) = mpsc::channel();
        let (drops, dropped) = mpsc::channel();
        let worker = main
            .spawn(move |scope| {
                let window = scope.window();
                let captured = (window.get("first")?.resolve()?, Dropped(drops));
                window.set(
                    "callback",
                    Callback::new(move || captured.0.has("x").is_ok() && captured.1.0.send("").is_ok()),
                )?;
                assert_eq!(sizes(scope), (1, 1));
                let error = window.get("last")?.read::<u32>().unwrap_err();
                let after = window.get("more").unwrap_err();
                sender.send((error, after))?;
                Ok(())
            })
            .unwrap();
        let ending = worker.clone();
        worker.register_raw("coincide:reflect", move |_, payload, result| {
            let operation = Value::decode(payload).unwrap();
            match key(&operation) {
                "first" => object(1).encode(result).unwrap(),
                "last" => ending.terminate(),
                _ => Value::Boolean(true).encode(result).unwrap(),
            }
            Ok(RawReply::Now(Format::Value))
        });
        main.block_on(worker.ready()).unwrap_err();
        let (error, after) = receiver.recv().unwrap();
        assert!(matches!(error, CallError { kind: CallErrorKind::Closed(_), .. }), "{error}");
        assert!(
            matches!(&after, CallError { function, kind: CallErrorKind::Closed(_) } if function == "window.more"),
            "{after}"
        );
        // The captures hold the link, and the link holds the callback. Closing the link breaks the cycle.
        assert_eq!(dropped.recv(), Ok("dropped"));
    });
}

/// A value that cannot be serialized.
struct NoValue;

impl serde::Serialize for NoValue {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("it can't be sent"))
    }
}
