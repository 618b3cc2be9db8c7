//! The suite that every transport has to pass, over a relay that behaves.

mod net;

use coincide_transport_sw::Endpoint;

coincide_proto::conformance!(|| {
    let (main, worker) = net::pair(Endpoint::WINDOW, net::Faults::default());
    (Box::new(main), Box::new(worker))
});
