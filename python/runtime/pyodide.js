// Pyodide.
import { loadPyodide } from '../node_modules/pyodide/pyodide.mjs';

/** @returns {Promise<import('./interpreters.js').Python>} */
export const load = async ({ print, complain, interrupted }) => {
  const pyodide = await loadPyodide({ stdout: print, stderr: complain });
  if (interrupted) pyodide.setInterruptBuffer(signals(interrupted));
  const { PyProxy } = pyodide.ffi;
  const key = pyodide.runPython(IDENTITY);
  const keep = keeper(key);
  return {
    run: async (code, file) => {
      await pyodide.runPythonAsync(code, { filename: file });
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
    bytes: { give: bytes => bytes, receive: bytes => bytes },
  };
};

/**
 * Functions of Python are handed to JavaScript for the time of one call. What stays there, such as a listener, is a copy: the same one for
 * the same function, so that `removeEventListener` finds it, for as long as JavaScript has it.
 */
const keeper = key => {
  const kept = new Map();
  const gone = new FinalizationRegistry(id => kept.get(id)?.deref() ?? kept.delete(id));
  return fn => {
    const id = key(fn);
    const known = kept.get(id)?.deref();
    if (known) return known;
    const copy = fn.copy();
    kept.set(id, new WeakRef(copy));
    gone.register(copy, id);
    return copy;
  };
};

/** Tells functions apart; a method is made anew each time that it is looked up. */
const IDENTITY = `
def identity(function):
    owner, code = getattr(function, "__self__", None), getattr(function, "__func__", None)
    return f"{id(owner)}.{id(code)}" if code else str(id(function))
identity
`;

/** Pyodide looks into the first element every now and then while Python code runs: 2 is Ctrl-C. */
const signals = interrupted => ({
  get 0() {
    return interrupted() ? 2 : 0;
  },
  // It is set to zero once it was seen, and an interrupt is reported once anyway.
  set 0(_) {},
});
