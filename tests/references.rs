//! References in payloads are released.

use coincide::raw::{Failure, Format, RawReply};
use coincide::{ErrorCode, Main, Value};
use coincide_codec::value::{RefKind, RefOwner};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::mpsc;

#[test]
fn releases_reach_listeners_before_later_calls() {
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
fn listeners_receive_releases_in_order_of_addition() {
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
fn closed_link_refuses_releases_and_drops_listeners() {
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
fn reserved_names_are_not_listed() {
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

/// A list of references of the sender, its root, and one of the receiver.
fn list(ids: &[u64]) -> Vec<u8> {
    let reference = |owner, id| Value::Reference { owner, kind: RefKind::Object, id };
    let mut items: Vec<_> = ids.iter().map(|id| reference(RefOwner::Sender, *id)).collect();
    items.extend([reference(RefOwner::Sender, 0), reference(RefOwner::Receiver, 99)]);
    let mut bytes = Vec::new();
    Value::Array(items).encode(&mut bytes).unwrap();
    bytes
}

#[test]
fn references_in_unread_payloads_are_released() {
    let main = Main::new().unwrap();
    let (sender, receiver) = mpsc::channel();
    let (go, goes) = mpsc::channel::<()>();
    let (begins, begun) = mpsc::channel();
    let worker = main
        .spawn(move |scope| {
            scope.on_released(move |references| sender.send(references.to_vec()).unwrap());
            scope.export_raw("late", move |_, _, result| {
                begins.send(()).unwrap();
                goes.recv().unwrap();
                result.extend_from_slice(&list(&[7, 8, 7]));
                Ok(RawReply::Now(Format::Value))
            });
            scope.export_raw("reads", |_, _, _| Err(Failure::Refused(ErrorCode::BAD_ARGUMENTS, "as a test".into())));
            scope.export_bytes("bytes", |_| Ok(()));
            scope.export("done", || ());
            Ok(())
        })
        .unwrap();
    let released = Rc::new(RefCell::new(Vec::new()));
    let listening = Rc::clone(&released);
    worker.on_released(move |references| listening.borrow_mut().extend_from_slice(references));
    main.block_on(worker.ready()).unwrap();
    let proxy = worker.proxy();
    let call = |name: &str, ids: &[u64]| {
        main.block_on(proxy.call_raw(name, |buffer| {
            buffer.extend_from_slice(&list(ids));
            Format::Value
        }))
    };
    // By kind: arguments that no function receives, and those that have another format.
    call("missing", &[1, 2, 1]).unwrap_err();
    proxy.notify_raw("missing", Format::Value, list(&[3])).unwrap();
    call("bytes", &[4]).unwrap_err();
    // A raw function receives its arguments even if it refuses them.
    call("reads", &[5]).unwrap_err();
    // The answer to a call that has ended.
    let late = proxy.call_raw("late", |buffer| {
        buffer.extend_from_slice(&list(&[6]));
        Format::Value
    });
    begun.recv().unwrap();
    drop(late);
    go.send(()).unwrap();
    // Releases are sent when an end is idle.
    let mut of_main = Vec::new();
    for _ in 0..1000 {
        main.block_on(proxy.call::<()>("done", ())).unwrap();
        of_main.extend(receiver.try_iter().flatten());
        if of_main.len() == 3 && released.borrow().len() == 5 {
            break;
        }
    }
    assert_eq!(*released.borrow(), [1, 1, 2, 3, 4]);
    assert_eq!(of_main, [7, 7, 8]);
}
