//! Streams of values.

use coincide::{CallError, CallErrorKind, Main, RemoteStream, Scope, Source, Thrown, Value, Worker};
use coincide_proto::conformance::{LIMIT, within};
use futures_util::stream::{self, StreamExt};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};

/// A main and a worker that is ready.
fn started(setup: impl FnOnce(&Scope) + Send + 'static) -> (Main, Worker) {
    let main = Main::new().unwrap();
    let worker = main
        .spawn(move |scope| {
            setup(scope);
            Ok(())
        })
        .unwrap();
    main.block_on(worker.ready()).unwrap();
    (main, worker)
}

/// Yields a row after other tasks have run.
async fn yielded(row: u32) -> u32 {
    let mut is_over = false;
    std::future::poll_fn(move |context| {
        context.waker().wake_by_ref();
        if std::mem::replace(&mut is_over, true) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    row
}

/// All rows, and the error that ended the stream.
fn collected(main: &Main, rows: RemoteStream<u32>) -> (Vec<u32>, Option<CallError>) {
    main.block_on(async move {
        let (mut all, mut ended) = (Vec::new(), None);
        let mut rows = rows;
        while let Some(row) = rows.next().await {
            match row {
                Ok(row) => all.push(row),
                Err(error) => ended = Some(error),
            }
        }
        assert!(rows.next().await.is_none(), "the source stays at its end");
        (all, ended)
    })
}

fn failing(after: u32) -> impl Iterator<Item = Result<u32, Thrown>> {
    (0..after).map(Ok).chain(std::iter::once_with(|| Err(Thrown::new("RangeError", "no more"))))
}

#[test]
fn main_reads_stream_of_worker() {
    let (main, worker) = started(|scope| {
        scope.export("rows", |count: u32| Source::new(0..count));
        scope.export("later", |count: u32| Source::new_async(stream::iter(0..count)));
        scope.export("failing", |after: u32| Source::new(failing(after)));
        scope.export("failing_later", |after: u32| Source::new_async(stream::iter(failing(after))));
    });
    let proxy = worker.proxy();
    for count in [0, 1, 15, 16, 17, 100] {
        for name in ["rows", "later"] {
            let rows: RemoteStream<u32> = main.block_on(proxy.call(name, (count,))).unwrap();
            let (all, ended) = collected(&main, rows);
            assert!(all.iter().copied().eq(0..count), "{name}: {all:?}");
            assert_eq!(ended, None);
        }
        for name in ["failing", "failing_later"] {
            let rows: RemoteStream<u32> = main.block_on(proxy.call(name, (count,))).unwrap();
            let (all, ended) = collected(&main, rows.with_most(4));
            assert!(all.iter().copied().eq(0..count), "{name}: {all:?}");
            assert_eq!(ended.expect("it has failed").to_string(), "`a stream` threw RangeError: no more");
        }
    }
}

#[test]
fn worker_iterates_stream_of_main() {
    let (main, worker) = started(|scope| {
        let sync = scope.sync();
        scope.export("sum", move |name: String, count: u32| {
            let rows: RemoteStream<u32> = sync.call(&name, (count,)).map_err(CallError::into_thrown)?;
            let sum: Result<u32, CallError> = rows.into_blocking().sum();
            sum.map_err(CallError::into_thrown)
        });
        scope.export("first", |rows: RemoteStream<u32>| {
            rows.into_blocking().take(2).collect::<Result<Vec<_>, _>>().map_err(CallError::into_thrown)
        });
    });
    worker.register("rows", |count: u32| Source::new(0..count));
    worker.register("later", |count: u32| Source::new_async(stream::iter(0..count).then(yielded)));
    worker.register("failing", |after: u32| Source::new(failing(after)));
    let proxy = worker.proxy();
    for name in ["rows", "later"] {
        assert_eq!(main.block_on(proxy.call::<u32>("sum", (name, 50))).unwrap(), (0..50).sum::<u32>());
    }
    let error = main.block_on(proxy.call::<u32>("sum", ("failing", 20))).unwrap_err();
    assert_eq!(error.to_string(), "`sum` threw RangeError: no more");
    // As an argument that is not read to its end.
    assert_eq!(main.block_on(proxy.call::<Vec<u32>>("first", (Source::new(5..),))).unwrap(), [5, 6]);
}

#[test]
fn rows_are_read_only_when_requested() {
    let read = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&read);
    let (main, worker) = started(move |scope| {
        scope.export("endless", move || {
            let counted = Arc::clone(&counted);
            Source::new((0..).inspect(move |_| {
                counted.fetch_add(1, Ordering::SeqCst);
            }))
        });
    });
    let rows: RemoteStream<u32> = main.block_on(worker.proxy().call("endless", ())).unwrap();
    assert_eq!(read.load(Ordering::SeqCst), 0);
    let mut rows = rows.with_most(5);
    for number in 0..12 {
        assert_eq!(main.block_on(rows.next()), Some(Ok(number)));
        assert!(read.load(Ordering::SeqCst) <= number + 5);
    }
}

#[test]
fn dropped_remote_stream_drops_its_source() {
    within(LIMIT, || {
        let owner = Arc::new(());
        let owned = Arc::clone(&owner);
        let (main, worker) = started(move |scope| {
            let again = Arc::clone(&owned);
            scope.export("rows", move || {
                let owned = Arc::clone(&owned);
                Source::new((0..40).map(move |row| (row, Arc::strong_count(&owned)).0))
            });
            scope.export("pending", move || {
                let owned = Arc::clone(&again);
                Source::new_async(stream::pending::<u32>().map(move |row| (row, Arc::strong_count(&owned)).0))
            });
            scope.export("nothing", || ());
        });
        let proxy = worker.proxy();
        let released = |what: &str| {
            for _ in 0..1000 {
                if Arc::strong_count(&owner) == 3 {
                    return;
                }
                main.block_on(proxy.call::<()>("nothing", ())).unwrap();
            }
            panic!("{what}: {} are left", Arc::strong_count(&owner) - 3);
        };
        assert_eq!(Arc::strong_count(&owner), 3);
        let stream = |name: &str| main.block_on(proxy.call::<RemoteStream<u32>>(name, ())).unwrap();
        drop(stream("rows"));
        released("not begun");
        let mut rows = stream("rows");
        assert_eq!(main.block_on(rows.next()), Some(Ok(0)));
        assert_eq!(Arc::strong_count(&owner), 4);
        drop(rows);
        released("amid");
        assert_eq!(collected(&main, stream("rows")).0.len(), 40);
        released("at the end");
        let mut rows = stream("pending");
        assert!(rows.poll_next_unpin(&mut Context::from_waker(Waker::noop())).is_pending());
        main.block_on(proxy.call::<()>("nothing", ())).unwrap();
        drop(rows);
        released("while a row is waited for");
        let error = main.block_on(proxy.call::<u32>("rows", ())).unwrap_err();
        assert!(error.to_string().contains("a handle"), "{error}");
        released("a result of another type");
    });
}

#[test]
fn requests_for_rows_are_answered_one_at_a_time() {
    let (main, worker) = started(|scope| {
        let sync = scope.sync();
        // Reading a row calls main, which requests a row of the same stream.
        scope.export("rows", move || {
            let sync = sync.clone();
            let rows =
                Source::new((0..3).map(move |_| sync.call::<String>("again", ()).map_err(CallError::into_thrown)));
            let again = Clone::clone(&rows);
            (rows, again)
        });
        scope.export("slow", || {
            let rows = Source::new_async(stream::iter(0..10_u32).then(yielded));
            vec![rows.clone(), rows.clone(), rows]
        });
    });
    let kept: Rc<RefCell<Option<RemoteStream<String>>>> = Rc::default();
    let again = Rc::clone(&kept);
    worker.register_async("again", move || {
        let rows = again.take();
        async move {
            match rows {
                Some(mut rows) => rows.next().await.expect("an error").unwrap_err().to_string(),
                None => "a row".into(),
            }
        }
    });
    let proxy = worker.proxy();
    let refused = "`a stream` threw TypeError: the stream is read while it gives a row";
    let (mut rows, other): (RemoteStream<String>, RemoteStream<String>) =
        main.block_on(proxy.call("rows", ())).unwrap();
    kept.replace(Some(other));
    assert_eq!(main.block_on(rows.next()), Some(Ok(refused.into())));
    assert_eq!(main.block_on(rows.next()), Some(Ok("a row".into())));

    // Requests of an asynchronous stream wait for earlier ones, and continue when one is cancelled.
    let several: Vec<RemoteStream<u32>> = main.block_on(proxy.call("slow", ())).unwrap();
    let [mut one, mut two, mut three] =
        <[_; 3]>::try_from(several.into_iter().map(|rows| rows.with_most(1)).collect::<Vec<_>>()).expect("three");
    assert!(two.poll_next_unpin(&mut Context::from_waker(Waker::noop())).is_pending());
    assert!(three.poll_next_unpin(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(two);
    let both = main.block_on(async { Ok::<_, CallError>((one.next().await, three.next().await)) }).unwrap();
    let mut both = [both.0, both.1].map(|row| row.expect("a row").expect("it is sent"));
    both.sort_unstable();
    assert!(both[0] < both[1], "{both:?}");
}

/// Requests the first rows without waiting for them.
fn requested<T: serde::de::DeserializeOwned>(mut rows: RemoteStream<T>) -> RemoteStream<T> {
    assert!(rows.poll_next_unpin(&mut Context::from_waker(Waker::noop())).is_pending());
    rows
}

#[test]
fn rows_requested_before_a_stream_becomes_blocking_are_kept() {
    let (main, worker) = started(|scope| {
        let sync = scope.sync();
        scope.export("all", move |name: String, is_answered: bool| {
            let rows: RemoteStream<u32> = sync.call(&name, (40,)).map_err(CallError::into_thrown)?;
            let rows = requested(rows.with_most(6));
            if is_answered {
                // Main answers in order, so the rows have arrived when this call ends.
                sync.call::<()>("nothing", ()).map_err(CallError::into_thrown)?;
            }
            rows.into_blocking().collect::<Result<Vec<_>, _>>().map_err(CallError::into_thrown)
        });
        scope.export("rows", || Source::new(0..40_u32));
        scope.export("nothing", || ());
    });
    worker.register("nothing", || ());
    worker.register("rows", |count: u32| Source::new(0..count));
    worker.register("later", |count: u32| Source::new_async(stream::iter(0..count)));
    worker.register("failing", |_: u32| Source::new(failing(3)));
    let proxy = worker.proxy();
    for is_answered in [false, true] {
        for name in ["rows", "later"] {
            let all: Vec<u32> = main.block_on(proxy.call("all", (name, is_answered))).unwrap();
            assert!(all.into_iter().eq(0..40), "{name}, answered: {is_answered}");
        }
        let error = main.block_on(proxy.call::<Vec<u32>>("all", ("failing", is_answered))).unwrap_err();
        assert_eq!(error.to_string(), "`all` threw RangeError: no more");
    }

    // Main returns rows that have arrived, and does not block for more.
    let stream = || requested(main.block_on(proxy.call::<RemoteStream<u32>>("rows", ())).unwrap().with_most(2));
    let rows = stream();
    main.block_on(proxy.call::<()>("nothing", ())).unwrap();
    let mut rows = rows.into_blocking();
    assert_eq!((rows.next(), rows.next()), (Some(Ok(0)), Some(Ok(1))));
    for mut rows in [rows, stream().into_blocking()] {
        let error = rows.next().expect("an error").unwrap_err();
        assert!(matches!(error.kind, CallErrorKind::CannotBlock), "{error}");
        assert_eq!(error.function, "a stream");
        assert!(rows.next().is_none());
    }
}

#[test]
fn streams_fail_on_closed_link_and_blocking_reads_fail_on_main() {
    within(LIMIT, || {
        let (main, worker) = started(|scope| scope.export("rows", || Source::new(0..40_u32)));
        let stream = || main.block_on(worker.proxy().call::<RemoteStream<u32>>("rows", ())).unwrap();
        let mut blocking = stream().into_blocking();
        let error = blocking.next().expect("an error").unwrap_err();
        assert!(matches!(error.kind, CallErrorKind::CannotBlock), "{error}");
        assert!(blocking.next().is_none());
        let mut rows = stream().with_most(2);
        assert_eq!(main.block_on(rows.next()), Some(Ok(0)));
        worker.terminate();
        let (all, ended) = collected(&main, rows);
        assert_eq!(all, [1]);
        let error = ended.expect("the link is closed");
        assert!(matches!(error.kind, CallErrorKind::Closed(_)), "{error}");
    });
}

#[test]
fn unsendable_or_panicking_rows_are_errors() {
    within(LIMIT, || {
        let (main, worker) = started(|scope| {
            scope.export("holes", || Source::new([Value::from(1), Value::from(2), Value::Hole, Value::from(3)]));
            scope.export("panics", || {
                Source::new((0..3_u32).map(|row| if row == 2 { panic!("the third row") } else { row }))
            });
            scope.export("panics_later", || {
                Source::new_async(stream::iter(
                    (0..3_u32).map(|row| if row == 2 { panic!("the third row") } else { row }),
                ))
            });
        });
        let proxy = worker.proxy();
        let rows: RemoteStream<u32> = main.block_on(proxy.call("holes", ())).unwrap();
        let (all, error) = collected(&main, rows);
        assert_eq!(all, [1, 2]);
        let error = error.expect("it cannot be sent").to_string();
        assert!(
            error.ends_with("DataCloneError: a row of a stream cannot be sent: a hole stands outside of an array"),
            "{error}"
        );
        for name in ["panics", "panics_later"] {
            let rows: RemoteStream<u32> = main.block_on(proxy.call(name, ())).unwrap();
            let error = collected(&main, rows).1.expect("it panics");
            assert!(matches!(error.kind, CallErrorKind::Panicked(_)), "{error}");
        }
    });
}
