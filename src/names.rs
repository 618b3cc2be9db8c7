//! Workers by name.

use crate::link::{Link, ready};
use crate::main_loop::Shared;
use crate::worker::Worker;
use crate::{LinkClosed, SpawnError};
use hashbrown::HashMap;
use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// The named workers of a main endpoint; from [`Main::workers`](crate::Main::workers).
#[derive(Clone)]
pub struct Workers {
    main: Rc<Shared>,
}

impl Workers {
    pub(crate) fn new(main: Rc<Shared>) -> Self {
        Self { main }
    }

    /// The worker of that name, once it is ready. A name that nobody has yet is waited for.
    ///
    /// # Errors
    /// When the worker's link is closed before it is ready.
    pub async fn get(&self, name: &str) -> Result<Worker, LinkClosed> {
        let link = poll_fn(|context| self.main.names.poll(name, context)).await;
        ready(Rc::clone(&link)).await?;
        Ok(Worker::new(link))
    }

    /// The names that are taken, in alphabetical order.
    pub fn names(&self) -> Vec<String> {
        self.main.names.list()
    }
}

impl std::fmt::Debug for Workers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Workers").field(&self.names()).finish()
    }
}

#[derive(Default)]
pub(crate) struct Names {
    table: RefCell<HashMap<String, Entry>>,
}

enum Entry {
    /// Nobody has the name; these wait for somebody.
    Awaited(Vec<Waker>),
    Taken(Rc<Link>),
}

impl Names {
    /// Fails when the name is taken.
    pub(crate) fn check(&self, name: &str) -> Result<(), SpawnError> {
        match self.table.borrow().get(name) {
            Some(Entry::Taken(_)) => Err(SpawnError::NameTaken(name.into())),
            _ => Ok(()),
        }
    }

    pub(crate) fn insert(&self, name: &str, link: &Rc<Link>) {
        let before = self.table.borrow_mut().insert(name.into(), Entry::Taken(Rc::clone(link)));
        if let Some(Entry::Awaited(wakers)) = before {
            wakers.into_iter().for_each(Waker::wake);
        }
    }

    pub(crate) fn remove(&self, name: &str, link: &Rc<Link>) {
        let mut table = self.table.borrow_mut();
        if matches!(table.get(name), Some(Entry::Taken(taken)) if Rc::ptr_eq(taken, link)) {
            table.remove(name);
        }
    }

    fn poll(&self, name: &str, context: &Context<'_>) -> Poll<Rc<Link>> {
        let mut table = self.table.borrow_mut();
        match table.entry_ref(name).or_insert_with(|| Entry::Awaited(Vec::new())) {
            Entry::Taken(link) => Poll::Ready(Rc::clone(link)),
            Entry::Awaited(wakers) => {
                if !wakers.iter().any(|waker| waker.will_wake(context.waker())) {
                    wakers.push(context.waker().clone());
                }
                Poll::Pending
            }
        }
    }

    fn list(&self) -> Vec<String> {
        let table = self.table.borrow();
        let taken = table.iter().filter(|(_, entry)| matches!(entry, Entry::Taken(_)));
        let mut names: Vec<String> = taken.map(|(name, _)| name.clone()).collect();
        names.sort_unstable();
        names
    }
}
