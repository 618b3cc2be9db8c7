// Main's side of `window` on a page in Rust: `js/share.js` as `main.rs` uses it.
import { share } from './js/share.js';

/** The options that `Root` collects. */
export class Options {
  policy;
  paths = [];
  evaluate = false;
  imports = false;

  constructor(root) {
    this.root = root;
    this.membrane = root !== globalThis;
  }
}

/** The objects of the page that one worker uses. */
export class Shared {
  /** For the codec. */
  references;
  #serve;
  #later;
  #released;
  #shared;

  /**
   * @param {Options} options
   * @param invoke calls `coincide:invoke` of the worker with a list of arguments and returns a promise
   * @param release releases a list of references of the worker
   */
  constructor({ policy, membrane, ...options }, invoke, release) {
    const hasMembrane = membrane || Boolean(policy) || options.paths.length > 0;
    this.#shared = share(
      {
        reflect: (references, serve, later, released) => {
          this.references = references;
          this.#serve = serve;
          this.#later = later;
          this.#released = released;
        },
        invoke,
        // Not at once: `release` may enlarge the memory of wasm, from which arguments are being decoded.
        release: ids => queueMicrotask(() => release(Float64Array.from(ids))),
        callable: call =>
          function (...args) {
            return call(this, args);
          },
        run: Reflect.apply,
      },
      { ...options, membrane: hasMembrane, policy: policy && ((name, target, ...rest) => policy(name, target, rest)) },
    );
  }

  /** Carries out an operation and returns its result for the codec. Throws what the operation throws. */
  serve(operation) {
    return this.#serve(...operation);
  }

  /** Carries out an operation without a result. */
  later(operation) {
    this.#later(...operation);
  }

  released(ids) {
    this.#released(ids);
  }

  /** Number of objects that are held for the worker, and of its functions that are held here. */
  get sizes() {
    const { held, callbacks } = this.#shared.sizes;
    return Uint32Array.of(held, callbacks);
  }

  close() {
    this.#shared.close();
  }
}

/** Text of a thrown value, for a sentence. */
export const inWords = value => {
  try {
    return String(value);
  } catch {
    return `something of type ${typeof value}`;
  }
};

/** The exception for arguments that cannot be sent. */
export const unsent = text => new DOMException(text, 'DataCloneError');
