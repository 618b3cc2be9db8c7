//! Warm round trips do not allocate at either end. In a separate file, because allocations of the whole process are counted.

use coincide::{ByteBuf, Main, SharedBytes, Value, interface};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

interface! {
    mod counter {
        fn inc(k: u64) -> u64;
        fn echo(bytes: ByteBuf) -> ByteBuf;
        fn echo_shared(bytes: SharedBytes) -> SharedBytes;
    }
}

struct Counter;

impl counter::Service for Counter {
    fn inc(&self, k: u64) -> Result<u64, coincide::Thrown> {
        Ok(k + 1)
    }

    fn echo(&self, bytes: ByteBuf) -> Result<ByteBuf, coincide::Thrown> {
        Ok(bytes)
    }

    fn echo_shared(&self, bytes: SharedBytes) -> Result<SharedBytes, coincide::Thrown> {
        Ok(bytes)
    }
}

#[test]
fn warm_round_trips_do_not_allocate() {
    let main = Main::new().unwrap();
    let worker = main
        .spawn(|scope| {
            let sync = scope.sync();
            let client = counter::Client::new(scope.sync());
            let mut bytes = vec![7; 100_000];
            let mut round = |k: u64| {
                assert_eq!(client.inc(k).unwrap(), k + 1);
                let pair: (u64, bool) = sync.call("pair", (k, true)).unwrap();
                assert_eq!(pair, (k, true));
                sync.call_bytes("echo", &mut bytes).unwrap();
                assert_eq!(bytes.len(), 100_000);
            };
            (0..2000).for_each(&mut round);
            let before = ALLOCATIONS.load(Ordering::SeqCst);
            (0..2000).for_each(&mut round);
            let after = ALLOCATIONS.load(Ordering::SeqCst);
            assert_eq!(after - before, 0, "in 6000 round trips, both sides together");

            let mut shared = Some(SharedBytes::from(vec![7; 1 << 20]));
            let mut round = |k: u8| {
                let mut bytes = shared.take().expect("the answer before");
                bytes.get_mut().expect("there is no other handle")[k as usize] = k;
                let answer = client.echo_shared(bytes).unwrap();
                assert_eq!((answer.len(), answer[k as usize]), (1 << 20, k));
                shared = Some(answer);
            };
            assert_eq!(allocations(&mut round), 0, "in 100 round trips of shared bytes");

            let mut bytes = Some(ByteBuf::from(vec![7; 1 << 20]));
            let mut round = |k: u8| {
                bytes.as_mut().expect("the answer before")[k as usize] = k;
                let answer = client.echo(bytes.take().expect("the answer before")).unwrap();
                assert_eq!((answer.len(), answer[k as usize]), (1 << 20, k));
                bytes = Some(answer);
            };
            assert_eq!(allocations(&mut round), 200, "each side receives into a buffer that the program then owns");

            let mut shared = Some(SharedBytes::from(vec![7; 1 << 20]));
            let mut round = |k: u8| {
                let bytes = shared.take().expect("the answer before");
                let (answer, same): (SharedBytes, u8) = sync.call("echo_value", (bytes, k)).unwrap();
                assert_eq!((answer.len(), same), (1 << 20, k));
                shared = Some(answer);
            };
            assert_eq!(allocations(&mut round), 0, "in 100 round trips of shared bytes as values");

            let mut value = Some(Value::Bytes(vec![7; 1 << 20]));
            let mut round = |k: u8| {
                let (answer, same): (Value, u8) = sync.call("echo_any", (value.take().expect("one"), k)).unwrap();
                assert_eq!(same, k);
                value = Some(answer);
            };
            // Each side also makes a table of the value's buffers, when it writes and when it reads one.
            assert_eq!(allocations(&mut round), 600, "each side receives into a buffer that the value then owns");

            let mut text = Some("x".repeat(1 << 20));
            let mut round = |k: u8| {
                let (answer, same): (String, u8) = sync.call("echo_text", (text.take().expect("one"), k)).unwrap();
                assert_eq!((answer.len(), same), (1 << 20, k));
                text = Some(answer);
            };
            assert_eq!(allocations(&mut round), 200, "each side receives into a buffer that the string then owns");
            Ok(())
        })
        .unwrap();
    worker.register_interface(counter::functions(Counter));
    worker.register("pair", |k: u64, flag: bool| (k, flag));
    worker.register("echo_value", |bytes: SharedBytes, k: u8| (bytes, k));
    worker.register("echo_any", |value: Value, k: u8| (value, k));
    worker.register("echo_text", |text: String, k: u8| (text, k));
    worker.register_bytes("echo", |_| Ok(()));
    main.block_on(worker.ready()).unwrap();
}

/// Allocations in 100 rounds, after some that fill the pools.
fn allocations(mut round: impl FnMut(u8)) -> u64 {
    (0..20).for_each(&mut round);
    let before = ALLOCATIONS.load(Ordering::SeqCst);
    (0..100).for_each(&mut round);
    ALLOCATIONS.load(Ordering::SeqCst) - before
}

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: every operation is the system allocator's own; counting does not touch memory.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::SeqCst);
        // SAFETY: the caller keeps to the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps to the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::SeqCst);
        // SAFETY: the caller keeps to the contract of `realloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;
