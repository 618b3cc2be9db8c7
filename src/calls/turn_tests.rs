//! How long turns and waits last when functions are slow, and calls keep coming: under a virtual clock, with both ends in one thread.

use super::clock;
use crate::{CallErrorKind, CancelToken, Driver, Main, Turn, Worker};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

const MILLISECOND: Duration = Duration::from_millis(1);

const BUDGET: Duration = Duration::from_millis(2);

/// The clock is read after this number of actions.
const SHARE: u32 = 8;

/// More than all shares of a test.
const MANY: u32 = 200;

fn linked(main: &Main) -> (Worker, Driver) {
    let (worker, detached) = main.worker().detached().unwrap();
    let driver = detached.attach();
    driver.scope().ready().unwrap();
    (worker, driver)
}

/// Takes turns of all until nothing happens.
fn settle(main: &Main, drivers: &[&Driver]) {
    for _ in 0..8 {
        let _ = main.turn(BUDGET);
        drivers.iter().for_each(|driver| _ = driver.turn(BUDGET));
    }
}

/// A function that takes a millisecond, and how often it has run.
fn slow() -> (Rc<Cell<u32>>, impl Fn() + Clone + 'static) {
    let runs = Rc::new(Cell::new(0));
    let counted = Rc::clone(&runs);
    let run = move || {
        clock::advance(MILLISECOND);
        counted.set(counted.get() + 1);
    };
    (runs, run)
}

#[test]
fn turn_of_main_ends_soon_after_its_budget_and_next_turn_serves_next_link() {
    clock::advance(MILLISECOND);
    let main = Main::new().unwrap();
    let links = [linked(&main), linked(&main)];
    settle(&main, &[&links[0].1, &links[1].1]);
    let runs = links.each_ref().map(|(worker, driver)| {
        let (runs, run) = slow();
        worker.register("slow", run);
        for _ in 0..MANY {
            driver.scope().sync().notify("slow", ()).unwrap();
        }
        runs
    });
    let counts = || runs.each_ref().map(|runs| runs.get());
    let mut expected = [0, 0];
    let mut first = None;
    for turn in 0..6 {
        assert_eq!(main.turn(BUDGET), Turn::More);
        let served = usize::from(counts()[1] > expected[1]);
        expected[served] += SHARE;
        assert_eq!(counts(), expected, "turn {turn}: one link has had a share");
        let first = *first.get_or_insert(served);
        assert_eq!(served, (first + turn) % 2, "the links alternate");
    }
}

#[test]
fn turn_of_main_with_slow_async_functions_ends_soon_after_its_budget() {
    clock::advance(MILLISECOND);
    let main = Main::new().unwrap();
    let (worker, driver) = linked(&main);
    settle(&main, &[&driver]);
    let (runs, run) = slow();
    worker.register_async("slow", move || {
        let run = run.clone();
        async move { run() }
    });
    for _ in 0..MANY {
        driver.scope().sync().notify("slow", ()).unwrap();
    }
    let mut turns = 0;
    while runs.get() < MANY {
        let before = runs.get();
        assert_eq!(main.turn(BUDGET), Turn::More);
        assert!(runs.get() - before <= SHARE, "{} in one turn", runs.get() - before);
        turns += 1;
        assert!(turns < 3 * MANY, "{} have run", runs.get());
    }
}

#[test]
fn turn_of_driver_ends_soon_after_its_budget() {
    clock::advance(MILLISECOND);
    for is_async in [false, true] {
        let main = Main::new().unwrap();
        let (worker, driver) = linked(&main);
        settle(&main, &[&driver]);
        let (runs, run) = slow();
        if is_async {
            driver.scope().export_async("slow", move || {
                let run = run.clone();
                async move { run() }
            });
        } else {
            driver.scope().export("slow", run);
        }
        for _ in 0..MANY {
            worker.proxy().notify("slow", ()).unwrap();
        }
        let mut turns = 0;
        while runs.get() < MANY {
            let before = runs.get();
            let _ = driver.turn(BUDGET);
            assert!(runs.get() - before <= SHARE, "{} in one turn", runs.get() - before);
            turns += 1;
            assert!(turns < 3 * MANY, "{} have run", runs.get());
        }
    }
}

#[test]
fn turn_of_driver_reads_clock_once() {
    let main = Main::new().unwrap();
    let (worker, driver) = linked(&main);
    driver.scope().export("nothing", || ());
    settle(&main, &[&driver]);
    for calls in [0, 1, 4] {
        for _ in 0..calls {
            worker.proxy().notify("nothing", ()).unwrap();
        }
        let before = clock::reads();
        let _ = driver.turn(BUDGET);
        assert_eq!(clock::reads() - before, 1, "in a turn with {calls} calls");
    }
}

#[test]
fn flood_of_calls_leaves_time_for_async_exports() {
    clock::advance(MILLISECOND);
    let main = Main::new().unwrap();
    let (worker, driver) = linked(&main);
    settle(&main, &[&driver]);
    let (quick, at) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(None)));
    let counted = Rc::clone(&quick);
    driver.scope().export("quick", move || counted.set(counted.get() + 1));
    let (quick_runs, seen) = (Rc::clone(&quick), Rc::clone(&at));
    driver.scope().export_async("task", move || {
        let (quick, at) = (Rc::clone(&quick_runs), Rc::clone(&seen));
        async move { at.set(Some(quick.get())) }
    });
    worker.proxy().notify("task", ()).unwrap();
    for _ in 0..MANY {
        worker.proxy().notify("quick", ()).unwrap();
    }
    let _ = driver.turn(Duration::MAX);
    assert_eq!(quick.get(), MANY);
    assert!(at.get().is_some_and(|at| at < MANY), "it ran after {:?} calls", at.get());
}

#[test]
fn flood_of_calls_delays_no_deadline_cancellation_or_end_of_sleep() {
    clock::advance(MILLISECOND);
    let main = Main::new().unwrap();
    let (worker, driver) = linked(&main);
    settle(&main, &[&driver]);
    let (runs, run) = slow();
    let token = CancelToken::new();
    let (cancelling, inner) = (Rc::new(Cell::new(false)), token.clone());
    let cancels = Rc::clone(&cancelling);
    driver.scope().export("slow", move || {
        run();
        if cancels.get() {
            inner.cancel();
        }
    });
    let flood = || (0..MANY).for_each(|_| worker.proxy().notify("slow", ()).unwrap());
    let sync = driver.scope().sync();

    flood();
    let error = sync.with_timeout(MILLISECOND).call::<()>("never", ()).unwrap_err();
    assert!(matches!(error.kind, CallErrorKind::TimedOut), "{error}");
    assert_eq!(runs.replace(0), 1, "the deadline passes in the first function");
    settle(&main, &[&driver]);
    while driver.turn(Duration::MAX) == Turn::More {}
    runs.set(0);

    flood();
    cancelling.set(true);
    let error = sync.with_cancel(&token).call::<()>("never", ()).unwrap_err();
    assert!(matches!(error.kind, CallErrorKind::Cancelled), "{error}");
    assert_eq!(runs.get(), 1, "the first function cancels");
    settle(&main, &[&driver]);
    while driver.turn(Duration::MAX) == Turn::More {}
    runs.set(0);

    flood();
    driver.scope().sleep(MILLISECOND).unwrap();
    assert_eq!(runs.get(), 64, "those that had arrived run for a while");
}
