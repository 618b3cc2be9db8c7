// Promises of pending calls, which settle even if wasm fails.
import { CoincideError, failed } from '../errors.js';
import { hasFailed, onFailure } from './guard.js';
import { MISSING } from './values.js';

const { clearTimeout, queueMicrotask, setTimeout } = globalThis;

/** All pending calls. */
export const all = new Set();

onFailure(error => {
  for (const pending of all) pending.fail(error);
});

/** Rejects the pending promises of one end. */
export const rejectAll = (error, end) => {
  for (const pending of all) if (pending.end === end) pending.fail(error);
};

/**
 * A promise for a request. `start` makes the request, for a `Pending` that it settles. It returns the number by which `end.cancel` cancels the request, or 0 if the
 * request is made later. Throws what `start` throws.
 *
 * @param end undefined before the link exists; `begin` sets it later
 */
export const promised = (end, start, name, { timeout, signal, grace } = {}) => {
  const pending = new Pending(end, name);
  try {
    pending.limit(timeout, signal, grace);
    pending.begin(start(pending));
  } catch (error) {
    pending.settle();
    pending.promise.catch(() => {});
    throw error;
  }
  return pending.promise;
};

class Pending {
  constructor(end, name) {
    this.end = end;
    this.name = name;
    /** The `Values` that decode the outcome. */
    this.values = undefined;
    this.number = 0;
    this.isAbandoned = false;
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    all.add(this);
  }

  limit(timeout, signal, grace = GRACE) {
    // wasm ends the call at its deadline. The timer is a fallback if wasm has failed.
    if (timeout <= LONGEST_TIMER) {
      this.timer = setTimeout(() => this.abandon(failed('TimedOut', `\`${this.name}\` did not return in time`, this.name)), timeout + grace);
      // The timer does not keep the process alive.
      this.timer.unref?.();
    }
    if (!signal) return;
    const abort = () => this.abandon(reasonOf(signal));
    // A program may have replaced the signal's methods.
    addEventListener.call(signal, 'abort', abort, { once: true });
    this.stop = () => removeEventListener.call(signal, 'abort', abort);
  }

  /** Records that the request was made, with its number. */
  begin(number, end = this.end) {
    this.end = end;
    this.number = number;
    // A getter of the arguments may have aborted the signal.
    if (this.isAbandoned) this.cancel();
  }

  abandon(error) {
    this.isAbandoned = true;
    this.settle(error, true);
    this.cancel();
  }

  cancel() {
    try {
      this.end?.cancel(this.number);
    } catch {
      // The stack has too little room for wasm, or wasm is running.
      if (!hasFailed()) queueMicrotask(() => this.cancel());
    }
  }

  /** Rejects with a new error, which gets the stack of the caller. */
  fail({ code, message }) {
    this.settle(new CoincideError(code, message, this.name), true);
  }

  /** Settles with the outcome that wasm shows, or with its copy. Returns false if it refers to objects that have not arrived. */
  ended(copied) {
    const { values, name, end: { posted } } = this;
    let value;
    let hasFailed = false;
    try {
      value = copied ? values.outcomeOf(copied, name, posted) : values.outcome(name, posted);
    } catch (error) {
      if (error === MISSING) return false;
      value = error;
      hasFailed = true;
    }
    this.settle(value, hasFailed);
    return true;
  }

  get isSettled() {
    return !all.has(this);
  }

  settle(value, hasFailed) {
    if (!all.delete(this)) return;
    clearTimeout(this.timer);
    this.stop?.();
    if (hasFailed) this.reject(value);
    else this.resolve(value);
  }
}

const { addEventListener, removeEventListener } = globalThis.EventTarget?.prototype ?? {};

/** The reason of a signal, or what reading it throws. */
export const reasonOf = signal => {
  try {
    return signal.reason;
  } catch (error) {
    return error;
  }
};

/** Milliseconds by which wasm may end a call after its deadline. */
const GRACE = 500;
const LONGEST_TIMER = 2 ** 31 - 1 - GRACE;
