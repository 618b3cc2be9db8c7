//! `sessions.json`: operations of the two ends of a link, the exact frames, and the events.

use crate::link::{bytes, pattern};
use crate::{Limits, assert_none, decimal, format, format_name, from_hex, is_text_of, read_json, role, to_hex};
use coincide_proto::{
    Call, CallId, CloseReason, ClosedBy, Config, ErrorCode, Event, Format, Header, Kind, NoSuchCall, Outcome, Progress,
    Role, SendError, Session, Time,
};
use serde::Deserialize;
use serde_json::Value as Json;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::convert::Infallible;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    traces: Vec<Trace>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Trace {
    name: String,
    max_frame: usize,
    main: Option<Limits>,
    worker: Option<Limits>,
    steps: Vec<serde_json::Map<String, Json>>,
}

/// An operation of an end.
#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
enum Operation {
    Call {
        id: Option<u32>,
        name: String,
        format: String,
        payload: Payload,
        #[serde(default)]
        segments: Segments,
        parent: Option<u32>,
        deadline: Option<u64>,
        #[serde(default)]
        blocks: bool,
    },
    Notify {
        name: String,
        format: String,
        payload: Payload,
        #[serde(default)]
        segments: Segments,
    },
    Return {
        id: u32,
        format: String,
        payload: Payload,
        #[serde(default)]
        segments: Segments,
    },
    Throw {
        id: u32,
        code: u16,
        format: String,
        payload: Payload,
        #[serde(default)]
        segments: Segments,
    },
    Cancel {
        id: u32,
    },
    InterruptCall {
        id: u32,
    },
    Interrupt {},
    Release {
        references: Vec<String>,
    },
    Ready {
        exports: Vec<String>,
    },
    Close {
        reason: u16,
        text: String,
    },
    Abort {
        reason: u16,
        text: String,
    },
    Time {
        now: u64,
    },
    Gone {},
}

/// An event at an end.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(tag = "event", rename_all = "kebab-case", deny_unknown_fields)]
enum Happened {
    Opened {},
    Ready {
        exports: Vec<String>,
    },
    Call {
        id: u32,
        name: String,
        format: String,
        payload: Payload,
        within: Option<u32>,
    },
    Notify {
        name: String,
        format: String,
        payload: Payload,
    },
    Ended {
        id: u32,
        outcome: String,
        code: Option<u16>,
        format: Option<String>,
        payload: Option<Payload>,
        /// The payload is text that is not binding.
        #[serde(default)]
        text: bool,
    },
    Cancelled {
        id: u32,
    },
    Interrupted {},
    Released {
        references: Vec<String>,
    },
    Closed {
        by: String,
        reason: u16,
        text: Text,
        violation: Option<String>,
    },
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(untagged)]
enum Text {
    Exact(String),
    /// Any text.
    Any(bool),
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(from = "PayloadForm")]
struct Payload(Vec<u8>);

#[derive(Deserialize)]
#[serde(untagged)]
enum PayloadForm {
    Hex(String),
    Count(usize),
}

impl From<PayloadForm> for Payload {
    fn from(form: PayloadForm) -> Self {
        Self(match form {
            PayloadForm::Hex(hex) => from_hex(&hex),
            PayloadForm::Count(count) => pattern(count),
        })
    }
}

/// Offset and length of each segment of a payload.
#[derive(Default, Deserialize)]
struct Segments(Vec<(String, String)>);

impl Segments {
    /// The payload to send, in which its segments are marked.
    fn of(self, payload: Payload) -> coincide_proto::Payload {
        let ranges = self.0.into_iter().map(|(offset, len)| {
            let start = decimal(&offset) as usize;
            (start..start + decimal(&len) as usize, None)
        });
        coincide_proto::Payload { head: payload.0, segments: Some(Box::new(ranges.collect())), hosted: None }
    }
}

#[test]
fn sessions_follow_the_traces() {
    for segments in [false, true] {
        let file: File = crate::read("sessions.json");
        let wrong: Vec<_> = file.traces.into_iter().filter_map(|trace| replay(trace, segments).err()).collect();
        assert_none(&wrong);
    }
}

/// The specification explains each operation and event of the traces, and no other.
#[test]
fn operations_and_events_match_the_specification() {
    let file = read_json("sessions.json");
    let steps: Vec<_> =
        file["traces"].as_array().unwrap().iter().flat_map(|trace| trace["steps"].as_array().unwrap()).collect();
    for (key, table) in [("do", "| operation | with |"), ("event", "| event | with |")] {
        let table = include_str!("../../SPEC.md").split(table).nth(1).unwrap().split("\n\n").next().unwrap();
        let specified: BTreeSet<_> =
            table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
        let used: BTreeSet<_> = steps.iter().filter_map(|step| step.get(key)?.as_str()).collect();
        assert_eq!(used, specified, "{key}");
    }
}

/// With `segments`, both ends receive segments into separate buffers, which must not change the trace.
fn replay(trace: Trace, segments: bool) -> Result<(), String> {
    let mut replay = Replay {
        max_frame: trace.max_frame,
        main: trace.main.map(|limits| End::new(Role::Main, &limits, segments)),
        worker: trace.worker.map(|limits| End::new(Role::Worker, &limits, segments)),
        ids: HashMap::new(),
    };
    for (index, step) in trace.steps.into_iter().enumerate() {
        let text = serde_json::to_string(&step).unwrap();
        replay.step(step).map_err(|error| format!("{}: step {index}: {error}\n  in {text}", trace.name))?;
    }
    for end in [&mut replay.main, &mut replay.worker].into_iter().flatten() {
        end.idle().map_err(|error| format!("{}: after the last step: {error}", trace.name))?;
    }
    Ok(())
}

struct Replay {
    max_frame: usize,
    main: Option<End>,
    worker: Option<End>,
    /// All calls of the trace, of either end.
    ids: HashMap<u32, CallId>,
}

struct End {
    session: Session,
    /// Frames that it has sent and that were not received.
    sent: VecDeque<Vec<u8>>,
    /// The parents of the calls that it has received.
    parents: HashMap<u32, u32>,
}

impl End {
    fn new(role: Role, limits: &Limits, segments: bool) -> Self {
        let config = Config { segments, ..limits.config() };
        Self { session: Session::new(role, config), sent: VecDeque::new(), parents: HashMap::new() }
    }

    fn receive(&mut self, frame: &[u8]) {
        if let Some(header) = frame.first_chunk().map(|bytes| Header::from_bytes(*bytes))
            && header.kind == Kind::CALL
        {
            self.parents.insert(header.id, header.parent);
        }
        // The events show whether it violates a rule.
        let _ = self.session.handle_frame(frame);
    }

    fn idle(&mut self) -> Result<(), String> {
        if self.session.has_output() {
            return Err("there is a frame to send".into());
        }
        self.next_event().map_or(Ok(()), |event| Err(format!("this has happened: {event:?}")))
    }

    /// The next event of a trace. Traces do not list payloads that a session has dropped.
    fn next_event(&mut self) -> Option<Event> {
        loop {
            match self.session.poll_event()? {
                Event::Unread(_) | Event::Unsent(_) => {}
                event => return Some(event),
            }
        }
    }
}

impl Replay {
    fn end(&mut self, role: Role) -> &mut End {
        let end = if role == Role::Main { &mut self.main } else { &mut self.worker };
        end.as_mut().expect("the trace has this end")
    }

    fn step(&mut self, mut step: serde_json::Map<String, Json>) -> Result<(), String> {
        let role = role(step.remove("end").ok_or("no end")?.as_str().ok_or("no end")?);
        if step.contains_key("do") {
            let refused = step.remove("refused");
            let operation = serde_json::from_value(step.into()).map_err(|error| error.to_string())?;
            let result = self.operate(role, operation);
            let expected = refused.as_ref().map_or(Ok(()), |reason| Err(reason.as_str().unwrap_or_default()));
            return if result == expected { Ok(()) } else { Err(format!("{result:?}")) };
        }
        if step.contains_key("event") {
            let expected = serde_json::from_value(step.into()).map_err(|error| error.to_string())?;
            return self.happens(role, &expected);
        }
        let text = step.remove("text").is_some();
        let (key, value) = step.into_iter().next().ok_or("an empty step")?;
        let hex = || from_hex(value.as_str().expect("bytes are hex"));
        match &key[..] {
            "sends" => self.sends(role, &hex(), text)?,
            "blocked" => {
                let Ok(progress) = self.end(role).session.transmit(1 << 16, |_| Ok::<_, Infallible>(false));
                if progress != Progress::Blocked {
                    return Err(format!("{progress:?}"));
                }
            }
            "receives" => {
                let frame = self.end(role.peer()).sent.pop_front().ok_or("no frame was sent")?;
                self.end(role).receive(&frame);
            }
            "handed" => self.end(role).receive(&hex()),
            "idle" => self.end(role).idle()?,
            other => return Err(format!("no step is called {other}")),
        }
        Ok(())
    }

    fn sends(&mut self, role: Role, expected: &[u8], text: bool) -> Result<(), String> {
        let max_frame = self.max_frame;
        let end = self.end(role);
        let mut sent = None;
        let Ok(_) = end.session.transmit(max_frame, |frame| {
            sent = Some(bytes(frame));
            Ok::<_, Infallible>(true)
        });
        let sent = sent.ok_or("nothing is sent")?;
        let same = if text { sent[..Header::SIZE] == expected[..Header::SIZE] } else { sent == expected };
        if text {
            std::str::from_utf8(&sent[Header::SIZE..]).map_err(|error| error.to_string())?;
        }
        if !same {
            return Err(format!("{} is sent", to_hex(&sent)));
        }
        end.sent.push_back(sent);
        Ok(())
    }

    fn operate(&mut self, role: Role, operation: Operation) -> Result<(), &'static str> {
        let known = |ids: &HashMap<u32, CallId>, id| *ids.get(&id).unwrap_or_else(|| panic!("there was no call {id}"));
        let ids = self.ids.clone();
        let session = &mut self.end(role).session;
        match operation {
            Operation::Call { id, name, format: form, payload, segments, parent, deadline, blocks } => {
                let parent = parent.map(|parent| known(&ids, parent));
                let call = Call { name: &name, format: format(&form), parent, deadline: deadline.map(Time), blocks };
                let given = session.call(call, segments.of(payload)).map_err(refusal)?;
                self.ids.insert(given.to_wire(), given);
                if id != Some(given.to_wire()) {
                    return Err("the call is given another id");
                }
            }
            Operation::Notify { name, format: form, payload, segments } => {
                session.notify(&name, format(&form), segments.of(payload)).map_err(refusal)?;
            }
            Operation::Return { id, format: form, payload, segments } => {
                session.reply(known(&ids, id), format(&form), segments.of(payload)).map_err(no_such_call)?;
            }
            Operation::Throw { id, code, format: form, payload, segments } => {
                session
                    .throw(known(&ids, id), ErrorCode(code), format(&form), segments.of(payload))
                    .map_err(no_such_call)?;
            }
            Operation::Cancel { id } => session.cancel(known(&ids, id)),
            Operation::InterruptCall { id } => session.interrupt_call(known(&ids, id)),
            Operation::Interrupt {} => session.interrupt(),
            Operation::Release { references } => {
                let references: Vec<_> = references.iter().map(|reference| decimal(reference)).collect();
                session.release(&references).map_err(refusal)?;
            }
            Operation::Ready { exports } => session.ready(exports.iter().map(|name| &name[..])).map_err(refusal)?,
            Operation::Close { reason, text } => session.close(CloseReason(reason), &text),
            Operation::Abort { reason, text } => session.abort(CloseReason(reason), &text),
            Operation::Time { now } => session.handle_timeout(Time(now)),
            Operation::Gone {} => session.handle_lost(""),
        }
        Ok(())
    }

    fn happens(&mut self, role: Role, expected: &Happened) -> Result<(), String> {
        let event = self.end(role).next_event().ok_or("nothing has happened")?;
        if let Event::Call { id, .. } = event {
            self.ids.insert(id.to_wire(), id);
        }
        let end = self.end(role);
        let mut happened = happened(event, end);
        // Texts that are not binding are made equal after their check.
        match (&mut happened, expected) {
            (Happened::Ended { payload, text, format, .. }, Happened::Ended { text: true, .. }) => {
                *text = format.as_deref() == Some("text")
                    && payload.take().is_some_and(|payload| String::from_utf8(payload.0).is_ok());
            }
            (
                Happened::Closed { text, violation: found, .. },
                Happened::Closed { text: Text::Any(true), violation, .. },
            ) => {
                let Text::Exact(exact) = std::mem::replace(text, Text::Any(true)) else { unreachable!() };
                *found = violation.clone().filter(|violation| is_text_of(&exact, violation));
            }
            _ => {}
        }
        if happened == *expected { Ok(()) } else { Err(format!("{happened:?}")) }
    }
}

fn happened(event: Event, end: &End) -> Happened {
    let name = |format| format_name(format).to_string();
    match event {
        Event::Opened => Happened::Opened {},
        Event::Ready(exports) => Happened::Ready { exports },
        Event::Call { id, format, payload } => Happened::Call {
            id: id.to_wire(),
            name: end.session.function(id).expect("the call is unanswered").into(),
            format: name(format),
            payload: Payload(payload.into_bytes()),
            within: end.session.waits_for_us(id).then(|| end.parents[&id.to_wire()]),
        },
        Event::Notify { name: function, format, payload } => {
            Happened::Notify { name: function, format: name(format), payload: Payload(payload.into_bytes()) }
        }
        Event::Ended { id, outcome } => {
            let (outcome, code, format, payload) = match outcome {
                Outcome::Returned { format, payload } => ("returned", None, Some(format), Some(payload)),
                Outcome::Threw { code, format, payload } => ("threw", Some(code.0), Some(format), Some(payload)),
                // The caller's own session reports it as if the peer had thrown.
                Outcome::NotSent(error) => {
                    let code = match error {
                        SendError::TooLarge { .. } => ErrorCode::TOO_LARGE,
                        _ => ErrorCode::OVERLOADED,
                    };
                    ("threw", Some(code.0), Some(Format::Text), Some(error.to_string().into_bytes().into()))
                }
                Outcome::TimedOut => ("timed-out", None, None, None),
                Outcome::Cancelled => ("cancelled", None, None, None),
                Outcome::Interrupted => ("interrupted", None, None, None),
                Outcome::Closed => ("closed", None, None, None),
            };
            let (format, payload) = (format.map(name), payload.map(|payload| Payload(payload.into_bytes())));
            Happened::Ended { id: id.to_wire(), outcome: outcome.into(), code, format, payload, text: false }
        }
        Event::Cancelled(id) => Happened::Cancelled { id: id.to_wire() },
        Event::Interrupted => Happened::Interrupted {},
        Event::Deadlock(_) => unreachable!("no trace defers calls"),
        Event::Unread(_) | Event::Unsent(_) => unreachable!("they are not listed"),
        Event::Released(references) => {
            Happened::Released { references: references.iter().map(u64::to_string).collect() }
        }
        Event::Closed(closed) => {
            let by = match closed.by {
                ClosedBy::Here => "here",
                ClosedBy::Peer => "peer",
                ClosedBy::Gone => "gone",
            };
            Happened::Closed { by: by.into(), reason: closed.reason.0, text: Text::Exact(closed.text), violation: None }
        }
    }
}

fn refusal(error: SendError) -> &'static str {
    match error {
        SendError::Closed => "closed",
        SendError::NameTooLong { .. } => "long-name",
        SendError::TooLarge { .. } => "too-large",
        SendError::TooDeep { .. } => "too-deep",
        SendError::Overloaded { .. } => "overloaded",
        _ => "for a reason that the specification doesn't know",
    }
}

fn no_such_call(_: NoSuchCall) -> &'static str {
    "no-such-call"
}
