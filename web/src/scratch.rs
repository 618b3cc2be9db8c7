//! Memory that JavaScript encodes values into: see `scratch.js`.

use std::cell::RefCell;
use wasm_bindgen::prelude::*;

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static SPARE: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// The address of at least `len` bytes of scratch memory, which keeps its contents. 0 frees it, and is the address if there is too little
/// memory.
#[wasm_bindgen]
#[allow(unreachable_pub, reason = "wasm-bindgen exports public functions only")]
pub fn scratch(len: usize) -> usize {
    SCRATCH.with_borrow_mut(|scratch| {
        if len == 0 {
            *scratch = Vec::new();
            return 0;
        }
        if let Some(more) = len.checked_sub(scratch.len()) {
            if scratch.try_reserve_exact(more).is_err() {
                return 0;
            }
            scratch.resize(len, 0);
        }
        scratch.as_ptr() as usize
    })
}

/// The payload of `len` bytes that begins at `at`. A large one takes the scratch memory with it. `None`: there is too little memory.
pub(crate) fn take(at: usize, len: usize) -> Option<Vec<u8>> {
    SCRATCH.with_borrow_mut(|scratch| {
        if at == 0 && len > TAKEN {
            let mut payload = std::mem::take(scratch);
            payload.truncate(len);
            return Some(payload);
        }
        let mut payload = SPARE.with_borrow_mut(Vec::pop).unwrap_or_default();
        payload.clear();
        payload.try_reserve(len).ok()?;
        payload.extend_from_slice(scratch.get(at..)?.get(..len)?);
        Some(payload)
    })
}

/// Gives back a buffer that was taken or exchanged for one.
pub(crate) fn give_back(buffer: Vec<u8>) {
    SPARE.with_borrow_mut(|spare| {
        if buffer.capacity() > 0 && buffer.capacity() <= LARGE && spare.len() < MOST_SPARE {
            spare.push(buffer);
        }
    });
}

/// Why a value cannot be sent that there is no memory for.
pub(crate) const TOO_LARGE: &str = "it is larger than there is memory for";

/// A longer payload takes the scratch memory with it. `scratch.js` has the same limit.
const TAKEN: usize = 128 << 10;

/// The largest spare buffer. In bytes.
const LARGE: usize = 4 << 20;

const MOST_SPARE: usize = 8;
