//! Pools of workers.

use coincide::{
    CallError, CallErrorKind, Callback, CloseReason, Main, Pool, PoolFuture, RemoteFunction, RemoteStream, Scope,
    Source, SpawnError, Thrown, Worker, interface,
};
use coincide_proto::conformance::{LIMIT, within};
use futures_util::future::join_all;
use futures_util::{FutureExt, StreamExt};
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

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

/// A function of main that workers wait in until it is opened.
#[derive(Clone, Default)]
struct Gate {
    begun: Rc<Cell<usize>>,
    is_open: Rc<Cell<bool>>,
    wakers: Rc<RefCell<Vec<Waker>>>,
}

impl Gate {
    fn open(&self) {
        self.is_open.set(true);
        self.wakers.take().into_iter().for_each(Waker::wake);
    }

    fn register(&self, worker: &Worker) {
        let gate = self.clone();
        worker.register_async("pass", move |value: u32| {
            let gate = gate.clone();
            gate.begun.set(gate.begun.get() + 1);
            async move {
                poll_fn(|context| {
                    if gate.is_open.get() {
                        return Poll::Ready(());
                    }
                    gate.wakers.borrow_mut().push(context.waker().clone());
                    Poll::Pending
                })
                .await;
                value
            }
        });
    }
}

struct Pooled {
    main: Main,
    pool: Pool,
    gate: Gate,
    /// All workers that were started.
    started: Rc<RefCell<Vec<Worker>>>,
}

fn setup(scope: &Scope) -> Result<(), Thrown> {
    let sync = scope.sync();
    scope.export("inc", |k: u32| k + 1);
    scope.export("wait", move |value: u32| sync.call::<u32>("pass", (value,)).map_err(CallError::into_thrown));
    scope.export("fail", || Err::<(), _>(Thrown::new("RangeError", "too far")));
    let checking = scope.clone();
    scope.export("spin", move || while checking.check().is_ok() {});
    scope.export("deaf", || {
        while IS_DEAF.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    let notified = Rc::new(Cell::new(0_u32));
    let count = Rc::clone(&notified);
    scope.export("note", move |n: u32| notified.set(notified.get() + n));
    scope.export("count", move || count.get());
    scope.export_interface(counter::functions(Counter));
    Ok(())
}

impl Pooled {
    fn new(size: usize) -> Self {
        Self::starting(size, |_| false)
    }

    /// `fails` returns whether the start with this number fails.
    fn starting(size: usize, fails: impl Fn(usize) -> bool + 'static) -> Self {
        let main = Main::new().unwrap();
        let (gate, started) = (Gate::default(), Rc::new(RefCell::new(Vec::new())));
        let pool = main.pool(size, {
            let (gate, started) = (gate.clone(), Rc::clone(&started));
            move |worker| {
                let at = started.borrow().len();
                let worker = if fails(at) {
                    worker.spawn(|_| Err(Thrown::new("Error", "on purpose")))
                } else {
                    worker.spawn(setup)
                }?;
                gate.register(&worker);
                started.borrow_mut().push(worker.clone());
                Ok(worker)
            }
        });
        Self { main, pool: pool.unwrap(), gate, started }
    }

    fn ready(size: usize) -> Self {
        let pooled = Self::new(size);
        pooled.main.block_on(pooled.pool.ready()).unwrap();
        pooled.until(|pooled| pooled.pool.idle() == size);
        pooled
    }

    /// Drives main until the condition holds. Fails after [`LIMIT`].
    fn until(&self, condition: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !condition(self) {
            assert!(start.elapsed() < LIMIT, "the condition does not become true");
            let _ = self.main.turn(Duration::from_millis(1));
        }
    }

    fn counts(&self) -> [usize; 3] {
        [self.pool.size(), self.pool.idle(), self.pool.queued()]
    }

    fn terminate(&self, at: usize) {
        self.started.borrow()[at].clone().terminate();
    }

    fn wait(&self, value: u32) -> PoolFuture<u32> {
        self.pool.proxy().call("wait", (value,))
    }

    fn inc(&self, value: u32) -> PoolFuture<u32> {
        self.pool.proxy().call("inc", (value,))
    }
}

fn kind<T: std::fmt::Debug>(result: Result<T, CallError>) -> CallErrorKind {
    result.unwrap_err().kind
}

fn is_closed<T: std::fmt::Debug>(result: Result<T, CallError>) -> bool {
    matches!(kind(result), CallErrorKind::Closed(_))
}

#[test]
fn calls_go_to_idle_workers_or_wait() {
    let pooled = Pooled::ready(2);
    assert!(pooled.main.block_on(pooled.pool.ready()).unwrap().contains(&"inc".into()));
    let results: Vec<_> = (0..5).map(|value| pooled.wait(value)).collect();
    assert_eq!(pooled.counts(), [2, 0, 3]);
    pooled.until(|pooled| pooled.gate.begun.get() == 2);
    assert_eq!(pooled.counts(), [2, 0, 3]);
    pooled.gate.open();
    let results: Result<Vec<_>, _> = pooled.main.block_on(join_all(results)).into_iter().collect();
    assert_eq!(results.unwrap(), [0, 1, 2, 3, 4]);
    pooled.until(|pooled| pooled.pool.idle() == 2);
    assert_eq!((pooled.gate.begun.get(), pooled.started.borrow().len()), (5, 2));
}

#[test]
fn early_calls_wait_until_workers_are_ready() {
    let pooled = Pooled::new(2);
    let results = [1, 2, 3].map(|value| pooled.inc(value));
    assert_eq!(pooled.counts(), [2, 0, 3]);
    let results = pooled.main.block_on(join_all(results));
    assert_eq!(results.into_iter().map(Result::unwrap).collect::<Vec<_>>(), [2, 3, 4]);
}

#[test]
fn calls_run_without_polling_their_futures() {
    let pooled = Pooled::ready(1);
    let results = [1, 2, 3].map(|value| pooled.inc(value));
    pooled.until(|pooled| pooled.counts() == [1, 1, 0]);
    for (at, result) in results.into_iter().enumerate() {
        assert_eq!(result.now_or_never().unwrap().unwrap() as usize, at + 2);
    }
}

#[test]
fn call_beyond_queue_limit_is_refused() {
    let Pooled { main, pool, gate, started } = Pooled::ready(1);
    let pooled = Pooled { main, pool: pool.with_queue(1), gate, started };
    let results = [pooled.wait(1), pooled.wait(2)];
    let error = pooled.main.block_on(pooled.inc(3)).unwrap_err();
    assert_eq!((&*error.function, &error.kind), ("inc", &CallErrorKind::Busy(1)));
    assert!(error.to_string().contains("1 others are queued"), "{error}");
    pooled.gate.open();
    assert!(pooled.main.block_on(join_all(results)).iter().all(Result::is_ok));
    assert_eq!(pooled.main.block_on(pooled.inc(4)).unwrap(), 5);
}

#[test]
fn timeouts_and_dropped_futures_end_waiting_calls() {
    within(LIMIT, || {
        let pooled = Pooled::ready(1);
        let first = pooled.wait(1);
        let limited = pooled.pool.proxy().with_timeout(Duration::from_millis(15));
        let late = limited.call::<u32>("inc", (2,));
        let dropped = pooled.inc(3);
        let last = pooled.pool.proxy().with_timeout(Duration::from_secs(60)).call::<u32>("inc", (4,));
        assert_eq!(pooled.pool.queued(), 3);
        drop(dropped);
        assert_eq!(pooled.pool.queued(), 2);
        assert_eq!(kind(pooled.main.block_on(late)), CallErrorKind::TimedOut);
        assert_eq!(pooled.pool.queued(), 1);
        pooled.gate.open();
        let (first, last) = pooled.main.block_on(async { (first.await, last.await) });
        assert_eq!((first.unwrap(), last.unwrap()), (1, 5));
    });
}

#[test]
fn worker_that_computes_for_ended_call_is_not_idle() {
    within(LIMIT, || {
        let pooled = Pooled::ready(2);
        IS_DEAF.store(true, Ordering::Relaxed);
        let limited = pooled.pool.proxy().with_timeout(Duration::from_millis(10));
        assert_eq!(kind(pooled.main.block_on(limited.call::<()>("deaf", ()))), CallErrorKind::TimedOut);
        assert_eq!(pooled.pool.idle(), 1);
        drop(pooled.pool.proxy().call::<()>("spin", ()));
        assert_eq!(pooled.pool.idle(), 0);
        pooled.until(|pooled| pooled.pool.idle() == 1);
        assert_eq!(pooled.main.block_on(pooled.inc(1)).unwrap(), 2);
        assert_eq!(pooled.pool.idle(), 1);
        IS_DEAF.store(false, Ordering::Relaxed);
        pooled.until(|pooled| pooled.pool.idle() == 2);
        assert_eq!(pooled.started.borrow().len(), 2);
    });
}

/// Whether the function `deaf` continues.
static IS_DEAF: AtomicBool = AtomicBool::new(false);

#[test]
fn failed_call_keeps_its_worker() {
    let pooled = Pooled::ready(1);
    for retrying in [pooled.pool.proxy(), pooled.pool.proxy().with_retry()] {
        let error = pooled.main.block_on(retrying.call::<()>("fail", ())).unwrap_err();
        assert_eq!(error.thrown().unwrap().class, "RangeError");
    }
    assert_eq!((pooled.main.block_on(pooled.inc(1)).unwrap(), pooled.started.borrow().len()), (2, 1));
}

#[test]
fn calls_of_ended_worker_fail_and_next_call_replaces_it() {
    within(LIMIT, || {
        let pooled = Pooled::ready(2);
        let [one, two] = [pooled.wait(1), pooled.wait(2)];
        pooled.until(|pooled| pooled.gate.begun.get() == 2);
        pooled.terminate(0);
        assert!(is_closed(pooled.main.block_on(one)));
        assert_eq!((pooled.counts(), pooled.started.borrow().len()), ([1, 0, 0], 2));
        assert_eq!(pooled.main.block_on(pooled.inc(3)).unwrap(), 4);
        assert_eq!((pooled.pool.size(), pooled.started.borrow().len()), (2, 3));
        pooled.gate.open();
        assert_eq!(pooled.main.block_on(two).unwrap(), 2);
        for at in 0..3 {
            pooled.terminate(at);
        }
        let results = pooled.main.block_on(join_all([4, 5, 6].map(|value| pooled.inc(value))));
        assert_eq!(results.into_iter().map(Result::unwrap).collect::<Vec<_>>(), [5, 6, 7]);
        assert_eq!((pooled.pool.size(), pooled.started.borrow().len()), (2, 5));
    });
}

#[test]
fn only_retrying_proxy_repeats_calls() {
    let pooled = Pooled::ready(1);
    let once = pooled.wait(1);
    pooled.until(|pooled| pooled.gate.begun.get() == 1);
    pooled.terminate(0);
    assert!(is_closed(pooled.main.block_on(once)));
    assert_eq!(pooled.started.borrow().len(), 1);
    let again = pooled.pool.proxy().with_retry().call::<u32>("wait", (2,));
    pooled.until(|pooled| pooled.gate.begun.get() == 2);
    pooled.terminate(1);
    pooled.until(|pooled| pooled.gate.begun.get() == 3);
    pooled.gate.open();
    assert_eq!(pooled.main.block_on(again).unwrap(), 2);
    assert_eq!(pooled.started.borrow().len(), 3);
}

#[test]
fn call_that_ends_its_workers_is_tried_three_times() {
    within(LIMIT, || {
        let pooled = Pooled::ready(1);
        let poison = pooled.pool.proxy().with_retry().call::<u32>("wait", (1,));
        let other = pooled.inc(2);
        for times in 1..=3 {
            pooled.until(|pooled| pooled.gate.begun.get() == times);
            pooled.terminate(pooled.started.borrow().len() - 1);
        }
        assert!(is_closed(pooled.main.block_on(poison)));
        assert_eq!(pooled.main.block_on(other).unwrap(), 3);
        assert_eq!(pooled.gate.begun.get(), 3);
    });
}

#[test]
fn workers_that_never_start_fail_waiting_calls() {
    within(LIMIT, || {
        let pooled = Pooled::starting(1, |at| at > 0);
        assert_eq!(pooled.main.block_on(pooled.inc(1)).unwrap(), 2);
        pooled.terminate(0);
        let results = pooled.main.block_on(join_all([1, 2].map(|value| pooled.inc(value))));
        for result in results {
            let error = result.unwrap_err();
            let CallErrorKind::Closed(closed) = &error.kind else { panic!("{error}") };
            assert_eq!(closed.reason, CloseReason::FAILED);
            assert!(error.to_string().contains("the last 3 workers of the pool have failed to start"), "{error}");
            assert!(error.to_string().contains("on purpose"), "{error}");
        }
        assert_eq!((pooled.counts(), pooled.started.borrow().len()), ([0, 0, 0], 4));
        // A later call makes one attempt.
        assert!(is_closed(pooled.main.block_on(pooled.inc(3))));
        assert_eq!(pooled.started.borrow().len(), 5);
    });
}

#[test]
fn failed_start_returns_error_and_leaves_no_worker() {
    let main = Main::new().unwrap();
    let first = Rc::new(RefCell::new(None));
    let kept = Rc::clone(&first);
    let error = main
        .pool(2, move |worker| {
            if kept.borrow().is_some() {
                return Err(SpawnError::NameTaken("two".into()));
            }
            let worker = worker.spawn(setup)?;
            kept.replace(Some(worker.clone()));
            Ok(worker)
        })
        .unwrap_err();
    assert!(matches!(error, SpawnError::NameTaken(_)));
    assert!(first.borrow().as_ref().unwrap().closed().is_some());
    let same = main.spawn(setup).unwrap();
    let error = main.pool(2, move |_| Ok(same.clone())).unwrap_err();
    assert!(error.to_string().contains("returned a worker of the pool again"), "{error}");
}

#[test]
fn workers_ended_before_return_fail_waiting_calls() {
    within(LIMIT, || {
        let main = Main::new().unwrap();
        let started = Rc::new(Cell::new(0));
        let count = Rc::clone(&started);
        let pool = main
            .pool(2, move |worker| {
                let worker = worker.spawn(setup)?;
                count.set(count.get() + 1);
                assert!(count.get() < 20, "workers are started indefinitely");
                worker.terminate();
                Ok(worker)
            })
            .unwrap();
        let result = main.block_on(pool.proxy().call::<u32>("inc", (1,)));
        assert!(result.unwrap_err().to_string().contains("workers of the pool have failed to start"));
        assert_eq!(pool.size(), 0);
    });
}

#[test]
fn calls_made_while_starting_worker_start_no_further_worker() {
    let main = Main::new().unwrap();
    let own = Rc::new(RefCell::new(None::<Pool>));
    let started = Rc::new(RefCell::new(Vec::new()));
    let (of_pool, kept) = (Rc::clone(&own), Rc::clone(&started));
    let pool = main
        .pool(2, move |worker| {
            assert!(kept.borrow().len() < 10, "workers are started indefinitely");
            if let Some(pool) = &*of_pool.borrow() {
                drop(pool.proxy().call::<u32>("inc", (1,)));
            }
            let worker = worker.spawn(setup)?;
            kept.borrow_mut().push(worker.clone());
            Ok(worker)
        })
        .unwrap();
    own.replace(Some(pool.clone()));
    main.block_on(pool.ready()).unwrap();
    started.borrow().iter().for_each(Worker::terminate);
    assert_eq!(main.block_on(pool.proxy().call::<u32>("inc", (4,))).unwrap(), 5);
    assert!(started.borrow().len() <= 4 && pool.size() <= 2);
    own.take();
}

#[test]
fn panic_while_starting_worker_leaves_pool_usable() {
    let panics = Rc::new(Cell::new(false));
    let now = Rc::clone(&panics);
    let pooled = Pooled::starting(1, move |_| {
        assert!(!now.take(), "no worker can be started");
        false
    });
    pooled.main.block_on(pooled.pool.ready()).unwrap();
    pooled.terminate(0);
    panics.set(true);
    let call = || pooled.main.block_on(pooled.inc(1));
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)).is_err());
    assert_eq!(call().unwrap(), 2);
}

#[test]
#[should_panic(expected = "at least one worker")]
fn pool_of_size_zero_panics() {
    let main = Main::new().unwrap();
    let _ = main.pool(0, |worker| worker.spawn(setup));
}

#[test]
fn notification_reaches_each_worker() {
    let pooled = Pooled::ready(3);
    pooled.terminate(1);
    pooled.pool.notify("note", (2_u32,)).unwrap();
    let counts = [0, 2].map(|at| pooled.started.borrow()[at].proxy().call::<u32>("count", ()));
    assert_eq!(pooled.main.block_on(join_all(counts)).into_iter().map(Result::unwrap).collect::<Vec<_>>(), [2, 2]);
    pooled.pool.terminate();
    assert!(is_closed(pooled.pool.notify("note", (1_u32,))));
}

#[test]
fn typed_client_calls_through_pool() {
    let pooled = Pooled::ready(2);
    let client = counter::Client::new(pooled.pool.proxy());
    let results = pooled.main.block_on(join_all((0..10).map(|k| client.inc(k))));
    assert_eq!(results.into_iter().map(Result::unwrap).collect::<Vec<_>>(), (1..=10).collect::<Vec<_>>());
}

#[test]
fn terminate_ends_all_calls_of_pool() {
    within(LIMIT, || {
        let pooled = Pooled::ready(1);
        let results = [pooled.wait(1), pooled.wait(2), pooled.pool.proxy().with_retry().call("inc", (3,))];
        pooled.until(|pooled| pooled.gate.begun.get() == 1);
        pooled.pool.terminate();
        pooled.pool.terminate();
        assert!(pooled.main.block_on(join_all(results)).into_iter().all(is_closed));
        assert!(is_closed(pooled.main.block_on(pooled.inc(1))));
        assert_eq!((pooled.counts(), pooled.started.borrow().len()), ([0, 0, 0], 1));
    });
}

#[test]
fn dropped_last_handle_or_main_ends_workers_and_calls() {
    within(LIMIT, || {
        let Pooled { main, pool, gate: _, started } = Pooled::ready(1);
        let proxy = pool.proxy();
        let results = [proxy.call::<u32>("wait", (1,)), proxy.call("wait", (2,))];
        drop(pool);
        assert!(started.borrow()[0].closed().is_none());
        drop(proxy);
        assert!(started.borrow()[0].closed().is_some());
        assert!(main.block_on(join_all(results)).into_iter().all(is_closed));

        let Pooled { main, pool, .. } = Pooled::ready(1);
        let results = [pool.proxy().call::<u32>("wait", (1,)), pool.proxy().call("wait", (2,))];
        drop(main);
        assert!(results.into_iter().all(|result| is_closed(result.now_or_never().unwrap())));
        assert!(is_closed(pool.proxy().call::<u32>("inc", (1,)).now_or_never().unwrap()));
    });
}

#[test]
fn arguments_are_encoded_when_call_is_made() {
    let pooled = Pooled::ready(1);
    let first = pooled.wait(1);
    let error = pooled.main.block_on(pooled.pool.proxy().call::<()>("inc", (Unsendable,))).unwrap_err();
    assert!(matches!(error.kind, CallErrorKind::Arguments(_)), "{error}");
    assert_eq!(pooled.pool.queued(), 0);
    pooled.gate.open();
    assert_eq!(pooled.main.block_on(first).unwrap(), 1);
}

struct Unsendable;

impl serde::Serialize for Unsendable {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("it cannot be sent"))
    }
}

#[test]
fn functions_and_streams_pass_through_pools() {
    let main = Main::new().unwrap();
    let pool = main
        .pool(2, |worker| {
            worker.spawn(|scope| {
                scope.export("apply", |function: RemoteFunction, number: u32| {
                    function.call_blocking::<u32>((number,)).map_err(CallError::into_thrown)
                });
                scope.export("first", |rows: RemoteStream<u32>| {
                    rows.into_blocking().next().expect("a row").map_err(CallError::into_thrown)
                });
                scope.export("adder", |first: u32| Callback::new(move |second: u32| first + second));
                scope.export("rows", |count: u32| Source::new(0..count));
                scope.export("kept", {
                    let kept: RefCell<Vec<RemoteFunction>> = RefCell::default();
                    move |function: RemoteFunction| kept.borrow_mut().push(function)
                });
                scope.export("nothing", || ());
                Ok(())
            })
        })
        .unwrap();
    let proxy = pool.proxy();
    let owner = Rc::new(());
    let double = |owner: &Rc<()>| {
        let owner = Rc::clone(owner);
        Callback::new(move |number: u32| (number * 2, Rc::strong_count(&owner)).0)
    };
    // More calls than workers, so that some are encoded before their worker is known.
    let calls = (0..8).map(|number| proxy.call::<u32>("apply", (double(&owner), number)));
    let doubled: Result<Vec<_>, _> = main.block_on(join_all(calls.collect::<Vec<_>>())).into_iter().collect();
    assert_eq!(doubled.unwrap(), (0..8).map(|number| number * 2).collect::<Vec<_>>());
    assert_eq!(main.block_on(proxy.call::<u32>("first", (Source::new(5..9_u32),))), Ok(5));
    let adder: RemoteFunction = main.block_on(proxy.call("adder", (40,))).unwrap();
    assert_eq!(main.block_on(adder.call::<u32>((2,))), Ok(42));
    let rows: RemoteStream<u32> = main.block_on(proxy.call("rows", (3,))).unwrap();
    assert_eq!(main.block_on(rows.collect::<Vec<_>>()), [Ok(0), Ok(1), Ok(2)]);
    let error = main.block_on(proxy.call::<u32>("apply", (&adder, 1))).unwrap_err();
    assert!(error.to_string().contains("pass a `Callback` that calls it"), "{error}");

    // Callbacks in unsent arguments and in unread results are released.
    assert!(main.block_on(proxy.call::<u32>("unknown", (double(&owner),))).is_err());
    drop(proxy.call::<u32>("apply", (double(&owner), 1)));
    let unread = proxy.call::<RemoteFunction>("adder", (1,));
    for _ in 0..1000 {
        if Rc::strong_count(&owner) == 1 {
            break;
        }
        main.block_on(join_all([proxy.call::<()>("nothing", ()), proxy.call::<()>("nothing", ())]));
    }
    assert_eq!(Rc::strong_count(&owner), 1);
    drop(unread);
    // A callback held by a worker lives as long as its link.
    main.block_on(proxy.call::<()>("kept", (double(&owner),))).unwrap();
    assert_eq!(Rc::strong_count(&owner), 2);
    pool.terminate();
    assert_eq!(Rc::strong_count(&owner), 1);
}

#[test]
fn retried_call_passes_its_callbacks_again() {
    let main = Main::new().unwrap();
    let started: Rc<RefCell<Vec<Worker>>> = Rc::default();
    let workers = Rc::clone(&started);
    let pool = main
        .pool(1, move |worker| {
            let worker = worker.spawn(|scope| {
                scope.export("apply", |function: RemoteFunction| {
                    function.call_blocking::<usize>(()).map_err(CallError::into_thrown)
                });
                Ok(())
            })?;
            workers.borrow_mut().push(worker.clone());
            Ok(worker)
        })
        .unwrap();
    let ends = Callback::new(move || {
        let started = started.borrow();
        if started.len() == 1 {
            started[0].terminate();
        }
        started.len()
    });
    assert_eq!(main.block_on(pool.proxy().with_retry().call::<usize>("apply", (ends,))), Ok(2));
}
