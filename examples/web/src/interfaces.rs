//! What the two sides offer each other.

use coincide::{ByteBuf, interface};
use serde::{Deserialize, Serialize};

interface! {
    /// What the page does for its painter.
    pub mod easel {
        /// What to paint, asked anew for each picture. Throws a `RangeError` where numbers are too coarse to look closer.
        fn view() -> View;
        /// Readies the canvas and fetches the colours of a palette.
        async fn prepare(palette: String) -> Vec<Colour>;
        /// Shows a row of pixels, four bytes each: red, green, blue, opacity.
        fn show(row: u32, pixels: ByteBuf);
    }
}

interface! {
    /// What the painter does for the page.
    pub mod painter {
        /// Paints what the page wants to see, as far as it is let.
        fn paint() -> Painting;
        /// Width and height of the pictures, in pixels.
        fn size() -> (u32, u32);
    }
}

/// A part of the plane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// The middle.
    pub x: f64,
    /// The middle.
    pub y: f64,
    /// From the left edge to the right one.
    pub width: f64,
    /// The name of its colours.
    pub palette: String,
}

/// What has come of a picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Painting {
    /// How many rows were shown: fewer than there are if the page has interrupted it.
    pub rows: u32,
    /// Steps that the computation took.
    pub steps: u64,
}

/// Red, green, blue.
pub type Colour = [u8; 3];
