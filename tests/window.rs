//! Objects of main from a worker in Rust, held against the vectors, and against a main that the tests play.

use coincide::raw::{Failure, Format, RawReply};
use coincide::window::{Callback, Key, Remote};
use coincide::{CallError, CallErrorKind, Main, Scope, Thrown, Value, Worker};
use coincide_codec::value::{RefKind, RefOwner};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::mpsc;

/// What a worker does in a test.
type Does = fn(&Scope) -> Result<(), Thrown>;

#[derive(serde::Deserialize)]
struct Vectors {
    trace: Vec<Case>,
}

#[derive(Clone, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    name: String,
    bytes: String,
    result_bytes: String,
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// The operations that the API has, in the order and under the names of the vectors.
fn trace(scope: &Scope) -> Result<(), Thrown> {
    let root = scope.window();
    let inner = root.get("inner")?.resolve()?;
    assert_eq!(inner.get("name")?.read::<String>()?, "x");
    inner.set("name", "y")?;
    let list = root.get("list")?.resolve()?;
    let same: Remote = root.get("same")?.read()?;
    assert_eq!((&list, list.is_array()), (&same, true));
    assert_eq!(inner.own_keys()?, [Key::from("name")]);
    assert_eq!(root.get("inner")?.get("name")?.read::<String>()?, "y");
    assert_eq!(root.gather::<(u8, u8)>(&["answer", "list.length"])?, (42, 2));
    let add: Remote = root.get("add")?.read()?;
    assert!(add.is_function() && add != inner);
    assert_eq!(add.apply::<i32>((), (20, 22))?, 42);
    let callback = Callback::new(|| 7);
    root.set("callback", &callback)?;
    assert_eq!(root.get("callback")?.read::<Callback>()?, callback);
    assert!(!root.has("missing")?);
    inner.delete("name")?;
    let mut batch = root.batch();
    batch.set(&root, "answer", 43)?.delete(&root, "same")?;
    batch.send()?;
    assert_eq!(root.call::<u8>("add", (1, 2))?, 3);
    root.get("inner")?.set("name", "z")?;
    assert_eq!(root.get("list")?.call::<i8>("indexOf", (2,))?, 1);
    Ok(())
}

/// Their names. What is missing here, the API doesn't do.
const TRACED: [&str; 17] = [
    "get an object of the root",
    "get a text",
    "set",
    "get an array",
    "get it by another name",
    "own keys",
    "query",
    "gather",
    "get a function",
    "apply",
    "set a function of the worker",
    "it comes home",
    "has",
    "delete",
    "batch",
    "invoke",
    "set at the end of a path",
];

#[test]
fn operations_are_those_of_the_vectors_byte_for_byte() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/proto/vectors/operations.json");
    let text = std::fs::read_to_string(path).expect("the vectors are part of the repository");
    let cases: Vectors = serde_json::from_str(&text).expect("they have this form");
    let seen = Rc::new(RefCell::new(Vec::new()));
    let names = Rc::clone(&seen);
    let main = Main::new().unwrap();
    let worker = main.spawn(trace).unwrap();
    worker.register_raw("coincide:reflect", move |_, payload, result| {
        let case = cases.trace.iter().find(|case| hex(&case.bytes) == payload);
        let case = case.unwrap_or_else(|| panic!("no vector has {:?}", Value::decode(payload)));
        names.borrow_mut().push(case.name.clone());
        result.extend(hex(&case.result_bytes));
        Ok(RawReply::Now(Format::Value))
    });
    main.block_on(worker.ready()).unwrap();
    let seen = seen.borrow();
    assert_eq!(seen[..TRACED.len()], TRACED);
    assert_eq!(seen[TRACED.len()..], ["invoke at the end of a path"]);
}

/// A worker and a main whose answer to each operation is `answer`.
fn play(does: Does, answer: impl Fn(&Value) -> Result<Value, Value> + 'static) -> (Main, Worker) {
    let main = Main::new().unwrap();
    let worker = main.spawn(does).unwrap();
    worker.register_raw("coincide:reflect", move |_, payload, result| {
        let written = |value: Value, buffer: &mut Vec<u8>| value.encode(buffer).expect("it can be sent");
        match answer(&Value::decode(payload).expect("an operation")) {
            Ok(value) => {
                written(value, result);
                Ok(RawReply::Now(Format::Value))
            }
            Err(thrown) => {
                let mut payload = Vec::new();
                written(thrown, &mut payload);
                Err(Failure::Threw(payload))
            }
        }
    });
    (main, worker)
}

fn object(id: u64) -> Value {
    Value::Reference { owner: RefOwner::Sender, kind: RefKind::Object, id }
}

fn parts(operation: &Value) -> &[Value] {
    match operation {
        Value::Array(parts) => parts,
        other => panic!("{other:?} is no operation"),
    }
}

/// The key of an operation on a property.
fn key(operation: &Value) -> &str {
    parts(operation)[2].as_str().expect("a key")
}

fn released(worker: &Worker) -> Rc<RefCell<Vec<u64>>> {
    let released = Rc::new(RefCell::new(Vec::new()));
    let listening = Rc::clone(&released);
    worker.on_released(move |ids| listening.borrow_mut().extend_from_slice(ids));
    released
}

#[test]
fn references_are_given_back_as_often_as_they_came() {
    fn does(scope: &Scope) -> Result<(), Thrown> {
        let window = scope.window();
        let first = window.get("same")?.resolve()?;
        let second = window.get("same")?.resolve()?;
        assert_eq!(first, second);
        drop(first);
        assert_eq!(sizes(scope), (1, 0));
        // A value that isn't taken as an object keeps none.
        let wrong = window.get("other")?.read::<String>().unwrap_err();
        assert!(matches!(wrong, CallError { kind: CallErrorKind::Result(_), .. }), "{wrong}");
        window.run("other", ())?;
        drop(second);
        assert_eq!(sizes(scope), (0, 0));
        scope.export("done", || ());
        Ok(())
    }
    let (main, worker) = play(does, |operation| match parts(operation)[2].as_str() {
        Some("same") => Ok(object(5)),
        _ => Ok(Value::Array(vec![object(6), object(7), object(6)])),
    });
    let released = released(&worker);
    main.block_on(worker.proxy().call::<()>("done", ())).unwrap();
    // They come when the worker has nothing else to do.
    main.block_on(std::future::poll_fn(|context| {
        if released.borrow().len() >= 8 {
            return std::task::Poll::Ready(());
        }
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    }));
    let mut ids = released.borrow().clone();
    ids.sort_unstable();
    assert_eq!(ids, [5, 5, 6, 6, 6, 6, 7, 7]);
}

#[test]
fn a_busy_worker_gives_references_back_with_its_operations() {
    fn does(scope: &Scope) -> Result<(), Thrown> {
        for _ in 0..1000 {
            scope.window().get("fresh")?.resolve()?;
        }
        assert_eq!(sizes(scope), (0, 0));
        scope.sync().call::<()>("look", ())?;
        Ok(())
    }
    let next = std::cell::Cell::new(0);
    let (main, worker) = play(does, move |_| {
        next.set(next.get() + 1);
        Ok(object(next.get()))
    });
    let released = released(&worker);
    let looked = Rc::new(RefCell::new(0));
    let (seen, look) = (Rc::clone(&released), Rc::clone(&looked));
    worker.register("look", move || *look.borrow_mut() = seen.borrow().len());
    main.block_on(worker.ready()).unwrap();
    assert!(*looked.borrow() > 800, "{} of 1000", looked.borrow());
}

#[test]
fn a_function_of_the_worker_is_called_with_what_it_takes_while_the_worker_waits() {
    fn does(scope: &Scope) -> Result<(), Thrown> {
        let window = scope.window();
        let inner = window.clone();
        let few = Callback::new(move |text: String, object: Remote, missing: Option<u32>| {
            assert_eq!(missing, None);
            // An operation inside of the operation that waits.
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
    // What was in the calls and not taken came back, each as often as it came.
    worker.release(&[1, 2]).unwrap();
    main.block_on(worker.proxy().call::<()>("done", ())).unwrap();
    let mut ids = released.borrow().clone();
    ids.sort_unstable();
    ids.dedup();
    assert!(ids.iter().all(|id| [3, 4, 9].contains(id)), "{ids:?}");
}

#[test]
fn a_function_that_main_gives_back_drops_what_it_has_captured() {
    fn does(scope: &Scope) -> Result<(), Thrown> {
        let (sender, receiver) = mpsc::channel();
        let dropped = Dropped(sender);
        let window = scope.window();
        let callback = Callback::new(move || dropped.0.send("called").is_ok());
        window.set("callback", &callback)?;
        window.set("callback", &callback)?;
        drop(callback);
        scope.export("dropped", move || receiver.try_iter().count());
        // What can't be sent is not held: the second argument is refused.
        let other = Callback::new(|| ());
        let refused = window.run("run", (&other, NoValue)).unwrap_err();
        assert!(matches!(refused, CallError { kind: CallErrorKind::Arguments(_), .. }), "{refused}");
        assert_eq!(sizes(scope), (0, 1));
        // A batch that is never sent keeps nothing.
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
    // Once more, or what was never sent, does nothing.
    worker.release(&[1, 77]).unwrap();
    assert_eq!(dropped(), 0);
}

/// Tells when it is dropped.
struct Dropped(mpsc::Sender<&'static str>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.send("dropped").ok();
    }
}

/// Something that can't be sent.
struct NoValue;

impl serde::Serialize for NoValue {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("it can't be sent"))
    }
}

#[test]
fn a_batch_keeps_the_objects_that_it_is_about() {
    fn does(scope: &Scope) -> Result<(), Thrown> {
        let window = scope.window();
        let mut batch = window.batch();
        for _ in 0..200 {
            let (target, value) = (window.get("fresh")?.resolve()?, window.get("fresh")?.resolve()?);
            batch.set(&target, "value", [value])?;
        }
        assert_eq!(sizes(scope), (400, 0));
        window.run("look", ())?;
        batch.send()?;
        assert_eq!(sizes(scope), (0, 0));
        Ok(())
    }
    let next = std::cell::Cell::new(0);
    let released = Rc::new(RefCell::new(Vec::new()));
    let seen = Rc::clone(&released);
    let looked = Rc::new(std::cell::Cell::new(0));
    let looks = Rc::clone(&looked);
    let (main, worker) = play(does, move |operation| {
        if parts(operation)[0] == Value::from(0) {
            next.set(next.get() + 1);
            return Ok(object(next.get()));
        }
        assert_eq!(*seen.borrow(), Vec::<u64>::new());
        looks.set(looks.get() + 1);
        Ok(Value::Undefined)
    });
    let given_back = Rc::clone(&released);
    worker.on_released(move |ids| given_back.borrow_mut().extend_from_slice(ids));
    main.block_on(worker.ready()).unwrap();
    assert_eq!(looked.get(), 2);
}

#[test]
fn releases_reach_window_and_the_listeners_of_the_program() {
    let main = Main::new().unwrap();
    let (sender, receiver) = mpsc::channel();
    let worker = main
        .spawn(move |scope| {
            let early = sender.clone();
            scope.on_released(move |ids| early.send(ids.to_vec()).unwrap());
            scope.window().set("callback", Callback::new(|| ()))?;
            scope.on_released(move |ids| sender.send(ids.to_vec()).unwrap());
            assert_eq!(sizes(scope), (0, 1));
            scope.sync().call::<()>("give_back", ())?;
            assert_eq!(sizes(scope), (0, 0));
            Ok(())
        })
        .unwrap();
    let sent = Rc::new(std::cell::Cell::new(0));
    let seen = Rc::clone(&sent);
    worker.register_raw("coincide:reflect", move |_, payload, result| {
        let operation = Value::decode(payload).expect("an operation");
        let Value::Reference { id, .. } = parts(&operation)[3] else { panic!("{operation:?} has no function") };
        seen.set(id);
        Value::from(true).encode(result).expect("a boolean can be sent");
        Ok(RawReply::Now(Format::Value))
    });
    let giving = worker.clone();
    let id = Rc::clone(&sent);
    worker.register("give_back", move || giving.release(&[id.get()]).expect("the link is open"));
    main.block_on(worker.ready()).unwrap();
    assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [vec![sent.get()], vec![sent.get()]]);
}

#[test]
fn errors_say_what_was_to_be_done_and_whose_fault_it_is() {
    fn does(scope: &Scope) -> Result<(), Thrown> {
        let window = scope.window();
        let body = window.get("document")?.get("body")?;
        let error = body.get("title")?.read::<String>().unwrap_err();
        assert_eq!(error.to_string(), "`window.document.body.title` threw TypeError: no title");
        assert_eq!(error.thrown().map(|thrown| &*thrown.stack), Some("at main.js:1"));
        let error = window.set("frozen", 1).unwrap_err();
        assert_eq!(error.to_string(), "`window` threw TypeError: the object refuses to set `frozen`");
        let error = window.delete("frozen").unwrap_err();
        assert_eq!(error.to_string(), "`window` threw TypeError: the object refuses to delete `frozen`");
        let error = window.get("answer")?.read::<String>().unwrap_err();
        assert!(error.to_string().contains("expected a string"), "{error}");
        let object = window.get("object")?.resolve()?;
        let error = object.call::<u8>("title", ()).unwrap_err();
        assert_eq!(error.to_string(), "`object.title` threw TypeError: no title");
        // An object of main is none of a value of an ordinary call.
        let error = scope.sync().call::<()>("echo", (&object,)).unwrap_err();
        assert!(matches!(error, CallError { kind: CallErrorKind::Arguments(_), .. }), "{error}");
        let error = scope.sync().call::<()>("echo", (Callback::new(|| ()),)).unwrap_err();
        assert!(matches!(error, CallError { kind: CallErrorKind::Arguments(_), .. }), "{error}");
        scope.close();
        let error = body.get("title").unwrap_err();
        assert!(matches!(error, CallError { kind: CallErrorKind::Closed(_), .. }), "{error}");
        let error = object.set("title", 1).unwrap_err();
        assert!(matches!(error, CallError { kind: CallErrorKind::Closed(_), .. }), "{error}");
        assert_eq!(sizes(scope), (0, 0));
        Ok(())
    }
    let (main, worker) = play(does, |operation| match parts(operation)[0].as_f64() {
        Some(1.0 | 3.0) => Ok(Value::Boolean(false)),
        Some(0.0) if key(operation) == "answer" => Ok(Value::from(42)),
        Some(0.0) => Ok(object(1)),
        _ => {
            let mut error = Vec::new();
            let mut writer = coincide_codec::value::Writer::new(&mut error);
            writer.error(false, 0);
            for text in ["TypeError", "no title", "at main.js:1"] {
                writer.str(text);
            }
            Err(Value::decode(&error).unwrap())
        }
    });
    let closed = main.block_on(worker.ready()).unwrap_err();
    assert_eq!(closed.0.reason, coincide::CloseReason::DONE, "{closed}");
}

#[test]
fn an_asynchronous_function_runs_when_the_worker_serves() {
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
fn a_worker_that_was_terminated_is_told_so_and_keeps_nothing() {
    let main = Main::new().unwrap();
    let (sender, receiver) = mpsc::channel();
    let (drops, dropped) = mpsc::channel();
    let worker = main
        .spawn(move |scope| {
            let window = scope.window();
            let captured = (window.get("first")?.resolve()?, Dropped(drops));
            window
                .set("callback", Callback::new(move || captured.0.has("x").is_ok() && captured.1.0.send("").is_ok()))?;
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
    // What the function has captured holds the link, which holds the function: the end of the link ends that.
    assert_eq!(dropped.recv(), Ok("dropped"));
}

#[test]
fn what_is_posted_is_not_waited_for() {
    fn does(scope: &Scope) -> Result<(), Thrown> {
        let window = scope.window();
        window.get("list")?.post("push", (1, "two"))?;
        window.post("clear", ())?;
        scope.sync().call::<()>("look", ())?;
        Ok(())
    }
    let main = Main::new().unwrap();
    let worker = main.spawn(does as Does).unwrap();
    let posted = Rc::new(RefCell::new(Vec::new()));
    let log = Rc::clone(&posted);
    worker.register_raw("coincide:reflect-later", move |_, payload, _| {
        log.borrow_mut().push(Value::decode(payload).unwrap());
        Ok(RawReply::Now(Format::Value))
    });
    let seen = Rc::clone(&posted);
    worker.register("look", move || assert_eq!(seen.borrow().len(), 2));
    main.block_on(worker.ready()).unwrap();
    let root = Value::Reference { owner: RefOwner::Receiver, kind: RefKind::Object, id: 0 };
    let arguments = Value::Array(vec![1.into(), "two".into()]);
    let path = Value::Array(vec!["list".into()]);
    let expected = [
        Value::Array(vec![19.into(), root.clone(), path, 18.into(), "push".into(), arguments]),
        Value::Array(vec![18.into(), root, "clear".into(), Value::Array(vec![])]),
    ];
    assert_eq!(*posted.borrow(), expected);
}

#[test]
fn a_promise_of_main_is_awaited() {
    fn does(scope: &Scope) -> Result<(), Thrown> {
        let window = scope.window();
        scope.export_async("await", move |name: String| {
            let window = window.clone();
            async move {
                let promise: Remote = window.call(name, ())?;
                promise.settled::<u32>().await.map_err(|error| Thrown::new("", error.to_string()))
            }
        });
        Ok(())
    }
    let then = Rc::new(RefCell::new(Vec::new()));
    let given = Rc::clone(&then);
    let (main, worker) = play(does, move |operation| {
        if key(operation) != "then" {
            return Ok(object(1));
        }
        let Value::Array(functions) = &parts(operation)[3] else { panic!() };
        given.borrow_mut().push(functions.clone());
        Ok(object(2))
    });
    let settle = |of: usize, which: usize, value: Value| {
        let Value::Reference { id, kind, .. } = then.borrow()[of][which] else { panic!() };
        let callee = Value::Reference { owner: RefOwner::Receiver, kind, id };
        let call = Value::Array(vec![callee, Value::Undefined, Value::Array(vec![value])]);
        worker.proxy().call_raw("coincide:invoke", |buffer| {
            call.encode(buffer).unwrap();
            Format::Value
        })
    };
    let given_to_then = |count: usize| {
        main.block_on(std::future::poll_fn(|context| {
            if then.borrow().len() == count {
                return std::task::Poll::Ready(());
            }
            context.waker().wake_by_ref();
            std::task::Poll::Pending
        }));
    };
    let asked = || worker.proxy().call::<u32>("await", ("soon",));
    let call = asked();
    given_to_then(1);
    main.block_on(settle(0, 0, 7.into())).unwrap();
    assert_eq!(main.block_on(call).unwrap(), 7);
    let call = asked();
    given_to_then(2);
    main.block_on(settle(1, 0, "seven".into())).unwrap();
    assert!(
        main.block_on(call)
            .unwrap_err()
            .to_string()
            .contains("the result of `object.then` is of another type than expected")
    );
    let call = asked();
    given_to_then(3);
    main.block_on(settle(2, 1, "broken".into())).unwrap();
    assert!(main.block_on(call).unwrap_err().to_string().contains("`object.then` threw broken"));
    let call = asked();
    given_to_then(4);
    worker.release(&[7, 8]).unwrap();
    assert!(main.block_on(call).unwrap_err().to_string().contains("forgotten"));
}

/// Number of main's objects that the worker holds, and of its callbacks that main holds.
fn sizes(scope: &Scope) -> (usize, usize) {
    let shown = format!("{scope:?}");
    let count = |name: &str| {
        let (_, rest) = shown.split_once(name).expect("`Debug` counts both");
        let end = rest.find(|char: char| !char.is_ascii_digit()).unwrap_or(rest.len());
        rest[..end].parse().expect("a number")
    };
    (count("objects: "), count("callbacks: "))
}
