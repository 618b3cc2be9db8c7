"""The page's side."""

import json

import _pyscript
from pyscript.answers import later, opened, packed_arguments, served
from pyscript.unsupported import Unsupported

window = _pyscript.window
document = _pyscript.document
sync = Unsupported("sync", "it is how a worker calls main; main awaits functions of a worker by the `sync` of that worker")


class _Sync:
    """Functions of a worker, to be awaited; what is set here, the worker may call."""

    def __init__(self, number):
        object.__setattr__(self, "_number", number)

    def __getattr__(self, name):
        if name == "then" or name.startswith("__"):
            raise AttributeError(name)

        def call(*arguments):
            return later(_pyscript.call(self._number, name, packed_arguments(name, arguments)))

        return call

    def __setattr__(self, name, value):
        if name == "then":
            raise TypeError("`then` is what promises are recognized by, and no name for a function")
        if not callable(value):
            raise TypeError("`" + name + "` is to be called by the worker, and is a " + type(value).__name__)
        _pyscript.serve(self._number, name, served(value, name))

    def __delattr__(self, name):
        _pyscript.forget(self._number, name)


class PyWorker:
    """A worker in which the program at `url` runs; `type` is "micropython" or "pyodide"."""

    def __init__(self, url, type=None, name=None, config=None, service_worker=None):
        options = {"type": type, "name": name, "config": config, "serviceWorker": service_worker}
        self._number = opened(_pyscript.start(url, json.dumps(options)))
        self.sync = _Sync(self._number)

    @property
    def ready(self):
        """To be awaited: gives this worker once its program has run to its end."""
        return later(_pyscript.ready(self._number), lambda _: self)

    def interrupt(self):
        """Ctrl-C: a `KeyboardInterrupt` in what the worker does, or in what it does next."""
        _pyscript.interrupt(self._number)

    def terminate(self):
        """Ends the worker, and all that is awaited of it."""
        _pyscript.terminate(self._number)


class _Workers:
    """Workers by name: `await workers["name"]` gives the `sync` of that worker once it is ready, even if it starts later."""

    def __getitem__(self, name):
        return later(_pyscript.find(name), _Sync)

    def __getattr__(self, name):
        if name == "then" or name.startswith("__"):
            raise AttributeError(name)
        return self[name]


workers = _Workers()
