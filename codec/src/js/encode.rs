//! From JavaScript's values to bytes: what the source tells is written as items.

use super::costly::{Costly, TOO_COSTLY};
use super::{Js, LEVELS, NO_ROOM, Source, has_room};
use crate::memory::{self, OutOfMemory};
use crate::value::{MAX_DEPTH, RefKind, RefOwner, ViewKind, Writer};
use crate::{EncodeError, Segment};
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use wasm_bindgen::prelude::*;

/// What a value is called in errors: `args`, `result`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Root(pub &'static str);

/// What becomes of what can't be copied: functions, symbols that only the program knows, and objects of the platform.
///
/// Instances of the program's own classes are copied as plain objects either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leniency {
    /// They are errors, as for structured clone.
    Strict,
    /// Functions and symbols become `undefined`, objects of the platform what their `toJSON` gives, or their own data.
    Lenient,
}

/// Why a value could not be written.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Unsent {
    /// There is something in it that can't be sent.
    #[error(transparent)]
    Refused(#[from] EncodeError),
    /// There is a blob in it, whose bytes have to be awaited: see [`blobs_in`](super::blobs_in).
    #[error("the bytes of a blob have to be awaited")]
    Blobs,
}

/// A key that the source has numbered.
pub(super) struct WrittenKey {
    text: Told,
    /// The payload in which it was written last, and its number there.
    payload: u64,
    number: Option<u8>,
}

impl Js {
    /// Appends the item for a value. `blobs` is what [`blobs_in`](super::blobs_in) gave for it, or `undefined`.
    ///
    /// Gives the path of what was left out first, if [`Leniency::Lenient`] had to leave out something.
    ///
    /// # Errors
    /// When there is something that can't be sent, with the path to it; or a blob that has to be awaited. The buffer is as it was then.
    pub fn encode(
        &mut self,
        value: &JsValue,
        root: Root,
        leniency: Leniency,
        blobs: &JsValue,
        buffer: &mut Vec<u8>,
    ) -> Result<Option<String>, Unsent> {
        if self.told.is_empty() {
            self.told.resize(SMALL, 0);
        }
        let (at, room) = (self.told.as_mut_ptr(), self.told.len());
        let length = self.source.walk(value, blobs, leniency == Leniency::Lenient, at, room);
        if length < 0.0 || length > room as f64 {
            let memory = length >= 0.0 && self.told.try_reserve(length as usize - room).is_ok();
            if !memory {
                self.forget_written();
                return Err(EncodeError::from(OutOfMemory).at(Segment::Root(root.0)).into());
            }
            self.told.resize(length as usize, 0);
            self.source.fetch(self.told.as_mut_ptr());
        }
        self.payloads += 1;
        let start = buffer.len();
        let mut telling = Telling {
            words: Words { told: &self.told[..length as usize], at: 0, source: &self.source, held: false },
            writer: Writer::new(buffer),
            lenient: leniency == Leniency::Lenient,
            keys: &mut self.written,
            payload: self.payloads,
            trail: Vec::new(),
            roomy: LEVELS,
            left_out: None,
            costly: Costly::default(),
        };
        let mut result = telling.value().and_then(|()| Ok(telling.writer.finish()?));
        if result.is_ok() && !telling.costly.fit(telling.writer.position() - start) {
            result = Err(refused(TOO_COSTLY));
        }
        let (held, left_out) = (telling.words.held, telling.left_out.take());
        let result = result.map_err(|stop| match stop {
            Stop::Blob => Unsent::Blobs,
            Stop::Refused(error) => telling.located(error).at(Segment::Root(root.0)).into(),
        });
        if result.is_err() {
            buffer.truncate(start);
            self.forget_written();
        } else if held {
            self.source.release(false);
        }
        if self.told.len() > LARGE {
            self.told = Vec::new();
        }
        result.map(|()| left_out.map(|error| error.at(Segment::Root(root.0)).path().to_string()))
    }

    /// Both ends forget the keys: the source may have numbered some that were not read.
    fn forget_written(&mut self) {
        self.written.clear();
        self.source.release(true);
    }
}

enum Stop {
    Refused(EncodeError),
    Blob,
}

impl From<EncodeError> for Stop {
    fn from(error: EncodeError) -> Self {
        Self::Refused(error)
    }
}

impl From<OutOfMemory> for Stop {
    fn from(error: OutOfMemory) -> Self {
        Self::Refused(error.into())
    }
}

fn refused(why: impl Into<Cow<'static, str>>) -> Stop {
    EncodeError::new(why).into()
}

/// Text as it was told.
#[derive(Clone, Debug)]
enum Told {
    Text(String),
    Wide(Vec<u16>),
}

impl Told {
    /// The text, with replacement characters for lone surrogates.
    fn lossy(self) -> Result<String, OutOfMemory> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Wide(units) => {
                let mut text = String::new();
                text.try_reserve_exact(units.len() * 3)?;
                let chars = char::decode_utf16(units);
                text.extend(chars.map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)));
                Ok(text)
            }
        }
    }

    /// The step to the property that has this key.
    fn segment(&self) -> Segment {
        match self {
            Self::Text(text) => Segment::key(text),
            Self::Wide(units) => Segment::key(&String::from_utf16_lossy(&units[..units.len().min(MOST_SHOWN)])),
        }
    }

    fn write(&self, writer: &mut Writer<'_>) {
        match self {
            Self::Text(text) => writer.str(text),
            Self::Wide(units) => writer.utf16(units),
        }
    }
}

/// UTF-16 code units of a key, or bytes of a class, that an error shows.
const MOST_SHOWN: usize = 256;

/// One step of the way to the value at hand.
#[derive(Clone, Copy)]
enum Step {
    Element(usize),
    /// A property whose key was told here.
    Property(usize),
    Cause,
}

/// What the source told.
struct Words<'a> {
    told: &'a [u8],
    at: usize,
    source: &'a Source,
    /// Whether the source holds texts or bytes.
    held: bool,
}

impl<'a> Words<'a> {
    fn word(&mut self) -> u32 {
        let mut bytes = [0; 4];
        bytes.copy_from_slice(&self.told[self.at..self.at + 4]);
        self.at += 4;
        u32::from_le_bytes(bytes)
    }

    fn float(&mut self) -> f64 {
        let low = self.word();
        f64::from_bits(u64::from(self.word()) << 32 | u64::from(low))
    }

    /// Bytes that are filled up to words.
    fn bytes(&mut self, len: usize) -> &'a [u8] {
        let bytes = &self.told[self.at..self.at + len];
        self.at += len.next_multiple_of(4);
        bytes
    }

    fn str(&mut self, len: usize) -> Result<&'a str, Stop> {
        core::str::from_utf8(self.bytes(len)).map_err(|_| refused(NOT_UTF8))
    }

    fn wide(&mut self) -> impl ExactSizeIterator<Item = u16> + Clone + use<'a> {
        let len = self.word() as usize;
        self.bytes(len * 2).as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit))
    }

    /// Text that was not told because it is long.
    fn held_text(&mut self) -> Result<String, Stop> {
        self.held = true;
        let (place, units) = (self.word(), self.word() as usize);
        let mut bytes = Vec::new();
        // Most text is ASCII; the rest takes no more than three bytes for each unit.
        let (mut read, mut room) = (0, units + 3);
        while read < units {
            let start = bytes.len();
            bytes.try_reserve_exact(room).map_err(OutOfMemory::from)?;
            bytes.resize(start + room, 0);
            let written = self.source.copy_text(place, read, bytes[start..].as_mut_ptr(), room);
            bytes.truncate(start + written);
            read += self.source.units_read();
            room = (units - read) * 3;
        }
        String::from_utf8(bytes).map_err(|_| refused(NOT_UTF8))
    }

    /// A text where nothing else than one can be.
    fn text(&mut self) -> Result<Told, Stop> {
        let word = self.word();
        Ok(match word as u8 {
            TEXT => Told::Text(memory::text(self.str((word >> 8) as usize)?)?),
            TEXT_HELD => Told::Text(self.held_text()?),
            TEXT_WIDE => Told::Wide(memory::collected(self.wide())?),
            kind => return Err(self.refusal(kind)),
        })
    }

    /// Where the source holds bytes, and how many.
    fn place(&mut self) -> (u32, f64) {
        (self.word(), self.float())
    }

    /// Why there is no value here.
    fn refusal(&mut self, kind: u8) -> Stop {
        refused(match kind {
            THREW => {
                let thrown = self.text().ok().and_then(|text| text.lossy().ok()).unwrap_or_default();
                return refused(format!("reading it has thrown: {thrown}"));
            }
            UNSENDABLE => {
                let what = self.text().ok().and_then(|text| text.lossy().ok()).unwrap_or_default();
                return refused(format!("{what} cannot be sent"));
            }
            UNREAD_BLOB => return Stop::Blob,
            TOO_DEEP => return refused(format!("values are nested too deep: {MAX_DEPTH} levels at most can be sent")),
            DETACHED => "an `ArrayBuffer` that was transferred cannot be sent",
            OUT_OF_BOUNDS => "a view of a buffer that was transferred or has shrunk cannot be sent",
            SPARSE => "an array of hardly anything but holes cannot be sent",
            UNKNOWN_VIEW => UNKNOWN_VIEW_TEXT,
            _ => "an `ImageData` whose pixels are not of four bytes cannot be sent",
        })
    }
}

/// Writes what was told.
struct Telling<'a> {
    words: Words<'a>,
    writer: Writer<'a>,
    lenient: bool,
    keys: &'a mut Vec<WrittenKey>,
    payload: u64,
    trail: Vec<Step>,
    /// Levels for which there is stack.
    roomy: usize,
    /// What was left out first: an error for its path.
    left_out: Option<EncodeError>,
    costly: Costly,
}

impl Telling<'_> {
    fn value(&mut self) -> Result<(), Stop> {
        let word = self.words.word();
        let number = word >> 8;
        match word as u8 {
            UNDEFINED => self.writer.undefined(),
            NULL => self.writer.null(),
            FALSE => self.writer.boolean(false),
            TRUE => self.writer.boolean(true),
            HOLE => self.writer.hole(),
            SMALL_NUMBER => self.writer.integer(number.into()),
            FLOAT => {
                let value = self.words.float();
                self.writer.number(value);
            }
            TEXT => self.writer.str(self.words.str(number as usize)?),
            TEXT_HELD => {
                let text = self.words.held_text()?;
                self.writer.str(&text);
            }
            TEXT_WIDE => {
                let units = self.words.wide();
                self.writer.wide(units);
            }
            SHARED => {
                let number = self.words.word();
                self.writer.shared(number);
            }
            ARRAY => {
                let len = self.words.word() as usize;
                self.writer.array(len);
                self.items(len, 1)?;
            }
            OBJECT => {
                let len = self.words.word() as usize;
                self.writer.object(len);
                self.properties(len)?;
            }
            kind => return self.rare(kind, number),
        }
        Ok(())
    }

    fn items(&mut self, count: usize, per_entry: usize) -> Result<(), Stop> {
        for index in 0..count {
            self.inside(Step::Element(index / per_entry))?;
        }
        Ok(())
    }

    fn inside(&mut self, step: Step) -> Result<(), Stop> {
        self.trail.push(step);
        if self.trail.len() > self.roomy {
            if !has_room() {
                return Err(refused(NO_ROOM));
            }
            self.roomy += LEVELS;
        }
        self.value()?;
        // After an error it stays: it leads there.
        self.trail.pop();
        Ok(())
    }

    fn properties(&mut self, len: usize) -> Result<(), Stop> {
        for _ in 0..len {
            let at = self.words.at;
            let word = self.words.word();
            self.key(word)?;
            self.inside(Step::Property(at))?;
        }
        Ok(())
    }

    fn key(&mut self, word: u32) -> Result<(), Stop> {
        let number = match word as u8 {
            KEY => (word >> 8) as usize,
            NEW_KEY => {
                let text = self.words.text()?;
                memory::push(self.keys, WrittenKey { text, payload: 0, number: None })?;
                self.keys.len() - 1
            }
            LOOSE_KEY => {
                match self.words.text()? {
                    Told::Text(text) => self.writer.key(&text),
                    text => {
                        self.writer.other_key();
                        text.write(&mut self.writer);
                    }
                }
                return Ok(());
            }
            symbol => {
                self.writer.other_key();
                return self.symbol(symbol);
            }
        };
        let key = &mut self.keys[number];
        match (&key.text, key.number) {
            (_, Some(number)) if key.payload == self.payload => self.writer.numbered_key(number),
            (Told::Text(text), _) => {
                key.number = self.writer.key_in_full(text);
                key.payload = self.payload;
            }
            (text, _) => {
                self.writer.other_key();
                text.write(&mut self.writer);
            }
        }
        Ok(())
    }

    fn rare(&mut self, kind: u8, number: u32) -> Result<(), Stop> {
        match kind {
            FORGET => {
                self.keys.clear();
                return self.value();
            }
            BIGINT => {
                let magnitude = self.words.bytes(8);
                self.writer.bigint(number != 0, magnitude);
            }
            BIGINT_LONG => {
                self.writer.bigint_head(number != 0);
                self.magnitude()?;
            }
            REGISTERED | WELL_KNOWN => self.symbol(kind)?,
            MAP => {
                let len = self.words.word() as usize;
                self.writer.map(len);
                self.items(len * 2, 2)?;
            }
            SET => {
                let len = self.words.word() as usize;
                self.writer.set(len);
                self.items(len, 1)?;
            }
            DATE => {
                let milliseconds = self.words.float();
                self.writer.date(milliseconds);
            }
            REGEXP => {
                let last_index = self.words.float();
                let flags = self.words.text()?.lossy()?;
                // Others can't be matched either.
                let last_index = if (0.0..=MOST_INDEX).contains(&last_index) { last_index as u64 } else { 0 };
                self.writer.regexp(&flags, last_index);
                self.value()?;
            }
            ERROR => {
                let (has_cause, len) = (number != 0, self.words.word() as usize);
                self.writer.error(has_cause, len);
                // Its class, message and stack.
                for _ in 0..3 {
                    self.value()?;
                }
                if has_cause {
                    self.inside(Step::Cause)?;
                }
                self.properties(len)?;
            }
            BOXED => {
                self.writer.boxed();
                self.value()?;
            }
            BUFFER => {
                let (place, len) = self.words.place();
                let max = self.words.float();
                if max >= 0.0 {
                    self.costly.add();
                }
                self.writer.buffer_head((max >= 0.0).then_some(max as u64));
                self.copy(place, len)?;
            }
            BYTES => {
                let (place, len) = self.words.place();
                self.writer.bytes_head();
                self.copy(place, len)?;
            }
            VIEW => {
                let (offset, len) = (self.words.float(), self.words.float());
                let kind = ViewKind::from_wire(number as u8).ok_or_else(|| refused(UNKNOWN_VIEW_TEXT))?;
                self.writer.view(kind, offset as u64, (len >= 0.0).then_some(len as u64));
                self.value()?;
            }
            BLOB => {
                let kind = self.words.text()?.lossy()?;
                let (place, len) = self.words.place();
                self.costly.add();
                self.writer.blob_head(&kind);
                self.copy(place, len)?;
            }
            FILE => {
                let (kind, name) = (self.words.text()?.lossy()?, self.words.text()?);
                let last_modified = self.words.float();
                let (place, len) = self.words.place();
                self.costly.add();
                self.writer.file_head(&kind, last_modified);
                self.copy(place, len)?;
                name.write(&mut self.writer);
            }
            IMAGE => {
                let color_space = self.words.text()?.lossy()?;
                let (width, height) = (self.words.word(), self.words.word());
                let (place, len) = self.words.place();
                self.writer.image_head(width, height, &color_space);
                self.copy(place, len)?;
            }
            REFERENCE => {
                let id = self.words.float();
                let (Some(owner), Some(kind)) =
                    (RefOwner::from_wire(number as u8), RefKind::from_wire((number >> 8) as u8))
                else {
                    return Err(refused("a reference is of an unknown kind"));
                };
                self.writer.reference(owner, kind, id as u64);
            }
            FUNCTION | LOCAL_SYMBOL => {
                let why = if kind == FUNCTION { "a function cannot be sent" } else { LOCAL_SYMBOL_TEXT };
                self.leave_out(why)?;
                self.writer.undefined();
            }
            FOREIGN => {
                let name = self.words.text()?.lossy()?;
                let name = &name[..name.floor_char_boundary(MOST_SHOWN)];
                self.leave_out(format!("an object of class {name} cannot be sent"))?;
                return self.value();
            }
            kind => return Err(self.words.refusal(kind)),
        }
        Ok(())
    }

    /// The magnitude of a bigint, which was told in hexadecimal digits, without leading zeros.
    fn magnitude(&mut self) -> Result<(), Stop> {
        let word = self.words.word();
        if word as u8 == TEXT {
            let digits = self.words.bytes((word >> 8) as usize);
            let room = self.writer.raw_in_place(digits.len().div_ceil(2)).ok_or(OutOfMemory)?;
            read_digits(digits, room);
            return Ok(());
        }
        self.words.held = true;
        let (place, count) = (self.words.word(), self.words.word() as usize);
        let mut room = self.writer.raw_in_place(count.div_ceil(2)).ok_or(OutOfMemory)?;
        let mut piece = [0; PIECE];
        let mut read = 0;
        while read < count {
            // The first piece has the odd digit, so that the others begin with a whole byte.
            let len = if read == 0 { PIECE - count % 2 } else { PIECE }.min(count - read);
            let written = self.words.source.copy_text(place, read, piece.as_mut_ptr(), len);
            if written != len {
                return Err(refused(NOT_UTF8));
            }
            let (rest, last) = room.split_at_mut(room.len() - len.div_ceil(2));
            read_digits(&piece[..len], last);
            room = rest;
            read += len;
        }
        Ok(())
    }

    fn leave_out(&mut self, why: impl Into<Cow<'static, str>>) -> Result<(), Stop> {
        if !self.lenient {
            return Err(refused(why));
        }
        if self.left_out.is_none() {
            self.left_out = Some(self.located(EncodeError::new(why)));
        }
        Ok(())
    }

    fn symbol(&mut self, kind: u8) -> Result<(), Stop> {
        match (kind, self.words.text()?) {
            (REGISTERED, Told::Text(key)) => self.writer.registered_symbol(&key),
            (WELL_KNOWN, Told::Text(name)) => self.writer.well_known_symbol(&name),
            (REGISTERED | WELL_KNOWN, _) => {
                return Err(refused("a symbol whose key has lone surrogates cannot be sent"));
            }
            _ => return Err(self.words.refusal(kind)),
        }
        Ok(())
    }

    fn copy(&mut self, place: u32, len: f64) -> Result<(), Stop> {
        self.words.held = true;
        let room = self.writer.raw_in_place(len as usize).ok_or(OutOfMemory)?;
        if self.words.source.copy(place, room.as_mut_ptr(), room.len()) {
            Ok(())
        } else {
            Err(refused("a buffer has changed while the value was read"))
        }
    }

    /// The error, with the way to the value at hand.
    fn located(&self, error: EncodeError) -> EncodeError {
        self.trail.iter().rev().fold(error, |error, step| {
            error.at(match *step {
                Step::Element(index) => Segment::Index(index),
                Step::Cause => Segment::Key("cause".into()),
                Step::Property(at) => self.key_at(at),
            })
        })
    }

    fn key_at(&self, at: usize) -> Segment {
        let mut words = Words { at, ..self.words };
        let word = words.word();
        if word as u8 == KEY {
            return self.keys[(word >> 8) as usize].text.segment();
        }
        // Without memory for the key, the path leaves it out.
        let Ok(text) = words.text() else {
            return Segment::Key(String::new());
        };
        match (word as u8, &text) {
            (kind @ (REGISTERED | WELL_KNOWN), Told::Text(text)) => Segment::symbol(kind == REGISTERED, text),
            _ => text.segment(),
        }
    }
}

/// Fills bytes, the last one first, with the number that the digits are.
fn read_digits(digits: &[u8], bytes: &mut [u8]) {
    let nibble = |digit: u8| if digit > b'9' { digit - b'a' + 10 } else { digit - b'0' };
    for (pair, byte) in digits.rchunks(2).zip(bytes) {
        *byte = pair.iter().fold(0, |byte, digit| byte << 4 | nibble(*digit));
    }
}

/// Digits that are fetched at once.
const PIECE: usize = 1 << 12;

const NOT_UTF8: &str = "text is not UTF-8";
const UNKNOWN_VIEW_TEXT: &str = "a view of an unknown type cannot be sent";
const LOCAL_SYMBOL_TEXT: &str = "a symbol cannot be sent unless it is registered or well known";

/// For what the source tells, in bytes: what there is room for from the start, and what is given back.
const SMALL: usize = 1 << 12;
const LARGE: usize = 1 << 20;

const MOST_INDEX: f64 = 9_007_199_254_740_991.0;

// What the source tells; `walk.js` has the same list.
const UNDEFINED: u8 = 0;
const NULL: u8 = 1;
const FALSE: u8 = 2;
const TRUE: u8 = 3;
const HOLE: u8 = 4;
const SMALL_NUMBER: u8 = 5;
const FLOAT: u8 = 6;
const TEXT: u8 = 7;
const TEXT_HELD: u8 = 8;
const TEXT_WIDE: u8 = 9;
const BIGINT: u8 = 10;
const BIGINT_LONG: u8 = 11;
const REGISTERED: u8 = 12;
const WELL_KNOWN: u8 = 13;
const SHARED: u8 = 14;
const ARRAY: u8 = 15;
const OBJECT: u8 = 16;
const MAP: u8 = 17;
const SET: u8 = 18;
const DATE: u8 = 19;
const REGEXP: u8 = 20;
const ERROR: u8 = 21;
const BOXED: u8 = 22;
const BUFFER: u8 = 23;
const BYTES: u8 = 24;
const VIEW: u8 = 25;
const BLOB: u8 = 26;
const FILE: u8 = 27;
const IMAGE: u8 = 28;
const REFERENCE: u8 = 29;
const KEY: u8 = 30;
const NEW_KEY: u8 = 31;
const LOOSE_KEY: u8 = 32;
const FORGET: u8 = 33;
const FUNCTION: u8 = 34;
const LOCAL_SYMBOL: u8 = 35;
const FOREIGN: u8 = 36;
const THREW: u8 = 37;
const TOO_DEEP: u8 = 38;
const UNREAD_BLOB: u8 = 39;
const DETACHED: u8 = 40;
const OUT_OF_BOUNDS: u8 = 41;
const SPARSE: u8 = 42;
const UNKNOWN_VIEW: u8 = 43;
const UNSENDABLE: u8 = 45;
