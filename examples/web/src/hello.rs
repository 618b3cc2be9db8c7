//! The smallest program, which the documentation shows: a worker calls the page, and the page calls the worker.

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

/// Called by the page.
#[wasm_bindgen(js_name = helloPage)]
pub async fn page() -> Result<i32, JsError> {
    let main = Main::new()?;
    wasm_bindgen_futures::spawn_local(main.run());
    let worker = main.worker().spawn_script("./workers/hello.js")?;
    worker.register_interface(greeter::functions(Greeter));
    Ok(worker.proxy().call("version", ()).await?)
}

/// Called by the worker's script.
#[wasm_bindgen(js_name = helloWorker)]
pub fn worker(boot: &JsValue) -> Result<(), JsError> {
    Ok(serve_script(boot, |scope| {
        let greeter = greeter::Client::new(scope.sync());
        // Blocks this worker, not the page, until the result arrives.
        assert_eq!(greeter.hello("PyScript".into())?, "Hello, PyScript");
        scope.export("version", || 42);
        Ok(())
    })?)
}
