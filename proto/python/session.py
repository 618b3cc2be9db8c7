"""Frames, and a worker's end of a link without input or output: sections 4 to 15 of proto/SPEC.md.

Frames come in by `Session.receive`. Frames to be sent are shown by `Session.next_frame` until `Session.sent` confirms
that the transport has taken the one that was shown. What happens is appended to `Session.events`.
"""

import struct
from collections import deque, namedtuple

HELLO, WELCOME, READY, CALL, RETURN, THROW, NOTIFY, CANCEL, INTERRUPT, RELEASE, MORE, CLOSE = range(1, 13)
BYTES, TYPED, VALUE, TEXT = range(4)
F_MORE, F_SEGMENTS, F_BLOCKS = 0x01, 0x08, 0x10

HEADER = struct.Struct("<BBHIIHH")  # kind, flags, code, id, parent, name length, zero
HANDSHAKE = struct.Struct("<4sHHIIQIHH")  # magic, major, minor, features, the four limits, zero
U64 = struct.Struct("<Q")
SEGMENT = struct.Struct("<QQ")

THROWN, UNKNOWN_FUNCTION, BAD_ARGUMENTS, SCHEMA_MISMATCH, BAD_RESULT, TOO_LARGE, TOO_DEEP = range(1, 8)
OVERLOADED, CANCELLED, INTERRUPTED = 9, 10, 11
DONE, FAILED, PROTOCOL, INCOMPATIBLE = 1, 3, 4, 5

NAME, SMALLEST_LIMIT, TEXTS, SEGMENTS = 1024, 2048, 1536, 32

Limits = namedtuple("Limits", "frame message pending depth", defaults=(1 << 20, 1 << 30, 16384, 64))


class Violation(Exception):
    """The peer has broken the protocol: section 15."""

    def __init__(self, name, text):
        super().__init__(text)
        self.name = name


class Refused(Exception):
    """The session refuses an operation. Its state is unchanged."""

    def __init__(self, name, text):
        super().__init__(text)
        self.name = name


class Message:
    """A message to be sent, in as many frames as it needs."""

    def __init__(self, kind, format=BYTES, code=0, id=0, parent=0, name=b"", body=b"", flags=0, segments=()):
        self.kind, self.flags, self.code, self.id, self.parent = kind, flags | format << 1, code, id, parent
        self.name, self.body, self.segments = name, memoryview(body), segments
        self.at = None  # bytes of the body that were sent; None: no frame has left
        self.next = 0  # what `at` is once the frame that was shown last has left

    def frame(self, limit):
        """The next frame: its head, and its part of the body."""
        table = b""
        if self.at is not None:
            head = HEADER.pack(MORE, self.flags & 6, 0, self.id, 0, 0, 0)
            at = self.at
        else:
            flags = self.flags
            if self.segments:
                flags |= F_SEGMENTS
                table = struct.pack("<I", len(self.segments)) + b"".join(SEGMENT.pack(*s) for s in self.segments)
            head = HEADER.pack(self.kind, flags, self.code, self.id, self.parent, len(self.name), 0) + self.name
            at = 0
        room = limit - len(head) - len(table)
        if len(self.body) - at > room:
            if self.at is None:
                head += U64.pack(len(self.body))
                room -= 8
            head = bytes((head[0], head[1] | F_MORE)) + head[2:]
        self.next = min(len(self.body), at + room)
        return head + table, self.body[at : self.next]


class Call:
    """A call of this end."""

    def __init__(self, id, parent, deadline):
        self.id, self.parent, self.deadline = id, parent, deadline
        self.sent = False  # completely
        self.ended = False  # for the caller; its id may still be in use
        self.answering = False  # a part of its answer has arrived
        self.message = None


class Received:
    """A call of the peer, and a body that arrives."""

    def __init__(self, kind, flags, code, id, parent, name):
        self.kind, self.format, self.code, self.id, self.parent, self.name = kind, flags >> 1 & 3, code, id, parent, name
        self.depth = code
        self.total = 0
        self.body = None
        self.complete = self.cancelled = self.answered = False


class Session:
    def __init__(self, name="", limits=Limits(), transport_frame=1 << 30):
        self.limits, self.peer = limits, None
        self.transport_frame = transport_frame
        self.state = "handshake"
        self.events = deque()
        self.calls = {}  # by id: calls of this end whose ids are in use
        self.serving = {}  # by id: unanswered calls of the peer
        self.bodies = {}  # by id: unfinished bodies of the peer
        self.queue = deque()  # messages, in the order in which they were made
        self.urgent = deque()  # whole frames that leave before them
        self.last_id = -1
        self.is_ready = False
        handshake = HANDSHAKE.pack(b"coin", 1, 0, 0, *limits, 0)
        name = name.encode()
        self.urgent.append(HEADER.pack(HELLO, 0, 0, 0, 0, len(name), 0) + name + handshake)

    # Operations of this end.

    def call(self, name, payload=b"", format=VALUE, parent=0, deadline=None, blocks=False, segments=()):
        """Makes a call and returns it."""
        name = self._name(name)
        within = self.serving.get(parent)
        if within is None or within.answered:
            parent, depth = 0, 1
        else:
            depth = within.depth + 1
        if self.peer:
            refusal = self._refusal(payload, len(self.calls))
            if refusal:
                raise Refused(*refusal[1:])
            if depth > self.peer.depth:
                raise Refused("too-deep", f"calls are nested {depth} deep, and main takes {self.peer.depth}")
        call = Call(self._free_id(), parent, deadline)
        flags = F_BLOCKS if blocks else 0
        call.message = Message(CALL, format, depth, call.id, parent, name, payload, flags, segments)
        self.calls[call.id] = call
        self.queue.append(call.message)
        return call

    def notify(self, name, payload=b"", format=VALUE, segments=()):
        name = self._name(name)
        self._fits(payload)
        self.queue.append(Message(NOTIFY, format, 1, name=name, body=payload, segments=segments))

    def answer(self, id, payload, format=VALUE, code=0, segments=()):
        """Answers a call of the peer: with a result, or with an error if there is a code."""
        call = self.serving.get(id)
        if self.state == "closed" or not call or call.answered or not call.complete:
            raise Refused("no-such-call", "no call of this id waits for an answer")
        if len(payload) > self.peer.message:
            text = f"the answer has {len(payload)} bytes, and main takes {self.peer.message}"
            code, format, payload, segments = TOO_LARGE, TEXT, text.encode(), ()
        call.answered = True
        self.queue.append(Message(THROW if code else RETURN, format, code, id, body=payload, segments=segments))

    def cancel(self, id, outcome="cancelled"):
        """Ends a call of this end early."""
        call = self.calls.get(id)
        if call is None or call.ended:
            return
        self._end_call(call, outcome)
        if not call.sent:
            self.queue.remove(call.message)
            if call.message.at is None:
                del self.calls[id]
                return
            call.sent = True
        self._send_cancel(id)

    def release(self, ids):
        payload = b"".join(U64.pack(id) for id in ids)
        self._fits(payload)
        self.queue.append(Message(RELEASE, body=payload))

    def ready(self, exports):
        names = [self._name(name) for name in exports]
        payload = b"".join(struct.pack("<H", len(name)) + name for name in names)
        self._is_open()
        if not self.is_ready:
            self.is_ready = True
            message = Message(READY, body=payload)
            self.queue.append(message)
            if self.peer:
                self._check_exports(message)

    def close(self, reason=DONE, text=""):
        """Closes gracefully, or abruptly if the link is not open yet. Does nothing if it is closed."""
        if self.state != "open":
            return self.abort(reason, text)
        kept = deque()
        for message in self.queue:
            if message.kind != CALL:
                kept.append(message)
            elif message.at is not None:
                self._send_cancel(message.id)
        self.queue = kept
        self.queue.append(self._close_message(reason, text))
        self._closed("here", reason, text)

    def abort(self, reason=FAILED, text=""):
        """Closes abruptly. Does nothing if the link is closed."""
        if self.state != "closed":
            self._abort("here", reason, text)

    def pass_time(self, now):
        """Ends calls whose deadlines have passed."""
        late = [c for c in self.calls.values() if c.deadline is not None and c.deadline <= now and not c.ended]
        for call in sorted(late, key=lambda call: (call.deadline, call.id)):
            self.cancel(call.id, "timed-out")

    def gone(self):
        """The transport reports that the peer is gone."""
        self._drop()
        if self.state != "closed":
            self._closed("gone", FAILED, "")

    # Outgoing frames.

    def next_frame(self):
        """The frame to be sent next, as two pieces, or None."""
        if self.urgent:
            return self.urgent[0], b""
        if self.queue and self.peer:
            return self.queue[0].frame(min(self.transport_frame, self.peer.frame))
        return None

    def sent(self):
        """The transport has taken the frame that `next_frame` has returned last."""
        if self.urgent:
            self.urgent.popleft()
            return
        message = self.queue[0]
        message.at = message.next
        if message.at < len(message.body):
            return
        self.queue.popleft()
        if message.kind == CALL and message.id in self.calls:
            self.calls[message.id].sent = True
        elif message.kind in (RETURN, THROW):
            self.serving.pop(message.id, None)

    # Incoming frames.

    def receive(self, frame):
        if self.state == "closed":
            return
        try:
            self._receive(memoryview(frame))
        except Violation as violation:
            self._abort("here", PROTOCOL, str(violation), violation.name)

    def _receive(self, frame):
        # In the order of the table of section 15.
        is_open = self.state == "open"
        if len(frame) < HEADER.size:
            raise Violation("short-frame", f"a frame has {len(frame)} bytes, less than its header")
        if len(frame) > (self.limits.frame if is_open else SMALLEST_LIMIT):
            raise Violation("long-frame", f"a frame has {len(frame)} bytes, more than this end takes")
        kind, flags, code, id, parent, name_length, _ = HEADER.unpack_from(frame)
        rest = frame[HEADER.size :]
        more = flags & F_MORE
        if flags & 0xE0 or flags & F_BLOCKS and kind != CALL:
            raise Violation("unknown-flag", f"a frame has the flags {flags:#x}")
        if flags & F_SEGMENTS and kind not in (CALL, RETURN, THROW, NOTIFY):
            raise Violation("unexpected-segments", f"a frame of kind {kind} has segments")
        welcome = kind == WELCOME and not is_open and not more
        if kind in (HELLO, READY, WELCOME) and not welcome or not is_open and not welcome and kind != CLOSE:
            raise Violation("out-of-place", f"a frame of kind {kind} is out of place")
        if not HELLO <= kind <= CLOSE:
            raise Violation("unknown-kind", f"there is no kind {kind} of frames")
        if kind == CLOSE:
            if more or name_length or len(rest) > TEXTS:
                raise Violation("bad-close", "a close has the flag more, a name, or too long a text")
            self._drop()
            self._closed("peer", code, str(rest, "utf-8", "replace"))
            return
        if name_length and kind not in (WELCOME, CALL, NOTIFY):
            raise Violation("unexpected-name", f"a frame of kind {kind} has a name")
        if kind in (CANCEL, INTERRUPT) and more:
            raise Violation("no-body", f"a frame of kind {kind} has a body in parts")
        if kind in (CALL, CANCEL) and (id == 0 or id & 1):
            raise Violation("foreign-id", f"{id} is no id of main")
        if kind == CALL:
            if parent and not parent & 1:
                raise Violation("foreign-parent", f"{parent} is no id of this end")
            if code == 0:
                raise Violation("depth-zero", "a call has depth 0")
            if len(self.serving) >= self.limits.pending:
                raise Violation("overloaded", f"more than {self.limits.pending} calls are unanswered")
        name = ""
        if name_length:
            if name_length > NAME or name_length > len(rest):
                raise Violation("long-name", f"a name has {name_length} bytes, more than {NAME} or than its frame")
            try:
                name = str(rest[:name_length], "utf-8")
            except UnicodeDecodeError:
                raise Violation("name-not-text", "a name is not UTF-8") from None
            rest = rest[name_length:]
        if kind == WELCOME:
            self._welcome(rest)
        elif kind == CANCEL:
            self._cancelled(id)
        elif kind == INTERRUPT:
            self.events.append(("interrupted",))
        elif kind == MORE:
            self._more(id, more, rest)
        else:
            self._first(Received(kind, flags, code, id, parent, name), flags, rest)

    def _first(self, message, flags, rest):
        kind, id, call = message.kind, message.id, None
        if kind == CALL and id in self.serving:
            raise Violation("id-in-use", f"the call {id} is unanswered")
        if kind in (RETURN, THROW):
            call = self.calls.get(id)
            if call is None or call.ended and call.message.at is None:
                raise Violation("no-such-call", f"there is no call {id} to be answered")
            if not call.sent:
                raise Violation("early-answer", f"the call {id} has not been sent completely")
            if call.answering:
                raise Violation("second-answer", f"the call {id} is being answered")
        elif kind != CALL:
            message.id = 0
        more = flags & F_MORE
        if more:
            if len(rest) < U64.size:
                raise Violation("no-total", "the first part of a body has no total")
            message.total = U64.unpack_from(rest)[0]
            rest = rest[U64.size :]
        if flags & F_SEGMENTS:
            rest = skip_segments(rest, message.total if more else None)
        total = message.total if more else len(rest)
        unfinished = sum(body.total for body in self.bodies.values()) if more else 0
        if total + unfinished > self.limits.message:
            raise Violation("long-body", f"a body of {total} bytes is more than this end takes")
        if more:
            if message.id in self.bodies:
                raise Violation("body-in-use", f"a body of {message.id} is unfinished")
            if not 0 < len(rest) < total:
                raise Violation("bad-part", "a part is empty, or is the whole body")
            self.bodies[message.id] = message
            message.body = bytearray(rest)
        else:
            message.body = rest
        if kind == CALL:
            self.serving[id] = message
        elif call:
            call.answering = True
        if not more:
            self._complete(message)

    def _more(self, id, more, rest):
        message = self.bodies.get(id)
        if message is None:
            raise Violation("no-such-body", f"no body of {id} is unfinished")
        length = len(message.body) + len(rest)
        if not len(rest) or length > message.total or (length == message.total) == bool(more):
            raise Violation("bad-part", "a part is empty, or the parts do not add up to the total")
        message.body += rest
        if not more:
            del self.bodies[id]
            self._complete(message)

    def _complete(self, message):
        kind, id = message.kind, message.id
        if kind == CALL:
            message.complete = True
            if message.depth > self.limits.depth:
                text = f"{message.name} is called at depth {message.depth}, and this end takes {self.limits.depth}"
                self.answer(id, as_text(text), TEXT, TOO_DEEP)
            else:
                self.events.append(("call", message))
        elif kind == NOTIFY:
            self.events.append(("notify", message))
        elif kind == RELEASE:
            if len(message.body) % 8:
                raise Violation("bad-release", "a list of references is cut off")
            self.events.append(("released", [id for (id,) in U64.iter_unpack(message.body)]))
        else:
            call = self.calls.pop(id)
            if not call.ended:
                self._end_call(call, "returned" if kind == RETURN else "threw", message)

    def _cancelled(self, id):
        call = self.serving.get(id)
        if call is None or call.answered or call.cancelled:
            return
        call.cancelled = True
        if call.complete:
            self.events.append(("cancelled", id))
            return
        del self.bodies[id]
        call.complete = True
        self.answer(id, b"the call was cancelled before it had arrived", TEXT, CANCELLED)

    def _welcome(self, body):
        if len(body) < HANDSHAKE.size:
            raise Violation("short-handshake", f"a handshake has {len(body)} bytes, less than {HANDSHAKE.size}")
        magic, major, minor, _, *limits, _ = HANDSHAKE.unpack_from(body)
        if magic != b"coin":
            raise Violation("foreign-handshake", "a handshake does not begin with coin")
        if major != 1:
            self._abort("here", INCOMPATIBLE, f"main speaks version {major}.{minor}, and this end version 1.0")
            return
        peer = Limits(*limits)
        if min(peer.frame, peer.message) < SMALLEST_LIMIT or not 1 <= peer.pending <= 65535 or not peer.depth:
            raise Violation("impossible-limit", f"main announces limits that are out of range: {peer}")
        self.peer, self.state = peer, "open"
        self.events.append(("opened",))
        count = 0
        for message in list(self.queue):
            if message.kind == CALL:
                refusal = self._refusal(message.body, count)
                if refusal:
                    self.queue.remove(message)
                    error = Received(THROW, TEXT << 1, refusal[0], message.id, 0, "")
                    error.body = refusal[2].encode()
                    self._end_call(self.calls.pop(message.id), "threw", error)
                else:
                    count += 1
            elif message.kind in (NOTIFY, RELEASE) and len(message.body) > peer.message:
                self.queue.remove(message)
        for message in list(self.queue):
            if message.kind == READY:
                self._check_exports(message)

    # Parts of these.

    def _is_open(self):
        if self.state == "closed":
            raise Refused("closed", "the link is closed")

    def _name(self, name):
        self._is_open()
        data = name.encode()
        if len(data) > NAME:
            raise Refused("long-name", f"a name has {len(data)} bytes, more than {NAME}")
        return data

    def _fits(self, payload):
        self._is_open()
        if self.peer and len(payload) > self.peer.message:
            raise Refused("too-large", f"a body of {len(payload)} bytes is more than main takes")

    def _refusal(self, payload, unanswered):
        if len(payload) > self.peer.message:
            return TOO_LARGE, "too-large", f"the arguments have {len(payload)} bytes, and main takes {self.peer.message}"
        if unanswered >= self.peer.pending:
            return OVERLOADED, "overloaded", f"{unanswered} calls are unanswered, and main takes no more"
        return None

    def _free_id(self):
        while True:
            self.last_id = (self.last_id + 2) % 2**32
            if self.last_id not in self.calls:
                return self.last_id

    def _end_call(self, call, outcome, answer=None):
        call.ended = True
        self.events.append(("ended", call.id, outcome, answer))

    def _send_cancel(self, id):
        self.urgent.append(HEADER.pack(CANCEL, 0, 0, id, 0, 0, 0))

    def _check_exports(self, message):
        if len(message.body) > self.peer.message:
            self._abort("here", INCOMPATIBLE, f"a list of exports of {len(message.body)} bytes is more than main takes")

    def _drop(self):
        self.queue.clear()
        self.urgent.clear()

    def _close_message(self, reason, text):
        return Message(CLOSE, TEXT, reason, body=as_text(text))

    def _abort(self, by, reason, text, violation=None):
        self._drop()
        head, body = self._close_message(reason, text).frame(SMALLEST_LIMIT)
        self.urgent.append(head + body)
        self._closed(by, reason, text, violation)

    def _closed(self, by, reason, text, violation=None):
        self.state = "closed"
        self.bodies.clear()
        for id in sorted(self.calls):
            if not self.calls[id].ended:
                self._end_call(self.calls[id], "closed")
        self.events.append(("closed", by, reason, text, violation))


def as_text(text):
    """The bytes of a text for people, cut to what an end may raise itself."""
    return text.encode("utf-8", "replace")[:TEXTS].decode("utf-8", "ignore").encode()


def skip_segments(rest, total):
    """The payload after the table of segments: section 10."""
    count = struct.unpack_from("<I", rest)[0] if len(rest) >= 4 else 0
    end = 4 + count * SEGMENT.size
    if not 1 <= count <= SEGMENTS or len(rest) < end:
        raise Violation("bad-segments", f"a table of {count} segments is cut off, or has none or more than {SEGMENTS}")
    body = rest[end:]
    at, total = 0, len(body) if total is None else total
    for offset, length in SEGMENT.iter_unpack(rest[4:end]):
        if not length or offset < at or offset + length > total:
            raise Violation("bad-segments", "a segment is empty, overlaps the one before, or is not inside of the body")
        at = offset + length
    return body
