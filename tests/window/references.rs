//! References to objects of main: how often they are released, and what keeps them.

use crate::{object, parts, play, released, sizes};
use coincide::raw::{Format, RawReply};
use coincide::window::Callback;
use coincide::{CallError, CallErrorKind, Main, Scope, Thrown, Value};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::mpsc;

#[test]
fn dropped_references_are_released_once_for_each_arrival() {
    fn does(scope: &Scope) -> Result<(), Thrown> {
        let window = scope.window();
        let first = window.get("same")?.resolve()?;
        let second = window.get("same")?.resolve()?;
        assert_eq!(first, second);
        drop(first);
        assert_eq!(sizes(scope), (1, 0));
        // A value that is read as another type keeps no object.
        let wrong = window.get("other")?.read::<String>().unwrap_err();
        assert!(matches!(wrong, CallError { kind: CallErrorKind::Result(_), .. }), "{wrong}");
        window.run("other", ())?;
        drop(second);
        assert_eq!(sizes(scope), (0, 0));
        scope.export("done", || ());
        Ok(())
    }
    let (main, worker) = play(does, |operation| match parts(operation)[2].as_str() {
        Some("same") => Ok(object(5)),
        _ => Ok(Value::Array(vec![object(6), object(7), object(6)])),
    });
    let released = released(&worker);
    main.block_on(worker.proxy().call::<()>("done", ())).unwrap();
    // The worker releases them when it is idle.
    main.block_on(std::future::poll_fn(|context| {
        if released.borrow().len() >= 8 {
            return std::task::Poll::Ready(());
        }
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    }));
    let mut ids = released.borrow().clone();
    ids.sort_unstable();
    assert_eq!(ids, [5, 5, 6, 6, 6, 6, 7, 7]);
}

#[test]
fn busy_worker_releases_references_with_its_operations() {
    fn does(scope: &Scope) -> Result<(), Thrown> {
        for _ in 0..1000 {
            scope.window().get("fresh")?.resolve()?;
        }
        assert_eq!(sizes(scope), (0, 0));
        scope.sync().call::<()>("look", ())?;
        Ok(())
    }
    let next = Cell::new(0);
    let (main, worker) = play(does, move |_| {
        next.set(next.get() + 1);
        Ok(object(next.get()))
    });
    let released = released(&worker);
    let looked = Rc::new(RefCell::new(0));
    let (seen, look) = (Rc::clone(&released), Rc::clone(&looked));
    worker.register("look", move || *look.borrow_mut() = seen.borrow().len());
    main.block_on(worker.ready()).unwrap();
    assert!(*looked.borrow() > 800, "{} of 1000", looked.borrow());
}

#[test]
fn unsent_batch_keeps_its_objects() {
    fn does(scope: &Scope) -> Result<(), Thrown> {
        let window = scope.window();
        let mut batch = window.batch();
        for _ in 0..200 {
            let (target, value) = (window.get("fresh")?.resolve()?, window.get("fresh")?.resolve()?);
            batch.set(&target, "value", [value])?;
        }
        assert_eq!(sizes(scope), (400, 0));
        window.run("look", ())?;
        batch.send()?;
        assert_eq!(sizes(scope), (0, 0));
        Ok(())
    }
    let next = Cell::new(0);
    let released = Rc::new(RefCell::new(Vec::new()));
    let seen = Rc::clone(&released);
    let looked = Rc::new(Cell::new(0));
    let looks = Rc::clone(&looked);
    let (main, worker) = play(does, move |operation| {
        if parts(operation)[0] == Value::from(0) {
            next.set(next.get() + 1);
            return Ok(object(next.get()));
        }
        assert_eq!(*seen.borrow(), Vec::<u64>::new());
        looks.set(looks.get() + 1);
        Ok(Value::Undefined)
    });
    let given_back = Rc::clone(&released);
    worker.on_released(move |ids| given_back.borrow_mut().extend_from_slice(ids));
    main.block_on(worker.ready()).unwrap();
    assert_eq!(looked.get(), 2);
}

#[test]
fn releases_reach_window_and_all_listeners() {
    let main = Main::new().unwrap();
    let (sender, receiver) = mpsc::channel();
    let worker = main
        .spawn(move |scope| {
            let early = sender.clone();
            scope.on_released(move |ids| early.send(ids.to_vec()).unwrap());
            scope.window().set("callback", Callback::new(|| ()))?;
            scope.on_released(move |ids| sender.send(ids.to_vec()).unwrap());
            assert_eq!(sizes(scope), (0, 1));
            scope.sync().call::<()>("give_back", ())?;
            assert_eq!(sizes(scope), (0, 0));
            Ok(())
        })
        .unwrap();
    let sent = Rc::new(Cell::new(0));
    let seen = Rc::clone(&sent);
    worker.register_raw("coincide:reflect", move |_, payload, result| {
        let operation = Value::decode(payload).expect("an operation");
        let Value::Reference { id, .. } = parts(&operation)[3] else { panic!("{operation:?} has no function") };
        seen.set(id);
        Value::from(true).encode(result).expect("a boolean can be sent");
        Ok(RawReply::Now(Format::Value))
    });
    let giving = worker.clone();
    let id = Rc::clone(&sent);
    worker.register("give_back", move || giving.release(&[id.get()]).expect("the link is open"));
    main.block_on(worker.ready()).unwrap();
    assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [vec![sent.get()], vec![sent.get()]]);
}
