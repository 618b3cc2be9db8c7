//! Endpoints in event loops: workers that a driver drives, and main as a future.

use coincide::{
    CallError, CallErrorKind, Callback, CloseReason, ClosedBy, Config, Driver, Main, RemoteFunction, Scope, SendError,
    Turn, Worker,
};
use coincide_proto::conformance::{LIMIT, within};
use futures_util::FutureExt;
use futures_util::future::{Either, select};
use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Wake, Waker};
use std::thread::JoinHandle;
use std::time::Duration;

/// Main and a worker that take turns in one thread.
struct Pair {
    main: Main,
    worker: Worker,
    driver: Driver,
}

impl Pair {
    fn new() -> Self {
        let main = Main::new().unwrap();
        let (worker, detached) = main.worker().detached().unwrap();
        Self { main, worker, driver: detached.attach() }
    }

    fn ready() -> Self {
        let pair = Self::new();
        pair.driver.scope().ready().unwrap();
        pair.turns();
        pair
    }

    fn scope(&self) -> &Scope {
        self.driver.scope()
    }

    /// Takes turns until both ends are idle.
    fn turns(&self) {
        for _ in 0..ROUNDS {
            let idle = [self.main.turn(TURN), self.driver.turn(TURN), self.main.turn(TURN)];
            if idle.iter().all(|turn| matches!(turn, Turn::Idle { .. })) {
                return;
            }
        }
        panic!("the ends never come to rest");
    }

    /// The output of a future once both ends are idle.
    fn outcome<F: Future>(&self, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        for _ in 0..4 {
            if let Some(output) = future.as_mut().now_or_never() {
                return Some(output);
            }
            self.turns();
        }
        None
    }
}

/// Drives a worker in an executor on a thread of its own. Returns main, its handle, and what `setup` returned.
fn on_thread<T: Send + 'static>(
    config: Config,
    setup: impl FnOnce(&Scope) -> T + Send + 'static,
) -> (Main, Worker, JoinHandle<T>) {
    let main = Main::new().unwrap();
    let (worker, detached) = main.worker().config(config).detached().unwrap();
    let thread = std::thread::spawn(move || {
        let driver = detached.attach();
        let result = setup(driver.scope());
        driver.scope().ready().unwrap();
        block_on(driver.run());
        result
    });
    (main, worker, thread)
}

/// An executor without timers.
fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// Awaits `future` while main is driven as a future.
async fn beside<F: Future>(main: &Main, future: F) -> F::Output {
    match select(pin!(future), pin!(main.run())).await {
        Either::Left((output, _)) => output,
        Either::Right(_) => panic!("there is a handle of main"),
    }
}

#[test]
fn exports_run_in_turns_of_the_driver() {
    let pair = Pair::new();
    pair.scope().export("double", |k: i32| 2 * k);
    pair.scope().export_async("later", |k: i32| async move {
        tokio::task::yield_now().await;
        k + 1
    });
    pair.scope().ready().unwrap();
    assert_eq!(pair.outcome(pair.worker.ready()).unwrap().unwrap(), ["double", "later"]);
    assert_eq!(pair.outcome(pair.worker.proxy().call("double", (21,))), Some(Ok(42)));
    assert_eq!(pair.outcome(pair.worker.proxy().call("later", (41,))), Some(Ok(42)));
    assert_eq!(pair.driver.turn(TURN), Turn::Idle { timeout: None });
}

#[test]
fn early_calls_run_once_the_worker_is_ready() {
    let pair = Pair::new();
    let mut early = pin!(pair.worker.proxy().call::<i32>("late", ()));
    let mut unknown = pin!(pair.worker.proxy().call::<i32>("unknown", ()));
    assert_eq!(pair.outcome(early.as_mut()), None);
    pair.scope().export("late", || 1);
    assert_eq!(pair.outcome(unknown.as_mut()), None);
    pair.scope().ready().unwrap();
    assert_eq!(pair.outcome(early), Some(Ok(1)));
    let error = pair.outcome(unknown).unwrap().unwrap_err();
    assert!(matches!(error.kind, CallErrorKind::UnknownFunction(_)), "{error}");
}

#[test]
fn worker_in_loop_awaits_calls_of_main() {
    let pair = Pair::ready();
    pair.worker.register("hello", |name: String| format!("Hello, {name}"));
    let proxy = pair.scope().proxy();
    pair.scope().export_async("greet", move || {
        let hello = proxy.call::<String>("hello", ("PyScript",));
        async move { hello.await.map_err(CallError::into_thrown) }
    });
    assert_eq!(pair.outcome(pair.worker.proxy().call("greet", ())), Some(Ok("Hello, PyScript".to_owned())));
}

#[test]
fn cancelled_call_drops_the_future_of_its_export() {
    within(LIMIT, || {
        struct Guard(Rc<Cell<u32>>);

        impl Drop for Guard {
            fn drop(&mut self) {
                self.0.set(self.0.get() + 1);
            }
        }

        let pair = Pair::ready();
        let dropped = Rc::new(Cell::new(0));
        let count = Rc::clone(&dropped);
        pair.scope().export_async("never", move || {
            let guard = Guard(Rc::clone(&count));
            async move {
                pending::<()>().await;
                drop(guard);
            }
        });
        let mut call = Box::pin(pair.worker.proxy().call::<()>("never", ()));
        assert_eq!(pair.outcome(call.as_mut()), None);
        assert_eq!(dropped.get(), 0);
        drop(call);
        pair.turns();
        assert_eq!(dropped.get(), 1);
    });
}

#[test]
fn interrupt_of_an_idle_loop_is_dropped() {
    within(LIMIT, || {
        let pair = Pair::ready();
        let checked = Rc::new(RefCell::new(None));
        let (scope, result) = (pair.scope().clone(), Rc::clone(&checked));
        pair.scope().export("check", move || *result.borrow_mut() = Some(scope.check()));
        pair.worker.interrupt();
        pair.turns();
        assert_eq!(pair.outcome(pair.worker.proxy().call::<()>("check", ())), Some(Ok(())));
        assert_eq!(checked.take(), Some(Ok(())));
    });
}

#[test]
fn termination_ends_loop_and_its_pending_calls() {
    within(LIMIT, || {
        let pair = Pair::ready();
        pair.worker.register_async("never", pending::<()>);
        let mut call = pin!(pair.scope().proxy().call::<()>("never", ()));
        assert_eq!(pair.outcome(call.as_mut()), None);
        assert!(!pair.driver.is_done());
        pair.worker.terminate();
        let error = pair.outcome(call).unwrap().unwrap_err();
        assert!(matches!(error.kind, CallErrorKind::Closed(_)), "{error}");
        assert!(pair.driver.is_done());
        let closed = block_on(pair.driver.run());
        assert_eq!((closed.by, closed.reason), (ClosedBy::Peer, CloseReason::TERMINATED));
    });
}

#[test]
fn dropped_driver_closes_the_link_and_ends_pending_calls() {
    within(LIMIT, || {
        let Pair { main, worker, driver } = Pair::ready();
        let alive = Rc::new(());
        let (captured, scope) = (Rc::clone(&alive), driver.scope().clone());
        driver.scope().export_async("never", move || {
            let captured = (Rc::clone(&captured), scope.clone());
            async move {
                pending::<()>().await;
                drop(captured);
            }
        });
        worker.register_async("never", pending::<()>);
        let scope = driver.scope().clone();
        let (mut of_main, mut of_worker) =
            (worker.proxy().call::<()>("never", ()), scope.proxy().call::<()>("never", ()));
        let _ = (main.turn(TURN), driver.turn(TURN), main.turn(TURN));
        assert!((&mut of_main).now_or_never().is_none() && (&mut of_worker).now_or_never().is_none());
        drop(driver);
        let error = of_worker.now_or_never().unwrap().unwrap_err();
        let CallErrorKind::Closed(closed) = error.kind else { panic!("{error}") };
        assert_eq!((closed.by, closed.reason), (ClosedBy::Here, CloseReason::DONE));
        assert_eq!(Rc::strong_count(&alive), 1, "exports and their futures are dropped");
        let _ = main.turn(TURN);
        let error = of_main.now_or_never().unwrap().unwrap_err();
        let CallErrorKind::Closed(closed) = error.kind else { panic!("{error}") };
        assert_eq!((closed.by, closed.reason), (ClosedBy::Peer, CloseReason::DONE));
        assert_eq!(scope.release(&[1]), Err(SendError::Closed));
    });
}

#[test]
fn dropped_detached_part_closes_the_link() {
    within(LIMIT, || {
        let main = Main::new().unwrap();
        let (worker, detached) = main.worker().name("unused").detached().unwrap();
        let call = worker.proxy().call::<()>("never", ());
        drop(detached);
        let error = main.block_on(call).unwrap_err();
        assert!(matches!(error.kind, CallErrorKind::Closed(_)), "{error}");
        assert!(main.worker().name("unused").detached().is_ok(), "the name is free again");
    });
}

#[test]
fn export_that_takes_a_turn_panics() {
    let pair = Rc::new(Pair::ready());
    let weak = Rc::downgrade(&pair);
    pair.scope().export("turn", move || {
        let _ = weak.upgrade().unwrap().driver.turn(TURN);
    });
    let error = pair.outcome(pair.worker.proxy().call::<()>("turn", ())).unwrap().unwrap_err();
    assert!(error.to_string().contains("an export must not call `turn`"), "{error}");
    assert_eq!(pair.outcome(pair.worker.ready()).map(|ready| ready.is_ok()), Some(true), "turns continue");
}

#[test]
fn idle_turn_returns_time_until_deadline() {
    let pair = Pair::ready();
    pair.worker.register_async("never", pending::<()>);
    let hour = Duration::from_secs(3600);
    let call = pair.scope().proxy().with_timeout(hour).call::<()>("never", ());
    pair.turns();
    let Turn::Idle { timeout: Some(timeout) } = pair.driver.turn(TURN) else { panic!() };
    assert!(timeout <= hour);
    drop(call);
    pair.turns();
    assert_eq!(pair.driver.turn(TURN), Turn::Idle { timeout: None });
}

#[test]
fn call_of_main_wakes_waker_of_idle_driver() {
    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    let pair = Pair::ready();
    let count = Arc::new(Count::default());
    assert_eq!(pair.driver.turn(TURN), Turn::Idle { timeout: None });
    pair.driver.set_waker(Some(Waker::from(Arc::clone(&count)))).unwrap();
    let before = count.0.load(Ordering::SeqCst);
    pair.worker.proxy().notify("anything", ()).unwrap();
    let _ = pair.main.turn(TURN);
    assert_eq!(count.0.load(Ordering::SeqCst), before + 1);
}

#[cfg(target_os = "linux")]
#[test]
#[allow(deprecated, reason = "what replaces `with_interest` is newer than the oldest tokio that works")]
fn call_of_main_makes_descriptor_of_idle_driver_readable() {
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    let pair = Pair::ready();
    let fd = std::os::fd::AsFd::as_fd(&pair.driver).try_clone_to_owned().unwrap();
    tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap().block_on(async {
        let fd = AsyncFd::with_interest(fd, Interest::READABLE).unwrap();
        for k in 0..3 {
            assert_eq!(pair.driver.turn(TURN), Turn::Idle { timeout: None }, "{k}");
            pair.worker.proxy().notify("anything", ()).unwrap();
            let _ = pair.main.turn(TURN);
            fd.readable().await.unwrap().clear_ready();
        }
    });
}

#[test]
fn blocked_worker_in_loop_runs_nested_calls() {
    let (main, worker, thread) = on_thread(Config::default(), |scope| {
        scope.export("quick", |k: i32| k + 1);
        let sync = scope.sync();
        scope.export("start", move || sync.call::<i32>("ask", (20,)).map_err(CallError::into_thrown));
    });
    let proxy = worker.proxy();
    worker.register_async("ask", move |k: i32| {
        let quick = proxy.call::<i32>("quick", (k,));
        async move { quick.await.map(|k| 2 * k).map_err(CallError::into_thrown) }
    });
    assert_eq!(main.block_on(worker.proxy().call("start", ())), Ok(42));
    assert_eq!(main.block_on(worker.proxy().call("start", ())), Ok(42));
    worker.terminate();
    thread.join().unwrap();
}

#[test]
fn async_exports_are_deferred_while_worker_in_loop_is_blocked() {
    let (main, worker, thread) = on_thread(Config::default(), |scope| {
        scope.export_async("slow", |k: i32| async move { 2 * k });
        let sync = scope.sync();
        scope.export("start", move || sync.call::<i32>("ask", ()).map_err(CallError::into_thrown));
    });
    let deferred = Rc::new(RefCell::new(None));
    let (proxy, slow) = (worker.proxy(), Rc::clone(&deferred));
    worker.register("ask", move || {
        *slow.borrow_mut() = Some(proxy.call::<i32>("slow", (21,)));
        1
    });
    assert_eq!(main.block_on(worker.proxy().call("start", ())), Ok(1));
    let slow = deferred.take().unwrap();
    assert_eq!(main.block_on(slow), Ok(42));
    worker.terminate();
    thread.join().unwrap();
}

#[test]
fn call_awaited_by_parent_is_a_deadlock_in_loop() {
    within(LIMIT, || {
        let config = Config { deadlock_timeout: Duration::from_millis(20), ..Config::default() };
        let (main, worker, thread) = on_thread(config, |scope| {
            scope.export_async("slow", |k: i32| async move { 2 * k });
            let sync = scope.sync();
            scope.export("start", move || sync.call::<i32>("ask", ()).map_err(CallError::into_thrown));
        });
        let proxy = worker.proxy();
        worker.register_async("ask", move || {
            let slow = proxy.call::<i32>("slow", (21,));
            async move { slow.await.map_err(CallError::into_thrown) }
        });
        let error = main.block_on(worker.proxy().call::<i32>("start", ())).unwrap_err();
        assert!(error.to_string().contains("`slow` would wait for itself"), "{error}");
        worker.terminate();
        thread.join().unwrap();
    });
}

#[test]
fn interrupt_ends_the_blocked_call_of_a_worker_in_a_loop() {
    within(LIMIT, || {
        let (main, worker, thread) = on_thread(Config::default(), |scope| {
            let sync = scope.sync();
            scope.export("start", move || sync.call::<()>("never", ()).unwrap_err().kind == CallErrorKind::Interrupted);
        });
        let handle = worker.clone();
        worker.register_async("never", move || {
            handle.interrupt();
            pending::<()>()
        });
        assert_eq!(main.block_on(worker.proxy().call("start", ())), Ok(true));
        worker.terminate();
        thread.join().unwrap();
    });
}

#[test]
fn timeout_of_main_cancels_the_blocked_call_of_a_worker_in_a_loop() {
    within(LIMIT, || {
        let (main, worker, thread) = on_thread(Config::default(), |scope| {
            let (sync, outcome) = (scope.sync(), Rc::new(Cell::new(false)));
            let cancelled = Rc::clone(&outcome);
            scope.export("start", move || {
                cancelled.set(sync.call::<()>("never", ()).unwrap_err().kind == CallErrorKind::Cancelled);
            });
            scope.export("was_cancelled", move || outcome.get());
        });
        let blocks = Rc::new(Cell::new(false));
        worker.register_async("never", {
            let blocks = Rc::clone(&blocks);
            move || {
                blocks.set(true);
                pending::<()>()
            }
        });
        // On a slow machine a call may time out before it begins.
        while !blocks.get() {
            let call = worker.proxy().with_timeout(Duration::from_millis(20)).call::<()>("start", ());
            assert_eq!(main.block_on(call).unwrap_err().kind, CallErrorKind::TimedOut);
        }
        assert_eq!(main.block_on(worker.proxy().call("was_cancelled", ())), Ok(true));
        worker.terminate();
        thread.join().unwrap();
    });
}

#[test]
fn main_runs_as_a_future_beside_other_tasks() {
    let main = Main::new().unwrap();
    let worker = main
        .spawn(|scope| {
            let answer: i32 = scope.sync().call("ask", (20,))?;
            scope.export("answer", move || answer);
            Ok(())
        })
        .unwrap();
    worker.register_async("ask", |k: i32| async move {
        tokio::task::yield_now().await;
        k + 22
    });
    let ticks = Cell::new(0_u32);
    block_on(async {
        let tick = poll_fn::<(), _>(|context| {
            ticks.set(ticks.get() + 1);
            context.waker().wake_by_ref();
            Poll::Pending
        });
        let call = async { worker.proxy().call::<i32>("answer", ()).await };
        match select(pin!(beside(&main, call)), pin!(tick)).await {
            Either::Left((answer, _)) => assert_eq!(answer, Ok(42)),
            Either::Right(_) => unreachable!("ticks never end"),
        }
    });
    assert!(ticks.get() > 1, "the executor runs other tasks in between");
}

#[test]
fn deadlines_pass_in_executors_without_timers() {
    within(LIMIT, || {
        let (main, worker, thread) = on_thread(Config::default(), |scope| {
            let proxy = scope.proxy().with_timeout(Duration::from_millis(20));
            scope.export_async("ask", move || {
                let call = proxy.call::<()>("never", ());
                async move { call.await.unwrap_err().kind == CallErrorKind::TimedOut }
            });
        });
        worker.register_async("never", pending::<()>);
        assert_eq!(block_on(beside(&main, worker.proxy().call("ask", ()))), Ok(true));
        let call = worker.proxy().with_timeout(Duration::from_millis(1)).call::<()>("ask", ());
        assert_eq!(block_on(beside(&main, call)).unwrap_err().kind, CallErrorKind::TimedOut);
        worker.terminate();
        thread.join().unwrap();
    });
}

#[test]
fn run_ends_when_the_last_handle_of_main_is_dropped() {
    within(LIMIT, || {
        let main = Main::new().unwrap();
        let worker = main.spawn(|_| Ok(())).unwrap();
        let run = main.run();
        block_on(async {
            let mut run = pin!(run);
            assert!(run.as_mut().now_or_never().is_none());
            drop(main);
            run.await;
        });
        assert!(worker.closed().is_some());
    });
}

#[test]
fn function_that_main_drops_between_turns_is_released() {
    within(LIMIT, || {
        /// Wakes the task that waits for its end.
        struct Owner(Arc<Mutex<Option<Waker>>>, Arc<AtomicUsize>);

        impl Drop for Owner {
            fn drop(&mut self) {
                self.1.fetch_add(1, Ordering::SeqCst);
                if let Some(waker) = self.0.lock().unwrap().take() {
                    waker.wake();
                }
            }
        }

        let (waker, dropped) = (Arc::new(Mutex::new(None)), Arc::new(AtomicUsize::new(0)));
        let parts = (Arc::clone(&waker), Arc::clone(&dropped));
        let (main, worker, thread) = on_thread(Config::default(), |scope| {
            scope.export("give", move || {
                let owner = Owner(Arc::clone(&parts.0), Arc::clone(&parts.1));
                Callback::new(move || owner.1.load(Ordering::SeqCst))
            });
        });
        let function: RemoteFunction = block_on(beside(&main, worker.proxy().call("give", ()))).unwrap();
        assert_eq!(block_on(beside(&main, function.call::<usize>(()))), Ok(0));
        let mut function = Some(function);
        // Nothing polls this again before the function is dropped.
        let released = poll_fn(|context| {
            if dropped.load(Ordering::SeqCst) == 1 {
                return Poll::Ready(());
            }
            waker.lock().unwrap().replace(context.waker().clone());
            drop(function.take());
            Poll::Pending
        });
        block_on(beside(&main, released));
        worker.terminate();
        thread.join().unwrap();
    });
}

const ROUNDS: usize = 1000;

const TURN: Duration = Duration::from_secs(10);
