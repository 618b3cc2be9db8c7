// The instances of wasm of this thread, which the package keeps to itself.

const memories = [];
WebAssembly.Instance = class extends WebAssembly.Instance {
  constructor(...given) {
    super(...given);
    memories.push(this.exports.memory);
  }
};

/** The memory of the newest instance. */
export const wasmMemory = () => memories.at(-1);

/** Length in bytes of the memory of the newest instance; 0 before there is one. */
export const memoryLength = () => wasmMemory()?.buffer.byteLength ?? 0;
