//! From JavaScript's values to bytes.

use super::Js;
use crate::value::{MAX_DEPTH, ViewKind, Writer};
use crate::{EncodeError, Segment};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use wasm_bindgen::prelude::*;

/// What a value is called in errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Root(pub &'static str);

/// What becomes of functions, symbols of the program's own and objects of the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leniency {
    /// They are errors.
    Strict,
    /// Functions and symbols become `undefined`, objects of the platform become their `toJSON` or their own data.
    Lenient,
}

/// Why a value could not be written. Nothing was.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Unsent {
    /// There is something in it that can't be sent.
    #[error(transparent)]
    Refused(#[from] EncodeError),
    /// There is a blob in it, whose bytes have to be awaited: see [`blobs_in`](super::blobs_in).
    #[error("the bytes of a blob have to be awaited")]
    Blobs,
}

/// A key that was met before.
#[derive(Debug)]
pub(super) struct WrittenKey {
    /// `None`: it has lone surrogates.
    text: Option<Box<str>>,
}

impl Js {
    /// Appends a value as an item. `blobs` is what [`blobs_in`](super::blobs_in) gave for it, or undefined.
    ///
    /// Gives the path of something that was left out, if anything was.
    ///
    /// # Errors
    /// When there is something that can't be sent; the buffer is as it was then.
    pub fn encode(
        &mut self,
        value: &JsValue,
        root: Root,
        leniency: Leniency,
        blobs: &JsValue,
        buffer: &mut Vec<u8>,
    ) -> Result<Option<String>, Unsent> {
        let start = buffer.len();
        let mut walk = Walk {
            writer: Writer::new(buffer),
            lenient: leniency == Leniency::Lenient,
            left_out: None,
            needs_blobs: false,
            js: self,
        };
        let kind = walk.js.source.begin(value, blobs, walk.lenient);
        let result = walk.value(kind, 0);
        let (left_out, needs_blobs) = (walk.left_out.take(), walk.needs_blobs);
        self.source.reset();
        match result {
            Ok(()) => Ok(left_out.map(|error| error.at(Segment::Root(root.0)).path().to_string())),
            Err(error) => {
                buffer.truncate(start);
                if needs_blobs {
                    return Err(Unsent::Blobs);
                }
                Err(error.at(Segment::Root(root.0)).into())
            }
        }
    }
}

struct Walk<'a> {
    js: &'a mut Js,
    writer: Writer<'a>,
    lenient: bool,
    /// What was left out first: an error for its path.
    left_out: Option<EncodeError>,
    needs_blobs: bool,
}

impl Walk<'_> {
    /// Writes the value at hand.
    fn value(&mut self, kind: u32, depth: usize) -> Result<(), EncodeError> {
        match kind {
            UNDEFINED => self.writer.undefined(),
            NULL => self.writer.null(),
            FALSE => self.writer.boolean(false),
            TRUE => self.writer.boolean(true),
            NUMBER => self.writer.number(self.js.source.number()),
            STRING => return self.string(),
            HOLE => self.writer.hole(),
            SHARED => self.writer.shared(self.js.source.shared()),
            BIGINT => self.bigint()?,
            SYMBOL => self.symbol()?,
            FUNCTION => return self.leave_out("a function cannot be sent"),
            LOCAL_SYMBOL => return self.leave_out("a symbol cannot be sent unless it is registered or well known"),
            THREW => return Err(self.threw()),
            _ if depth > MAX_DEPTH => {
                return Err(EncodeError::new(format!("values can be nested {MAX_DEPTH} deep, and this is deeper")));
            }
            ARRAY | OBJECT | MAP | SET => return self.container(kind, depth),
            ERROR => return self.error(depth),
            FOREIGN => return self.foreign(depth),
            _ => return self.special(kind, depth),
        }
        Ok(())
    }

    fn container(&mut self, kind: u32, depth: usize) -> Result<(), EncodeError> {
        let count = self.enter(kind)?;
        match kind {
            ARRAY => self.writer.array(count as usize),
            OBJECT => self.writer.object(count as usize),
            MAP => self.writer.map(count as usize),
            _ => self.writer.set(count as usize),
        }
        let result = match kind {
            OBJECT => self.properties(count, depth),
            MAP => self.items(count * 2, 2, depth),
            _ => self.items(count, 1, depth),
        };
        // After an error too: the path asks the objects around for their keys.
        self.js.source.leave();
        result
    }

    fn items(&mut self, count: u32, per_entry: u32, depth: usize) -> Result<(), EncodeError> {
        for index in 0..count {
            let kind = self.js.source.item(index);
            self.part(kind, depth, (index / per_entry) as usize)?;
        }
        Ok(())
    }

    fn part(&mut self, kind: u32, depth: usize, index: usize) -> Result<(), EncodeError> {
        let before = self.left_out.is_some();
        let result = self.value(kind, depth + 1);
        self.locate(before, || Segment::Index(index));
        result.map_err(|error| error.at(Segment::Index(index)))
    }

    fn properties(&mut self, count: u32, depth: usize) -> Result<(), EncodeError> {
        for index in 0..count {
            let key = self.js.source.key(index);
            self.key(key)?;
            let kind = self.js.source.property(index);
            let before = self.left_out.is_some();
            let result = self.value(kind, depth + 1);
            if result.is_err() || !before && self.left_out.is_some() {
                let segment = self.segment(index);
                self.locate(before, || segment.clone());
                result.map_err(|error| error.at(segment))?;
            }
        }
        Ok(())
    }

    /// A path that is being collected goes one level further out.
    fn locate(&mut self, before: bool, segment: impl FnOnce() -> Segment) {
        if !before && let Some(left_out) = self.left_out.take() {
            self.left_out = Some(left_out.at(segment()));
        }
    }

    fn segment(&mut self, index: u32) -> Segment {
        match self.js.source.key(index) {
            number @ 0.. => match self.js.written.get(number as usize).and_then(|key| key.text.as_deref()) {
                Some(text) => Segment::Key(text.into()),
                None => Segment::Key("?".into()),
            },
            -1 => {
                self.js.source.symbol();
                Segment::Key(format!("Symbol({})", self.text().unwrap_or_default()))
            }
            _ => Segment::Key(self.text().unwrap_or_default()),
        }
    }

    fn enter(&mut self, kind: u32) -> Result<u32, EncodeError> {
        u32::try_from(self.js.source.enter(kind)).map_err(|_| self.threw())
    }

    /// Writes a key. Those that are numbered are known by text from their first time on.
    fn key(&mut self, number: i32) -> Result<(), EncodeError> {
        let Ok(number) = usize::try_from(number) else {
            if number == -1 {
                self.writer.other_key();
                return self.symbol();
            }
            return match self.text() {
                Some(text) => {
                    self.writer.key(&text);
                    Ok(())
                }
                None => {
                    self.writer.other_key();
                    self.units();
                    Ok(())
                }
            };
        };
        if number == self.js.written.len() {
            let text = self.text().map(String::into_boxed_str);
            self.js.written.push(WrittenKey { text });
        }
        match &self.js.written[number].text {
            Some(text) => {
                self.writer.key(text);
                Ok(())
            }
            None => {
                // With lone surrogates; the text at hand is that of its first time only.
                self.writer.other_key();
                self.js.source.key_text(number as u32);
                self.units();
                Ok(())
            }
        }
    }

    /// The text at hand, unless it has lone surrogates.
    fn text(&mut self) -> Option<String> {
        self.scratch().map(|length| String::from_utf8_lossy(&self.js.scratch[..length]).into_owned())
    }

    /// Puts the text at hand into `scratch`: its length. `None`: it has lone surrogates.
    fn scratch(&mut self) -> Option<usize> {
        let scratch = &mut self.js.scratch;
        if scratch.is_empty() {
            scratch.resize(128, 0);
        }
        let mut length = self.js.source.text(scratch.as_mut_ptr(), scratch.len());
        if length < -1 {
            scratch.resize((-2 - length) as usize, 0);
            length = self.js.source.text(scratch.as_mut_ptr(), scratch.len());
        }
        usize::try_from(length).ok()
    }

    fn string(&mut self) -> Result<(), EncodeError> {
        match self.scratch() {
            Some(length) => {
                let text = core::str::from_utf8(&self.js.scratch[..length]);
                self.writer.str(text.map_err(|_| EncodeError::new("a string changed while it was read"))?);
                if self.js.scratch.len() > MOST_SCRATCH {
                    self.js.scratch = Vec::new();
                }
            }
            None => self.units(),
        }
        Ok(())
    }

    fn units(&mut self) {
        let source = &self.js.source;
        let units: Vec<u16> = (0..source.units()).map(|index| source.unit(index)).collect();
        self.writer.utf16(&units);
    }

    fn symbol(&mut self) -> Result<(), EncodeError> {
        let registered = self.js.source.symbol();
        let Some(name) = self.text() else {
            return Err(EncodeError::new("the key of a symbol has lone surrogates"));
        };
        if registered {
            self.writer.registered_symbol(&name);
        } else {
            self.writer.well_known_symbol(&name);
        }
        Ok(())
    }

    fn bigint(&mut self) -> Result<(), EncodeError> {
        let negative = self.js.source.bigint();
        let digits = self.text().unwrap_or_default();
        let nibble = |digit: u8| (digit as char).to_digit(16).unwrap_or(0) as u8;
        let magnitude: Vec<u8> = digits
            .as_bytes()
            .rchunks(2)
            .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | nibble(*digit)))
            .collect();
        self.writer.bigint(negative, &magnitude);
        Ok(())
    }

    fn leave_out(&mut self, why: &'static str) -> Result<(), EncodeError> {
        if !self.lenient {
            return Err(EncodeError::new(why));
        }
        self.left_out.get_or_insert_with(|| EncodeError::new(why));
        self.writer.undefined();
        Ok(())
    }

    fn foreign(&mut self, depth: usize) -> Result<(), EncodeError> {
        let name = self.js.source.describe();
        if !self.lenient {
            return Err(EncodeError::new(format!("an object of class {name} cannot be sent")));
        }
        self.left_out.get_or_insert_with(|| EncodeError::new(name));
        let kind = self.js.source.plain();
        self.value(kind, depth)
    }

    fn threw(&self) -> EncodeError {
        EncodeError::new(format!("reading it threw: {}", self.js.source.why()))
    }

    fn error(&mut self, depth: usize) -> Result<(), EncodeError> {
        let count = self.enter(ERROR)?;
        let has_cause = self.js.source.has_cause();
        self.writer.error(has_cause, count as usize);
        let result = self.error_parts(has_cause, count, depth);
        self.js.source.leave();
        result
    }

    fn error_parts(&mut self, has_cause: bool, count: u32, depth: usize) -> Result<(), EncodeError> {
        for part in [PART_NAME, PART_MESSAGE, PART_STACK] {
            if self.js.source.part(part) == THREW {
                return Err(self.threw());
            }
            self.string()?;
            self.js.source.back();
        }
        if has_cause {
            let kind = self.js.source.part(PART_CAUSE);
            let before = self.left_out.is_some();
            let result = self.value(kind, depth + 1);
            self.locate(before, || Segment::Key("cause".into()));
            result.map_err(|error| error.at(Segment::Key("cause".into())))?;
        }
        self.properties(count, depth)
    }

    fn special(&mut self, kind: u32, depth: usize) -> Result<(), EncodeError> {
        match kind {
            DATE => self.writer.date(self.js.source.date()),
            REGEXP => {
                let flags = self.part_text(PART_FLAGS)?;
                if self.js.source.part(PART_LAST_INDEX) == THREW {
                    return Err(self.threw());
                }
                let last_index = self.js.source.number();
                self.js.source.back();
                let last_index = if (0.0..=MAX_SAFE).contains(&last_index) { last_index as u64 } else { 0 };
                self.writer.regexp(&flags, last_index);
                self.js.source.part(PART_SOURCE);
                self.string()?;
            }
            BOXED => {
                self.writer.boxed();
                let kind = self.js.source.part(PART_PRIMITIVE);
                self.value(kind, depth + 1)?;
            }
            BUFFER => {
                let max = self.js.source.measure(MAX_LENGTH);
                self.copied(LENGTH, |writer, bytes| writer.buffer(bytes, (max >= 0.0).then_some(max as u64)))?;
            }
            BYTES => self.copied(LENGTH, |writer, bytes| writer.bytes(bytes))?,
            VIEW => {
                let source = &self.js.source;
                let kind = source.measure(VIEW_KIND);
                let Some(kind) = ViewKind::from_wire(kind as i32 as u8).filter(|_| kind >= 0.0) else {
                    return Err(EncodeError::new("a view of an unknown type cannot be sent"));
                };
                let (offset, length) = (source.measure(VIEW_OFFSET), source.measure(VIEW_LENGTH));
                self.writer.view(kind, offset as u64, (length >= 0.0).then_some(length as u64));
                let kind = self.js.source.part(PART_BUFFER);
                self.value(kind, depth + 1)?;
            }
            BLOB | FILE => {
                if self.js.source.measure(BLOB_LENGTH) < 0.0 {
                    self.needs_blobs = true;
                    return Err(EncodeError::new("the bytes of a blob have to be awaited"));
                }
                let media_type = self.part_text(PART_TYPE)?;
                if kind == BLOB {
                    self.copied(BLOB_LENGTH, |writer, bytes| writer.blob(&media_type, bytes))?;
                } else {
                    let modified = self.js.source.measure(LAST_MODIFIED);
                    self.copied(BLOB_LENGTH, |writer, bytes| writer.file(&media_type, modified, bytes))?;
                    self.js.source.part(PART_FILE_NAME);
                    self.string()?;
                }
            }
            IMAGE => {
                let color_space = self.part_text(PART_COLOR_SPACE)?;
                let source = &self.js.source;
                let (width, height) = (source.measure(WIDTH) as u32, source.measure(HEIGHT) as u32);
                self.copied(PIXELS, |writer, bytes| writer.image(width, height, &color_space, bytes))?;
            }
            _ => return Err(EncodeError::new("a value of an unknown kind cannot be sent")),
        }
        Ok(())
    }

    /// A part of the object at hand as text; the object stays at hand.
    fn part_text(&mut self, part: u32) -> Result<String, EncodeError> {
        if self.js.source.part(part) == THREW {
            return Err(self.threw());
        }
        let text = self.text();
        self.js.source.back();
        Ok(text.unwrap_or_default())
    }

    /// Writes the bytes of the object at hand.
    fn copied(&mut self, length: u32, write: impl FnOnce(&mut Writer<'_>, &[u8])) -> Result<(), EncodeError> {
        let length = self.js.source.measure(length);
        let mut bytes = Vec::new();
        bytes
            .try_reserve_exact(length as usize)
            .map_err(|_| EncodeError::new(format!("{length} bytes are more than there is memory for")))?;
        bytes.resize(length as usize, 0);
        self.js.source.copy(bytes.as_mut_ptr());
        write(&mut self.writer, &bytes);
        Ok(())
    }
}

/// A scratch that has grown beyond this is given back.
const MOST_SCRATCH: usize = 1 << 16;

const MAX_SAFE: f64 = 9_007_199_254_740_991.0;

// What a value is; `walk.js` has the same list.
const UNDEFINED: u32 = 0;
const NULL: u32 = 1;
const FALSE: u32 = 2;
const TRUE: u32 = 3;
const NUMBER: u32 = 4;
const STRING: u32 = 5;
const BIGINT: u32 = 6;
const SYMBOL: u32 = 7;
const FUNCTION: u32 = 8;
const SHARED: u32 = 9;
const HOLE: u32 = 10;
const THREW: u32 = 11;
const ARRAY: u32 = 12;
const OBJECT: u32 = 13;
const MAP: u32 = 14;
const SET: u32 = 15;
const DATE: u32 = 16;
const REGEXP: u32 = 17;
const ERROR: u32 = 18;
const BOXED: u32 = 19;
const BUFFER: u32 = 20;
const BYTES: u32 = 21;
const VIEW: u32 = 22;
const BLOB: u32 = 23;
const FILE: u32 = 24;
const IMAGE: u32 = 25;
const FOREIGN: u32 = 26;
const LOCAL_SYMBOL: u32 = 27;

// Parts of special objects.
const PART_FLAGS: u32 = 0;
const PART_SOURCE: u32 = 1;
const PART_LAST_INDEX: u32 = 2;
const PART_NAME: u32 = 3;
const PART_MESSAGE: u32 = 4;
const PART_STACK: u32 = 5;
const PART_PRIMITIVE: u32 = 6;
const PART_BUFFER: u32 = 7;
const PART_TYPE: u32 = 8;
const PART_FILE_NAME: u32 = 9;
const PART_COLOR_SPACE: u32 = 10;
const PART_CAUSE: u32 = 11;

// Numbers of special objects.
const LENGTH: u32 = 0;
const MAX_LENGTH: u32 = 1;
const VIEW_KIND: u32 = 2;
const VIEW_OFFSET: u32 = 3;
const VIEW_LENGTH: u32 = 4;
const LAST_MODIFIED: u32 = 5;
const WIDTH: u32 = 6;
const HEIGHT: u32 = 7;
const BLOB_LENGTH: u32 = 8;
const PIXELS: u32 = 9;
