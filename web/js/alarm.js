// Interrupts and cancellations on the tier `messages`, on which a worker receives no message while it computes. Main raises an alarm, for which the
// worker can check at any time.
//
// Where memory can be shared, an alarm is a word in it. Elsewhere it is the address of a Blob, which main revokes, after which synchronous
// requests for it fail. A worker has no other way to learn about its page without returning to its event loop. Each address serves once.
// One address is never revoked; it shows whether such requests are allowed at all.
//
// Calls are distinguished by the slots of their ids: no two unanswered calls of main have the same slot.
import { CANCELLED, INTERRUPTED } from './errors.js';
import { sleepAlone } from './sleep.js';

/** Main's side, for one worker. `start` is the data for the worker's side. */
export const alarmOf = platform => (platform.shared() ? new Words() : new Addresses());

class Words {
  #words = new Int32Array(new SharedArrayBuffer(4 * (SLOTS_OF_WORDS + SLOTS)));

  get start() {
    return { words: this.#words };
  }

  /** Interrupts the worker. Returns a message that names the alarm: a worker that receives it was idle, or has handled the alarm already. */
  raise() {
    const number = Atomics.add(this.#words, INTERRUPTS, 1) + 1;
    this.#ring();
    return { number };
  }

  /** Cancels a call. Returns a message that names the alarm, if one was raised. */
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

/** The worker's side. `current` returns the id of main's call that the running function serves, or 0. */
export const listenerOf = (start, current) => (start.words ? new WordListener(start.words, current) : new AddressListener(start, current));

class WordListener {
  #words;
  #current;
  /** Number of alarms that were checked, for the call that was running then. */
  #seen = 0;
  #seenBy = 0;
  #known = 0;

  constructor(words, current) {
    this.#words = words;
    this.#current = current;
  }

  /** The kind of a new alarm: `INTERRUPTED`, or `CANCELLED` for the running call. Undefined if no alarm was raised since the last call. */
  heard() {
    const alarms = Atomics.load(this.#words, ALARMS);
    const id = this.#current();
    if (alarms === this.#seen && id === this.#seenBy) return undefined;
    const raised = Atomics.load(this.#words, INTERRUPTS);
    if (raised !== this.#known) {
      this.#known = raised;
      return INTERRUPTED;
    }
    if (id !== 0 && this.#forget(id)) return CANCELLED;
    this.#seen = alarms;
    this.#seenBy = id;
    return undefined;
  }

  /** Handles the message that `raise` or `cancel` returned. */
  passed({ number, id }) {
    if (id === undefined) this.#known = Math.max(this.#known, number);
    else this.#forget(id);
  }

  /** Waits for a number of milliseconds, or until an alarm. */
  wait(milliseconds) {
    Atomics.wait(this.#words, ALARMS, this.#seen, milliseconds);
  }

  /** Clears the cancellation of a call, whose id may be reused. Returns whether there was one. */
  #forget(id) {
    return Atomics.compareExchange(this.#words, wordOf(id), id, 0) === id;
  }
}

class AddressListener {
  #control;
  /** The unused addresses, oldest first. */
  #addresses;
  /** The address of each slot; `null` after it was revoked, until main has replaced it. */
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
    let alarm = this.#known > before ? INTERRUPTED : undefined;
    const id = this.#current();
    const slot = slotOf(id);
    if (!alarm && id !== 0 && this.#slots[slot] && this.#isRevoked(this.#slots[slot])) {
      this.#slots[slot] = null;
      alarm = CANCELLED;
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
    // A policy of the page forbids such requests, so alarms cannot be received.
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

/** Number of interrupts that a worker can receive without returning to its event loop. It has this many addresses in advance. */
const AHEAD = 4;

/** Cancellations are received while main has fewer than this many unanswered calls. */
const SLOTS_OF_ADDRESSES = 8;

/** Milliseconds between two checks, each of which takes one or two requests of about two milliseconds. */
const EVERY = 200;

/** The words: how many alarms there were; how many of them were interrupts; by slot, the call that was cancelled last. */
const [ALARMS, INTERRUPTS, SLOTS_OF_WORDS] = [0, 1, 2];

/** Slots from here on share words. */
const SLOTS = 64;

const wordOf = id => SLOTS_OF_WORDS + (slotOf(id) % SLOTS);
