// Main's wasm, which is compiled when the first worker is created.
import { initSync, setMemory } from '../coincide.js';
import { CoincideError, clause } from '../errors.js';
import { whyNoWasm } from '../platform/policy.js';
import { memory as wasmMemory } from '../link/scratch.js';

export class Start {
  /** The compiled wasm; null until it runs. */
  module = null;
  #source;
  /** Resolves when wasm runs. Null before it is requested, and after it has started or failed. */
  #starting = null;
  /** The memory budget of all links; undefined without the option `memory`. */
  #budget;

  /** @param source see `wasm.js` */
  constructor(source) {
    this.#source = source;
  }

  /** Sets the memory budget of all links. */
  limit(bytes) {
    this.#budget = bytes;
    if (this.module) setMemory(bytes);
  }

  /** Calls back when wasm runs, at once if it does already. After a failure, the next call tries again. */
  whenRunning(callback, fail) {
    try {
      if (!this.module && !this.#starting) this.#begin();
    } catch (error) {
      return fail(failure(error));
    }
    if (this.module) callback();
    else this.#starting.then(callback, fail);
  }

  #begin() {
    const compiled = this.#source();
    if (compiled instanceof WebAssembly.Module) return this.#run(compiled);
    this.#starting = compiled
      .then(module => this.#run(module))
      .catch(error => {
        this.#starting = null;
        throw failure(error);
      });
  }

  #run(module) {
    initSync({ module });
    wasmMemory.locate();
    this.module = module;
    this.#starting = null;
    if (this.#budget !== undefined) setMemory(this.#budget);
  }
}

const failure = error => {
  if (error instanceof CoincideError) return error;
  const fault = whyNoWasm();
  if (fault) return new CoincideError('Failed', fault, '', { cause: error });
  return new CoincideError('Failed', `the wasm of coincide could not be started: ${clause(error?.message)}`, '', { cause: error });
};
