//! A page whose Rust code is called synchronously by Rust code in its worker. Both are this one wasm.
//!
//! `hello` is the smallest program, which the documentation shows. In `painter` a worker paints pictures for the page in `studio`, through the functions of `interfaces`. `life` is a
//! page built by its worker. `meter` measures calls, `checks` tests all of it in browsers.
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
