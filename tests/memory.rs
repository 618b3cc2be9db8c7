//! The memory budget of main over several links, and values for which there is no memory. In a separate file, because the allocator is
//! that of the whole process.

mod failing;

use coincide::{CallError, CallErrorKind, Main, Scope, SendError, Thrown};
use failing::fail_above;

const MIB: usize = 1 << 20;

/// Sends more than main's budget allows, receives more than main may queue, and then makes a small call.
fn exceed(scope: &Scope) -> Result<(), Thrown> {
    let sync = scope.sync();
    for (function, argument) in [("echo", 8 * MIB), ("give", 1)] {
        let error = sync.call_bytes(function, &mut vec![7; argument]).unwrap_err();
        let CallError { function: called, kind: CallErrorKind::OutOfMemory(message) } = &error else {
            panic!("{error}")
        };
        assert_eq!(called, function);
        assert!(message.contains("8388608 bytes") && message.contains("`set_memory_budget`"), "{message}");
    }
    let mut small = vec![7; MIB / 2];
    sync.call_bytes("echo", &mut small)?;
    assert_eq!(small.len(), MIB / 2);
    scope.export_bytes("take", |_| Ok(()));
    Ok(())
}

#[test]
fn calls_beyond_budget_of_main_fail_and_links_stay_open() {
    let main = Main::new().unwrap();
    main.set_memory_budget(4 * MIB);
    let workers = [(); 5].map(|()| {
        let worker = main.spawn(exceed).unwrap();
        worker.register_bytes("echo", |_| Ok(()));
        worker.register_bytes("give", |bytes| {
            bytes.resize(8 * MIB, 7);
            Ok(())
        });
        worker
    });
    main.block_on(async {
        for worker in &workers {
            worker.ready().await.unwrap();
            let error = worker.proxy().call_bytes("take", vec![7; 8 * MIB]).await.unwrap_err();
            let CallError { kind: CallErrorKind::NotSent(SendError::OutOfMemory { size, limit, .. }), .. } = error
            else {
                panic!("{error}")
            };
            assert_eq!((size, limit), (8 * MIB, 4 * MIB));
            assert_eq!(worker.proxy().call_bytes("take", vec![7; MIB]).await.unwrap().len(), MIB);
        }
    });
    main.set_memory_budget(usize::MAX);
    let all = main.block_on(workers[0].proxy().call_bytes("take", vec![7; 8 * MIB])).unwrap();
    assert_eq!(all.len(), 8 * MIB);
}

#[test]
fn worker_refuses_arguments_and_results_beyond_its_budget() {
    let main = Main::new().unwrap();
    let worker = main
        .spawn(|scope| {
            scope.set_memory_budget(0);
            let error = scope.sync().call_bytes("give", &mut vec![7]).unwrap_err();
            assert!(matches!(error, CallError { kind: CallErrorKind::OutOfMemory(_), .. }), "{error}");
            scope.export_bytes("take", |_| Ok(()));
            Ok(())
        })
        .unwrap();
    worker.register_bytes("give", |bytes| {
        bytes.resize(8 * MIB, 7);
        Ok(())
    });
    main.block_on(worker.ready()).unwrap();
    let error = main.block_on(worker.proxy().call_bytes("take", vec![7; MIB])).unwrap_err();
    assert!(matches!(error, CallError { kind: CallErrorKind::OutOfMemory(_), .. }), "{error}");
    let small = main.block_on(worker.proxy().call_bytes("take", vec![7; 100])).unwrap();
    assert_eq!(small.len(), 100);
}

#[test]
fn value_without_memory_fails_its_call_and_link_stays_open() {
    let main = Main::new().unwrap();
    let worker = main
        .spawn(|scope| {
            scope.export("length", |text: String| text.len());
            scope.export("give", |length: usize| {
                let text = "x".repeat(length);
                fail_above(if length > MIB { MIB } else { usize::MAX });
                text
            });
            Ok(())
        })
        .unwrap();
    let exports = worker.proxy();
    let ends = |error: CallError, function: &str, why: &str| {
        assert_eq!(error.to_string(), format!("`{function}` gave no result for lack of memory: {why}"));
        assert!(matches!(error, CallError { kind: CallErrorKind::OutOfMemory(_), .. }));
    };
    let text = "x".repeat(3 * MIB);

    fail_above(MIB);
    let error = main.block_on(exports.call::<usize>("length", (&text,))).unwrap_err();
    fail_above(usize::MAX);
    ends(error, "length", "its arguments cannot be written: args: it is larger than there is memory for");

    let error = main.block_on(exports.call::<String>("give", (3 * MIB,))).unwrap_err();
    ends(error, "give", "it is larger than there is memory for");
    assert_eq!(main.block_on(exports.call::<String>("give", (3,))).unwrap(), "xxx");
    assert_eq!(main.block_on(exports.call::<usize>("length", (&text,))).unwrap(), 3 * MIB);
}
