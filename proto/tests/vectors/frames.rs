//! `frames.json`: frames and their fields, frames that are read alike, and frames that break a rule.

use crate::link::{handshake, handshake_frame, next_frame};
use crate::{
    Limits, assert_none, decimal, format, format_name, from_hex, is_text_of, read, specified_violations, to_hex,
};
use coincide_proto::{
    Call, CloseReason, ClosedBy, Event, Flags, Handshake, Header, Kind, Outcome, ProtocolError, Role, Session,
};
use serde::Deserialize;
use std::collections::BTreeSet;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    valid: Vec<Valid>,
    readable: Vec<Received>,
    invalid: Vec<Received>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Valid {
    name: String,
    bytes: String,
    fields: Fields,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Fields {
    kind: String,
    more: bool,
    format: String,
    code: u16,
    id: u32,
    parent: u32,
    name: String,
    total: Option<String>,
    /// Offset and length of each.
    segments: Option<Vec<(String, String)>>,
    #[serde(default)]
    blocks: bool,
    // One of these is what the body, or the part of it, holds.
    body: Option<String>,
    handshake: Option<HandshakeFields>,
    exports: Option<Vec<String>>,
    references: Option<Vec<String>>,
    text: Option<String>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct HandshakeFields {
    major: u16,
    minor: u16,
    features: u32,
    max_frame: u32,
    max_message: String,
    max_pending: u32,
    max_depth: u16,
}

/// A frame that an end receives.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Received {
    name: String,
    violation: Option<String>,
    role: String,
    limits: Limits,
    state: String,
    #[serde(default)]
    calls: Vec<Made>,
    before: Vec<String>,
    bytes: String,
    /// The frame that `bytes` are equivalent to.
    r#as: Option<String>,
}

/// A call that the end has made before.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Made {
    id: u32,
    sent: bool,
}

#[test]
fn vectors_of_frames_encode_to_their_bytes() {
    let wrong: Vec<_> = read::<File>("frames.json")
        .valid
        .iter()
        .filter(|case| to_hex(&build(&case.fields)) != case.bytes)
        .map(|case| format!("{}: built as {}", case.name, to_hex(&build(&case.fields))))
        .collect();
    assert_none(&wrong);
}

#[test]
fn vectors_of_frames_decode_from_their_bytes() {
    let wrong: Vec<_> = read::<File>("frames.json")
        .valid
        .iter()
        .filter(|case| parse(&from_hex(&case.bytes)) != case.fields)
        .map(|case| format!("{}: read as {:?}", case.name, parse(&from_hex(&case.bytes))))
        .collect();
    assert_none(&wrong);
}

#[test]
fn vectors_cover_every_kind_of_frame() {
    let file: File = read("frames.json");
    let kinds: BTreeSet<_> = file.valid.iter().map(|case| case.fields.kind.clone()).collect();
    assert_eq!(kinds, (1..=12).map(|kind| Kind(kind).name().to_string()).collect());
}

#[test]
fn equivalent_frames_have_the_same_effect() {
    for case in read::<File>("frames.json").readable {
        let [given, meant] = [&case.bytes, case.r#as.as_ref().unwrap()].map(|bytes| {
            let mut session = session(&case);
            session.handle_frame(&from_hex(bytes)[..]).unwrap_or_else(|error| panic!("{}: {error}", case.name));
            let events: Vec<_> = std::iter::from_fn(|| session.poll_event()).collect();
            let frames: Vec<_> = std::iter::from_fn(|| next_frame(&mut session)).collect();
            (events, frames, session.closed().cloned())
        });
        assert_eq!(given, meant, "{}", case.name);
    }
}

#[test]
fn invalid_frames_close_the_link() {
    for case in read::<File>("frames.json").invalid {
        let (name, violation) = (&case.name, case.violation.as_deref().unwrap());
        let mut session = session(&case);
        while session.poll_event().is_some() {}
        let Err(ProtocolError(rule)) = session.handle_frame(&from_hex(&case.bytes)[..]) else {
            panic!("{name}: accepted in spite of {violation}");
        };
        assert!(is_text_of(&rule, violation), "{name}: refused with `{rule}`, instead of {violation}");
        let mut pending = case.calls.len();
        let closed = loop {
            match session.poll_event() {
                Some(Event::Ended { outcome: Outcome::Closed, .. }) => pending -= 1,
                Some(Event::Closed(closed)) => break closed,
                other => panic!("{name}: {other:?}"),
            }
        };
        // Of the calls made before, those with a whole `return` among the frames have ended already.
        let answered = case.before.iter().filter(|frame| frame.starts_with("0500")).count();
        assert_eq!(pending, answered, "{name}: the end's own calls end, each once");
        assert_eq!((closed.by, closed.reason), (ClosedBy::Here, CloseReason::PROTOCOL), "{name}");
        let frame = next_frame(&mut session).unwrap();
        let sent = parse(&frame);
        let expected = Fields {
            kind: "close".into(),
            format: "text".into(),
            code: CloseReason::PROTOCOL.0,
            text: Some(closed.text),
            ..Fields::default()
        };
        assert_eq!(sent, expected, "{name}");
        assert_eq!(next_frame(&mut session), None, "{name}");
    }
}

#[test]
fn vectors_cover_every_violation() {
    let file: File = read("frames.json");
    let broken: BTreeSet<_> = file.invalid.iter().map(|case| case.violation.as_deref().unwrap()).collect();
    assert_eq!(broken, specified_violations());
}

/// The end that receives the frame of a case, when it does.
fn session(case: &Received) -> Session {
    let role = crate::role(&case.role);
    let mut session = Session::new(role, case.limits.config());
    if role == Role::Worker {
        next_frame(&mut session).expect("the worker sends its handshake");
    }
    match &case.state[..] {
        "handshake" => {}
        "open" => {
            session.handle_frame(&handshake_frame(role, handshake())[..]).unwrap();
            while next_frame(&mut session).is_some() {}
            assert_eq!(session.poll_event(), Some(Event::Opened));
        }
        other => panic!("no state is called {other:?}"),
    }
    for made in &case.calls {
        let id = session.call(Call { name: "f", ..Call::default() }, Vec::new()).unwrap();
        assert_eq!(id.to_wire(), made.id, "{}", case.name);
        if made.sent {
            next_frame(&mut session).unwrap();
        }
    }
    for frame in &case.before {
        session.handle_frame(&from_hex(frame)[..]).unwrap_or_else(|error| panic!("{}: before: {error}", case.name));
    }
    session
}

fn build(fields: &Fields) -> Vec<u8> {
    let kind = (1..=12).map(Kind).find(|kind| kind.name() == fields.kind).unwrap();
    let header = Header {
        kind,
        flags: Flags::new(format(&fields.format), fields.more),
        code: fields.code,
        id: fields.id,
        parent: fields.parent,
        name_len: fields.name.len() as u16,
    };
    let total = fields.total.as_ref().map_or(Vec::new(), |total| decimal(total).to_le_bytes().to_vec());
    let bodies = [
        fields.body.as_ref().map(|body| from_hex(body)),
        fields.handshake.as_ref().map(|handshake| handshake.to_handshake().to_bytes().to_vec()),
        fields.exports.as_ref().map(|names| {
            names.iter().flat_map(|name| [&(name.len() as u16).to_le_bytes(), name.as_bytes()].concat()).collect()
        }),
        fields.references.as_ref().map(|ids| ids.iter().flat_map(|id| decimal(id).to_le_bytes()).collect()),
        fields.text.as_ref().map(|text| text.as_bytes().to_vec()),
    ];
    let mut bodies = bodies.into_iter().flatten();
    let body = bodies.next().expect("a frame has a body, be it empty");
    assert_eq!(bodies.next(), None, "a frame has one body");
    let mut bytes = header.to_bytes();
    if fields.blocks {
        bytes[1] |= Flags::BLOCKS;
    }
    let mut table = Vec::new();
    if let Some(segments) = &fields.segments {
        bytes[1] |= Flags::SEGMENTS;
        table.extend((segments.len() as u32).to_le_bytes());
        table.extend(
            segments.iter().flat_map(|(offset, len)| [offset, len]).flat_map(|text| decimal(text).to_le_bytes()),
        );
    }
    [&bytes, fields.name.as_bytes(), &total, &table, &body].concat()
}

fn parse(bytes: &[u8]) -> Fields {
    let (header, rest) = bytes.split_first_chunk().unwrap();
    let header = Header::from_bytes(*header);
    let (name, mut rest) = rest.split_at(header.name_len.into());
    let more = header.flags.more();
    let mut fields = Fields {
        kind: header.kind.name().into(),
        more,
        format: format_name(header.flags.format()).into(),
        code: header.code,
        id: header.id,
        parent: header.parent,
        name: std::str::from_utf8(name).unwrap().into(),
        blocks: header.flags.blocks(),
        ..Fields::default()
    };
    if more && header.kind != Kind::MORE {
        let (total, part) = rest.split_first_chunk().unwrap();
        fields.total = Some(u64::from_le_bytes(*total).to_string());
        rest = part;
    }
    if header.flags.has_segments() {
        let (count, entries) = rest.split_first_chunk().unwrap();
        let (entries, part) = entries.split_at(16 * u32::from_le_bytes(*count) as usize);
        let numbers: Vec<_> =
            entries.as_chunks().0.iter().map(|bytes| u64::from_le_bytes(*bytes).to_string()).collect();
        fields.segments =
            Some(numbers.as_chunks().0.iter().map(|[offset, len]| (offset.clone(), len.clone())).collect());
        rest = part;
    }
    match header.kind {
        Kind::HELLO | Kind::WELCOME => {
            assert_eq!(rest.len(), Handshake::SIZE);
            fields.handshake = Some(HandshakeFields::new(&Handshake::from_bytes(rest).unwrap()));
        }
        Kind::READY if !more => {
            let mut names = Vec::new();
            while let Some((length, text)) = rest.split_first_chunk() {
                let (name, others) = text.split_at(u16::from_le_bytes(*length).into());
                names.push(std::str::from_utf8(name).unwrap().into());
                rest = others;
            }
            assert_eq!(rest, b"");
            fields.exports = Some(names);
        }
        Kind::RELEASE if !more => {
            let (ids, rest) = rest.as_chunks();
            assert_eq!(rest, b"");
            fields.references = Some(ids.iter().map(|id| u64::from_le_bytes(*id).to_string()).collect());
        }
        Kind::CLOSE => fields.text = Some(std::str::from_utf8(rest).unwrap().into()),
        _ => fields.body = Some(to_hex(rest)),
    }
    fields
}

impl HandshakeFields {
    fn new(handshake: &Handshake) -> Self {
        let Handshake { major, minor, features, max_frame, max_message, max_pending, max_depth } = *handshake;
        let max_message = max_message.to_string();
        Self { major, minor, features, max_frame, max_message, max_pending, max_depth }
    }

    fn to_handshake(&self) -> Handshake {
        let Self { major, minor, features, max_frame, ref max_message, max_pending, max_depth } = *self;
        let max_message = decimal(max_message);
        Handshake { major, minor, features, max_frame, max_message, max_pending, max_depth }
    }
}
