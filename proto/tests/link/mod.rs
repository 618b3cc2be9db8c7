//! Two sessions joined by queues in memory, under a virtual clock; and frames written by hand.
#![allow(dead_code, reason = "no test file needs all of it")]

use coincide_proto::{
    Call, CallId, Config, Event, Flags, Format, Handshake, Header, Kind, MIN_FRAME, Outcome, Progress, Role, Session,
    Time, Transmit,
};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

/// A link whose frames move only when a test says so.
pub(crate) struct Link {
    pub(crate) main: Session,
    pub(crate) worker: Session,
    /// Frames in flight.
    pub(crate) up: VecDeque<Vec<u8>>,
    pub(crate) down: VecDeque<Vec<u8>>,
    /// Largest frame of the transport.
    pub(crate) max_frame: usize,
    /// Capacity in frames of each direction.
    pub(crate) room: usize,
    pub(crate) now: Time,
}

impl Link {
    /// A link on which nothing has been sent.
    pub(crate) fn new(main: Config, worker: Config) -> Self {
        Self {
            main: Session::new(Role::Main, main),
            worker: Session::new(Role::Worker, worker),
            up: VecDeque::new(),
            down: VecDeque::new(),
            max_frame: 1 << 16,
            room: usize::MAX,
            now: Time(0),
        }
    }

    /// An open link.
    pub(crate) fn open() -> Self {
        Self::open_with(Config::default(), Config::default())
    }

    pub(crate) fn open_with(main: Config, worker: Config) -> Self {
        let mut link = Self::new(main, worker);
        link.settle();
        assert_eq!(link.events(Role::Main), [Event::Opened]);
        assert_eq!(link.events(Role::Worker), [Event::Opened]);
        link
    }

    pub(crate) fn end(&mut self, role: Role) -> &mut Session {
        match role {
            Role::Main => &mut self.main,
            Role::Worker => &mut self.worker,
        }
    }

    /// `role` sends a frame, if it has one and there is room.
    pub(crate) fn send(&mut self, role: Role) -> Progress {
        let (session, queue) = match role {
            Role::Main => (&mut self.main, &mut self.down),
            Role::Worker => (&mut self.worker, &mut self.up),
        };
        let (room, max_frame) = (self.room, self.max_frame);
        let push = |frame: &Transmit<'_>| {
            assert!(frame.len() <= max_frame, "a frame is larger than requested");
            assert!(!frame.is_empty());
            let fits = queue.len() < room;
            if fits {
                queue.push_back(bytes(frame));
            }
            Ok::<_, Infallible>(fits)
        };
        let Ok(progress) = session.transmit(max_frame, push);
        progress
    }

    /// `role` receives a frame, if there is one. Two sessions never violate the protocol.
    pub(crate) fn receive(&mut self, role: Role) -> bool {
        let (session, queue) = match role {
            Role::Main => (&mut self.main, &mut self.up),
            Role::Worker => (&mut self.worker, &mut self.down),
        };
        let Some(frame) = queue.pop_front() else {
            return false;
        };
        session.handle_frame(&frame[..]).expect("a session sends valid frames");
        true
    }

    /// Sends and receives until no frame is in flight.
    pub(crate) fn settle(&mut self) {
        loop {
            let mut moved = false;
            for role in ROLES {
                moved |= self.send(role) == Progress::Sent;
                moved |= self.receive(role);
            }
            if !moved {
                return;
            }
        }
    }

    /// Advances the clock.
    pub(crate) fn advance(&mut self, duration: Duration) {
        self.now = self.now.after(duration);
        let now = self.now;
        self.main.handle_timeout(now);
        self.worker.handle_timeout(now);
    }

    /// The events of `role`.
    pub(crate) fn events(&mut self, role: Role) -> Vec<Event> {
        let session = self.end(role);
        std::iter::from_fn(|| session.poll_event()).collect()
    }

    /// The only event of `role`.
    pub(crate) fn event(&mut self, role: Role) -> Event {
        let mut events = self.events(role);
        assert_eq!(events.len(), 1, "expected one event: {events:?}");
        events.remove(0)
    }

    pub(crate) fn nothing_happened(&mut self) {
        for role in ROLES {
            assert_eq!(self.events(role), [], "{role:?}");
        }
    }

    /// `role` calls `name` with the name as the payload.
    pub(crate) fn call(&mut self, role: Role, name: &str) -> CallId {
        let call = Call { name, ..Call::default() };
        self.end(role).call(call, name.as_bytes().to_vec()).expect("the call can be sent")
    }

    /// The same, by the handler of a call of the peer.
    pub(crate) fn nested(&mut self, role: Role, name: &str, parent: CallId) -> CallId {
        let call = Call { name, parent: Some(parent), ..Call::default() };
        self.end(role).call(call, Vec::new()).expect("the call can be sent")
    }

    /// The id of the call that is the only event of `role`.
    pub(crate) fn called(&mut self, role: Role) -> CallId {
        match self.event(role) {
            Event::Call { id, .. } => id,
            other => panic!("expected a call, got {other:?}"),
        }
    }

    /// The outcome of `call`, whose end is the only event of `role`.
    pub(crate) fn ended(&mut self, role: Role, call: CallId) -> Outcome {
        match self.event(role) {
            Event::Ended { id, outcome } if id == call => outcome,
            other => panic!("expected the end of {call:?}, got {other:?}"),
        }
    }
}

pub(crate) const ROLES: [Role; 2] = [Role::Main, Role::Worker];

/// The next frame as bytes.
pub(crate) fn bytes(frame: &Transmit<'_>) -> Vec<u8> {
    frame.to_vec()
}

pub(crate) fn returned(payload: &[u8]) -> Outcome {
    Outcome::Returned { format: Format::Bytes, payload: payload.to_vec().into() }
}

/// The text of an error that a session has raised.
pub(crate) fn text(outcome: Outcome) -> String {
    match outcome {
        Outcome::Threw { format: Format::Text, payload, .. } => {
            String::from_utf8(payload.into_bytes()).expect("a text is UTF-8")
        }
        other => panic!("expected an error with a text, got {other:?}"),
    }
}

/// The next frame of a session, if it has one.
pub(crate) fn next_frame(session: &mut Session) -> Option<Vec<u8>> {
    let mut sent = None;
    let Ok(_) = session.transmit(1 << 16, |frame| {
        sent = Some(bytes(frame));
        Ok::<_, Infallible>(true)
    });
    sent
}

/// A frame written by hand. The header's `name_len` is set from `name`.
pub(crate) fn frame(header: Header, name: &str, rest: &[u8]) -> Vec<u8> {
    let header = Header { name_len: name.len() as u16, ..header };
    [&header.to_bytes()[..], name.as_bytes(), rest].concat()
}

pub(crate) fn handshake() -> Handshake {
    Handshake {
        major: 1,
        minor: 0,
        features: 0,
        max_frame: MIN_FRAME as u32,
        max_message: 1 << 20,
        max_pending: 8,
        max_depth: 4,
    }
}

/// The handshake frame that `role` receives.
pub(crate) fn handshake_frame(role: Role, handshake: Handshake) -> Vec<u8> {
    let kind = if role == Role::Main { Kind::HELLO } else { Kind::WELCOME };
    frame(Header { kind, ..Header::default() }, "", &handshake.to_bytes())
}

/// A session that has received the handshake of a peer written by hand.
pub(crate) fn opened(role: Role, config: Config) -> Session {
    let mut session = Session::new(role, config);
    session.handle_frame(&handshake_frame(role, handshake())[..]).expect("the handshake is valid");
    while next_frame(&mut session).is_some() {}
    assert_eq!(session.poll_event(), Some(Event::Opened));
    session
}

/// The first frame of a body in parts.
pub(crate) fn first_part(kind: Kind, id: u32, name: &str, total: u64, part: &[u8]) -> Vec<u8> {
    let code = u16::from(matches!(kind, Kind::CALL | Kind::THROW));
    let flags = Flags::new(Format::Bytes, true);
    frame(Header { kind, flags, code, id, ..Header::default() }, name, &[&total.to_le_bytes(), part].concat())
}

/// A further frame of a body in parts.
pub(crate) fn part(id: u32, part: &[u8], more: bool) -> Vec<u8> {
    frame(Header { kind: Kind::MORE, flags: Flags::new(Format::Bytes, more), id, ..Header::default() }, "", part)
}

/// Bytes that differ wherever they are cut.
pub(crate) fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|index| (index % 251) as u8).collect()
}
