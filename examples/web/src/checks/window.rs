//! Objects of the page in a worker: the page's side of the checks.

use coincide::window::{Root, Sharing};
use coincide::{CallError, CallErrorKind, Main, Worker};
use js_sys::{Array, Object, Reflect};
use wasm_bindgen::prelude::*;

use super::{Checked, contains, driven, equal, failure};

/// A worker whose window is `root`. It ends with its main.
fn sharing(root: Root) -> Result<(Main, Worker, Sharing), Box<dyn std::error::Error>> {
    let main = driven()?;
    let worker = main.worker().spawn_script("./tests/worker.js")?;
    let sharing = worker.share_window(root);
    Ok((main, worker, sharing))
}

/// Runs a check in a worker.
async fn checked(worker: &Worker, name: &str) -> Checked {
    Ok(worker.proxy().call::<()>("window", (name,)).await?)
}

/// The checks that a worker runs alone, with access to the whole page.
macro_rules! alone {
    ($($export:literal: $($name:ident)*;)*) => {
        $($(pub(super) async fn $name() -> Checked {
            let (_main, worker, _) = sharing(Root::global())?;
            Ok(worker.proxy().call::<()>($export, (stringify!($name),)).await?)
        })*)*
    };
}

alone! {
    "window": operations errors posted memory symbols;
    "awaiting": promises modules;
}

pub(super) async fn listeners() -> Checked {
    let (_main, worker, _) = sharing(Root::global())?;
    checked(&worker, "listeners").await?;
    equal(dispatched("check-plain"), false)?;
    equal(dispatched("check-prevented"), true)?;
    let mut seen = Vec::new();
    // The page does not wait for its listeners.
    while seen.len() < 2 {
        seen = worker.proxy().call::<Vec<String>>("seen", ()).await?;
    }
    seen.sort();
    equal(seen, ["check-plain", "check-prevented 2"].map(str::to_owned).to_vec())?;
    checked(&worker, "no_more_listeners").await?;
    equal(dispatched("check-prevented"), false)
}

pub(super) async fn released() -> Checked {
    let (_main, worker, sharing) = sharing(Root::global())?;
    checked(&worker, "many").await?;
    checked(&worker, "unsent").await?;
    // Remaining references are released when the worker is idle: before the next call is answered, or soon after.
    while sharing.sizes().0 > 0 {
        worker.proxy().call::<Vec<String>>("seen", ()).await?;
    }
    checked(&worker, "kept").await?;
    equal(sharing.sizes(), (1, 1))?;
    worker.terminate();
    equal(sharing.sizes(), (0, 0))
}

pub(super) async fn another_root() -> Checked {
    let root = Object::new();
    Reflect::set(&root, &"answer".into(), &42.into()).map_err(|error| format!("{error:?}"))?;
    let (_main, worker, _) = sharing(Root::of(&root))?;
    checked(&worker, "another_root").await?;
    equal(Reflect::get(&root, &"answer".into()).ok(), Some(43.into()))
}

pub(super) async fn policy() -> Checked {
    let policy = |operation: &str, _: &JsValue, arguments: &Array| {
        operation != "evaluate" && arguments.get(0).as_string().as_deref() != Some("cookie")
    };
    let (_main, worker, _) = sharing(Root::global().policy(policy))?;
    checked(&worker, "policy").await
}

pub(super) async fn escapes() -> Checked {
    let (_main, worker, _) = sharing(Root::of(&small_root()))?;
    checked(&worker, "escapes").await?;
    equal(is_clean(), true)
}

pub(super) async fn listed() -> Checked {
    let (_main, worker, _) = sharing(Root::of(&small_root()).allow("user.name").allow("api"))?;
    checked(&worker, "listed").await?;
    let (_main, worker, _) = sharing(Root::global().allow("document.title").allow("document.querySelector"))?;
    checked(&worker, "listed_document").await
}

pub(super) async fn allowed() -> Checked {
    let (_main, worker, _) = sharing(Root::of(&small_root()).evaluate().imports())?;
    checked(&worker, "allowed").await?;
    let (_main, worker, _) = sharing(Root::of(&small_root()).trusted())?;
    checked(&worker, "trusted").await
}

pub(super) async fn not_shared() -> Checked {
    let main = driven()?;
    let worker = main.worker().spawn_script("./tests/worker.js")?;
    let error = failure(worker.proxy().call::<()>("window", ("operations",)).await)?;
    match &error {
        CallError { kind: CallErrorKind::Threw(_), .. } => {
            contains(&error.to_string(), "it has to call `share_window`")
        }
        _ => Err(error.into()),
    }
}

#[wasm_bindgen(inline_js = "
    export const smallRoot = () => ({
        answer: 42,
        list: [1, 2, 3],
        element: document.createElement('p'),
        user: { name: 'Ada', password: 'secret' },
        api: { add: (a, b) => a + b, deep: {} },
        add: (a, b) => a + b,
        later: async () => globalThis,
        self: () => globalThis,
        call: fn => fn(globalThis, Function, { kept: 1 }),
        fail() { throw Object.assign(new Error('failed'), { view: globalThis, number: 1 }); },
        throwGlobal() { throw globalThis; },
    });
    export const isClean = () => ({}).polluted === undefined && [].map.polluted === undefined;
    export const dispatched = type => {
        const event = new Event(type, { cancelable: true });
        globalThis.dispatchEvent(event);
        return event.defaultPrevented;
    };
")]
extern "C" {
    /// An object that exposes more than intended.
    #[wasm_bindgen(js_name = smallRoot)]
    fn small_root() -> Object;

    /// Whether all shared prototypes are unchanged.
    #[wasm_bindgen(js_name = isClean)]
    fn is_clean() -> bool;

    /// Whether a listener has prevented the default action of an event of this type.
    fn dispatched(event: &str) -> bool;
}
