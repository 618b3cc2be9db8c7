//! What a worker wants done, done.

use super::objects::{Objects, in_words, write};
use crate::raw::{Failure, Format, RawReply};
use crate::window::wire;
use js_sys::{Array, RangeError, TypeError};
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::prelude::*;

/// Carries out operations of a worker.
pub(super) struct Operations {
    pub(super) objects: Rc<Objects>,
    pub(super) root: JsValue,
    /// What an operation that nobody waited for has thrown: the next one that is waited for throws it.
    pub(super) late: RefCell<Option<JsValue>>,
}

/// What an operation gives, by how it travels.
enum Outcome {
    /// A primitive, or a list of keys.
    Copy(JsValue),
    /// Any value.
    Value(JsValue),
    Values(Vec<JsValue>),
    Descriptor(JsValue),
}

impl Operations {
    pub(super) fn serve(&self, format: Format, payload: &[u8], result: &mut Vec<u8>) -> Result<RawReply, Failure> {
        let operation = self.objects.arguments(format, payload)?;
        let served = match self.late.take() {
            Some(error) => Err(error),
            None => self.answer(&operation, result).inspect_err(|_| self.objects.take_back(result)),
        };
        match served {
            Ok(()) => Ok(RawReply::Now(Format::Value)),
            Err(thrown) => Err(self.objects.thrown(&thrown)),
        }
    }

    pub(super) fn serve_later(&self, format: Format, payload: &[u8]) -> Result<RawReply, Failure> {
        // What follows a failure may count on what has failed.
        if self.late.borrow().is_none() {
            let operation = self.objects.arguments(format, payload)?;
            let done = match self.objects.wall() {
                Some(wall) => wall.serve_whole(&operation),
                None => self.carry_out_whole(&operation),
            };
            self.late.replace(done.err());
        }
        Ok(RawReply::Now(Format::Value))
    }

    /// Carries out an operation and appends its result.
    fn answer(&self, operation: &Array, result: &mut Vec<u8>) -> Result<(), JsValue> {
        let number = number_of(&operation.get(0));
        let flags = number & (FACTS | STEADY);
        let outcome = match self.objects.wall() {
            Some(wall) => judged(&wall.serve(operation)?),
            None => self.carry_out((number & !flags) as u8, &operation.slice(1, operation.length()))?,
        };
        if flags == 0 {
            return self.write(&outcome, result);
        }
        // Neither is told here, which is always allowed.
        write(result, |writer| writer.array(4))?;
        self.write(&outcome, result)?;
        write(result, |writer| {
            writer.undefined();
            writer.boolean(false);
            match flags & STEADY {
                0 => writer.undefined(),
                _ => writer.boolean(false),
            }
        })
    }

    /// Carries out an operation with what follows its number: the target first.
    fn carry_out(&self, number: u8, parts: &Array) -> Result<Outcome, JsValue> {
        if number == wire::REACH {
            let there = self.walk(&parts.get(0), &parts.get(1))?;
            if !there.is_object() && !there.is_function() {
                return Err(nothing_at(&parts.get(1), &there));
            }
            let rest = parts.slice(2, parts.length());
            let inner = number_of(&rest.get(0));
            rest.set(0, there);
            return self.carry_out(u8::try_from(inner).unwrap_or(u8::MAX), &rest);
        }
        let Some(name) = NAMES.get(usize::from(number)) else {
            return Err(RangeError::new(&format!("there is no operation {number}")).into());
        };
        let (target, first, second) = (parts.get(0), parts.get(1), parts.get(2));
        Ok(match number {
            wire::GET if self.imports(&target, &first) => Outcome::Value(imports_function()),
            wire::GET | wire::CONSTRUCT | wire::GET_PROTOTYPE => Outcome::Value(reflect(name, parts)?),
            wire::APPLY => Outcome::Value(self.objects.callbacks.apply(&target, &first, &second)?),
            wire::INVOKE_METHOD => {
                let function =
                    if self.imports(&target, &first) { imports_function() } else { property(&target, &first)? };
                Outcome::Value(self.objects.callbacks.apply(&function, &target, &second)?)
            }
            wire::OWN_KEYS => Outcome::Copy(shared_keys(&target)?),
            wire::GET_DESCRIPTOR => Outcome::Descriptor(reflect(name, parts)?),
            wire::QUERY => Outcome::Value(self.walk(&target, &first)?),
            wire::GATHER => {
                let paths = Array::from(&first);
                Outcome::Values(paths.iter().map(|path| self.walk(&target, &path)).collect::<Result<_, _>>()?)
            }
            wire::ASSIGN => {
                assign(&target, &first)?;
                Outcome::Copy(JsValue::UNDEFINED)
            }
            wire::EVALUATE => {
                let source = first.as_string().unwrap_or_default();
                Outcome::Value(self.objects.callbacks.apply(&compile(&source)?, &JsValue::UNDEFINED, &second)?)
            }
            wire::BATCH => {
                for operation in Array::from(&first).iter() {
                    self.carry_out_whole(&Array::from(&operation))?;
                }
                Outcome::Copy(JsValue::UNDEFINED)
            }
            _ => Outcome::Copy(reflect(name, parts)?),
        })
    }

    /// Whether a key is the one by which the root imports modules.
    fn imports(&self, target: &JsValue, key: &JsValue) -> bool {
        *key == IMPORT && *target == self.root && !has(target, IMPORT)
    }

    /// Carries out an operation without a result. An operation that the object refuses is an error.
    fn carry_out_whole(&self, operation: &Array) -> Result<(), JsValue> {
        let number = u8::try_from(number_of(&operation.get(0))).unwrap_or(u8::MAX);
        let outcome = self.carry_out(number, &operation.slice(1, operation.length()))?;
        let (done, key) = match number {
            wire::REACH => (number_of(&operation.get(3)) as u8, operation.get(4)),
            number => (number, operation.get(2)),
        };
        match outcome {
            Outcome::Copy(done_at_all) if done_at_all == JsValue::FALSE && REFUSABLE.contains(&done) => {
                let text = format!("`{}` of {} is refused by its object", NAMES[usize::from(done)], in_words(&key));
                Err(TypeError::new(&text).into())
            }
            _ => Ok(()),
        }
    }

    /// What is at the end of a path; undefined if it breaks off.
    fn walk(&self, target: &JsValue, path: &JsValue) -> Result<JsValue, JsValue> {
        let mut value = target.clone();
        for key in Array::from(path).iter() {
            if value.is_undefined() || value.is_null() {
                return Ok(JsValue::UNDEFINED);
            }
            value = property(&value, &key)?;
        }
        Ok(value)
    }

    fn write(&self, outcome: &Outcome, result: &mut Vec<u8>) -> Result<(), JsValue> {
        match outcome {
            Outcome::Copy(value) => self.objects.copy(value, result),
            Outcome::Value(value) => self.objects.send(value, result),
            Outcome::Values(values) => {
                write(result, |writer| writer.array(values.len()))?;
                values.iter().try_for_each(|value| self.objects.send(value, result))
            }
            Outcome::Descriptor(descriptor) if descriptor.is_undefined() => self.objects.copy(descriptor, result),
            Outcome::Descriptor(descriptor) => {
                let keys = Array::from(&shared_keys(descriptor)?);
                write(result, |writer| writer.object(keys.length() as usize))?;
                for key in keys.iter() {
                    write(result, |writer| writer.key(&key.as_string().unwrap_or_default()))?;
                    self.objects.send(&property(descriptor, &key)?, result)?;
                }
                Ok(())
            }
        }
    }
}

/// The outcome that a wall gives.
fn judged(served: &Array) -> Outcome {
    let value = served.get(1);
    match served.get(0).as_f64() {
        Some(1.0) => Outcome::Value(value),
        Some(2.0) => Outcome::Values(Array::from(&value).iter().collect()),
        Some(3.0) => Outcome::Descriptor(value),
        _ => Outcome::Copy(value),
    }
}

fn number_of(value: &JsValue) -> u32 {
    value.as_f64().unwrap_or(f64::MAX) as u32
}

fn nothing_at(path: &JsValue, found: &JsValue) -> JsValue {
    let path: Vec<_> = Array::from(path).iter().map(|key| in_words(&key)).collect();
    let path = path.join(".");
    TypeError::new(&format!("there is no object at `{path}`: it is {}", in_words(found))).into()
}

/// Names of operations by number: for the most part methods of `Reflect`.
const NAMES: [&str; 19] = [
    "get",
    "set",
    "has",
    "deleteProperty",
    "ownKeys",
    "getOwnPropertyDescriptor",
    "defineProperty",
    "getPrototypeOf",
    "setPrototypeOf",
    "isExtensible",
    "preventExtensions",
    "apply",
    "construct",
    "assign",
    "gather",
    "query",
    "evaluate",
    "batch",
    "invoke",
];

/// False is how these say that they have failed.
const REFUSABLE: [u8; 3] = [wire::SET, wire::DELETE, wire::DEFINE];

/// The key of the root that imports modules.
const IMPORT: &str = "import";

/// What may be added to the number of an operation.
const FACTS: u32 = 64;
const STEADY: u32 = 128;

#[wasm_bindgen(module = "/js/window.js")]
extern "C" {
    #[wasm_bindgen(catch)]
    fn reflect(name: &str, parts: &Array) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(js_name = sharedKeys, catch)]
    fn shared_keys(object: &JsValue) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch)]
    fn property(value: &JsValue, key: &JsValue) -> Result<JsValue, JsValue>;
    fn has(object: &JsValue, key: &str) -> bool;
    #[wasm_bindgen(catch)]
    fn assign(target: &JsValue, sources: &JsValue) -> Result<(), JsValue>;
    #[wasm_bindgen(catch)]
    fn compile(source: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(js_name = importsFunction)]
    fn imports_function() -> JsValue;
}
