// Objects of this end with references at the other end.

import { SENDERS } from './operations.js';

export class LocalTable {
  #byId = new Map();
  #ids = new Map();
  #counter;
  #dropped;

  /**
   * @param counter the last id of this end on the link, which other tables may share
   * @param dropped called with each object that the other end has released
   */
  constructor(counter = { last: 0 }, dropped = () => {}) {
    this.#counter = counter;
    this.#dropped = dropped;
  }

  /** The id of an object that is about to be sent. The object is held until the other end has released it as many times as it was sent. */
  send(value) {
    let id = this.#ids.get(value);
    if (id === undefined) {
      // Ids are not reused, so that a late message cannot refer to another object.
      id = ++this.#counter.last;
      this.#ids.set(value, id);
      this.#byId.set(id, { value, times: 0 });
    }
    this.#byId.get(id).times++;
    return id;
  }

  /** Releases the references of a payload that is not sent, except those to objects of the other end. */
  unsent(references) {
    for (const [owner, , id] of references) if (owner === SENDERS) this.#forget(id);
  }

  /** Whether the other end has a reference to a value. */
  has(value) {
    return this.#ids.has(value);
  }

  get(id) {
    const entry = this.#byId.get(id);
    if (!entry) throw new ReferenceError(`the object behind reference ${id} was disposed of`);
    return entry.value;
  }

  /** Releases references. Each occurrence of an id in the list releases it once. */
  release(ids) {
    for (const id of ids) {
      const entry = this.#forget(id);
      if (entry) this.#dropped(entry.value);
    }
  }

  /** Releases a reference once. Returns the entry if it was the last one. */
  #forget(id) {
    const entry = this.#byId.get(id);
    if (!entry || --entry.times > 0) return undefined;
    this.#byId.delete(id);
    this.#ids.delete(entry.value);
    return entry;
  }

  /** Releases all objects and returns them. */
  clear() {
    const values = [...this.#ids.keys()];
    this.#byId.clear();
    this.#ids.clear();
    return values;
  }

  get size() {
    return this.#byId.size;
  }
}
