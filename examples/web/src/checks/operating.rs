//! Objects of the page in a worker: the worker's side of the checks.

use coincide::window::{Callback, Key, Remote};
use coincide::{ByteBuf, CallError, CallErrorKind, Scope, Thrown, Value};
use serde::Serialize;
use std::cell::RefCell;
use std::fmt::Debug;
use std::rc::Rc;

/// Exports the functions that the page calls.
pub(super) fn export(scope: &Scope) {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let own = scope.clone();
    let operating =
        Rc::new(Operating { window: RefCell::default(), seen: Rc::clone(&seen), listeners: RefCell::default() });
    let sync = Rc::clone(&operating);
    scope.export("window", move |name: String| {
        let window = own.window();
        match name.as_str() {
            "operations" => operations(&window),
            "errors" => errors(&window),
            "posted" => posted(&window),
            "listeners" => sync.listen(&window),
            "no_more_listeners" => sync.unlisten(&window),
            "many" => many(&own),
            "unsent" => unsent(&own),
            "memory" => memory(&window),
            "symbols" => symbols(&window),
            "kept" => sync.keep(&window),
            "another_root" => another_root(&window),
            "policy" => policy(&window),
            "escapes" => escapes(&window),
            "listed" => listed(&window),
            "listed_document" => listed_document(&window),
            "allowed" => allowed(&window),
            "trusted" => trusted(&window),
            _ => Err(Thrown::new("Error", format!("there is no check `{name}`"))),
        }
    });
    scope.export("seen", move || seen.borrow().clone());
    let own = scope.clone();
    scope.export_async("awaiting", move |name: String| {
        let window = own.window();
        async move {
            match name.as_str() {
                "promises" => promises(window).await,
                _ => modules(window).await,
            }
        }
    });
}

struct Operating {
    window: RefCell<Vec<Remote>>,
    seen: Rc<RefCell<Vec<String>>>,
    listeners: RefCell<Vec<Callback>>,
}

fn operations(window: &Remote) -> Result<(), Thrown> {
    let document = window.get("document")?.resolve()?;
    let body: Remote = document.get("body")?.read()?;
    equal(&body, &window.get("document")?.get("body")?.resolve()?)?;
    equal(window, &window.get("window")?.resolve()?)?;

    let list = document.call::<Remote>("createElement", ("ul",))?;
    list.set("id", "made-here")?;
    list.get("dataset")?.set("kind", "check")?;
    equal(list.get("dataset")?.get("kind")?.read::<String>()?, "check".into())?;
    equal(
        list.gather::<(String, String, Option<u8>)>(&["id", "dataset.kind", "no.such.thing"])?,
        ("made-here".into(), "check".into(), None),
    )?;
    equal((list.has("append")?, list.has("nothing")?), (true, false))?;
    list.get("dataset")?.delete("kind")?;
    equal(list.get("dataset")?.own_keys()?, Vec::<Key>::new())?;
    body.run("append", (&list,))?;
    equal(list.get("parentNode")?.resolve()?, body.clone())?;
    list.assign(Titled { title: "a list", hidden: true })?;
    equal(list.gather::<(String, bool)>(&["title", "hidden"])?, ("a list".into(), true))?;

    let url = window.get("URL")?.construct(("../x?y=1", "https://example.com/a/b"))?;
    equal(url.get("href")?.read::<String>()?, "https://example.com/x?y=1".into())?;
    equal(url.get("searchParams")?.call::<u32>("get", ("y",)).is_err(), true)?;
    equal(url.get("searchParams")?.call::<String>("get", ("y",))?, "1".into())?;
    let max: Remote = window.get("Math")?.get("max")?.read()?;
    equal((max.is_function(), max.apply::<i32>((), (1, 5, 3))?), (true, 5))?;
    equal(window.evaluate::<u32>("(a, b) => a * b", (6, 7))?, 42)?;

    let bytes = window
        .get("Uint8Array")?
        .get("from")?
        .apply::<ByteBuf>(&window.get("Uint8Array")?.resolve()?, ([1, 2, 255],))?;
    equal(bytes, ByteBuf::from([1, 2, 255]))?;
    let array = window.call::<Remote>("Array", (1, "two", ()))?;
    equal(array.is_array(), true)?;
    equal(array.gather::<(u8, String, Option<u8>, usize)>(&["0", "1", "2", "length"])?, (1, "two".into(), None, 3))?;
    let iterator = array.call::<Remote>(Key::symbol("iterator"), ())?;
    equal(iterator.call::<Remote>("next", ())?.get("value")?.read::<u8>()?, 1)?;

    let mut batch = window.batch();
    batch.set(&list, "title", "another")?.run(&list, "remove", ())?.set(&window.get("document")?, "checked", true)?;
    batch.send()?;
    equal(list.gather::<(String, Option<bool>)>(&["title", "isConnected"])?, ("another".into(), Some(false)))?;
    equal(document.get("checked")?.read::<bool>()?, true)?;
    document.delete("checked")?;
    Ok(())
}

fn errors(window: &Remote) -> Result<(), Thrown> {
    let thrown = |result: Result<(), CallError>| match result {
        Err(CallError { kind: CallErrorKind::Threw(thrown), .. }) => Ok(*thrown),
        other => Err(Thrown::new("Error", format!("{other:?} is no exception of main"))),
    };
    let document = window.get("document")?;
    equal(thrown(document.run("querySelector", ("!",)))?.class, "SyntaxError".into())?;
    let missing = thrown(document.get("no")?.get("such")?.set("thing", 1))?;
    equal((missing.class.as_str(), missing.message.contains("no.such")), ("TypeError", true))?;
    let deep = thrown(window.get("decodeURI")?.apply::<String>((), ("%",)).map(drop))?;
    equal((deep.class.as_str(), deep.stack.is_empty()), ("URIError", false))?;
    let frozen = window.get("Object")?.call::<Remote>("freeze", (Titled { title: "", hidden: true },))?;
    equal(thrown(frozen.set("title", "x"))?.class, "TypeError".into())?;
    equal(thrown(frozen.delete("title"))?.class, "TypeError".into())?;
    let mut batch = window.batch();
    batch.set(&frozen, "title", "x")?;
    equal(thrown(batch.send())?.class, "TypeError".into())?;
    match window.get("document")?.get("nodeType")?.read::<String>() {
        Err(CallError { function, kind: CallErrorKind::Result(_) }) => {
            equal(function, "window.document.nodeType".into())
        }
        other => Err(Thrown::new("Error", format!("{other:?} where another type was wanted"))),
    }
}

fn posted(window: &Remote) -> Result<(), Thrown> {
    let array = window.get("Array")?.construct(())?;
    for number in 0..100 {
        array.post("push", (number,))?;
    }
    equal(array.get("length")?.read::<u32>()?, 100)?;
    array.post("missing", ())?;
    array.post("push", (1,))?;
    let late = array.get("length")?.read::<u32>().err().and_then(|error| error.thrown().cloned());
    equal(late.map(|thrown| thrown.class), Some("TypeError".into()))?;
    equal(array.get("length")?.read::<u32>()?, 100)
}

/// Uses many objects one after the other, so that they are released in between.
fn many(scope: &Scope) -> Result<(), Thrown> {
    let window = scope.window();
    for _ in 0..5000 {
        window.get("Object")?.construct(())?;
    }
    // Neither an object of the page nor a callback is held.
    equal(format!("{scope:?}").contains("objects: 0, callbacks: 0"), true)
}

/// A value that cannot be sent keeps no object or callback.
fn unsent(scope: &Scope) -> Result<(), Thrown> {
    let window = scope.window();
    let pair = window.evaluate::<Remote>(
        "() => {
            const buffer = new ArrayBuffer(1);
            structuredClone(buffer, { transfer: [buffer] });
            return { object: {}, buffer };
        }",
        (),
    )?;
    match pair.gather::<(Remote, ByteBuf)>(&["object", "buffer"]) {
        Err(CallError { kind: CallErrorKind::BadResult(message), .. }) => {
            equal(message.starts_with("result[1]: an `ArrayBuffer`"), true)
        }
        other => Err(Thrown::new("Error", format!("a buffer without bytes gave {other:?}"))),
    }
}

/// A buffer whose maximum size exceeds the available memory.
fn memory(window: &Remote) -> Result<(), Thrown> {
    let large = Value::Buffer { bytes: vec![], max: Some(1 << 52) };
    match window.call::<Remote>("Array", (large,)) {
        Err(CallError { kind: CallErrorKind::OutOfMemory(_), .. }) => {
            equal(window.get("Math")?.get("PI")?.read::<f64>()? > 3.0, true)
        }
        other => Err(Thrown::new("Error", format!("a buffer that is too large gave {other:?}"))),
    }
}

/// A symbol that only the page knows is the same symbol when it is sent back.
fn symbols(window: &Remote) -> Result<(), Thrown> {
    let symbol = window.evaluate::<Remote>("() => Symbol('own')", ())?;
    equal(window.evaluate::<String>("symbol => symbol.description", (&symbol,))?, "own".into())
}

fn another_root(root: &Remote) -> Result<(), Thrown> {
    equal(root.own_keys()?, vec![Key::from("answer")])?;
    root.set("answer", root.get("answer")?.read::<u32>()? + 1)?;
    equal(root.get("document")?.read::<Option<Remote>>()?, None)
}

fn policy(window: &Remote) -> Result<(), Thrown> {
    let document = window.get("document")?;
    for refused in [
        document.get("cookie")?.read::<String>().map(drop),
        document.set("cookie", "a=b"),
        document.gather::<(String,)>(&["cookie"]).map(drop),
        window.evaluate::<u32>("() => 1", ()).map(drop),
    ] {
        let thrown = refused.err().and_then(|error| error.thrown().cloned());
        equal(thrown.map(|thrown| thrown.class), Some("NotAllowedError".into()))?;
    }
    equal(document.get("nodeType")?.read::<u8>()?, 9)
}

/// Each way ends with one of these errors.
fn refused<T: Debug>(name: &str, result: Result<T, CallError>) -> Result<(), Thrown> {
    let class = result.as_ref().err().and_then(|error| error.thrown()).map(|thrown| thrown.class.clone());
    match class.as_deref() {
        Some("NotAllowedError" | "TypeError" | "RangeError") => Ok(()),
        _ => Err(Thrown::new("Error", format!("{name} gave {result:?}"))),
    }
}

fn escapes(window: &Remote) -> Result<(), Thrown> {
    let constructor = window.get("constructor")?.get("constructor")?;
    refused("the function constructor", constructor.apply::<Remote>((), ("return globalThis",)))?;
    for object in ["add", "list", "later", "element", "answer"] {
        refused(object, window.get(object)?.get("constructor")?.resolve())?;
        refused(
            object,
            window.get(object)?.get("constructor")?.get("constructor")?.apply::<Remote>((), ("return 1",)),
        )?;
        refused(object, window.get(object)?.get("__proto__")?.resolve())?;
        refused(object, window.get(object)?.get("__proto__")?.set("polluted", 1))?;
    }
    refused("evaluate", window.evaluate::<u32>("() => 1", ()))?;
    refused("import", window.call::<Remote>("import", ("data:text/javascript,export default 1",)))?;
    refused("__proto__", window.set("__proto__", 1))?;
    refused("a changed function", window.get("list")?.get("map")?.set("polluted", 1))?;
    refused("call", window.get("add")?.call::<u32>("call", ((), 1, 2)))?;
    refused("bind", window.get("add")?.call::<Remote>("bind", ((),)))?;
    refused("a getter", window.get("element")?.call::<Remote>("__lookupGetter__", ("ownerDocument",)))?;
    refused(
        "a method of another",
        window.get("list")?.get("map")?.apply::<Remote>(&window.get("api")?.resolve()?, (1,)),
    )?;
    refused("a global", window.call::<Remote>("self", ()))?;
    refused("a thrown global", window.call::<Remote>("throwGlobal", ()))?;
    refused("a document", window.get("element")?.get("ownerDocument")?.resolve())?;
    refused("a window", window.get("element")?.get("ownerDocument")?.get("defaultView")?.resolve())?;
    refused(
        "a document as a result",
        window.get("element")?.call::<Remote>("getRootNode", ())?.get("ownerDocument")?.resolve(),
    )?;
    refused("a gather", window.gather::<(u32, Remote)>(&["answer", "list.constructor"]))?;
    let mut batch = window.batch();
    batch.set(&window.get("list")?.get("__proto__")?, "polluted", 1)?;
    refused("a batch", batch.send())?;
    let failed = window.call::<Remote>("fail", ()).err().and_then(|error| error.thrown().cloned());
    equal(
        failed.map(|thrown| (thrown.message.clone(), format!("{thrown:?}").contains("view"))),
        Some(("failed".into(), false)),
    )?;
    let received = Rc::new(RefCell::new(None));
    let reported = Rc::clone(&received);
    window.run(
        "call",
        (Callback::new(move |global: Option<Remote>, function: Option<Remote>, kept: Remote| {
            *reported.borrow_mut() = Some((global.is_some(), function.is_some()));
            drop(kept);
        }),),
    )?;
    // It runs during the next call at the latest.
    equal(window.get("answer")?.read::<u32>()?, 42)?;
    equal(received.borrow().unwrap_or((false, false)), (false, false))?;
    equal(window.get("list")?.call::<String>("join", ("-",))?, "1-2-3".into())?;
    equal(window.call::<u32>("add", (1, 2))?, 3)?;
    window.get("element")?.set("textContent", "text")?;
    equal(
        window.get("element")?.call::<Remote>("cloneNode", (true,))?.get("textContent")?.read::<String>()?,
        "text".into(),
    )
}

fn listed(window: &Remote) -> Result<(), Thrown> {
    equal(window.get("user")?.get("name")?.read::<String>()?, "Ada".into())?;
    equal(window.get("api")?.call::<u32>("add", (1, 2))?, 3)?;
    equal(window.own_keys()?, vec![Key::from("user"), Key::from("api")])?;
    equal(window.get("user")?.has("password")?, false)?;
    refused("a password", window.get("user")?.get("password")?.read::<String>())?;
    refused("another key", window.get("answer")?.read::<u32>())?;
    refused("what is on the way", window.set("user", 1))?;
    refused("a deletion", window.get("user")?.delete("name"))
}

fn listed_document(window: &Remote) -> Result<(), Thrown> {
    let document = window.get("document")?;
    let body: Remote = document.call("querySelector", ("body",))?;
    equal(document.get("title")?.read::<String>().is_ok(), true)?;
    refused("a cookie", document.get("cookie")?.read::<String>())?;
    refused("a cookie by another way", body.get("ownerDocument")?.get("cookie")?.read::<String>())?;
    refused("the location", window.get("location")?.resolve())
}

fn allowed(window: &Remote) -> Result<(), Thrown> {
    equal(window.evaluate::<u32>("(a, b) => a * b", (6, 7))?, 42)?;
    equal(window.get("import")?.resolve()?.is_function(), true)?;
    refused("a constructor", window.get("constructor")?.resolve())
}

fn trusted(window: &Remote) -> Result<(), Thrown> {
    equal(window.get("constructor")?.resolve()?.is_function(), true)?;
    equal(window.evaluate::<u32>("() => 1", ())?, 1)
}

async fn promises(window: Remote) -> Result<(), Thrown> {
    let response: Remote = window.call::<Remote>("fetch", ("./palettes/ember.txt",))?.settled().await?;
    let text: String = response.call::<Remote>("text", ())?.settled().await?;
    equal(text.lines().count() > 3, true)?;
    let refused = window.get("Promise")?.get("reject")?;
    let promise: Remote =
        refused.apply(&window.get("Promise")?.resolve()?, (window.get("RangeError")?.construct(("too far",))?,))?;
    let error = promise.settled::<()>().await.err().and_then(|error| error.thrown().cloned());
    equal(error.map(|thrown| (thrown.class, thrown.message)), Some(("RangeError".into(), "too far".into())))?;
    // The error has a property that cannot be copied.
    let source = "() => Promise.reject(Object.assign(new RangeError('farther'), { view: globalThis, number: 1 }))";
    let error = window.evaluate::<Remote>(source, ())?.settled::<()>().await.err();
    equal(error.and_then(|error| error.thrown().map(|thrown| thrown.message.clone())), Some("farther".into()))
}

async fn modules(window: Remote) -> Result<(), Thrown> {
    let module: Remote = window.call::<Remote>("import", ("./tests/module.js",))?.settled().await?;
    equal(module.get("answer")?.read::<u32>()?, 42)
}

impl Operating {
    fn listen(&self, window: &Remote) -> Result<(), Thrown> {
        let seen = Rc::clone(&self.seen);
        let plain = Callback::new(move |event: Remote| {
            let name: String = event.get("type")?.read()?;
            seen.borrow_mut().push(name);
            Ok::<(), Thrown>(())
        });
        window.run("addEventListener", ("check-plain", plain))?;
        let seen = Rc::clone(&self.seen);
        let prevented = Callback::new(move |event: Remote| {
            let name: String = event.get("type")?.read()?;
            // Also after its dispatch.
            let prevented: bool = event.get("defaultPrevented")?.read()?;
            seen.borrow_mut().push(format!("{name} {}", 1 + u8::from(prevented)));
            Ok::<(), Thrown>(())
        });
        window.run("addEventListener", ("check-prevented", &prevented, Invoking { invoke: "preventDefault" }))?;
        self.listeners.borrow_mut().push(prevented);
        Ok(())
    }

    fn unlisten(&self, window: &Remote) -> Result<(), Thrown> {
        for listener in self.listeners.take() {
            window.run("removeEventListener", ("check-prevented", listener))?;
        }
        Ok(())
    }

    /// Holds an object of main, and gives main a function to hold.
    fn keep(&self, window: &Remote) -> Result<(), Thrown> {
        let kept = window.get("document")?.resolve()?;
        kept.set("onchecked", Callback::new(|| ()))?;
        self.window.borrow_mut().push(kept);
        Ok(())
    }
}

#[derive(Serialize)]
struct Titled {
    title: &'static str,
    hidden: bool,
}

#[derive(Serialize)]
struct Invoking {
    invoke: &'static str,
}

#[track_caller]
fn equal<T: PartialEq + Debug>(found: T, expected: T) -> Result<(), Thrown> {
    if found == expected {
        return Ok(());
    }
    let place = std::panic::Location::caller();
    Err(Thrown::new("Error", format!("{place}: found {found:?} where {expected:?} was expected")))
}
