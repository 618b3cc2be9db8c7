//! Workers in Python, implemented from the specification (`proto/python`): one that conforms to it, and many that violate it.
//!
//! Without a Python that can be a worker, these tests do nothing, and `cargo xtask test` reports them as skipped.
#![cfg(target_os = "linux")]

use coincide::{ByteBuf, Bytes, CallError, CallErrorKind, CloseReason, ClosedBy, Main, Value, Worker};
use coincide_proto::conformance::{LIMIT, within};
use futures_util::future::join_all;
use std::cell::RefCell;
use std::future::pending;
use std::process::Command;
use std::rc::Rc;
use std::sync::LazyLock;
use std::time::Duration;

fn python(script: &str) -> Command {
    let mut command = Command::new("python3");
    command.arg(format!("{}/proto/python/{script}", env!("CARGO_MANIFEST_DIR")));
    // Tracebacks of terminated workers are not errors of a test.
    command.stderr(std::process::Stdio::null());
    command
}

/// Main, if there is a Python that can be a worker.
fn main_with_python() -> Option<Main> {
    static INSTALLED: LazyLock<bool> =
        LazyLock::new(|| python("shared.py").status().is_ok_and(|status| status.success()));
    if !*INSTALLED {
        eprintln!("skipped: no `python3` that can be a worker");
        return None;
    }
    Some(Main::new().unwrap())
}

fn start(main: &Main, role: &str) -> Worker {
    main.worker().spawn_process(python("talk.py").arg(role)).unwrap()
}

/// A worker that conforms to the specification, and the lines that it has logged.
fn talk(main: &Main) -> (Worker, Rc<RefCell<Vec<String>>>) {
    let worker = start(main, "talk");
    let log = Rc::new(RefCell::new(vec![]));
    let lines = Rc::clone(&log);
    worker.register("greet", |name: String| format!("Hello, {name}"));
    worker.register("log", move |line: String| lines.borrow_mut().push(line));
    worker.register_async("never", pending::<()>);
    worker.register("strict", |number: u8| number);
    worker.register("fail", || Err::<(), _>(coincide::Thrown::new("RangeError", "too far")));
    let proxy = worker.proxy();
    worker.register_async("descend", move |depth: u32| {
        let proxy = proxy.clone();
        async move {
            Ok::<u32, coincide::Thrown>(if depth == 0 {
                0
            } else {
                1 + proxy.call::<u32>("descend", (depth - 1,)).await?
            })
        }
    });
    (worker, log)
}

#[test]
fn python_calls_nest_in_both_directions() {
    let Some(main) = main_with_python() else { return };
    let (worker, log) = talk(&main);
    let exports = worker.proxy();
    main.block_on(async {
        let names = worker.ready().await.unwrap();
        assert!(names.contains(&"add".to_owned()), "{names:?}");
        assert_eq!(*log.borrow(), ["ready"]);
        assert_eq!(exports.call("add", (1, 2.5)).await, Ok(3.5));
        assert_eq!(exports.call("add", ("a", "é")).await, Ok("aé".to_owned()));
        // Every second level runs on main.
        assert_eq!(exports.call::<u32>("descend", (40,)).await, Ok(20));
        // Answered in an order of the worker's own, each with its own result.
        let sums = (0..100_u32).map(|n| exports.call::<u32>("add", (n, n)));
        let sums: Vec<_> = join_all(sums).await.into_iter().map(Result::unwrap).collect();
        assert!(sums.iter().copied().eq((0..100).map(|n| 2 * n)));
    });
    worker.terminate();
}

#[test]
fn python_values_round_trip() {
    let Some(main) = main_with_python() else { return };
    let (worker, _) = talk(&main);
    let exports = worker.proxy();
    let texts = ["", "é", "\u{feff}x", "\u{10ffff}", &"long ".repeat(100)].map(Value::from);
    let numbers = [-0.0, 0.5, f64::INFINITY, 64.0, -129.0, 2_f64.powi(53), -9_007_199_254_740_991.0].map(Value::from);
    let bytes: Vec<u8> = (0..1 << 20).map(|k: u32| (k % 251) as u8).collect();
    main.block_on(async {
        let list: Vec<Value> = texts.into_iter().chain(numbers).chain([Value::Null, Value::from(true)]).collect();
        assert_eq!(exports.call("echo", (list.clone(),)).await, Ok(list));
        // In one frame, around the largest one, and in parts.
        for length in [0, 1, 60, 4096, 32_000, 65_000, 65_536, 70_000, 1 << 20] {
            let sent = ByteBuf::from(&bytes[..length]);
            assert_eq!(exports.call("echo", (sent.clone(),)).await, Ok(sent.clone()), "{length}");
            assert_eq!(exports.call("bytes", (length,)).await, Ok(sent), "{length}");
        }
        // Both directions at once, with more than the rings hold.
        let echoes = (0..8).map(|_| exports.call::<ByteBuf>("echo", (Bytes::new(&bytes),)));
        for echo in join_all(echoes).await {
            assert!(echo.unwrap() == bytes);
        }
    });
    worker.terminate();
}

#[test]
fn python_errors_keep_class_and_message() {
    let Some(main) = main_with_python() else { return };
    let (worker, _) = talk(&main);
    let exports = worker.proxy();
    main.block_on(async {
        let error = exports.call::<()>("fail", ("no",)).await.unwrap_err();
        assert_eq!(error.to_string(), "`fail` threw ValueError: no");
        let kind = |result: Result<Value, CallError>| result.unwrap_err().kind;
        assert!(matches!(kind(exports.call("nope", ()).await), CallErrorKind::UnknownFunction(_)));
        assert!(matches!(kind(exports.call("add", (1,)).await), CallErrorKind::BadArguments(_)));
        assert!(matches!(kind(exports.call("unsendable", ()).await), CallErrorKind::BadResult(_)));
        let bytes = exports.call_bytes("add", vec![1]).await.unwrap_err();
        assert!(matches!(bytes.kind, CallErrorKind::BadArguments(_)), "{bytes:?}");
        // And those of main in the worker.
        let says = |result: Result<String, CallError>| result.unwrap();
        assert_eq!(says(exports.call("tell", ("strict", 5)).await), "returned 5");
        assert!(says(exports.call("tell", ("strict", 256)).await).starts_with("code 3: strict: "));
        assert!(says(exports.call("tell", ("nope",)).await).starts_with("code 2: nope: "));
        assert_eq!(says(exports.call("tell", ("fail",)).await), "code 1: fail: RangeError: too far");
        assert_eq!(says(exports.call("within", (0.01, "never")).await), "timed out");
    });
    worker.terminate();
}

#[test]
fn python_calls_end_early() {
    within(LIMIT, || {
        let Some(main) = main_with_python() else { return };
        let (worker, _) = talk(&main);
        let exports = worker.proxy();
        main.block_on(async {
            worker.ready().await.unwrap();
            let late = exports.with_timeout(Duration::from_millis(20)).call::<()>("blocks", ()).await;
            assert_eq!(late.unwrap_err().kind, CallErrorKind::TimedOut);
            assert_eq!(exports.call("stopped", ()).await, Ok(vec!["Cancelled".to_owned()]));
            let interrupted = async {
                // Answered while the worker is blocked, so it is in the function by then.
                exports.call::<u32>("add", (1, 2)).await.unwrap();
                worker.interrupt();
            };
            let (blocks, ()) = futures_util::future::join(exports.call::<()>("blocks", ()), interrupted).await;
            assert_eq!(blocks.unwrap_err().kind, CallErrorKind::Interrupted);
            let error = exports.call::<()>("leave", ()).await.unwrap_err();
            let CallErrorKind::Closed(closed) = &error.kind else { panic!("{error:?}") };
            assert_eq!((closed.by, closed.text.as_str()), (ClosedBy::Peer, "said to leave"));
        });
    });
}

/// Workers that violate the protocol, and the error that main reports. Another worker of the same main is not affected.
#[test]
fn protocol_violations_close_only_their_own_link() {
    within(LIMIT, || {
        let Some(main) = main_with_python() else { return };
        let (other, _) = talk(&main);
        let lies = [
            ("short", "a frame is shorter than its header"),
            ("kind", "frames of kind 13 are unknown"),
            ("flag", "a frame has an unknown flag"),
            ("handshake-twice", "a handshake is out of place"),
            ("foreign-id", "a call has an id of the other end"),
            ("foreign-parent", "a call has a parent of its own end"),
            ("name", "a name is too long"),
            ("no-such-call", "an answer belongs to no call"),
            ("total", "a body in parts has no total length"),
            ("huge-total", "a body is longer than the limit"),
            ("more", "a part belongs to no unfinished body"),
            ("segments", "the segments of a body are not in order, or are beyond its end"),
            ("exports", "a list of exports is cut off"),
            ("magic", "a handshake does not begin with the magic number"),
            ("call-before-handshake", "call is out of place"),
            ("length", "a record in the ring has an impossible length"),
            ("padding", "padding in the ring doesn't end where the ring ends"),
            ("head", "the ring's head is not where it can be"),
            ("odd-head", "the ring's head is not where it can be"),
        ];
        // More than the ring holds, so that main waits for room.
        let large = Bytes::new(&[0; 1 << 20]);
        let workers: Vec<Worker> = lies.iter().map(|(role, _)| start(&main, role)).collect();
        let calls = workers.iter().map(|worker| worker.proxy().call::<()>("anything", (large,)));
        let errors = main.block_on(join_all(calls));
        for ((role, says), error) in lies.iter().zip(errors) {
            let CallErrorKind::Closed(closed) = error.unwrap_err().kind else { panic!("{role}") };
            assert_eq!(
                (closed.by, closed.reason, closed.text.as_str()),
                (ClosedBy::Here, CloseReason::PROTOCOL, *says),
                "{role}"
            );
        }
        assert_eq!(main.block_on(other.proxy().call("add", (1, 2))), Ok(3));
        other.terminate();
    });
}

#[test]
fn unread_words_of_python_worker_may_have_any_value() {
    let Some(main) = main_with_python() else { return };
    for role in ["scribbles", "parks"] {
        let worker = start(&main, role);
        for n in 0..100_u32 {
            assert_eq!(main.block_on(worker.proxy().call("add", (n, 1))), Ok(n + 1), "{role}");
        }
        worker.terminate();
    }
}

#[test]
fn ended_python_workers_end_pending_calls_of_main() {
    within(LIMIT, || {
        let Some(main) = main_with_python() else { return };
        for role in ["dies-in-a-body", "dies-in-a-record", "leaves-without-close"] {
            let worker = start(&main, role);
            let error = main.block_on(worker.proxy().call::<()>("anything", ())).unwrap_err();
            let CallErrorKind::Closed(closed) = &error.kind else { panic!("{role}: {error:?}") };
            assert_eq!(closed.by, ClosedBy::Gone, "{role}: {closed:?}");
        }
    });
}

/// A worker that does not read: large calls fill its ring, and wait until they are cancelled.
#[test]
fn python_worker_that_stops_reading_delays_no_other() {
    within(LIMIT, || {
        let Some(main) = main_with_python() else { return };
        let (other, _) = talk(&main);
        for role in ["stops-reading", "floods"] {
            let worker = start(&main, role);
            worker.register("echo", |bytes: ByteBuf| bytes);
            main.block_on(async {
                worker.ready().await.unwrap();
                let large = ByteBuf::from(vec![0; 1 << 20]);
                let limited = worker.proxy().with_timeout(Duration::from_millis(50));
                let calls = (0..4).map(|_| limited.call::<()>("anything", (large.clone(),)));
                let (calls, sum) =
                    futures_util::future::join(join_all(calls), other.proxy().call::<u32>("add", (1, 2))).await;
                assert_eq!(sum, Ok(3), "{role}");
                for call in calls {
                    assert_eq!(call.unwrap_err().kind, CallErrorKind::TimedOut, "{role}");
                }
            });
            worker.terminate();
        }
        assert_eq!(main.block_on(other.proxy().call("add", (1, 2))), Ok(3));
        other.terminate();
    });
}
