//! Objects of main in a worker in Rust: bytes of operations against the vectors, and behaviour against a main that each test defines.

mod callbacks;
mod operations;
mod references;

use coincide::raw::{Failure, Format, RawReply};
use coincide::{Main, Scope, Thrown, Value, Worker};
use coincide_codec::value::{RefKind, RefOwner};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::mpsc;

/// Setup of a worker.
pub(crate) type Does = fn(&Scope) -> Result<(), Thrown>;

/// A worker and a main whose answer to each operation is `answer`.
pub(crate) fn play(does: Does, answer: impl Fn(&Value) -> Result<Value, Value> + 'static) -> (Main, Worker) {
    let main = Main::new().unwrap();
    let worker = main.spawn(does).unwrap();
    worker.register_raw("coincide:reflect", move |_, payload, result| {
        let written = |value: Value, buffer: &mut Vec<u8>| value.encode(buffer).expect("it can be sent");
        match answer(&Value::decode(payload).expect("an operation")) {
            Ok(value) => {
                written(value, result);
                Ok(RawReply::Now(Format::Value))
            }
            Err(thrown) => {
                let mut payload = Vec::new();
                written(thrown, &mut payload);
                Err(Failure::Threw(payload))
            }
        }
    });
    (main, worker)
}

pub(crate) fn object(id: u64) -> Value {
    Value::Reference { owner: RefOwner::Sender, kind: RefKind::Object, id }
}

pub(crate) fn parts(operation: &Value) -> &[Value] {
    match operation {
        Value::Array(parts) => parts,
        other => panic!("{other:?} is no operation"),
    }
}

/// The key of an operation on a property.
pub(crate) fn key(operation: &Value) -> &str {
    parts(operation)[2].as_str().expect("a key")
}

pub(crate) fn released(worker: &Worker) -> Rc<RefCell<Vec<u64>>> {
    let released = Rc::new(RefCell::new(Vec::new()));
    let listening = Rc::clone(&released);
    worker.on_released(move |ids| listening.borrow_mut().extend_from_slice(ids));
    released
}

/// Sends a text when it is dropped.
pub(crate) struct Dropped(pub(crate) mpsc::Sender<&'static str>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.send("dropped").ok();
    }
}

/// Number of main's objects that the worker holds, and of its callbacks that main holds.
pub(crate) fn sizes(scope: &Scope) -> (usize, usize) {
    let shown = format!("{scope:?}");
    let count = |name: &str| {
        let (_, rest) = shown.split_once(name).expect("`Debug` counts both");
        let end = rest.find(|char: char| !char.is_ascii_digit()).unwrap_or(rest.len());
        rest[..end].parse().expect("a number")
    };
    (count("objects: "), count("callbacks: "))
}
