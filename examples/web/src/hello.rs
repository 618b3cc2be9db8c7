//! The smallest program of this kind.

use coincide::{Main, interface, serve_script};
use wasm_bindgen::prelude::*;

interface! {
    mod greeter {
        fn hello(name: String) -> String;
    }
}

struct Greeter;

impl greeter::Service for Greeter {
    fn hello(&self, name: String) -> Result<String, coincide::Thrown> {
        Ok(format!("Hello, {name}"))
    }
}

/// What the page calls.
#[wasm_bindgen(js_name = helloPage)]
pub async fn page() -> Result<i32, JsError> {
    let main = Main::new()?;
    wasm_bindgen_futures::spawn_local(main.run());
    let worker = main.worker().spawn_script("./workers/hello.js")?;
    worker.register_interface(greeter::functions(Greeter));
    Ok(worker.proxy().call("version", ()).await?)
}

/// What the worker's script calls.
#[wasm_bindgen(js_name = helloWorker)]
pub fn worker(boot: &JsValue) -> Result<(), JsError> {
    Ok(serve_script(boot, |scope| {
        let greeter = greeter::Client::new(scope.sync());
        // Blocks this worker, not the page, and has the result at once.
        assert_eq!(greeter.hello("PyScript".into())?, "Hello, PyScript");
        scope.export("version", || 42);
        Ok(())
    })?)
}
