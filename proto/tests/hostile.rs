//! Hostile frames: a session accepts them, or closes the link with an error.

mod link;

use coincide_proto::{Call, ClosedBy, Config, Event, Format, Handshake, Role, Session};
use link::{Link, next_frame, opened, pattern};
use proptest::prelude::*;
use proptest::sample::Index;

/// A session with calls in all states, and valid frames of its peer.
fn busy(role: Role) -> (Session, Vec<Vec<u8>>) {
    let mut link = Link::open();
    link.max_frame = 2048;
    for _ in 0..2 {
        link.call(role, "pending");
    }
    let cancelled = link.call(role, "cancelled");
    link.settle();
    link.end(role).cancel(cancelled);
    link.call(role, "unsent");
    let peer = role.peer();
    let waiting = link.events(peer);
    let mut frames = Vec::new();
    let session = link.end(peer);
    for event in waiting {
        if let Event::Call { id, .. } = event {
            session.reply(id, Format::Value, pattern(3000)).unwrap();
        }
    }
    session.call(Call { name: "called", ..Call::default() }, pattern(5000)).unwrap();
    let other = session.call(Call { name: "other", ..Call::default() }, Vec::new()).unwrap();
    session.notify("n", Format::Bytes, pattern(10)).unwrap();
    session.release(&[1, 2, 3]).unwrap();
    session.ready(["f", "g"]).unwrap();
    for _ in 0..6 {
        frames.extend(session_frame(session));
    }
    session.interrupt();
    session.cancel(other);
    while let Some(frame) = session_frame(session) {
        frames.push(frame);
    }
    session.close(coincide_proto::CloseReason::DONE, "bye");
    frames.extend(session_frame(session));
    let session = std::mem::replace(link.end(role), Session::new(role, Config::default()));
    (session, frames)
}

fn session_frame(session: &mut Session) -> Option<Vec<u8>> {
    let mut sent = None;
    let Ok(_) = session.transmit(2048, |frame| {
        sent = Some(link::bytes(frame));
        Ok::<_, std::convert::Infallible>(true)
    });
    sent
}

/// Passes frames to a session, answers its calls, and checks its invariants.
fn survive(mut session: Session, frames: impl IntoIterator<Item = Vec<u8>>) {
    let mut closed = false;
    for frame in frames {
        let result = session.handle_frame(&frame[..]);
        assert!(result.is_ok() || session.closed().is_some_and(|closed| closed.by == ClosedBy::Here));
        while let Some(event) = session.poll_event() {
            assert!(!closed, "{event:?} follows the end");
            match event {
                Event::Call { id, format, payload } => {
                    let _ = session.chain(id);
                    session.reply(id, format, payload).expect("a call that was just announced can be answered");
                }
                Event::Closed(_) => closed = true,
                _ => {}
            }
        }
        while next_frame(&mut session).is_some() {}
        assert_eq!(closed, session.closed().is_some());
    }
}

#[test]
fn frames_to_be_mutated_are_valid() {
    for role in link::ROLES {
        let (mut session, frames) = busy(role);
        assert!(frames.len() > 10);
        for frame in frames {
            session.handle_frame(&frame[..]).unwrap();
        }
        assert_eq!(session.closed().map(|closed| closed.by), Some(ClosedBy::Peer));
    }
}

fn role() -> impl Strategy<Value = Role> {
    any::<bool>().prop_map(|main| if main { Role::Main } else { Role::Worker })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(
        role in role(),
        open in any::<bool>(),
        frames in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..100), 1..10),
    ) {
        let config = Config::default();
        survive(if open { opened(role, config) } else { Session::new(role, config) }, frames);
    }

    #[test]
    fn headers_that_make_some_sense(
        role in role(),
        frames in proptest::collection::vec(
            (0..14_u8, 0..8_u8, 0..3_u8, 0..8_u8, 0..3_u8, 0..3_u8, proptest::collection::vec(0..9_u8, 0..40)), 1..30),
    ) {
        let frames = frames.into_iter().map(|(kind, flags, code, id, parent, name, rest)| {
            let mut frame = vec![kind, flags, code, 0, id, 0, 0, 0, parent, 0, 0, 0, name, 0, 0, 0];
            frame.extend(rest);
            frame
        });
        survive(busy(role).0, frames);
    }

    #[test]
    fn right_frames_with_a_few_wrong_bytes(
        role in role(),
        changes in proptest::collection::vec((any::<Index>(), any::<Index>(), any::<u8>()), 1..4),
        cut in proptest::option::of((any::<Index>(), any::<Index>())),
        swap in proptest::option::of((any::<Index>(), any::<Index>())),
    ) {
        let (session, mut frames) = busy(role);
        for (which, at, value) in changes {
            let frame = which.get(&frames).clone();
            let at = at.index(frame.len().min(40));
            let index = which.index(frames.len());
            frames[index][at] = value;
        }
        if let Some((which, at)) = cut {
            let index = which.index(frames.len());
            let len = at.index(frames[index].len());
            frames[index].truncate(len);
        }
        if let Some((a, b)) = swap {
            let (a, b) = (a.index(frames.len()), b.index(frames.len()));
            frames.swap(a, b);
        }
        survive(session, frames);
    }

    #[test]
    fn handshakes_of_any_kind(role in role(), bytes in any::<[u8; 32]>(), right_magic in any::<bool>()) {
        let mut bytes = bytes;
        if right_magic {
            bytes[..4].copy_from_slice(&coincide_proto::MAGIC);
            bytes[4..6].copy_from_slice(&[1, 0]);
        }
        let mut frame = link::handshake_frame(role, link::handshake());
        frame[16..].copy_from_slice(&bytes);
        prop_assert_eq!(Handshake::from_bytes(&bytes).is_some(), bytes[..4] == coincide_proto::MAGIC);
        survive(Session::new(role, Config::default()), [frame]);
    }
}
