//! Starts and ends of workers.

use coincide::{ByteBuf, CallError, CallErrorKind, CloseReason, Closed, ClosedBy, Config, SpawnError};
use wasm_bindgen::prelude::*;

use super::{Checked, contains, driven, equal, failure, why_closed};
use crate::hello;

pub(super) async fn hello() -> Checked {
    let answer = hello::page().await.map_err(|error| format!("{:?}", JsValue::from(error)))?;
    equal(answer, 42)
}

pub(super) async fn before_ready() -> Checked {
    let main = driven()?;
    let worker = main.worker().spawn_script(SCRIPT)?;
    let early = worker.proxy().call("echo", (ByteBuf::from([1, 2]),));
    equal(worker.is_open(), false)?;
    equal(early.await?, ByteBuf::from([1, 2]))?;
    equal(worker.ready().await?.contains(&"echo".to_owned()), true)
}

pub(super) async fn large() -> Checked {
    let main = driven()?;
    let worker = main.worker().spawn_script(SCRIPT)?;
    let bytes: Vec<u8> = (0..1 << 20).map(|number| (number % 251) as u8).collect();
    let bytes = ByteBuf::from(bytes);
    let echo: ByteBuf = worker.proxy().call("echo", (bytes.clone(),)).await?;
    equal(echo == bytes, true)
}

pub(super) async fn limits() -> Checked {
    let main = driven()?;
    let worker = main.worker().config(Config { max_message: 100_000, ..Config::default() }).spawn_script(SCRIPT)?;
    worker.ready().await?;
    let echo = |length| worker.proxy().call::<ByteBuf>("echo", (ByteBuf::from(vec![0; length]),));
    echo(90_000).await?;
    match failure(echo(110_000).await)? {
        CallError { kind: CallErrorKind::NotSent(_), .. } => Ok(()),
        other => Err(other.into()),
    }
}

pub(super) async fn name() -> Checked {
    let main = driven()?;
    let worker = main.worker().name("only").spawn_script(SCRIPT)?;
    match main.worker().name("only").spawn_script(SCRIPT) {
        Err(SpawnError::NameTaken(name)) => equal(name, "only".to_owned())?,
        other => return Err(format!("{other:?}").into()),
    }
    worker.ready().await?;
    equal(main.workers().names(), vec!["only".to_owned()])?;
    worker.terminate();
    main.worker().name("only").spawn_script(SCRIPT)?.ready().await?;
    Ok(())
}

pub(super) async fn claimed() -> Checked {
    let main = driven()?;
    let web_worker = watched(SCRIPT);
    let worker = main.worker().spawn_in(&web_worker)?;
    let again = main.worker().spawn_in(&web_worker);
    contains(&format!("{}", again.err().ok_or("a second link")?), "has a link already")?;
    equal(web_worker.ended(), 0)?;
    worker.ready().await?;
    Ok(())
}

pub(super) async fn not_a_worker() -> Checked {
    let main = driven()?;
    for value in [JsValue::NULL, JsValue::from("worker.js"), js_sys::Object::new().into()] {
        let refused = main.worker().name("none").spawn_in(&value).err().ok_or("taken for a worker")?;
        contains(&refused.to_string(), "no Web Worker")?;
    }
    equal(main.workers().names(), vec![])
}

pub(super) async fn served_once() -> Checked {
    let main = driven()?;
    let worker = main.worker().spawn_script(SCRIPT)?;
    let [again, wrong]: [Option<String>; 2] = worker.proxy().call("serve_again", ()).await?;
    contains(&again.unwrap_or_default(), "attached to its link already")?;
    contains(&wrong.unwrap_or_default(), "not the first message")?;
    equal(worker.is_open(), true)
}

pub(super) async fn no_script() -> Checked {
    fails("./tests/none.js", "the worker has failed: ", ClosedBy::Here).await
}

pub(super) async fn broken_script() -> Checked {
    fails("./tests/broken.js", "on purpose", ClosedBy::Here).await
}

pub(super) async fn failing_setup() -> Checked {
    fails("./tests/failing.js", "TypeError: there are no brushes", ClosedBy::Peer).await
}

/// Checks that a worker of this script closes its link with a reason, ends pending calls and terminates.
async fn fails(script: &str, why: &str, by: ClosedBy) -> Checked {
    let main = driven()?;
    let web_worker = watched(script);
    let worker = main.worker().spawn_in(&web_worker)?;
    let call = worker.proxy().call::<()>("echo", ());
    let closed = why_closed(&worker).await?;
    equal((closed.by, closed.reason), (by, CloseReason::FAILED))?;
    contains(&closed.text, why)?;
    contains(&failure(call.await)?.to_string(), why)?;
    equal(web_worker.ended(), 1)
}

pub(super) async fn panics() -> Checked {
    let main = driven()?;
    let web_worker = watched(SCRIPT);
    let worker = main.worker().spawn_in(&web_worker)?;
    let error = failure(worker.proxy().call::<i32>("panic", ()).await)?;
    contains(&error.to_string(), "the worker panicked: the message of the worker")?;
    contains(&error.to_string(), "worker.rs")?;
    equal(web_worker.ended(), 1)
}

pub(super) async fn terminated() -> Checked {
    let main = driven()?;
    let web_worker = watched(SCRIPT);
    let worker = main.worker().spawn_in(&web_worker)?;
    worker.ready().await?;
    let spin = worker.proxy().call::<i32>("spin", ());
    worker.terminate();
    worker.terminate();
    let expected = Closed { by: ClosedBy::Here, reason: CloseReason::TERMINATED, text: String::new() };
    equal(failure(spin.await)?, CallError { function: "spin".into(), kind: CallErrorKind::Closed(expected) })?;
    equal(web_worker.ended(), 1)?;
    let late = worker.proxy().call::<i32>("echo", ());
    contains(&failure(late.await)?.to_string(), "terminated")
}

pub(super) async fn dropped() -> Checked {
    let main = driven()?;
    let web_worker = watched(SCRIPT);
    let worker = main.worker().spawn_in(&web_worker)?;
    worker.ready().await?;
    drop(main);
    equal(web_worker.ended(), 1)?;
    equal(worker.closed().map(|closed| closed.reason), Some(CloseReason::TERMINATED))
}

pub(super) async fn left() -> Checked {
    let main = driven()?;
    let web_worker = watched(SCRIPT);
    let worker = main.worker().spawn_in(&web_worker)?;
    worker.ready().await?;
    equal(answers(&web_worker).await, true)?;
    let closed = Closed { by: ClosedBy::Peer, reason: CloseReason::DONE, text: String::new() };
    let error = failure(worker.proxy().call::<()>("leave", ()).await)?;
    equal(error, CallError { function: "leave".into(), kind: CallErrorKind::Closed(closed) })?;
    equal(answers(&web_worker).await, false)?;
    equal(web_worker.ended(), 0)
}

/// Whether the script of a worker answers a message.
async fn answers(worker: &Watched) -> bool {
    pong(worker).await.is_truthy()
}

#[wasm_bindgen(inline_js = "
    export const watched = url => {
        const worker = new Worker(url, { type: 'module' });
        worker.ended = 0;
        worker.terminate = () => {
            worker.ended++;
            Worker.prototype.terminate.call(worker);
        };
        return worker;
    };

    export const pong = worker => new Promise(resolve => {
        worker.addEventListener('message', ({ data }) => data === 'pong' && resolve(true));
        worker.postMessage('ping');
        setTimeout(resolve, 300, false);
    });
")]
extern "C" {
    /// A Web Worker that counts how often it is terminated.
    type Watched;
    #[wasm_bindgen(method, getter)]
    fn ended(this: &Watched) -> u32;

    fn watched(url: &str) -> Watched;
    async fn pong(worker: &Watched) -> JsValue;
}

const SCRIPT: &str = "./tests/worker.js";
