// Determines why the script of a worker did not run, which browsers do not report.
import { clause } from '../errors.js';
import { refusedWorker } from './policy.js';

/** Resolves with why a worker's script did not run, according to the page's policy and to requests for it and its imports. */
export const whyNotRun = async script => {
  const base = globalThis.document?.baseURI ?? globalThis.location.href;
  const href = script !== undefined && URL.canParse(script, base) ? new URL(script, base).href : undefined;
  const refused = refusedWorker(href);
  if (refused) return `the Content-Security-Policy of the page forbids its script ${href ?? refused}: allow it in \`worker-src\`, which falls back to \`script-src\``;
  if (href === undefined) return `its script, or a module that it imports, ${UNKNOWN}`;
  const first = await fault(href, 'its script');
  if (first.why) return first.why;
  for (const specifier of importsOf(first.text)) {
    if (!/^(\.{0,2}\/|\w+:)/.test(specifier))
      return `its script ${href} imports \`${specifier}\`, a bare specifier, and import maps do not apply to workers: use a bundler, or import an address`;
    if (!URL.canParse(specifier, href)) continue;
    const { why } = await fault(new URL(specifier, href).href, `a module that its script ${href} imports,`);
    if (why) return why;
  }
  return `its script ${href}, or a module that it imports, ${UNKNOWN}`;
};

const UNKNOWN = 'could not be loaded or has a syntax error: see the console of the browser';

/** Resolves with `{ why }` if a script cannot be loaded, otherwise with its `{ text }`. */
const fault = async (href, what) => {
  try {
    const answer = await fetch(href, { signal: AbortSignal.timeout(TIMEOUT) });
    const { ok, status, headers } = answer;
    if (!ok) return { why: `${what} ${href} was answered with status ${status}: check the address` };
    const type = headers.get('content-type') ?? '';
    const text = await answer.text();
    if (/html/i.test(type)) return { why: `${what} ${href} was answered with a page (\`${type}\`), as servers do for addresses that they do not know: check the address` };
    if (!/(java|ecma)script/i.test(type)) return { why: `${what} ${href} is served as \`${type}\`: serve it as \`text/javascript\`` };
    return { text };
  } catch (error) {
    return { why: `${what} ${href} cannot be fetched: ${clause(error.message)}; a server of another origin has to allow this one (\`Access-Control-Allow-Origin\`)` };
  }
};

/** The specifiers of static imports in the text of a script. */
const importsOf = text => {
  const found = [...text.matchAll(/^\s*(?:import|export)\b(?:[^'"();]*?\bfrom)?\s*['"]([^'"\n]+)['"]/gm)].map(([, specifier]) => specifier);
  return [...new Set(found)].slice(0, MOST);
};

/** Maximum number of modules that are requested. */
const MOST = 10;

/** Timeout in milliseconds of each request. */
const TIMEOUT = 2000;
