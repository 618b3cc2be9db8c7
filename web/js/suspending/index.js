// The tier `suspending`, on which an interpreter in a worker suspends its stack (JSPI) until a promise settles.
//
// A stack with frames of JavaScript cannot be suspended, so no call of coincide suspends by itself: it returns a promise, and the interpreter waits for that by its
// own means. The event loop of the worker runs during the wait.
//
// Main may call the worker during the wait. If that enters the interpreter again, there are several stacks. `enter` has them end in the reverse order of their
// beginnings, as the stack of a worker that blocks does: programs then see the same order on all tiers, and modules compiled from C need it, since their
// stacks share one region of memory.
import { nextTask } from '../events.js';
import { failed, located } from '../errors.js';
import { promised } from '../pending.js';
import { reach } from './reach.js';

/** What the program of a worker is suspended for. */
export class Suspended {
  /** Pending calls, operations and sleeps, the oldest first. */
  #pending = new Set();
  /** Functions that have entered the interpreter and have not ended, the oldest first. */
  #entries = [];
  /** What waits until later entries have ended. */
  #held = [];
  /** Not 0 while an entry may be about to continue. Then no other entry begins. */
  #continuing = 0;
  #count = 0;
  /** Resolves when nothing is about to continue; undefined if no entry waits for that. */
  #clear;

  /** Includes a request until it settles. */
  track(pending) {
    const { stop } = pending;
    const entry = this.#entries.at(-1);
    this.#pending.add(pending);
    pending.stop = () => {
      this.#pending.delete(pending);
      // What main has called after its answer may be dispatched before the promise is.
      this.#continues(entry);
      stop?.();
    };
  }

  /** An entry is about to continue, unless it is held. */
  #continues(entry) {
    if (entry && this.#entries.at(-1) === entry) this.#continuing = ++this.#count;
  }

  /** Wraps a function that enters the interpreter and returns a promise: while it is pending, entries that were suspended before stay suspended. */
  enter(fn) {
    return (...args) => {
      if (!this.#continuing && !this.#clear) return this.#begin(fn, args);
      this.#clear ??= this.#continued();
      return this.#clear.then(() => {
        this.#clear = undefined;
        return this.#begin(fn, args);
      });
    };
  }

  async #begin(fn, args) {
    const entry = {};
    this.#entries.push(entry);
    try {
      return await fn(...args);
    } finally {
      this.#entries.splice(this.#entries.indexOf(entry), 1);
      this.#continuing = 0;
      for (const release of this.#held.splice(0)) release();
    }
  }

  /** Resolves when an entry that was about to continue has been suspended again, or has ended: it does so before the next task. */
  async #continued() {
    while (this.#continuing) {
      const count = this.#continuing;
      await nextTask();
      if (this.#continuing === count) this.#continuing = 0;
    }
  }

  /** A promise for which the entry that runs is suspended: it settles when later entries have ended. */
  async inOrder(promise) {
    const entry = this.#entries.at(-1);
    this.#continuing = 0;
    try {
      return await promise;
    } finally {
      while (this.#isBelow(entry)) await new Promise(resolve => this.#held.push(resolve));
      this.#continues(entry);
    }
  }

  #isBelow(entry) {
    const at = this.#entries.indexOf(entry);
    return at >= 0 && at < this.#entries.length - 1;
  }

  /** Ends the newest request, as an interrupt ends the innermost call of a worker that blocks. No-op without any. */
  interrupt() {
    const pending = [...this.#pending].at(-1);
    pending?.abandon(failed('Interrupted', `the call of \`${pending.name}\` was interrupted`, pending.name));
  }

  /** Resolves after a number of milliseconds. Rejects after an interrupt, and with the reason of `signal` if that aborts. */
  sleep(milliseconds, signal, here) {
    const start = pending => {
      this.track(pending);
      const wait = left => {
        // `settle` clears it.
        pending.timer = setTimeout(() => (left > LONGEST ? wait(left - LONGEST) : pending.settle()), Math.min(left, LONGEST));
      };
      wait(milliseconds);
      return 0;
    };
    const slept = promised({ cancel() {} }, start, 'sleep', { signal }).catch(error => {
      throw located(error, here, signal);
    });
    return this.inOrder(slept);
  }

  /** What the scope has for objects of main. */
  reflect(end, options) {
    return reach(end, options, this);
  }
}

const { setTimeout } = globalThis;

/** The longest timer. In milliseconds. */
const LONGEST = 2 ** 31 - 1;
