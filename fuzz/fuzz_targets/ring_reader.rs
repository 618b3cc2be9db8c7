#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| coincide_transport_atomics::fuzzing::ring_reader(input));
