// Workers by name.
import { CoincideError } from '../errors.js';
import { UNSENDABLE } from '../proxy.js';

export class Names {
  /** The controllers by name. */
  #taken = new Map();
  /** By name: a promise of the controller, and its `resolve`. */
  #awaited = new Map();

  /** The member `workers` of `coincide()`: see `main.d.ts`. */
  workers = new Proxy(Object.create(null), {
    get: (_, name) => {
      if (name === UNSENDABLE) return 'the workers of a page';
      if (typeof name !== 'string' || name === 'then') return undefined;
      return this.#find(name).then(controller => controller.ready.then(() => controller.proxy));
    },
    has: (_, name) => this.#taken.has(name),
    ownKeys: () => [...this.#taken.keys()],
    getOwnPropertyDescriptor: (_, name) => (this.#taken.has(name) ? { enumerable: true, configurable: true } : undefined),
    set: () => false,
  });

  /** Throws if a worker has this name. */
  check(name) {
    if (name && this.#taken.has(name))
      throw new CoincideError('NameTaken', `a worker named \`${name}\` is running already: terminate it first, or choose another name`, '');
  }

  add(name, controller) {
    this.#taken.set(name, controller);
    this.#awaited.get(name)?.resolve(controller);
    this.#awaited.delete(name);
  }

  delete(name) {
    this.#taken.delete(name);
  }

  #find(name) {
    if (this.#taken.has(name)) return Promise.resolve(this.#taken.get(name));
    if (!this.#awaited.has(name)) {
      let resolve;
      const promise = new Promise(done => (resolve = done));
      this.#awaited.set(name, { promise, resolve });
    }
    return this.#awaited.get(name).promise;
  }
}
