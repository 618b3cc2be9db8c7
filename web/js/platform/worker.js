// The platform module for workers of pages.
import { HELLO } from '../boot.js';
import { Inbox } from '../worker/inbox.js';
import { whyNoWasm } from './policy.js';

export { whyNoWasm } from './policy.js';
export { reachesRelay } from '../relay/reaches.js';

/** Why this is not a worker of a page, and what to import where; undefined in a worker. */
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

// A program can replace this method.
const { postMessage } = globalThis;

export const post = (message, transfer) => postMessage.call(globalThis, message, transfer);

/** Announces this worker to main, for the first time or again. */
export const announce = hello => post({ [HELLO]: hello });
export const announceAgain = announce;

const inbox = new Inbox(globalThis);

/** Calls `receives` with the data of each message, before listeners of the program. If it returns true, they do not receive the message. */
export const onMessage = receives => inbox.listen(receives);

/** Calls `listener` with the reason when a message of main, such as the link, could not be read. In Firefox, a policy that forbids wasm makes it unreadable. */
export const onUnreadable = listener =>
  globalThis.addEventListener('messageerror', () => {
    const fault = whyNoWasm();
    if (fault) listener(fault);
  });

/** Dispatches unread messages of the program again, after the running code. */
export const deliver = () => inbox.deliver();

/** The address of this worker's script. */
export const address = () => globalThis.location.href;

// Not needed here: browsers keep workers until they are closed.
export const awaitLink = () => {};
export const giveUp = () => {};
export const keepAliveWhile = () => {};
export const reconsider = () => {};

/** Calls `listener` with each uncaught error and unhandled rejection, and a promise of whether the program has not handled the event. */
export const onUncaught = listener => {
  const listen = (type, valueOf) =>
    globalThis.addEventListener(type, event => {
      const value = valueOf(event);
      if (value) listener(value[0], new Promise(resolve => setTimeout(() => resolve(!event.defaultPrevented), 0)));
    });
  // An event without an error comes from a nested worker.
  listen('error', ({ error, message }) => (error != null || /(null|undefined)$/.test(message ?? '') ? [error] : undefined));
  listen('unhandledrejection', ({ reason }) => [reason]);
};

/** Calls `listener` when the program closes this worker, for which main receives no event. */
export const onClose = listener => {
  const { close } = globalThis;
  globalThis.close = () => {
    listener();
    close();
  };
};

/**
 * Calls back when the running code has ended or paused, and its errors were reported. Takes two tasks, because rejections are reported in the task after the code.
 */
export const afterStart = callback => setTimeout(() => setTimeout(callback, 0), 0);
