"""Where Pyodide and MicroPython differ."""

import sys

import _pyscript

IS_MICROPYTHON = sys.implementation.name == "micropython"

if IS_MICROPYTHON:
    import asyncio
    import io
    import time

    import js
    from asyncio import core as _core
    from jsffi import JsProxy, create_proxy, to_js

    class _ThenableEvent(_core.ThenableEvent):
        """The event by which a task awaits a promise. A promise of the page may settle before the task waits; the task then must not wait."""

        def __init__(self, thenable):
            self.answered = False
            super().__init__(thenable)

        def set(self, value=None):
            self.answered = True
            super().set(value)

        def wait(self):
            if not self.answered:
                yield from super().wait()
            return self.result

    _core.ThenableEvent = _ThenableEvent

    _Generator = type((lambda: (yield))())

    # Integers up to this one are compared quickly.
    PLAIN = 2**30 - 1

    # Bytes cross in a file, which both sides read in one step. Objects would cross byte by byte.
    _FILE = "/lib/coincide/bytes"

    def give(data):
        """Passes bytes to JavaScript."""
        with open(_FILE, "wb") as file:
            file.write(data)

    def received(length):
        """Returns bytes of JavaScript."""
        data = bytearray(length)
        with open(_FILE, "rb") as file:
            file.readinto(data)
        return bytes(data)

    def is_awaitable(value):
        return isinstance(value, _Generator) or (isinstance(value, JsProxy) and hasattr(value, "then"))

    def started(awaitable):
        """An awaitable that runs whether it is awaited or not."""
        return awaitable

    def promised(awaitable):
        """A promise of the result of an awaitable, which never raises."""

        async def run(resolve):
            resolve(await awaitable)

        # A task, since a coroutine that JavaScript awaits cannot sleep while others do.
        return js.Promise.new(lambda resolve, _: asyncio.create_task(run(resolve)))

    def trace_of(error):
        text = io.StringIO()
        sys.print_exception(error, text)
        return text.getvalue()

    def class_names(error):
        """The names of an error's class and of its base classes, most specific first."""
        names = []
        above = [type(error)]
        while above:
            found = above.pop(0)
            if found not in (Exception, BaseException, object):
                names.append(found.__name__)
                above.extend(getattr(found, "__bases__", ()))
        return names

    # MicroPython has no time zones: a date is its seconds since 1970.
    def from_date(milliseconds):
        return milliseconds / 1000

    def to_date(value):
        return None

else:
    import asyncio
    import inspect
    import time
    import traceback
    from datetime import datetime, timezone

    from pyodide.ffi import JsProxy, create_proxy, to_js

    PLAIN = 2**53 - 1

    def give(data):
        return to_js(bytes(data))

    def received(data):
        return data.to_bytes()

    def is_awaitable(value):
        # For objects of the page, `isawaitable` takes a round trip.
        return inspect.isawaitable(value) and getattr(value, "_is_promise", True)

    def started(awaitable):
        return asyncio.ensure_future(awaitable)

    promised = started

    def trace_of(error):
        return "".join(traceback.format_exception(error))

    def class_names(error):
        return [found.__name__ for found in type(error).__mro__ if found not in (Exception, BaseException, object)]

    def from_date(milliseconds):
        return datetime.fromtimestamp(milliseconds / 1000, timezone.utc)

    def to_date(value):
        """Milliseconds since 1970, or `None` for other values."""
        return round(value.timestamp() * 1000) if isinstance(value, datetime) else None


if _pyscript.suspends:
    from pyodide.ffi import can_run_sync, run_sync

    def waited(name, begin):
        """Suspends Python until the promise that `begin` returns settles. Returns its value."""
        if not can_run_sync():
            raise RuntimeError(
                "`" + name + "` cannot wait here: JavaScript has called this function synchronously, so Python cannot be suspended in it. "
                "Make the function `async`, or call it from the program, from an exported function or from a listener of the page"
            )
        return run_sync(begin())

    def entered(result):
        """Wraps the result of a function that JavaScript has called in a list, so that JavaScript awaits an awaitable result only after it has left Python."""
        return to_js([result])

else:

    def waited(name, begin):
        return begin()

    def entered(result):
        return result


def set_sleep(sleep):
    """Makes `time.sleep` wait without using the processor."""
    time.sleep = sleep
    if IS_MICROPYTHON:
        time.sleep_ms = lambda milliseconds: sleep(milliseconds / 1000)
