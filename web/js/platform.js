// What differs between pages and Node.js: this is for pages and their workers.
import { isOpaque } from './service-workers.js';

import { clause } from './errors.js';
import { revived, thrownAt } from './thrown.js';

export { claimWorkers, isControlled, newToken, relayAt, whyNoServiceWorkers, whyOutside } from './relay.js';
export { reachesRelay } from './relays/reaches.js';

export const Worker = globalThis.Worker;

/** Calls `listener` with the data of each message of a worker, before listeners of the user; it says whether it was meant. */
export const onMessage = (target, listener) =>
  target.addEventListener('message', event => {
    if (listener(event.data)) event.stopImmediatePropagation();
  });

/**
 * Says when the worker fails to start: `throws` is called with what it has thrown, `ends` with a text where that can't be known.
 *
 * A worker that has a link (`isUp`) says itself what it has thrown, and lives on after an error once it is ready.
 */
export const onFailure = (worker, { url, isUp, throws, ends }) =>
  worker.addEventListener('error', event => {
    if (isUp()) return;
    // Browsers tell main the text of an error only. If the worker got as far as coincide, a message with the error itself is on its way.
    setTimeout(async () => {
      const thrown = thrownAt(event);
      if (thrown) throws(revived(thrown));
      else ends(`the worker has failed: ${await whyNotRun(url)}`);
    }, GRACE);
  });

/** Why a worker's script was not run, as far as a request for it tells. */
const whyNotRun = async script => {
  const { href } = new URL(script, globalThis.document?.baseURI ?? globalThis.location.href);
  try {
    const { ok, status, headers } = await fetch(href, { signal: AbortSignal.timeout(PATIENCE) });
    if (!ok) return `its script ${href} was answered with status ${status}: check the address`;
    const type = headers.get('content-type') ?? '';
    if (!/(java|ecma)script/i.test(type)) return `its script ${href} is served as \`${type}\`: serve it as \`text/javascript\``;
  } catch (error) {
    return `its script ${href} cannot be fetched: ${clause(error.message)}`;
  }
  return `its script ${href}, or a module that it imports, could not be loaded or has a syntax error: the console of the browser says which`;
};

/** Calls `listener` with what this worker throws or rejects with and nothing catches, unless the program handles the event. */
export const onUncaught = listener => {
  const listen = (type, valueOf) =>
    globalThis.addEventListener(type, event => {
      const value = valueOf(event);
      if (value) listener(value[0], new Promise(resolve => setTimeout(() => resolve(!event.defaultPrevented), 0)));
    });
  // An event without an error is about a worker of this worker.
  listen('error', ({ error, message }) => (error != null || /(null|undefined)$/.test(message ?? '') ? [error] : undefined));
  listen('unhandledrejection', ({ reason }) => [reason]);
};

/**
 * Calls back when the code that runs now has ended, or has come to its first pause, and what that has thrown was reported: rejections are reported
 * in a task after it.
 */
export const afterStart = callback => setTimeout(() => setTimeout(callback, 0), 0);

/** Milliseconds that a worker's message about an error may come later than the browser's event. */
const GRACE = 50;

/** Milliseconds for a request that finds out why a script was not run. */
const PATIENCE = 2000;

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
