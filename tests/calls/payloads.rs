//! Large and frequent payloads.

use crate::run;
use coincide::{Main, Rings, Turn};
use std::cell::RefCell;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

#[test]
fn notifications_run_in_order() {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let log = Rc::clone(&seen);
    run(
        |scope| {
            for k in 0..1000_u32 {
                scope.sync().notify("note", (k,))?;
            }
            scope.sync().call::<()>("flush", ())?;
            Ok(())
        },
        move |worker| {
            worker.register("note", move |k: u32| log.borrow_mut().push(k));
            worker.register("flush", || ());
        },
    );
    assert_eq!(*seen.borrow(), (0..1000).collect::<Vec<_>>());
}

#[test]
fn bytes_of_any_size_pass_in_both_directions() {
    let (main, worker) = run(
        |scope| {
            for size in [0, 1, 4096, 300_000, 20 << 20] {
                let sent: Vec<u8> = (0..size).map(|k| (k % 251) as u8).collect();
                let mut bytes = sent.clone();
                scope.sync().call_bytes("reverse", &mut bytes)?;
                bytes.reverse();
                assert!(bytes == sent, "{size}");
            }
            scope.export_bytes("reverse", |bytes| {
                bytes.reverse();
                Ok(())
            });
            Ok(())
        },
        |worker| {
            worker.register_bytes("reverse", |bytes| {
                bytes.reverse();
                Ok(())
            });
        },
    );
    let bytes: Vec<u8> = (0..5 << 20).map(|k: u32| k as u8).collect();
    let reversed = main.block_on(worker.proxy().call_bytes("reverse", bytes.clone())).unwrap();
    assert!(reversed.iter().rev().eq(&bytes));
}

#[test]
fn call_without_room_made_outside_of_turn_continues_in_next_turn() {
    struct Woken(AtomicBool);
    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    let main = Main::new().unwrap();
    let rings = Rings::default().up_capacity(0).down_capacity(0);
    let worker = main.worker().rings(rings).spawn(|scope| {
        scope.export_bytes("length", |bytes| {
            *bytes = bytes.len().to_le_bytes().to_vec();
            Ok(())
        });
        Ok(())
    });
    let worker = worker.unwrap();
    main.block_on(worker.ready()).unwrap();
    let woken = Arc::new(Woken(AtomicBool::new(false)));
    main.set_waker(Some(Arc::clone(&woken).into())).unwrap();
    while main.turn(Duration::from_millis(1)) == Turn::More {}
    woken.0.store(false, Ordering::SeqCst);

    let mut call = pin!(worker.proxy().call_bytes("length", vec![1; 1 << 20]));
    let mut context = Context::from_waker(Waker::noop());
    let start = Instant::now();
    loop {
        if let Poll::Ready(result) = call.as_mut().poll(&mut context) {
            assert_eq!(result.unwrap(), (1_usize << 20).to_le_bytes());
            return;
        }
        // Takes a turn only after the doorbell has rung.
        if woken.0.swap(false, Ordering::SeqCst) {
            while main.turn(Duration::from_millis(1)) == Turn::More {}
        }
        assert!(start.elapsed() < Duration::from_secs(20), "the doorbell does not ring for another turn");
        std::thread::yield_now();
    }
}
