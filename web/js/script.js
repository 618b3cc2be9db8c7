// Why the script of a worker did not run, of which browsers say nothing.
import { clause } from './errors.js';

/** Why a worker's script did not run, as far as a request for it shows. */
export const whyNotRun = async script => {
  if (script === undefined) return 'its script, or a module that it imports, could not be loaded or has a syntax error: see the console of the browser';
  const { href } = new URL(script, globalThis.document?.baseURI ?? globalThis.location.href);
  try {
    const { ok, status, headers } = await fetch(href, { signal: AbortSignal.timeout(TIMEOUT) });
    if (!ok) return `its script ${href} was answered with status ${status}: check the address`;
    const type = headers.get('content-type') ?? '';
    if (!/(java|ecma)script/i.test(type)) return `its script ${href} is served as \`${type}\`: serve it as \`text/javascript\``;
  } catch (error) {
    return `its script ${href} cannot be fetched: ${clause(error.message)}`;
  }
  return `its script ${href}, or a module that it imports, could not be loaded or has a syntax error: see the console of the browser`;
};

/** Timeout in milliseconds of the request for a script that did not run. */
const TIMEOUT = 2000;
