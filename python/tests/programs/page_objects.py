"""Objects of the page in Pyodide, and calls of main in functions that JavaScript calls."""

from pyscript import document, sync, window


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
    ul.addEventListener("notified", proxy)
    ul.dispatchEvent(window.CustomEvent.new("notified", {"detail": [1, {"a": 2}]}))
    ul.removeEventListener("notified", proxy)
    ul.dispatchEvent(window.CustomEvent.new("notified"))
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


__export__ = ("objects", "from_javascript")
