// What differs between pages and Node.js: this is for Node.js.
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

  constructor(url, { type, ...options } = {}) {
    super(typeof url === 'string' && /^(file|data):/.test(url) ? new URL(url) : url, options);
  }

  /** Hears of each message first, and keeps those that it says were meant for it. */
  filter(listener) {
    this.#filters.push(listener);
  }

  emit(event, ...details) {
    if (event === 'message' && this.#filters?.some(filter => filter(details[0]))) return true;
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

export const onFailure = (worker, listener) => {
  worker.on('error', error => listener(String(error?.message ?? error)));
  worker.on('exit', code => listener(`the thread has ended with code ${code}`, true));
};

export const self = parentPort;

export const shared = () => true;

export const whyNotShared = () => '';
