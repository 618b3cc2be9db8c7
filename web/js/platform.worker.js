// The platform module for workers of pages.

export { reachesRelay } from './relay/reaches.js';

/** The object on which a worker receives main's messages. */
export const self = globalThis;

/** Calls `listener` with the data of each message, before listeners of the program. If it returns true, these do not receive the message. */
export const onMessage = (target, listener) =>
  target.addEventListener('message', event => {
    if (listener(event.data)) event.stopImmediatePropagation();
  });

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
