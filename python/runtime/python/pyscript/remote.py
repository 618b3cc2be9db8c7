"""Functions of the other side, and functions offered to it."""

from pyscript.answers import served
from pyscript.values import pack


class Remote:
    """Attributes are functions of the other side. Setting one registers a function for the other side."""

    def __init__(self, call, serve, forget):
        """`call` takes a name and arguments as text. `serve` takes a name and a function from arguments as text to an answer."""
        object.__setattr__(self, "_bridge", (call, serve, forget))

    def __getattr__(self, name):
        if name == "then" or name.startswith("__"):
            raise AttributeError(name)
        call = self._bridge[0]

        def function(*arguments, **named):
            if named:
                raise TypeError("`" + name + "`: arguments are sent by their places, and `" + next(iter(named)) + "` is given by name")
            return call(name, pack(arguments, (name, "args")))

        # Later accesses find the attribute without this method.
        object.__setattr__(self, name, function)
        return function

    def __setattr__(self, name, value):
        if name == "then":
            raise TypeError("`then` is what promises are recognized by, and no name for a function")
        if not callable(value):
            raise TypeError("`" + name + "` is to be called by the other side, and is " + _a(type(value).__name__))
        self._bridge[1](name, served(value, name))

    def __delattr__(self, name):
        self._bridge[2](name)


def _a(noun):
    return ("an " if noun[0] in "aeiouAEIOU" else "a ") + noun
