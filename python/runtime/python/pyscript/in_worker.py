"""The API of programs in a worker."""

import builtins

import _pyscript
from pyscript.answers import opened
from pyscript.platform import set_sleep, waited
from pyscript.remote import Remote
from pyscript.unsupported import Unsupported
from pyscript.values import pack

_call = _pyscript.call
_why_not = _pyscript.why_not

sync = Remote(lambda name, text: opened(waited("sync." + name, lambda: _call(name, text))), _pyscript.serve, _pyscript.forget)

if _why_not:
    window = Unsupported("window", _why_not)
    document = Unsupported("document", _why_not)
else:
    if _pyscript.suspends:
        from pyscript.page import window
    else:
        window = _pyscript.window
    document = window.document

_ONLY_MAIN = "workers are started and found by the page"
PyWorker = Unsupported("PyWorker", _ONLY_MAIN)
workers = Unsupported("workers", _ONLY_MAIN)


def publish(program):
    """Lets main call what the `__export__` of a program names."""
    names = program.get("__export__") or ()
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        raise TypeError("`__export__` is a list of names, such as [\"version\"], and is " + repr(names))
    for name in names:
        if name not in program:
            raise NameError("`__export__` names `" + name + "`, which is not defined")
        setattr(sync, name, program[name])


def _input(prompt=""):
    """Asks on the page and waits for the answer."""
    text = pack((str(prompt),), ("input", "prompt"))
    return opened(waited("input", lambda: _call("pyscript:input", text)))


def _sleep(seconds):
    """Waits without using the processor. Ctrl-C ends it."""
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    opened(waited("sleep", lambda: _pyscript.sleep(seconds * 1000)))


builtins.input = _input
set_sleep(_sleep)
