// The tier `suspending`, on which an interpreter in a worker suspends its stack (JSPI) until a promise settles.
//
// A stack with frames of JavaScript cannot be suspended. Calls of coincide therefore return promises, and the interpreter suspends itself until they settle. The event
// loop of the worker runs during that time.
//
// Main may call the worker while the interpreter is suspended. If such a call enters the interpreter again, there are several stacks. With `enter`, they end in reverse
// order, as on the stack of a blocking worker. Programs thus run in the same order on all tiers. Modules compiled from C require this order, because their stacks share
// one region of memory.
import { nextTask } from '../events.js';
import { CANCELLED, INTERRUPTED, failed, failureOf, located, ours, site, stopOf } from '../errors.js';
import { promised } from '../link/pending.js';
import { inWords } from '../link/values.js';
import { CANCEL, INTERRUPT } from '../out-of-band/layout.js';
import { reach } from './reach.js';

/** The pending calls, operations and sleeps of a suspended worker, and its entries into the interpreter. */
export class Suspended {
  /** The entry of each pending call, operation and sleep, oldest first. */
  #pending = new Map();
  /** Pending entries into the interpreter, oldest first. */
  #entries = [];
  /** Entries that have not begun, because an older one is about to resume. */
  #waiting = new Set();
  /** A number other than 0 while an entry may be about to resume. No other entry begins then. */
  #continuing = 0;
  #count = 0;
  /** Resolves when no entry is about to resume; undefined if no entry waits for it. */
  #clear;
  #end;
  #outOfBand;

  /**
   * @param {import('../link/worker.js').WorkerEnd} end
   * @param outOfBand the worker's side of out-of-band signals: see `out-of-band/worker.js`
   */
  constructor(end, outOfBand) {
    this.#end = end;
    this.#outOfBand = outOfBand;
    end.aborted = serial => this.#aborted(serial);
  }

  /** Adds a request until it settles. */
  track(pending) {
    const { stop } = pending;
    const entry = this.#entries.at(-1);
    this.#pending.set(pending, entry);
    pending.stop = () => {
      this.#pending.delete(pending);
      // A call that main makes after its answer may be dispatched before the promise settles.
      this.#continues(entry);
      stop?.();
    };
  }

  /** Marks an entry as about to resume, unless there is a newer one. */
  #continues(entry) {
    if (entry && this.#entries.at(-1) === entry) this.#continuing = ++this.#count;
  }

  /** Wraps a function that enters the interpreter and returns a promise. While it is pending, older entries stay suspended. */
  enter(fn) {
    if (typeof fn !== 'function') throw ours(new TypeError(`\`enter\` takes a function that returns a promise, not ${inWords(fn)}`));
    const enter = run => this.#enter(new Entry(this.#end.serving), run);
    return function (...args) {
      return enter(() => fn.apply(this, args));
    };
  }

  #enter(entry, run) {
    if (!this.#continuing && !this.#clear) return this.#begin(entry, run);
    this.#clear ??= this.#continued();
    this.#waiting.add(entry);
    return this.#clear.then(() => {
      this.#clear = undefined;
      this.#waiting.delete(entry);
      // Like a call that is cancelled before it runs.
      if (entry.isCancelled) throw located(stopOf(CANCELLED, '', 'enter'), site());
      return this.#begin(entry, run);
    });
  }

  async #begin(entry, run) {
    this.#entries.push(entry);
    try {
      return await run();
    } finally {
      this.#ended(entry);
    }
  }

  /** Removes an entry and wakes the newest one, which alone may resume. */
  #ended(entry) {
    this.#entries.splice(this.#entries.lastIndexOf(entry), 1);
    entry.isPending = false;
    this.#continuing = 0;
    entry.wake();
    this.#entries.at(-1)?.wake();
  }

  /** Resolves when the entry that was about to resume is suspended again or has ended, which takes at most one task. */
  async #continued() {
    while (this.#continuing) {
      const count = this.#continuing;
      await nextTask();
      if (this.#continuing === count) this.#continuing = 0;
    }
  }

  /** Returns a promise for which the running entry is suspended. It settles when newer entries have ended. */
  async inOrder(promise) {
    const entry = this.#entries.at(-1);
    this.#continuing = 0;
    try {
      return await promise;
    } finally {
      while (entry?.isPending && entry !== this.#entries.at(-1)) await entry.woken();
      this.#continues(entry);
    }
  }

  /**
   * Handles the cancellation of main's call with this serial number, once. Pending requests of its entries reject, as a cancellation ends the call in which a blocking
   * worker waits. Without a pending request, `check` throws in the entry. An entry that has not begun rejects instead of beginning.
   */
  #aborted(serial) {
    for (const entry of [...this.#entries, ...this.#waiting]) {
      if (entry.serial !== serial) continue;
      // The worker receives a cancellation in `check` and as a message.
      entry.serial = undefined;
      const pending = [...this.#pending].filter(([, of]) => of === entry);
      entry.isCancelled = pending.length === 0;
      for (const [request] of pending) request.abandon(failureOf(CANCELLED, '', request.name));
    }
  }

  /** Throws once in an entry whose call main has cancelled while it had no pending request, and once for each interrupt. */
  check(name) {
    const entry = this.#entries.at(-1);
    // While an export is on the stack, the engine checks for signals of its call. The newest entry may be suspended then.
    if (!entry || this.#end.serving !== undefined) return;
    this.#poll(entry, name);
    if (!entry.isCancelled) return;
    entry.isCancelled = false;
    throw stopOf(CANCELLED, '', name);
  }

  /** Checks for out-of-band signals on behalf of an entry that computes after it has resumed. */
  #poll(entry, name) {
    const call = this.#end.running.get(entry.serial);
    if (call === undefined) return;
    const signals = this.#outOfBand.pollControl(call);
    if (signals & CANCEL) this.#aborted(entry.serial);
    if (signals & INTERRUPT) throw stopOf(INTERRUPTED, '', name);
  }

  /** Records an error of the engine's check. The entry has then received the cancellation of its call. */
  stopped(error) {
    const entry = this.#entries.at(-1);
    if (error.name === 'AbortError' && entry?.serial === this.#end.serving) entry.serial = undefined;
  }

  /** Rejects the newest request, as an interrupt ends the innermost call of a blocking worker. A no-op without one. */
  interrupt() {
    const pending = [...this.#pending.keys()].at(-1);
    pending?.abandon(failed('Interrupted', `the call of \`${pending.name}\` was interrupted`, pending.name));
  }

  /** Resolves after a number of milliseconds. Rejects after an interrupt or a cancellation, and with the reason of `signal` if that aborts. */
  sleep(milliseconds, signal, here) {
    this.check('sleep');
    const start = pending => {
      this.track(pending);
      const wait = left => {
        // `settle` clears the timer.
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

  /** Members of the scope for objects of main. */
  reflect(end, options) {
    return reach(end, options, this);
  }
}

/** A call of a function that `enter` has wrapped. */
class Entry {
  isPending = true;
  /** Whether main has cancelled its call and no error was thrown for it yet. */
  isCancelled = false;
  /** Continuations that wait until newer entries have ended. */
  #waiting = [];

  /** @param serial serial number of main's call that the entry serves; undefined without one */
  constructor(serial) {
    this.serial = serial;
  }

  woken() {
    return new Promise(resolve => this.#waiting.push(resolve));
  }

  wake() {
    for (const resume of this.#waiting.splice(0)) resume();
  }
}

const { setTimeout } = globalThis;

/** Longest timer in milliseconds. */
const LONGEST = 2 ** 31 - 1;
