// MicroPython.
import '../node_modules/@micropython/micropython-webassembly-pyscript/micropython.mjs';

/** @returns {Promise<import('./interpreters.js').Python>} */
export const load = async ({ print, complain, interrupted }) => {
  const micropython = await watched(interrupted, () => globalThis.loadMicroPython({ heapsize: HEAP, stdout: print, stderr: complain }));
  const { FS, PyProxy } = micropython;
  return {
    run: async code => {
      await micropython.runPythonAsync(code);
    },
    offer: (name, module) => micropython.registerJsModule(name, module),
    write(path, text) {
      FS.mkdirTree(path.slice(0, path.lastIndexOf('/')));
      FS.writeFile(path, text);
    },
    outgoing: value => (value instanceof PyProxy ? PyProxy.toJs(value) : value),
    // The same function of Python is the same function of JavaScript, for as long as one of the two has it.
    keep: fn => fn,
    // In a file, which both sides read at once: a string of their digits takes a hundred times as long.
    bytes: {
      give(bytes) {
        FS.writeFile(FILE, bytes);
        return bytes.length;
      },
      receive() {
        const bytes = FS.readFile(FILE);
        FS.truncate(FILE, 0);
        return bytes;
      },
    },
  };
};

/**
 * MicroPython has a function that schedules a `KeyboardInterrupt`, but asks nobody while it computes. Its interpreter loop goes through a
 * trampoline of JavaScript for each operation that may raise, though: every so many of these are the occasion to look.
 */
const watched = async (interrupted, load) => {
  if (!interrupted) return load();
  const { instantiate, instantiateStreaming } = WebAssembly;
  let micropython;
  let left = PATIENCE;
  const look = () => {
    left = PATIENCE;
    if (micropython && interrupted()) micropython._module._mp_sched_keyboard_interrupt();
  };
  const watching = imports => {
    for (const module of Object.values(imports))
      for (const [name, trampoline] of Object.entries(module)) if (name.startsWith('invoke_')) module[name] = before(trampoline, () => --left === 0 && look());
    return imports;
  };
  WebAssembly.instantiate = (source, imports) => instantiate(source, watching(imports));
  WebAssembly.instantiateStreaming = (source, imports) => instantiateStreaming(source, watching(imports));
  try {
    return (micropython = await load());
  } finally {
    Object.assign(WebAssembly, { instantiate, instantiateStreaming });
  }
};

/** A function that does something else first. Gathering arguments in a list would take a quarter of MicroPython's time. */
const before = (fn, first) => {
  switch (fn.length) {
    case 1:
      return a => (first(), fn(a));
    case 2:
      return (a, b) => (first(), fn(a, b));
    case 3:
      return (a, b, c) => (first(), fn(a, b, c));
    case 4:
      return (a, b, c, d) => (first(), fn(a, b, c, d));
    case 5:
      return (a, b, c, d, e) => (first(), fn(a, b, c, d, e));
    default:
      return (...args) => (first(), fn(...args));
  }
};

/** As `python/pyscript/platform.py` has it. */
const FILE = '/lib/coincide/bytes';

/** Bytes of the heap to begin with; it grows. */
const HEAP = 4 << 20;

/** Operations between two looks: some tenths of a millisecond. */
const PATIENCE = 5_000;
