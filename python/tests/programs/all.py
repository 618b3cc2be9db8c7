# What the tests have a worker do; for Pyodide and MicroPython alike.
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
    """Values of Python that main is to get."""
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
    """What can't be sent; the name of a function says where it is."""

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
    """Calls main, and says what that raises."""
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


def asks():
    return input("Your name? ")


def sleeps(seconds):
    start = time.time()
    time.sleep(seconds)
    return time.time() - start


def interrupted(what):
    """Goes on until it is interrupted."""
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


def goes_on(what):
    """The same where main can't be called: printing says that it has begun."""
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


def computes_and_asks(number):
    sync.begun()
    counts(number)
    return sync.back()


def dates(moment):
    """A point in time, there and back."""
    if IS_MICROPYTHON:
        return moment
    from datetime import datetime, timedelta

    assert isinstance(moment, datetime), moment
    return moment + timedelta(days=1)


def identity():
    return document.body == document.body


def listens():
    """Adds a listener and takes it away again, by the function itself."""
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
    event = window.CustomEvent.new("told", {"detail": {"x": 1}})
    return [text, event.detail.x]


def queries():
    document.body.dataset.test = "queried"
    before = ffi.sizes().trips
    found = ffi.query(window, "document.body.dataset.test")
    return [found, ffi.sizes().trips - before]


def objects():
    """Results of Python's operations on objects of the page, by operation."""
    from pyodide.ffi import create_proxy

    def raised(action):
        try:
            return ["value", action()]
        except Exception as error:
            return type(error).__name__

    js = window.Function.new("return { list: [1, 'two', [3]], map: new Map([['a', 1]]), set: new Set([5]), plain: { x: 1, y: { z: [2] } }, empty: [], nothing: null, none: undefined, class: 7, add: (a, b) => a + b, Point: class { constructor(x) { this.x = x } plus(y) { return this.x + y } } }")()
    window.document.body.insertAdjacentHTML("beforeend", "<ul id=of-python><li>a</li><li>b</li></ul>")
    ul = document.querySelector("#of-python")
    items = ul.querySelectorAll("li")
    heard = []
    proxy = create_proxy(lambda event: heard.append(event.detail))
    ul.addEventListener("told", proxy)
    ul.dispatchEvent(window.CustomEvent.new("told", {"detail": [1, {"a": 2}]}))
    ul.removeEventListener("told", proxy)
    ul.dispatchEvent(window.CustomEvent.new("told"))
    point = js.Point.new(3)
    js.list[0] = "first"
    js.list.push({"on": lambda: 1, "deep": [js.plain]})
    js.map["b"] = [1]
    js.plain.x = 2
    js.plain.fresh = True
    found = {
        "attributes": [js.class_, js.plain.x, js.plain.fresh, js.none, hasattr(js, "none"), hasattr(js, "other"), raised(lambda: js.other)],
        "items": [js.list[0], js.list[-3], [item for item in js.list[1:2]], js.map["a"], js.map["b"][0], items[1].textContent],
        "no items": [raised(lambda: js.list[9]), raised(lambda: js.map["none"]), raised(lambda: js.plain["x"])],
        "lengths": [len(js.list), len(js.map), len(items), raised(lambda: len(js.plain))],
        "truth": [bool(js.empty), bool(js.list), bool(js.plain), bool(js.map), bool(js.add), bool(ul), bool(window.Map.new())],
        "in": ["two" in js.list, "three" in js.list, "a" in js.map, "c" in js.map, 5 in js.set],
        "iteration": [[item.textContent for item in items], [value for value in js.set], [raised(lambda: list(js.plain))], [entry[0] for entry in js.map]],
        "equality": [document.body == document.body, document.body == ul, ul == "ul", document.body in [document.body], raised(lambda: {document.body: 1})],
        "calls": [js.add(1, 2), point.x, point.plus(4), js.list.join("-").startswith("first-two"), raised(lambda: js.nothing.x), raised(lambda: ul.querySelector(":"))],
        "text": [str(ul), repr(ul), f"{js.list.slice(0, 2)}"],
        "keys": [sorted(js.plain.object_keys()), len(js.plain.object_entries()), "querySelector" in dir(ul)],
        "converted": [js.plain.to_py(), js.list.to_py()[1:3], js.map.to_py()["a"], js.set.to_py() == {5}, js.plain.to_py(depth=1)["y"].z[0]],
        "heard": [len(heard), heard[0][0], heard[0][1].a],
    }
    del js.plain.fresh
    del js.map["b"]
    del js.list[0]
    found["deleted"] = [hasattr(js.plain, "fresh"), len(js.map), js.list[0]]
    ul.remove()
    return found


async def from_javascript():
    """Calls main in functions that JavaScript calls: a synchronous one and an asynchronous one."""
    import js

    found = []

    def now(*arguments):
        try:
            found.append(sync.take(1))
        except RuntimeError as error:
            found.append(str(error))

    async def soon(*arguments):
        found.append(sync.take(1))

    js.Array.of(1).forEach(now)
    await js.Promise.all(js.Array.of(1).map(soon))
    return found


async def awaits():
    # One that was resolved before, and one that takes its time.
    five = await window.Promise.resolve(5)
    answer = await window.fetch("./tests.txt")
    return [five, answer.status]


__export__ = (
    "echo", "kind", "show", "values", "unsendable", "call", "attempt", "send_function", "send_named", "counts", "fails", "later", "fails_later",
    "asks", "sleeps", "interrupted", "goes_on", "nested", "computes_and_asks", "dates",
    "identity", "listens", "passes", "queries", "objects", "from_javascript", "awaits",
)
