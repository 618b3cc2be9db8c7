//! Streams of values of this end.

use super::clock;
use super::failure::Failure;
use super::functions::{Answer, Reply};
use super::host::Host;
use super::local::{Local, Thing};
use super::payload;
use super::thrown::Thrown;
use coincide_proto::{ErrorCode, Format, Payload};
use futures_util::future::LocalBoxFuture;
use futures_util::stream::LocalBoxStream;
use futures_util::{FutureExt, Stream, StreamExt};
use serde::{Serialize, Serializer};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// A stream of values as an argument or a result of calls. It stays at this end; the other end receives its rows as a
/// [`RemoteStream`](crate::RemoteStream), or in JavaScript as an iterator or an async iterator.
///
/// Rows are read when the other end requests them, at most as many as it requests. A row is a value, or a [`Result`] whose error, a
/// [`Thrown`], ends the stream. The stream is dropped when the other end has received all rows or drops it, and when the link is closed. A clone is the
/// same stream. Sending it several times does not restart it.
///
/// ```
/// use coincide::{CallError, Main, RemoteStream, Source};
/// use futures_util::StreamExt;
///
/// let main = Main::new()?;
/// let worker = main.spawn(|scope| {
///     scope.export("squares", |below: u32| Source::new((0..below).map(|number| number * number)));
///     Ok(())
/// })?;
/// let sum = main.block_on(async {
///     let mut squares: RemoteStream<u32> = worker.proxy().call("squares", (5,)).await?;
///     let mut sum = 0;
///     while let Some(square) = squares.next().await {
///         sum += square?;
///     }
///     Ok::<u32, CallError>(sum)
/// })?;
/// assert_eq!(sum, 30);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Source(pub(super) Rc<Local>);

impl Source {
    /// Creates a stream of the items of an iterator.
    pub fn new<Kind: 'static, I>(rows: I) -> Self
    where
        I: IntoIterator<Item: Reply<Kind> + 'static, IntoIter: 'static>,
    {
        Self::of(Iterated {
            rows: RefCell::new(Some(Box::new(rows.into_iter().map(Reply::into_result)))),
            requests: Rc::default(),
        })
    }

    /// Creates a stream of the items of an asynchronous stream. In a worker, it is polled only when the worker serves.
    pub fn new_async<Kind: 'static, S>(rows: S) -> Self
    where
        S: Stream<Item: Reply<Kind>> + 'static,
    {
        let rows = rows.map(Reply::into_result).boxed_local();
        Self::of(Rc::new(Streamed { rows: RefCell::new(Some(rows)), requests: Rc::default() }))
    }

    fn of(rows: impl Rows + 'static) -> Self {
        Self(Local::new(Thing::Stream(Box::new(rows))))
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Source").field(&Rc::as_ptr(&self.0)).finish()
    }
}

impl Serialize for Source {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// The rows of a stream, as the other end requests them.
pub(crate) trait Rows {
    /// Answers a request for at most `most` rows: whether these are the last ones, and the rows.
    fn next(&self, host: &Host, most: usize, result: &mut Payload) -> Result<Next, Failure>;

    /// Drops the iterator or stream.
    fn end(&self);
}

/// How a request for rows is answered.
pub(crate) enum Next {
    Now(Format),
    Later(LocalBoxFuture<'static, Answer>),
}

/// The requests for rows of a stream.
#[derive(Default)]
struct Requests {
    /// Sent after the rows that have been sent.
    failure: RefCell<Option<Thrown>>,
    /// The other end requests no more rows.
    is_ended: Cell<bool>,
    /// Numbers of the requests that have not been answered, in order.
    queue: RefCell<VecDeque<u64>>,
    last: Cell<u64>,
    /// Wakers of requests that wait for earlier ones.
    waiting: RefCell<Vec<Waker>>,
}

impl Requests {
    /// Registers a request that has arrived.
    fn arrive(this: &Rc<Self>) -> Request {
        let number = this.last.get() + 1;
        this.last.set(number);
        this.queue.borrow_mut().push_back(number);
        Request { requests: Rc::clone(this), number }
    }
}

/// A request for rows, until it is answered or dropped. Requests are answered in the order in which they arrive.
struct Request {
    requests: Rc<Requests>,
    number: u64,
}

impl Request {
    /// Whether earlier requests have been answered.
    fn is_due(&self) -> bool {
        self.requests.queue.borrow().front() == Some(&self.number)
    }

    fn poll_due(&self, context: &Context<'_>) -> Poll<()> {
        if self.is_due() {
            return Poll::Ready(());
        }
        self.requests.waiting.borrow_mut().push(context.waker().clone());
        Poll::Pending
    }

    /// Throws the error that follows the rows that have been sent.
    fn begin(&self) -> Result<(), Failure> {
        self.requests.failure.take().map_or(Ok(()), |thrown| Err(Failure::threw(thrown)))
    }

    /// Writes the rows, or throws. A row that cannot be sent ends the stream behind those before it, by `end`.
    fn answer<V: Serialize>(
        &self,
        host: Option<&Host>,
        mut batch: Batch<V>,
        end: &dyn Fn(),
        result: &mut Payload,
    ) -> Result<Format, Failure> {
        if batch.rows.is_empty()
            && let Some(thrown) = batch.failure
        {
            return Err(Failure::threw(thrown));
        }
        // The rows before the failure are sent first. The next request is answered with the failure.
        let is_over = batch.is_over && batch.failure.is_none();
        let why = match payload::encode_result(host, &(is_over, &batch.rows), Format::Value, None, result) {
            Ok(format) => {
                self.requests.failure.replace(batch.failure);
                return Ok(format);
            }
            Err(Failure::Refused(ErrorCode::BAD_RESULT, why)) => why,
            Err(failure) => return Err(failure),
        };
        let refused = |(at, row)| payload::can_encode(host, row).err().map(|error| (at, error.to_string()));
        let (at, why) = batch.rows.iter().enumerate().find_map(refused).unwrap_or((0, why));
        end();
        batch.rows.truncate(at);
        batch.is_over = true;
        batch.failure = Some(Thrown::new("DataCloneError", format!("a row of a stream cannot be sent: {why}")));
        self.answer(host, batch, &|| (), result)
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        let requests = &self.requests;
        requests.queue.borrow_mut().retain(|number| *number != self.number);
        let waiting = requests.waiting.take();
        waiting.into_iter().for_each(Waker::wake);
    }
}

/// Rows for one answer.
struct Batch<V> {
    rows: Vec<V>,
    /// There are no further rows.
    is_over: bool,
    failure: Option<Thrown>,
}

impl<V> Batch<V> {
    fn new() -> Self {
        Self { rows: Vec::new(), is_over: false, failure: None }
    }

    /// Adds a row that has been read.
    fn add(&mut self, row: Option<Result<V, Thrown>>) {
        match row {
            Some(Ok(row)) => self.rows.push(row),
            Some(Err(thrown)) => (self.failure, self.is_over) = (Some(thrown), true),
            None => self.is_over = true,
        }
    }
}

/// Rows of an iterator.
struct Iterated<V> {
    /// `None`: its code runs, or there are no further rows.
    rows: RefCell<Option<BoxIterator<V>>>,
    requests: Rc<Requests>,
}

type BoxIterator<V> = Box<dyn Iterator<Item = Result<V, Thrown>>>;

impl<V: Serialize + 'static> Rows for Iterated<V> {
    fn next(&self, host: &Host, most: usize, result: &mut Payload) -> Result<Next, Failure> {
        let Self { rows, requests } = self;
        let request = Requests::arrive(requests);
        if !request.is_due() {
            // The code of the iterator has made a call that waits for this request.
            return Err(Failure::threw(Thrown::new("TypeError", "the stream is read while it gives a row")));
        }
        request.begin()?;
        let mut batch = Batch::new();
        if let Some(mut iterator) = rows.take() {
            let end = clock::now().after(BUDGET);
            while batch.rows.len() < most && !batch.is_over && !requests.is_ended.get() {
                batch.add(iterator.next());
                if clock::now() >= end {
                    break;
                }
            }
            if !batch.is_over && !requests.is_ended.get() {
                rows.replace(Some(iterator));
            }
        } else {
            batch.is_over = true;
        }
        request.answer(Some(host), batch, &|| self.end(), result).map(Next::Now)
    }

    fn end(&self) {
        self.requests.is_ended.set(true);
        // Its destructor may use this stream.
        let rows = self.rows.take();
        drop(rows);
    }
}

/// Rows of an asynchronous stream.
struct Streamed<V> {
    /// `None`: its code runs, or there are no further rows.
    rows: RefCell<Option<LocalBoxStream<'static, Result<V, Thrown>>>>,
    requests: Rc<Requests>,
}

impl<V> Streamed<V> {
    /// Reads the rows that are available, but at least one.
    fn poll(&self, most: usize, batch: &mut Batch<V>, context: &mut Context<'_>) -> Poll<()> {
        let Some(mut rows) = self.rows.take() else {
            batch.is_over = true;
            return Poll::Ready(());
        };
        let mut waits = false;
        while batch.rows.len() < most && !batch.is_over && !waits {
            match rows.poll_next_unpin(context) {
                Poll::Ready(row) => batch.add(row),
                Poll::Pending => waits = true,
            }
        }
        if self.requests.is_ended.get() {
            batch.is_over = true;
        } else if !batch.is_over {
            self.rows.replace(Some(rows));
        }
        if waits && batch.rows.is_empty() && !batch.is_over { Poll::Pending } else { Poll::Ready(()) }
    }
}

impl<V: Serialize + 'static> Rows for Rc<Streamed<V>> {
    fn next(&self, host: &Host, most: usize, _: &mut Payload) -> Result<Next, Failure> {
        let request = Requests::arrive(&self.requests);
        let (this, endpoint) = (Rc::clone(self), host.handles.weak_endpoint());
        let answer = async move {
            poll_fn(|context| request.poll_due(context)).await;
            request.begin()?;
            let mut batch = Batch::new();
            let read = AssertUnwindSafe(poll_fn(|context| this.poll(most, &mut batch, context))).catch_unwind().await;
            read.map_err(|panic| Failure::panicked(&*panic))?;
            let endpoint = endpoint.and_then(|endpoint| endpoint.upgrade());
            let mut result = Payload::default();
            let host = endpoint.as_ref().map(|endpoint| endpoint.host());
            let format = request.answer(host, batch, &|| this.end(), &mut result)?;
            Ok((format, result))
        };
        Ok(Next::Later(answer.boxed_local()))
    }

    fn end(&self) {
        self.requests.is_ended.set(true);
        let rows = self.rows.take();
        drop(rows);
    }
}

/// Time for which rows of an iterator are read before they are sent.
const BUDGET: Duration = Duration::from_millis(8);
