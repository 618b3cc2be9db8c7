// Shared memory and compiled modules that both ends of a link have. A blocked worker receives no messages, so main sends it the number of an object that it already has.
//
// The worker keeps each such object until main has notified it that main's copy was garbage-collected. It therefore has every object that main sends by number.
import { RECEIVERS, SENDERS } from '../reflect/operations.js';
import { isLasting } from './platform.js';

/** Main's table. */
export class MainLasting {
  /** `{ item, isThere }` by object: its item in payloads for the worker, and whether the worker has it. */
  #known = new WeakMap();
  /** Objects that the worker has not confirmed, by number. */
  #unconfirmed = new Map();
  #collected;

  /** @param posted posts messages of this link about objects: see `objects.js` */
  constructor(posted) {
    this.#collected = new FinalizationRegistry(([owner, number]) => {
      if (owner === SENDERS) this.#unconfirmed.delete(number);
      posted.tell({ forget: [owner, number] });
    });
  }

  known(object) {
    return this.#known.get(object);
  }

  /** Records an object that main has posted. */
  sent(number, object) {
    if (!isLasting(object)) return;
    const known = this.#add(object, SENDERS, number, false);
    this.#unconfirmed.set(number, known);
  }

  /** Records a received object of the worker. Returns false: main does not keep it. */
  received(number, object) {
    if (isLasting(object)) this.#add(object, RECEIVERS, number, true);
    return false;
  }

  #add(object, owner, number, isThere) {
    const known = { item: [owner, number], isThere };
    this.#known.set(object, known);
    this.#collected.register(object, known.item);
    return known;
  }

  /** Records that the worker has an object. */
  confirmed(number) {
    const known = this.#unconfirmed.get(number);
    if (known) known.isThere = true;
    this.#unconfirmed.delete(number);
  }

  /** Not needed here: the worker posts all objects. */
  find() {}

  forget() {}

  close() {
    this.#unconfirmed.clear();
  }
}

/** The worker's table. */
export class WorkerLasting {
  /** Objects of main and of the worker, by owner and number. */
  #objects = [new Map(), new Map()];
  #posted;

  constructor(posted) {
    this.#posted = posted;
  }

  known() {
    return undefined;
  }

  sent(number, object) {
    if (isLasting(object)) this.#objects[RECEIVERS].set(number, object);
  }

  received(number, object) {
    if (!isLasting(object)) return false;
    this.#objects[SENDERS].set(number, object);
    this.#posted.tell({ confirmed: number });
    return true;
  }

  confirmed() {}

  /** The object for an item of a payload of main. */
  find(owner, number) {
    return this.#objects[owner].get(number);
  }

  /** Drops an object that was garbage-collected on main. */
  forget([owner, number]) {
    this.#objects[owner].delete(number);
  }

  close() {
    for (const objects of this.#objects) objects.clear();
  }
}
