// The platform module for pages, and `platform.worker.js` for their workers. `platform.node.js` has the exports of both for Node.js.
import { clause } from './errors.js';
import { revived, thrownAt } from './thrown.js';

export { whyNotShared } from './boot.js';
export { onMessage } from './platform.worker.js';
export { claimWorkers, isControlled, newToken, relayAt, whyNoServiceWorkers, whyOutside } from './relay/registration.js';

export const Worker = globalThis.Worker;

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

/** Milliseconds by which a worker's message about an error may arrive after the browser's event. */
const GRACE = 50;

/** Timeout in milliseconds of the request for a script that did not run. */
const PATIENCE = 2000;

/** Whether memory can be shared here. */
export const shared = () => globalThis.crossOriginIsolated === true && typeof SharedArrayBuffer === 'function';
