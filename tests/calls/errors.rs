//! Errors of failed calls.

use crate::run;
use coincide::{CallError, CallErrorKind, Thrown};

#[test]
fn failed_calls_return_typed_errors() {
    run(
        |scope| {
            let sync = scope.sync();
            let CallError { function, kind: CallErrorKind::Threw(thrown) } = sync.call::<()>("fail", ()).unwrap_err()
            else {
                panic!()
            };
            assert_eq!((&*function, &*thrown.class, &*thrown.message), ("fail", "RangeError", "too far"));
            let CallError { kind: CallErrorKind::Threw(thrown), .. } = sync.call::<()>("parse", ("x",)).unwrap_err()
            else {
                panic!()
            };
            assert_eq!((&*thrown.class, &*thrown.message), ("ParseIntError", "invalid digit found in string"));
            let CallError { kind: CallErrorKind::Panicked(message), .. } = sync.call::<()>("panic", ()).unwrap_err()
            else {
                panic!()
            };
            assert!(message.contains("oh no"), "{message}");
            let CallError { kind: CallErrorKind::Panicked(message), .. } =
                sync.call::<()>("panic_later", ()).unwrap_err()
            else {
                panic!()
            };
            assert!(message.contains("later"), "{message}");
            let CallError { kind: CallErrorKind::UnknownFunction(message), .. } =
                sync.call::<()>("nope", ()).unwrap_err()
            else {
                panic!()
            };
            assert!(message.contains("`nope`") && message.contains("fail"), "{message}");
            let error = sync.call::<()>("parse", (7,)).unwrap_err();
            assert!(matches!(error, CallError { kind: CallErrorKind::BadArguments(_), .. }), "{error}");
            assert!(error.to_string().contains("args[0]"), "{error}");
            let error = sync.call::<()>("parse", ()).unwrap_err();
            assert!(matches!(error, CallError { kind: CallErrorKind::BadArguments(_), .. }), "{error}");
            let error = sync.call::<String>("one", ()).unwrap_err();
            assert!(matches!(error, CallError { kind: CallErrorKind::Result(_), .. }), "{error}");
            assert_eq!(sync.call("one", ()), Ok(1), "the link stays open");
            Ok(())
        },
        |worker| {
            worker.register("fail", || Err::<(), _>(Thrown::new("RangeError", "too far")));
            worker.register("parse", |text: String| Ok::<i32, Thrown>(text.parse()?));
            worker.register("panic", || -> () { panic!("oh no") });
            worker.register_async("panic_later", || async {
                if true {
                    panic!("later")
                }
            });
            worker.register("one", || 1);
        },
    );
}
