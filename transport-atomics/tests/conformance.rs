//! The conformance suite for transports, over heap memory.
#![cfg(not(any(loom, miri)))]

use coincide_transport_atomics::{Doorbell, Rings, pair};

coincide_proto::conformance!(|| {
    let doorbell = Doorbell::new().expect("a doorbell can be created");
    let (main, worker) = pair(Rings::default(), doorbell);
    (Box::new(main), Box::new(worker))
});
