// MicroPython.
import '../node_modules/@micropython/micropython-webassembly-pyscript/micropython.mjs';
import { calling } from './loops.js';

/** @returns {Promise<import('./interpreters.js').Python>} */
export const load = async ({ print, printError, interrupted }) => {
  const micropython = await changed(interrupted, () => globalThis.loadMicroPython({ heapsize: HEAP, stdout: print, stderr: printError }));
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
    // A function of Python has one proxy in JavaScript, for as long as either end holds it.
    keep: fn => fn,
    serving: fn => fn,
    // By a file, which both sides read in one step: a string of digits takes a hundred times as long.
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

/** Calls `load` with changes to the wasm that it instantiates, and to its imports. */
const changed = async (interrupted, load) => {
  const { instantiate, instantiateStreaming } = WebAssembly;
  let micropython;
  WebAssembly.instantiate = (source, imports) => {
    keepResults(imports.env);
    return instantiate(interrupted ? watched(source, imports.env, interrupted, () => micropython) : source, imports);
  };
  WebAssembly.instantiateStreaming = async (response, imports) => WebAssembly.instantiate(await (await response).arrayBuffer(), imports);
  try {
    return (micropython = await load());
  } finally {
    Object.assign(WebAssembly, { instantiate, instantiateStreaming });
  }
};

/**
 * When a call from JavaScript ends, MicroPython collects garbage before JavaScript has looked up the result. An object of JavaScript to which only the result
 * refers would arrive as `undefined`. Its entry in MicroPython's table therefore remains until the next microtask.
 */
const keepResults = env => {
  const { proxy_js_free_obj: free } = env;
  env.proxy_js_free_obj = index => {
    const { proxy_js_ref: table } = globalThis;
    const object = table[index];
    free(index);
    // MicroPython does not free its static entries.
    if (table[index] !== undefined) return;
    table[index] = object;
    queueMicrotask(() => {
      table[index] = undefined;
      free(index);
    });
  };
};

/**
 * MicroPython has a function that schedules a `KeyboardInterrupt`, but does not poll while it computes. Its wasm is changed to read the clock every
 * `OPERATIONS` operations, and the import that reads the clock polls for an interrupt.
 */
const watched = (source, env, interrupted, loaded) => {
  const { mp_js_ticks_ms: ticks } = env;
  env.mp_js_ticks_ms = () => {
    if (loaded() && interrupted()) loaded()._module._mp_sched_keyboard_interrupt();
    return ticks();
  };
  return calling(new Uint8Array(source), 'mp_js_ticks_ms', OPERATIONS);
};

/** The same path as in `python/pyscript/platform.py`. */
const FILE = '/lib/coincide/bytes';

/** Initial bytes of the heap, which grows. */
const HEAP = 4 << 20;

/** Operations between two polls, which take some tenths of a millisecond. */
const OPERATIONS = 10_000;
