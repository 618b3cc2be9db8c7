// The cache of the option `reflected_ffi_timeout`, which coincident has as well.

/** Caches read values until `timeout` milliseconds after the first read. The timer does not fire while code runs without a pause. */
export class Cache {
  #entries = new Map();
  #timeout;

  constructor(timeout) {
    this.#timeout = timeout;
  }

  has(target, key) {
    return this.#entries.get(target)?.has(key) ?? false;
  }

  get(target, key) {
    return this.#entries.get(target).get(key);
  }

  set(target, key, value) {
    if (this.#entries.size === 0) setTimeout(() => this.#entries.clear(), this.#timeout).unref?.();
    if (!this.#entries.has(target)) this.#entries.set(target, new Map());
    this.#entries.get(target).set(key, value);
  }

  forget(target, key) {
    this.#entries.get(target)?.delete(key);
  }
}
