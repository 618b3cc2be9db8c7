// Handles of objects of the other end. An object has one handle as long as that is reachable.

export class RemoteTable {
  #byId = new Map();
  /** Ids to release, one entry for each arrival. */
  #back = [];
  #waiting = false;
  #release;
  #gone = new FinalizationRegistry(record => this.#forget(record));

  /** @param release sends a list of ids that are released to the other end */
  constructor(release) {
    this.#release = release;
  }

  /** The handle of a received reference. `make(id)` creates a new one. */
  receive(id, make) {
    const known = this.known(id);
    if (known) {
      this.again(id);
      return known;
    }
    const handle = make(id);
    const record = { id, ref: new WeakRef(handle) };
    this.#byId.set(id, record);
    this.#gone.register(handle, record, handle);
    return handle;
  }

  /** The handle of an earlier reference, if it is still reachable. */
  known(id) {
    return this.#byId.get(id)?.ref.deref();
  }

  /** Records another arrival of a known reference, and releases it. One arrival keeps the object. */
  again(id) {
    if (this.#back.push(id) >= MANY) this.flush();
  }

  /** Discards a handle that was created for a refused payload, without releasing it. */
  revoke(id, handle) {
    this.#gone.unregister(handle);
    this.#byId.delete(id);
  }

  clear() {
    this.#byId.clear();
    this.#back = [];
  }

  /** Releases a handle at once. */
  dispose(id, handle) {
    this.#gone.unregister(handle);
    this.#forget({ id, ref: this.#byId.get(id)?.ref });
    this.flush();
  }

  flush() {
    if (this.#back.length > 0) this.#release(this.#back.splice(0));
  }

  get size() {
    return this.#byId.size;
  }

  #forget({ id, ref }) {
    // If the reference has arrived again since, it has another handle.
    if (this.#byId.get(id)?.ref === ref) this.#byId.delete(id);
    this.#back.push(id);
    if (this.#waiting) return;
    this.#waiting = true;
    // Batches releases, because thousands of handles may be collected at once.
    setTimeout(() => {
      this.#waiting = false;
      this.flush();
    }, 0);
  }
}

/** Number of pending releases that are sent at once. */
const MANY = 512;
