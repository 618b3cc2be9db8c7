// Objects of this end that the other end has references to.

export class Held {
  #byId = new Map();
  #ids = new Map();
  #next = 0;
  /** Ids that were given since a payload was begun, for the case that it isn't sent. */
  #fresh = [];

  /** The id of an object that is about to be sent. It is held until the other end has given it back as often as it was sent. */
  send(value) {
    let id = this.#ids.get(value);
    if (id === undefined) {
      // An id is never used again: one that comes too late names nothing, not something else.
      id = ++this.#next;
      this.#ids.set(value, id);
      this.#byId.set(id, { value, times: 0 });
    }
    this.#byId.get(id).times++;
    this.#fresh.push(id);
    return id;
  }

  /** A payload is begun. */
  begin() {
    this.#fresh.length = 0;
  }

  /** The payload that was begun last can't be sent. */
  undo() {
    this.release(this.#fresh.splice(0));
  }

  get(id) {
    const entry = this.#byId.get(id);
    if (!entry) throw new ReferenceError(`the object behind reference ${id} was disposed of`);
    return entry.value;
  }

  /** Each id counts once for each time that it is listed. */
  release(ids) {
    for (const id of ids) {
      const entry = this.#byId.get(id);
      if (!entry || --entry.times > 0) continue;
      this.#byId.delete(id);
      this.#ids.delete(entry.value);
    }
  }

  clear() {
    this.#byId.clear();
    this.#ids.clear();
  }

  get size() {
    return this.#byId.size;
  }
}
