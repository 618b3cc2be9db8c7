// For pages and their workers.
import { reachesForeign } from './foreign.js';
import { OWN, reachesOwn } from './own.js';

/**
 * Whether requests from here reach the relay.
 *
 * @param {{ url: string, protocol: string }} relay as `relayAt` gives it
 */
export const reachesRelay = async ({ url, protocol }) => {
  if (protocol === OWN) return reachesOwn(url);
  // A relay of another library answers nothing but polls, and these are errors on the console where they do not get to it.
  for (let attempt = 1; attempt <= ATTEMPTS && !(await isIntercepted(`${url}?coincide`)); attempt++)
    await new Promise(resolve => setTimeout(resolve, 10 * attempt));
  return reachesForeign(url);
};

/** Whether requests from here go through a service worker, as far as one that any server answers tells. */
const isIntercepted = async address => {
  try {
    await (await fetch(address, { cache: 'no-store' })).arrayBuffer();
  } catch {
    return false;
  }
  const entry = performance.getEntriesByName(address).at(-1);
  // Firefox has no `workerStart`, and no status of responses that a service worker let pass.
  return !entry || entry.workerStart > 0 || entry.responseStatus === 0;
};

/** How often it is tried, in some 150 ms, until a worker that was there before the service worker has got it. */
const ATTEMPTS = 5;
