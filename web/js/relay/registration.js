// Registers the service worker that relays for blocked workers if memory cannot be shared.
import { isOpaque } from '../boot.js';
import { CoincideError, clause } from '../errors.js';
import { others } from './others.js';
import { OWN, carriesOwn, servesOwn, reachesOwn } from './own.js';
import { reloadOnce, wentThroughServiceWorker } from './reload.js';

export { newToken } from './own.js';

/**
 * Registers the service worker at `script`, to relay for workers of this page, including running ones. Reloads the page once, unless `reload` is false, if the script
 * isolates pages instead of relaying, so that memory can be shared afterwards, or if it does not take control of the page.
 *
 * @returns {Promise<{ url: string, protocol: string, scope: string }>} the address of the service worker, its protocol, and its scope
 * @throws {CoincideError} of code `NoRelay` if it cannot relay
 */
export const relayAt = async (script, reload = true) => {
  const none = whyNoServiceWorkers();
  if (none) throw refused(none);
  const workers = container();
  const url = new URL(script, document.baseURI);
  url.search = url.hash = '';
  const { href } = url;
  if (url.origin !== location.origin) throw refused(`${href} is of another origin than this page: serve the service worker from the page's own origin`);

  const before = await workers.getRegistration().catch(() => undefined);
  const there = before?.active?.scriptURL;
  if (there && there !== href) {
    // Keeps this registration, because it may do other work for the page.
    const address = there.split(/[?#]/)[0];
    // Only coincide's own listeners take control of pages that were loaded earlier.
    if (!workers.controller && (await servesOwn(before.active))) await takeControl(before, address, reload);
    const protocol = workers.controller && (await protocolAt(address, before));
    if (protocol) return { url: address, protocol, scope: before.scope };
    throw refused(
      `this page has the service worker ${there}, which ${workers.controller ? 'does not relay' : 'does not control it: reload the page'}: ` +
        `add the listeners of \`coincide/sw/listeners\` to it, or import ${href} at its top`,
    );
  }
  // If the page requires trusted types, only a `TrustedScriptURL` of the program is accepted.
  const trusted = globalThis.TrustedScriptURL && script instanceof TrustedScriptURL ? script : href;
  const registration = await (async () => workers.register(trusted))().catch(error => {
    const hint = error?.name === 'TypeError' && globalThis.trustedTypes ? '; if the page requires trusted types, pass a `TrustedScriptURL` as `serviceWorker`' : '';
    throw refused(`${href} cannot be registered: ${clause(error.message)}${hint}`);
  });
  if (!registration) throw refused(`${href} was not registered, and the browser gave no reason: an extension or a script of the page may have replaced \`navigator.serviceWorker.register\``);
  const { scope } = registration;
  if (!location.href.startsWith(scope)) {
    if (!before) await registration.unregister();
    throw refused(
      `this page is outside of ${scope}, the scope of ${href}: ` +
        `serve the script from a folder above the page, or with the header \`Service-Worker-Allowed\``,
    );
  }
  await within(activation(registration), `${href} did not become active`);
  if (!workers.controller) await takeControl(registration, href, reload);
  let isolates = false;
  const protocol = await protocolAt(href, registration, async () => (isolates = await takeIsolation(href, reload)));
  if (protocol) return { url: href, protocol, scope };
  if (isolates) throw refused(`${href} isolates pages and does not relay: reload the page to have it isolated`);
  throw refused(`${href} does not relay: it is not what \`npx coincide sw\` writes${others.named}${newer(registration)}`);
};

/**
 * Resolves with the protocol by which the service worker at `url`, which controls this page, relays; with undefined if it does not relay. `isolate` is called before a
 * request that logs an error on the console without a relay.
 */
const protocolAt = async (url, registration, isolate) => {
  const { controller } = container();
  if (await reachesOwn(url)) {
    if (await carriesOwn(url)) return OWN;
    throw lacks(url, 'message', registration);
  }
  await isolate?.();
  const protocol = await others.protocolAt(url);
  if (!protocol && (await servesOwn(controller))) throw lacks(url, 'fetch', registration);
  return protocol;
};

const lacks = (url, listener, registration) =>
  refused(
    `${url} relays nothing, since it lacks the listener \`${listener}\` of \`coincide/sw/listeners\`: ` +
      `add \`addEventListener('${listener}', ${listener})\` at its top${newer(registration)}`,
  );

/** A hint that a newer version of the service worker is waiting. */
const newer = ({ waiting }) =>
  waiting
    ? '; a newer version of it waits until all pages of the site are closed: close them, or call `skipWaiting()` in its listener `install`'
    : '';

/** Makes the service worker control this page. A new one does so by itself, an older one only if it is coincide's. */
const takeControl = async ({ active }, href, reload) => {
  const controlled = control(container());
  active.postMessage(CLAIM);
  try {
    await within(controlled, `${href} did not take control`, CONTROL_TIMEOUT);
  } catch {
    if (reload) await reloadOnce();
    throw refused(`${href} does not control this page, which was loaded without service workers, as by a forced reload, or while the script was unregistered: reload the page`);
  }
};

/** Resolves with whether the script isolates pages and does not relay. If a reload may isolate the page, reloads it and stays pending. */
const takeIsolation = async (href, reload) => {
  if (crossOriginIsolated) return false;
  // The effect on pages is visible only after a reload, so the text of the script is searched.
  const text = await fetch(href).then(answer => answer.text(), () => '');
  const isolates = /cross-origin-embedder-policy/i.test(text) && !others.relays(text);
  if (isolates && reload && !wentThroughServiceWorker()) await reloadOnce();
  return isolates;
};

/** Whether a service worker controls this page. */
export const isControlled = () => Boolean(container()?.controller);

/** Makes the service worker control workers of this page that were started earlier. */
export const claimWorkers = () => container()?.controller?.postMessage(CLAIM);

/** Why requests of a worker with this script never reach a service worker with this scope; undefined if they may. */
export const whyOutside = (script, scope) => {
  if (!URL.canParse(script)) return undefined;
  const { href, protocol } = new URL(script);
  // The page's service worker controls a worker from a Blob.
  if (protocol === 'blob:' || href.startsWith(scope)) return undefined;
  return `the worker's script ${href} is outside of ${scope}, the scope of the service worker: serve the script from there, or the service worker from a folder above both`;
};

/** Why no service worker can be used here; undefined if one can. */
export const whyNoServiceWorkers = () => {
  if (globalThis.isSecureContext === false) return 'service workers require https except on localhost';
  if (isOpaque()) return 'sandboxed frames have no service workers: add `allow-same-origin` to the attribute `sandbox`';
  if (!container()) return 'this browser allows no service workers here, as is common in private windows';
  return undefined;
};

/** The service workers of this page; undefined if there are none. Reading them throws in some sandboxed frames. */
const container = () => {
  try {
    return globalThis.navigator?.serviceWorker;
  } catch {
    return undefined;
  }
};

const refused = why => new CoincideError('NoRelay', why, '');

const activation = ({ active, waiting, installing }) =>
  new Promise((resolve, reject) => {
    if (active) return resolve();
    const worker = installing ?? waiting;
    worker.addEventListener('statechange', () => {
      if (worker.state === 'activated') resolve();
      if (worker.state === 'redundant') reject(refused(`${worker.scriptURL} could not be installed`));
    });
  });

const control = container => new Promise(resolve => container.addEventListener('controllerchange', () => resolve(), { once: true }));

const within = async (promise, why, timeout = ACTIVATION_TIMEOUT) => {
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(refused(`${why} within ${timeout / 1000} s`)), timeout)));
  try {
    await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
};

/** Timeouts in milliseconds for a service worker to become active, and then to take control. */
const ACTIVATION_TIMEOUT = 10_000;
const CONTROL_TIMEOUT = 3000;

/** Message that makes coincide's own relay take control of pages and workers. */
const CLAIM = { coincide: 'claim' };
