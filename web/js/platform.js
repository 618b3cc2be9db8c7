// The platform module for pages and their workers. `platform.node.js` has the same exports for Node.js.
import { clause } from './errors.js';
import './foreign/index.js';
import { revived, thrownAt } from './thrown.js';

export { whyNotShared } from './boot.js';
export { reachesRelay } from './relay/reaches.js';
export { claimWorkers, isControlled, newToken, relayAt, whyNoServiceWorkers, whyOutside } from './relay/registration.js';

export const Worker = globalThis.Worker;

/** Calls `listener` with the data of each message, before listeners of the program. If it returns true, these do not receive the message. */
export const onMessage = (target, listener) =>
  target.addEventListener('message', event => {
    if (listener(event.data)) event.stopImmediatePropagation();
  });

/**
 * Calls back when the worker fails to start: `throws` with the thrown value, or `ends` with a text if the value is unknown.
 *
 * A worker that has a link (`isUp`) reports its errors itself, and once it is ready it continues after an error.
 */
export const onFailure = (worker, { url, isUp, throws, ends }) =>
  worker.addEventListener('error', event => {
    if (isUp()) return;
    // The event has only the text of the error. If the worker has imported coincide, a message with the error itself follows.
    setTimeout(async () => {
      const thrown = thrownAt(event);
      if (thrown) throws(revived(thrown));
      else ends(`the worker has failed: ${await whyNotRun(url)}`);
    }, GRACE);
  });

/** Why a worker's script did not run, as far as a request for it shows. */
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
  return `its script ${href}, or a module that it imports, could not be loaded or has a syntax error: see the console of the browser`;
};

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

/**
 * Calls back when the running code has ended or paused, and its errors were reported. Rejections are reported in a task after it, so this
 * takes two.
 */
export const afterStart = callback => setTimeout(() => setTimeout(callback, 0), 0);

/** Milliseconds by which a worker's message about an error may arrive after the browser's event. */
const GRACE = 50;

/** Timeout in milliseconds of the request for a script that did not run. */
const PATIENCE = 2000;

/** The object on which a worker receives main's messages. */
export const self = globalThis;

/** Whether memory can be shared here. */
export const shared = () => globalThis.crossOriginIsolated === true && typeof SharedArrayBuffer === 'function';
