// Interrupts and cancellations of workers that are reached by messages alone: such a worker receives nothing while it computes. Main raises an
// alarm, which the worker can look for at any time.
//
// Where memory can be shared, an alarm is a word in it. Elsewhere it is the address of a Blob, which main revokes: that synchronous
// requests for it fail from then on is all that a worker can learn about its page without returning to its event loop. Each address
// serves once. Another one is never revoked, and tells whether such requests are allowed at all.
//
// Calls are told apart by the slots of their ids: of the calls that main has made and that are unanswered, no two have the same.
import { sleepAlone } from './sleep.js';

/** Main's side, for one worker: its `start` is what the worker's side is made of. */
export const alarmOf = platform => (platform.shared() ? new Words() : new Addresses());

class Words {
  #words = new Int32Array(new SharedArrayBuffer(4 * (SLOTS_OF_WORDS + SLOTS)));

  get start() {
    return { words: this.#words };
  }

  /** Interrupts. Gives the message that says afterwards which alarm it was: a worker that receives it was doing nothing, or knows. */
  raise() {
    const number = Atomics.add(this.#words, INTERRUPTS, 1) + 1;
    this.#ring();
    return { number };
  }

  /** Cancels a call. Gives the message that says so afterwards, if there is one. */
  cancel(id) {
    Atomics.store(this.#words, wordOf(id), id);
    this.#ring();
    return { id };
  }

  close() {}

  #ring() {
    Atomics.add(this.#words, ALARMS, 1);
    Atomics.notify(this.#words, ALARMS);
  }
}

class Addresses {
  #addresses = Array.from({ length: AHEAD }, newAddress);
  #slots = Array.from({ length: SLOTS_OF_ADDRESSES }, newAddress);
  #raised = 0;

  get start() {
    control ??= newAddress();
    return { control, addresses: this.#addresses, slots: this.#slots };
  }

  raise() {
    const next = newAddress();
    URL.revokeObjectURL(this.#addresses.shift());
    this.#addresses.push(next);
    return { number: ++this.#raised, next };
  }

  cancel(id) {
    const slot = slotOf(id);
    if (slot >= SLOTS_OF_ADDRESSES) return undefined;
    const next = newAddress();
    URL.revokeObjectURL(this.#slots[slot]);
    this.#slots[slot] = next;
    return { id, next };
  }

  close() {
    for (const address of [...this.#addresses, ...this.#slots]) URL.revokeObjectURL(address);
  }
}

const newAddress = () => URL.createObjectURL(new Blob());

/** The address that stays, for all workers of the page. */
let control;

/** The worker's side. `current` gives the id of main's call that the running function serves, or 0. */
export const listenerOf = (start, current) => (start.words ? new WordListener(start.words, current) : new AddressListener(start, current));

class WordListener {
  #words;
  #current;
  /** Alarms that were looked at, for the call that was running then. */
  #seen = 0;
  #seenBy = 0;
  #known = 0;

  constructor(words, current) {
    this.#words = words;
    this.#current = current;
  }

  /** Which alarm was raised and not heard before, if one was: `Interrupted`, or `Cancelled` for the running call. */
  heard() {
    const alarms = Atomics.load(this.#words, ALARMS);
    const id = this.#current();
    if (alarms === this.#seen && id === this.#seenBy) return undefined;
    const raised = Atomics.load(this.#words, INTERRUPTS);
    if (raised !== this.#known) {
      this.#known = raised;
      return 'Interrupted';
    }
    if (id !== 0 && this.#forget(id)) return 'Cancelled';
    this.#seen = alarms;
    this.#seenBy = id;
    return undefined;
  }

  /** Takes in what `raise` or `cancel` gave. */
  passed({ number, id }) {
    if (id === undefined) this.#known = Math.max(this.#known, number);
    else this.#forget(id);
  }

  /** Waits for so many milliseconds, or for an alarm. */
  wait(milliseconds) {
    Atomics.wait(this.#words, ALARMS, this.#seen, milliseconds);
  }

  /** Ids are used again, so what was said of one must not stay. */
  #forget(id) {
    return Atomics.compareExchange(this.#words, wordOf(id), id, 0) === id;
  }
}

class AddressListener {
  #control;
  /** Those that are left, oldest first. */
  #addresses;
  /** By slot; `null` until main has replaced one that is revoked. */
  #slots;
  #current;
  #known = 0;
  #looked = performance.now();

  constructor({ control, addresses, slots }, current) {
    this.#control = control;
    this.#addresses = addresses;
    this.#slots = slots;
    this.#current = current;
  }

  heard() {
    const now = performance.now();
    if (now - this.#looked < EVERY) return undefined;
    const before = this.#known;
    while (this.#addresses.length > 0 && this.#isRevoked(this.#addresses[0])) this.#pass();
    let alarm = this.#known > before ? 'Interrupted' : undefined;
    const id = this.#current();
    const slot = slotOf(id);
    if (!alarm && id !== 0 && this.#slots[slot] && this.#isRevoked(this.#slots[slot])) {
      this.#slots[slot] = null;
      alarm = 'Cancelled';
    }
    this.#looked = performance.now();
    return alarm;
  }

  passed({ number, id, next }) {
    if (id !== undefined) return void (this.#slots[slotOf(id)] = next);
    this.#addresses.push(next);
    while (this.#known < number) this.#pass();
  }

  wait(milliseconds) {
    sleepAlone(Math.min(milliseconds, EVERY));
  }

  #pass() {
    this.#addresses.shift();
    this.#known++;
  }

  #isRevoked(address) {
    if (isThere(address)) return false;
    if (isThere(this.#control)) return true;
    // A policy of the page forbids such requests: there is nothing to be heard.
    this.#addresses = [];
    this.#slots = [];
    return false;
  }
}

const isThere = address => {
  const request = new XMLHttpRequest();
  try {
    request.open('GET', address, false);
    request.send();
    return request.status === 200;
  } catch {
    return false;
  }
};

/** Both ends are of this package, whose ids have their slots in these bits. */
const slotOf = id => (id >>> 1) & 0xffff;

/** Number of interrupts that a worker receives without returning to its event loop. It knows this many addresses in advance. */
const AHEAD = 4;

/** Cancellations of calls are heard while main has fewer than this many unanswered ones. */
const SLOTS_OF_ADDRESSES = 8;

/** Milliseconds between two looks, each of which takes one or two requests of some two milliseconds. */
const EVERY = 200;

/** The words: how many alarms there were; how many of them were interrupts; by slot, the call that was cancelled last. */
const [ALARMS, INTERRUPTS, SLOTS_OF_WORDS] = [0, 1, 2];

/** Slots from here on share words. */
const SLOTS = 64;

const wordOf = id => SLOTS_OF_WORDS + (slotOf(id) % SLOTS);
