"""What programs import: the page, the other side, and the workers of the page."""

import json

import _pyscript

RUNNING_IN_WORKER = _pyscript.in_worker

with open(__file__.replace("__init__.py", "_config.json")) as _file:
    config = json.load(_file)

if RUNNING_IN_WORKER:
    from pyscript.in_worker import PyWorker, document, sync, window, workers
else:
    from pyscript.in_main import PyWorker, document, sync, window, workers
