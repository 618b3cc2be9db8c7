//! The names of the functions that an endpoint serves.

use super::{FunctionId, Runs};
use alloc::{boxed::Box, format, string::String, vec::Vec};

/// Names, with the indexes of the functions in the host.
#[derive(Debug, Default)]
pub(super) struct Functions {
    /// In alphabetical order of the names.
    table: Vec<(Box<str>, Registered)>,
    /// Indexes below `next` that are not in the table.
    free: Vec<u32>,
    next: u32,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Registered {
    pub(super) id: FunctionId,
    pub(super) runs: Runs,
}

impl Functions {
    /// Registers a name. A name that is registered already keeps its index.
    pub(super) fn insert(&mut self, name: &str, runs: Runs) -> FunctionId {
        match self.find(name) {
            Ok(at) => {
                let known = &mut self.table[at].1;
                known.runs = runs;
                known.id
            }
            Err(at) => {
                let id = FunctionId(self.free.pop().unwrap_or(self.next));
                self.next = self.next.max(id.0 + 1);
                self.table.insert(at, (name.into(), Registered { id, runs }));
                id
            }
        }
    }

    pub(super) fn remove(&mut self, name: &str) -> Option<FunctionId> {
        let at = self.find(name).ok()?;
        let (_, Registered { id, .. }) = self.table.remove(at);
        self.free.push(id.0);
        Some(id)
    }

    #[inline]
    pub(super) fn get(&self, name: &str) -> Option<Registered> {
        self.find(name).ok().map(|at| self.table[at].1)
    }

    /// The name that is registered under an index.
    pub(super) fn name_of(&self, id: FunctionId) -> Option<&str> {
        self.table.iter().find(|(_, known)| known.id == id).map(|(name, _)| &**name)
    }

    /// The names in alphabetical order, without reserved ones.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.table.iter().map(|(name, _)| &**name).filter(|name| !name.starts_with(RESERVED))
    }

    /// Error text for a call of the unknown function `name`.
    pub(super) fn unknown(&self, name: &str) -> String {
        let mut known = String::new();
        for (index, other) in self.names().enumerate() {
            if index == MOST_NAMED {
                known.push_str(", ...");
                break;
            }
            if index > 0 {
                known.push_str(", ");
            }
            known.push_str(other);
        }
        if known.is_empty() {
            known.push_str("none yet");
        }
        format!("no function `{name}` is registered; registered are: {known}")
    }

    /// Position of the name, or position at which to insert it.
    #[inline]
    fn find(&self, name: &str) -> Result<usize, usize> {
        self.table.binary_search_by(|(other, _)| (**other).cmp(name))
    }
}

/// Maximum number of names in an error.
const MOST_NAMED: usize = 16;

/// Prefix of reserved names.
const RESERVED: &str = "coincide:";
