//! Operations on objects: their bytes, their errors, and operations that do not wait.

use crate::{Does, key, object, parts, play, sizes};
use coincide::raw::{Format, RawReply};
use coincide::window::{Callback, Key, Remote};
use coincide::{CallError, CallErrorKind, Main, Scope, Thrown, Value};
use coincide_codec::value::{RefKind, RefOwner};
use std::cell::RefCell;
use std::rc::Rc;

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

/// The operations of the API, in the order of the vectors.
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

/// Their names in the vectors. The API has no other operations.
const TRACED: [&str; 17] = [
    "get an object of the root",
    "get a text",
    "set",
    "get an array",
    "get the same array by another name",
    "own keys",
    "query",
    "gather",
    "get a function",
    "apply",
    "set a function of the worker",
    "get that function of the worker",
    "has",
    "delete",
    "batch",
    "invoke",
    "set at the end of a path",
];

#[test]
fn operations_have_the_bytes_of_the_vectors() {
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

#[test]
fn errors_name_operation_and_cause() {
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
        // Arguments of ordinary calls cannot contain objects of main.
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
fn posted_operations_do_not_wait() {
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
fn settled_awaits_promise_of_main() {
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
