//! Streams of values of the other end.

use super::error::CallError;
use super::proxy::CallFuture;
use super::remote::{Passed, ReservedCall};
use super::source::Source;
use coincide_codec::value::{Handle, HandleKind};
use futures_util::{FutureExt, Stream};
use serde::de::DeserializeOwned;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A stream of values of the other end, as a result or an argument of a call.
///
/// There it is a [`Source`](crate::Source), or in JavaScript a generator or an iterable that `stream` has marked.
///
/// It implements [`Stream`]. An error is its last item. In a worker, [`into_blocking`](Self::into_blocking) converts it to an iterator. The
/// other end sends at most as many rows as have been requested. Dropping it ends the iteration at the other end.
///
/// An [`interface!`](crate::interface) declares it for both ends: the end that has the rows converts a `Source` into it. The converted
/// stream cannot be read: its only item is an error of kind [`Local`](crate::CallErrorKind::Local).
///
/// ```
/// use coincide::{CallError, Main, RemoteStream, Source};
///
/// let main = Main::new()?;
/// let worker = main.spawn(|scope| {
///     let rows: RemoteStream<u32> = scope.sync().call("rows", ())?;
///     let sum: Result<u32, CallError> = rows.with_most(100).into_blocking().sum();
///     assert_eq!(sum?, 499_500);
///     Ok(())
/// })?;
/// worker.register("rows", || Source::new(0..1000_u32));
/// main.block_on(worker.ready())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct RemoteStream<T> {
    /// `None`: there are no further rows.
    stream: Option<Passed>,
    rows: VecDeque<T>,
    request: Option<CallFuture<(bool, VecDeque<T>)>>,
    most: u32,
}

impl<T: DeserializeOwned> RemoteStream<T> {
    /// Sets the number of rows that are requested at a time: at least 1, of which the other end sends at most 4,096. Default 16.
    #[must_use]
    pub fn with_most(self, most: u32) -> Self {
        Self { most: most.max(1), ..self }
    }

    /// Returns an iterator whose `next` blocks until the next row has arrived. On main, which must not block, its only item is
    /// [`CallErrorKind::CannotBlock`](crate::CallErrorKind::CannotBlock).
    pub fn into_blocking(self) -> BlockingStream<T> {
        BlockingStream(self)
    }

    /// Starts a request for rows.
    fn request(&self, stream: &Passed) -> CallFuture<(bool, VecDeque<T>)> {
        match stream.remote(&REQUEST) {
            Ok(remote) => remote.call(&REQUEST, &(remote.id, self.most)),
            Err(error) => CallFuture::failed(error),
        }
    }

    /// Makes a request for rows and blocks until it is answered.
    fn request_blocking(&self, stream: &Passed) -> Result<(bool, VecDeque<T>), CallError> {
        let remote = stream.remote(&REQUEST)?;
        remote.call_blocking(&REQUEST, &(remote.id, self.most))
    }

    /// Takes an answer of the other end.
    fn arrive(&mut self, answer: Result<(bool, VecDeque<T>), CallError>) -> Result<(), CallError> {
        let (is_over, rows) = answer.inspect_err(|_| self.stream = None)?;
        self.rows = rows;
        if is_over {
            self.stream = None;
        }
        Ok(())
    }
}

impl<T> From<Source> for RemoteStream<T> {
    /// Converts a source, for an interface that declares a `RemoteStream`.
    fn from(Source(local): Source) -> Self {
        Self::of(Passed::Local(local))
    }
}

impl<T> RemoteStream<T> {
    fn of(stream: Passed) -> Self {
        Self { stream: Some(stream), rows: VecDeque::new(), request: None, most: 16 }
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
            let running = self.request.take();
            let Some(stream) = &self.stream else {
                return Poll::Ready(None);
            };
            let mut request = running.unwrap_or_else(|| self.request(stream));
            let polled = request.poll_unpin(context);
            if polled.is_pending() {
                self.request = Some(request);
            }
            let answer = ready!(polled);
            if let Err(error) = self.arrive(answer) {
                return Poll::Ready(Some(Err(error)));
            }
        }
    }
}

impl<T> fmt::Debug for RemoteStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stream, most, .. } = self;
        f.debug_struct("RemoteStream").field("stream", stream).field("most", most).finish_non_exhaustive()
    }
}

impl<T> Serialize for RemoteStream<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.stream {
            Some(stream) => stream.serialize(HandleKind::Stream, serializer),
            None => Err(S::Error::custom("the stream has ended, so it cannot be sent")),
        }
    }
}

impl<'de, T> Deserialize<'de> for RemoteStream<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let accepts = |handle: &Handle| handle.kind == HandleKind::Stream;
        Passed::deserialize("a stream", accepts, deserializer).map(Self::of)
    }
}

/// A blocking iterator of the rows of a stream, from [`RemoteStream::into_blocking`].
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
            let passed = stream.stream.as_ref()?;
            // Rows that were requested when the stream was polled come first.
            let answer = match stream.request.take() {
                Some(request) => request.block(),
                None => stream.request_blocking(passed),
            };
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

/// A request for rows.
const REQUEST: ReservedCall = ReservedCall { function: NEXT, shown: "a stream", timeout: None };
