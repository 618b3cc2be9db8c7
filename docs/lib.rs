//! Compiles and runs the programs of the pages. Published crates contain no pages, so the tests are in a crate of their own.

#[cfg(doctest)]
#[doc = include_str!("get-started/rust.md")]
#[doc = include_str!("guides/processes.md")]
#[doc = include_str!("guides/testing.md")]
#[doc = include_str!("guides/window.md")]
#[doc = include_str!("../proto/python/README.md")]
struct Pages;
