// The platform module for pages, and `worker.js` for their workers. `node.js` has the exports of both for Node.js.
import { listenFirst } from './first.js';
import { Outbox } from '../main/outbox.js';
import { watchPolicy } from './policy.js';
import { whyNotRun } from './script.js';
import { revived, thrownAt } from '../thrown.js';
import { inWords } from '../link/values.js';
import { PEER_TIMEOUT } from './wait.js';

export { whyNotShared } from '../boot.js';
export { whyNoWasm } from './policy.js';
export { claimWorkers, isControlled, newToken, relayAt, whyNoServiceWorkers, whyOutside } from '../relay/registration.js';

export const Worker =
  globalThis.Worker ??
  class {
    constructor() {
      throw new TypeError('this environment has no `Worker`: create workers on a page, or on the main thread of Node.js');
    }
  };

// A program can replace these methods. They also work for workers of other realms.
const { postMessage, terminate: end } = Worker.prototype;
const { addEventListener } = globalThis.EventTarget?.prototype ?? {};

/** The platform's prototype of workers, also if the program has replaced `Worker` by a subclass. */
const prototypeOf = prototype => (!prototype || Object.hasOwn(prototype, 'onmessage') ? prototype : prototypeOf(Object.getPrototypeOf(prototype)));
const onmessage = Object.getOwnPropertyDescriptor(prototypeOf(Worker.prototype) ?? {}, 'onmessage')?.get;

/** Why a value is not a worker of a page, and what to pass; undefined for a worker. */
export const whyNoWorker = value => {
  const kind = kindOf(value);
  if (isWorker(value)) return undefined;
  if (kind === 'Worker') return 'pass the `Worker` itself, not a `Proxy` of it or an object that resembles it';
  if (kind === 'SharedWorker') return 'a SharedWorker serves several pages, and a link has one main: pass a `Worker`';
  if (kind === 'ServiceWorker' || kind === 'ServiceWorkerRegistration') return 'a service worker serves several pages, and a link has one main: pass a `Worker`; the option `serviceWorker` names a relay';
  if (kind === 'MessagePort') return 'pass the `Worker`, not a port to it';
  if (kind === 'Promise') return 'pass the `Worker`, not a promise of it';
  if (typeof value === 'string' || kind === 'URL') return `pass \`new Worker(new URL('./worker.js', import.meta.url), { type: 'module' })\`, not the address of a script`;
  if (typeof value === 'function') return 'pass an instance, such as `new W()`, not the class';
  return `pass \`new Worker(new URL('./worker.js', import.meta.url), { type: 'module' })\`, not ${inWords(value)}`;
};

/** Whether a value is a worker, of any realm. False for a `Proxy` of one and for an object that inherits from one. */
const isWorker = value => {
  try {
    onmessage.call(value);
    return true;
  } catch {
    return false;
  }
};

const kindOf = value => {
  try {
    return Object.prototype.toString.call(value).slice(8, -1);
  } catch {
    // A trap of a `Proxy` has thrown.
    return 'Object';
  }
};

/** True, because browsers deliver messages to workers that do not listen yet: see `main/outbox.js`. */
export const holdsMessages = true;

export const outboxOf = worker => new Outbox((message, options) => postMessage.call(worker, message, options));

/** Whether a worker's `postMessage` is that of the platform. */
export const isPlain = worker => {
  if (worker.postMessage === postMessage) return true;
  // A worker of another realm. Bound methods and a `Proxy` have the same source text as those of the platform.
  const own = Object.getPrototypeOf(worker);
  return !Object.hasOwn(worker, 'postMessage') && own !== Worker.prototype && Object.hasOwn(own, Symbol.toStringTag) && NATIVE.test(Function.prototype.toString.call(own.postMessage));
};

const NATIVE = /\{\s*\[native code\]\s*\}$/;

/** The function that posts to a worker that has announced itself. */
export const channelTo = worker => (message, transfer) => postMessage.call(worker, message, transfer);

export const terminate = worker => end.call(worker);

/**
 * Calls `receives` with each message of the worker before listeners of the program. If it returns true, they do not receive the message.
 *
 * When the worker fails to start, calls `throws` with the thrown value, or `ends` with a text if the value is unknown. A worker that has a link (`isUp`) reports its
 * errors itself.
 */
export const attend = (worker, { receives, isUp, url, throws, ends }) => {
  watchPolicy();
  listenFirst(worker, event => receives(event.data));
  addEventListener.call(worker, 'error', event => {
    if (isUp()) return;
    // The event has only the text of the error. A worker that has imported coincide also posts the error itself.
    setTimeout(async () => {
      const thrown = thrownAt(event);
      if (thrown) throws(revived(thrown));
      else ends(`the worker has failed: ${await whyNotRun(url())}`);
    }, GRACE);
  });
};

/** Milliseconds after the browser's event in which a worker's message with the error may arrive. */
const GRACE = 50;

/** The warning about a worker that has not announced itself. */
export const whySilent = worker =>
  `${worker} has not imported \`coincide/worker\` within ${PEER_TIMEOUT / 1000} s, so calls of its functions are pending. Likely causes: its script does not import it, ` +
  'awaits something before the import, or is still being loaded; or the worker does not use coincide, and need not be wrapped';

/** Whether memory can be shared with workers. */
export const shared = () => globalThis.crossOriginIsolated === true && typeof SharedArrayBuffer === 'function';
