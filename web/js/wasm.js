// Where main finds its wasm: fetched from beside this file. The self-contained build replaces this module.

/** The compiled module, or a promise of it. */
export const source = () => {
  const url = new URL('./coincide_bg.wasm', import.meta.url);
  return WebAssembly.compileStreaming(fetch(url));
};
