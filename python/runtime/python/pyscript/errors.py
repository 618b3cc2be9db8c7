"""Errors between Python and JavaScript. `errors.js` is the other half."""

import builtins

from pyscript.platform import IS_MICROPYTHON, class_names, trace_of


class RemoteError(Exception):
    """An error of the other side of a class that this side does not know: `name` tells it, `remote_traceback` where it was raised."""

    name = "Error"
    remote_traceback = ""


class _Elsewhere(Exception):
    """The cause of an error of the other side: shows its traceback."""

    def __str__(self):
        return "\n" + self.args[0].rstrip()


def described(error):
    """Returns the description of an error for the other side."""
    arguments = list(error.args)
    message = str(arguments[0]) if len(arguments) == 1 else str(error)
    if not all(item is None or isinstance(item, (bool, int, float, str)) for item in arguments):
        arguments = [message]
    trace = trace_of(error)
    if IS_MICROPYTHON:
        trace += getattr(error, "remote_traceback", "")
    return {"classes": class_names(error), "message": message, "args": arguments, "trace": trace}


def raised(description):
    """Returns the error of a description: of its class if this side knows it, otherwise of a new class of that name, derived from the nearest known one."""
    names, message, trace = description["classes"], description["message"], description["trace"]
    name = names[0] if names else "Error"
    base = next((found for found in map(_builtin, names) if found), RemoteError)
    members = {"remote_traceback": trace, "name": name}
    if IS_MICROPYTHON:
        # MicroPython prints the `repr` of an uncaught error.
        members["__repr__"] = lambda self: str(self) + "\n-- on the other side --\n" + trace
        return _made(type(name, (base,), members), description["args"], message)
    error = _made(base if base.__name__ == name else type(name, (base,), members), description["args"], message)
    error.remote_traceback = trace
    error.__cause__ = _Elsewhere(trace)
    return error


def _made(kind, arguments, message):
    try:
        return kind(*arguments)
    except TypeError:
        # Such as `UnicodeDecodeError`, which requires more arguments than the description has.
        error = RemoteError(message)
        error.name = kind.__name__
        return error


def _builtin(name):
    found = getattr(builtins, name, None)
    return found if isinstance(found, type) and issubclass(found, BaseException) else None
