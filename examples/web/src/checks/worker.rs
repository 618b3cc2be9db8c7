//! Workers of the checks.

use coincide::{
    ByteBuf, CallError, Callback, RemoteFunction, RemoteStream, SharedBytes, Source, Thrown, Value, serve_script,
};
use wasm_bindgen::prelude::*;

use crate::interfaces::painter;
use crate::painter::Painter;

/// A worker with the functions of all checks.
#[wasm_bindgen(js_name = checksWorker)]
pub fn checks(boot: &JsValue) -> Result<(), JsError> {
    let again = boot.clone();
    Ok(serve_script(boot, |scope| {
        scope.export_interface(painter::functions(Painter::new(scope)));
        super::operating::export(scope);
        super::suspending::export(scope);
        scope.export("echo", |bytes: ByteBuf| bytes);
        scope.export("echo_parts", |text: String, bytes: SharedBytes, value: Value| (text, bytes, value));
        scope.export("apply", |function: RemoteFunction, number: u32| {
            function.call_blocking::<u32>((number,)).map_err(CallError::into_thrown)
        });
        scope.export("adder", |first: u32| Callback::new(move |second: u32| first + second));
        scope.export("squares", |below: u32| Source::new((0..below).map(|number| number * number)));
        scope.export("sum_rows", |rows: RemoteStream<u32>, most: usize| {
            rows.into_blocking().take(most).sum::<Result<u32, _>>().map_err(CallError::into_thrown)
        });
        scope.export("panic", || -> i32 { panic!("the message of the worker") });
        let main = scope.sync();
        scope.export("panic_main", move || main.call::<i32>("panic", ()).map_err(CallError::into_thrown));
        scope.export("spin", || -> i32 {
            loop {
                std::hint::spin_loop();
            }
        });
        let own = scope.clone();
        scope.export("leave", move || own.close());
        scope.export("serve_again", move || {
            [&again, &JsValue::from(7)].map(|boot| serve_script(boot, |_| Ok(())).err().map(|error| error.to_string()))
        });
        Ok(())
    })?)
}

/// A worker whose setup fails.
#[wasm_bindgen(js_name = failingWorker)]
pub fn failing(boot: &JsValue) -> Result<(), JsError> {
    Ok(serve_script(boot, |_| Err(Thrown::new("TypeError", "there are no brushes")))?)
}
