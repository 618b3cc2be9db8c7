//! Streams of values of the other end.

use super::callback::NO_LINK;
use super::error::CallError;
use super::handles;
use super::payload;
use super::proxy::{CallFuture, Proxy};
use super::remote_function::Remote;
use coincide_codec::value::{Handle, HandleKind, RefOwner};
use futures_util::{FutureExt, Stream};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

/// A stream of values of the other end, as a result or an argument of a call: a [`Source`](crate::Source) there, or in JavaScript a generator or
/// an iterable that `stream` has marked.
///
/// It implements [`Stream`]. An error is its last item. In a worker, [`into_blocking`](Self::into_blocking) makes an iterator of it. The other end sends at most
/// as many rows as have been requested. Dropping it ends the iteration at the other end.
pub struct RemoteStream<T> {
    /// `None`: there are no further rows.
    remote: Option<Rc<Remote>>,
    rows: VecDeque<T>,
    request: Option<CallFuture<(bool, VecDeque<T>)>>,
    most: u32,
}

impl<T: DeserializeOwned> RemoteStream<T> {
    /// The same stream, which requests up to `most` rows at a time. Default 16.
    #[must_use]
    pub fn with_most(self, most: u32) -> Self {
        Self { most: most.max(1), ..self }
    }

    /// Returns an iterator whose `next` blocks until the next row has arrived. On main, which must not block, its only item is
    /// [`CallErrorKind::CannotBlock`](crate::CallErrorKind::CannotBlock).
    pub fn into_blocking(self) -> BlockingStream<T> {
        BlockingStream(self)
    }

    /// Takes an answer of the other end.
    fn arrive(&mut self, answer: Result<(bool, VecDeque<T>), CallError>) -> Result<(), CallError> {
        match answer {
            Ok((is_over, rows)) => {
                self.rows = rows;
                if is_over {
                    self.remote = None;
                }
                Ok(())
            }
            Err(error) => {
                self.remote = None;
                Err(error)
            }
        }
    }
}

// Rows are moved when they are taken, never pinned.
impl<T> Unpin for RemoteStream<T> {}

impl<T: DeserializeOwned> Stream for RemoteStream<T> {
    type Item = Result<T, CallError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(row) = self.rows.pop_front() {
                return Poll::Ready(Some(Ok(row)));
            }
            let Some(remote) = &self.remote else {
                return Poll::Ready(None);
            };
            let (remote, most) = (Rc::clone(remote), self.most);
            let request = self.request.get_or_insert_with(|| {
                let host = remote.endpoint.host();
                let args = (remote.id, most);
                let proxy = Proxy::new(Rc::clone(&remote.endpoint));
                proxy.operate(SHOWN, NEXT, |payload| payload::encode_args(Some(host), &args, None, payload))
            });
            let answer = ready!(request.poll_unpin(context));
            self.request = None;
            if let Err(error) = self.arrive(answer) {
                return Poll::Ready(Some(Err(error)));
            }
        }
    }
}

impl<T> fmt::Debug for RemoteStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.remote.as_ref().map(|remote| remote.id);
        f.debug_struct("RemoteStream").field("id", &id).field("most", &self.most).finish_non_exhaustive()
    }
}

impl<'de, T> Deserialize<'de> for RemoteStream<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let handle = Handle::deserialize(deserializer)?;
        let Some(endpoint) = handles::coding_now() else {
            return Err(D::Error::custom(NO_LINK));
        };
        let Handle { owner: RefOwner::Sender, kind: HandleKind::Stream, id, .. } = handle else {
            return Err(D::Error::custom(
                "expected a stream of the other end, got something else that stays at its end",
            ));
        };
        let remote = endpoint.host().handles.remote(id, || Remote { id, endpoint: Rc::clone(&endpoint) });
        Ok(Self { remote: Some(remote), rows: VecDeque::new(), request: None, most: 16 })
    }
}

/// A blocking iterator of the rows of a stream: see [`RemoteStream::into_blocking`].
#[derive(Debug)]
pub struct BlockingStream<T>(RemoteStream<T>);

impl<T: DeserializeOwned> Iterator for BlockingStream<T> {
    type Item = Result<T, CallError>;

    fn next(&mut self) -> Option<Self::Item> {
        let Self(stream) = self;
        loop {
            if let Some(row) = stream.rows.pop_front() {
                return Some(Ok(row));
            }
            let remote = Rc::clone(stream.remote.as_ref()?);
            let host = remote.endpoint.host();
            let args = (remote.id, stream.most);
            let called = remote
                .endpoint
                .call_blocking(NEXT, None, &mut |payload| payload::encode_args(Some(host), &args, None, payload));
            let answer = called.map_err(|error| error.into_call_error(SHOWN)).and_then(|(format, mut payload)| {
                let answer = payload::decode_result(Some(host), SHOWN, format, &mut payload, None);
                host.recycle(payload);
                answer
            });
            if let Err(error) = stream.arrive(answer) {
                return Some(Err(error));
            }
        }
    }
}

/// The functions that request rows of a stream, and end a stream.
pub(super) const NEXT: &str = "coincide:next";
pub(super) const RETURN: &str = "coincide:return";

/// Maximum number of rows of one request.
pub(super) const MOST_ROWS: u64 = 4096;

/// Name of a stream in errors.
const SHOWN: &str = "a stream";
