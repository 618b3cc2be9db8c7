"""Objects of JavaScript. In a worker, also utilities that replace several operations by one trip to the page."""

import _pyscript
from pyscript.platform import create_proxy, to_js

if _pyscript.in_worker:
    if _pyscript.suspends:
        import pyscript.page as _ffi
    else:
        _ffi = _pyscript.ffi
    assign, gather, query = _ffi.assign, _ffi.gather, _ffi.query
    batch, evaluate, post = _ffi.batch, _ffi.evaluate, _ffi.post
    dispose, sizes = _ffi.dispose, _ffi.sizes
