"""A worker in Python: its main calls the functions that it exports, and it calls main's, which blocks.

    worker = Worker({"add": lambda a, b: a + b})
    with worker:
        print(worker.call("greet", "Python"))
        worker.serve()
"""

import inspect
import sys
import time
import traceback

import session as proto
import values
from session import Session
from shared import Link, Broken

NESTED = 256
FORMATS = {proto.BYTES: "bytes", proto.TYPED: "typed", proto.VALUE: "a value", proto.TEXT: "text"}


class CallError(Exception):
    """A call has ended with an error: its code, of section 13, and its value or text."""

    def __init__(self, name, code, error):
        text = f"{error.name}: {error.message}" if isinstance(error, values.Error) else error
        super().__init__(f"{name}: {text}")
        self.name, self.code, self.error = name, code, error


class TimedOut(Exception):
    """A call has no answer in time."""


class Cancelled(Exception):
    """Main has cancelled the call that the function serves."""


class Interrupted(Exception):
    """Main interrupts the worker."""


class Closed(Exception):
    """The link is closed."""


ENDS = {"timed-out": TimedOut, "cancelled": Cancelled, "interrupted": Interrupted}


class Worker:
    def __init__(self, exports=(), name="python", link=None, limits=proto.Limits()):
        # A payload may be nested 256 deep and a call 64 deep: more frames than Python permits by default.
        sys.setrecursionlimit(max(sys.getrecursionlimit(), 10_000))
        self.exports = {}
        self.link = link or Link()
        self.session = Session(name, limits, self.link.sending.longest)
        self.outcomes = {}  # by id: how calls of this end have ended
        self.waiting = []  # ids of the calls that block, the outermost first
        self.running = []  # ids of main's calls whose functions run, the outermost first; 0 for a notification
        self.reason = None  # why the link is closed
        self.export(exports)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.close(proto.FAILED if kind and kind is not Closed else proto.DONE, str(error or ""))

    def export(self, functions):
        """Offers functions by name: before the first call, or main may find them missing."""
        self.exports |= {name: (function, signature_of(function)) for name, function in dict(functions).items()}

    def call(self, name, *arguments, timeout=None):
        """Calls a function of main, and blocks until it has answered. Calls from main run in the meantime."""
        return self.call_raw(name, values.dumps(arguments), proto.VALUE, timeout)

    def call_raw(self, name, payload, format=proto.BYTES, timeout=None):
        """The same with a payload that is in this format already."""
        parent = self.running[-1] if self.running else 0
        deadline = None if timeout is None else time.monotonic() + timeout
        self._is_open(name)
        call = self.session.call(name, payload, format, parent, deadline, blocks=True)
        self.waiting.append(call.id)
        try:
            while call.id not in self.outcomes:
                self._turn()
        finally:
            self.waiting.pop()
        outcome, answer = self.outcomes.pop(call.id)
        if outcome == "closed":
            self._is_open(name)
        if outcome in ENDS:
            raise ENDS[outcome](f"{name}: {outcome}")
        if outcome == "threw":
            error = read(answer) if answer.code == proto.THROWN else str(answer.body, "utf-8", "replace")
            raise CallError(name, answer.code, error)
        return read(answer)

    def notify(self, name, *arguments):
        self._is_open(name)
        self.session.notify(name, values.dumps(arguments))
        self._flush()

    def serve(self):
        """Says that the worker is ready, and runs main's calls until the link is closed. Returns why it was: by whom, and
        the reason and its text."""
        if self.session.state != "closed":
            self.session.ready(self.exports)
        while self.session.state != "closed" or self.session.next_frame():
            self._turn()
        return self.reason

    def close(self, reason=proto.DONE, text=""):
        """Sends what is queued, and leaves."""
        if self.session.state != "closed":
            self.session.close(reason, text)
        while not self._flush():
            self._receive()
            self._wait()
        self.link.leave()

    # The loop.

    def _is_open(self, name):
        if self.session.state == "closed":
            raise Closed(f"{name}: the link is closed: {self.reason}")

    def _turn(self):
        """Sends and receives frames, and runs received calls. Waits if there was nothing to do."""
        self._flush()
        self._receive()
        self.session.pass_time(time.monotonic())
        if self.session.events:
            self._dispatch()
        elif self.session.state != "closed" or self.session.next_frame():
            self._wait()

    def _wait(self):
        """Waits for a frame, a deadline, or room if there is none for the next frame."""
        head, body = self.session.next_frame() or (b"", b"")
        deadlines = [call.deadline for call in self.session.calls.values() if call.deadline and not call.ended]
        timeout = max(0, min(deadlines) - time.monotonic()) if deadlines else None
        self.link.wait(len(head) + len(body), timeout)

    def _flush(self):
        """Sends frames while there is room. Returns whether all were sent."""
        try:
            while frame := self.session.next_frame():
                if not self.link.send(*frame):
                    return False
                self.session.sent()
        except Broken as broken:
            self._broken(broken)
        return True

    def _receive(self):
        try:
            while (frame := self.link.receive()) is not None:
                self.session.receive(frame)
            if self.link.is_gone():
                self.session.gone()
        except Broken as broken:
            self._broken(broken)

    def _broken(self, broken):
        self.reason = self.reason or ("here", proto.PROTOCOL, str(broken))
        self.session.gone()

    def _dispatch(self):
        events = self.session.events
        # A function whose call has ended returns before more is run inside of it.
        while events and not (self.waiting and self.waiting[-1] in self.outcomes):
            event, *about = events.popleft()
            if event == "ended":
                self.outcomes[about[0]] = about[1:]
            elif event == "closed":
                self.reason = self.reason or tuple(about[:3])
            elif event == "interrupted":
                for id in self.waiting:
                    self._end(id, "interrupted")
            elif event == "cancelled":
                for id in [call.id for call in self.session.calls.values() if call.parent == about[0]]:
                    self._end(id, "cancelled")
            elif event == "notify":
                self._notified(about[0])
            elif event == "call":
                self._run(about[0])

    def _end(self, id, outcome):
        """Ends a call of this end early, before other events are handled."""
        call = self.session.calls.get(id)
        if call and not call.ended:
            self.session.cancel(id, outcome)
            _, id, *self.outcomes[id] = self.session.events.pop()

    def _run(self, call):
        id = call.id
        if call.cancelled:
            return self._answer(id, proto.CANCELLED, "cancelled before it ran")
        if len(self.running) >= NESTED:
            return self._answer(id, proto.TOO_DEEP, f"{NESTED} functions run inside of each other already")
        function, signature = self.exports.get(call.name, (None, None))
        if function is None:
            return self._answer(id, proto.UNKNOWN_FUNCTION, f"the worker exports no function {call.name}")
        if call.format != proto.VALUE:
            code = proto.SCHEMA_MISMATCH if call.format == proto.TYPED else proto.BAD_ARGUMENTS
            return self._answer(id, code, f"{call.name} takes arguments as values, not as {FORMATS[call.format]}")
        try:
            arguments = values.loads(call.body)
            if not isinstance(arguments, list):
                raise values.Malformed("the arguments are no array")
            if signature:
                signature.bind(*arguments)
        except (values.Malformed, TypeError) as error:
            return self._answer(id, proto.BAD_ARGUMENTS, f"{call.name}: {error}")
        self.running.append(id)
        try:
            result = function(*arguments)
        except Interrupted:
            return self._answer(id, proto.INTERRUPTED, f"{call.name} was interrupted")
        except Cancelled:
            return self._answer(id, proto.CANCELLED, f"{call.name} was cancelled")
        except Closed:
            return
        except Exception as error:
            return self._throw(id, error)
        finally:
            self.running.pop()
        try:
            payload = values.dumps(values.UNDEFINED if result is None else result)
        except values.Unsendable as error:
            return self._answer(id, proto.BAD_RESULT, f"{call.name}: {error}")
        if self.session.state == "open":
            self.session.answer(id, payload)

    def _throw(self, id, error):
        if isinstance(error, CallError) and isinstance(error.error, values.Error):
            value = error.error
        else:
            stack = "".join(traceback.format_exception(error))
            value = values.Error(type(error).__name__, str(error), stack)
        if self.session.state == "open":
            self.session.answer(id, values.dumps(value), code=proto.THROWN)

    def _answer(self, id, code, text):
        if self.session.state == "open":
            self.session.answer(id, proto.as_text(text), proto.TEXT, code)

    def _notified(self, message):
        function, _ = self.exports.get(message.name, (None, None))
        if function is None:
            return
        self.running.append(0)
        try:
            if message.format != proto.VALUE or len(self.running) > NESTED:
                raise ValueError("it has no value, or too many functions run inside of each other")
            function(*values.loads(message.body))
        except Closed:
            pass
        except Exception as error:
            print(f"notification {message.name}: {error}", file=sys.stderr)
        finally:
            self.running.pop()


def signature_of(function):
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):
        return None  # a function in C without a signature


def read(answer):
    """The value of an answer, or its bytes."""
    if answer.format == proto.VALUE:
        return values.loads(answer.body)
    if answer.format == proto.BYTES:
        return bytes(answer.body)
    raise values.Malformed(f"the answer is {FORMATS[answer.format]}, not a value")
