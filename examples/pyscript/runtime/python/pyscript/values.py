"""Values between Python and JavaScript, as text. `values.js` is the other half, and says why."""

import array
import json

import _pyscript
from pyscript.platform import JsProxy, from_date, give, received, to_date

# Numbers of JavaScript are exact as far as this.
SAFE = 2**53 - 1


def pack(value, name):
    """The text of a value, which errors call `name`. What can't be sent is a `TypeError` with the path to it."""
    try:
        return json.dumps(_packed(value, (None, name, 0)))
    except RuntimeError as error:
        # MicroPython has no class of its own for it.
        if "recursion" in str(error):
            raise TypeError(name + " cannot be sent: it is nested too deeply")
        raise


def unpack(text):
    """The value of a text."""
    found = json.loads(text)
    # JSON is made by C; what it has not is rare.
    return _unpacked(found) if '"$"' in text else found


def _packed(value, path):
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return int(value) if -SAFE <= value <= SAFE else {"$": "int", "v": str(int(value))}
    if isinstance(value, float):
        value = float(value)
        return value if -1e308 < value < 1e308 and value != 0 else {"$": "float", "v": str(value)}
    if isinstance(value, dict):
        return _packed_dict(value, _within(path, value))
    if isinstance(value, (list, tuple)):
        path = _within(path, value)
        return [_packed(item, (path, index, 0)) for index, item in enumerate(value)]
    if isinstance(value, (set, frozenset)):
        path = _within(path, value)
        return {"$": "set", "v": [_packed(item, (path, item, 0)) for item in value]}
    if isinstance(value, JsProxy):
        return {"$": "js", "v": _pyscript.leave_object(value)}
    return _packed_other(value, path)


def _packed_dict(value, path):
    if all(isinstance(key, str) for key in value) and "$" not in value:
        return {key: _packed(item, (path, key, 0)) for key, item in value.items()}
    items = [[_packed(key, (path, key, 0)), _packed(item, (path, key, 0))] for key, item in value.items()]
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
    """The type code of an array, as the module `array` has it, with the sizes that it has in JavaScript."""
    code = getattr(view, "format", None)
    if code is None:
        # MicroPython tells it in no other way.
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
        return int(value)
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
    """A list can be no key and no member of a set; a tuple of the same can."""
    return tuple(_key(item) for item in value) if isinstance(value, list) else value


def _within(path, value):
    """The path of a container, which must not contain itself."""
    above, key, _ = path
    seen = above
    while seen is not None:
        if seen[2] == id(value):
            raise TypeError(_words(path) + ": a " + type(value).__name__ + " that contains itself cannot be sent")
        seen = seen[0]
    return (above, key, id(value))


def _words(path):
    above, key, _ = path
    return key if above is None else _words(above) + "[" + repr(key) + "]"


def _what(value):
    if callable(value) and not isinstance(value, type):
        return "a function"
    return "a " + type(value).__name__
