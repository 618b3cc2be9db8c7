//! Links to child processes. A child is this test binary in another role.

#![cfg(all(target_os = "linux", not(any(loom, miri))))]

use coincide_proto::conformance::within;
use coincide_proto::{Gone, ReceiveError, Transmit, Transport};
use coincide_transport_atomics::{Doorbell, MainTransport, Rings, WorkerTransport, process};
use rustix::io::{FdFlags, fcntl_setfd};
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::fd::{BorrowedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::task::{Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(60);
const ROLE: &str = "TEST_ROLE";

/// The entry point of a child.
#[test]
fn role() {
    match std::env::var(ROLE).as_deref() {
        Ok("echo") => echo(link()),
        Ok("mute") => loop {
            thread::park();
        },
        Ok("chatter") => {
            let mut link = link();
            while send_all(&mut link, &[7; 100]).is_ok() {}
        }
        Ok("farewell") => {
            let mut link = link();
            for number in 0..100u8 {
                send_all(&mut link, &[number; 50]).unwrap();
            }
            // No destructor runs.
            std::process::abort();
        }
        Ok("parent") => parent(|| ()),
        Ok("forking parent") => parent(start_heir_of_sockets),
        Ok("forking worker") => {
            // The link is not taken yet, so the heir inherits all of its descriptors.
            let mut heir = command("heir of all").spawn().unwrap();
            let mut link = link();
            send_all(&mut link, b"up").unwrap();
            ended(&mut heir);
        }
        Ok("heir of all") => {
            // Runs until the test drops the other end.
            std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
        }
        Ok("nosy") => nosy(),
        Ok("heir") => {
            let none = process::from_env().unwrap().is_none();
            std::process::exit(if none { 42 } else { 43 });
        }
        Ok("cycles") => cycles(),
        _ => {}
    }
}

fn link() -> WorkerTransport {
    process::from_env().unwrap().expect("a link")
}

/// Sends everything back until main has left.
fn echo(mut link: WorkerTransport) {
    while let Ok(bytes) = next(&mut link) {
        if send_all(&mut link, &bytes).is_err() {
            break;
        }
    }
}

/// Starts an echo, runs `then`, reports, and waits to be killed.
fn parent(then: fn()) {
    let doorbell = Doorbell::new().unwrap();
    let (_child, mut main) =
        process::spawn(command("echo").stdout(Stdio::inherit()), Rings::default(), &doorbell).unwrap();
    send_all(&mut main, b"up?").unwrap();
    assert_eq!(next(&mut main).unwrap(), b"up?");
    then();
    println!("up");
    loop {
        thread::park();
    }
}

/// Starts a process that holds the sockets of this one, like a forked process.
#[expect(clippy::zombie_processes, reason = "the heir has to outlive this process, which is killed")]
fn start_heir_of_sockets() {
    let sockets: Vec<RawFd> = fs::read_dir("/proc/self/fd")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| fs::read_link(path).is_ok_and(|target| target.to_string_lossy().starts_with("socket:")))
        .map(|path| path.file_name().unwrap().to_str().unwrap().parse().unwrap())
        .collect();
    assert!(!sockets.is_empty());
    let mut heir = command("heir of all");
    // SAFETY: between fork and exec the closure makes system calls only, on descriptors that the link keeps open.
    unsafe {
        heir.pre_exec(move || {
            for socket in &sockets {
                fcntl_setfd(BorrowedFd::borrow_raw(*socket), FdFlags::empty())?;
            }
            Ok(())
        });
    }
    heir.spawn().unwrap();
}

/// Checks that no further link is inherited.
fn nosy() {
    let mut link = link();
    assert!(process::from_env().unwrap().is_none(), "a second link");
    let status = command("heir").status().unwrap();
    send_all(&mut link, &[status.code().unwrap() as u8]).unwrap();
    // Main must receive it before this process ends; otherwise the test proves nothing.
    assert_eq!(next(&mut link), Err(ReceiveError::Gone(Gone)));
}

/// Starts and kills children repeatedly, in a separate process, since other tests have descriptors as well.
fn cycles() {
    let doorbell = Doorbell::new().unwrap();
    let cycle = || {
        let (mut child, mut main) = start("echo", &doorbell);
        send_all(&mut main, b"ping").unwrap();
        assert_eq!(next(&mut main).unwrap(), b"ping");
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(next(&mut main), Err(ReceiveError::Gone(Gone)));
    };
    let held = || {
        let count = |path| fs::read_dir(path).unwrap().count();
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let mappings = maps.lines().filter(|line| line.contains("coincide-link")).count();
        (count("/proc/self/fd"), count("/proc/self/task"), mappings)
    };
    cycle();
    // The thread that watches a process ends a moment after the link.
    let settled = || {
        let start = Instant::now();
        while held().2 > 0 && start.elapsed() < LONG {
            thread::sleep(Duration::from_millis(1));
        }
        thread::sleep(Duration::from_millis(20));
        held()
    };
    let before = settled();
    assert_eq!(before.2, 0);
    for _ in 0..100 {
        cycle();
    }
    // A failed command leaves no descriptors either.
    let config = Rings::default();
    for _ in 0..10 {
        process::spawn(&mut Command::new("/nonexistent"), config, &doorbell).unwrap_err();
    }
    assert_eq!(settled(), before);
    std::process::exit(42);
}

fn command(role: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "role", "--nocapture"]).env(ROLE, role).stdout(Stdio::null());
    command
}

fn start(role: &str, doorbell: &Arc<Doorbell>) -> (Child, MainTransport) {
    process::spawn(&mut command(role), Rings::default(), doorbell).unwrap()
}

trait End: Transport {
    fn take(&mut self) -> Result<Option<Vec<u8>>, ReceiveError>;
}

macro_rules! end {
    ($($end:ty)*) => {$(
        impl End for $end {
            fn take(&mut self) -> Result<Option<Vec<u8>>, ReceiveError> {
                let mut bytes = None;
                self.receive_with(|frame| {
                    let mut copy = vec![0; frame.len()];
                    frame.copy_to(0, &mut copy);
                    bytes = Some(copy);
                    Ok(())
                })?;
                Ok(bytes)
            }
        }
    )*};
}

end!(MainTransport WorkerTransport);

fn next(end: &mut impl End) -> Result<Vec<u8>, ReceiveError> {
    loop {
        if let Some(bytes) = end.take()? {
            return Ok(bytes);
        }
        end.wait(false, None);
    }
}

fn send_all(end: &mut impl Transport, bytes: &[u8]) -> Result<(), Gone> {
    while !end.send(&Transmit::new(bytes, &[]))? {
        end.wait(true, None);
    }
    Ok(())
}

fn ended(child: &mut Child) {
    child.wait().unwrap();
}

#[test]
fn frames_cross_between_parent_and_child() {
    within(LONG, || {
        let doorbell = Doorbell::new().unwrap();
        let (mut child, mut main) = start("echo", &doorbell);
        for len in (1..main.max_frame()).step_by(501).chain([main.max_frame(); 50]) {
            let bytes = (0..len).map(|at| (at ^ len) as u8).collect::<Vec<_>>();
            send_all(&mut main, &bytes).unwrap();
            assert_eq!(next(&mut main).unwrap(), bytes);
        }
        drop(main);
        // The child leaves when main has left.
        assert!(child.wait().unwrap().success());
    });
}

#[test]
fn rings_are_not_lost_between_processes() {
    within(LONG, || {
        let doorbell = Doorbell::new().unwrap();
        let (mut child, mut main) = start("echo", &doorbell);
        main.set_busy_poll(coincide_transport_atomics::BusyPoll::NONE);
        for round in 0..10_000u32 {
            // At times long enough for the child to fall asleep.
            if round % 100 == 0 {
                thread::sleep(Duration::from_micros(200));
            }
            send_all(&mut main, &round.to_le_bytes()).unwrap();
            assert_eq!(next(&mut main).unwrap(), round.to_le_bytes());
        }
        drop(main);
        ended(&mut child);
    });
}

#[test]
fn killed_child_is_gone() {
    within(LONG, || {
        let doorbell = Doorbell::new().unwrap();
        // Whether it sleeps or is in the middle of a frame, and whether it has taken its link or not.
        for role in ["echo", "mute", "chatter"] {
            for pause in [0, 20] {
                let (mut child, mut main) = start(role, &doorbell);
                let killer = thread::spawn(move || {
                    thread::sleep(Duration::from_millis(pause));
                    child.kill().unwrap();
                    child
                });
                let outcome = loop {
                    match next(&mut main) {
                        Ok(bytes) => assert_eq!(bytes, [7; 100]),
                        Err(error) => break error,
                    }
                };
                assert_eq!(outcome, ReceiveError::Gone(Gone));
                assert_eq!(main.send(&Transmit::new(b"late", b"")), Err(Gone));
                ended(&mut killer.join().unwrap());
            }
        }
    });
}

#[test]
fn killed_worker_is_gone_though_a_process_holds_its_descriptors() {
    within(LONG, || {
        let doorbell = Doorbell::new().unwrap();
        let mut command = command("forking worker");
        let config = Rings::default();
        let (mut child, mut main) = process::spawn(command.stdin(Stdio::piped()), config, &doorbell).unwrap();
        let heir_lives_until_this_is_dropped = child.stdin.take();
        assert_eq!(next(&mut main).unwrap(), b"up");
        child.kill().unwrap();
        assert_eq!(next(&mut main), Err(ReceiveError::Gone(Gone)));
        ended(&mut child);
        drop(heir_lives_until_this_is_dropped);
    });
}

#[test]
fn frames_of_a_child_that_died_are_received() {
    within(LONG, || {
        let doorbell = Doorbell::new().unwrap();
        let (mut child, mut main) = start("farewell", &doorbell);
        ended(&mut child);
        for number in 0..100u8 {
            assert_eq!(next(&mut main).unwrap(), [number; 50]);
        }
        assert_eq!(next(&mut main), Err(ReceiveError::Gone(Gone)));
    });
}

#[test]
fn main_that_was_killed_is_gone_for_its_child() {
    within(LONG, || {
        for role in ["parent", "forking parent"] {
            let mut parent = command(role).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
            let heir_lives_until_this_is_dropped = parent.stdin.take();
            let mut output = BufReader::new(parent.stdout.take().unwrap());
            let mut line = String::new();
            while !line.ends_with("up\n") {
                assert!(output.read_line(&mut line).unwrap() > 0, "{line}");
            }
            parent.kill().unwrap();
            parent.wait().unwrap();
            // The child has the other copy of the pipe, which ends when that copy is closed.
            output.read_to_string(&mut line).unwrap();
            drop(heir_lives_until_this_is_dropped);
        }
    });
}

#[test]
fn link_is_taken_once_and_not_inherited_further() {
    within(LONG, || {
        let doorbell = Doorbell::new().unwrap();
        let (mut child, mut main) = start("nosy", &doorbell);
        assert_eq!(next(&mut main).unwrap(), [42]);
        drop(main);
        assert!(child.wait().unwrap().success());
        // This process has no link.
        assert!(process::from_env().unwrap().is_none());
    });
}

#[test]
fn command_can_be_spawned_again() {
    within(LONG, || {
        let doorbell = Doorbell::new().unwrap();
        let mut command = command("echo");
        let spawned = [0, 1].map(|_| process::spawn(&mut command, Rings::default(), &doorbell).unwrap());
        for (mut child, mut main) in spawned {
            send_all(&mut main, b"hello").unwrap();
            assert_eq!(next(&mut main).unwrap(), b"hello");
            drop(main);
            assert!(child.wait().unwrap().success());
        }
        // No link is inherited.
        let status = command.env(ROLE, "heir").status().unwrap();
        assert_eq!(status.code(), Some(42));
    });
}

#[test]
fn links_to_processes_leak_no_descriptors_or_threads() {
    within(LONG, || {
        let status = command("cycles").stderr(Stdio::inherit()).status().unwrap();
        assert_eq!(status.code(), Some(42));
    });
}

#[test]
fn child_wakes_a_waker() {
    struct Notify(Sender<()>);
    impl Wake for Notify {
        fn wake(self: Arc<Self>) {
            let _ = self.0.send(());
        }
    }
    within(LONG, || {
        for early in [true, false] {
            let doorbell = Doorbell::new().unwrap();
            let (wake, woken) = channel();
            let waker = Waker::from(Arc::new(Notify(wake)));
            if early {
                doorbell.set_waker(Some(waker.clone())).unwrap();
            }
            let (mut child, mut main) = start("echo", &doorbell);
            doorbell.set_waker(Some(waker)).unwrap();
            for _ in 0..100 {
                send_all(&mut main, b"x").unwrap();
                let echoed = loop {
                    if let Some(bytes) = main.take().unwrap() {
                        break bytes;
                    }
                    if main.arm(false) {
                        woken.recv().unwrap();
                    }
                    main.disarm();
                };
                assert_eq!(echoed, b"x");
            }
            drop(main);
            ended(&mut child);
        }
    });
}
