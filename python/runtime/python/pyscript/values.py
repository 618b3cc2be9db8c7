"""Values between Python and JavaScript, as text. `values.js` is the other half, and gives the reasons."""

import array
import json

import _pyscript
from pyscript.platform import PLAIN, JsProxy, from_date, give, received, to_date

# The largest exact integer of JavaScript.
SAFE = 2**53 - 1

# Maximum nesting of values: stacks are small.
DEPTH = 60


def pack(value, root):
    """The text of a value. A part that cannot be sent raises a `TypeError` with its path, which begins with `root`: the owner and the kind of the value."""
    if _are_json((value,), DEPTH):
        return json.dumps(value)
    before = _pyscript.mark()
    try:
        return json.dumps(_packed(value, (None, root, 0, 0)))
    except BaseException:
        _pyscript.drop(before)
        raise


def unpack(text):
    """The value of a text."""
    found = json.loads(text)
    # C encodes JSON. Values that JSON lacks are rare.
    return _unpacked(found) if '"$"' in text else found


def _are_json(items, depth):
    """Whether JSON represents all items completely. C then encodes them, many times as fast as `_packed`."""
    if depth == 0:
        return False
    for item in items:
        kind = type(item)
        if kind is str or item is None or kind is bool:
            continue
        if kind is int:
            if not -PLAIN <= item <= PLAIN:
                return False
        elif kind is float:
            # Neither infinite nor not a number.
            if item - item != 0:
                return False
        elif kind is dict:
            try:
                # Raises if a key is not a string.
                "".join(item)
            except TypeError:
                return False
            if "$" in item or not _are_json(item.values(), depth - 1):
                return False
        elif (kind is not list and kind is not tuple) or not _are_json(item, depth - 1):
            return False
    return True


def _packed(value, path):
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        # Hexadecimal, since decimal digits may be too many for Python.
        return int(value) if -SAFE <= value <= SAFE else {"$": "int", "v": hex(value)}
    if isinstance(value, float):
        value = float(value)
        return value if value - value == 0 else {"$": "float", "v": str(value)}
    if isinstance(value, dict):
        return _packed_dict(value, _within(path, value))
    if isinstance(value, (list, tuple)):
        path = _within(path, value)
        return [_packed(item, _at(path, index)) for index, item in enumerate(value)]
    if isinstance(value, (set, frozenset)):
        path = _within(path, value)
        return {"$": "set", "v": [_packed(item, _at(path, item)) for item in value]}
    if isinstance(value, JsProxy):
        return {"$": "js", "v": _pyscript.leave_object(value)}
    return _packed_other(value, path)


def _packed_dict(value, path):
    if all(isinstance(key, str) for key in value) and "$" not in value:
        return {key: _packed(item, _at(path, key)) for key, item in value.items()}
    items = [[_packed(key, _at(path, key)), _packed(item, _at(path, key))] for key, item in value.items()]
    return {"$": "dict", "v": items}


def _packed_other(value, path):
    date = to_date(value)
    if date is not None:
        return {"$": "date", "v": date}
    if isinstance(value, (bytes, bytearray)):
        return {"$": "bytes", "v": _pyscript.leave(give(value))}
    try:
        view = memoryview(value)
    except TypeError:
        view = None
    if view is None or getattr(view, "ndim", 1) != 1:
        raise TypeError(_words(path) + ": " + _what(value) + " cannot be sent")
    code = _code(value, view)
    kind = {"$": "array", "t": code} if code in "bhHiIqQfd" else {"$": "bytes"}
    kind["v"] = _pyscript.leave(give(bytes(value)))
    return kind


def _code(value, view):
    """The type code of an array in the module `array`, for element sizes of JavaScript."""
    code = getattr(view, "format", None)
    if code is None:
        # MicroPython offers no other way.
        text = repr(value[:0])
        code = text[7] if text.startswith("array(") else "B"
    return {"l": "i", "L": "I", "c": "B", "?": "B"}.get(code, code)


def _unpacked(found):
    if isinstance(found, list):
        return [_unpacked(item) for item in found]
    if not isinstance(found, dict):
        return found
    if "$" not in found:
        return {key: _unpacked(item) for key, item in found.items()}
    kind, value = found["$"], found["v"]
    if kind == "int":
        return int(value, 16)
    if kind == "float":
        return float(value.replace("Infinity", "inf"))
    if kind == "date":
        return None if value is None else from_date(value)
    if kind == "set":
        return {_key(_unpacked(item)) for item in value}
    if kind == "dict":
        return {_key(_unpacked(key)): _unpacked(item) for key, item in value}
    if kind == "js":
        return _pyscript.take_object(value)
    data = received(_pyscript.take(value))
    return array.array(found["t"], data) if kind == "array" else data


def _key(value):
    """Converts lists to tuples: a list can be neither a key nor a member of a set."""
    return tuple(_key(item) for item in value) if isinstance(value, list) else value


def _at(path, key):
    """The path of a part of the container at `path`."""
    return (path, key, 0, path[3] + 1)


def _within(path, value):
    """The path of a container, which must not contain itself, nor be nested too deeply."""
    above, key, _, depth = path
    seen = above
    while seen is not None:
        if seen[2] == id(value):
            raise TypeError(_words(path) + ": a " + type(value).__name__ + " that contains itself cannot be sent")
        seen = seen[0]
    if depth == DEPTH:
        raise TypeError(_words(path) + ": what is nested deeper than " + str(DEPTH) + " levels cannot be sent")
    return (above, key, id(value), depth)


def _words(path):
    keys = []
    while path[0] is not None:
        keys.insert(0, "[" + repr(path[1]) + "]")
        path = path[0]
    if len(keys) > 12:
        keys[4:-4] = ["..."]
    name, what = path[1]
    return "`" + name + "`: " + what + "".join(keys)


def _what(value):
    if callable(value) and not isinstance(value, type):
        return "a function"
    return "a " + type(value).__name__
