# The functions that the tests call, for Pyodide and MicroPython.
import sys
import time

from pyscript import document, ffi, sync, window

IS_MICROPYTHON = sys.implementation.name == "micropython"


def echo(value):
    return value


def kind(value):
    return type(value).__name__


def show(value):
    return repr(value)


def values(name):
    """Values of Python that are sent to main."""
    import array

    return {
        "none": None,
        "bools": [True, False],
        "ints": [0, -1, 2**31, -(2**40), 2**53, 10**40, -(10**40)],
        "floats": [0.0, 0.5, -0.0, 0.1 + 0.2, 1e300, float("inf"), float("-inf"), float("nan")],
        "text": "naïve \u2603 \U0001f600 \"quoted\" \\ \n\x00",
        "bytes": bytes(range(256)),
        "empty": b"",
        "array": array.array("d", [1.5, -2.5]),
        "shorts": array.array("H", [1, 65535]),
        "nested": ([1, (2, 3)], {"a": {"b": [None]}}),
        "dict": {1: "one"},
        "dollar": {"$": "int"},
        "set": {(1, 2)},
    }[name]


def unsendable(name):
    """Values that cannot be sent, at various places of a result."""

    class Own:
        pass

    looped = [1]
    looped.append(looped)
    deep = []
    for _ in range(100):
        deep = [deep]
    return {
        "function": {"items": [0, {"on": lambda: 1}]},
        "instance": [Own()],
        "loop": {"deep": looped},
        "complex": 1j,
        "deep": {"deep": deep},
        "late": [b"bytes", lambda: 1],
    }[name]


def call(name, *arguments):
    return getattr(sync, name)(*arguments)


def attempt(name, *arguments):
    """Calls main and returns the result, or the error that the call raises."""
    try:
        return {"value": getattr(sync, name)(*arguments)}
    except BaseException as error:
        return {
            "class": type(error).__name__,
            "isValueError": isinstance(error, ValueError),
            "text": str(error),
            "remote": getattr(error, "remote_traceback", ""),
        }


def send_function():
    return attempt("take", {"items": [0, {"on": lambda: 1}]})


def send_named():
    try:
        sync.take(1, size=2)
    except TypeError as error:
        return {"class": type(error).__name__, "text": str(error)}


def counts(number):
    found = 0
    for _ in range(number):
        found += 1
    return found


class OwnError(ValueError):
    pass


def fails(kind):
    if kind == "own":
        raise OwnError("of its own class")
    if kind == "key":
        raise KeyError("missing")
    if kind == "name":
        return nowhere_defined
    raise ValueError("on purpose")


async def later(value):
    import asyncio

    await asyncio.sleep(0.01)
    return value


async def fails_later():
    import asyncio

    await asyncio.sleep(0.01)
    raise ValueError("late")


def reads_input():
    return input("Your name? ")


def sleeps(seconds):
    start = time.time()
    time.sleep(seconds)
    return time.time() - start


def runs_until_interrupted(what):
    """Runs until it is interrupted."""
    sync.begun()
    try:
        if what == "computes":
            number = 0
            while True:
                number += 1
        elif what == "sleeps":
            time.sleep(1000)
        else:
            sync.never()
    except KeyboardInterrupt:
        return "KeyboardInterrupt"


def prints_and_runs(what):
    """The same where main cannot be called: a line of output shows that it has begun."""
    try:
        print("begun")
        if what == "sleeps":
            time.sleep(1000)
        number = 0
        while what == "computes":
            number += 1
        while True:
            pass
    except KeyboardInterrupt:
        return "KeyboardInterrupt"


def nested(number):
    return sync.back(number) + 1


def computes_and_calls(number):
    sync.begun()
    counts(number)
    return sync.back()


def dates(moment):
    """Returns a point in time, in Pyodide one day later."""
    if IS_MICROPYTHON:
        return moment
    from datetime import datetime, timedelta

    assert isinstance(moment, datetime), moment
    return moment + timedelta(days=1)


def identity():
    return document.body == document.body


def listens():
    """Adds a listener and removes it by the function itself."""
    heard = []

    def listener(event):
        heard.append(event.type)

    button = document.createElement("button")
    document.body.append(button)
    button.addEventListener("click", listener)
    button.click()
    # The listener has ended before `click` returns.
    found = list(heard)
    button.removeEventListener("click", listener)
    button.click()
    button.remove()
    return found + heard[1:]


def passes():
    """Dictionaries and lists become objects and arrays of the page."""
    text = window.JSON.stringify({"a": [1, {"b": "c"}]})
    event = window.CustomEvent.new("notified", {"detail": {"x": 1}})
    return [text, event.detail.x]


def queries():
    document.body.dataset.test = "queried"
    before = ffi.sizes().trips
    found = ffi.query(window, "document.body.dataset.test")
    return [found, ffi.sizes().trips - before]


async def awaits():
    # One promise is resolved, the other one is pending.
    five = await window.Promise.resolve(5)
    answer = await window.fetch("./tests.txt")
    return [five, answer.status]


__export__ = (
    "echo", "kind", "show", "values", "unsendable", "call", "attempt", "send_function", "send_named", "counts", "fails", "later", "fails_later",
    "reads_input", "sleeps", "runs_until_interrupted", "prints_and_runs", "nested", "computes_and_calls", "dates",
    "identity", "listens", "passes", "queries", "awaits",
)
