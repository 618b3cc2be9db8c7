// The worker's side of `window`: proxies of main's objects.
import { run } from '../errors.js';
import { Cache } from './cache.js';
import { ffiOf } from './ffi.js';
import { LocalTable } from './local-table.js';
import { RemoteTable } from './remote-table.js';
import { MetadataStore } from './metadata-store.js';
import * as ops from './operations.js';
import { referencesOf } from './references.js';
import { Remote } from './remote.js';
import { isThenable } from '../link/values.js';

/** The objects of main in a worker. */
export class Window {
  store = new MetadataStore();
  /** Number of round trips to main. */
  trips = 0;
  #end;
  #held;
  #handles;
  /** The handler of each proxy. */
  #remotes = new WeakMap();
  #cache;
  #lazy;
  #refuse;
  /** The operations of a batch; null outside of one. */
  #batch = null;
  /** The option `transform`, which is applied to values that are sent to main. */
  #transform;

  /**
   * @param end the worker's end of its link
   * @param {{ reflected_ffi_timeout?: number, lazy?: boolean, transform?: Function }} options
   * @param refuse throws if the worker cannot block; undefined if it can
   */
  constructor(end, { reflected_ffi_timeout: timeout = -1, lazy = false, transform }, refuse) {
    this.#transform = transform;
    this.#end = end;
    this.#held = new LocalTable(end.counter);
    this.#refuse = refuse;
    this.#lazy = lazy;
    this.#cache = timeout >= 0 ? new Cache(timeout) : null;
    this.#handles = new RemoteTable(ids => end.release(Float64Array.from(ids)));
    end.reflect(this.#references(), (...call) => this.#invoke(...call), ids => this.#held.release(ids));
    this.root = new Remote(this, ops.OBJECT, 0);
    this.#remotes.set(this.root.proxy, this.root);
  }

  /** The handler of a proxy of main's object; undefined for other values. */
  remoteOf(value) {
    return this.#remotes.get(value);
  }

  /** The value to send to main for a value of the program. `transform` is not applied to references, which it could only replace by copies. */
  outgoing(value) {
    return this.#transform && !this.#isReference(value) ? this.#transform(value) : value;
  }

  /** Like `outgoing`, for a list. */
  allOutgoing(values) {
    return this.#transform ? values.map(value => this.outgoing(value)) : values;
  }

  /** Whether main receives the value as one of its own objects. */
  #isReference(value) {
    return this.#remotes.has(value) || value === globalThis;
  }

  /** Sends an operation and returns its result. */
  operate(operation, target, ...args) {
    if (!WITH_METADATA.has(operation) || !this.store.takeRequest()) return this.#trip([operation, target, ...args]);
    const [value, metadata, isAboutTarget] = this.#trip([operation | ops.METADATA, target, ...args]);
    this.#record(isAboutTarget ? target : this.#remotes.get(value), metadata);
    return value;
  }

  /** Reads a property. */
  read(target, key) {
    const cache = this.#cache;
    if (!cache) return this.operate(ops.GET, target, key);
    if (cache.has(target, key)) return cache.get(target, key);
    const [value, metadata, isAboutTarget, isSteady] = this.#trip([ops.GET | ops.METADATA | ops.STEADY, target, key]);
    this.#record(isAboutTarget ? target : this.#remotes.get(value), metadata);
    if (isSteady) cache.set(target, key, value);
    return value;
  }

  /** Makes one round trip to main. */
  #trip(operation) {
    this.#refuse?.('window');
    if (this.#batch) this.flush();
    this.store.touch();
    this.trips++;
    return this.#end.operate(operation);
  }

  /** Records metadata. A result without a handler is a function of this worker and has none. */
  #record(remote, metadata) {
    if (remote && metadata) this.store.record(remote, metadata, value => this.#remotes.get(value));
  }

  /** Sets a property. */
  write(target, key, value) {
    return this.change(ops.SET, target, key, this.outgoing(value));
  }

  /** Makes a change. Returns whether it was made. Without an answer returns true, and a later operation throws the error. */
  change(operation, target, ...args) {
    this.#cache?.forget(target, args[0]);
    if (this.#batch) this.#batch.push([operation, target, ...args]);
    else if (this.#lazy) this.later(operation, target, ...args);
    else return this.operate(operation, target, ...args);
    return true;
  }

  /** Sends an operation without waiting for an answer. Operations run in order. If one throws, the next operation with an answer throws the error. */
  later(operation, target, ...args) {
    if (this.#batch) return void this.#batch.push([operation, target, ...args]);
    this.#refuse?.('window');
    this.store.touch();
    this.#end.operateLater([operation, target, ...args]);
  }

  /** Collects the changes that `body` makes, and sends them in one operation. Returns the result of `body`. */
  batch(body) {
    if (this.#batch) return body();
    this.#batch = [];
    try {
      return body();
    } finally {
      try {
        this.flush();
      } finally {
        this.#batch = null;
      }
    }
  }

  /** Sends collected changes. */
  flush() {
    const operations = this.#batch;
    if (!operations?.length) return;
    this.#batch = null;
    try {
      this.operate(ops.BATCH, this.root, operations);
    } finally {
      this.#batch = [];
    }
  }

  /** Releases an object. Its proxy cannot be used afterwards. */
  dispose(value) {
    const remote = this.remoteOf(value);
    if (!remote || remote === this.root || remote.disposed) return;
    remote.disposed = true;
    this.#handles.dispose(remote.id, value);
  }

  /** The result of `ffi.sizes()`. */
  get sizes() {
    return { handles: this.#handles.size, held: this.#held.size, trips: this.trips };
  }

  #references() {
    return referencesOf(
      this.#held,
      value => (Remote.is(value) ? value : this.#remotes.get(value)),
      (kind, id) => (id === 0 ? this.root.proxy : this.#handles.receive(id, () => this.#make(kind, id))),
    );
  }

  #make(kind, id) {
    const remote = new Remote(this, kind, id);
    this.#remotes.set(remote.proxy, remote);
    return remote.proxy;
  }

  /** Serves a call of main of a function of this worker. */
  #invoke(fn, self, args) {
    this.store.touch();
    const result = run(fn, self, args);
    // Reading `then` of a proxy would take a round trip.
    if (!this.#transform || this.#isReference(result)) return result;
    return isThenable(result) ? Promise.resolve(result).then(value => this.outgoing(value)) : this.outgoing(result);
  }
}

/**
 * The members of the scope for `window`, and a function that invalidates metadata.
 *
 * @param refuse throws if the worker cannot block; undefined if it can
 */
export const reflect = (end, options, refuse) => {
  const window = new Window(end, options, refuse);
  const ffi = ffiOf(window);
  return {
    scope: { window: window.root.proxy, isWindowProxy: value => window.remoteOf(value) !== undefined, ffi, direct: ffi.direct },
    touch: () => window.store.touch(),
  };
};

/** Operations that may request metadata: their results may be objects, or metadata answers them. */
const WITH_METADATA = new Set([
  ops.GET, ops.PROTOTYPE, ops.APPLY, ops.CONSTRUCT, ops.QUERY, ops.EVALUATE, ops.HAS, ops.DESCRIPTOR,
]);
