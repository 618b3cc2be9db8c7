//! Bodies of the fuzz targets. Ordinary tests run them on the committed corpus.
//!
//! `ring_reader` and `packet_reader` are in modules `fuzzing` of their transports, since rings and packets are internal to
//! them.

use coincide_codec::shared::Segments;
use coincide_codec::{ByteBuf, SharedBytes, Value, typed, value};
use coincide_proto::{Config, Event, Progress, Role, Session};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Hostile frames: the input is split into frames, each preceded by its length in two bytes.
pub(crate) fn frame_parser(input: &[u8]) {
    for role in [Role::Main, Role::Worker] {
        let segments = role == Role::Main;
        let config = Config { max_message: 1 << 16, max_pending: 8, segments, ..Config::default() };
        let mut session = Session::new(role, config);
        let mut rest = input;
        while let Some((length, tail)) = rest.split_first_chunk() {
            let length = usize::from(u16::from_le_bytes(*length)).min(tail.len());
            let (frame, tail) = tail.split_at(length);
            rest = tail;
            let broken = session.handle_frame(frame).is_err();
            assert!(!broken || session.closed().is_some());
            while let Some(event) = session.poll_event() {
                if let Event::Call { id, format, payload } = event {
                    let _ = session.reply(id, format, payload);
                }
            }
            while session.transmit(4096, |frame| Ok::<_, ()>(frame.len() <= 4096)) == Ok(Progress::Sent) {}
        }
    }
}

/// A hostile value: bytes that decode must encode to the same bytes.
pub(crate) fn value_decoder(input: &[u8]) {
    if let Ok(value) = Value::decode(input) {
        let mut bytes = Vec::new();
        value.encode(&mut bytes).expect("what was decoded can be encoded");
        let again = Value::decode(&bytes).expect("what was encoded can be decoded");
        assert!(value.same(&again));
    }
    let _ = value::from_slice::<Sample>(input);
    let _ = value::from_slice::<Vec<BTreeMap<String, f64>>>(input);
    let _ = value::args_from_slice::<(String, Option<Sample>, ByteBuf)>(input);
    let (head, segments) = in_segments(input);
    if let Ok(value) = value::from_payload::<Value>(&head, &mut segments.clone()) {
        assert!(Value::decode(input).is_ok_and(|whole| whole.same(&value)), "segments make no other value");
    }
    let _ = value::from_payload::<Sample>(&head, &mut segments.clone());
    let _ = value::args_from_payload::<(String, SharedBytes, Option<Value>)>(&head, &mut segments.clone());
}

/// Splits bytes into a head and segments, after some of the bytes that may be lengths.
fn in_segments(input: &[u8]) -> (Vec<u8>, Segments) {
    let seed = input.iter().fold(7_u32, |seed, byte| seed.wrapping_mul(31).wrapping_add(u32::from(*byte)));
    let (mut head, mut segments, mut rest) = (Vec::new(), Segments::new(), input);
    while let Some((byte, tail)) = rest.split_first() {
        head.push(*byte);
        rest = tail;
        let length = usize::from(if seed & 1 == 0 { *byte } else { byte & 0x1f });
        if length > 0 && length <= tail.len() && (seed >> (head.len() % 29)) & 6 == 2 {
            let (content, tail) = tail.split_at(length);
            segments.push((head.len()..head.len(), Some(Arc::new(content.to_vec()))));
            rest = tail;
        }
    }
    (head, segments)
}

/// A hostile typed payload.
pub(crate) fn typed_decoder(input: &[u8]) {
    let Some((hash, _)) = input.split_first_chunk() else {
        return;
    };
    let hash = u64::from_le_bytes(*hash);
    let _ = typed::from_slice::<Sample>(input, hash);
    let _ = typed::from_slice::<(Vec<Sample>, ByteBuf, BTreeMap<u8, String>)>(input, hash);
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct Sample {
    number: i64,
    text: Option<String>,
    list: Vec<Sample>,
    kind: Kind,
}

#[derive(Deserialize)]
#[allow(dead_code)]
enum Kind {
    Nothing,
    Pair(u8, f32),
    Named { bytes: ByteBuf, wide: u128 },
}
