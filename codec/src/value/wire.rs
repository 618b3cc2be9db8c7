//! Tags of the items of the value format.

/// The colour spaces of an `ImageData`.
pub(crate) const COLOR_SPACES: [&str; 2] = ["srgb", "display-p3"];

/// The tag at the start of an item.
pub(crate) mod tag {
    pub(crate) const INT: u8 = 0x00; // 0x00..=0x3f: the numbers 0 to 63
    pub(crate) const INT_END: u8 = 0x3f;
    pub(crate) const STR: u8 = 0x40; // 0x40..=0x5f: UTF-8 of 0 to 31 bytes
    pub(crate) const STR_END: u8 = 0x5f;
    pub(crate) const ARRAY: u8 = 0x60; // 0x60..=0x6f: 0 to 15 elements
    pub(crate) const ARRAY_END: u8 = 0x6f;
    pub(crate) const OBJECT: u8 = 0x70; // 0x70..=0x7f: 0 to 15 properties
    pub(crate) const OBJECT_END: u8 = 0x7f;
    pub(crate) const UNDEFINED: u8 = 0x80;
    pub(crate) const NULL: u8 = 0x81;
    pub(crate) const FALSE: u8 = 0x82;
    pub(crate) const TRUE: u8 = 0x83;
    pub(crate) const HOLE: u8 = 0x84;
    pub(crate) const INT_UP: u8 = 0x85;
    pub(crate) const INT_DOWN: u8 = 0x86;
    pub(crate) const FLOAT: u8 = 0x87;
    pub(crate) const BIGINT_UP: u8 = 0x88;
    pub(crate) const BIGINT_DOWN: u8 = 0x89;
    pub(crate) const STR_LONG: u8 = 0x8a;
    pub(crate) const STR_UTF16: u8 = 0x8b;
    pub(crate) const SYMBOL_REGISTERED: u8 = 0x8c;
    pub(crate) const SYMBOL_WELL_KNOWN: u8 = 0x8d;
    pub(crate) const DATE: u8 = 0x8e;
    pub(crate) const REGEXP: u8 = 0x8f;
    pub(crate) const ARRAY_LONG: u8 = 0x90;
    pub(crate) const OBJECT_LONG: u8 = 0x91;
    pub(crate) const MAP: u8 = 0x92;
    pub(crate) const SET: u8 = 0x93;
    pub(crate) const ERROR: u8 = 0x94;
    pub(crate) const BOXED: u8 = 0x95;
    pub(crate) const BUFFER: u8 = 0x96;
    pub(crate) const BUFFER_RESIZABLE: u8 = 0x97;
    pub(crate) const BYTES: u8 = 0x98;
    pub(crate) const VIEW: u8 = 0x99;
    pub(crate) const BLOB: u8 = 0x9a;
    pub(crate) const FILE: u8 = 0x9b;
    pub(crate) const IMAGE: u8 = 0x9c;
    pub(crate) const REFERENCE: u8 = 0x9d;
    pub(crate) const SHARED: u8 = 0x9e;
    pub(crate) const HANDLE: u8 = 0x9f;
    pub(crate) const POSTED: u8 = 0xa0;
}
