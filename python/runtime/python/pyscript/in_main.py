"""The API of programs on the page."""

import json

import _pyscript
from pyscript.answers import later, opened
from pyscript.remote import Remote
from pyscript.unsupported import Unsupported

window = _pyscript.window
document = _pyscript.document
sync = Unsupported("sync", "it is how a worker calls main; main awaits functions of a worker by the `sync` of that worker")


def _sync(number):
    """The functions of a worker, to be awaited."""
    return Remote(
        lambda name, text: later(_pyscript.call(number, name, text)),
        lambda name, serve: _pyscript.serve(number, name, serve),
        lambda name: _pyscript.forget(number, name),
    )


class PyWorker:
    """A worker in which the program at `url` runs; `type` is "micropython" or "pyodide"."""

    def __init__(self, url, type=None, name=None, config=None, service_worker=None):
        options = {"type": type, "name": name, "config": config, "serviceWorker": service_worker}
        self._number = opened(_pyscript.start(url, json.dumps(options)))
        self.sync = _sync(self._number)

    @property
    def ready(self):
        """Awaitable: this worker, when its program has run to its end."""
        return later(_pyscript.ready(self._number), lambda _: self)

    def interrupt(self):
        """Ctrl-C: raises `KeyboardInterrupt` in running code of the worker. No effect on a worker that is idle or awaits."""
        _pyscript.interrupt(self._number)

    def terminate(self):
        """Ends the worker. Calls that are awaited raise."""
        _pyscript.terminate(self._number)


class _Workers:
    """Workers by name: `await workers["name"]` returns the `sync` of that worker when it is ready, even if it starts later."""

    def __getitem__(self, name):
        return later(_pyscript.find(name), _sync)

    def __getattr__(self, name):
        if name == "then" or name.startswith("__"):
            raise AttributeError(name)
        return self[name]


workers = _Workers()
