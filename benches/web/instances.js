// The wasm memory of this thread, which the package does not expose.

let memory;
WebAssembly.Instance = class extends WebAssembly.Instance {
  constructor(...given) {
    super(...given);
    memory = this.exports.memory;
  }
};

/** Length in bytes of the memory of the newest instance. */
export const memoryLength = () => memory.buffer.byteLength;
