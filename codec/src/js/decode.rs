//! From bytes to JavaScript's values: items are checked, and told to the target.

use super::costly::{Costly, TOO_COSTLY};
use super::{Js, LEVELS, NO_ROOM, has_room};
use crate::DecodeError;
use crate::memory::{self, OutOfMemory};
use crate::value::{Buffer, Item, Key, MAX_DEPTH, Reader, Text, check_view};
use alloc::boxed::Box;
use alloc::vec::Vec;
use hashbrown::HashMap;
use wasm_bindgen::prelude::*;

impl Js {
    /// Makes the value whose bytes these are.
    ///
    /// # Errors
    /// When the bytes are malformed, or hold what this platform can't make.
    pub fn decode(&mut self, bytes: &[u8]) -> Result<JsValue, DecodeError> {
        let forget = self.read.len() >= MOST_KEYS;
        if forget {
            self.read.clear();
        }
        self.words.clear();
        self.numbers.clear();
        let mut telling = Telling {
            reader: Reader::new(bytes),
            words: &mut self.words,
            keys: &mut self.read,
            numbers: &mut self.numbers,
            passing: 0,
            sharing: false,
            costly: Costly::default(),
            len: bytes.len(),
            buffers: Vec::new(),
            references: self.references,
            roomy: LEVELS,
        };
        let result = telling.value(0).and_then(|()| telling.reader.finish());
        let sharing = telling.sharing;
        if let Err(error) = result {
            self.words = Vec::new();
            self.forget_read();
            return Err(error);
        }
        let value = self.target.build(self.words.as_ptr(), forget, sharing);
        if value.is_undefined() && self.target.has_failed() {
            let error = DecodeError::mismatch(self.target.why());
            self.forget_read();
            return Err(error);
        }
        if self.words.capacity() > LARGE {
            self.words = Vec::new();
        }
        Ok(value)
    }

    /// Both ends forget the keys: the target may not have been told all that were numbered.
    fn forget_read(&mut self) {
        self.read.clear();
        self.target.forget();
    }
}

struct Telling<'a, 'de> {
    reader: Reader<'de>,
    words: &'a mut Vec<u32>,
    keys: &'a mut HashMap<Box<[u8]>, u32>,
    /// What the target calls the keys that the payload has numbered.
    numbers: &'a mut Vec<u32>,
    /// How many keys were told that the target doesn't keep.
    passing: u32,
    /// Whether an object is met again.
    sharing: bool,
    costly: Costly,
    /// Bytes of the payload.
    len: usize,
    buffers: Vec<Buffer>,
    references: bool,
    /// Levels for which there is stack.
    roomy: usize,
}

impl<'de> Telling<'_, 'de> {
    /// Reserves the words of a key, or of an item without the items that it contains: the code that pushes them does not check.
    #[inline]
    fn room(&mut self) -> Result<(), OutOfMemory> {
        if self.words.capacity() - self.words.len() < MOST_WORDS {
            self.words.try_reserve(MOST_WORDS)?;
        }
        Ok(())
    }

    fn put(&mut self, kind: u32, number: u32) {
        self.words.push(kind | number << 8);
    }

    fn float(&mut self, value: f64) {
        self.long(value.to_bits());
    }

    fn long(&mut self, bits: u64) {
        self.words.extend_from_slice(&[bits as u32, (bits >> 32) as u32]);
    }

    /// Where bytes are, and how many.
    fn place(&mut self, bytes: &[u8]) {
        self.words.extend_from_slice(&[bytes.as_ptr() as usize as u32, bytes.len() as u32]);
    }

    fn value(&mut self, depth: usize) -> Result<(), DecodeError> {
        if depth > MAX_DEPTH {
            return Err(DecodeError::malformed("values are nested deeper than 256 levels"));
        }
        if depth > self.roomy {
            if !has_room() {
                return Err(DecodeError::mismatch(NO_ROOM));
            }
            self.roomy += LEVELS;
        }
        self.room()?;
        let inner = depth + 1;
        match self.reader.item()? {
            Item::Undefined => self.words.push(UNDEFINED),
            Item::Null => self.words.push(NULL),
            Item::Boolean(value) => self.words.push(if value { TRUE } else { FALSE }),
            Item::Integer(value) => match u32::try_from(value) {
                Ok(small) if small < 1 << 24 => self.put(SMALL, small),
                _ => self.number(value as f64),
            },
            Item::Float(value) => self.number(value),
            Item::Text(text) => self.text(text),
            Item::Array(len) => {
                self.words.extend_from_slice(&[ARRAY, len as u32]);
                for _ in 0..len {
                    if self.reader.hole() {
                        self.room()?;
                        self.words.push(HOLE);
                    } else {
                        self.value(inner)?;
                    }
                }
            }
            Item::Object(len) => {
                self.words.push(OBJECT);
                self.properties(len, inner)?;
            }
            item => return self.rare(item, inner),
        }
        Ok(())
    }

    /// What the next item is told as.
    fn part(&mut self, depth: usize) -> Result<u32, DecodeError> {
        let at = self.words.len();
        self.value(depth)?;
        Ok(self.words[at] & 0xff)
    }

    fn number(&mut self, value: f64) {
        let bits = value.to_bits();
        self.words.extend_from_slice(&[NUMBER, bits as u32, (bits >> 32) as u32]);
    }

    fn text(&mut self, text: Text<'_>) {
        match text {
            Text::Utf8(text) if text.len() < 1 << 24 && text.is_ascii() => {
                let (len, at) = (text.len() as u32, text.as_ptr() as usize as u32);
                self.words.extend_from_slice(&[ASCII | len << 8, at]);
            }
            Text::Utf8(text) => {
                self.put(TEXT, 0);
                self.place(text.as_bytes());
            }
            Text::Utf16(units) => {
                self.put(WIDE, 0);
                self.place(units);
            }
        }
    }

    fn symbol(&mut self, registered: bool, name: &str) {
        self.put(if registered { REGISTERED } else { WELL_KNOWN }, 0);
        self.text(Text::Utf8(name));
    }

    /// `inner` is the depth of what the item contains.
    fn rare(&mut self, item: Item<'de>, inner: usize) -> Result<(), DecodeError> {
        match item {
            Item::Hole => return Err(DecodeError::malformed("a hole stands outside of an array")),
            Item::BigInt { negative, magnitude } => {
                let mut bytes = [0; 8];
                if let Some(place) = bytes.get_mut(..magnitude.len()) {
                    place.copy_from_slice(magnitude);
                    self.put(BIGINT, negative.into());
                    self.long(u64::from_le_bytes(bytes));
                } else {
                    self.put(BIGINT_LONG, negative.into());
                    self.place(magnitude);
                }
            }
            Item::Symbol { registered, name } => self.symbol(registered, name),
            Item::Date(milliseconds) => {
                self.put(DATE, 0);
                self.float(milliseconds);
            }
            Item::RegExp { source, flags, last_index } => {
                self.put(REGEXP, 0);
                self.float(last_index as f64);
                self.text(source);
                self.text(Text::Utf8(flags));
            }
            Item::Map(len) => {
                self.put(MAP, 0);
                self.words.push(len as u32);
                for _ in 0..2 * len {
                    self.value(inner)?;
                }
            }
            Item::Set(len) => {
                self.put(SET, 0);
                self.words.push(len as u32);
                for _ in 0..len {
                    self.value(inner)?;
                }
            }
            Item::Error { class, message, stack, has_cause, properties } => {
                self.put(ERROR, has_cause.into());
                for text in [class, message, stack] {
                    self.text(text);
                }
                if has_cause {
                    self.value(inner)?;
                }
                self.properties(properties, inner)?;
            }
            Item::Boxed => {
                self.put(BOXED, 0);
                let primitives = FALSE..=WELL_KNOWN;
                if !primitives.contains(&self.part(inner)?) {
                    return Err(DecodeError::malformed("something else than a primitive is boxed"));
                }
            }
            Item::Buffer { bytes, max } => {
                memory::push(&mut self.buffers, (self.reader.objects() - 1, bytes.len() as u64, max.is_some()))?;
                match max {
                    None => self.put(BUFFER, 0),
                    Some(max) => {
                        self.costly()?;
                        self.put(RESIZABLE, 0);
                        self.float(max as f64);
                    }
                }
                self.place(bytes);
            }
            Item::Bytes(bytes) => {
                memory::push(&mut self.buffers, (self.reader.objects() - 1, bytes.len() as u64, false))?;
                self.put(BYTES, 0);
                self.place(bytes);
            }
            Item::View { kind, offset, len } => {
                self.put(VIEW, kind as u32);
                self.float(offset as f64);
                self.float(len.map_or(-1.0, |len| len as f64));
                let next = self.reader.objects();
                let at = self.words.len();
                let number = if self.part(inner)? == SHARED { self.words[at + 1] } else { next };
                check_view(&self.buffers, number, kind, offset, len).map_err(DecodeError::malformed)?;
            }
            Item::Blob { kind, bytes } => {
                self.costly()?;
                self.put(BLOB, 0);
                self.place(bytes);
                self.text(Text::Utf8(kind));
            }
            Item::File { kind, name, last_modified, bytes } => {
                self.costly()?;
                self.put(FILE, 0);
                self.place(bytes);
                self.float(last_modified);
                self.text(Text::Utf8(kind));
                self.text(name);
            }
            Item::Image { width, height, color_space, pixels } => {
                self.put(IMAGE, 0);
                self.place(pixels);
                self.words.extend_from_slice(&[width, height]);
                self.text(Text::Utf8(color_space));
            }
            Item::Reference { owner, kind, id } => {
                if !self.references {
                    return Err(DecodeError::mismatch("a reference came where none was expected"));
                }
                self.put(REFERENCE, owner as u32 | (kind as u32) << 8);
                self.float(id as f64);
            }
            Item::Shared(number) => {
                self.sharing = true;
                self.words.extend_from_slice(&[SHARED, number]);
            }
            // The others are no rare ones.
            _ => return Err(DecodeError::mismatch("an item of an unknown kind")),
        }
        Ok(())
    }

    fn costly(&mut self) -> Result<(), DecodeError> {
        self.costly.add();
        if self.costly.fit(self.len) { Ok(()) } else { Err(DecodeError::mismatch(TOO_COSTLY)) }
    }

    fn properties(&mut self, len: usize, depth: usize) -> Result<(), DecodeError> {
        self.room()?;
        self.words.push(len as u32);
        for _ in 0..len {
            self.room()?;
            match self.reader.known_key() {
                Some(number) => self.words.push(self.numbers[number]),
                None => self.key()?,
            }
            self.value(depth)?;
        }
        Ok(())
    }

    fn key(&mut self) -> Result<(), DecodeError> {
        let (key, number) = self.reader.numbered_key()?;
        if let Some(word) = number.and_then(|number| self.numbers.get(number)) {
            self.words.push(*word);
            return Ok(());
        }
        let word = self.new_key(key);
        if number.is_some() {
            memory::push(self.numbers, word)?;
        }
        Ok(())
    }

    /// Tells a key that the payload has in full; gives the word for it from now on.
    fn new_key(&mut self, key: Key<'de>) -> u32 {
        if let Key::Text(Text::Utf8(text)) = key {
            if let Some(number) = self.keys.get(text.as_bytes()) {
                let word = number << 2 | KNOWN_KEY;
                self.words.push(word);
                return word;
            }
            if text.len() <= LONGEST_KEY && self.keys.len() < MOST_KEYS {
                let number = self.keys.len() as u32;
                self.keys.insert(text.as_bytes().into(), number);
                self.words.push(number << 2 | KEPT_KEY);
                self.text(Text::Utf8(text));
                return number << 2 | KNOWN_KEY;
            }
        }
        let number = self.passing;
        self.passing += 1;
        self.words.push(number << 2 | PASSING_KEY);
        match key {
            Key::Text(text) => self.text(text),
            Key::Symbol { registered, name } => self.symbol(registered, name),
        }
        number << 2 | PASSED_KEY
    }
}

/// Bound on the words of a key or an item. An error has the most: one, three for each of its three texts, and the number of its properties.
const MOST_WORDS: usize = 16;

/// Most keys that are kept.
const MOST_KEYS: usize = 1024;

/// Longest key that is kept, in bytes.
const LONGEST_KEY: usize = 64;

/// What is told takes so many words at most to be kept for the next payload.
const LARGE: usize = 1 << 18;

// The lowest bits of the word of a key.
const KNOWN_KEY: u32 = 0;
const KEPT_KEY: u32 = 1;
const PASSING_KEY: u32 = 2;
const PASSED_KEY: u32 = 3;

// What the target is told; `walk.js` has the same list.
const UNDEFINED: u32 = 0;
const NULL: u32 = 1;
const FALSE: u32 = 2;
const TRUE: u32 = 3;
const HOLE: u32 = 4;
const SMALL: u32 = 5;
const NUMBER: u32 = 6;
const ASCII: u32 = 7;
const TEXT: u32 = 8;
const WIDE: u32 = 9;
const BIGINT: u32 = 10;
const BIGINT_LONG: u32 = 11;
const REGISTERED: u32 = 12;
const WELL_KNOWN: u32 = 13;
const SHARED: u32 = 14;
const ARRAY: u32 = 15;
const OBJECT: u32 = 16;
const MAP: u32 = 17;
const SET: u32 = 18;
const DATE: u32 = 19;
const REGEXP: u32 = 20;
const ERROR: u32 = 21;
const BOXED: u32 = 22;
const BUFFER: u32 = 23;
const RESIZABLE: u32 = 24;
const BYTES: u32 = 25;
const VIEW: u32 = 26;
const BLOB: u32 = 27;
const FILE: u32 = 28;
const IMAGE: u32 = 29;
const REFERENCE: u32 = 30;
