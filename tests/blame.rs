//! Errors of calls by blame: the caller, the function, or a worker that has failed.

use coincide::{CallError, CallErrorKind, Config, Main, SendError, Thrown, Worker};
use coincide_proto::conformance::{LIMIT, within};

/// A worker whose link accepts messages of at most 4,096 bytes on both ends.
fn small(main: &Main) -> Worker {
    let config = Config { max_message: 4096, ..Config::default() };
    main.worker()
        .config(config)
        .spawn(|scope| {
            scope.export("take", |text: String| text.len());
            scope.export("give", |size: usize| "x".repeat(size));
            scope.export("fail", |size: usize| Err::<(), _>(Thrown::new("RangeError", "x".repeat(size))));
            Ok(())
        })
        .unwrap()
}

#[test]
fn too_large_arguments_blame_caller_before_and_after_handshake() {
    let main = Main::new().unwrap();
    let worker = small(&main);
    for is_open in [false, true] {
        assert_eq!(worker.is_open(), is_open);
        let error = main.block_on(worker.proxy().call::<usize>("take", ("x".repeat(5000),))).unwrap_err();
        let text = error.to_string();
        let CallError { function, kind: CallErrorKind::NotSent(SendError::TooLarge { size, limit: 4096 }) } = error
        else {
            panic!("{error:?}");
        };
        assert_eq!((function.as_str(), size > 5000), ("take", true));
        assert!(text.starts_with("`take` was not called: the payload has "), "{text}");
        main.block_on(worker.ready()).unwrap();
    }
    assert_eq!(main.block_on(worker.proxy().call("take", ("x",))), Ok(1));
}

#[test]
fn too_large_results_and_errors_blame_function() {
    let main = Main::new().unwrap();
    let worker = small(&main);
    for (function, says) in [("give", "it has "), ("fail", "the function threw an error of ")] {
        let error = main.block_on(worker.proxy().call::<()>(function, (5000,))).unwrap_err();
        assert!(matches!(error, CallError { kind: CallErrorKind::BadResult(_), .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.starts_with(&format!("the result of `{function}` cannot be sent: {says}")), "{text}");
    }
}

#[test]
fn error_of_failed_worker_is_its_reason_without_full_stop() {
    within(LIMIT, || {
        let main = Main::new().unwrap();
        let worker = main.spawn(|_| Err(Thrown::new("RangeError", "too far"))).unwrap();
        let closed = main.block_on(worker.ready()).unwrap_err();
        assert_eq!(closed.to_string(), "the other end has failed: RangeError: too far");
        let error = main.block_on(worker.proxy().call::<()>("take", ())).unwrap_err();
        assert_eq!(error.to_string(), "`take` cannot answer: the other end has failed: RangeError: too far");
        let worker = main.spawn(|_| Ok(())).unwrap();
        worker.fail("the worker has failed: it is out of paint");
        let error = main.block_on(worker.proxy().call::<()>("take", ())).unwrap_err();
        assert_eq!(error.to_string(), "`take` cannot answer: the worker has failed: it is out of paint");
    });
}
