//! From bytes to JavaScript's values.

use super::{Js, Target, platform};
use crate::DecodeError;
use crate::value::{Item, Key, MAX_DEPTH, Reader, Text};
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
        if self.read.len() > MOST_KEYS {
            self.read.clear();
            self.target.forget(0);
        }
        let mut build =
            Build { reader: Reader::new(bytes), target: &self.target, known: &mut self.read, numbers: Vec::new() };
        build.target.begin();
        let result = build.item(NO_KEY, 0).and_then(|()| build.reader.finish());
        // Keys that have no entry in the table are forgotten with the payload.
        let value = self.target.end();
        self.target.forget(self.read.len() as u32);
        result.map(|()| value)
    }
}

struct Build<'a, 'de> {
    reader: Reader<'de>,
    target: &'a Target,
    known: &'a mut HashMap<Box<[u8]>, u32>,
    /// The target's numbers of the keys that this payload has numbered.
    numbers: Vec<u32>,
}

impl<'de> Build<'_, 'de> {
    /// Reads an item, which goes under `key` if it is a property.
    fn item(&mut self, key: u32, depth: usize) -> Result<(), DecodeError> {
        let item = self.reader.item()?;
        if depth > MAX_DEPTH {
            return Err(DecodeError::malformed("values are nested too deep"));
        }
        self.build(item, key, depth)
    }

    fn build(&mut self, item: Item<'de>, key: u32, depth: usize) -> Result<(), DecodeError> {
        let target = self.target;
        match item {
            Item::Undefined => target.simple(key, 0),
            Item::Null => target.simple(key, 1),
            Item::Boolean(value) => target.simple(key, 2 + u32::from(value)),
            Item::Integer(value) => target.number(key, value as f64),
            Item::Float(value) => target.number(key, value),
            Item::Text(Text::Utf8(text)) => target.string(key, text.as_ptr(), text.len()),
            Item::Text(Text::Utf16(units)) => target.string_units(key, units.as_ptr(), units.len()),
            Item::BigInt { negative, magnitude } => target.bigint(key, negative, magnitude.as_ptr(), magnitude.len()),
            Item::Symbol { registered, name } => {
                target.symbol(key, registered, name.as_ptr(), name.len()).map_err(|error| platform(&error))?;
            }
            Item::Hole => return Err(DecodeError::malformed("a hole is not in an array")),
            Item::Array(len) => {
                target.array(key);
                for _ in 0..len {
                    if self.reader.hole() { target.hole() } else { self.item(NO_KEY, depth + 1)? }
                }
                target.close();
            }
            Item::Object(len) => {
                target.object(key);
                self.properties(len, depth)?;
                target.close();
            }
            Item::Map(len) => {
                target.map(key);
                for _ in 0..2 * len {
                    self.item(NO_KEY, depth + 1)?;
                }
                target.close();
            }
            Item::Set(len) => {
                target.set(key);
                for _ in 0..len {
                    self.item(NO_KEY, depth + 1)?;
                }
                target.close();
            }
            Item::Error { class, message, stack, has_cause, properties } => {
                for text in [class, message, stack] {
                    self.say(text);
                }
                target.error(key, has_cause);
                if has_cause {
                    self.item(NO_KEY, depth + 1)?;
                }
                self.properties(properties, depth)?;
                target.close();
            }
            Item::Date(milliseconds) => target.date(key, milliseconds),
            Item::RegExp { source, flags, last_index } => {
                self.say(source);
                self.say(Text::Utf8(flags));
                target.regexp(key, last_index as f64).map_err(|error| platform(&error))?;
            }
            Item::Boxed => {
                target.boxed(key);
                let item = self.reader.item()?;
                let primitive = matches!(
                    item,
                    Item::Boolean(_)
                        | Item::Integer(_)
                        | Item::Float(_)
                        | Item::BigInt { .. }
                        | Item::Text(_)
                        | Item::Symbol { .. }
                );
                if !primitive || depth >= MAX_DEPTH {
                    return Err(DecodeError::malformed("an object is around something else than a primitive"));
                }
                self.build(item, NO_KEY, depth + 1)?;
            }
            _ => return self.binary(item, key, depth),
        }
        Ok(())
    }

    fn binary(&mut self, item: Item<'de>, key: u32, depth: usize) -> Result<(), DecodeError> {
        let target = self.target;
        let made = match item {
            Item::Buffer { bytes, max } => {
                target.buffer(key, bytes.as_ptr(), bytes.len(), max.map_or(-1.0, |max| max as f64))
            }
            Item::Bytes(bytes) => {
                target.bytes(key, bytes.as_ptr(), bytes.len());
                Ok(())
            }
            Item::View { .. } => return self.view(item, key, depth),
            Item::Blob { kind, bytes } => {
                self.say(Text::Utf8(kind));
                target.blob(key, bytes.as_ptr(), bytes.len())
            }
            Item::File { kind, name, last_modified, bytes } => {
                self.say(Text::Utf8(kind));
                self.say(name);
                target.file(key, last_modified, bytes.as_ptr(), bytes.len())
            }
            Item::Image { width, height, color_space, pixels } => {
                self.say(Text::Utf8(color_space));
                target.image(key, width, height, pixels.as_ptr(), pixels.len())
            }
            Item::Shared(number) => {
                if number >= self.reader.objects() {
                    return Err(DecodeError::malformed("an object refers to one that is not there"));
                }
                target.shared(key, number)
            }
            _ => return Err(DecodeError::mismatch("a reference came where none was expected")),
        };
        made.map_err(|error| platform(&error))
    }

    /// A view and its buffer, whose rules are left to the constructor of the view.
    fn view(&mut self, item: Item<'de>, key: u32, depth: usize) -> Result<(), DecodeError> {
        let Item::View { kind, offset, len } = item else {
            return Ok(());
        };
        let target = self.target;
        target.view(key, kind as u32, offset as f64, len.map_or(-1.0, |len| len as f64));
        let buffer = self.reader.item()?;
        match buffer {
            Item::Buffer { .. } | Item::Shared(_) if depth < MAX_DEPTH => self.binary(buffer, NO_KEY, depth + 1),
            _ => Err(DecodeError::malformed("a view has no buffer")),
        }
    }

    fn properties(&mut self, len: usize, depth: usize) -> Result<(), DecodeError> {
        for _ in 0..len {
            let key = self.key()?;
            self.item(key, depth + 1)?;
        }
        Ok(())
    }

    /// The target's number of the next key.
    fn key(&mut self) -> Result<u32, DecodeError> {
        let (key, number) = self.reader.numbered_key()?;
        if let Some(known) = number.and_then(|number| self.numbers.get(number)) {
            return Ok(*known);
        }
        let known = match key {
            Key::Text(Text::Utf8(text)) => match self.known.get(text.as_bytes()) {
                Some(known) => *known,
                None => {
                    let known = self.target.intern(text.as_ptr(), text.len());
                    // Only as long as the table has the numbers from 0 on: others are forgotten.
                    if text.len() <= LONGEST_KEY && known as usize == self.known.len() {
                        self.known.insert(text.as_bytes().into(), known);
                    }
                    known
                }
            },
            Key::Text(Text::Utf16(units)) => self.target.intern_units(units.as_ptr(), units.len()),
            Key::Symbol { registered, name } => {
                self.target.intern_symbol(registered, name.as_ptr(), name.len()).map_err(|error| platform(&error))?
            }
        };
        if number == Some(self.numbers.len()) {
            self.numbers.push(known);
        }
        Ok(known)
    }

    fn say(&self, text: Text<'_>) {
        match text {
            Text::Utf8(text) => self.target.say(text.as_ptr(), text.len()),
            Text::Utf16(units) => self.target.say_units(units.as_ptr(), units.len()),
        }
    }
}

/// For items that are no properties.
const NO_KEY: u32 = u32::MAX;

/// Most keys that are kept.
const MOST_KEYS: usize = 2048;

/// Longest key that is kept, in bytes.
const LONGEST_KEY: usize = 64;
