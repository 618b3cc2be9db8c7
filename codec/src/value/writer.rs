//! Writer for items of the value format.

use super::wire::tag;
use super::{HandleKind, RefKind, RefOwner, ViewKind};
use crate::EncodeError;
use crate::memory::{self, OutOfMemory};
use crate::shared::{Marks, Segments};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::{fmt, mem};

/// Appends a value to a buffer item by item, for values of another runtime.
///
/// ```
/// use coincide_codec::Value;
/// use coincide_codec::value::Writer;
///
/// let mut buffer = Vec::new();
/// let mut writer = Writer::new(&mut buffer);
/// writer.object(2);
/// writer.key("name");
/// writer.str("PyScript");
/// writer.key("sizes");
/// writer.array(2);
/// writer.integer(1);
/// writer.number(1.5);
/// writer.finish()?;
/// let expected = [("name", Value::from("PyScript")), ("sizes", Value::Array(vec![1.into(), 1.5.into()]))];
/// assert_eq!(Value::decode(&buffer)?, Value::Object(expected.map(|(key, value)| (key.into(), value)).into()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// The caller is responsible for the structure. After [`array`](Self::array) it writes the announced number of items, after
/// [`object`](Self::object) that number of pairs of a [`key`](Self::key) and an item. A repeated key takes one or two bytes.
pub struct Writer<'a> {
    buffer: &'a mut Vec<u8>,
    /// Marks large contents as segments.
    marks: Marks<'a>,
    progress: Progress,
}

/// The state of a writer.
#[derive(Default)]
struct Progress {
    keys: Table<(usize, usize)>,
    objects: u32,
    /// Whether an allocation has failed. Bytes are then missing, and nothing more is written.
    full: bool,
}

/// A writer with its buffer and segments, taken from their places.
pub(super) struct Detached {
    buffer: Vec<u8>,
    /// `None` if large contents are not marked.
    segments: Option<Option<Box<Segments>>>,
    progress: Progress,
}

impl Detached {
    /// Passes the writer to `write`.
    pub(super) fn write<T>(&mut self, write: impl FnOnce(&mut Writer<'_>) -> T) -> T {
        let marks = self.segments.as_mut().map_or(Marks::NONE, Marks::new);
        let mut writer = Writer { buffer: &mut self.buffer, marks, progress: mem::take(&mut self.progress) };
        let result = write(&mut writer);
        self.progress = writer.progress;
        result
    }
}

/// A list whose first entries are stored inline.
#[derive(Clone, Debug)]
pub(super) struct Table<T> {
    first: [T; INLINE],
    rest: Vec<T>,
    pub(super) len: usize,
}

const INLINE: usize = 24;

impl<T: Copy + Default> Default for Table<T> {
    fn default() -> Self {
        Self { first: [T::default(); INLINE], rest: Vec::new(), len: 0 }
    }
}

impl<T: Copy + Default> Table<T> {
    pub(super) fn push(&mut self, entry: T) -> Result<(), OutOfMemory> {
        match self.first.get_mut(self.len) {
            Some(place) => *place = entry,
            None => memory::push(&mut self.rest, entry)?,
        }
        self.len += 1;
        Ok(())
    }

    pub(super) fn get(&self, index: usize) -> Option<T> {
        let first = self.first[..self.len.min(INLINE)].get(index);
        first.or_else(|| self.rest.get(index.wrapping_sub(INLINE))).copied()
    }

    /// A table of the first `len` entries, at least that many of which exist.
    pub(super) fn first(&self, len: usize) -> Result<Self, OutOfMemory> {
        let rest = memory::copied(self.rest.get(..len.saturating_sub(INLINE)).unwrap_or_default())?;
        Ok(Self { first: self.first, rest, len })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.first[..self.len.min(INLINE)].iter().chain(&self.rest)
    }
}

impl<'a> Writer<'a> {
    /// Creates a writer that appends to `buffer`.
    pub fn new(buffer: &'a mut Vec<u8>) -> Self {
        Self::marking(buffer, Marks::NONE)
    }

    /// Creates a writer that appends to `buffer` and marks large contents.
    pub(super) fn marking(buffer: &'a mut Vec<u8>, marks: Marks<'a>) -> Self {
        Self { buffer, marks, progress: Progress::default() }
    }

    /// Takes the buffer, the segments and the state, until they are [attached](Self::attach) again.
    pub(super) fn detach(&mut self) -> Detached {
        let (buffer, progress) = (mem::take(self.buffer), mem::take(&mut self.progress));
        Detached { buffer, segments: self.marks.detach(), progress }
    }

    /// Reverts [`detach`](Self::detach).
    pub(super) fn attach(&mut self, detached: Detached) {
        *self.buffer = detached.buffer;
        self.marks.attach(detached.segments);
        self.progress = detached.progress;
    }

    /// Reports whether everything has been written. Call it at the end.
    ///
    /// # Errors
    /// When there was no memory for an item. The buffer lacks that one and all later items.
    pub fn finish(&self) -> Result<(), EncodeError> {
        if self.progress.full { Err(OutOfMemory.into()) } else { Ok(()) }
    }

    /// Number of objects that have begun, which is the number of the next one: see [`shared`](Self::shared).
    pub fn objects(&self) -> u32 {
        self.progress.objects
    }

    /// Writes `undefined`.
    pub fn undefined(&mut self) {
        self.push(tag::UNDEFINED);
    }

    /// Writes `null`.
    pub fn null(&mut self) {
        self.push(tag::NULL);
    }

    /// Writes a boolean.
    pub fn boolean(&mut self, value: bool) {
        self.push(if value { tag::TRUE } else { tag::FALSE });
    }

    /// Writes a number.
    #[inline]
    pub fn number(&mut self, value: f64) {
        let integer = value as i64;
        if integer as f64 == value && integer.unsigned_abs() <= MAX_SAFE && (integer != 0 || value.is_sign_positive()) {
            self.integer(integer);
        } else {
            self.push(tag::FLOAT);
            self.float(value);
        }
    }

    /// Writes a number that is an integer. Beyond 2^53 - 1 it is rounded to a number.
    #[inline]
    pub fn integer(&mut self, value: i64) {
        if value.unsigned_abs() > MAX_SAFE {
            return self.number(value as f64);
        }
        match value {
            0..=0x3f => self.push(tag::INT + value as u8),
            0x40.. => self.tagged(tag::INT_UP, value as u64),
            _ => self.tagged(tag::INT_DOWN, !value as u64),
        }
    }

    /// Writes a bigint. `magnitude` is little-endian; leading zeros are ignored.
    pub fn bigint(&mut self, negative: bool, magnitude: &[u8]) {
        let len = magnitude.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        self.push(if negative && len > 0 { tag::BIGINT_DOWN } else { tag::BIGINT_UP });
        self.varint(len as u64);
        self.append(&magnitude[..len]);
    }

    /// Writes a string.
    #[inline]
    pub fn str(&mut self, text: &str) {
        self.unmarked_str(text);
        self.mark(text.len());
    }

    /// A string that never becomes a segment.
    #[inline]
    fn unmarked_str(&mut self, text: &str) {
        self.str_head(text.len());
        self.append(text.as_bytes());
    }

    /// Writes a string of UTF-16 code units, which may have lone surrogates. Well-formed strings are written as by [`str`](Self::str).
    pub fn utf16(&mut self, units: &[u16]) {
        self.wide(units.iter().copied());
    }

    /// The same for code units from an iterator.
    pub(crate) fn wide(&mut self, units: impl ExactSizeIterator<Item = u16> + Clone) {
        let chars = char::decode_utf16(units.clone());
        // The length is computed first, to avoid an allocation for the text.
        let len = chars.clone().try_fold(0, |len, unit| unit.map(|unit| len + unit.len_utf8()));
        let Ok(len) = len else {
            self.tagged(tag::STR_UTF16, units.len() as u64);
            if self.reserve(units.len() * 2) {
                self.buffer.extend(units.flat_map(u16::to_le_bytes));
            }
            return;
        };
        self.str_head(len);
        if self.reserve(len) {
            for unit in chars.flatten() {
                self.buffer.extend_from_slice(unit.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
    }

    /// Writes a symbol that is registered under a key.
    pub fn registered_symbol(&mut self, key: &str) {
        self.push(tag::SYMBOL_REGISTERED);
        self.str(key);
    }

    /// Writes a well-known symbol, by its name: `iterator`.
    pub fn well_known_symbol(&mut self, name: &str) {
        self.push(tag::SYMBOL_WELL_KNOWN);
        self.str(name);
    }

    /// Writes a date, in milliseconds since 1970.
    pub fn date(&mut self, milliseconds: f64) {
        self.begin(tag::DATE);
        self.float(milliseconds);
    }

    /// Writes a regular expression. The caller then writes its source as a string.
    pub fn regexp(&mut self, flags: &str, last_index: u64) {
        self.begin(tag::REGEXP);
        self.str(flags);
        self.varint(last_index);
    }

    /// Writes the header of an array. The caller then writes `len` items, of which some may be [holes](Self::hole).
    #[inline]
    pub fn array(&mut self, len: usize) {
        self.progress.objects += 1;
        match len {
            0..=15 => self.push(tag::ARRAY + len as u8),
            _ => self.tagged(tag::ARRAY_LONG, len as u64),
        }
    }

    /// Writes a missing element of an array.
    pub fn hole(&mut self) {
        self.push(tag::HOLE);
    }

    /// Writes the header of a plain object. The caller then writes `len` pairs of a key and an item.
    #[inline]
    pub fn object(&mut self, len: usize) {
        self.progress.objects += 1;
        match len {
            0..=15 => self.push(tag::OBJECT + len as u8),
            _ => self.tagged(tag::OBJECT_LONG, len as u64),
        }
    }

    /// Writes the key of a property.
    #[inline]
    pub fn key(&mut self, key: &str) {
        let same =
            |(start, len): &(usize, usize)| *len == key.len() && self.buffer[*start..*start + *len] == *key.as_bytes();
        let known = self.progress.keys.iter().position(same);
        match known {
            Some(index) => self.varint(index as u64 + 1),
            None => {
                self.push(0);
                self.unmarked_str(key);
                self.number_key(key.len());
            }
        }
    }

    /// Announces a key that is not a UTF-8 string. The caller then writes it as a string or a symbol.
    pub fn other_key(&mut self) {
        self.push(0);
        // An entry that equals no text keeps the numbers the same at both ends.
        self.remember_key((0, usize::MAX));
    }

    /// Writes the header of a `Map`. The caller then writes `len` pairs of items.
    pub fn map(&mut self, len: usize) {
        self.begin(tag::MAP);
        self.varint(len as u64);
    }

    /// Writes the header of a `Set`. The caller then writes `len` items.
    pub fn set(&mut self, len: usize) {
        self.begin(tag::SET);
        self.varint(len as u64);
    }

    /// Writes the header of an error. The caller then writes its class, message and stack as strings, its cause if it has one, and `len`
    /// pairs of a key and an item.
    pub fn error(&mut self, has_cause: bool, len: usize) {
        self.begin(tag::ERROR);
        self.push(u8::from(has_cause));
        self.varint(len as u64);
    }

    /// Writes the header of an object around a primitive, which the caller then writes.
    pub fn boxed(&mut self) {
        self.begin(tag::BOXED);
    }

    /// Writes an `ArrayBuffer`, resizable up to `max` bytes if there is such a limit.
    pub fn buffer(&mut self, bytes: &[u8], max: Option<u64>) {
        match max {
            None => self.begin(tag::BUFFER),
            Some(max) => {
                self.begin(tag::BUFFER_RESIZABLE);
                self.varint(max);
            }
        }
        self.raw(bytes);
    }

    /// Writes a `Uint8Array` over a whole buffer: two objects in one item.
    #[inline]
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.progress.objects += 1;
        self.begin(tag::BYTES);
        self.raw(bytes);
    }

    /// The same for the bytes that a [`SharedBytes`](crate::SharedBytes) offers, without a copy. Returns `false` if they must be copied.
    pub(super) fn shared_bytes(&mut self) -> bool {
        let Some(bytes) = self.marks.offered() else {
            return false;
        };
        self.progress.objects += 1;
        self.begin(tag::BYTES);
        self.varint(bytes.len() as u64);
        self.marks.insert(self.buffer.len(), bytes);
        true
    }

    /// Writes the header of a view. The caller then writes its buffer. `offset` is in bytes, `len` in elements. `None` follows the length
    /// of a resizable buffer.
    pub fn view(&mut self, kind: ViewKind, offset: u64, len: Option<u64>) {
        self.begin(tag::VIEW);
        self.push(kind as u8);
        self.varint(offset);
        self.varint(len.map_or(0, |len| len.saturating_add(1)));
    }

    /// Writes a `Blob`. `kind` is its media type.
    pub fn blob(&mut self, kind: &str, bytes: &[u8]) {
        self.begin(tag::BLOB);
        self.str(kind);
        self.raw(bytes);
    }

    /// Writes a `File`. `kind` is its media type. The caller then writes its name as a string. `last_modified` is in milliseconds since 1970.
    pub fn file(&mut self, kind: &str, last_modified: f64, bytes: &[u8]) {
        self.begin(tag::FILE);
        self.str(kind);
        self.float(last_modified);
        self.raw(bytes);
    }

    /// Writes an `ImageData`. `color_space` is `srgb` or `display-p3`. `pixels` has four bytes for each pixel.
    pub fn image(&mut self, width: u32, height: u32, color_space: &str, pixels: &[u8]) {
        self.begin(tag::IMAGE);
        self.varint(width.into());
        self.varint(height.into());
        self.str(color_space);
        self.raw(pixels);
    }

    /// Writes a reference to an object that stays at its end.
    pub fn reference(&mut self, owner: RefOwner, kind: RefKind, id: u64) {
        self.push(tag::REFERENCE);
        self.push(owner as u8);
        self.push(kind as u8);
        self.varint(id);
    }

    /// Writes a handle of an object that stays at its end. The caller then writes its description as an item, which is `undefined` if the owner
    /// is the receiver.
    pub fn handle(&mut self, owner: RefOwner, kind: HandleKind, id: u64) {
        self.push(tag::HANDLE);
        self.push(owner as u8);
        self.push(kind as u8);
        self.varint(id);
    }

    /// Writes a posted object, by its number.
    pub fn posted(&mut self, owner: RefOwner, number: u64) {
        self.push(tag::POSTED);
        self.push(owner as u8);
        self.varint(number);
    }

    /// Writes a further occurrence of the object with this number.
    pub fn shared(&mut self, number: u32) {
        self.tagged(tag::SHARED, number.into());
    }

    /// Position of the next item.
    pub(crate) fn position(&self) -> usize {
        self.buffer.len()
    }

    /// Inserts the header of an array, whose length was unknown, before its items, which begin at `at`.
    pub(crate) fn insert_header(&mut self, at: usize, header: impl FnOnce(&mut Writer<'_>)) {
        let mut bytes = Vec::new();
        let mut inserted = Writer::new(&mut bytes);
        header(&mut inserted);
        self.progress.full |= inserted.progress.full;
        let grown = bytes.len();
        if !self.reserve(grown) {
            return;
        }
        self.buffer.splice(at..at, bytes);
        self.marks.shift(at, grown);
        let moved =
            self.progress.keys.first.iter_mut().take(self.progress.keys.len).chain(&mut self.progress.keys.rest);
        moved.filter(|(start, len)| *start >= at && *len != usize::MAX).for_each(|(start, _)| *start += grown);
    }

    /// Counts an object whose header will be [inserted](Self::insert_header).
    pub(crate) fn count_object(&mut self) {
        self.progress.objects += 1;
    }

    #[inline]
    fn str_head(&mut self, len: usize) {
        match len {
            0..=31 => self.push(tag::STR + len as u8),
            _ => self.tagged(tag::STR_LONG, len as u64),
        }
    }

    /// Numbers the key of `len` bytes that has just been written.
    fn number_key(&mut self, len: usize) {
        if !self.progress.full {
            self.remember_key((self.buffer.len() - len, len));
        }
    }

    fn remember_key(&mut self, place: (usize, usize)) {
        if self.progress.keys.len < MOST_KEYS {
            self.progress.full |= self.progress.keys.push(place).is_err();
        }
    }

    /// Records a failed allocation.
    pub(super) fn run_out(&mut self) {
        self.progress.full = true;
    }

    #[inline]
    fn push(&mut self, byte: u8) {
        if self.buffer.len() < self.buffer.capacity() && !self.progress.full || self.reserve(1) {
            self.buffer.push(byte);
        }
    }

    #[inline]
    fn append(&mut self, bytes: &[u8]) {
        if self.reserve(bytes.len()) {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// Reserves `len` bytes. Returns `false` if this or an earlier allocation has failed.
    #[inline]
    fn reserve(&mut self, len: usize) -> bool {
        if !self.progress.full && self.buffer.capacity() - self.buffer.len() < len {
            self.progress.full = self.buffer.try_reserve(len).is_err();
        }
        !self.progress.full
    }

    fn begin(&mut self, tag: u8) {
        self.progress.objects += 1;
        self.push(tag);
    }

    /// Writes all NaNs alike, so that equal values have equal bytes.
    fn float(&mut self, value: f64) {
        let value = if value.is_nan() { f64::from_bits(0x7ff8 << 48) } else { value };
        self.append(&value.to_le_bytes());
    }

    fn raw(&mut self, bytes: &[u8]) {
        self.varint(bytes.len() as u64);
        self.append(bytes);
        self.mark(bytes.len());
    }

    /// The content of `len` bytes that has just been written becomes a segment if it is large.
    #[inline]
    fn mark(&mut self, len: usize) {
        if !self.progress.full {
            self.marks.mark(len, self.buffer.len());
        }
    }

    #[inline]
    fn tagged(&mut self, tag: u8, number: u64) {
        self.push(tag);
        self.varint(number);
    }

    #[inline]
    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.push(number as u8);
    }
}

impl fmt::Debug for Writer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("objects", &self.progress.objects).finish_non_exhaustive()
    }
}

/// The largest integer that a number holds safely: 2^53 - 1.
pub(crate) const MAX_SAFE: u64 = (1 << 53) - 1;

/// Maximum number of numbered keys: each look-up is a linear search.
pub(crate) const MOST_KEYS: usize = 127;
