"""Objects of the page on the tier `suspending`. They behave like Pyodide's own proxies, which cannot be used there: these enter JavaScript, whose frames cannot be suspended."""

import inspect
import keyword

import _pyscript
import js
from pyodide.ffi import JsDoubleProxy, JsException, JsProxy, create_proxy, to_js
from pyscript.platform import waited

_is_main = _pyscript.is_main
_list = _pyscript.list
_ffi = _pyscript.ffi
_reflect = _ffi.reflect
_operations = {name: getattr(_reflect, name) for name in ("get", "set", "has", "deleteProperty", "ownKeys", "getPrototypeOf", "apply", "construct", "invoke", "getAll")}


def _done(name, begin):
    try:
        return waited(name, begin)
    except JsException as error:
        if getattr(error, "code", None) == "Interrupted":
            raise KeyboardInterrupt from None
        raise


def _operate(operation, *arguments):
    operate = _operations[operation]
    return _done("window", lambda: operate(*arguments))


def incoming(value, owner=None):
    """Converts a value of the page for the program. `owner` is the object of which it is a property."""
    if isinstance(value, JsProxy) and _is_main(value):
        return PageObject(value, owner if value.kind == "function" else None)
    return value


def outgoing(value):
    """Converts a value of the program for the page."""
    value = _unwrapped(value)
    if isinstance(value, PageObject):
        return value._reference
    if value is None or isinstance(value, (str, bool, int, float, JsProxy)):
        return value
    if callable(value):
        return _pyscript.keep(value)
    return to_js(value, dict_converter=js.Object.fromEntries, default_converter=_converted)


def _unwrapped(value):
    """Returns the argument of `create_proxy`."""
    return value.unwrap() if isinstance(value, JsDoubleProxy) else value


def _converted(value, convert, cache):
    if isinstance(value, PageObject):
        return value._reference
    if callable(value):
        return _pyscript.keep(value)
    raise TypeError(f"a {type(value).__name__} cannot be given to the page")


def _all(arguments, named):
    values = [outgoing(argument) for argument in arguments]
    if named:
        values.append(outgoing(named))
    return _list(*values)


def _key(name):
    """Name in JavaScript: an underscore follows names that are keywords of Python."""
    return name[:-1] if name.endswith("_") and keyword.iskeyword(name[:-1]) else name


class PageObject:
    """An object of the page. Each operation waits for the page."""

    __slots__ = ("_reference", "_owner")

    def __init__(self, reference, owner=None):
        object.__setattr__(self, "_reference", reference)
        object.__setattr__(self, "_owner", owner)

    # Attributes are properties.

    def __getattr__(self, name):
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        reference, key = self._reference, _key(name)
        value = _operate("get", reference, key)
        if value is None and not _operate("has", reference, key):
            raise AttributeError(name)
        return incoming(value, reference)

    def __setattr__(self, name, value):
        _set(self._reference, _key(name), value)

    def __delattr__(self, name):
        _delete(self._reference, _key(name))

    def __dir__(self):
        names = set(object.__dir__(self))
        reference = self._reference
        while isinstance(reference, JsProxy) and _is_main(reference):
            names.update(key for key in _operate("ownKeys", reference) if isinstance(key, str))
            reference = _operate("getPrototypeOf", reference)
        return sorted(names)

    @property
    def js_id(self):
        return self._reference.js_id

    @property
    def typeof(self):
        return "function" if self._reference.kind == "function" else "object"

    def __eq__(self, other):
        return self._reference.js_id == other._reference.js_id if isinstance(other, PageObject) else NotImplemented

    __hash__ = None

    def __str__(self):
        return str(_operate("invoke", self._reference, "toString", _list()))

    def __repr__(self):
        try:
            return str(self)
        except Exception:
            return "<an object of the page>"

    def __bool__(self):
        if self._reference.kind == "function":
            return True
        size, length, tag = _operate("getAll", self._reference, _list("size", "length", js.Symbol.toStringTag))
        if size == 0:
            return isinstance(tag, str) and tag.startswith("HTML") and tag.endswith("Element")
        return not (length == 0 and (self._reference.kind == "array" or tag in _LISTS))

    # Functions.

    def __call__(self, *arguments, **named):
        return incoming(_operate("apply", self._reference, self._owner, _all(arguments, named)))

    @property
    def new(self):
        return lambda *arguments, **named: incoming(_operate("construct", self._reference, _all(arguments, named)))

    def __await__(self):
        return _awaited(self._reference).__await__()

    @property
    def _is_promise(self):
        return hasattr(self, "then")

    # Arrays, lists of the DOM and maps.

    def __len__(self):
        if self._reference.kind != "function":
            for size in _operate("getAll", self._reference, _list("size", "length")):
                if isinstance(size, int) and not isinstance(size, bool):
                    return size
        raise TypeError("this object of the page has no length")

    def __getitem__(self, key):
        if isinstance(key, slice):
            self._indexed()
            return [self[index] for index in range(*key.indices(len(self)))]
        if self._indexed():
            return incoming(_operate("get", self._reference, str(self._index(key))))
        value = _operate("invoke", self._reference, "get", _list(outgoing(key)))
        if value is None and not _operate("invoke", self._reference, "has", _list(outgoing(key))):
            raise KeyError(key)
        return incoming(value)

    def __setitem__(self, key, value):
        if self._indexed():
            _set(self._reference, str(self._index(key)), value)
        else:
            _operate("invoke", self._reference, "set", _list(outgoing(key), outgoing(value)))

    def __delitem__(self, key):
        if self._indexed():
            _operate("invoke", self._reference, "splice", _list(self._index(key), 1))
        elif not _operate("invoke", self._reference, "delete", _list(outgoing(key))):
            raise KeyError(key)

    def _indexed(self):
        """Whether items have indices. Otherwise they have keys, as in a map."""
        if self._reference.kind == "array":
            return True
        get, length, tag = _operate("getAll", self._reference, _list("get", "length", js.Symbol.toStringTag))
        if isinstance(length, int) and tag in _LISTS:
            return True
        if isinstance(get, JsProxy):
            return False
        raise TypeError("this object of the page is not subscriptable: its properties are attributes")

    def _index(self, key):
        if not isinstance(key, int):
            raise TypeError(f"indices are integers, not {type(key).__name__}")
        length = len(self)
        if not -length <= key < length:
            raise IndexError("the index is out of range")
        return key + length if key < 0 else key

    def __contains__(self, value):
        includes, has = _operate("getAll", self._reference, _list("includes", "has"))
        if isinstance(includes, JsProxy) or isinstance(has, JsProxy):
            return bool(_operate("invoke", self._reference, "includes" if isinstance(includes, JsProxy) else "has", _list(outgoing(value))))
        return any(item == value for item in self)

    def __iter__(self):
        if not isinstance(_operate("get", self._reference, js.Symbol.iterator), JsProxy):
            raise TypeError("this object of the page is not iterable")
        return _items(_operate("invoke", self._reference, js.Symbol.iterator, _list()))

    def __next__(self):
        return next(_items(self._reference))

    # Conversions.

    def object_keys(self):
        return self._entries("keys")

    def object_values(self):
        return self._entries("values")

    def object_entries(self):
        return self._entries("entries")

    def _entries(self, name):
        return list(getattr(window.Object, name)(self))

    def to_py(self, *, depth=-1):
        return _to_py(self, depth, {})


def _set(reference, key, value):
    if not _operate("set", reference, key, outgoing(value)):
        raise TypeError(f"the page refuses to set `{key}`: the property is read-only")


def _delete(reference, key):
    if not _operate("deleteProperty", reference, key):
        raise TypeError(f"the page refuses to delete `{key}`")


def _items(iterator):
    while True:
        step = _operate("invoke", iterator, "next", _list())
        done, value = _operate("getAll", step, _list("done", "value"))
        if done:
            return
        yield incoming(value)


def _to_py(value, depth, seen):
    """Converts arrays, plain objects, maps and sets to those of Python, up to the depth. Other objects are not converted."""
    if not isinstance(value, PageObject) or depth == 0:
        return value
    reference, identity = value._reference, value.js_id
    if identity in seen:
        return seen[identity]
    within = lambda item: _to_py(incoming(item), depth - 1, seen)
    if reference.kind == "array":
        seen[identity] = found = []
        found.extend(within(item) for item in _operate("getAll", reference, _list(*map(str, range(len(value))))))
        return found
    (name,) = _done("window", lambda: _ffi.gather(reference, "constructor.name"))
    if reference.kind == "object" and name in ("Object", None):
        seen[identity] = found = {}
        keys = value.object_keys()
        found.update(zip(keys, map(within, _operate("getAll", reference, _list(*keys)))))
        return found
    if name == "Map":
        seen[identity] = found = {}
        for entry in value:
            key, item = entry
            found[_to_py(key, depth - 1, seen)] = _to_py(item, depth - 1, seen)
        return found
    if name == "Set":
        return {_to_py(item, depth - 1, seen) for item in value}
    return value


async def _awaited(reference):
    return incoming(await _pyscript.later(reference))


def _listener(function, arguments):
    """Returns the function by which the page calls a function of the program."""
    result = _unwrapped(function)(*[incoming(argument) for argument in arguments])
    return to_js([_later(result) if inspect.isawaitable(result) and not isinstance(result, PageObject) else outgoing(result)])


async def _later(awaitable):
    return outgoing(await awaitable)


_pyscript.set_listener(create_proxy(_listener))

_LISTS = ("NodeList", "HTMLCollection", "DOMTokenList", "DOMStringList", "FileList", "NamedNodeMap", "CSSRuleList", "StyleSheetList", "TouchList")

window = incoming(_pyscript.window)


# The utilities of `pyscript.ffi`.


def assign(target, *sources):
    values = [outgoing(source) for source in sources]
    _done("ffi.assign", lambda: _ffi.assign(target._reference, *values))
    return target


def gather(target, *paths):
    return [incoming(value) for value in _done("ffi.gather", lambda: _ffi.gather(target._reference, *paths))]


def query(target, path):
    return incoming(_done("ffi.query", lambda: _ffi.query(target._reference, path)))


def evaluate(function, *arguments):
    values = [outgoing(argument) for argument in arguments]
    return incoming(_done("ffi.evaluate", lambda: _ffi.evaluate(function, *values)))


def post(target, name, *arguments):
    _ffi.post(target._reference, name, *[outgoing(argument) for argument in arguments])


def batch(body):
    return body()


def dispose(*objects):
    _ffi.dispose(*[found._reference for found in objects])


sizes = _ffi.sizes
