//! The worker: paints, and sends each row to the page.

use coincide::{ByteBuf, CallError, CallErrorKind, Scope, SyncProxy, Thrown, serve_script};
use wasm_bindgen::prelude::*;

use crate::interfaces::{Painting, easel, painter};
use crate::mandelbrot;

/// Called by the worker's script with its first message.
#[wasm_bindgen(js_name = painterWorker)]
pub fn worker(boot: &JsValue) -> Result<(), JsError> {
    Ok(serve_script(boot, |scope| {
        scope.export_interface(painter::functions(Painter::new(scope)));
        Ok(())
    })?)
}

/// Paints for the page of its worker.
pub struct Painter {
    easel: easel::Client<SyncProxy>,
}

impl Painter {
    /// Creates a painter in this worker.
    pub fn new(scope: &Scope) -> Self {
        Self { easel: easel::Client::new(scope.sync()) }
    }
}

impl painter::Service for Painter {
    fn paint(&self) -> Result<Painting, Thrown> {
        // Errors of the page are propagated to it with their class.
        let view = self.easel.view().map_err(CallError::into_thrown)?;
        let colours = self.easel.prepare(view.palette.clone()).map_err(CallError::into_thrown)?;
        let mut painting = Painting { rows: 0, steps: 0 };
        for y in 0..mandelbrot::SIZE.1 {
            let (pixels, steps) = mandelbrot::row(&view, y, &colours);
            match self.easel.show(y, ByteBuf::from(pixels)) {
                // The page has requested another view.
                Err(CallError { kind: CallErrorKind::Interrupted, .. }) => break,
                shown => shown?,
            }
            painting.rows += 1;
            painting.steps += steps;
        }
        Ok(painting)
    }

    fn size(&self) -> Result<(u32, u32), Thrown> {
        Ok(mandelbrot::SIZE)
    }
}
