// Shared memory and compiled modules that both ends of a link have. A worker that is blocked receives no message, but the number of an object that it has.
//
// The worker keeps each such object while main has its own one, and main tells it when that was collected. So what main can send by number is there.
import { RECEIVERS, SENDERS } from './sending.js';
import { isLasting } from './platform.js';

/** What main knows of them. */
export class MainLasting {
  /** By object, `{ item, isThere }`: what stands for it in payloads for the worker, and whether the worker has it. */
  #known = new WeakMap();
  /** What the worker has not confirmed yet, by number. */
  #unconfirmed = new Map();
  #collected;

  /** @param post posts a message of this link about objects */
  constructor(post) {
    this.#collected = new FinalizationRegistry(([owner, number]) => {
      if (owner === SENDERS) this.#unconfirmed.delete(number);
      post({ forget: [owner, number] });
    });
  }

  known(object) {
    return this.#known.get(object);
  }

  /** Main has posted an object. */
  sent(number, object) {
    if (!isLasting(object)) return;
    const known = this.#add(object, SENDERS, number, false);
    this.#unconfirmed.set(number, known);
  }

  /** An object of the worker has arrived. Returns whether it is kept here. */
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

  /** The worker has one. */
  confirmed(number) {
    const known = this.#unconfirmed.get(number);
    if (known) known.isThere = true;
    this.#unconfirmed.delete(number);
  }

  /** The worker sends all objects anew. */
  find() {}

  forget() {}

  close() {
    this.#unconfirmed.clear();
  }
}

/** What a worker keeps of them. */
export class WorkerLasting {
  /** Main's by their numbers, and the worker's own. */
  #objects = [new Map(), new Map()];
  #post;

  constructor(post) {
    this.#post = post;
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
    this.#post({ confirmed: number });
    return true;
  }

  confirmed() {}

  /** The object that an item of main stands for. */
  find(owner, number) {
    return this.#objects[owner].get(number);
  }

  /** Main has it no longer. */
  forget([owner, number]) {
    this.#objects[owner].delete(number);
  }

  close() {
    for (const objects of this.#objects) objects.clear();
  }
}
