// Objects of this end that the other end has references to.

import { SENDERS } from './operations.js';

export class LocalTable {
  #byId = new Map();
  #ids = new Map();
  #counter;
  #dropped;

  /**
   * @param counter the last id that this end has given on the link: other tables may count with it
   * @param dropped called with each object that the other end has given back
   */
  constructor(counter = { last: 0 }, dropped = () => {}) {
    this.#counter = counter;
    this.#dropped = dropped;
  }

  /** The id of an object that is about to be sent. It is held until the other end has released it as often as it was sent. */
  send(value) {
    let id = this.#ids.get(value);
    if (id === undefined) {
      // Ids are not reused, so a late one cannot name another object.
      id = ++this.#counter.last;
      this.#ids.set(value, id);
      this.#byId.set(id, { value, times: 0 });
    }
    this.#byId.get(id).times++;
    return id;
  }

  /** Releases references in a payload that is not sent after all. Some of them may belong to the other end. */
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

  /** Releases a reference once. Returns what was held until then. */
  #forget(id) {
    const entry = this.#byId.get(id);
    if (!entry || --entry.times > 0) return undefined;
    this.#byId.delete(id);
    this.#ids.delete(entry.value);
    return entry;
  }

  /** Returns what was held. */
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
