//! The page: serves its painter and awaits the pictures.

use coincide::{ByteBuf, CallError, CallErrorKind, Main, Proxy, Thrown, Worker};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;

use crate::files;
use crate::interfaces::{Colour, Painting, View, easel, painter};

/// A page with a painter.
#[wasm_bindgen]
pub struct Studio {
    worker: Worker,
    painter: Proxy,
    view: Rc<RefCell<View>>,
    /// Its workers end when it is dropped.
    _main: Main,
}

#[wasm_bindgen]
impl Studio {
    /// Starts a painter. Pictures can be requested at once.
    #[wasm_bindgen(constructor)]
    pub fn new(script: &str, canvas: Canvas) -> Result<Studio, JsError> {
        let main = Main::new()?;
        spawn_local(main.run());
        let worker = main.worker().name("painter").spawn_script(script)?;
        let view = View { x: -0.6, y: 0.0, width: 3.2, palette: "ember".into() };
        let view = Rc::new(RefCell::new(view));
        let easel = Easel { canvas, view: Rc::clone(&view), painter: painter::Client::new(worker.proxy()) };
        worker.register_interface(easel::functions(easel));
        Ok(Self { painter: worker.proxy(), worker, view, _main: main })
    }

    /// Resolves with the number of painted rows. Rejects if painting fails or takes longer than `seconds`.
    pub async fn paint(&self, seconds: Option<f64>) -> Result<u32, JsError> {
        Ok(self.picture(seconds).await?.rows)
    }

    /// Sets the view of the next pictures.
    #[wasm_bindgen(js_name = lookAt)]
    pub fn look_at(&self, x: f64, y: f64, width: f64) {
        let palette = self.view.borrow().palette.clone();
        self.view.replace(View { x, y, width, palette });
    }

    /// Sets the palette of the next pictures.
    pub fn take(&self, palette: String) {
        self.view.borrow_mut().palette = palette;
    }

    /// Interrupts the current picture.
    pub fn interrupt(&self) {
        self.worker.interrupt();
    }

    /// Terminates the painter, even while it computes.
    pub fn terminate(&self) {
        self.worker.terminate();
    }
}

impl Studio {
    /// Awaits the next picture.
    ///
    /// # Errors
    /// Those of calls: the painter queries this page for the view and the colours.
    pub async fn picture(&self, seconds: Option<f64>) -> Result<Painting, CallError> {
        let exports = match seconds {
            Some(seconds) => self.painter.with_timeout(Duration::from_secs_f64(seconds)),
            None => self.painter.clone(),
        };
        let painting = painter::Client::new(exports).paint().await;
        if let Err(CallError { kind: CallErrorKind::TimedOut, .. }) = painting {
            // The picture is no longer needed. The painter does not know that yet.
            self.worker.interrupt();
        }
        painting
    }

    /// Handle of the painter's worker.
    pub fn worker(&self) -> &Worker {
        &self.worker
    }
}

/// Functions that the painter calls.
struct Easel {
    canvas: Canvas,
    view: Rc<RefCell<View>>,
    painter: painter::Client<Proxy>,
}

impl easel::Service for Easel {
    fn view(&self) -> Result<View, Thrown> {
        let view = self.view.borrow();
        if view.width < FINEST {
            return Err(Thrown::new(
                "RangeError",
                "there is nothing to see any closer: neighbouring points are the same number",
            ));
        }
        Ok(view.clone())
    }

    async fn prepare(self: Rc<Self>, palette: String) -> Result<Vec<Colour>, Thrown> {
        // The painter is blocked until this function returns, and answers this call meanwhile.
        let (width, height) = self.painter.size().await?;
        self.canvas.resize(width, height);
        let text = files::text(&format!("./palettes/{palette}.txt")).await?;
        text.lines().map(colour).collect()
    }

    fn show(&self, row: u32, pixels: ByteBuf) -> Result<(), Thrown> {
        self.canvas.show(row, &pixels);
        Ok(())
    }
}

/// A line of a palette: six hexadecimal digits.
fn colour(line: &str) -> Result<Colour, Thrown> {
    let number =
        u32::from_str_radix(line, 16).map_err(|_| Thrown::new("SyntaxError", format!("`{line}` is no colour")))?;
    let [_, red, green, blue] = number.to_be_bytes();
    Ok([red, green, blue])
}

#[wasm_bindgen]
extern "C" {
    /// The canvas of the page: an object with these methods.
    pub type Canvas;
    #[wasm_bindgen(method)]
    fn resize(this: &Canvas, width: u32, height: u32);
    #[wasm_bindgen(method)]
    fn show(this: &Canvas, row: u32, pixels: &[u8]);
}

/// Minimum width of a view. Below it, 64-bit numbers do not distinguish adjacent pixels.
const FINEST: f64 = 1e-13;
