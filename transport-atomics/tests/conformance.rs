//! The suite that every transport has to pass, over heap memory.
#![cfg(not(any(loom, miri)))]

use coincide_transport_atomics::{Bell, LinkConfig, pair};

coincide_proto::conformance!(|| {
    let bell = Bell::new().expect("the system gives a bell");
    let (main, worker) = pair(LinkConfig::default(), bell);
    (Box::new(main), Box::new(worker))
});
