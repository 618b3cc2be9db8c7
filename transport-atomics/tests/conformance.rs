//! The suite that every transport has to pass, over heap memory.
#![cfg(not(any(loom, miri)))]

use coincide_transport_atomics::{Bell, Rings, pair};

coincide_proto::conformance!(|| {
    let bell = Bell::new().expect("the system gives a bell");
    let (main, worker) = pair(Rings::default(), bell);
    (Box::new(main), Box::new(worker))
});
