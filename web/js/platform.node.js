// What differs between pages and Node.js: this is for Node.js.
import { Worker as Thread, parentPort } from 'node:worker_threads';

/** A thread with the shape of a page's worker, as far as coincide needs it. */
export class Worker extends Thread {
  constructor(url, { type, ...options } = {}) {
    super(typeof url === 'string' && /^(file|data):/.test(url) ? new URL(url) : url, options);
  }
}

/** Calls `listener` with the data of each message of a worker, before listeners of the user; it says whether it was meant. */
export const onMessage = (target, listener) =>
  // It also keeps the thread alive for main's calls, until main terminates it.
  target?.addEventListener('message', event => {
    if (listener(event.data)) event.stopImmediatePropagation();
  });

export const onFailure = (worker, listener) => {
  worker.on('error', error => listener(String(error?.message ?? error)));
  worker.on('exit', code => listener(`the thread has ended with code ${code}`, true));
};

export const self = parentPort;

export const shared = () => true;

export const whyNotShared = () => '';
