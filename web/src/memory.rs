//! Memory that both sides of the boundary read and write: see `js/link/scratch.js`.

use crate::buffers::Buffer;
use coincide_proto::Payload;
use coincide_proto::engine::Engine;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::prelude::*;

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static WORDS: Cell<[u32; WORD_COUNT]> = const { Cell::new([0; WORD_COUNT]) };
    static SHOWN: RefCell<Vec<Payload>> = const { RefCell::new(Vec::new()) };
    static NAMES: RefCell<Vec<Rc<str>>> = const { RefCell::new(Vec::new()) };
}

/// Grows scratch memory to at least `len` bytes, with its contents, and returns its address; 0 if there is too little memory. A `len` of 0 frees it.
#[wasm_bindgen]
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

/// The payload of `len` bytes at an offset of scratch memory, copied into `buffer`. A large payload at 0 takes over the scratch memory instead. `None` if there is too
/// little memory.
pub(crate) fn take(at: usize, len: usize, buffer: impl FnOnce() -> Vec<u8>) -> Option<Vec<u8>> {
    SCRATCH.with_borrow_mut(|scratch| {
        if at == 0 && len > TAKEN {
            let mut payload = std::mem::take(scratch);
            payload.truncate(len);
            return Some(payload);
        }
        let mut payload = buffer();
        payload.clear();
        payload.try_reserve(len).ok()?;
        payload.extend_from_slice(scratch.get(at..)?.get(..len)?);
        Some(payload)
    })
}

/// Takes a payload as [`take`] does, with [`Word::Lent`] buffers. For each buffer, there are three numbers of 4 bytes behind the payload: the offset in the payload
/// where it belongs, its number, and its length.
pub(crate) fn take_payload(at: usize, len: usize, buffer: impl FnOnce() -> Vec<u8>) -> Option<Payload> {
    let lent = get(Word::Lent) as usize;
    if lent == 0 {
        return take(at, len, buffer).map(Payload::from);
    }
    set(Word::Lent, 0);
    let hosted = peek(at + len, ENTRY * lent, |table| {
        let (entries, _) = table.as_chunks::<ENTRY>();
        let number = |entry: &[u8; ENTRY], at: usize| u32::from_le_bytes([0, 1, 2, 3].map(|byte| entry[at + byte]));
        entries
            .iter()
            .map(|entry| (number(entry, 0) as usize, Buffer::of(number(entry, 4), number(entry, 8) as usize)))
            .collect()
    });
    Some(Payload { hosted: Some(Box::new(hosted)), ..take(at, len, buffer)?.into() })
}

/// Calls `read` with bytes of scratch memory.
pub(crate) fn peek<T>(at: usize, len: usize, read: impl FnOnce(&[u8]) -> T) -> T {
    SCRATCH.with_borrow(|scratch| read(scratch.get(at..at.saturating_add(len)).unwrap_or_default()))
}

/// A text in scratch memory.
pub(crate) fn text(at: usize, len: usize) -> String {
    peek(at, len, |bytes| String::from_utf8_lossy(bytes).into_owned())
}

/// Registers the name at an offset of scratch memory and returns its number, which crosses the boundary faster than a text.
#[wasm_bindgen]
pub fn name(at: usize, len: usize) -> usize {
    NAMES.with_borrow_mut(|names| {
        names.push(text(at, len).into());
        names.len() - 1
    })
}

/// Forgets all names.
#[wasm_bindgen(js_name = forgetNames)]
pub fn forget_names() {
    NAMES.take();
}

/// The name with this number.
pub(crate) fn name_of(number: usize) -> Rc<str> {
    NAMES.with_borrow(|names| names.get(number).cloned()).unwrap_or_else(|| "".into())
}

/// The address of the words. JavaScript writes [`Word::Reading`] and [`Word::Lent`], wasm all others.
#[wasm_bindgen]
pub fn words() -> usize {
    WORDS.with(|words| words.as_ptr() as usize)
}

/// The words. `js/link/scratch.js` has the same list.
#[derive(Clone, Copy)]
pub(crate) enum Word {
    /// Number of last shown payloads that JavaScript is reading. They must stay in place.
    Reading,
    /// Id of the end of an action.
    End,
    /// Id of a call; 0 for a notification.
    Call,
    /// Serial number of a started function.
    Serial,
    /// Index of a function.
    Function,
    /// Status number of an ended call or a stopped function: see `failure.rs`.
    Status,
    /// Address and length of a payload.
    Address,
    Length,
    /// 1 if the event loop has to take a turn: for a deadline, an event, or because there was no room.
    Wake,
    /// Milliseconds until the next turn. The largest number stands for no limit.
    Timeout,
    /// Id of the call that `call` has made, or 0.
    Own,
    /// Number of buffers of the payload in scratch memory. wasm sets it to 0 when it takes the payload.
    Lent,
    /// Number of buffers of the shown payload: see [`show`].
    Hosted,
    /// 1 if the caller of the function to run blocks until the answer.
    Blocks,
}

const WORD_COUNT: usize = Word::Blocks as usize + 1;

pub(crate) fn get(word: Word) -> u32 {
    WORDS.with(|words| words.get()[word as usize])
}

pub(crate) fn set(word: Word, value: u32) {
    WORDS.with(|words| {
        let mut all = words.get();
        all[word as usize] = value;
        words.set(all);
    });
}

/// Shows a payload to JavaScript. It stays in place until the next one is shown, or until JavaScript has read it. Free buffers return to `engine`. For each buffer of
/// JavaScript, there are two numbers of 4 bytes behind the payload: the offset in the payload where it belongs, and its number.
pub(crate) fn show(payload: impl Into<Payload>, engine: Option<&mut Engine>) {
    let mut payload = payload.into();
    set(Word::Length, payload.head.len() as u32);
    set(Word::Hosted, payload.hosted().len() as u32);
    if let Some(hosted) = &payload.hosted {
        let entries = hosted.iter().flat_map(|(start, bytes)| [*start as u32, bytes.number()]);
        payload.head.extend(entries.flat_map(u32::to_le_bytes));
    }
    set(Word::Address, payload.head.as_ptr() as usize as u32);
    release(engine);
    SHOWN.with_borrow_mut(|shown| shown.push(payload));
}

/// Takes the last shown payload, without the entries of buffers.
pub(crate) fn take_shown() -> Payload {
    let mut payload = SHOWN.with_borrow_mut(Vec::pop).unwrap_or_default();
    payload.head.truncate(get(Word::Length) as usize);
    payload
}

fn release(mut engine: Option<&mut Engine>) {
    let reading = get(Word::Reading) as usize;
    SHOWN.with_borrow_mut(|shown| {
        while shown.len() > reading {
            if let (Some(buffer), Some(engine)) = (shown.pop(), engine.as_deref_mut()) {
                engine.recycle(buffer);
            }
        }
    });
}

/// Frees shown payloads that are not being read.
#[wasm_bindgen]
pub fn recycle() {
    release(None);
}

/// The error for a value that exceeds the available memory.
pub(crate) const TOO_LARGE: &str = "it is larger than there is memory for";

/// Size in bytes of the entry of a buffer behind a payload in scratch memory.
const ENTRY: usize = 12;

/// Bytes above which a payload takes over the scratch memory. `js/link/scratch.js` has the same limit.
const TAKEN: usize = 128 << 10;
