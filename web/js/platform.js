// What differs between pages and Node.js: this is for pages and their workers.
import { isOpaque } from './service-workers.js';

export { claimWorkers, isControlled, newToken, relayAt, whyNoServiceWorkers, whyOutside } from './relay.js';
export { reachesRelay } from './relays/reaches.js';

export const Worker = globalThis.Worker;

/** Calls `listener` with the data of each message of a worker, before listeners of the user; it says whether it was meant. */
export const onMessage = (target, listener) =>
  target.addEventListener('message', event => {
    if (listener(event.data)) event.stopImmediatePropagation();
  });

/** Calls `listener` with a text when the worker fails to start or throws. */
export const onFailure = (worker, listener) => worker.addEventListener('error', event => listener(event.message ?? ''));

/** The worker's own side, on which messages of main arrive. */
export const self = globalThis;

/** Whether memory can be shared here. */
export const shared = () => globalThis.crossOriginIsolated === true && typeof SharedArrayBuffer === 'function';

/** Why memory can't be shared. */
export const whyNotShared = () => {
  if (globalThis.isSecureContext === false)
    return 'the page was loaded without https, which sharing memory takes everywhere but on localhost';
  if (globalThis.crossOriginIsolated === false && isOpaque())
    return (
      'the page is in a sandboxed frame: it is cross-origin isolated only if the page around it is, ' +
      'and the frame has `allow="cross-origin-isolated"`'
    );
  if (globalThis.crossOriginIsolated === false)
    return (
      'the page is not cross-origin isolated: its response lacks the headers ' +
      '`Cross-Origin-Opener-Policy: same-origin` and `Cross-Origin-Embedder-Policy: require-corp`'
    );
  return 'this browser has no SharedArrayBuffer';
};
