//! Thread-local variables for values that serde cannot pass by reference.

#[cfg(feature = "std")]
mod sys {
    use core::cell::Cell;

    pub(crate) type Slot<T> = std::thread::LocalKey<Cell<Option<T>>>;

    pub(crate) fn put<T>(slot: &'static Slot<T>, value: T) {
        slot.set(Some(value));
    }

    pub(crate) fn take<T>(slot: &'static Slot<T>) -> Option<T> {
        slot.take()
    }

    macro_rules! slots {
        ($($(#[$about:meta])* $name:ident: $type:ty;)*) => {
            std::thread_local! {
                $($(#[$about])* static $name: core::cell::Cell<Option<$type>> = const { core::cell::Cell::new(None) };)*
            }
        };
    }

    pub(crate) use slots;
}

/// Without thread-local variables, slots are always empty.
#[cfg(not(feature = "std"))]
mod sys {
    use core::marker::PhantomData;

    pub(crate) struct Slot<T>(pub(crate) PhantomData<fn() -> T>);

    pub(crate) fn put<T>(_: &'static Slot<T>, value: T) {
        drop(value);
    }

    pub(crate) fn take<T>(_: &'static Slot<T>) -> Option<T> {
        None
    }

    macro_rules! slots {
        ($($(#[$about:meta])* $name:ident: $type:ty;)*) => {
            $($(#[$about])* static $name: crate::slot::Slot<$type> = crate::slot::Slot(core::marker::PhantomData);)*
        };
    }

    pub(crate) use slots;
}

pub(crate) use sys::*;

/// Puts a value into a slot while `run` runs. If it was not taken, it is dropped.
pub(crate) fn offer<T, R>(slot: &'static Slot<T>, value: T, run: impl FnOnce() -> R) -> R {
    put(slot, value);
    let result = run();
    drop(take(slot));
    result
}

/// Whether slots retain values.
pub(crate) const AVAILABLE: bool = cfg!(feature = "std");
