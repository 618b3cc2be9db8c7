//! Counts of calls that do not depend on time: bytes on the wire, and instructions of a session.

mod link;

use std::io::Write;
use std::process::Command;

use coincide_proto::{Call, Event, Format, Role};
use link::Link;

/// Frames and bytes of one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Traffic {
    frames: usize,
    bytes: usize,
}

/// Moves frames until none is left, and counts those that `role` sends.
fn moved(link: &mut Link, role: Role) -> Traffic {
    let mut traffic = Traffic::default();
    loop {
        let _ = (link.send(Role::Main), link.send(Role::Worker));
        let queue = if role == Role::Main { &link.down } else { &link.up };
        traffic.frames += queue.len();
        traffic.bytes += queue.iter().map(Vec::len).sum::<usize>();
        let received = [link.receive(Role::Main), link.receive(Role::Worker)];
        if received == [false; 2] {
            return traffic;
        }
    }
}

/// An echo of this many bytes: frames of the request and its bytes beyond the payload, then the same of the answer.
fn echo(link: &mut Link, size: usize) -> [(usize, usize); 2] {
    let call = Call { name: "echo", ..Call::default() };
    link.worker.call(call, vec![7; size]).unwrap();
    let request = moved(link, Role::Worker);
    let Event::Call { id, payload, .. } = link.event(Role::Main) else { panic!("the call has arrived") };
    link.main.reply(id, Format::Bytes, payload.into_bytes()).unwrap();
    let answer = moved(link, Role::Main);
    assert!(matches!(link.event(Role::Worker), Event::Ended { .. }));
    [request, answer].map(|Traffic { frames, bytes }| (frames, bytes - size))
}

#[test]
fn calls_add_few_bytes_to_their_payloads() {
    // A header of 16 bytes, and the name in requests. Longer bodies add 8 bytes for their length, and a header for each further frame.
    let table = [
        (0, [(1, 20), (1, 16)]),
        (32, [(1, 20), (1, 16)]),
        (4 << 10, [(1, 20), (1, 16)]),
        (64 << 10, [(2, 44), (2, 40)]),
        (1 << 20, [(17, 284), (17, 280)]),
    ];
    let mut link = Link::open();
    for (size, expected) in table {
        assert_eq!(echo(&mut link, size), expected, "{size}");
    }
}

/// Instructions that valgrind counts in a process that makes `calls` calls, or why there is no count.
fn instructions(calls: usize) -> Result<u64, String> {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(std::env::current_exe().unwrap());
    command.args(["--exact", "instructions_of_a_call_are_bounded", "--test-threads=1"]).env(CALLS, calls.to_string());
    let output = command.output().map_err(|error| format!("valgrind does not run: {error}"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    let count = text.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok());
    count.ok_or_else(|| format!("valgrind has counted nothing: {text}"))
}

#[test]
fn instructions_of_a_call_are_bounded() {
    if let Ok(calls) = std::env::var(CALLS) {
        let mut link = Link::open();
        for _ in 0..calls.parse().unwrap() {
            echo(&mut link, 32);
        }
        return;
    }
    let (few, many) = match (instructions(100), instructions(300)) {
        (Ok(few), Ok(many)) => (few, many),
        (Err(why), _) | (_, Err(why)) => {
            // Not by a macro, whose output the test harness keeps.
            let _ = writeln!(std::io::stderr(), "SKIPPED: instructions of a call: {why}");
            return;
        }
    };
    let per_call = (many - few) / 200;
    let most = if cfg!(debug_assertions) { MOST_CHECKED } else { MOST };
    assert!((most / 4..=most).contains(&per_call), "{per_call} instructions, and at most {most} are expected");
}

/// Variable with the number of calls, in a process under valgrind.
const CALLS: &str = "COINCIDE_COUNTED_CALLS";

/// Instructions of a call and its answer at both sessions and in the queues between them: a third more than were counted.
const MOST: u64 = 5_700;

/// The same with debug assertions and without optimizations.
const MOST_CHECKED: u64 = 35_000;
