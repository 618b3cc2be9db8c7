//! Life cycle of workers: names, failures, termination, killed processes.

use coincide::{CallError, CallErrorKind, CloseReason, ClosedBy, Main, Scope, SpawnError, Stop, Thrown, Worker};
use coincide_proto::conformance::{LIMIT, within};
use std::cell::Cell;
use std::future::{pending, poll_fn};
use std::rc::Rc;
use std::sync::mpsc;
use std::task::Poll;
use std::time::Duration;

#[test]
fn failed_or_panicked_setup_closes_link_with_reason() {
    within(LIMIT, || {
        let main = Main::new().unwrap();
        let failing = main.spawn(|_| Err(Thrown::new("TypeError", "no such module"))).unwrap();
        let error = main.block_on(failing.ready()).unwrap_err();
        assert_eq!((error.0.by, error.0.reason), (ClosedBy::Peer, CloseReason::FAILED));
        assert!(error.to_string().contains("TypeError: no such module"), "{error}");
        let panicking = main.spawn(|_| panic!("oh no")).unwrap();
        let error = main.block_on(panicking.ready()).unwrap_err();
        assert!(error.to_string().contains("oh no"), "{error}");
    });
}

#[test]
fn panic_in_worker_ends_pending_calls_of_main() {
    within(LIMIT, || {
        let main = Main::new().unwrap();
        let worker = main
            .spawn(|scope| {
                scope.sync().call::<()>("started", ())?;
                panic!("oh no")
            })
            .unwrap();
        worker.register("started", || ());
        let error = main.block_on(worker.proxy().call::<()>("anything", ())).unwrap_err();
        let CallError { kind: CallErrorKind::Closed(closed), .. } = &error else { panic!("{error}") };
        assert_eq!(closed.reason, CloseReason::FAILED);
        assert!(error.to_string().contains("oh no"), "{error}");
    });
}

#[test]
fn fail_ends_pending_calls_with_reason() {
    within(LIMIT, || {
        let main = Main::new().unwrap();
        let worker = main.spawn(|_| Ok(())).unwrap();
        let call = worker.proxy().call::<()>("later", ());
        worker.fail("its host is out of memory");
        worker.fail("twice");
        for call in [call, worker.proxy().call::<()>("later", ())] {
            let error = main.block_on(call).unwrap_err();
            let CallError { kind: CallErrorKind::Closed(closed), .. } = &error else { panic!("{error}") };
            let expected = (ClosedBy::Here, CloseReason::FAILED, "its host is out of memory");
            assert_eq!((closed.by, closed.reason, &*closed.text), expected);
        }
    });
}

#[test]
fn terminate_ends_pending_calls_at_both_ends() {
    within(LIMIT, || {
        let main = Main::new().unwrap();
        let (sender, receiver) = mpsc::channel();
        let worker = main
            .spawn(move |scope| {
                let error = scope.sync().call::<()>("never", ()).unwrap_err();
                let stop = scope.check().unwrap_err();
                sender.send((error, stop)).unwrap();
                Ok(())
            })
            .unwrap();
        worker.register_async("never", pending::<()>);
        let call = worker.proxy().call::<()>("later", ());
        main.turn_for(Duration::from_millis(50));
        worker.terminate();
        worker.terminate();
        let Err(CallError { function, kind: CallErrorKind::Closed(closed) }) = main.block_on(call) else { panic!() };
        assert_eq!((closed.by, closed.reason, &*function), (ClosedBy::Here, CloseReason::TERMINATED, "later"));
        let Err(CallError { kind: CallErrorKind::Closed(closed), .. }) =
            main.block_on(worker.proxy().call::<()>("later", ()))
        else {
            panic!()
        };
        assert_eq!(closed.reason, CloseReason::TERMINATED);
        let (error, stop) = receiver.recv().unwrap();
        let CallError { kind: CallErrorKind::Closed(closed), .. } = error else { panic!("{error}") };
        assert_eq!((closed.by, closed.reason), (ClosedBy::Peer, CloseReason::TERMINATED));
        assert_eq!(stop, Stop::Closed(closed));
    });
}

#[test]
fn closing_worker_sends_its_last_answers() {
    within(LIMIT, || {
        let main = Main::new().unwrap();
        let worker = main
            .spawn(|scope| {
                let own = scope.clone();
                scope.export("last", move || {
                    own.sync().notify("noted", ()).unwrap();
                    7
                });
                let own = scope.clone();
                scope.export("close", move || own.close());
                Ok(())
            })
            .unwrap();
        let noted = std::rc::Rc::new(std::cell::Cell::new(0));
        let note = std::rc::Rc::clone(&noted);
        worker.register("noted", move || note.set(note.get() + 1));
        assert_eq!(main.block_on(worker.proxy().call("last", ())), Ok(7));
        let error = main.block_on(worker.proxy().call::<()>("close", ())).unwrap_err();
        let CallError { kind: CallErrorKind::Closed(closed), .. } = error else { panic!("{error}") };
        assert_eq!((closed.by, closed.reason), (ClosedBy::Peer, CloseReason::DONE));
        assert_eq!(noted.get(), 1);
    });
}

/// Starts a worker that blocks in a call of main's `never`. Then reports whether the call has ended with the link.
fn spawn_blocked(main: &Main) -> (Worker, mpsc::Receiver<bool>) {
    let (sender, receiver) = mpsc::channel();
    let worker = main.spawn(move |scope| {
        let result = scope.sync().call::<()>("never", ());
        sender.send(matches!(result, Err(CallError { kind: CallErrorKind::Closed(_), .. }))).unwrap();
        Ok(())
    });
    (worker.unwrap(), receiver)
}

#[test]
fn dropped_main_ends_blocked_workers() {
    within(LIMIT, || {
        let main = Main::new().unwrap();
        let (worker, is_closed) = spawn_blocked(&main);
        worker.register_async("never", pending::<()>);
        main.turn_for(Duration::from_millis(20));
        drop(worker);
        drop(main);
        assert_eq!(is_closed.recv(), Ok(true));
    });
}

#[test]
fn function_that_captures_its_worker_does_not_keep_it_alive() {
    within(LIMIT, || {
        let main = Main::new().unwrap();
        let (worker, is_closed) = spawn_blocked(&main);
        let own = worker.clone();
        worker.register_async("never", move || {
            let own = own.clone();
            async move {
                pending::<()>().await;
                own.interrupt();
            }
        });
        main.turn_for(Duration::from_millis(20));
        drop(main);
        assert_eq!(is_closed.recv(), Ok(true));
        assert!(worker.closed().is_some());
        assert!(worker.proxy().notify("anything", ()).is_err());
    });
}

#[test]
fn function_that_captures_main_keeps_it_alive_until_removed() {
    within(LIMIT, || {
        for remove in [|worker: &Worker| assert!(worker.unregister("holds")), |worker: &Worker| worker.terminate()] {
            let main = Main::new().unwrap();
            let worker = main.spawn(|_| Ok(())).unwrap();
            main.block_on(worker.ready()).unwrap();
            let held = main.clone();
            worker.register("holds", move || held.turn_for(Duration::ZERO));
            drop(main);
            assert!(worker.is_open());
            remove(&worker);
            assert!(!worker.is_open());
        }
    });
}

#[test]
fn workers_are_found_by_name_before_and_after_start() {
    within(LIMIT, || {
        let main = Main::new().unwrap();
        let setup = |scope: &Scope| {
            scope.export("version", || "1.0");
            Ok(())
        };
        let spawn = async {
            let worker = main.worker().name("late").spawn(setup).unwrap();
            assert_eq!(worker.name(), Some("late"));
        };
        let workers = main.workers();
        let (found, ()) = main.block_on(futures_util::future::join(workers.get("late"), spawn));
        let worker = found.unwrap();
        assert_eq!(main.block_on(worker.proxy().call("version", ())), Ok("1.0".to_owned()));
        assert_eq!(workers.names(), ["late"]);
        let taken = main.worker().name("late").spawn(setup);
        assert!(matches!(taken, Err(SpawnError::NameTaken(name)) if name == "late"));
        worker.terminate();
        main.worker().name("late").spawn(setup).unwrap();
        main.block_on(workers.get("late")).unwrap();
    });
}

#[test]
fn worker_that_fails_before_ready_ends_wait_for_it() {
    within(LIMIT, || {
        let main = Main::new().unwrap();
        main.worker().name("broken").spawn(|_| Err(Thrown::new("Error", "broken"))).unwrap();
        assert!(main.block_on(main.workers().get("broken")).is_err());
    });
}

#[cfg(target_os = "linux")]
mod processes {
    use super::*;
    use coincide::{Worker, serve_process};
    use std::process::Command;

    /// Not a test: the program of processes that other tests start.
    #[test]
    fn child() {
        let setup = match std::env::var(ROLE).as_deref() {
            Ok("exports") => exports,
            Ok("blocked") => blocked,
            Ok("fails") => fails,
            _ => return,
        };
        assert!(serve_process(setup).unwrap_or(true));
    }

    fn exports(scope: &Scope) -> Result<(), Thrown> {
        scope.export("pid", std::process::id);
        scope.export("hang", || std::thread::sleep(Duration::from_secs(1000)));
        scope.export_bytes("echo", |_| Ok(()));
        Ok(())
    }

    fn blocked(scope: &Scope) -> Result<(), Thrown> {
        scope.sync().call::<()>("never", ())?;
        Ok(())
    }

    fn fails(_: &Scope) -> Result<(), Thrown> {
        Err(Thrown::new("ImportError", "no module"))
    }

    fn spawn(main: &Main, role: &str) -> Worker {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "processes::child", "--nocapture"]).env(ROLE, role);
        command.stdout(std::process::Stdio::null());
        main.worker().spawn_process(&mut command).unwrap()
    }

    #[test]
    fn calls_between_processes_return_results() {
        within(LIMIT, || {
            let main = Main::new().unwrap();
            let worker = spawn(&main, "exports");
            assert_eq!(main.block_on(worker.ready()).unwrap(), ["echo", "hang", "pid"]);
            let pid: u32 = main.block_on(worker.proxy().call("pid", ())).unwrap();
            assert_ne!(pid, std::process::id());
            let sent: Vec<u8> = (0..3 << 20).map(|k: u32| (k % 253) as u8).collect();
            let echo = main.block_on(worker.proxy().call_bytes("echo", sent.clone())).unwrap();
            assert!(echo == sent);
            worker.terminate();
            assert!(!is_alive(pid));
        });
    }

    #[test]
    fn killed_process_ends_pending_calls_of_main() {
        within(LIMIT, || {
            let main = Main::new().unwrap();
            let worker = spawn(&main, "exports");
            let exports = worker.proxy();
            let pid: u32 = main.block_on(exports.call("pid", ())).unwrap();
            let call = exports.call::<()>("hang", ());
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(50));
                assert!(Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap().success());
            });
            let error = main.block_on(call).unwrap_err();
            let CallError { kind: CallErrorKind::Closed(closed), .. } = &error else { panic!("{error}") };
            assert_eq!(closed.by, ClosedBy::Gone);
            assert!(error.to_string().contains("crashed, was killed"), "{error}");
            assert!(!is_alive(pid), "it has been reaped");
        });
    }

    #[test]
    fn failed_worker_process_prints_reason() {
        within(LIMIT, || {
            let main = Main::new().unwrap();
            let worker = spawn(&main, "fails");
            let error = main.block_on(worker.ready()).unwrap_err();
            assert!(error.to_string().contains("ImportError: no module"), "{error}");
        });
    }

    #[test]
    fn blocked_process_ends_when_main_is_dropped() {
        within(LIMIT, || {
            let main = Main::new().unwrap();
            let worker = spawn(&main, "blocked");
            worker.register_async("never", pending::<()>);
            main.turn_for(Duration::from_millis(100));
            drop(worker);
            drop(main); // Kills and reaps it: this returns only when that has succeeded.
        });
    }

    fn is_alive(pid: u32) -> bool {
        std::path::Path::new(&format!("/proc/{pid}")).exists()
    }

    const ROLE: &str = "COINCIDE_TEST_ROLE";
}

trait TurnFor {
    /// Serves the workers for a short time.
    fn turn_for(&self, time: Duration);
}

impl TurnFor for Main {
    fn turn_for(&self, time: Duration) {
        let start = std::time::Instant::now();
        while start.elapsed() < time {
            let _ = self.turn(Duration::from_millis(1));
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// No call waits for a function of a notification, so the end of the link does not end it.
#[test]
fn async_function_of_notification_outlives_its_link() {
    within(LIMIT, || {
        let main = Main::new().unwrap();
        let worker = main
            .spawn(|scope| {
                scope.sync().notify("save", ())?;
                // A link that closes before its handshake drops queued frames.
                scope.sync().call::<()>("ping", ())?;
                scope.close();
                Ok(())
            })
            .unwrap();
        let [proceeds, saved] = [(); 2].map(|()| Rc::new(Cell::new(false)));
        let (may_proceed, own) = (Rc::clone(&proceeds), Rc::clone(&saved));
        worker.register_async("save", move || {
            let (may_proceed, own) = (Rc::clone(&may_proceed), Rc::clone(&own));
            poll_fn(move |context| {
                context.waker().wake_by_ref();
                own.set(may_proceed.get());
                if own.get() { Poll::Ready(()) } else { Poll::Pending }
            })
        });
        worker.register("ping", || ());
        main.block_on(worker.ready()).unwrap_err();
        assert!(worker.closed().is_some() && !saved.get());
        proceeds.set(true);
        for _ in 0..10 {
            let _ = main.turn(Duration::from_millis(1));
        }
        assert!(saved.get());
    });
}

/// Sends a message when it is dropped.
struct Guard(mpsc::Sender<&'static str>, &'static str);

impl Guard {
    fn name(&self) -> String {
        self.1.to_owned()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // The receiver is dropped if the test has failed.
        let _ = self.0.send(self.1);
    }
}

#[test]
fn functions_of_ended_worker_are_dropped_despite_cycles() {
    within(LIMIT, || {
        type Ends = fn(&Scope) -> Result<(), Thrown>;
        let ends: [(&str, Ends); 4] = [
            ("terminated", |_| Ok(())),
            ("closed by itself", |scope| {
                scope.close();
                Ok(())
            }),
            ("failed", |_| Err(Thrown::new("Error", "failed"))),
            ("panicked", |_| panic!("expected")),
        ];
        for (name, end) in ends {
            let main = Main::new().unwrap();
            let (dropped, drops) = mpsc::channel();
            let worker = main
                .spawn(move |scope| {
                    let guard = |what| Guard(dropped.clone(), what);
                    let (sync, own) = (scope.sync(), guard("sync proxy"));
                    scope.export("sync", move || (sync.clone(), own.name()).1);
                    let (inner, own) = (scope.clone(), guard("scope"));
                    scope.export("scope", move || (inner.clone(), own.name()).1);
                    let (proxy, own) = (scope.proxy(), guard("proxy"));
                    scope.export_async("proxy", move || {
                        let (proxy, what) = (proxy.clone(), own.name());
                        async move { (proxy, what).1 }
                    });
                    let (inner, own) = (scope.clone(), guard("listener"));
                    scope.on_released(move |_| _ = (inner.clone(), own.name()));
                    let (inner, own) = (scope.clone(), guard("callback"));
                    let kept = coincide::window::Callback::new(move || (inner.clone(), own.name()).1);
                    let (window, own) = (scope.window(), guard("window"));
                    scope.export("window", move || (window.clone(), kept.clone(), own.name()).2);
                    end(scope)
                })
                .unwrap();
            if name == "terminated" {
                main.block_on(worker.ready()).unwrap();
                worker.terminate();
            }
            let mut all = Vec::new();
            while all.len() < 6 {
                // As a thread that never ends does.
                let Ok(what) = drops.recv_timeout(Duration::from_secs(60)) else {
                    panic!("{name}: only {all:?} are dropped");
                };
                all.push(what);
            }
        }
    });
}
