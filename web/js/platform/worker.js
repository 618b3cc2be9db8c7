// The platform module for workers of pages.
import { HELLO } from '../boot.js';
import { Inbox } from '../worker/inbox.js';
import { whyNoWasm } from './policy.js';

export { whyNoWasm } from './policy.js';
export { reachesRelay } from '../relay/reaches.js';

/** Why this is not a worker of a page, and where coincide belongs instead; undefined in a worker. */
export const whyMisplaced = () => {
  const is = name => typeof globalThis[name] === 'function' && globalThis instanceof globalThis[name];
  if (is('DedicatedWorkerGlobalScope')) return undefined;
  const where = (PLACES.find(([name]) => is(name)) ?? ['', 'not a worker of a page'])[1];
  return `this is ${where}: import \`coincide/worker\` in a \`Worker\``;
};

const PLACES = [
  ['Window', 'a page, on which `coincide/main` belongs'],
  ['SharedWorkerGlobalScope', 'a SharedWorker, which serves several pages and has no main of its own'],
  ['ServiceWorkerGlobalScope', 'a service worker, which serves several pages and has no main of its own'],
  ['WorkletGlobalScope', 'a worklet, which can post nothing to main without a port'],
];

// The program may replace it, and coincide must not pass through that.
const { postMessage } = globalThis;

export const post = (message, transfer) => postMessage.call(globalThis, message, transfer);

/** Announces this worker to main, for the first time or again. */
export const announce = hello => post({ [HELLO]: hello });
export const announceAgain = announce;

const inbox = new Inbox(globalThis);

/** Calls `receives` with the data of each message, before listeners of the program. If it returns true, these do not receive the message. */
export const onMessage = receives => inbox.listen(receives);

/** Calls `listener` with the reason when a message of main could not be read here, which may be the link: Firefox reads no wasm where a policy forbids it. */
export const onUnreadable = listener =>
  globalThis.addEventListener('messageerror', () => {
    const fault = whyNoWasm();
    if (fault) listener(fault);
  });

/** Has messages of the program that no listener has read dispatched again, once its present code has run. */
export const deliver = () => inbox.deliver();

/** The address of this worker's script. */
export const address = () => globalThis.location.href;

// A browser keeps workers until they are closed.
export const awaitLink = () => {};
export const giveUp = () => {};
export const keepAliveWhile = () => {};
export const reconsider = () => {};

/** Calls `listener` with each uncaught error and unhandled rejection, and a promise of whether the program leaves the event unhandled. */
export const onUncaught = listener => {
  const listen = (type, valueOf) =>
    globalThis.addEventListener(type, event => {
      const value = valueOf(event);
      if (value) listener(value[0], new Promise(resolve => setTimeout(() => resolve(!event.defaultPrevented), 0)));
    });
  // An event without an error comes from a worker of this worker.
  listen('error', ({ error, message }) => (error != null || /(null|undefined)$/.test(message ?? '') ? [error] : undefined));
  listen('unhandledrejection', ({ reason }) => [reason]);
};

/** Calls `listener` when the program closes this worker. No event tells main. */
export const onClose = listener => {
  const { close } = globalThis;
  globalThis.close = () => {
    listener();
    close();
  };
};

/**
 * Calls back when the running code has ended or paused, and its errors were reported. Rejections are reported in a task after it, so this
 * takes two.
 */
export const afterStart = callback => setTimeout(() => setTimeout(callback, 0), 0);
