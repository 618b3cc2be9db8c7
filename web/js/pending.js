// Promises of what wasm is asked for. They are kept here, so that they end even if wasm fails.
import { CoincideError, failed } from './errors.js';
import { onFailure } from './guard.js';

const all = new Set();

onFailure(error => rejectAll(error));

/** Rejects all pending promises, or those of one end. Each has an error of its own, with the stack of its own caller. */
export const rejectAll = ({ code, message }, end) => {
  for (const pending of all) if (!end || pending.end === end) pending.settle(new CoincideError(code, message, pending.name), true);
};

/**
 * The promise of what `start` asks wasm for: it is called with the object that wasm settles, and gives the number by which `end.cancel`
 * cancels. Throws what `start` throws.
 */
export const promised = (end, start, name, { timeout, signal } = {}) => {
  const pending = new Pending(end, name);
  pending.limit(timeout, signal);
  try {
    pending.number = start(pending);
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
    this.number = 0;
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    all.add(this);
  }

  limit(timeout, signal) {
    // wasm knows the deadline and ends the call in time. This is for when it can't.
    if (timeout <= LONGEST_TIMER) this.timer = setTimeout(() => this.abandon(failed('TimedOut', `\`${this.name}\` has not returned in time`, this.name)), timeout + GRACE);
    if (!signal) return;
    const abort = () => this.abandon(reasonOf(signal));
    // A program may have replaced the signal's own methods.
    addEventListener.call(signal, 'abort', abort, { once: true });
    this.stop = () => removeEventListener.call(signal, 'abort', abort);
  }

  abandon(error) {
    this.settle(error, true);
    try {
      this.end.cancel(this.number);
    } catch {
      // The link has ended.
    }
  }

  /** wasm calls it as well, so it must not throw. */
  settle(value, hasFailed) {
    if (!all.delete(this)) return;
    clearTimeout(this.timer);
    this.stop?.();
    if (hasFailed) this.reject(value);
    else this.resolve(value);
  }
}

const { addEventListener, removeEventListener } = EventTarget.prototype;

const reasonOf = signal => {
  try {
    return signal.reason;
  } catch (error) {
    return error;
  }
};

/** In milliseconds. */
const GRACE = 500;
const LONGEST_TIMER = 2 ** 31 - 1 - GRACE;
