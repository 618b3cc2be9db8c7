//! Errors, by cause.

use alloc::borrow::Cow;

/// The peer violated the protocol. The text names the rule. The link cannot be used any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the other end violated the protocol: {0}")]
pub struct ProtocolError(pub Cow<'static, str>);

/// Why a call or a notification was refused. Nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The link is closed. [`Session::closed`](crate::Session::closed) is the reason.
    #[error("the link is closed")]
    Closed,
    /// The name is too long: names have at most [`MAX_NAME`](crate::MAX_NAME) bytes.
    #[error("a name has {length} bytes, more than the limit of 1024: use a shorter one")]
    NameTooLong {
        /// Length in bytes.
        length: usize,
    },
    /// The body is larger than the peer accepts.
    #[error("the payload has {size} bytes and the peer accepts at most {limit}: send less, or raise its `max_message`")]
    TooLarge {
        /// Length in bytes.
        size: usize,
        /// The limit of the peer.
        limit: u64,
    },
    /// The memory [`Budget`](crate::Budget) of this end is used up by bodies in flight.
    #[error(
        "the payload has {size} bytes and this end may hold {limit} bytes of bodies in flight, of which {used} are in use: \
         wait for other calls first, or raise the memory budget"
    )]
    OutOfMemory {
        /// Length in bytes.
        size: usize,
        /// Bytes in use.
        used: usize,
        /// Limit of the budget in bytes.
        limit: usize,
    },
    /// The call is nested deeper than the peer accepts.
    #[error(
        "the call would be nested {depth} deep and the peer accepts at most {limit}: return before calling on, or raise its `max_depth`"
    )]
    TooDeep {
        /// Depth of the refused call.
        depth: u16,
        /// The limit of the peer.
        limit: u16,
    },
    /// As many calls are unanswered as the peer accepts.
    #[error("{limit} calls are unanswered and the peer accepts no more: await some of them first")]
    Overloaded {
        /// The limit of the peer.
        limit: u32,
    },
}

/// The call has already been answered, or the link is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the call is not waiting for an answer: it was answered before, or the link was closed")]
pub struct NoSuchCall;
