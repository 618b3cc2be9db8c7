//! Files beside the page.

use coincide::Thrown;
use wasm_bindgen::prelude::*;

/// The text of a file.
///
/// # Errors
/// `NotFoundError` or `NetworkError`, as in JavaScript.
pub async fn text(url: &str) -> Result<String, Thrown> {
    let failed = |error: JsValue| Thrown::new("NetworkError", format!("{url}: {error:?}"));
    let response: Response = fetch(url).await.map_err(failed)?.unchecked_into();
    if !response.ok() {
        return Err(Thrown::new("NotFoundError", format!("{url}: status {}", response.status())));
    }
    response
        .text()
        .await
        .map_err(failed)?
        .as_string()
        .ok_or_else(|| Thrown::new("TypeError", format!("{url}: no text")))
}

#[wasm_bindgen]
extern "C" {
    type Response;
    #[wasm_bindgen(method, getter)]
    fn ok(this: &Response) -> bool;
    #[wasm_bindgen(method, getter)]
    fn status(this: &Response) -> u16;
    #[wasm_bindgen(method, catch)]
    async fn text(this: &Response) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch)]
    async fn fetch(url: &str) -> Result<JsValue, JsValue>;
}
