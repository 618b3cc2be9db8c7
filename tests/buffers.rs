//! Payload buffers are returned to their link after every kind of call. In a separate file, because allocations of the whole process are counted.

use coincide::raw::{Format, RawReply};
use coincide::{Main, Scope, Thrown, Value, Worker};
use serde::de::IgnoredAny;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of each payload. Only allocations of at least half this size are counted, so that tables and futures are not.
const SIZE: usize = 100_000;

const WARM_UP: usize = 50;
const ROUNDS: usize = 100;

/// Repeats `round`, which uses one kind of call, and then `ordinary`, a call that finds its buffers at the link. Expects that warm rounds
/// allocate no buffer.
fn reuses_buffers(what: &str, mut round: impl FnMut(), ordinary: impl Fn()) {
    let mut rounds = |count| {
        for _ in 0..count {
            round();
            ordinary();
        }
    };
    rounds(WARM_UP);
    let before = LARGE.load(Ordering::SeqCst);
    rounds(ROUNDS);
    assert_eq!(LARGE.load(Ordering::SeqCst) - before, 0, "buffers allocated in {ROUNDS} rounds of {what}");
}

fn worker(scope: &Scope) -> Result<(), Thrown> {
    scope.export_bytes("echo", |_| Ok(()));
    scope.export_raw("take", |_, _, _| Ok(RawReply::Now(Format::Bytes)));
    let sync = scope.sync();
    let window = scope.window();
    let text = "x".repeat(SIZE);
    let ordinary = || {
        let (_, bytes) = sync.call_raw("give", filled).unwrap();
        sync.recycle(bytes);
    };

    reuses_buffers("operations on objects of main", || window.set("text", &*text).unwrap(), ordinary);
    reuses_buffers("operations that are not waited for", || window.post("write", (&*text,)).unwrap(), ordinary);
    let mut spare = vec![7; SIZE];
    let notify = || {
        sync.notify_raw("take", Format::Bytes, std::mem::take(&mut spare)).unwrap();
        spare = sync.call_raw("give", |_| Format::Bytes).unwrap().1;
    };
    reuses_buffers("raw notifications", notify, ordinary);
    let mut bytes = vec![7; SIZE];
    reuses_buffers("calls of bytes", || sync.call_bytes("echo", &mut bytes).unwrap(), ordinary);
    Ok(())
}

fn filled(buffer: &mut Vec<u8>) -> Format {
    buffer.resize(SIZE, 7);
    Format::Bytes
}

fn register(worker: &Worker) {
    worker.register_raw("coincide:reflect", |_, _, result| {
        Value::from(true).encode(result).expect("a boolean can be sent");
        Ok(RawReply::Now(Format::Value))
    });
    worker.register_raw("coincide:reflect-later", |_, _, _| Ok(RawReply::Now(Format::Value)));
    worker.register_raw("take", |_, _, _| Ok(RawReply::Now(Format::Bytes)));
    worker.register_raw("give", |_, _, result| Ok(RawReply::Now(filled(result))));
    worker.register_bytes("echo", |_| Ok(()));
}

#[test]
fn every_kind_of_call_returns_its_buffers() {
    let main = Main::new().unwrap();
    let handle = main.spawn(worker).unwrap();
    register(&handle);
    main.block_on(handle.ready()).unwrap();
    let exports = handle.proxy();

    let ordinary = || exports.recycle(main.block_on(exports.call_raw("echo", filled)).unwrap().1);

    reuses_buffers("awaited raw calls", || (), ordinary);
    let mut bytes = vec![7; SIZE];
    let call = || bytes = main.block_on(exports.call_bytes("echo", std::mem::take(&mut bytes))).unwrap();
    reuses_buffers("awaited calls of bytes", call, ordinary);
    let mut spare = vec![7; SIZE];
    let notify = || {
        exports.notify_raw("take", Format::Bytes, std::mem::take(&mut spare)).unwrap();
        spare = main.block_on(exports.call_raw("echo", filled)).unwrap().1;
    };
    reuses_buffers("notifications to exports", notify, ordinary);

    let pool = main.pool(1, |worker| worker.spawn(pooled)).unwrap();
    let proxy = pool.proxy();
    let call = || _ = main.block_on(proxy.call::<IgnoredAny>("text", ())).unwrap();
    reuses_buffers("calls of a pool", call, || ());
}

fn pooled(scope: &Scope) -> Result<(), Thrown> {
    let mut text = Vec::new();
    Value::from("x".repeat(SIZE)).encode(&mut text)?;
    scope.export_raw("text", move |_, _, result| {
        result.extend_from_slice(&text);
        Ok(RawReply::Now(Format::Value))
    });
    Ok(())
}

struct Counting;

static LARGE: AtomicU64 = AtomicU64::new(0);

fn count(size: usize) {
    LARGE.fetch_add(u64::from(size >= SIZE / 2), Ordering::SeqCst);
}

// SAFETY: every operation is the system allocator's own; counting does not touch memory.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller keeps to the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps to the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        // SAFETY: the caller keeps to the contract of `realloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;
