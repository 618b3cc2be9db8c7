//! The test vectors in `proto/vectors/packets.json`, in the form of section 22 of `proto/SPEC.md`.

use coincide_proto::{Gone, ReceiveError, Role, Transmit};
use coincide_transport_sw::{Channel, Delivery, PacketError};
use serde::Deserialize;
use std::path::Path;

#[test]
fn vectors_of_packets_are_accepted() {
    let Some(vectors) = Vectors::read() else { return };
    for vector in &vectors.valid {
        let mut endpoint = Delivery::new(Role::Worker, Delivery::WINDOW);
        let packet = from_hex(&vector.bytes);
        assert_eq!(packet[5], vector.fields.flags, "{}", vector.name);
        let expected = match &vector.fields {
            // A fresh end has sent nothing, and checks acknowledgements before gaps.
            Fields { ack, .. } if ack != "0" => None,
            Fields { frames, .. } => Some(frames.len()),
        };
        let handled = endpoint.handle(packet, Channel::Relay);
        assert_eq!(handled.is_ok(), expected.is_some(), "{}: {handled:?}", vector.name);
        let mut frames = vector.fields.frames.iter().map(|frame| from_hex(frame));
        let mut count = 0;
        while endpoint.receive_with(|frame| (assert_eq!(Some(frame), frames.next().as_deref()), Ok(())).1) == Ok(true) {
            count += 1;
        }
        assert_eq!(count, expected.unwrap_or(0), "{}", vector.name);
    }
}

#[test]
fn invalid_packets_are_refused() {
    let Some(vectors) = Vectors::read() else { return };
    for vector in &vectors.invalid {
        let mut endpoint = Delivery::new(Role::Worker, Delivery::WINDOW);
        let handled = endpoint.handle(from_hex(&vector.bytes), Channel::Direct);
        assert!(
            matches!(handled, Err(PacketError::Protocol(_))),
            "{}: {handled:?} and not {}",
            vector.name,
            vector.why
        );
        let received = endpoint.receive_with(|_| panic!("nothing of it is taken"));
        assert!(matches!(received, Err(ReceiveError::Protocol(_))), "{}", vector.name);
    }
}

#[test]
fn ends_follow_the_traces() {
    let Some(vectors) = Vectors::read() else { return };
    for trace in &vectors.traces {
        let mut ends = [Role::Main, Role::Worker].map(|role| Delivery::new(role, Delivery::WINDOW));
        let mut sent: Vec<Vec<u8>> = Vec::new();
        for (index, step) in trace.steps.iter().enumerate() {
            let end = &mut ends[usize::from(step.end == "worker")];
            sent.push(follow(end, step, &sent, &format!("{}, step {index}", trace.name)));
        }
    }
}

/// Performs a step and compares. Returns the packet that the step has sent, if any.
fn follow(end: &mut Delivery, step: &Step, sent: &[Vec<u8>], what: &str) -> Vec<u8> {
    match step {
        Step { doing: Some(doing), .. } => match doing.as_str() {
            "send" => {
                let frame = step.frame.as_ref().expect("there is a frame to send").bytes();
                let taken = end.send(&Transmit::new(&frame, &[]));
                assert_eq!(taken == Ok(true), !step.refused, "{what}");
            }
            "collect" => end.collect(),
            "listen" => end.listen(),
            "close" => end.close(),
            other => panic!("{what}: {other} is nothing to do"),
        },
        Step { idle: true, .. } => assert_eq!(end.poll_transmit(), None, "{what}"),
        Step { sends: Some(bytes), .. } => {
            let packet = end.poll_transmit().unwrap_or_else(|| panic!("{what}: there is nothing to send"));
            let over = if packet.channel == Channel::Relay { "relay" } else { "direct" };
            assert_eq!(Some(over), step.over.as_deref(), "{what}");
            bytes.compare(&packet.bytes, what);
            return packet.bytes;
        }
        Step { polls: Some(bytes), .. } => {
            bytes.compare(&end.poll_packet(), what);
            return end.poll_packet();
        }
        Step { farewell: Some(bytes), .. } => {
            let packet = end.farewell(if step.keeps { usize::MAX } else { 0 });
            bytes.compare(&packet, what);
            return packet;
        }
        Step { gets: Some(packet), .. } => {
            let packet = match packet {
                Packet::Sent(index) => sent[*index].clone(),
                Packet::Hex(bytes) => from_hex(bytes),
            };
            let handled = match step.over.as_deref() {
                Some("direct") => end.handle(packet, Channel::Direct),
                Some("relay") => end.handle(packet, Channel::Relay),
                Some("query") => end.handle_query(packet),
                other => panic!("{what}: nothing gets packets over {other:?}"),
            };
            assert_eq!(matches!(handled, Err(PacketError::Gap { .. })), step.gap, "{what}: {handled:?}");
            assert_eq!(matches!(handled, Err(PacketError::Protocol(_))), step.ignored, "{what}: {handled:?}");
        }
        Step { takes: Some(count), .. } => {
            let mut taken = 0;
            let outcome = loop {
                match end.receive_with(|_| Ok(())) {
                    Ok(true) => taken += 1,
                    outcome => break outcome,
                }
            };
            assert_eq!((taken, outcome == Err(ReceiveError::Gone(Gone))), (*count, step.gone), "{what}");
        }
        _ => panic!("{what}: it is no step"),
    }
    Vec::new()
}

#[derive(Deserialize)]
struct Vectors {
    valid: Vec<Valid>,
    invalid: Vec<Invalid>,
    traces: Vec<Trace>,
}

#[derive(Deserialize)]
struct Valid {
    name: String,
    fields: Fields,
    bytes: String,
}

#[derive(Deserialize)]
struct Fields {
    flags: u8,
    ack: String,
    frames: Vec<String>,
}

#[derive(Deserialize)]
struct Invalid {
    name: String,
    bytes: String,
    why: String,
}

#[derive(Deserialize)]
struct Trace {
    name: String,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    end: String,
    #[serde(rename = "do")]
    doing: Option<String>,
    frame: Option<Frame>,
    #[serde(default)]
    refused: bool,
    sends: Option<Bytes>,
    over: Option<String>,
    #[serde(default)]
    idle: bool,
    polls: Option<Bytes>,
    farewell: Option<Bytes>,
    #[serde(default)]
    keeps: bool,
    gets: Option<Packet>,
    #[serde(default)]
    gap: bool,
    #[serde(default)]
    ignored: bool,
    takes: Option<usize>,
    #[serde(default)]
    gone: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Frame {
    Hex(String),
    Length(usize),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Bytes {
    Hex(String),
    Long { bytes: usize },
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Packet {
    Sent(usize),
    Hex(String),
}

impl Frame {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Hex(bytes) => from_hex(bytes),
            Self::Length(length) => {
                let mut bytes = vec![0; *length];
                bytes[0] = 9;
                bytes
            }
        }
    }
}

impl Bytes {
    fn compare(&self, bytes: &[u8], what: &str) {
        match self {
            Self::Hex(expected) => assert_eq!(&to_hex(bytes), expected, "{what}"),
            Self::Long { bytes: expected } => assert_eq!(bytes.len(), *expected, "{what}"),
        }
    }
}

impl Vectors {
    /// `None` in the published package, which does not contain them.
    fn read() -> Option<Self> {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        if package.join("Cargo.toml.orig").exists() {
            return None;
        }
        let text = std::fs::read_to_string(package.join("../proto/vectors/packets.json")).expect("they are committed");
        Some(serde_json::from_str(&text).expect("they have the form of the specification"))
    }
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}
