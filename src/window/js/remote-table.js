// Handles of objects of the other end: one for each object while the handle is reachable.

export class RemoteTable {
  #byId = new Map();
  /** Ids to release, once for each arrival. */
  #back = [];
  #waiting = false;
  #release;
  #gone = new FinalizationRegistry(record => this.#forget(record));

  /** @param release releases a list of ids at the other end */
  constructor(release) {
    this.#release = release;
  }

  /** The handle of a reference that was received; `make(id)` creates it. */
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

  /** The handle of a reference that has arrived before, if it is still reachable. */
  known(id) {
    return this.#byId.get(id)?.ref.deref();
  }

  /** A known reference has arrived again. One arrival is enough to keep it. */
  again(id) {
    if (this.#back.push(id) >= MANY) this.flush();
  }

  /** Discards a handle that was created for a refused payload. Its arrival does not count. */
  revoke(id, handle) {
    this.#gone.unregister(handle);
    this.#byId.delete(id);
  }

  clear() {
    this.#byId.clear();
    this.#back = [];
  }

  /** Releases a handle's reference now. */
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
    // The reference may have arrived again since, and has another handle then.
    if (this.#byId.get(id)?.ref === ref) this.#byId.delete(id);
    this.#back.push(id);
    if (this.#waiting) return;
    this.#waiting = true;
    // Handles become garbage by the thousand.
    setTimeout(() => {
      this.#waiting = false;
      this.flush();
    }, 0);
  }
}

/** Number of references that are released at once. */
const MANY = 512;
