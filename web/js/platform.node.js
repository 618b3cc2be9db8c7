// The platform module for Node.js. `platform.js` and `platform.worker.js` have the same exports for pages and their workers.
import process from 'node:process';
import { Worker as Thread, parentPort } from 'node:worker_threads';
import { CoincideError, isDom, isError } from './errors.js';

/** Always rejects: Node.js has no service workers, and needs none, because memory can always be shared. */
export const relayAt = async () => {
  throw new CoincideError('NoRelay', whyNoServiceWorkers(), '');
};

export const whyNoServiceWorkers = () => 'Node.js has no service workers';

export const newToken = () => '';

export const claimWorkers = () => {};

export const isControlled = () => false;

export const whyOutside = () => undefined;

export const reachesRelay = async () => false;

/** A thread with the parts of a page's `Worker` that coincide needs. */
export class Worker extends Thread {
  #filters = [];
  #watch = null;

  constructor(url, { type, ...options } = {}) {
    super(typeof url === 'string' && /^(file|data):/.test(url) ? new URL(url) : url, options);
  }

  /** Calls `listener` with each message first. If it returns true, listeners of the program do not receive the message. */
  filter(listener) {
    this.#filters.push(listener);
  }

  /** Sets `throws`, called with the error that ends the thread, and `wasHeard`, which returns whether a promise of the program rejects with it. */
  watch(watch) {
    this.#watch = watch;
  }

  emit(event, ...details) {
    if (event === 'message' && this.#filters?.some(filter => filter(details[0]))) return true;
    if (event === 'error' && this.#watch) {
      const { throws, wasHeard } = this.#watch;
      const [thrown] = details;
      const isHeard = this.listenerCount('error') > 0;
      const tell = () => {
        throws(thrown);
        // An error without a listener ends the process, as in Node.js itself. A promise that rejects with it counts as a listener.
        if (!isHeard) setImmediate(() => wasHeard() || super.emit(event, thrown));
      };
      // A plain object may be what Node.js makes of an error that it cannot copy. A message with the error then arrives before the thread exits.
      if (typeof thrown === 'object' && thrown !== null && !(thrown instanceof Error)) this.prependOnceListener('exit', tell);
      else tell();
      if (!isHeard) return false;
    }
    return super.emit(event, ...details);
  }
}

/** Calls `listener` with the data of each message, before listeners of the program. If it returns true, these do not receive the message. */
export const onMessage = (target, listener) => {
  if (target instanceof Worker) return target.filter(listener);
  // The listener also keeps the thread alive for main's calls until main terminates it.
  target?.addEventListener('message', event => {
    if (listener(event.data)) event.stopImmediatePropagation();
  });
};

/** Calls back when the thread ends: `throws` with the error that ended it, otherwise `ends` with a text. */
export const onFailure = (worker, { throws, ends, wasHeard }) => {
  worker.watch({ throws, wasHeard });
  worker.on('exit', code => ends(`the thread of the worker has exited with code ${code}`));
};

/**
 * Calls `fails` with uncaught errors that Node.js cannot copy to main. It reports others itself. Either kind ends the thread, except an error that is
 * among its own causes: Node.js does not return from copying it, and main has to terminate the thread.
 */
export const onUncaught = (listener, fails) =>
  process.on('uncaughtExceptionMonitor', error => {
    if (isDom(error)) fails(error, { isEnding: true });
    else if (isAmongItsCauses(error)) fails(error);
  });

const isAmongItsCauses = error => {
  const seen = new Set();
  try {
    for (let next = error; isError(next); next = next.cause) {
      if (seen.has(next)) return true;
      seen.add(next);
    }
  } catch {
    // A getter has thrown: the chain of causes ends there.
  }
  return false;
};

/** Calls back when the running code has ended or paused. An unhandled rejection in it has ended the thread before. */
export const afterStart = callback => setTimeout(callback, 0);

/** Not needed here: an event informs main. */
export const onClose = () => {};

export const self = parentPort;

export const shared = () => true;

export const whyNotShared = () => '';
