//! The typed interfaces of both ends.

use coincide::{ByteBuf, interface};
use serde::{Deserialize, Serialize};

interface! {
    /// Functions of the page.
    pub mod easel {
        /// The view to paint, queried for each picture. Throws a `RangeError` if the view is too small for 64-bit numbers.
        fn view() -> View;
        /// Prepares the canvas and fetches the colours of a palette.
        async fn prepare(palette: String) -> Vec<Colour>;
        /// Shows a row of pixels, four bytes each: red, green, blue, opacity.
        fn show(row: u32, pixels: ByteBuf);
    }
}

interface! {
    /// Functions of the painter.
    pub mod painter {
        /// Paints the view of the page. Stops when it is interrupted.
        fn paint() -> Painting;
        /// Width and height of the pictures, in pixels.
        fn size() -> (u32, u32);
    }
}

/// A part of the plane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// Real part of the centre.
    pub x: f64,
    /// Imaginary part of the centre.
    pub y: f64,
    /// Width of the view.
    pub width: f64,
    /// Name of the palette.
    pub palette: String,
}

/// The result of a picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Painting {
    /// Number of rows shown: less than the height if the page has interrupted it.
    pub rows: u32,
    /// Number of steps of the computation.
    pub steps: u64,
}

/// Red, green, blue.
pub type Colour = [u8; 3];
