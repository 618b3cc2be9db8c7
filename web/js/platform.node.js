// What differs between pages and Node.js: this is for Node.js.
import process from 'node:process';
import { Worker as Thread, parentPort } from 'node:worker_threads';
import { CoincideError } from './errors.js';

/** There are no service workers. Nobody needs one: memory can always be shared. */
export const relayAt = async () => {
  throw new CoincideError('NoRelay', whyNoServiceWorkers(), '');
};

export const whyNoServiceWorkers = () => 'Node.js has no service workers';

export const newToken = () => '';

export const claimWorkers = () => {};

export const isControlled = () => false;

export const whyOutside = () => undefined;

export const reachesRelay = async () => false;

/** A thread with the shape of a page's worker, as far as coincide needs it. */
export class Worker extends Thread {
  #filters = [];
  #watch = null;

  constructor(url, { type, ...options } = {}) {
    super(typeof url === 'string' && /^(file|data):/.test(url) ? new URL(url) : url, options);
  }

  /** Hears of each message first, and keeps those that it says were meant for it. */
  filter(listener) {
    this.#filters.push(listener);
  }

  /** Has `throws` called with what has ended the thread, and `wasHeard` asked whether a promise of the program tells of it. */
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
        // An error that nothing listens to ends the process, as ever. A promise that rejects with it counts as a listener.
        if (!isHeard) setImmediate(() => wasHeard() || super.emit(event, thrown));
      };
      // A plain object may stand for what Node.js has no form for: then a message with that arrives before the thread has exited.
      if (typeof thrown === 'object' && thrown !== null && !(thrown instanceof Error)) this.prependOnceListener('exit', tell);
      else tell();
      if (!isHeard) return false;
    }
    return super.emit(event, ...details);
  }
}

/** Calls `listener` with the data of each message of a worker, before listeners of the user; it says whether it was meant. */
export const onMessage = (target, listener) => {
  if (target instanceof Worker) return target.filter(listener);
  // It also keeps the thread alive for main's calls, until main terminates it.
  target?.addEventListener('message', event => {
    if (listener(event.data)) event.stopImmediatePropagation();
  });
};

/** Says when the thread ends: `throws` is called with what it has thrown, otherwise `ends` with a text. */
export const onFailure = (worker, { throws, ends, wasHeard }) => {
  worker.watch({ throws, wasHeard });
  worker.on('exit', code => ends(`the thread of the worker has exited with code ${code}`));
};

/** An error that nothing catches ends the thread, and Node.js tells main of it, but for what it has no form for: `fails` is called with that. */
export const onUncaught = (listener, fails) =>
  process.on('uncaughtExceptionMonitor', error => {
    if (error instanceof DOMException) fails(error, { isEnding: true });
  });

/** Calls back when the code that runs now has ended, or has come to its first pause. Rejections that nothing handles have ended the thread before. */
export const afterStart = callback => setTimeout(callback, 0);

export const self = parentPort;

export const shared = () => true;

export const whyNotShared = () => '';
