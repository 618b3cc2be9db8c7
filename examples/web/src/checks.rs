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
                _ => Err("there is no such check".into()),
            };
            checked.map_err(|error| JsError::new(&error.to_string()))
        }
    };
}

checks! {
    "the smallest program greets and answers": life::hello;
    "calls that are made before the worker is ready wait for it": life::before_ready;
    "a megabyte goes there and back": life::large;
    "limits of the builder hold in the worker": life::limits;
    "a name is taken once, and is free again when its worker has gone": life::name;
    "a Web Worker gets one link": life::claimed;
    "what is no Web Worker is refused": life::no_worker;
    "a worker takes up its link once, from its first message": life::taken_up;
    "a script that is not there closes the link": life::no_script;
    "a script that throws closes the link": life::broken_script;
    "a setup that fails closes the link and says why": life::failing_setup;
    "a panic ends the worker and says why": life::panics;
    "terminate ends a worker that computes, and the calls that wait for it": life::terminated;
    "dropping main ends its workers": life::dropped;
    "a worker that closes its link ends itself": life::left;
    "a picture is painted row by row": painting::paints;
    "an error of the page reaches it again through the worker, with its class": painting::class;
    "an error of an asynchronous function arrives with its class": painting::missing_palette;
    "an interrupt ends a picture, and the next one is whole": painting::interrupted;
    "a deadline ends a picture, and the next one is whole": painting::late;
    "a worker operates on objects of the page": window::operations;
    "what the page throws arrives with its class": window::errors;
    "what is posted is carried out in order": window::posted;
    "lack of memory on the page is said to be that": window::memory;
    "a symbol of the page goes home": window::symbols;
    "promises of the page are awaited": window::promises;
    "a module of the page is imported": window::modules;
    "a listener of the worker hears events, and what it declares is done in time": window::listeners;
    "references are given back": window::given_back;
    "a page may share another root": window::another_root;
    "a policy is asked about each operation": window::policy;
    "each way out of a small root is refused": window::escapes;
    "a list of paths shows no more than it names": window::listed;
    "evaluate and imports are allowed by name, and a trusted worker has all": window::allowed;
    "a page that shares nothing says so": window::not_shared;
    "a worker has the best tier or the requested one, and main says why there is no better one": suspending::tiers;
    "calls nest in both directions, up to a limit": suspending::nested;
    "a waiting worker runs functions, callbacks and streams": suspending::back;
    "deadlines and tokens end calls, and sleeps end after their duration": suspending::deadlines;
    "interrupts and cancellations stop waiting, sleeping and computing functions": suspending::stops;
    "pending calls end with the worker, however it ends": suspending::ends;
    suspending:
    "suspended functions are resumed in the order in which their calls end": suspending::any_order;
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
    worker.register("panic", || -> i32 { panic!("main's own words") });
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
    result.err().ok_or_else(|| "the call gave a result".into())
}

/// The reason for which a link was closed before its worker was ready.
async fn why_closed(worker: &Worker) -> Result<Closed, Box<dyn Error>> {
    match worker.ready().await {
        Err(closed) => Ok(closed.0),
        Ok(exports) => Err(format!("the worker is ready, with {exports:?}").into()),
    }
}
