//! A page whose Rust code is called synchronously by Rust code in its worker. Both are this one wasm.
//!
//! `hello` is the smallest program of this kind, the one of the repository's README. The painting is told by `interfaces` (what
//! either side offers the other), `painter` (the worker) and `studio` (the page). `life` is a page that its worker makes. `meter` measures calls, `checks` is how the repository tests all
//! this in browsers.
#![cfg(target_family = "wasm")]
#![forbid(unsafe_code)]

pub mod checks;
pub mod files;
pub mod hello;
pub mod interfaces;
pub mod life;
pub mod mandelbrot;
pub mod meter;
pub mod painter;
pub mod studio;
