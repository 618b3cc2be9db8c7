//! Changes that are sent in one trip.

use super::key::Key;
use super::link::{ObjectLink, was_sent};
use super::path::Path;
use super::remote::Handle;
use super::table::ROOT;
use super::wire::{self, List};
use crate::calls::error::CallError;
use crate::calls::payload::Args;
use coincide_codec::Value;
use coincide_codec::value::RefKind;
use serde::Serialize;
use std::fmt;
use std::rc::Rc;

/// Changes of objects of main that are sent in one trip and carried out in order.
///
/// The first change that throws, or that its object refuses, ends the batch.
///
/// ```no_run
/// # fn example(title: coincide::window::Remote, list: coincide::window::Remote) -> Result<(), coincide::CallError> {
/// let mut batch = title.batch();
/// batch.set(&title, "textContent", "Ready")?.set(&title, "hidden", false)?.run(&list, "replaceChildren", ())?;
/// batch.send()?;
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is carried out before it is sent"]
pub struct Batch {
    gathered: Gathered,
    operations: Vec<Value>,
    /// Objects that must not be released before they are used.
    kept: Vec<Rc<Handle>>,
}

impl Batch {
    pub(super) fn new(link: ObjectLink) -> Self {
        Self { gathered: Gathered { link, sent: Vec::new() }, operations: Vec::new(), kept: Vec::new() }
    }

    /// Sets a property.
    ///
    /// # Errors
    /// When the value can't be sent.
    pub fn set(&mut self, target: &Path, key: impl Into<Key>, value: impl Serialize) -> Result<&mut Self, CallError> {
        self.push(target, &target.operation(wire::SET, Some(key.into()), Some(value)))
    }

    /// Deletes a property.
    ///
    /// # Errors
    /// When the target is of another link.
    pub fn delete(&mut self, target: &Path, key: impl Into<Key>) -> Result<&mut Self, CallError> {
        self.push(target, &target.operation(wire::DELETE, Some(key.into()), None::<()>))
    }

    /// Calls a method and discards its result.
    ///
    /// # Errors
    /// When the arguments can't be sent.
    pub fn run(&mut self, target: &Path, method: impl Into<Key>, args: impl Args) -> Result<&mut Self, CallError> {
        self.push(target, &target.operation(wire::INVOKE_METHOD, Some(method.into()), Some(List(args))))
    }

    /// Sends the changes. An empty batch takes no trip.
    ///
    /// # Errors
    /// The error that the first failing change threw. Earlier changes were made, later ones were not.
    pub fn send(mut self) -> Result<(), CallError> {
        if self.operations.is_empty() {
            return Ok(());
        }
        let link = self.gathered.link.clone();
        let root = Handle { id: ROOT, kind: RefKind::Object, link: link.clone() };
        let operations = std::mem::take(&mut self.operations);
        let result = link.operate(|| "batch".into(), &(wire::BATCH, &root, operations));
        if result.as_ref().err().is_none_or(was_sent) {
            // Main has them now.
            self.gathered.sent.clear();
        }
        result
    }

    fn push(&mut self, target: &Path, operation: &impl Serialize) -> Result<&mut Self, CallError> {
        let mut bytes = Vec::new();
        let link = &self.gathered.link;
        let refused = |source| CallError::arguments(&target.to_string(), source);
        let (sent, kept) = link.table.keeping(|| link.encode(operation, &mut bytes));
        let sent = sent.map_err(refused)?;
        // One value after the other: numbers of shared objects and keys count from the start of the batch in the end.
        let value = match Value::decode(&bytes) {
            Ok(value) => value,
            Err(error) if error.is_out_of_memory() => {
                link.table.functions.release(&sent);
                return Err(CallError::result(&target.to_string(), error));
            }
            Err(error) => panic!("what has been encoded can be decoded: {error}"),
        };
        self.gathered.sent.extend(sent);
        self.operations.push(value);
        self.kept.push(Rc::clone(&target.handle));
        self.kept.extend(kept);
        Ok(self)
    }
}

/// The functions that a batch would hand to main.
struct Gathered {
    link: ObjectLink,
    sent: Vec<u64>,
}

impl Drop for Gathered {
    fn drop(&mut self) {
        self.link.table.functions.release(&self.sent);
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("operations", &self.operations.len()).finish_non_exhaustive()
    }
}
