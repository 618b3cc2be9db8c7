//! Checks of pages and their workers, which `tests/checks.html` runs in a browser.

mod life;
mod operating;
mod painting;
mod suspending;
mod window;
pub mod worker;

use coincide::{CallError, Closed, Main, Worker};
use std::error::Error;
use std::fmt::Debug;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;

macro_rules! checks {
    ($($name:literal: $check:path;)* suspending: $($suspending:literal: $suspended:path;)*) => {
        /// The names of the checks.
        #[wasm_bindgen(js_name = checkNames)]
        pub fn names() -> Vec<String> {
            vec![$($name.to_owned()),*]
        }

        /// Names of the checks that run on the tier `suspending` only.
        #[wasm_bindgen(js_name = suspendingNames)]
        pub fn suspending_names() -> Vec<String> {
            vec![$($suspending.to_owned()),*]
        }

        /// Runs the check of this name. Rejects with the reason of a failure.
        #[wasm_bindgen(js_name = check)]
        pub async fn run(name: String) -> Result<(), JsError> {
            let checked: Checked = match name.as_str() {
                $($name => $check().await,)*
                $($suspending => $suspended().await,)*
                _ => Err("unknown check".into()),
            };
            checked.map_err(|error| JsError::new(&error.to_string()))
        }
    };
}

checks! {
    "the smallest program calls main and answers a call": life::hello;
    "a call before the worker is ready runs once it is ready": life::before_ready;
    "a megabyte returns unchanged": life::large;
    "the worker applies the limits of the builder": life::limits;
    "a name in use is refused, and is free when its worker has ended": life::name;
    "a second link of a Web Worker is refused": life::claimed;
    "a value that is not a Web Worker is refused": life::not_a_worker;
    "a worker begins its link once, from its first message": life::served_once;
    "a missing script closes the link": life::no_script;
    "a script that throws closes the link": life::broken_script;
    "a failing setup closes the link with its reason": life::failing_setup;
    "a panic ends the worker with its message": life::panics;
    "terminate ends a computing worker and its pending calls": life::terminated;
    "dropping main ends its workers": life::dropped;
    "a worker that closes its link ends itself": life::left;
    "a picture is painted row by row": painting::paints;
    "an error of the page returns through the worker with its class": painting::class;
    "an error of an asynchronous function of main arrives with its class": painting::missing_palette;
    "an interrupt ends a picture, and the next one is complete": painting::interrupted;
    "a deadline ends a picture, and the next one is complete": painting::late;
    "a worker operates on objects of the page": window::operations;
    "errors of the page arrive with their classes": window::errors;
    "posted operations run in order": window::posted;
    "lack of memory on the page is reported as such": window::memory;
    "a symbol of the page returns as the same symbol": window::symbols;
    "the worker awaits promises of the page": window::promises;
    "the worker imports a module of the page": window::modules;
    "a listener of the worker receives events, and its declared methods run during dispatch": window::listeners;
    "references that are no longer used are released": window::released;
    "a page shares another root": window::another_root;
    "a policy is called for each operation": window::policy;
    "a membrane refuses each way to escape a small root": window::escapes;
    "a list of paths hides everything that it does not name": window::listed;
    "`evaluate` and `imports` are allowed one by one, and a trusted worker has both": window::allowed;
    "`window` of a page that shares nothing fails with the reason": window::not_shared;
    "a worker has the best tier or the requested one, and main reports why there is no better one": suspending::tiers;
    "calls nest in both directions, up to a limit": suspending::nested;
    "a worker runs functions, callbacks and streams during a pending call": suspending::reentrant;
    "deadlines and tokens end calls, and sleeps end after their duration": suspending::deadlines;
    "interrupts and cancellations stop blocked, sleeping and computing functions": suspending::stops;
    "pending calls end with the worker, however it ends": suspending::ends;
    suspending:
    "suspended functions resume in the order in which their calls end": suspending::any_order;
    "hundreds of functions are suspended at once": suspending::crowd;
    "asynchronous functions run while code is suspended": suspending::asynchronous;
    "tasks of a worker are suspended one by one": suspending::tasks;
    "an argument that calls main while it is encoded is suspended": suspending::encoding;
    "a call from code that cannot be suspended fails with a reason and a remedy": suspending::refusals;
}

/// Why a worker has no tier, on a page that is not isolated in a browser without JSPI.
#[wasm_bindgen(js_name = whyNoTier)]
pub fn why_no_tier() -> Result<String, JsError> {
    match Main::new()?.worker().spawn_script("./none.js") {
        Err(coincide::SpawnError::NoTier(why)) => Ok(why),
        other => Err(JsError::new(&format!("{other:?}"))),
    }
}

/// Panics in a call of this worker, which is blocked in it. Never resolves.
#[wasm_bindgen(js_name = panicOfMain)]
pub async fn panic_of_main(worker: &JsValue) -> Result<(), JsError> {
    let main = driven().map_err(|error| JsError::new(&error.to_string()))?;
    let worker = main.worker().spawn_in(worker)?;
    worker.register("panic", || -> i32 { panic!("the message of main") });
    worker.ready().await?;
    let _: i32 = worker.proxy().call("panic_main", ()).await?;
    Ok(())
}

type Checked = Result<(), Box<dyn Error>>;

/// A main endpoint that the page drives.
fn driven() -> Result<Main, Box<dyn Error>> {
    let main = Main::new()?;
    spawn_local(main.run());
    Ok(main)
}

fn equal<T: PartialEq + Debug>(found: T, expected: T) -> Checked {
    if found == expected { Ok(()) } else { Err(format!("found {found:?} where {expected:?} was expected").into()) }
}

fn contains(text: &str, part: &str) -> Checked {
    if text.contains(part) { Ok(()) } else { Err(format!("`{part}` is not in `{text}`").into()) }
}

/// The error of a call.
fn failure<T: Debug>(result: Result<T, CallError>) -> Result<CallError, Box<dyn Error>> {
    result.err().ok_or_else(|| "the call returned a result".into())
}

/// The reason for which a link was closed before its worker was ready.
async fn why_closed(worker: &Worker) -> Result<Closed, Box<dyn Error>> {
    match worker.ready().await {
        Err(closed) => Ok(closed.0),
        Ok(exports) => Err(format!("the worker is ready, with {exports:?}").into()),
    }
}
