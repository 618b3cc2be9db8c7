//! Each rule of the protocol, with frames of a peer that violate it.

use crate::link::{first_part, frame, handshake, handshake_frame, next_frame, part};
use coincide_proto::{Call, Config, Event, Flags, Format, Handshake, Header, Kind, MAX_NAME, Role, Session};

/// A rule, the end that detects the violation, and the frames of its peer, the last of which violates the rule.
pub(crate) struct Violation {
    /// Its name in the specification.
    pub(crate) name: &'static str,
    /// The text of the error.
    pub(crate) rule: &'static str,
    pub(crate) role: Role,
    /// Whether the handshake is complete.
    pub(crate) open: bool,
    /// Numbers of calls that the end has sent before, and of calls that it has made since and not sent.
    pub(crate) sent: usize,
    pub(crate) unsent: usize,
    pub(crate) frames: Vec<Vec<u8>>,
}

/// The limits of the end that detects violations.
pub(crate) fn limits() -> Config {
    Config { max_frame: 3000, max_message: 4000, max_pending: 2, max_depth: 4, ..Config::default() }
}

impl Violation {
    /// The end before the frames of its peer, and the ids of its calls.
    pub(crate) fn session(&self) -> (Session, Vec<u32>) {
        let mut session = Session::new(self.role, limits());
        if self.open {
            session.handle_frame(&handshake_frame(self.role, handshake())[..]).expect("the handshake is valid");
            while next_frame(&mut session).is_some() {}
            assert_eq!(session.poll_event(), Some(Event::Opened));
        }
        let mut ids = Vec::new();
        for number in 0..self.sent + self.unsent {
            let id = session.call(Call { name: "f", ..Call::default() }, Vec::new()).expect("the call can be sent");
            ids.push(id.to_wire());
            if number < self.sent {
                next_frame(&mut session).expect("the call is sent");
            }
        }
        (session, ids)
    }
}

pub(crate) fn violations() -> Vec<Violation> {
    let open = |role, name, rule, frames: &[&[u8]]| {
        let frames = frames.iter().map(|frame| frame.to_vec()).collect();
        Violation { name, rule, role, open: true, sent: 0, unsent: 0, frames }
    };
    let main = |name, rule, frames: &[&[u8]]| open(Role::Main, name, rule, frames);
    let worker = |name, rule, frames: &[&[u8]]| open(Role::Worker, name, rule, frames);
    let early = |role, name, rule, frame: &[u8]| Violation { open: false, ..open(role, name, rule, &[frame]) };
    let hello = |name, rule, frame: &[u8]| early(Role::Main, name, rule, frame);
    let plain = |header| frame(header, "", b"");
    let f = |header| frame(header, "f", b"");
    let goes_on = Flags::new(Format::Bytes, true);
    let ready = |payload: &[u8]| frame(header(Kind::READY), "", payload);
    let close = header(Kind::CLOSE);
    let answer = |kind, id| plain(Header { id, code: 1, ..header(kind) });

    let long_name = frame(call(1), &"n".repeat(MAX_NAME + 1), b"");
    let name_beyond_frame = Header { name_len: 5, ..call(1) }.to_bytes();
    let name_cut = {
        let mut bytes = f(call(1));
        bytes[16] = 0xff;
        bytes
    };
    let long_export = [&(MAX_NAME as u16 + 1).to_le_bytes()[..], &[b'n'; MAX_NAME + 1]].concat();
    let no_total = frame(Header { flags: goes_on, ..call(1) }, "f", &[1, 0, 0, 0, 0, 0, 0]);
    let right = handshake_frame(Role::Main, handshake());
    let foreign = [&right[..16], &b"join"[..], &right[20..]].concat();
    let handshake_goes_on = [&[1, 1][..], &right[2..]].concat();
    let name_not_text = frame(header(Kind::HELLO), "\u{1}", &handshake().to_bytes()).into_iter();
    let name_not_text: Vec<u8> = name_not_text.map(|byte| if byte == 1 { 0xff } else { byte }).collect();
    let name_not_text = [&[1, 0][..], &name_not_text[2..12], &[1, 0, 0, 0], &name_not_text[16..]].concat();
    let announces = |handshake| handshake_frame(Role::Main, handshake);

    let bad_part = |frames: &[&[u8]]| main("bad-part", "the parts of a body do not add up to its length", frames);
    let begins = |total, bytes: &[u8]| first_part(Kind::CALL, 1, "f", total, bytes);
    let impossible =
        |handshake| hello("impossible-limit", "a handshake announces a limit out of range", &announces(handshake));
    let long_body = |frames: &[&[u8]]| main("long-body", "a body is longer than the limit", frames);
    let segments = |rule, entries: &[(u64, u64)]| {
        let table = entries.iter().flat_map(|(offset, len)| [offset, len]).flat_map(|number| number.to_le_bytes());
        let body: Vec<u8> = (entries.len() as u32).to_le_bytes().into_iter().chain(table).chain([b'x'; 39]).collect();
        main("bad-segments", rule, &[&frame(Header { flags: Flags(Flags::SEGMENTS), ..call(1) }, "f", &body)])
    };
    let unknown = |role, kind: u8, rule| open(role, "unknown-kind", rule, &[&plain(header(Kind(kind)))]);
    let no_such_call =
        |role, kind, id| open(role, "no-such-call", "an answer belongs to no call", &[&answer(kind, id)]);
    let no_such_body = |frames: &[&[u8]]| main("no-such-body", "a part belongs to no unfinished body", frames);
    let unexpected_name =
        |kind| main("unexpected-name", "a frame has a name that its kind does not have", &[&f(header(kind))]);
    let exports = |payload: &[u8]| main("bad-exports", "a list of exports is cut off", &[&ready(payload)]);
    let bad_close = |frame: &[u8]| main("bad-close", "a close frame is malformed", &[frame]);
    let foreign_handshake = "a handshake is out of place";
    let foreign_id = "a call has an id of the other end";
    let no_body = "a frame without a body has the flag more";

    let mut all = vec![
        main("short-frame", "a frame is shorter than its header", &[&[1; 15]]),
        main("short-frame", "a frame is shorter than its header", &[&[]]),
        main("long-frame", "a frame is longer than the limit", &[&frame(header(Kind::NOTIFY), "f", &[0; 3000 - 16])]),
        hello("long-frame", "a frame is longer than the limit", &[&right[..], &[0; 2049]].concat()[..2049]),
        worker(
            "unknown-flag",
            "a frame has an unknown flag",
            &[&plain(Header { flags: Flags(16), ..header(Kind::INTERRUPT) })],
        ),
        worker(
            "unexpected-segments",
            "a frame has segments that its kind does not have",
            &[&plain(Header { flags: Flags(Flags::SEGMENTS), ..header(Kind::INTERRUPT) })],
        ),
        unknown(Role::Main, 0, "frames of kind 0 are unknown"),
        unknown(Role::Worker, 13, "frames of kind 13 are unknown"),
        worker("out-of-place", "ready is out of place", &[&ready(b"")]),
        main("out-of-place", "interrupt is out of place", &[&plain(header(Kind::INTERRUPT))]),
        main("out-of-place", foreign_handshake, &[&right]),
        worker("out-of-place", foreign_handshake, &[&handshake_frame(Role::Worker, handshake())]),
        hello("out-of-place", foreign_handshake, &handshake_frame(Role::Worker, handshake())),
        hello("out-of-place", foreign_handshake, &handshake_goes_on),
        unexpected_name(Kind::RELEASE),
        unexpected_name(Kind::MORE),
        worker("no-body", no_body, &[&plain(Header { flags: goes_on, ..header(Kind::INTERRUPT) })]),
        main("no-body", no_body, &[&plain(Header { flags: goes_on, id: 1, ..header(Kind::CANCEL) })]),
        main("long-name", "a name is too long", &[&name_beyond_frame]),
        main("long-name", "a name is too long", &[&long_name]),
        main("name-not-text", "a name is not UTF-8", &[&name_cut]),
        main("name-not-text", "a name is not UTF-8", &[&ready(&[1, 0, 0xff])]),
        hello("name-not-text", "a name is not UTF-8", &name_not_text),
        hello("short-handshake", "a handshake is too short", &right[..right.len() - 1]),
        hello("foreign-handshake", "a handshake does not begin with the magic number", &foreign),
        impossible(Handshake { max_frame: 2047, ..handshake() }),
        impossible(Handshake { max_message: 2047, ..handshake() }),
        impossible(Handshake { max_pending: 0, ..handshake() }),
        impossible(Handshake { max_pending: 65_536, ..handshake() }),
        impossible(Handshake { max_depth: 0, ..handshake() }),
        main("foreign-id", foreign_id, &[&f(call(2))]),
        worker("foreign-id", foreign_id, &[&f(call(1))]),
        worker("foreign-id", foreign_id, &[&f(call(0))]),
        main(
            "foreign-id",
            "a cancel names a call of the other end",
            &[&plain(Header { id: 2, ..header(Kind::CANCEL) })],
        ),
        worker("foreign-id", "a cancel names a call of the other end", &[&plain(header(Kind::CANCEL))]),
        main("bad-exports", "the name of an export is too long", &[&ready(&long_export)]),
        main("foreign-parent", "a call has a parent of its own end", &[&f(Header { parent: 3, ..call(1) })]),
        main("depth-zero", "a call has depth 0", &[&f(Header { code: 0, ..call(1) })]),
        main("overloaded", "more calls are unanswered than the limit allows", &[&f(call(1)), &f(call(3)), &f(call(5))]),
        main("id-in-use", "two unanswered calls have the same id", &[&f(call(1)), &f(call(1))]),
        no_such_call(Role::Main, Kind::RETURN, 2),
        no_such_call(Role::Main, Kind::THROW, 0),
        no_such_call(Role::Worker, Kind::THROW, 2),
        Violation {
            unsent: 1,
            ..worker("early-answer", "a call was answered before it was sent", &[&answer(Kind::RETURN, 3)])
        },
        Violation {
            sent: 1,
            ..worker(
                "second-answer",
                "a call was answered twice",
                &[&first_part(Kind::RETURN, 3, "", 10, b"x"), &answer(Kind::THROW, 3)],
            )
        },
        Violation {
            sent: 1,
            ..worker(
                "no-such-call",
                "an answer belongs to no call",
                &[&answer(Kind::RETURN, 3), &answer(Kind::RETURN, 3)],
            )
        },
        main("second-ready", "ready arrived twice", &[&ready(b""), &ready(b"")]),
        main("no-total", "a body in parts has no total length", &[&no_total]),
        segments("a table of segments is too short, or has no entry or more than 32", &[]),
        segments("a table of segments is too short, or has no entry or more than 32", &[(0, 1); 33]),
        segments("the segments of a body are not in order, or are beyond its end", &[(0, 2), (1, 1)]),
        segments("the segments of a body are not in order, or are beyond its end", &[(0, 0)]),
        segments("the segments of a body are not in order, or are beyond its end", &[(0, 40)]),
        segments("the segments of a body are not in order, or are beyond its end", &[(2, u64::MAX)]),
        long_body(&[&begins(4001, b"x")]),
        long_body(&[&begins(4000, b"x"), &first_part(Kind::NOTIFY, 0, "f", 1, b"x")]),
        main(
            "body-in-use",
            "two unfinished bodies have the same id",
            &[&first_part(Kind::NOTIFY, 0, "f", 2, b"x"), &first_part(Kind::RELEASE, 0, "", 8, b"x")],
        ),
        no_such_body(&[&part(1, b"x", false)]),
        no_such_body(&[&f(call(1)), &part(1, b"x", false)]),
        bad_part(&[&begins(2, b"")]),
        bad_part(&[&begins(0, b"")]),
        bad_part(&[&begins(2, b"xy")]),
        bad_part(&[&begins(2, b"xyz")]),
        bad_part(&[&begins(3, b"x"), &part(1, b"y", false)]),
        bad_part(&[&begins(3, b"x"), &part(1, b"yz", true)]),
        bad_part(&[&begins(3, b"x"), &part(1, b"", true)]),
        bad_part(&[&begins(3, b"x"), &part(1, b"yzz", false)]),
        exports(&[2, 0, b'f']),
        exports(&[0, 0, 1]),
        main(
            "bad-release",
            "a release ends in the middle of a reference",
            &[&frame(header(Kind::RELEASE), "", &[0; 12])],
        ),
        bad_close(&plain(Header { flags: goes_on, ..close })),
        bad_close(&f(close)),
        bad_close(&frame(close, "", &[b'x'; 1537])),
    ];
    for (role, kind, rule) in [
        (Role::Main, Kind::READY, "ready is out of place"),
        (Role::Main, Kind::CALL, "call is out of place"),
        (Role::Main, Kind::MORE, "more is out of place"),
        (Role::Main, Kind(99), "unknown is out of place"),
        (Role::Worker, Kind::INTERRUPT, "interrupt is out of place"),
        (Role::Worker, Kind::NOTIFY, "notify is out of place"),
        (Role::Worker, Kind::RETURN, "return is out of place"),
        (Role::Worker, Kind::THROW, "throw is out of place"),
        (Role::Worker, Kind::CANCEL, "cancel is out of place"),
        (Role::Worker, Kind::RELEASE, "release is out of place"),
    ] {
        all.push(early(role, "out-of-place", rule, &plain(header(kind))));
    }
    all
}

pub(crate) fn header(kind: Kind) -> Header {
    Header { kind, ..Header::default() }
}

/// The header of a call without a parent.
pub(crate) fn call(id: u32) -> Header {
    Header { id, code: 1, ..header(Kind::CALL) }
}
