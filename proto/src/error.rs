//! What can go wrong, by whose fault it is.

use alloc::borrow::Cow;

/// The peer broke the protocol; the text says which rule. The link can't be used any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the other end broke the protocol: {0}")]
pub struct ProtocolError(pub Cow<'static, str>);

/// A call or a notification can't be sent as it is. Nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The link is closed; [`Session::closed`](crate::Session::closed) says why.
    #[error("the link is closed")]
    Closed,
    /// Names have at most [`MAX_NAME`](crate::MAX_NAME) bytes.
    #[error("a name has {length} bytes and 1024 at most are allowed: use a shorter one")]
    NameTooLong {
        /// Length in bytes.
        length: usize,
    },
    /// The peer takes no body of that size.
    #[error("the payload has {size} bytes and the peer takes {limit} at most: send less, or raise its `max_message`")]
    TooLarge {
        /// Length in bytes.
        size: usize,
        /// What the peer takes.
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
    /// The peer takes no calls nested that deep.
    #[error(
        "the call would be nested {depth} deep and the peer takes {limit} at most: return before calling on, or raise its `max_depth`"
    )]
    TooDeep {
        /// Depth of the refused call.
        depth: u16,
        /// What the peer takes.
        limit: u16,
    },
    /// The peer takes no more unanswered calls.
    #[error("{limit} calls are unanswered and the peer takes no more: await some of them first")]
    Overloaded {
        /// What the peer takes.
        limit: u32,
    },
}

/// The call is not waiting for an answer: it had one, or the link was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the call is not waiting for an answer: it was answered before, or the link was closed")]
pub struct NoSuchCall;
