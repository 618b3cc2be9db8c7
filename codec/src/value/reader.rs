//! Reader for items of the value format.

use super::reference::Reference;
use super::wire::{COLOR_SPACES, tag};
use super::writer::{MAX_SAFE, MOST_KEYS, Table};
use super::{HandleKind, RefKind, RefOwner, ViewKind};
use crate::DecodeError;
use crate::memory::{self, OutOfMemory};
use crate::shared::{Content, MISPLACED, Segment};
use alloc::string::String;
use alloc::vec::Vec;
use core::mem;

/// Reads the items of a payload in order, borrowing text and bytes from it. Malformed bytes are errors.
///
/// The contents of an item follow it: see [`Item`].
///
/// ```
/// use coincide_codec::Value;
/// use coincide_codec::value::{Item, Reader};
///
/// let mut buffer = Vec::new();
/// coincide_codec::value::to_buf(&[1, 2, 3], &mut buffer)?;
/// let mut reader = Reader::new(&buffer);
/// let Item::Array(len) = reader.item()? else { panic!("not an array") };
/// let mut sum = 0;
/// for _ in 0..len {
///     match reader.item()? {
///         Item::Integer(number) => sum += number,
///         other => panic!("{other:?}"),
///     }
/// }
/// reader.finish()?;
/// assert_eq!(sum, 6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Reader<'de> {
    input: &'de [u8],
    at: usize,
    keys: Table<Key<'de>>,
    objects: u32,
    rope: Rope<'de>,
}

/// The segments of a payload that have not been read.
#[derive(Debug)]
struct Rope<'de> {
    segments: Unread<'de>,
    /// Position of the next segment, or [`NO_SEGMENT`].
    next: usize,
    /// Total length in bytes of the segments that have been read.
    read: usize,
    /// Contents of the next item to hold if they are segments.
    holds: Held,
    held: Option<Content<'de>>,
}

#[derive(Debug)]
enum Unread<'de> {
    /// Whether no object is shared, so that each content is read once.
    Once(&'de mut [Segment]),
    Again(&'de [Segment]),
}

/// Contents that a reader holds for an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    Nothing,
    /// Contents of strings.
    Text,
    /// Contents of buffers, byte strings, blobs, files and images.
    Bytes,
    /// Both.
    Any,
}

impl<'de> Rope<'de> {
    fn new(segments: Unread<'de>) -> Self {
        let mut rope = Self { segments, next: NO_SEGMENT, read: 0, holds: Held::Nothing, held: None };
        rope.locate();
        rope
    }

    /// Updates the place of the next segment.
    fn locate(&mut self) {
        let segments = match &self.segments {
            Unread::Once(segments) => &segments[..],
            Unread::Again(segments) => segments,
        };
        self.next = segments.first().map_or(NO_SEGMENT, |(range, _)| range.start);
    }

    /// The next segment, if it has bytes.
    fn take(&mut self) -> Option<Content<'de>> {
        let content = match &mut self.segments {
            Unread::Once(segments) => {
                let ((_, bytes), rest) = mem::take(segments).split_first_mut()?;
                *segments = rest;
                bytes.is_some().then_some(Content::Once(bytes))
            }
            Unread::Again(segments) => {
                let ((_, bytes), rest) = segments.split_first()?;
                *segments = rest;
                bytes.as_ref().map(Content::Again)
            }
        };
        self.locate();
        content
    }
}

/// A payload whose objects may be read again.
#[derive(Clone, Copy)]
pub(crate) struct Input<'de> {
    pub(crate) head: &'de [u8],
    pub(crate) segments: &'de [Segment],
}

impl<'de> Input<'de> {
    /// Creates a reader and the state for reading objects again. Without shared objects, the reader has the segments, and no object can be read again.
    pub(crate) fn read(head: &'de [u8], segments: &'de mut [Segment]) -> Result<(Self, Reader<'de>), DecodeError> {
        let is_shared = !segments.is_empty() && Input { head, segments: &*segments }.shares()?;
        if is_shared {
            let input = Self { head, segments };
            return Ok((input, Reader::again(input)));
        }
        let mut reader = Reader::new(head);
        reader.rope = Rope::new(Unread::Once(segments));
        Ok((Self { head, segments: &[] }, reader))
    }

    /// Whether an object is shared.
    fn shares(self) -> Result<bool, DecodeError> {
        if !self.head.contains(&tag::SHARED) {
            return Ok(false);
        }
        let mut shares = false;
        let found = |item: &Item<'_>| shares |= matches!(item, Item::Shared(_));
        Reader::again(self).walk(found, |_, _, _| Ok(()))?;
        Ok(shares)
    }
}

/// Positions of the objects of a payload.
#[derive(Debug)]
pub(crate) struct Index<'de> {
    objects: Vec<Place>,
    /// The keys that have numbers at the end of the payload.
    keys: Table<Key<'de>>,
}

/// Position of an object.
#[derive(Debug)]
struct Place {
    /// Offset in bytes.
    at: u32,
    /// Number of keys that have numbers there.
    keys: u8,
}

impl<'de> Index<'de> {
    pub(crate) fn of(input: Input<'de>) -> Result<Self, DecodeError> {
        if u32::try_from(input.head.len()).is_err() {
            return Err(DecodeError::mismatch("a payload of 4 GiB has shared objects"));
        }
        let mut reader = Reader::again(input);
        let mut objects = Vec::new();
        reader.walk(
            |_| (),
            |at, keys, count| {
                objects.try_reserve(count as usize)?;
                objects.extend((0..count).map(|_| Place { at: at as u32, keys: keys as u8 }));
                Ok(())
            },
        )?;
        Ok(Self { objects, keys: reader.keys })
    }
}

/// One item. Counts refer to the items or pairs that follow, and never exceed the remaining bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Item<'de> {
    /// `undefined`.
    Undefined,
    /// `null`.
    Null,
    /// A boolean.
    Boolean(bool),
    /// A number that is an integer, from -(2^53 - 1) to 2^53 - 1, and not -0.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// A bigint.
    BigInt {
        /// Whether it is negative.
        negative: bool,
        /// Its magnitude, little-endian, without leading zeros.
        magnitude: &'de [u8],
    },
    /// A string.
    Text(Text<'de>),
    /// A symbol.
    Symbol {
        /// Whether the symbol is registered (`Symbol.for`) or well known.
        registered: bool,
        /// Key of the registered symbol, or name of the well-known one.
        name: &'de str,
    },
    /// A date, in milliseconds since 1970.
    Date(f64),
    /// A regular expression.
    RegExp {
        /// The expression.
        source: Text<'de>,
        /// Its flags.
        flags: &'de str,
        /// Index at which the next search begins.
        last_index: u64,
    },
    /// An array, with its number of items.
    Array(usize),
    /// A missing element of an array.
    Hole,
    /// A plain object, with its number of pairs of a [key](Reader::key) and an item.
    Object(usize),
    /// A `Map`, with its number of pairs of items.
    Map(usize),
    /// A `Set`, with its number of items.
    Set(usize),
    /// An error. Its cause follows if it has one, then the properties.
    Error {
        /// Its class.
        class: Text<'de>,
        /// Its message.
        message: Text<'de>,
        /// Its stack.
        stack: Text<'de>,
        /// Whether it has a cause.
        has_cause: bool,
        /// Number of pairs of a key and an item.
        properties: usize,
    },
    /// An object around the primitive that follows.
    Boxed,
    /// An `ArrayBuffer`.
    Buffer {
        /// Its contents.
        bytes: &'de [u8],
        /// Maximum length in bytes, if it is resizable.
        max: Option<u64>,
    },
    /// A `Uint8Array` over a buffer of its own: two objects.
    Bytes(&'de [u8]),
    /// A view of the buffer that follows.
    View {
        /// The type of the view.
        kind: ViewKind,
        /// Offset in bytes.
        offset: u64,
        /// Length in elements. `None` if it follows the buffer's.
        len: Option<u64>,
    },
    /// A `Blob`.
    Blob {
        /// Its media type.
        kind: &'de str,
        /// Its contents.
        bytes: &'de [u8],
    },
    /// A `File`.
    File {
        /// Its media type.
        kind: &'de str,
        /// Its name.
        name: Text<'de>,
        /// Last modification, in milliseconds since 1970.
        last_modified: f64,
        /// Its contents.
        bytes: &'de [u8],
    },
    /// An `ImageData`.
    Image {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Colour space: `srgb` or `display-p3`.
        color_space: &'de str,
        /// Pixels, four bytes each.
        pixels: &'de [u8],
    },
    /// A reference to an object that stays at its end.
    Reference {
        /// Owner of the object.
        owner: RefOwner,
        /// Kind of the object.
        kind: RefKind,
        /// Its id.
        id: u64,
    },
    /// A posted object, which programs in Rust do not receive.
    Posted {
        /// The end that has posted it.
        owner: RefOwner,
        /// Its number.
        number: u64,
    },
    /// A further occurrence of the object with this number, which has begun before.
    Shared(u32),
    /// A handle of an object that stays at its end. Its description follows.
    Handle {
        /// Owner of the object.
        owner: RefOwner,
        /// Kind of the object.
        kind: HandleKind,
        /// Its id.
        id: u64,
    },
}

/// A string in the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Text<'de> {
    /// A string.
    Utf8(&'de str),
    /// A string that is not well-formed: UTF-16 code units, little-endian, an even number of bytes.
    Utf16(&'de [u8]),
}

impl Text<'_> {
    /// The text, with replacement characters for lone surrogates.
    pub fn to_string_lossy(self) -> String {
        match self {
            Self::Utf8(text) => text.into(),
            Self::Utf16(bytes) => {
                let units = bytes.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit));
                char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
            }
        }
    }
}

/// The key of a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key<'de> {
    /// A string.
    Text(Text<'de>),
    /// A symbol, as in [`Item::Symbol`].
    Symbol {
        /// Whether the symbol is registered (`Symbol.for`) or well known.
        registered: bool,
        /// Key of the registered symbol, or name of the well-known one.
        name: &'de str,
    },
}

impl Default for Key<'_> {
    fn default() -> Self {
        Self::Text(Text::Utf8(""))
    }
}

impl<'de> Reader<'de> {
    /// Creates a reader at the start of a payload.
    pub fn new(input: &'de [u8]) -> Self {
        Self { input, at: 0, keys: Table::default(), objects: 0, rope: Rope::new(Unread::Again(&[])) }
    }

    /// Creates a reader at the start of a payload with segments, whose contents are skipped.
    fn again(input: Input<'de>) -> Self {
        Self { rope: Rope::new(Unread::Again(input.segments)), ..Self::new(input.head) }
    }

    /// Creates a reader at the start of a payload with segments. `input` contains the bytes between them.
    ///
    /// Text and bytes are also borrowed from the segments. A segment that is not the content of one of them is an error, which
    /// [`finish`](Self::finish) reports at the latest.
    pub fn of_payload(input: &'de [u8], segments: &'de [Segment]) -> Self {
        Self::again(Input { head: input, segments })
    }

    /// Number of objects that have begun so far.
    pub fn objects(&self) -> u32 {
        self.objects
    }

    /// Number of unread bytes, without those of segments.
    pub fn remaining(&self) -> usize {
        self.input.len() - self.at
    }

    /// Number of bytes read, with those of segments.
    pub fn position(&self) -> usize {
        self.at + self.rope.read
    }

    /// Checks that everything has been read.
    ///
    /// # Errors
    /// When unread bytes or segments remain.
    pub fn finish(&self) -> Result<(), DecodeError> {
        if self.remaining() > 0 {
            return Err(DecodeError::malformed("bytes are left after the value"));
        }
        if self.rope.next == NO_SEGMENT { Ok(()) } else { Err(misplaced()) }
    }

    /// Reads the next item. Its content is held if it is a segment of the right type: the item is then empty, and
    /// [`owned_text`](Self::owned_text) or [`content`](Self::content) must follow.
    #[inline]
    pub(super) fn holding(&mut self, holds: Held) -> Result<Item<'de>, DecodeError> {
        self.rope.holds = holds;
        self.rope.held = None;
        let item = self.item();
        self.rope.holds = Held::Nothing;
        item
    }

    /// Returns the text of the last item.
    #[inline]
    pub(super) fn owned_text(&mut self, text: &'de str) -> Result<String, DecodeError> {
        match self.rope.held.take() {
            None => Ok(memory::text(text)?),
            Some(content) => String::from_utf8(content.owned()?).map_err(|_| no_text()),
        }
    }

    /// Returns the bytes of the last item.
    #[inline]
    pub(super) fn content(&mut self, bytes: &'de [u8]) -> Content<'de> {
        self.rope.held.take().unwrap_or(Content::Inline(bytes))
    }

    /// Reads the next item.
    ///
    /// # Errors
    /// When the bytes are not an item.
    #[inline]
    pub fn item(&mut self) -> Result<Item<'de>, DecodeError> {
        let byte = self.byte()?;
        Ok(match byte {
            tag::INT..=tag::INT_END => Item::Integer((byte - tag::INT).into()),
            tag::STR..=tag::STR_END => Item::Text(Text::Utf8(self.utf8((byte - tag::STR).into())?)),
            tag::ARRAY..=tag::ARRAY_END => {
                self.objects += 1;
                Item::Array(self.count((byte - tag::ARRAY).into(), 1)?)
            }
            tag::OBJECT..=tag::OBJECT_END => {
                self.objects += 1;
                Item::Object(self.count((byte - tag::OBJECT).into(), 2)?)
            }
            _ => return self.rare_item(byte),
        })
    }

    /// Reads the next element of an array if it is a hole. Returns whether it was.
    pub fn hole(&mut self) -> bool {
        let hole = self.input.get(self.at) == Some(&tag::HOLE);
        self.at += usize::from(hole);
        hole
    }

    /// Reads the next item if it is `undefined` or `null`. Returns whether it was.
    pub fn nothing(&mut self) -> bool {
        let nothing = matches!(self.input.get(self.at), Some(&(tag::UNDEFINED | tag::NULL)));
        self.at += usize::from(nothing);
        nothing
    }

    /// Reads the key of a property.
    ///
    /// # Errors
    /// When the bytes are not a key.
    #[inline]
    pub fn key(&mut self) -> Result<Key<'de>, DecodeError> {
        self.numbered_key().map(|(key, _)| key)
    }

    /// Reads the key of a property, with its number in the payload (from 0) if it has one. Equal numbers mean equal keys. A new key has the
    /// next number.
    ///
    /// # Errors
    /// When the bytes are not a key.
    #[inline]
    pub fn numbered_key(&mut self) -> Result<(Key<'de>, Option<usize>), DecodeError> {
        let number = self.varint()?;
        if number > 0 {
            let index = usize::try_from(number - 1).ok();
            let key = index.and_then(|index| self.keys.get(index));
            return match key {
                Some(key) => Ok((key, index)),
                None => Err(DecodeError::malformed("a key has an unknown number")),
            };
        }
        let key = match self.item()? {
            Item::Text(text) => Key::Text(text),
            Item::Symbol { registered, name } => Key::Symbol { registered, name },
            _ => return Err(DecodeError::malformed("a key is neither a string nor a symbol")),
        };
        let mut number = None;
        if self.keys.len < MOST_KEYS {
            number = Some(self.keys.len);
            self.keys.push(key)?;
        }
        Ok((key, number))
    }

    /// Skips an item and everything within it.
    ///
    /// # Errors
    /// When the bytes are not an item.
    pub fn skip(&mut self) -> Result<(), DecodeError> {
        self.walk(|_| (), |_, _, _| Ok(()))
    }

    /// Skips an item and everything within it. `found` receives each reference in it, in order. The receiver of a payload must release each
    /// reference once for each occurrence.
    ///
    /// # Errors
    /// When the bytes are not an item.
    pub fn skip_references(&mut self, mut found: impl FnMut(Reference)) -> Result<(), DecodeError> {
        let found = |item: &Item<'_>| {
            if let Item::Reference { owner, kind, id } = *item {
                found(Reference { owner, kind, id });
            }
        };
        self.walk(found, |_, _, _| Ok(()))
    }

    /// Whether the bytes of a payload, or of its head, may contain handles. `false` is certain.
    ///
    /// Searches for a tag that is followed by an owner and a kind. UTF-8 has the byte of the tag in emoji and in letters such as `ß`. In text, it
    /// is not followed by two control characters.
    pub fn may_have_handles(bytes: &[u8]) -> bool {
        let (Some(owners), Some(kinds)) = (bytes.get(1..), bytes.get(2..)) else {
            return false;
        };
        let begins_handle = |((tag, owner), kind): ((&u8, &u8), &u8)| {
            (*tag == tag::HANDLE) & (*owner <= RefOwner::Receiver as u8) & (*kind <= HandleKind::Controller as u8)
        };
        // A search without a branch per byte is vectorized.
        bytes.chunks(CHUNK).zip(owners.chunks(CHUNK)).zip(kinds.chunks(CHUNK)).any(|((tags, owners), kinds)| {
            tags.iter().zip(owners).zip(kinds).map(begins_handle).fold(false, |found, begins| found | begins)
        })
    }

    /// Skips an item and everything within it. `found` receives the owner, kind and id of each handle in it, in order.
    ///
    /// # Errors
    /// When the bytes are not an item.
    pub fn skip_handles(&mut self, mut found: impl FnMut(RefOwner, HandleKind, u64)) -> Result<(), DecodeError> {
        let found = |item: &Item<'_>| {
            if let Item::Handle { owner, kind, id } = *item {
                found(owner, kind, id);
            }
        };
        self.walk(found, |_, _, _| Ok(()))
    }

    /// Moves the reader to the object with this number.
    pub(crate) fn at_object(input: Input<'de>, index: &Index<'de>, number: u32) -> Result<Self, DecodeError> {
        let number = number as usize;
        let Some(place) = index.objects.get(number) else {
            return Err(DecodeError::malformed("a shared object has an unknown number"));
        };
        // The item of a `Uint8Array` represents its buffer as well.
        let is_second = number > 0 && index.objects[number - 1].at == place.at;
        let objects = number as u32 - u32::from(is_second);
        let at = place.at as usize;
        let ahead = input.segments.partition_point(|(range, _)| range.start < at);
        let rope = Rope::new(Unread::Again(&input.segments[ahead..]));
        Ok(Self { input: input.head, at, keys: index.keys.first(place.keys.into())?, objects, rope })
    }

    /// Skips an item. `found` receives it and the items in it, `begun` their objects: their position, the number of keys with numbers there, and
    /// their number of objects.
    fn walk(
        &mut self,
        mut found: impl FnMut(&Item<'de>),
        mut begun: impl FnMut(usize, usize, u32) -> Result<(), OutOfMemory>,
    ) -> Result<(), DecodeError> {
        let mut items: u64 = 1;
        // Pairs whose key is next. They interleave with items, so each object is a separate level.
        let mut levels = Vec::new();
        loop {
            if items == 0 {
                match levels.last_mut() {
                    None => return Ok(()),
                    Some((pairs @ 1.., _)) => {
                        *pairs -= 1;
                        self.key()?;
                        items = 1;
                    }
                    Some((0, outer)) => {
                        items = *outer;
                        levels.pop();
                    }
                }
                continue;
            }
            items -= 1;
            let (at, objects) = (self.at, self.objects);
            let item = self.item()?;
            found(&item);
            if self.objects > objects {
                begun(at, self.keys.len, self.objects - objects)?;
            }
            match item {
                Item::Array(len) | Item::Set(len) => items += len as u64,
                Item::Map(len) => items += 2 * len as u64,
                Item::Boxed | Item::View { .. } | Item::Handle { .. } => items += 1,
                Item::Object(len) => {
                    memory::push(&mut levels, (len, items))?;
                    items = 0;
                }
                Item::Error { has_cause, properties, .. } => {
                    memory::push(&mut levels, (properties, items))?;
                    items = u64::from(has_cause);
                }
                _ => {}
            }
        }
    }

    fn rare_item(&mut self, byte: u8) -> Result<Item<'de>, DecodeError> {
        Ok(match byte {
            tag::UNDEFINED => Item::Undefined,
            tag::NULL => Item::Null,
            tag::FALSE => Item::Boolean(false),
            tag::TRUE => Item::Boolean(true),
            tag::HOLE => Item::Hole,
            tag::INT_UP => match self.varint()? {
                number @ 0x40..=MAX_SAFE => Item::Integer(number as i64),
                _ => return Err(DecodeError::malformed("an integer is not in its shortest form or out of range")),
            },
            tag::INT_DOWN => match self.varint()? {
                number @ ..MAX_SAFE => Item::Integer(!(number as i64)),
                _ => return Err(DecodeError::malformed("a negative integer is out of range")),
            },
            tag::FLOAT => Item::Float(self.other_number()?),
            tag::BIGINT_UP | tag::BIGINT_DOWN => {
                let len = self.varint()?;
                let magnitude = self.take(len)?;
                let negative = byte == tag::BIGINT_DOWN;
                if magnitude.last() == Some(&0) || negative && magnitude.is_empty() {
                    return Err(DecodeError::malformed("a bigint is not in its shortest form"));
                }
                Item::BigInt { negative, magnitude }
            }
            tag::STR_LONG => {
                let len = self.long_str()?;
                let is_held = self.hold(Held::Text, len)?;
                Item::Text(Text::Utf8(if is_held { "" } else { self.utf8(len)? }))
            }
            tag::STR_UTF16 => Item::Text(self.text_of(byte)?),
            tag::SYMBOL_REGISTERED | tag::SYMBOL_WELL_KNOWN => {
                Item::Symbol { registered: byte == tag::SYMBOL_REGISTERED, name: self.str()? }
            }
            tag::REFERENCE => {
                let owner = RefOwner::from_wire(self.byte()?);
                let kind = RefKind::from_wire(self.byte()?);
                let (Some(owner), Some(kind)) = (owner, kind) else {
                    return Err(DecodeError::malformed("a reference is of an unknown kind"));
                };
                Item::Reference { owner, kind, id: self.varint()? }
            }
            tag::HANDLE => {
                let owner = RefOwner::from_wire(self.byte()?);
                let kind = HandleKind::from_wire(self.byte()?);
                let (Some(owner), Some(kind)) = (owner, kind) else {
                    return Err(DecodeError::malformed("a handle is of an unknown kind"));
                };
                let id = self.varint()?;
                if owner == RefOwner::Receiver && self.input.get(self.at).is_some_and(|next| *next != tag::UNDEFINED) {
                    return Err(DecodeError::malformed("a handle of an object of the receiver has a description"));
                }
                Item::Handle { owner, kind, id }
            }
            tag::POSTED => match RefOwner::from_wire(self.byte()?) {
                Some(owner) => Item::Posted { owner, number: self.varint()? },
                None => return Err(DecodeError::malformed("a posted object has an unknown owner")),
            },
            tag::SHARED => {
                let number = self.varint()?;
                if number >= self.objects.into() {
                    return Err(DecodeError::malformed("a shared object has an unknown number"));
                }
                Item::Shared(number as u32)
            }
            _ => {
                self.objects += 1;
                self.object_item(byte)?
            }
        })
    }

    /// Reads a number that is not an integer.
    #[inline]
    fn other_number(&mut self) -> Result<f64, DecodeError> {
        let number = self.float()?;
        let integer = number as i64;
        let short = integer as f64 == number
            && integer.unsigned_abs() <= MAX_SAFE
            && (integer != 0 || number.is_sign_positive());
        if short { Err(DecodeError::malformed("an integer is written as a float")) } else { Ok(number) }
    }

    fn object_item(&mut self, byte: u8) -> Result<Item<'de>, DecodeError> {
        Ok(match byte {
            tag::DATE => Item::Date(self.float()?),
            tag::REGEXP => {
                let (flags, last_index) = (self.str()?, self.varint()?);
                if last_index > MAX_SAFE {
                    return Err(DecodeError::malformed("the lastIndex of a regular expression is out of range"));
                }
                Item::RegExp { source: self.text()?, flags, last_index }
            }
            tag::ARRAY_LONG => Item::Array(self.long_count(1, 16)?),
            tag::OBJECT_LONG => Item::Object(self.long_count(2, 16)?),
            tag::MAP => Item::Map(self.long_count(2, 0)?),
            tag::SET => Item::Set(self.long_count(1, 0)?),
            tag::ERROR => {
                let has_cause = match self.byte()? {
                    0 => false,
                    1 => true,
                    _ => return Err(DecodeError::malformed("an error has an unknown flag")),
                };
                let properties = self.long_count(2, 0)?;
                let (class, message, stack) = (self.text()?, self.text()?, self.text()?);
                Item::Error { class, message, stack, has_cause, properties }
            }
            tag::BOXED => Item::Boxed,
            tag::BUFFER => Item::Buffer { bytes: self.raw()?.0, max: None },
            tag::BUFFER_RESIZABLE => {
                let max = self.varint()?;
                let (bytes, len) = self.raw()?;
                if len > max || max > MAX_SAFE {
                    return Err(DecodeError::malformed("a buffer exceeds its maximum length"));
                }
                Item::Buffer { bytes, max: Some(max) }
            }
            tag::BYTES => {
                self.objects += 1;
                Item::Bytes(self.raw()?.0)
            }
            tag::VIEW => {
                let Some(kind) = ViewKind::from_wire(self.byte()?) else {
                    return Err(DecodeError::malformed("a view is of an unknown type"));
                };
                let (offset, len) = (self.varint()?, self.varint()?);
                Item::View { kind, offset, len: len.checked_sub(1) }
            }
            tag::BLOB => Item::Blob { kind: self.str()?, bytes: self.raw()?.0 },
            tag::FILE => {
                let (kind, last_modified, (bytes, _)) = (self.str()?, self.float()?, self.raw()?);
                Item::File { kind, name: self.text()?, last_modified, bytes }
            }
            tag::IMAGE => {
                let (width, height) = (self.varint()?, self.varint()?);
                let (color_space, (pixels, len)) = (self.str()?, self.raw()?);
                let (Ok(width), Ok(height)) = (u32::try_from(width), u32::try_from(height)) else {
                    return Err(DecodeError::malformed("an image is too large"));
                };
                if u128::from(width) * u128::from(height) * 4 != u128::from(len) {
                    return Err(DecodeError::malformed("an image has the wrong number of pixels"));
                }
                if !COLOR_SPACES.contains(&color_space) {
                    return Err(DecodeError::malformed("an image is in an unknown colour space"));
                }
                Item::Image { width, height, color_space, pixels }
            }
            _ => return Err(DecodeError::malformed("an item is of an unknown type")),
        })
    }

    fn text(&mut self) -> Result<Text<'de>, DecodeError> {
        let byte = self.byte()?;
        self.text_of(byte)
    }

    fn str(&mut self) -> Result<&'de str, DecodeError> {
        match self.text()? {
            Text::Utf8(text) => Ok(text),
            Text::Utf16(_) => Err(DecodeError::malformed("a name has a lone surrogate")),
        }
    }

    fn text_of(&mut self, byte: u8) -> Result<Text<'de>, DecodeError> {
        match byte {
            tag::STR..=tag::STR_END => Ok(Text::Utf8(self.utf8((byte - tag::STR).into())?)),
            tag::STR_LONG => {
                let len = self.long_str()?;
                Ok(Text::Utf8(self.utf8(len)?))
            }
            tag::STR_UTF16 => {
                let units = self.varint()?;
                let bytes = self.run(units.saturating_mul(2))?;
                let units = bytes.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit));
                if char::decode_utf16(units).all(|unit| unit.is_ok()) {
                    return Err(DecodeError::malformed("a string without lone surrogates is not UTF-8"));
                }
                Ok(Text::Utf16(bytes))
            }
            _ => Err(DecodeError::malformed("an item is not a string")),
        }
    }

    /// Reads the length of a long string.
    #[inline]
    fn long_str(&mut self) -> Result<u64, DecodeError> {
        let len = self.varint()?;
        if len < 32 { Err(DecodeError::malformed("a string is not in its shortest form")) } else { Ok(len) }
    }

    #[inline]
    fn utf8(&mut self, len: u64) -> Result<&'de str, DecodeError> {
        let bytes = self.run(len)?;
        core::str::from_utf8(bytes).map_err(|_| no_text())
    }

    /// Reads bytes, which are empty if they are held, and their number.
    fn raw(&mut self) -> Result<(&'de [u8], u64), DecodeError> {
        let len = self.varint()?;
        let is_held = self.hold(Held::Bytes, len)?;
        Ok((if is_held { &[] } else { self.run(len)? }, len))
    }

    /// Holds the next content, of `len` bytes, if it is a segment and contents of this type are to be held.
    #[inline]
    fn hold(&mut self, kind: Held, len: u64) -> Result<bool, DecodeError> {
        let holds = self.at == self.rope.next && (self.rope.holds == kind || self.rope.holds == Held::Any);
        if holds {
            self.rope.held = Some(self.segment(len)?);
        }
        Ok(holds)
    }

    /// Reads a content of `len` bytes.
    #[inline]
    fn run(&mut self, len: u64) -> Result<&'de [u8], DecodeError> {
        if self.rope.next == NO_SEGMENT { self.take(len) } else { self.run_amid_segments(len) }
    }

    #[cold]
    fn run_amid_segments(&mut self, len: u64) -> Result<&'de [u8], DecodeError> {
        if self.at == self.rope.next {
            return self.segment(len).map(Content::borrowed);
        }
        let bytes = self.take(len)?;
        if self.at > self.rope.next { Err(misplaced()) } else { Ok(bytes) }
    }

    /// Takes the next segment, which must have `len` bytes.
    #[cold]
    fn segment(&mut self, len: u64) -> Result<Content<'de>, DecodeError> {
        let content = self.rope.take().filter(|content| content.len() as u64 == len).ok_or_else(misplaced)?;
        self.rope.read += content.len();
        Ok(content)
    }

    fn long_count(&mut self, least: u64, short: u64) -> Result<usize, DecodeError> {
        let count = self.varint()?;
        if count < short {
            return Err(DecodeError::malformed("a length is not in its shortest form"));
        }
        self.count(count, least)
    }

    /// Reads a count of entries of at least `least` bytes each, which must fit into the remaining bytes.
    #[inline]
    fn count(&self, count: u64, least: u64) -> Result<usize, DecodeError> {
        if count.saturating_mul(least) > self.remaining() as u64 {
            return Err(DecodeError::malformed("a length exceeds the bytes that are left"));
        }
        Ok(count as usize)
    }

    fn float(&mut self) -> Result<f64, DecodeError> {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(self.take(8)?);
        Ok(f64::from_le_bytes(bytes))
    }

    #[inline]
    fn varint(&mut self) -> Result<u64, DecodeError> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            number |= bits << shift;
            if byte < 0x80 {
                if byte == 0 && shift > 0 {
                    break;
                }
                return Ok(number);
            }
        }
        Err(DecodeError::malformed("a varint is too long"))
    }

    #[inline]
    fn byte(&mut self) -> Result<u8, DecodeError> {
        let byte = *self.input.get(self.at).ok_or_else(end)?;
        self.at += 1;
        Ok(byte)
    }

    #[inline]
    fn take(&mut self, len: u64) -> Result<&'de [u8], DecodeError> {
        let rest = &self.input[self.at..];
        let bytes = usize::try_from(len).ok().and_then(|len| rest.get(..len)).ok_or_else(end)?;
        self.at += bytes.len();
        Ok(bytes)
    }
}

#[cold]
fn misplaced() -> DecodeError {
    DecodeError::malformed(MISPLACED)
}

#[cold]
fn no_text() -> DecodeError {
    DecodeError::malformed("a string is not UTF-8")
}

/// Number of bytes searched for handles at a time.
const CHUNK: usize = 128;

/// There is no further segment.
const NO_SEGMENT: usize = usize::MAX;

fn end() -> DecodeError {
    DecodeError::malformed("the payload ends in the middle of a value")
}
