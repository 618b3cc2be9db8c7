//! Proxies for other threads.

use coincide::{CallError, CallErrorKind, Config, Main, SharedFuture, SharedProxy, Thrown, Worker, interface};
use coincide_proto::conformance::{LIMIT, within};
use futures_util::future::join_all;
use std::cell::Cell;
use std::future::pending;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, JoinHandle};
use std::time::Duration;

interface! {
    mod counter {
        fn inc(k: u64) -> u64;
    }
}

struct Counter;

impl counter::Service for Counter {
    fn inc(&self, k: u64) -> Result<u64, Thrown> {
        Ok(k + 1)
    }
}

fn link() -> (Main, Worker) {
    let main = Main::new().unwrap();
    let worker = main
        .spawn(|scope| {
            let (sync, count) = (scope.sync(), Rc::new(Cell::new(0_u32)));
            let notified = Rc::clone(&count);
            scope.export("inc", |k: u64| k + 1);
            scope.export("ask", move |name: String| sync.call::<u32>(&name, ()).map_err(CallError::into_thrown));
            scope.export("count", move || count.get());
            scope.export("note", move || notified.set(notified.get() + 1));
            scope.export_async("never", pending::<()>);
            scope.export_interface(counter::functions(Counter));
            Ok(())
        })
        .unwrap();
    (main, worker)
}

/// Drives main until the thread has ended. Returns what it returned.
fn beside<T: Send + 'static>(main: &Main, run: impl FnOnce() -> T + Send + 'static) -> T {
    beside_all(main, vec![thread::spawn(run)]).remove(0)
}

fn beside_all<T: Send + 'static>(main: &Main, threads: Vec<JoinHandle<T>>) -> Vec<T> {
    let main_thread = thread::current();
    let waiting = thread::spawn(move || {
        let results: Vec<T> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        main_thread.unpark();
        results
    });
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
        tokio::select! {
            results = tokio::task::spawn_blocking(move || waiting.join().unwrap()) => results.unwrap(),
            () = main.run() => panic!("there is a handle of main"),
        }
    })
}

/// Polls once, with a waker that does nothing.
fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    std::pin::Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

fn turns(main: &Main) {
    for _ in 0..20 {
        let _ = main.turn(Duration::from_millis(1));
    }
}

fn kind<T: std::fmt::Debug>(result: Result<T, CallError>) -> CallErrorKind {
    result.unwrap_err().kind
}

#[test]
fn shared_proxies_and_their_futures_are_send_and_sync() {
    fn check<T: Send + Sync + 'static>() {}

    check::<SharedProxy>();
    check::<SharedFuture<String>>();
    check::<counter::Client<SharedProxy>>();
}

#[test]
fn concurrent_threads_receive_their_own_results() {
    const THREADS: u64 = 8;
    const CALLS: u64 = 500;

    let (main, worker) = link();
    let threads = (0..THREADS).map(|thread| {
        let proxy = worker.shared_proxy();
        thread::spawn(move || {
            let first = thread * CALLS;
            let blocking = (first..first + CALLS / 2).filter(|k| proxy.call_blocking("inc", (k,)) == Ok(k + 1)).count();
            let client = counter::Client::new(proxy);
            let calls: Vec<_> = (first..first + CALLS / 2).map(|k| client.inc(k)).collect();
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let results = runtime.block_on(join_all(calls));
            let awaited = results.iter().zip(first..).filter(|(result, k)| **result == Ok(k + 1)).count();
            blocking + awaited
        })
    });
    let correct: usize = beside_all(&main, threads.collect()).iter().sum();
    assert_eq!(correct as u64, THREADS * CALLS);
}

#[test]
fn calls_of_one_thread_reach_the_worker_in_order() {
    let (main, worker) = link();
    let proxy = worker.shared_proxy();
    let counts = beside(&main, move || {
        (0..100)
            .map(|_| {
                proxy.notify("note", ()).unwrap();
                proxy.call_blocking::<u32>("count", ()).unwrap()
            })
            .collect::<Vec<_>>()
    });
    assert_eq!(counts, (1..=100).collect::<Vec<_>>());
}

#[test]
fn function_registered_by_another_thread_runs_on_thread_of_main() {
    let (main, worker) = link();
    let (proxy, runs) = (worker.shared_proxy(), Arc::new(AtomicU32::new(0)));
    let (main_thread, counted) = (thread::current().id(), Arc::clone(&runs));
    let (first, second, gone) = beside(&main, move || {
        let count = Arc::clone(&counted);
        proxy
            .register("here", move || {
                assert_eq!(thread::current().id(), main_thread);
                count.fetch_add(1, Ordering::SeqCst) + 1
            })
            .unwrap();
        let first = proxy.call_blocking::<u32>("ask", ("here",));
        proxy.register_async("here", || async { 40 }).unwrap();
        let second = proxy.call_blocking::<u32>("ask", ("here",));
        proxy.unregister("here").unwrap();
        (first, second, proxy.call_blocking::<u32>("ask", ("here",)))
    });
    assert_eq!((first, second, runs.load(Ordering::SeqCst)), (Ok(1), Ok(40), 1));
    assert_eq!(gone.unwrap_err().thrown().unwrap().class, "CallError");
}

#[test]
fn blocking_call_on_thread_of_main_is_refused() {
    within(LIMIT, || {
        let (main, worker) = link();
        let proxy = worker.shared_proxy();
        assert_eq!(kind(proxy.call_blocking::<u64>("inc", (1,))), CallErrorKind::CannotBlock);
        assert_eq!(main.block_on(proxy.call("inc", (1_u64,))), Ok(2_u64), "awaiting is possible there");
    });
}

#[test]
fn dropped_future_cancels_queued_or_sent_call() {
    within(LIMIT, || {
        let (main, worker) = link();
        main.block_on(worker.ready()).unwrap();
        let proxy = worker.shared_proxy();
        drop(proxy.call::<()>("note", ()));
        assert_eq!(main.block_on(proxy.call("count", ())), Ok(0_u32), "it was dropped before main had sent it");
        let mut never: Vec<_> = (0..300).map(|_| proxy.call::<()>("never", ())).collect();
        turns(&main);
        let mut count = Box::pin(proxy.call::<u32>("count", ()));
        turns(&main);
        assert!(poll_once(&mut count).is_pending(), "256 calls are in flight");
        never.truncate(200);
        assert_eq!(main.block_on(count), Ok(0));
    });
}

#[test]
fn deadlines_pass_in_the_queue_and_in_flight() {
    within(LIMIT, || {
        let (main, worker) = link();
        let proxy = worker.shared_proxy().with_timeout(Duration::from_millis(20));
        let calls: Vec<_> = (0..300).map(|_| proxy.call::<()>("never", ())).collect();
        let results = main.block_on(join_all(calls));
        assert_eq!(results.into_iter().filter(|result| kind(result.clone()) == CallErrorKind::TimedOut).count(), 300);
        assert_eq!(main.block_on(worker.shared_proxy().call("inc", (1_u64,))), Ok(2_u64));
    });
}

#[test]
fn ended_worker_ends_calls_with_closed() {
    within(LIMIT, || {
        let (main, worker) = link();
        main.block_on(worker.ready()).unwrap();
        let proxy = worker.shared_proxy();
        let calls: Vec<_> = (0..300).map(|_| proxy.call::<()>("never", ())).collect();
        turns(&main);
        worker.terminate();
        for result in main.block_on(join_all(calls)) {
            assert!(matches!(kind(result), CallErrorKind::Closed(_)));
        }
        let late = [proxy.clone(), worker.shared_proxy()];
        for proxy in late {
            assert!(matches!(kind(main.block_on(proxy.call::<()>("inc", (1,)))), CallErrorKind::Closed(_)));
            assert!(matches!(kind(proxy.notify("note", ())), CallErrorKind::Closed(_)));
            assert!(matches!(kind(proxy.register("here", || 1)), CallErrorKind::Closed(_)));
        }
    });
}

#[test]
fn dropped_main_ends_calls_with_closed() {
    within(LIMIT, || {
        struct Woken(AtomicU32);

        impl Wake for Woken {
            fn wake(self: Arc<Self>) {
                self.0.fetch_add(1, Ordering::SeqCst);
            }
        }

        let (main, worker) = link();
        let proxy = worker.shared_proxy();
        let woken = Arc::new(Woken(AtomicU32::new(0)));
        let waker = Waker::from(Arc::clone(&woken));
        // A call that main has taken, and one that is still in its mailbox.
        let mut sent = proxy.call::<()>("never", ());
        turns(&main);
        let mut queued = proxy.call::<()>("inc", (1,));
        for call in [&mut sent, &mut queued] {
            assert!(std::pin::Pin::new(call).poll(&mut Context::from_waker(&waker)).is_pending());
        }
        drop(main);
        assert_eq!(woken.0.load(Ordering::SeqCst), 2);
        for mut call in [sent, queued, proxy.call::<()>("inc", (1,)), worker.shared_proxy().call::<()>("inc", (1,))] {
            let Poll::Ready(result) = poll_once(&mut call) else { panic!("every call ends") };
            assert!(matches!(kind(result), CallErrorKind::Closed(_)));
        }
        let blocked = thread::spawn(move || proxy.call_blocking::<u64>("inc", (1,)));
        assert!(matches!(kind(blocked.join().unwrap()), CallErrorKind::Closed(_)));
    });
}

#[test]
fn flood_of_notifications_is_bounded() {
    let (main, worker) = link();
    main.block_on(worker.ready()).unwrap();
    let proxy = worker.shared_proxy();
    let taken = (0..5000).filter(|_| proxy.notify("note", ()).is_ok()).count();
    assert_eq!(taken, 1024);
    assert!(matches!(kind(proxy.notify("note", ())), CallErrorKind::Busy(1024)));
    assert_eq!(main.block_on(proxy.call("count", ())), Ok(1024_u32));
    assert_eq!(proxy.notify("note", ()), Ok(()));
}

#[test]
fn flood_of_one_thread_does_not_delay_others() {
    let (main, worker) = link();
    main.block_on(worker.ready()).unwrap();
    // Each call of the flood waits for 2,000 others in its own thread; the other thread has one at a time.
    let (flood, single) = (worker.shared_proxy(), worker.shared_proxy());
    let calls: Vec<_> = (0..2000_u64).map(|k| flood.call::<u64>("inc", (k,))).collect();
    let (mut local, mut last) = (worker.proxy().call::<u64>("inc", (7_u64,)), single.call::<u64>("inc", (9_u64,)));
    let mut calls = Box::pin(join_all(calls));
    assert_eq!(main.block_on(&mut local), Ok(8), "main's own calls pass the queue");
    assert!(poll_once(&mut calls).is_pending(), "the flood has not ended by then");
    assert_eq!(main.block_on(&mut last), Ok(10));
    assert_eq!(main.block_on(calls).into_iter().filter(Result::is_ok).count(), 2000);
}

#[test]
fn slow_worker_delays_no_calls_of_others() {
    let (main, slow) = link();
    let quick = main.spawn(|scope| {
        scope.export("inc", |k: u64| k + 1);
        Ok(())
    });
    let quick = quick.unwrap();
    let stuck: Vec<_> = (0..400).map(|_| slow.shared_proxy().call::<()>("never", ())).collect();
    assert_eq!(main.block_on(quick.shared_proxy().call("inc", (1_u64,))), Ok(2_u64));
    drop(stuck);
}

#[test]
fn errors_name_function_and_cause() {
    let main = Main::new().unwrap();
    let config = Config { max_message: 4096, ..Config::default() };
    let worker = main.worker().config(config).spawn(|scope| {
        scope.export("fail", || Err::<(), _>(Thrown::new("RangeError", "too far")));
        Ok(())
    });
    let proxy = worker.unwrap().shared_proxy();
    let error = main.block_on(proxy.call::<()>("fail", ())).unwrap_err();
    assert_eq!(error.to_string(), "`fail` threw RangeError: too far");
    let error = main.block_on(proxy.call::<()>("nope", ())).unwrap_err();
    assert!(matches!((&*error.function, error.kind), ("nope", CallErrorKind::UnknownFunction(_))));
}
