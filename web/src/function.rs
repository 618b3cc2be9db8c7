//! JavaScript functions that the other end calls.

use coincide::ErrorCode;
use coincide::raw::{Failure, Format, RawReply};
use js_sys::Array;
use wasm_bindgen::prelude::*;

use crate::settled::settled;
use crate::values::{Unsent, Values};

/// Serves calls with a function. Its `this` is null; a promise is awaited.
pub(crate) fn serve(
    values: &Values,
    name: &str,
    function: JsValue,
) -> impl Fn(Format, &[u8], &mut Vec<u8>) -> Result<RawReply, Failure> + 'static {
    let (values, name) = (values.clone(), name.to_owned());
    move |format, payload, result| {
        let arguments = arguments(&values, format, payload)?;
        if !function.is_function() {
            let error = js_sys::TypeError::new(&format!("{name} is not a function"));
            return Err(threw(&values, &error));
        }
        let value = run(&function, &JsValue::NULL, &arguments).map_err(|thrown| threw(&values, &thrown))?;
        if !is_thenable(&value).map_err(|thrown| threw(&values, &thrown))? {
            match values.encode_result(&value, &name, result) {
                Ok(()) => return Ok(RawReply::Now(Format::Value)),
                Err(Unsent::Refused(why)) => return Err(Failure::unsent(&why)),
                // The result holds a blob, whose bytes have to be awaited.
                Err(Unsent::Blobs) => {}
            }
        }
        let (values, name) = (values.clone(), name.clone());
        // Not in the future: at its first poll, Node.js may have reported the rejection as unhandled and ended the thread.
        let outcome = settled(&value);
        Ok(RawReply::Later(Box::pin(async move {
            let value = outcome.await.map_err(|thrown| threw(&values, &thrown))?;
            let mut result = Vec::new();
            match values.encode_result_later(&value, &name, &mut result).await {
                Ok(()) => Ok((Format::Value, result)),
                Err(Unsent::Refused(why)) => Err(Failure::unsent(&why)),
                Err(why) => Err(Failure::Refused(ErrorCode::BAD_RESULT, why.to_string())),
            }
        })))
    }
}

fn arguments(values: &Values, format: Format, payload: &[u8]) -> Result<Array, Failure> {
    if format != Format::Value {
        let text = format!("a JavaScript function takes values, not {format:?}: call it by its name");
        return Err(Failure::Refused(ErrorCode::BAD_ARGUMENTS, text));
    }
    let value = values.decode(payload).map_err(|error| Failure::unread(&error))?;
    value.dyn_into().map_err(|_| Failure::Refused(ErrorCode::BAD_ARGUMENTS, "the arguments are not an array".into()))
}

fn threw(values: &Values, thrown: &JsValue) -> Failure {
    let mut payload = Vec::new();
    values.encode_thrown(thrown, &mut payload);
    Failure::Threw(payload)
}

#[wasm_bindgen(raw_module = "./errors.js")]
extern "C" {
    /// Calls a function of the program, through a frame that marks the call in stacks.
    #[wasm_bindgen(catch)]
    fn run(function: &JsValue, this: &JsValue, arguments: &Array) -> Result<JsValue, JsValue>;
}

#[wasm_bindgen(raw_module = "./values.js")]
extern "C" {
    #[wasm_bindgen(js_name = isThenable, catch)]
    fn is_thenable(value: &JsValue) -> Result<bool, JsValue>;
}
