//! Measures round trips of raw frames between two threads, next to the bound that the machine sets: two threads
//! that copy in and out and spin on shared words.
//!
//! `cargo run --release -p coincide-transport-atomics --example rtt [--runs N] [bytes or part of a row's name]...`
//!
//! Each figure is the median of three runs of 20 milliseconds, a rough one; `--runs 50` gives figures to compare.

use coincide_proto::{Transmit, Transport};
use coincide_transport_atomics::{Doorbell, MainTransport, Rings, WorkerTransport, pair};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

fn main() {
    let (mut runs, mut sizes, mut names) = (3, Vec::new(), Vec::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--runs" {
            let number = arguments.next().and_then(|number| number.parse().ok());
            runs = number.filter(|runs| *runs > 0).expect("--runs takes a number from 1");
        } else if let Ok(size) = argument.parse() {
            sizes.push(size);
        } else {
            names.push(argument);
        }
    }
    if sizes.is_empty() {
        sizes = vec![32, 4 << 10, 1 << 20];
    }
    let link = |kib: usize, manner| move |size| link(size, kib << 10, manner);
    let mut rows: Vec<(&str, Measure)> = vec![
        ("bound: two threads spin on words", Box::new(spinning_words)),
        ("link of 64 KiB rings, spinning", Box::new(link(64, Manner::Spinning))),
        ("link of 256 KiB rings, spinning", Box::new(link(256, Manner::Spinning))),
        ("link of 512 KiB rings, spinning", Box::new(link(512, Manner::Spinning))),
        ("link of 256 KiB rings, waiting", Box::new(link(256, Manner::Waiting))),
        ("peer: two threads park", Box::new(parking)),
        ("link of 256 KiB rings, main parks", Box::new(link(256, Manner::Parked))),
    ];
    rows.retain(|(row, _)| names.is_empty() || names.iter().any(|name| row.contains(name.as_str())));
    // Interleaved, so that all rows see the same noise.
    let mut samples = vec![vec![Vec::new(); sizes.len()]; rows.len()];
    for _ in 0..runs {
        for (column, size) in sizes.iter().enumerate() {
            for (row, (_, measure)) in rows.iter().enumerate() {
                samples[row][column].push(measure(*size));
            }
        }
    }
    print!("{:<36}", "ns a round trip");
    for size in &sizes {
        print!("{size:>12} B");
    }
    println!();
    for ((name, _), columns) in rows.iter().zip(&mut samples) {
        print!("{name:<36}");
        for column in columns {
            column.sort_unstable();
            print!("{:>14}", column[runs / 2]);
        }
        println!();
    }
}

/// Nanoseconds of one round trip of this number of bytes.
type Measure = Box<dyn Fn(usize) -> u128>;

/// Nanoseconds of a round, averaged over rounds that take [`RUN`] in total.
fn time(mut round: impl FnMut()) -> u128 {
    let mut rounds_of = |duration: Duration| {
        let start = Instant::now();
        let (mut rounds, mut batch) = (0, 1_u32);
        loop {
            for _ in 0..batch {
                round();
            }
            rounds += u128::from(batch);
            let elapsed = start.elapsed();
            if elapsed >= duration {
                return elapsed.as_nanos() / rounds;
            }
            // Seldom enough that reading the clock doesn't count, and still in time.
            if elapsed < duration / 4 {
                batch *= 2;
            }
        }
    };
    rounds_of(RUN / 10);
    rounds_of(RUN)
}

#[derive(Clone, Copy, PartialEq)]
enum Manner {
    /// Both ends poll without pause.
    Spinning,
    /// Both ends wait as they do by default.
    Waiting,
    /// Main sleeps at its doorbell after each frame, the worker waits.
    Parked,
}

fn link(size: usize, capacity: usize, manner: Manner) -> u128 {
    let doorbell = Doorbell::new().unwrap();
    let config = Rings::default().up_capacity(capacity).down_capacity(capacity);
    let (mut main, mut worker) = pair(config, Arc::clone(&doorbell));
    let thread = thread::spawn(move || {
        let mut buffer = vec![0; size];
        let pass = |main: &mut MainTransport, room: bool| match manner {
            Manner::Spinning => std::hint::spin_loop(),
            Manner::Waiting => main.wait(room, None),
            Manner::Parked => {
                if main.arm(room) {
                    doorbell.wait(None);
                    main.disarm();
                }
            }
        };
        'echo: loop {
            let mut filled = 0;
            while filled < size {
                match main.receive_with(|frame| {
                    frame.copy_to(0, &mut buffer[filled..filled + frame.len()]);
                    filled += frame.len();
                    Ok(())
                }) {
                    Ok(true) => {}
                    Ok(false) => pass(&mut main, false),
                    Err(_) => break 'echo,
                }
            }
            for chunk in buffer.chunks(main.max_frame()) {
                while main.send(&Transmit::new(&[], chunk)) == Ok(false) {
                    pass(&mut main, true);
                }
            }
        }
    });
    let (outgoing, mut echoed) = (vec![1; size], vec![0; size]);
    let pass = |worker: &mut WorkerTransport, room: bool| match manner {
        Manner::Spinning => std::hint::spin_loop(),
        _ => worker.wait(room, None),
    };
    let elapsed = time(|| {
        let (mut sent, mut filled) = (0, 0);
        while filled < size {
            let mut moved = false;
            if sent < size {
                let end = size.min(sent + worker.max_frame());
                if worker.send(&Transmit::new(&[], &outgoing[sent..end])).unwrap() {
                    sent = end;
                    moved = true;
                }
            }
            moved |= worker
                .receive_with(|frame| {
                    frame.copy_to(0, &mut echoed[filled..filled + frame.len()]);
                    filled += frame.len();
                    Ok(())
                })
                .unwrap();
            if !moved {
                pass(&mut worker, sent < size);
            }
        }
    });
    assert_eq!(outgoing, echoed);
    drop(worker);
    thread.join().unwrap();
    elapsed
}

/// Two threads hand a buffer to and fro, by one word each in a line of its own; nothing wraps, nothing is checked.
fn spinning_words(size: usize) -> u128 {
    #[repr(align(128))]
    struct Turn(AtomicU32);
    struct Shared {
        turn: Turn,
        words: Vec<AtomicU32>,
    }
    fn copy_in(shared: &Shared, bytes: &[u8]) {
        for (word, bytes) in shared.words.iter().zip(bytes.chunks_exact(4)) {
            word.store(u32::from_ne_bytes(bytes.try_into().unwrap()), Ordering::Relaxed);
        }
    }
    fn copy_out(shared: &Shared, bytes: &mut [u8]) {
        for (word, bytes) in shared.words.iter().zip(bytes.chunks_exact_mut(4)) {
            bytes.copy_from_slice(&word.load(Ordering::Relaxed).to_ne_bytes());
        }
    }
    let shared = Arc::new(Shared {
        turn: Turn(AtomicU32::new(0)),
        words: std::iter::repeat_with(|| AtomicU32::new(0)).take(size / 4).collect(),
    });
    let other = Arc::clone(&shared);
    let thread = thread::spawn(move || {
        let mut buffer = vec![0; size];
        loop {
            let turn = loop {
                match other.turn.0.load(Ordering::Acquire) {
                    u32::MAX => return,
                    turn if turn % 2 == 1 => break turn,
                    _ => std::hint::spin_loop(),
                }
            };
            copy_out(&other, &mut buffer);
            copy_in(&other, &buffer);
            other.turn.0.store(turn.wrapping_add(1), Ordering::Release);
        }
    });
    let mut buffer = vec![1; size];
    let mut turn = 0;
    let elapsed = time(|| {
        copy_in(&shared, &buffer);
        shared.turn.0.store(turn + 1, Ordering::Release);
        turn += 2;
        while shared.turn.0.load(Ordering::Acquire) != turn {
            std::hint::spin_loop();
        }
        copy_out(&shared, &mut buffer);
    });
    shared.turn.0.store(u32::MAX, Ordering::Release);
    thread.join().unwrap();
    // A machine with one core would measure its scheduler here.
    assert!(elapsed < Duration::from_secs(1).as_nanos());
    elapsed
}

/// Two threads take turns to sleep by `thread::park`, a futex on Linux.
fn parking(_size: usize) -> u128 {
    let turn = Arc::new(AtomicU32::new(0));
    let (other, main) = (Arc::clone(&turn), thread::current());
    let thread = thread::spawn(move || {
        loop {
            match other.load(Ordering::Acquire) {
                u32::MAX => return,
                turn if turn % 2 == 1 => {
                    other.store(turn + 1, Ordering::Release);
                    main.unpark();
                }
                _ => thread::park(),
            }
        }
    });
    let mut now = 0;
    let elapsed = time(|| {
        turn.store(now + 1, Ordering::Release);
        now += 2;
        thread.thread().unpark();
        while turn.load(Ordering::Acquire) != now {
            thread::park();
        }
    });
    turn.store(u32::MAX, Ordering::Release);
    thread.thread().unpark();
    thread.join().unwrap();
    elapsed
}

/// How long one run measures.
const RUN: Duration = Duration::from_millis(20);
