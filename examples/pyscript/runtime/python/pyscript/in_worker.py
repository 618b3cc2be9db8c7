"""A worker's side."""

import builtins
import sys

import _pyscript
from pyscript.answers import opened, packed_arguments, served
from pyscript.platform import set_sleep
from pyscript.unsupported import Unsupported

_why_not = _pyscript.why_not


class _Sync:
    """Functions of main, which are called at once; what is set here, main may call."""

    def __getattr__(self, name):
        if name == "then" or name.startswith("__"):
            raise AttributeError(name)

        def call(*arguments):
            return opened(_pyscript.call(name, packed_arguments(name, arguments)))

        return call

    def __setattr__(self, name, value):
        expose(name, value)

    def __delattr__(self, name):
        _pyscript.forget(name)


def expose(name, value):
    """Lets main call a function."""
    if name == "then":
        raise TypeError("`then` is what promises are recognized by, and no name for a function")
    if not callable(value):
        raise TypeError("`" + name + "` is to be called by main, and is a " + type(value).__name__)
    _pyscript.serve(name, served(value, name))


def publish(program):
    """Exposes what the `__export__` of a program names."""
    for name in program.get("__export__") or ():
        if name not in program:
            raise NameError("`__export__` names `" + str(name) + "`, which is not defined")
        expose(name, program[name])


sync = _Sync()
if _why_not:
    window = Unsupported("window", _why_not)
    document = Unsupported("document", _why_not)
else:
    window = _pyscript.window
    document = window.document

_ONLY_MAIN = "workers are started and found by the page"
PyWorker = Unsupported("PyWorker", _ONLY_MAIN)
workers = Unsupported("workers", _ONLY_MAIN)


def _input(prompt=""):
    """Asks on the page, and waits for what is answered."""
    return opened(_pyscript.call("pyscript:input", packed_arguments("input", (str(prompt),))))


def _sleep(seconds):
    """Waits without burning a core. Ctrl-C ends it."""
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    opened(_pyscript.sleep(seconds * 1000))


builtins.input = _input
set_sleep(_sleep)
