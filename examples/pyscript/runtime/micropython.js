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
    bytes: { give: hexOf, receive: bytesOf },
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
      for (const [name, trampoline] of Object.entries(module))
        if (name.startsWith('invoke_'))
          module[name] = (...args) => {
            if (--left === 0) look();
            return trampoline(...args);
          };
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

/** Bytes cross as hexadecimal digits: strings are what MicroPython takes and gives whole. */
const hexOf = bytes => Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');
const bytesOf = hex => Uint8Array.from({ length: hex.length / 2 }, (_, index) => parseInt(hex.slice(2 * index, 2 * index + 2), 16));

/** Bytes of the heap to begin with; it grows. */
const HEAP = 4 << 20;

/** Operations between two looks: some tenths of a millisecond. */
const PATIENCE = 5_000;
