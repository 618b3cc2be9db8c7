//! Links over a `SharedArrayBuffer`: between a page and its worker, or two threads of Node.js.
//!
//! Both ends live in event loops. After [`arm`](coincide_proto::Transport::arm), the peer's wake-up rings the doorbell of this end: by
//! `Atomics.waitAsync` where it exists, otherwise by a message port ([`wake_by_port`](MainTransport::wake_by_port)).
//! [`wait`](coincide_proto::Transport::wait) blocks by `Atomics.wait`, which pages do not allow.

use crate::doorbell::Doorbell;
use crate::endpoint::{Endpoint, Wake};
use crate::layout::Rings;
use crate::link::{MainTransport, WorkerTransport};
use crate::memory::Memory;
use coincide_proto::{Hosted, Transmit};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use wasm_bindgen::prelude::*;

pub use crate::clock::Instant;

/// Creates a buffer for a link, to be passed to both ends.
///
/// # Errors
/// The exception of JavaScript: there is no `SharedArrayBuffer`, because the page is not cross-origin isolated, or no memory.
pub fn create(config: Rings) -> Result<JsValue, JsValue> {
    let buffer = new_shared_array_buffer(config.region_len())?;
    let memory = SharedBuffer::new(&buffer, &JsValue::UNDEFINED);
    config.describe(&memory);
    Ok(buffer)
}

/// Creates main's end of the link in `buffer`.
///
/// # Errors
/// When there is no link in the buffer, or one of another layout.
pub fn main_transport(buffer: &JsValue, doorbell: Arc<Doorbell>) -> io::Result<MainTransport> {
    let (memory, config) = open(buffer, &doorbell)?;
    Ok(MainTransport::new(Endpoint::main(memory, &config, Wake::Doorbell(doorbell)), None))
}

/// Creates the worker's end of the link in `buffer`.
///
/// # Errors
/// When there is no link in the buffer, or one of another layout.
pub fn worker_transport(buffer: &JsValue, doorbell: Arc<Doorbell>) -> io::Result<WorkerTransport> {
    let (memory, config) = open(buffer, &doorbell)?;
    let mut endpoint = Endpoint::worker(memory, &config, Wake::Word);
    endpoint.sleep_by(Wake::Doorbell(doorbell));
    Ok(WorkerTransport::new(endpoint, None))
}

/// The ends of links whose memory a host in JavaScript has attached by itself.
///
/// It calls `attach` of `js/memory.js`, with a function that is called when the end is to take a turn, and passes the returned handle. The end
/// detaches the memory when it is dropped. Nothing but numbers crosses the boundary of wasm.
pub mod attached {
    use super::*;

    /// Length in bytes of the buffer of a link.
    pub fn buffer_len(config: &Rings) -> usize {
        config.region_len()
    }

    /// Main's end of a new link in a buffer that is all zero and not shared yet.
    ///
    /// # Errors
    /// When the buffer is not of [`buffer_len`].
    pub fn main_transport(handle: u32, config: &Rings) -> io::Result<MainTransport> {
        let memory = SharedBuffer::of(handle);
        config.describe(&memory);
        let config = Rings::read(&memory, memory.len())?;
        Ok(MainTransport::new(Endpoint::main(memory, &config, Wake::Word), None))
    }

    /// The worker's end of a link.
    ///
    /// # Errors
    /// When there is no link in the buffer, or one of another layout.
    pub fn worker_transport(handle: u32) -> io::Result<WorkerTransport> {
        let memory = SharedBuffer::of(handle);
        let config = Rings::read(&memory, memory.len())?;
        Ok(WorkerTransport::new(Endpoint::worker(memory, &config, Wake::Word), None))
    }
}

impl MainTransport {
    /// Also wakes the worker by `postMessage` of `port`. Needed where `Atomics.waitAsync` is missing in the worker, or may not wake it.
    pub fn wake_by_port(&self, port: &JsValue) {
        self.endpoint.memory().wake_by_port(port);
    }
}

impl WorkerTransport {
    /// Also wakes main by `postMessage` of `port`. Needed where `Atomics.waitAsync` is missing on main.
    pub fn wake_by_port(&self, port: &JsValue) {
        self.endpoint.memory().wake_by_port(port);
    }
}

fn open(buffer: &JsValue, doorbell: &Arc<Doorbell>) -> io::Result<(SharedBuffer, Rings)> {
    let doorbell = Arc::clone(doorbell);
    let ring = Closure::<dyn Fn()>::new(move || doorbell.ring());
    // JavaScript owns the closure from now on, and frees it when the memory is detached and has no listener.
    let memory = SharedBuffer::new(buffer, &ring.into_js_value());
    let config = Rings::read(&memory, memory.len())?;
    Ok((memory, config))
}

/// A handle of a `SharedArrayBuffer` that JavaScript keeps.
#[derive(Clone)]
pub(crate) struct SharedBuffer(Arc<Handle>);

struct Handle(u32);

impl SharedBuffer {
    fn new(buffer: &JsValue, ring: &JsValue) -> Self {
        Self::of(attach(buffer, &wasm_bindgen::memory(), ring))
    }

    /// The memory that JavaScript keeps under this handle.
    fn of(handle: u32) -> Self {
        Self(Arc::new(Handle(handle)))
    }

    fn len(&self) -> usize {
        size(self.handle()) as usize
    }

    fn handle(&self) -> u32 {
        self.0.0
    }

    /// Also wakes the peer by `postMessage` of `port`.
    pub(crate) fn wake_by_port(&self, port: &JsValue) {
        wake_by_port(self.handle(), port);
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        detach(self.0);
    }
}

// JavaScript checks each index of a word and of shared bytes against the buffer. Bytes of this program travel as address and
// length of a slice that is borrowed for the call, and JavaScript touches no others.
impl Memory for SharedBuffer {
    const DISTANT: bool = true;

    #[inline]
    fn load(&self, word: usize) -> u32 {
        load(self.handle(), word)
    }

    #[inline]
    fn store(&self, word: usize, value: u32) {
        store(self.handle(), word, value);
    }

    #[inline]
    fn store_relaxed(&self, word: usize, value: u32) {
        store(self.handle(), word, value);
    }

    #[inline]
    fn swap(&self, word: usize, value: u32) -> u32 {
        swap(self.handle(), word, value)
    }

    fn copy_in(&self, at: usize, bytes: &[u8]) {
        copy_in(self.handle(), at, bytes.as_ptr(), bytes.len());
    }

    fn copy_out(&self, at: usize, target: &mut [u8]) {
        copy_out(self.handle(), at, target.as_mut_ptr(), target.len());
    }

    fn publish(&self, record: usize, next: usize, head: &[u8], body: &[u8]) {
        publish(self.handle(), record, next, head.as_ptr(), head.len(), body.as_ptr(), body.len());
    }

    fn publish_hosted(&self, record: usize, next: usize, frame: &Transmit<'_>) {
        let ([body, ..], Some((bytes, range))) = (frame.body, &frame.hosted) else {
            return;
        };
        publish_hosted(
            self.handle(),
            record,
            next,
            frame.head.as_ptr(),
            frame.head.len(),
            body.as_ptr(),
            body.len(),
            bytes.number(),
            range.start,
            range.len(),
        );
    }

    fn copy_out_hosted(&self, at: usize, target: &dyn Hosted, to: usize, len: usize) {
        copy_out_hosted(self.handle(), at, target.number(), to, len);
    }

    fn listen(&self, word: usize, expected: u32) -> bool {
        listen(self.handle(), word, expected)
    }

    fn wait(&self, word: usize, expected: u32, timeout: Option<Duration>) {
        let timeout = timeout.map_or(-1.0, |timeout| timeout.as_secs_f64() * 1000.0);
        wait(self.handle(), word, expected, timeout);
    }

    fn notify(&self, word: usize) {
        notify(self.handle(), word);
    }
}

#[wasm_bindgen(inline_js = "export function newSharedArrayBuffer(length) { return new SharedArrayBuffer(length); }")]
extern "C" {
    #[wasm_bindgen(js_name = newSharedArrayBuffer, catch)]
    fn new_shared_array_buffer(length: usize) -> Result<JsValue, JsValue>;
}

#[wasm_bindgen(module = "/js/memory.js")]
extern "C" {
    fn attach(buffer: &JsValue, wasm: &JsValue, ring: &JsValue) -> u32;
    fn detach(handle: u32);
    #[wasm_bindgen(js_name = wakeByPort)]
    fn wake_by_port(handle: u32, port: &JsValue);
    fn size(handle: u32) -> u32;
    fn load(handle: u32, at: usize) -> u32;
    fn store(handle: u32, at: usize, value: u32);
    fn swap(handle: u32, at: usize, value: u32) -> u32;
    #[wasm_bindgen(js_name = copyIn)]
    fn copy_in(handle: u32, at: usize, from: *const u8, length: usize);
    #[wasm_bindgen(js_name = copyOut)]
    fn copy_out(handle: u32, at: usize, to: *mut u8, length: usize);
    fn publish(
        handle: u32,
        record: usize,
        next: usize,
        head: *const u8,
        head_length: usize,
        body: *const u8,
        body_length: usize,
    );
    #[wasm_bindgen(js_name = publishHosted)]
    fn publish_hosted(
        handle: u32,
        record: usize,
        next: usize,
        head: *const u8,
        head_length: usize,
        body: *const u8,
        body_length: usize,
        number: u32,
        from: usize,
        length: usize,
    );
    #[wasm_bindgen(js_name = copyOutHosted)]
    fn copy_out_hosted(handle: u32, at: usize, number: u32, to: usize, length: usize);
    fn wait(handle: u32, at: usize, expected: u32, timeout: f64);
    fn notify(handle: u32, at: usize);
    fn listen(handle: u32, at: usize, expected: u32) -> bool;
}
