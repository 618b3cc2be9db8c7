//! The bytes of a frame: a fixed header, then the body.
//!
//! ```text
//!  0      1      2        4            8            12         14         16
//! +------+------+--------+------------+------------+----------+----------+------------------------------+
//! | kind | flags| code   | id         | parent     | name len | zero     | name | total? | payload      |
//! | u8   | u8   | u16    | u32        | u32        | u16      | u16      |                              |
//! +------+------+--------+------------+------------+----------+----------+------------------------------+
//! ```
//!
//! All numbers are little-endian. A frame has no length of its own: the transport delimits it.

use bytemuck::{Pod, Zeroable};

/// The fixed part at the start of each frame, decoded.
///
/// The [`kind`](Self::kind) determines which fields are used; the others are zero on the wire and ignored when read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Kind of the frame.
    pub kind: Kind,
    /// Whether the body continues in further frames, the format of the payload, and further properties of the body or the call.
    pub flags: Flags,
    /// `call`, `notify`: the depth of nesting, 1 for a call that no handler made. `throw`: an [`ErrorCode`].
    /// `close`: a [`CloseReason`]. Otherwise zero.
    pub code: u16,
    /// The call that the frame belongs to, or 0. Ids of main are even, ids of the worker odd.
    pub id: u32,
    /// `call`: the call of the peer whose handler makes this one, or 0.
    pub parent: u32,
    /// Length in bytes of the name after the header, at most [`MAX_NAME`]; 0 for kinds that have none.
    pub name_len: u16,
}

impl Header {
    /// Bytes of a header on the wire.
    pub const SIZE: usize = 16;

    /// Encodes the header.
    #[inline]
    pub fn to_bytes(&self) -> [u8; Self::SIZE] {
        bytemuck::cast(RawHeader {
            kind: self.kind.0,
            flags: self.flags.0,
            code: self.code.to_le(),
            id: self.id.to_le(),
            parent: self.parent.to_le(),
            name_len: self.name_len.to_le(),
            zero: 0,
        })
    }

    /// Decodes a header. Any 16 bytes are one; the session validates it.
    #[inline]
    pub fn from_bytes(bytes: [u8; Self::SIZE]) -> Self {
        let raw: RawHeader = bytemuck::cast(bytes);
        Self {
            kind: Kind(raw.kind),
            flags: Flags(raw.flags),
            code: u16::from_le(raw.code),
            id: u32::from_le(raw.id),
            parent: u32::from_le(raw.parent),
            name_len: u16::from_le(raw.name_len),
        }
    }

    /// The header of a frame without a call, whose id is unused.
    pub(crate) fn without_id(self) -> Self {
        Self { id: 0, ..self }
    }
}

/// Kind of a frame. Open: a peer may send kinds that this version does not know.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Kind(pub u8);

impl Kind {
    /// The worker's first frame: versions, feature bits, limits, its name.
    pub const HELLO: Self = Self(1);
    /// Main's answer to `hello`, of the same shape.
    pub const WELCOME: Self = Self(2);
    /// The worker has run its own code; the payload lists its exports.
    pub const READY: Self = Self(3);
    /// A function call with an answer.
    pub const CALL: Self = Self(4);
    /// The answer of a function that returned.
    pub const RETURN: Self = Self(5);
    /// The answer of a function that threw or could not run.
    pub const THROW: Self = Self(6);
    /// A function call without an answer.
    pub const NOTIFY: Self = Self(7);
    /// The caller has ended the call. The callee answers in any case.
    pub const CANCEL: Self = Self(8);
    /// Main requests that the worker abandon its current work.
    pub const INTERRUPT: Self = Self(9);
    /// References that the sender releases.
    pub const RELEASE: Self = Self(10);
    /// The next part of a body.
    pub const MORE: Self = Self(11);
    /// The sender's last frame, with a reason.
    pub const CLOSE: Self = Self(12);

    /// The name that the specification gives to this kind.
    pub fn name(self) -> &'static str {
        match self {
            Self::HELLO => "hello",
            Self::WELCOME => "welcome",
            Self::READY => "ready",
            Self::CALL => "call",
            Self::RETURN => "return",
            Self::THROW => "throw",
            Self::NOTIFY => "notify",
            Self::CANCEL => "cancel",
            Self::INTERRUPT => "interrupt",
            Self::RELEASE => "release",
            Self::MORE => "more",
            Self::CLOSE => "close",
            _ => "unknown",
        }
    }
}

impl core::fmt::Debug for Kind {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}({})", self.name(), self.0)
    }
}

/// The flag byte: bit 0 is [`MORE`](Self::MORE), bits 1 and 2 are the [`Format`], bit 3 is [`SEGMENTS`](Self::SEGMENTS) and bit 4
/// [`BLOCKS`](Self::BLOCKS). The other bits are zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(pub u8);

impl Flags {
    /// The body continues in a `more` frame with the same id.
    pub const MORE: u8 = 1;

    /// A table of segments precedes the body.
    pub const SEGMENTS: u8 = 8;

    /// `call`: the caller blocks until the answer, so it receives no posted objects in it.
    pub const BLOCKS: u8 = 0x10;

    /// Creates the flags of a frame with a payload in `format`. `more`: the body continues.
    pub fn new(format: Format, more: bool) -> Self {
        Self((format as u8) << 1 | u8::from(more))
    }

    /// Whether the body continues in a further frame.
    pub fn more(self) -> bool {
        self.0 & Self::MORE != 0
    }

    /// Whether a table of segments precedes the body.
    pub fn has_segments(self) -> bool {
        self.0 & Self::SEGMENTS != 0
    }

    /// Whether the caller blocks until the answer.
    pub fn blocks(self) -> bool {
        self.0 & Self::BLOCKS != 0
    }

    /// The format of the payload.
    pub fn format(self) -> Format {
        match (self.0 >> 1) & 3 {
            0 => Format::Bytes,
            1 => Format::Typed,
            2 => Format::Value,
            _ => Format::Text,
        }
    }

    /// Whether a bit is set that has no meaning in this version.
    pub fn has_unknown(self) -> bool {
        self.0 & !0x1f != 0
    }
}

/// Format of a payload. The protocol does not inspect payloads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Format {
    /// Bytes whose meaning the two functions agree on; also the empty payload.
    #[default]
    Bytes = 0,
    /// A schema hash, then plain postcard of a type that both ends know.
    Typed = 1,
    /// A self-describing value.
    Value = 2,
    /// UTF-8 text: the message of an error that a session, not a function, raised.
    Text = 3,
}

/// Why a call was answered by `throw`. Open: codes from 0x8000 up belong to applications.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ErrorCode(pub u16);

impl ErrorCode {
    /// The function ran and threw; the payload is what it threw.
    pub const THROWN: Self = Self(1);
    /// No function of that name is registered.
    pub const UNKNOWN_FUNCTION: Self = Self(2);
    /// The arguments do not match the function's parameters.
    pub const BAD_ARGUMENTS: Self = Self(3);
    /// Both ends know the function, but with different types.
    pub const SCHEMA_MISMATCH: Self = Self(4);
    /// The function returned a value that cannot be sent.
    pub const BAD_RESULT: Self = Self(5);
    /// A body is larger than the receiver accepts.
    pub const TOO_LARGE: Self = Self(6);
    /// Calls are nested deeper than the receiver accepts.
    pub const TOO_DEEP: Self = Self(7);
    /// The function could run only after the call that waits for it has ended.
    pub const DEADLOCK: Self = Self(8);
    /// More calls are unanswered than the receiver accepts.
    pub const OVERLOADED: Self = Self(9);
    /// The function was stopped because the caller cancelled the call.
    pub const CANCELLED: Self = Self(10);
    /// The function was stopped by an interrupt.
    pub const INTERRUPTED: Self = Self(11);
    /// The function panicked or its runtime failed; it did not throw.
    pub const PANICKED: Self = Self(12);
    /// The callee is closing and runs no more functions.
    pub const CLOSING: Self = Self(13);
    /// The receiver of a body has no memory for it at present; smaller calls may succeed.
    pub const OUT_OF_MEMORY: Self = Self(14);

    /// The name that the specification gives to this code.
    pub fn name(self) -> &'static str {
        match self {
            Self::THROWN => "thrown",
            Self::UNKNOWN_FUNCTION => "unknown-function",
            Self::BAD_ARGUMENTS => "bad-arguments",
            Self::SCHEMA_MISMATCH => "schema-mismatch",
            Self::BAD_RESULT => "bad-result",
            Self::TOO_LARGE => "too-large",
            Self::TOO_DEEP => "too-deep",
            Self::DEADLOCK => "deadlock",
            Self::OVERLOADED => "overloaded",
            Self::CANCELLED => "cancelled",
            Self::INTERRUPTED => "interrupted",
            Self::PANICKED => "panicked",
            Self::CLOSING => "closing",
            Self::OUT_OF_MEMORY => "out-of-memory",
            _ => "unknown",
        }
    }
}

impl core::fmt::Debug for ErrorCode {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}({})", self.name(), self.0)
    }
}

/// Why a link was closed. Open: reasons from 0x8000 up belong to applications.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CloseReason(pub u16);

impl CloseReason {
    /// The endpoint has finished its work.
    pub const DONE: Self = Self(1);
    /// Main terminated the worker.
    pub const TERMINATED: Self = Self(2);
    /// The endpoint failed: it panicked, or its runtime did not start.
    pub const FAILED: Self = Self(3);
    /// The peer violated the protocol.
    pub const PROTOCOL: Self = Self(4);
    /// The endpoints have no version in common, or the peer lacks a required feature.
    pub const INCOMPATIBLE: Self = Self(5);

    /// The name that the specification gives to this reason.
    pub fn name(self) -> &'static str {
        match self {
            Self::DONE => "done",
            Self::TERMINATED => "terminated",
            Self::FAILED => "failed",
            Self::PROTOCOL => "protocol",
            Self::INCOMPATIBLE => "incompatible",
            _ => "unknown",
        }
    }
}

impl core::fmt::Debug for CloseReason {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}({})", self.name(), self.0)
    }
}

/// The body of `hello` and `welcome`: version, features and limits of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handshake {
    /// Major version. Endpoints with the same major version are compatible.
    pub major: u16,
    /// Minor version. The lower one of both endpoints applies.
    pub minor: u16,
    /// Optional features, one bit each. A feature is used if both ends offer it. None is defined yet.
    pub features: u32,
    /// Largest frame in bytes, header included, that the sender accepts. At least [`MIN_FRAME`].
    pub max_frame: u32,
    /// Largest body in bytes, over all its frames, that the sender accepts. At least [`MIN_FRAME`].
    pub max_message: u64,
    /// Maximum number of unanswered calls of the peer, 1 to 65,535.
    pub max_pending: u32,
    /// Deepest nesting of calls that the sender accepts, at least 1.
    pub max_depth: u16,
}

impl Handshake {
    /// Length in bytes of a handshake body.
    pub const SIZE: usize = 32;

    /// Encodes the handshake.
    pub fn to_bytes(&self) -> [u8; Self::SIZE] {
        bytemuck::cast(RawHandshake {
            magic: MAGIC,
            major: self.major.to_le(),
            minor: self.minor.to_le(),
            features: self.features.to_le(),
            max_frame: self.max_frame.to_le(),
            max_message: self.max_message.to_le(),
            max_pending: self.max_pending.to_le(),
            max_depth: self.max_depth.to_le(),
            zero: 0,
        })
    }

    /// Decodes the handshake at the start of `bytes`. Returns `None` if they are too short or have another magic number.
    /// Later minor versions may append fields: further bytes are ignored.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: [u8; Self::SIZE] = bytes.get(..Self::SIZE)?.try_into().ok()?;
        let raw: RawHandshake = bytemuck::cast(bytes);
        (raw.magic == MAGIC).then(|| Self {
            major: u16::from_le(raw.major),
            minor: u16::from_le(raw.minor),
            features: u32::from_le(raw.features),
            max_frame: u32::from_le(raw.max_frame),
            max_message: u64::from_le(raw.max_message),
            max_pending: u32::from_le(raw.max_pending),
            max_depth: u16::from_le(raw.max_depth),
        })
    }
}

/// The protocol version of this crate: major and minor.
pub const VERSION: (u16, u16) = (1, 0);

/// Longest name in bytes: of a function, of a worker, of an export.
pub const MAX_NAME: usize = 1024;

/// Smallest limit in bytes that an endpoint may announce for frames and bodies. Every transport accepts frames of this size.
pub const MIN_FRAME: usize = 2048;

/// The first four bytes of a handshake.
pub const MAGIC: [u8; 4] = *b"coin";

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct RawHeader {
    kind: u8,
    flags: u8,
    code: u16,
    id: u32,
    parent: u32,
    name_len: u16,
    zero: u16,
}

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct RawHandshake {
    magic: [u8; 4],
    major: u16,
    minor: u16,
    features: u32,
    max_frame: u32,
    max_message: u64,
    max_pending: u32,
    max_depth: u16,
    zero: u16,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_has_the_documented_bytes() {
        let header = Header {
            kind: Kind::CALL,
            flags: Flags::new(Format::Value, true),
            code: 0x0102,
            id: 0x0304_0506,
            parent: 0x0708_090a,
            name_len: 0x0203,
        };
        let bytes = [4, 5, 2, 1, 6, 5, 4, 3, 10, 9, 8, 7, 3, 2, 0, 0];
        assert_eq!(header.to_bytes(), bytes);
        assert_eq!(Header::from_bytes(bytes), header);
    }

    #[test]
    fn handshake_refuses_foreign_bytes() {
        assert_eq!(Handshake::from_bytes(&[0; 32]), None);
        assert_eq!(Handshake::from_bytes(b"coin"), None);
    }
}
