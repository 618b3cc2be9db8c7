//! The value format: self-describing bytes for what structured clone covers.

mod bigint;
mod de;
mod handle;
mod model;
mod reader;
mod reference;
mod ser;
mod wire;
mod writer;

pub use bigint::BigInt;
pub use de::{args_from_payload, args_from_slice, from_payload, from_slice};
pub(crate) use handle::HANDLE_TOKEN;
pub use handle::Handle;
pub use model::{ErrorValue, PropertyKey, Symbol, Text as OwnedText, Value};
pub use reader::{Item, Key, Reader, Text};
pub use reference::Reference;
pub use ser::{args_to_buf, args_to_payload, to_buf, to_payload, to_vec};
pub use writer::Writer;

/// The type of a typed array, or `DataView`. The discriminants are those on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[allow(missing_docs, reason = "the names are those of JavaScript's classes")]
pub enum ViewKind {
    DataView = 0,
    Int8 = 1,
    Uint8 = 2,
    Uint8Clamped = 3,
    Int16 = 4,
    Uint16 = 5,
    Int32 = 6,
    Uint32 = 7,
    Float16 = 8,
    Float32 = 9,
    Float64 = 10,
    BigInt64 = 11,
    BigUint64 = 12,
}

impl ViewKind {
    /// All kinds, in the order of their discriminants.
    pub const ALL: [Self; 13] = [
        Self::DataView,
        Self::Int8,
        Self::Uint8,
        Self::Uint8Clamped,
        Self::Int16,
        Self::Uint16,
        Self::Int32,
        Self::Uint32,
        Self::Float16,
        Self::Float32,
        Self::Float64,
        Self::BigInt64,
        Self::BigUint64,
    ];

    /// Bytes of an element; 1 for `DataView`.
    pub fn element_size(self) -> u64 {
        match self {
            Self::DataView | Self::Int8 | Self::Uint8 | Self::Uint8Clamped => 1,
            Self::Int16 | Self::Uint16 | Self::Float16 => 2,
            Self::Int32 | Self::Uint32 | Self::Float32 => 4,
            Self::Float64 | Self::BigInt64 | Self::BigUint64 => 8,
        }
    }

    pub(crate) fn from_wire(byte: u8) -> Option<Self> {
        Self::ALL.get(usize::from(byte)).copied()
    }
}

/// The end to which the object of a reference or a handle belongs, or which has posted an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum RefOwner {
    /// The sender of the payload.
    Sender = 0,
    /// The receiver of the payload.
    Receiver = 1,
}

impl RefOwner {
    pub(crate) fn from_wire(byte: u8) -> Option<Self> {
        [Self::Sender, Self::Receiver].get(usize::from(byte)).copied()
    }
}

/// Kind of the object of a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum RefKind {
    /// An object.
    Object = 0,
    /// An array.
    Array = 1,
    /// A function.
    Function = 2,
    /// A symbol that is neither registered nor well known.
    Symbol = 3,
}

impl RefKind {
    pub(crate) fn from_wire(byte: u8) -> Option<Self> {
        [Self::Object, Self::Array, Self::Function, Self::Symbol].get(usize::from(byte)).copied()
    }
}

/// Kind of the object of a handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum HandleKind {
    /// A function.
    Function = 0,
    /// An object with methods. Its description is the list of their names.
    Methods = 1,
    /// An exposed object, function or class. Its description is whether it can be called or constructed.
    Exposed = 2,
    /// A stream of rows.
    Stream = 3,
    /// An `AbortSignal`. Its description is an array with the reason if it is aborted.
    Signal = 4,
    /// An `AbortController`, described as its signal.
    Controller = 5,
}

impl HandleKind {
    /// All kinds, in the order of their discriminants.
    pub const ALL: [Self; 6] =
        [Self::Function, Self::Methods, Self::Exposed, Self::Stream, Self::Signal, Self::Controller];

    pub(crate) fn from_wire(byte: u8) -> Option<Self> {
        Self::ALL.get(usize::from(byte)).copied()
    }
}

/// Deepest nesting of a value, in both directions.
pub const MAX_DEPTH: usize = 256;
