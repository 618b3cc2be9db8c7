//! Buffers of JavaScript that are sent, or received into, without a copy in wasm: `js/link/buffers.js` keeps them.

use coincide_proto::Hosted;
use std::sync::Arc;
use wasm_bindgen::prelude::*;

/// The buffer that JavaScript keeps under this number until the value is dropped.
#[derive(Debug)]
pub(crate) struct Buffer {
    number: u32,
    len: usize,
}

impl Buffer {
    pub(crate) fn of(number: u32, len: usize) -> Arc<dyn Hosted> {
        Arc::new(Self { number, len })
    }

    /// Allocates a buffer to receive into. `None` if there is no memory for it.
    pub(crate) fn allot(len: usize) -> Option<Arc<dyn Hosted>> {
        allot(len).checked_sub(1).map(|number| Self::of(number, len))
    }
}

impl Hosted for Buffer {
    fn number(&self) -> u32 {
        self.number
    }

    fn len(&self) -> usize {
        self.len
    }

    fn copy_to(&self, at: usize, target: &mut [u8]) {
        copy_to(self.number, at, target.as_mut_ptr(), target.len());
    }

    fn copy_from(&self, at: usize, source: &[u8]) {
        copy_from(self.number, at, source.as_ptr(), source.len());
    }

    fn keep(&self, from: usize) -> bool {
        keep(self.number, from)
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        forget(self.number);
    }
}

#[wasm_bindgen(raw_module = "./link/buffers.js")]
extern "C" {
    /// Number of a new buffer plus 1; 0 if there is no memory.
    fn allot(len: usize) -> u32;
    fn forget(number: u32);
    #[wasm_bindgen(js_name = copyTo)]
    fn copy_to(number: u32, at: usize, to: *mut u8, len: usize);
    #[wasm_bindgen(js_name = copyFrom)]
    fn copy_from(number: u32, at: usize, from: *const u8, len: usize);
    fn keep(number: u32, from: usize) -> bool;
}

/// Minimum size in bytes of contents that are received into a buffer. Shorter contents stay in their payload. `codec/js/encode.js` has the same limit.
pub(crate) const LEAST: usize = 32 << 10;
