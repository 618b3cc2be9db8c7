//! The table of names.

use super::endpoint::MainEndpoint;
use crate::calls::error::SpawnError;
use hashbrown::HashMap;
use std::cell::RefCell;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

#[derive(Default)]
pub(crate) struct Names {
    table: RefCell<HashMap<String, Entry>>,
}

enum Entry {
    /// The name is free. Wakers of tasks that wait for a worker of this name.
    Awaited(Vec<Waker>),
    Taken(Rc<MainEndpoint>),
}

impl Names {
    /// Fails when the name is taken.
    pub(crate) fn check(&self, name: &str) -> Result<(), SpawnError> {
        match self.table.borrow().get(name) {
            Some(Entry::Taken(_)) => Err(SpawnError::NameTaken(name.into())),
            _ => Ok(()),
        }
    }

    pub(crate) fn insert(&self, name: &str, endpoint: &Rc<MainEndpoint>) {
        let before = self.table.borrow_mut().insert(name.into(), Entry::Taken(Rc::clone(endpoint)));
        if let Some(Entry::Awaited(wakers)) = before {
            wakers.into_iter().for_each(Waker::wake);
        }
    }

    pub(crate) fn remove(&self, name: &str, endpoint: &Rc<MainEndpoint>) {
        let mut table = self.table.borrow_mut();
        if matches!(table.get(name), Some(Entry::Taken(taken)) if Rc::ptr_eq(taken, endpoint)) {
            table.remove(name);
        }
    }

    pub(super) fn poll(&self, name: &str, context: &Context<'_>) -> Poll<Rc<MainEndpoint>> {
        let mut table = self.table.borrow_mut();
        match table.entry_ref(name).or_insert_with(|| Entry::Awaited(Vec::new())) {
            Entry::Taken(endpoint) => Poll::Ready(Rc::clone(endpoint)),
            Entry::Awaited(wakers) => {
                if !wakers.iter().any(|waker| waker.will_wake(context.waker())) {
                    wakers.push(context.waker().clone());
                }
                Poll::Pending
            }
        }
    }

    pub(super) fn list(&self) -> Vec<String> {
        let table = self.table.borrow();
        let taken = table.iter().filter(|(_, entry)| matches!(entry, Entry::Taken(_)));
        let mut names: Vec<String> = taken.map(|(name, _)| name.clone()).collect();
        names.sort_unstable();
        names
    }
}
