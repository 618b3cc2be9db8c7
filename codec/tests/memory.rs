//! Values for which there is no memory. In a file of its own: the allocator is that of the whole process.

use coincide_codec::value::{self, OwnedText, Value};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// Runs `action` while allocations of more than `largest` bytes fail.
fn short_of_memory<T>(largest: usize, action: impl FnOnce() -> T) -> T {
    LARGEST.set(largest);
    let result = action();
    LARGEST.set(usize::MAX);
    result
}

#[test]
fn value_that_is_larger_than_memory_is_an_error_and_leaves_the_buffer_as_it_was() {
    let long = "x".repeat(100_000);
    let properties = |text: &str| (0..200).map(|n| (format!("key {n}"), text.into())).collect::<Vec<(String, Value)>>();
    let values: [(&str, Value); 5] = [
        ("string", Value::from(&*long)),
        ("string of code units", Value::String(OwnedText::Utf16(vec![0xd800; 100_000]))),
        ("bytes", Value::Bytes(long.clone().into_bytes())),
        ("array", Value::Array(vec![1.into(); 100_000])),
        (
            "objects",
            Value::Array(
                (0..20)
                    .map(|_| {
                        Value::Object(
                            properties("some text")
                                .into_iter()
                                .map(|(key, value)| (key.as_str().into(), value))
                                .collect(),
                        )
                    })
                    .collect(),
            ),
        ),
    ];
    for (what, value) in values {
        let mut buffer = b"before".to_vec();
        let error = short_of_memory(20_000, || value.encode(&mut buffer)).unwrap_err();
        assert_eq!(error.to_string(), "it is larger than there is memory for", "{what}");
        assert_eq!(buffer, b"before", "{what}");
        value.encode(&mut buffer).unwrap();
        assert_eq!(Value::decode(&buffer[6..]).as_ref(), Ok(&value), "{what}");
    }
    let records: Vec<std::collections::BTreeMap<String, &str>> =
        vec![(0..200).map(|n| (format!("key {n}"), "some text")).collect(); 20];
    let mut buffer = Vec::new();
    let error = short_of_memory(20_000, || value::to_buf(&records, &mut buffer)).unwrap_err();
    assert_eq!(error.to_string(), "it is larger than there is memory for");
    assert!(buffer.is_empty());
}

thread_local! {
    /// Larger allocations of this thread fail.
    static LARGEST: Cell<usize> = const { Cell::new(usize::MAX) };
}

struct Failing;

// SAFETY: each method does what the system's allocator does, or fails as allocators may.
unsafe impl GlobalAlloc for Failing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if LARGEST.try_with(|largest| layout.size() > largest.get()).unwrap_or(false) {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller keeps the contract of `alloc`, which is the same here.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`, and `pointer` came from the system's allocator.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Failing = Failing;
