//! The suite that every transport has to pass, over heap memory.
#![cfg(not(any(loom, miri)))]

use coincide_transport_atomics::{Doorbell, Rings, pair};

coincide_proto::conformance!(|| {
    let doorbell = Doorbell::new().expect("the system gives a doorbell");
    let (main, worker) = pair(Rings::default(), doorbell);
    (Box::new(main), Box::new(worker))
});
