#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| coincide_transport_sw::fuzzing::packet_reader(input));
