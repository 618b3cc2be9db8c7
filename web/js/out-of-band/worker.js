// The worker's side of out-of-band signals: see `main.js`.
import { pause } from '../relay/link.js';
import { CANCEL, INTERRUPT, INTERRUPTS, SIGNALS, slotOf, wordOf } from './layout.js';

export const listenerOf = start => (start.words ? new WordListener(start.words) : new AddressListener(start));

class WordListener {
  #words;
  /** Number of signals at the last control poll, and the call that was running then. */
  #seen = 0;
  #seenBy = 0;
  #known = 0;

  constructor(words) {
    this.#words = words;
  }

  /** The signals since the last control poll: an interrupt, and the cancellation of the call `id`, which is running, or 0. */
  pollControl(id) {
    const count = Atomics.load(this.#words, SIGNALS);
    if (count === this.#seen && id === this.#seenBy) return 0;
    this.#seen = count;
    this.#seenBy = id;
    const raised = Atomics.load(this.#words, INTERRUPTS);
    const signals = raised === this.#known ? 0 : INTERRUPT;
    this.#known = raised;
    return id !== 0 && this.#forget(id) ? signals | CANCEL : signals;
  }

  /** Handles the message about a signal. Returns whether it is an interrupt that no control poll has reported. */
  passed({ number, id }) {
    if (id !== undefined) return void this.#forget(id);
    const isNew = number > this.#known;
    if (isNew) this.#known = number;
    return isNew;
  }

  /** Waits for a number of milliseconds, or until an out-of-band signal. */
  wait(milliseconds) {
    Atomics.wait(this.#words, SIGNALS, this.#seen, milliseconds);
  }

  /** Clears the cancellation of a call, because its id may be reused. Returns whether there was one. */
  #forget(id) {
    return Atomics.compareExchange(this.#words, wordOf(id), id, 0) === id;
  }
}

class AddressListener {
  #control;
  /** The unused addresses, oldest first. */
  #addresses;
  /** The address of each slot; null after it was revoked, until main has replaced it. */
  #slots;
  #known = 0;
  #polled = performance.now();

  constructor({ control, addresses, slots }) {
    this.#control = control;
    this.#addresses = addresses;
    this.#slots = slots;
  }

  pollControl(id) {
    const now = performance.now();
    if (now - this.#polled < EVERY) return 0;
    const before = this.#known;
    while (this.#addresses.length > 0 && this.#isRevoked(this.#addresses[0])) this.#pass();
    let signals = this.#known > before ? INTERRUPT : 0;
    const slot = slotOf(id);
    if (id !== 0 && this.#slots[slot] && this.#isRevoked(this.#slots[slot])) {
      this.#slots[slot] = null;
      signals |= CANCEL;
    }
    this.#polled = performance.now();
    return signals;
  }

  passed({ number, id, next }) {
    if (id !== undefined) return void (this.#slots[slotOf(id)] = next);
    this.#addresses.push(next);
    const isNew = number > this.#known;
    while (this.#known < number) this.#pass();
    return isNew;
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
    // A policy of the page forbids such requests. Signals are disabled.
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

/** Milliseconds between two checks, each of which takes 1 or 2 requests of about 2 ms. */
const EVERY = 200;
