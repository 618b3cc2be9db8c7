// Interrupts of workers that are reached by messages alone: they hear nothing while they compute. So main raises an alarm, at which they
// can look at any time.
//
// Where memory can be shared, it is a word that main counts up. Elsewhere it is the address of a Blob, which main revokes: that synchronous
// requests for it fail from then on is all that a worker can find out about its page without returning to its event loop. Each address
// serves once. Another one is never revoked, and tells whether such requests are allowed at all.
import { sleepAlone } from './sleep.js';

/** Main's side, for one worker: its `start` is what the worker's side is made of. */
export const alarmOf = platform => (platform.shared() ? new Word() : new Addresses());

class Word {
  #word = new Int32Array(new SharedArrayBuffer(4));

  get start() {
    return { word: this.#word };
  }

  /** Gives the message that says afterwards which alarm it was: a worker that has it was doing nothing, or knows. */
  raise() {
    const number = Atomics.add(this.#word, 0, 1) + 1;
    Atomics.notify(this.#word, 0);
    return { number };
  }

  close() {}
}

class Addresses {
  #addresses = Array.from({ length: AHEAD }, newAddress);
  #raised = 0;

  get start() {
    control ??= newAddress();
    return { control, addresses: this.#addresses };
  }

  raise() {
    const next = newAddress();
    URL.revokeObjectURL(this.#addresses.shift());
    this.#addresses.push(next);
    return { number: ++this.#raised, next };
  }

  close() {
    this.#addresses.forEach(address => URL.revokeObjectURL(address));
  }
}

const newAddress = () => URL.createObjectURL(new Blob());

/** The address that stays, for all workers of the page. */
let control;

/** The worker's side. */
export const listenerOf = start => (start.word ? new WordListener(start.word) : new AddressListener(start));

class WordListener {
  #word;
  #known = 0;

  constructor(word) {
    this.#word = word;
  }

  /** Whether an alarm was raised that nobody has heard of. */
  heard() {
    const raised = Atomics.load(this.#word, 0);
    if (raised === this.#known) return false;
    this.#known = raised;
    return true;
  }

  /** Takes in what `raise` gave. */
  passed({ number }) {
    this.#known = Math.max(this.#known, number);
  }

  /** Waits for so many milliseconds, or for an alarm. */
  wait(milliseconds) {
    Atomics.wait(this.#word, 0, this.#known, milliseconds);
  }
}

class AddressListener {
  #control;
  /** Those that are left, oldest first. */
  #addresses;
  #known = 0;
  #looked = performance.now();

  constructor({ control, addresses }) {
    this.#control = control;
    this.#addresses = addresses;
  }

  heard() {
    const now = performance.now();
    if (now - this.#looked < EVERY) return false;
    const before = this.#known;
    while (this.#addresses.length > 0 && !isThere(this.#addresses[0])) {
      if (!isThere(this.#control)) {
        // A policy of the page forbids such requests: there is nothing to be heard.
        this.#addresses = [];
        break;
      }
      this.#pass();
    }
    this.#looked = performance.now();
    return this.#known > before;
  }

  passed({ number, next }) {
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

/** How many alarms a worker hears without returning to its event loop: so many addresses it knows in advance. */
const AHEAD = 4;

/** Milliseconds between two requests, each of which takes some two. */
const EVERY = 200;
