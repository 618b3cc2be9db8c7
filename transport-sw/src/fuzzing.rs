//! Body of the fuzz target `packet_reader`, and a test that runs it on the target's corpus.

use crate::endpoint::{Channel, Delivery};
use crate::packet::{HEADER_LEN, Header, MAX_FRAME};
use coincide_proto::{Role, Transmit};

/// Runs both ends with packets of a peer and a relay that are determined by the input.
///
/// # Panics
/// If an end violates the specification.
pub fn packet_reader(input: &[u8]) {
    for role in [Role::Main, Role::Worker] {
        let mut input = Input(input);
        let mut endpoint = Delivery::new(role, WINDOW);
        // Numbers of the next frame to receive, and to send.
        let (mut arrived, mut taken) = (0_u64, 0_u64);
        let mut bytes = 0;
        while let Some(step) = input.byte() {
            match step % 8 {
                0 => {
                    let packet = input.packet();
                    let _ = endpoint.handle(packet, Channel::Direct);
                }
                1 => {
                    let body = (0..step >> 6).flat_map(|_| input.packet()).collect();
                    let _ = endpoint.handle_polled(body);
                }
                2 => {
                    let packet = input.packet();
                    let _ = endpoint.handle_query(packet);
                }
                3 => {
                    let mut frames = 0;
                    while endpoint.receive_with(|frame| (bytes += frame.len() + 4, Ok(())).1) == Ok(true) {
                        frames += 1;
                    }
                    taken += frames;
                    assert!(bytes <= WINDOW + MAX_FRAME + 4, "more has been kept than the window allows");
                    bytes = 0;
                }
                4 => {
                    let frame = vec![1; 16 + usize::from(step)];
                    let room = endpoint.has_room();
                    assert!(room || endpoint.send(&Transmit::new(&frame, &[])) != Ok(true));
                    arrived += u64::from(room && endpoint.send(&Transmit::new(&frame, &[])) == Ok(true));
                }
                5 if step & 64 == 0 => endpoint.collect(),
                5 => endpoint.listen(),
                6 => {
                    if let Some(packet) = endpoint.poll_transmit() {
                        let (header, length) = Header::read(&packet.bytes).expect("an end writes packets");
                        assert_eq!(length, packet.bytes.len());
                        assert_eq!((header.end(), header.ack), (arrived, taken));
                        assert!(role == Role::Main || packet.channel == Channel::Direct);
                    }
                }
                _ if step == 255 => endpoint.close(),
                _ => assert_eq!(endpoint.poll_packet().len(), HEADER_LEN),
            }
        }
        let farewell = endpoint.farewell(WINDOW);
        assert!(Header::read(&farewell).is_ok_and(|(_, length)| length == farewell.len()));
    }
}

/// The rest of the input.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn byte(&mut self) -> Option<u8> {
        self.0.split_off_first().copied()
    }

    fn byte_or_0(&mut self) -> u8 {
        self.byte().unwrap_or(0)
    }

    /// Bytes that resemble a packet.
    fn packet(&mut self) -> Vec<u8> {
        let shape = self.byte_or_0();
        let flags = if shape & 1 == 0 { 0 } else { self.byte_or_0() };
        let [turn, count, first, ack] = [(); 4].map(|()| self.byte_or_0());
        let wide = |byte: u8| if shape & 2 == 0 { u64::from(byte) } else { u64::from(byte.cast_signed() as u32) << 32 };
        let header = Header { flags, turn: turn.into(), count: count.into(), first: wide(first), ack: wide(ack) };
        let mut packet = Vec::new();
        header.write(&mut packet);
        for _ in 0..count % 32 {
            let length = 16 + usize::from(self.byte_or_0());
            packet.extend_from_slice(&(length as u32).to_le_bytes());
            packet.resize(packet.len() + length, 2);
        }
        if shape & 4 != 0 {
            let at = usize::from(self.byte_or_0()) % packet.len();
            packet[at] = self.byte_or_0();
        }
        let cut = if shape & 8 == 0 { packet.len() } else { usize::from(self.byte_or_0()).min(packet.len()) };
        packet.truncate(cut);
        packet
    }
}

/// Small, so that it is full soon.
const WINDOW: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::path::Path;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn anything_is_survived(input in prop::collection::vec(any::<u8>(), 0..400)) {
            packet_reader(&input);
        }
    }

    #[test]
    fn corpus_is_survived() {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        if package.join("Cargo.toml.orig").exists() {
            // The published package does not contain the corpus.
            return;
        }
        let mut count = 0;
        for entry in std::fs::read_dir(package.join("../fuzz/corpus/packet_reader")).expect("the corpus is committed") {
            packet_reader(&std::fs::read(entry.unwrap().path()).unwrap());
            count += 1;
        }
        assert!(count > 0);
    }
}
