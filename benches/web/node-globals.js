// Globals of pages and their workers, for threads of Node.js.
import { Worker as Thread, isMainThread, parentPort } from 'node:worker_threads';

globalThis.crossOriginIsolated = true;
globalThis.self ??= globalThis;

/** Listeners that were added to an emitter, by what is really called. */
const wrapped = new WeakMap();

/** Methods of an `EventTarget` for an emitter. */
const target = emitter => ({
  addEventListener(type, listener, { once = false } = {}) {
    const call = value => (listener.handleEvent ?? listener).call(listener, type === 'message' ? { data: value } : { message: value?.message });
    wrapped.set(listener, call);
    emitter(this)[once ? 'once' : 'on'](type, call);
  },
  removeEventListener(type, listener) {
    emitter(this).off(type, wrapped.get(listener) ?? listener);
  },
});

if (isMainThread) {
  Object.assign(Thread.prototype, target(worker => worker));
  globalThis.Worker = class Worker extends Thread {
    constructor(url) {
      super(url);
    }
  };
} else {
  Object.assign(globalThis, target(() => parentPort));
  globalThis.postMessage = (message, transfer) => parentPort.postMessage(message, transfer);
}
