//! The picture: the number of steps after which points of the plane diverge under z² + c.

use crate::interfaces::{Colour, View};

/// Width and height in pixels.
pub const SIZE: (u32, u32) = (480, 320);

/// The pixels of a row, and the number of steps for them.
pub fn row(view: &View, y: u32, colours: &[Colour]) -> (Vec<u8>, u64) {
    let (width, height) = SIZE;
    let pixel = view.width / f64::from(width);
    let place = |at: u32, count: u32| (f64::from(at) - f64::from(count) / 2.0) * pixel;
    let mut pixels = Vec::with_capacity(4 * width as usize);
    let mut steps = 0;
    for x in 0..width {
        let left = leaves(view.x + place(x, width), view.y - place(y, height));
        steps += u64::from(left.unwrap_or(MOST));
        let [red, green, blue] = left.map_or([0; 3], |left| colours[left as usize % colours.len()]);
        pixels.extend([red, green, blue, 255]);
    }
    (pixels, steps)
}

/// The number of steps after which a point diverges; `None` if it does not.
fn leaves(cx: f64, cy: f64) -> Option<u32> {
    let (mut x, mut y) = (0.0, 0.0);
    for step in 1..=MOST {
        let (xx, yy) = (x * x, y * y);
        if xx + yy > 4.0 {
            return Some(step);
        }
        (x, y) = (xx - yy + cx, 2.0 * x * y + cy);
    }
    None
}

const MOST: u32 = 600;
