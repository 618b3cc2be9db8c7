// The worker's side of alarms: see `main.js`.
import { CANCELLED, INTERRUPTED } from '../errors.js';
import { pause } from '../relay/link.js';
import { ALARMS, INTERRUPTS, slotOf, wordOf } from './layout.js';

/** `current` returns the id of main's call that the running function serves, or 0. */
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
    pause(Math.min(milliseconds, EVERY));
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

/** Milliseconds between two checks, each of which takes one or two requests of about two milliseconds. */
const EVERY = 200;
