//! What serde passes no reference to goes past it, in a variable of the thread.

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

/// Without variables of threads nothing goes past serde: slots are always empty.
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

/// Whether slots hold what is put into them.
pub(crate) const AVAILABLE: bool = cfg!(feature = "std");
