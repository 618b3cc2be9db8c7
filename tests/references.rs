//! References that have come in payloads are given back.

use coincide::Main;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::mpsc;

#[test]
fn releases_reach_the_listeners_of_both_ends_before_what_follows_them() {
    let main = Main::new().unwrap();
    let (sender, receiver) = mpsc::channel();
    let worker = main
        .spawn(move |scope| {
            scope.on_released(move |references| sender.send(references.to_vec()).unwrap());
            scope.release(&[7, 7, u64::MAX])?;
            scope.sync().call::<()>("look", ())?;
            scope.export("done", || ());
            Ok(())
        })
        .unwrap();
    let released = Rc::new(RefCell::new(Vec::new()));
    let (listening, looked) = (Rc::clone(&released), Rc::new(RefCell::new(Vec::new())));
    worker.on_released(move |references| listening.borrow_mut().extend_from_slice(references));
    let (seen, look) = (Rc::clone(&released), Rc::clone(&looked));
    worker.register("look", move || *look.borrow_mut() = seen.borrow().clone());
    main.block_on(async {
        worker.ready().await?;
        worker.release(&[1, 2])?;
        worker.release(&[2])?;
        worker.proxy().call::<()>("done", ()).await?;
        Ok::<(), Box<dyn std::error::Error>>(())
    })
    .unwrap();
    assert_eq!(*looked.borrow(), [7, 7, u64::MAX]);
    assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [vec![1, 2], vec![2]]);
}

#[test]
fn every_listener_receives_releases_in_order_of_addition() {
    let main = Main::new().unwrap();
    let (sender, receiver) = mpsc::channel();
    let worker = main
        .spawn(move |scope| {
            for listener in 0..3 {
                let sender = sender.clone();
                scope.on_released(move |references| sender.send((listener, references.to_vec())).unwrap());
            }
            scope.release(&[5])?;
            scope.export("done", || ());
            Ok(())
        })
        .unwrap();
    let released = Rc::new(RefCell::new(Vec::new()));
    for listener in 0..3 {
        let released = Rc::clone(&released);
        worker.on_released(move |references| released.borrow_mut().push((listener, references.to_vec())));
    }
    main.block_on(async {
        worker.ready().await?;
        worker.release(&[6])?;
        worker.proxy().call::<()>("done", ()).await?;
        Ok::<(), Box<dyn std::error::Error>>(())
    })
    .unwrap();
    assert_eq!(*released.borrow(), [0, 1, 2].map(|listener| (listener, vec![5])));
    assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [0, 1, 2].map(|listener| (listener, vec![6])));
}

#[test]
fn a_closed_link_takes_no_releases_and_forgets_its_listener() {
    let main = Main::new().unwrap();
    let worker = main.spawn(|_| Ok::<(), coincide::Thrown>(())).unwrap();
    main.block_on(worker.ready()).unwrap();
    let held = Rc::new(());
    let listener = Rc::clone(&held);
    worker.on_released(move |_| drop(Rc::clone(&listener)));
    assert_eq!(Rc::strong_count(&held), 2);
    worker.terminate();
    assert!(worker.release(&[1]).is_err());
    assert_eq!(Rc::strong_count(&held), 1);
}

#[test]
fn names_of_coincide_itself_are_not_listed() {
    let main = Main::new().unwrap();
    let worker = main
        .spawn(|scope| {
            scope.export("coincide:own", || 1);
            scope.export("mine", || 2);
            Ok::<(), coincide::Thrown>(())
        })
        .unwrap();
    assert_eq!(main.block_on(worker.ready()).unwrap(), ["mine"]);
    assert_eq!(main.block_on(worker.proxy().call::<i32>("coincide:own", ())).unwrap(), 1);
}
