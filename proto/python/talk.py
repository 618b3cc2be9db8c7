"""The workers of tests/python.rs: `talk` is a correct one, all others break a rule or die."""

import os
import signal
import struct
import sys
import time

import session as proto
import shared
import values
from session import F_MORE, HEADER, U64, Session
from worker import Cancelled, CallError, Interrupted, TimedOut, Worker


def talk():
    worker = Worker(name="talk")
    stopped = []

    def fail(text):
        raise ValueError(text)

    def descend(depth):
        return depth if depth == 0 else worker.call("descend", depth - 1)

    def tell(name, *arguments):
        """How a call of main ends, in words."""
        try:
            return f"returned {worker.call(name, *arguments)}"
        except CallError as error:
            return f"code {error.code}: {error}"

    def within(seconds, name):
        try:
            worker.call(name, timeout=seconds)
        except TimedOut:
            return "timed out"

    def blocks():
        try:
            worker.call("never")
        except (Cancelled, Interrupted) as error:
            stopped.append(type(error).__name__)
            raise

    exports = {
        "add": lambda a, b: a + b,
        "echo": lambda value: value,
        "bytes": lambda length: bytes(i % 251 for i in range(length)),
        "fail": fail,
        "descend": descend,
        "tell": tell,
        "within": within,
        "blocks": blocks,
        "stopped": lambda: stopped,
        "unsendable": lambda: time,
        "leave": lambda: worker.close(proto.DONE, "said to leave"),
    }
    worker.export(exports)
    with worker:
        assert worker.call("greet", "Python") == "Hello, Python"
        worker.notify("log", "ready")
        worker.serve()


# The workers below break the protocol.


class Raw:
    """A link that has exchanged handshakes and sends arbitrary frames."""

    def __init__(self, handshakes=True):
        self.link = shared.Link()
        if handshakes:
            head, body = Session("liar").next_frame()
            self.send(head + body)
            self.next()

    def send(self, frame):
        while not self.link.send(frame):
            self.link.wait(len(frame))

    def next(self):
        while (frame := self.link.receive()) is None:
            if self.link.is_gone():
                sys.exit(0)
            self.link.wait()
        return frame

    def last(self):
        """Receives until main is gone, and never answers."""
        while True:
            self.next()

    def word(self, at, value):
        """Stores a word, and gives the news."""
        self.link.atomics.store(at, value)
        self.link._give_news()

    @property
    def record(self):
        """Where the length word of the record to come is."""
        return self.link.sending.start + self.link.sending.tail % self.link.sending.capacity


def header(kind, flags=0, code=0, id=0, parent=0, name=0):
    return HEADER.pack(kind, flags, code, id, parent, name, 0)


# Each is sent after the handshake. Main detects the violation and reports it.
FRAMES = {
    "short": b"\x04\x00",
    "kind": header(13),
    "flag": header(proto.NOTIFY, 0x80, 1),
    "handshake-twice": Session().next_frame()[0],
    "foreign-id": header(proto.CALL, code=1, id=2),
    "foreign-parent": header(proto.CALL, code=1, id=1, parent=3),
    "name": header(proto.CALL, code=1, id=1, name=500) + b"f",
    "no-such-call": header(proto.RETURN, id=2000),
    "total": header(proto.NOTIFY, F_MORE, 1) + b"\x01",
    "huge-total": header(proto.NOTIFY, F_MORE, 1) + U64.pack(2**63) + b"\x01",
    "more": header(proto.MORE, id=1) + b"\x01",
    "segments": header(proto.NOTIFY, proto.F_SEGMENTS, 1) + struct.pack("<IQQ", 1, 2**40, 2**40) + b"\x01",
    "exports": header(proto.READY) + b"\xff\xff",
}


def lie(frame):
    raw = Raw()
    raw.send(frame)
    raw.last()


def magic():
    raw = Raw(handshakes=False)
    head, body = Session().next_frame()
    raw.send(head.replace(b"coin", b"nioc"))
    raw.last()


def call_before_handshake():
    raw = Raw(handshakes=False)
    raw.send(header(proto.CALL, code=1, id=1))
    raw.last()


# Each breaks the ring or the link around it after the handshake.


def length():
    raw = Raw()
    raw.word(raw.record, raw.link.sending.longest + 1)
    raw.last()


def padding():
    raw = Raw()
    raw.word(raw.record, shared.PADDING + 64)
    raw.last()


def head():
    raw = Raw()
    raw.word(shared.HEAD_DOWN, 0x7FFF_FFC0)
    time.sleep(1000)


def odd_head():
    raw = Raw()
    raw.word(shared.HEAD_DOWN, 33)
    time.sleep(1000)


def scribbles():
    """Overwrites the words that main wrote before it shared the memory, then works normally. Main must not read them again."""
    worker = Worker({"add": lambda a, b: a + b}, "scribbles")
    for at in range(0, 16, 4):
        worker.link.atomics.store(at, 0xFFFF_FFFF)
    with worker:
        worker.serve()


def parks():
    """Announces sleep with invalid words."""
    worker = Worker({"add": lambda a, b: a + b}, "parks")
    for at in (shared.PARKED_WORKER, shared.PARKED_MAIN, shared.ROOM_WANTED_DOWN, shared.ROOM_WANTED_UP):
        worker.link.atomics.store(at, 0xFFFF_FFFF)
    with worker:
        worker.serve()


# None of these answers its calls.


def dies_in_a_body():
    raw = Raw()
    raw.send(header(proto.READY))
    call = HEADER.unpack_from(raw.next())
    raw.send(header(proto.RETURN, F_MORE | proto.VALUE << 1, 0, call[3]) + U64.pack(1 << 20) + bytes(1000))
    os.kill(os.getpid(), signal.SIGKILL)


def dies_in_a_record():
    raw = Raw()
    raw.send(header(proto.READY))
    raw.next()
    start = raw.record
    raw.link.memory[start + 4 : start + 20] = header(proto.RETURN)
    os._exit(3)


def leaves_without_close():
    raw = Raw()
    raw.send(header(proto.READY))
    raw.next()
    raw.link.leave()
    time.sleep(1000)


def stops_reading():
    raw = Raw()
    raw.send(header(proto.READY))
    time.sleep(1000)


def floods():
    """Calls without ever receiving an answer."""
    raw = Raw()
    raw.send(header(proto.READY))
    for id in range(1, 2**32, 2):
        raw.send(header(proto.CALL, proto.VALUE << 1, 1, id, name=4) + b"echo" + values.dumps([bytes(30_000)]))


ROLES = {name: lambda frame=frame: lie(frame) for name, frame in FRAMES.items()} | {
    role.__name__.replace("_", "-"): role
    for role in (
        talk, magic, call_before_handshake, length, padding, head, odd_head, scribbles, parks, dies_in_a_body,
        dies_in_a_record, leaves_without_close, stops_reading, floods,
    )
}  # fmt: skip

if __name__ == "__main__":
    ROLES[sys.argv[1]]()
