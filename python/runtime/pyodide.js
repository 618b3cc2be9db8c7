// Pyodide.
import { loadPyodide } from '../node_modules/pyodide/pyodide.mjs';

/** @returns {Promise<import('./interpreters.js').Python>} */
export const load = async ({ print, printError, interrupted, enter }) => {
  const pyodide = await loadPyodide({ stdout: print, stderr: printError });
  if (interrupted) pyodide.setInterruptBuffer(signals(interrupted));
  const { PyProxy } = pyodide.ffi;
  const key = pyodide.runPython(IDENTITY);
  let listener;
  const keep = keeper(key, enter ? copy => entering(enter, (...args) => listener.callPromising(copy, args)) : copy => copy);
  const run = (code, file) => pyodide.runPythonAsync(code, { filename: file });
  return {
    run: async (code, file) => {
      await (enter ? enter(run) : run)(code, file);
    },
    offer: (name, module) => pyodide.registerJsModule(name, module),
    write(path, text) {
      pyodide.FS.mkdirTree(path.slice(0, path.lastIndexOf('/')));
      pyodide.FS.writeFile(path, text);
    },
    outgoing(value) {
      if (!(value instanceof PyProxy)) return value;
      return typeof value === 'function' ? keep(value) : value.toJs({ dict_converter: Object.fromEntries });
    },
    keep,
    serving(fn) {
      if (!enter) return keep(fn);
      const copy = fn.copy();
      return entering(enter, text => copy.callPromising(text));
    },
    setListener(fn) {
      listener = fn.copy();
    },
    bytes: { give: bytes => bytes, receive: bytes => bytes },
  };
};

/**
 * Pyodide passes functions to JavaScript for the duration of one call. A function that JavaScript keeps, such as a listener, is a copy. The same function has
 * the same copy for as long as JavaScript holds it, so that `removeEventListener` finds it.
 */
const keeper = (key, functionOf) => {
  const kept = new Map();
  const gone = new FinalizationRegistry(id => kept.get(id)?.deref() ?? kept.delete(id));
  return fn => {
    const id = key(fn);
    const known = kept.get(id)?.deref();
    if (known) return known;
    const result = functionOf(fn.copy());
    kept.set(id, new WeakRef(result));
    gone.register(result, id);
    return result;
  };
};

/** The function that JavaScript calls on the tier `suspending`. It enters Python by `call`, which returns a list of one item. The item may be a promise, which is awaited outside of Python. */
const entering = (enter, call) => {
  const entered = enter(call);
  return async (...args) => (await entered(...args))[0];
};

/** Identifies functions. A bound method is a new object on each access. */
const IDENTITY = `
from pyodide.ffi import JsDoubleProxy


def identity(function):
    if isinstance(function, JsDoubleProxy):
        function = function.unwrap()
    owner, code = getattr(function, "__self__", None), getattr(function, "__func__", None)
    return f"{id(owner)}.{id(code)}" if code else str(id(function))
identity
`;

/** Pyodide polls the first element while Python code runs. 2 stands for Ctrl-C. */
const signals = interrupted => ({
  get 0() {
    return interrupted() ? 2 : 0;
  },
  // Pyodide resets the element to zero. An interrupt is reported once.
  set 0(_) {},
});
