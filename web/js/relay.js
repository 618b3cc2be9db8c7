// The service worker by which a worker blocks where memory can't be shared.
import { CoincideError, clause } from './errors.js';
import { protocolAt } from './relays/protocol.js';

/**
 * Gets the service worker at `script` to relay for this page's workers, also for those that run already. The page is not reloaded, unless the script
 * isolates pages in place of relaying, after which memory can be shared, or doesn't take control of this page otherwise: then once. `reload` forbids it.
 *
 * @returns {Promise<{ url: string, protocol: string, scope: string }>} the address of the service worker, how it relays, and what it controls
 * @throws {CoincideError} of code `NoRelay`: it can't relay; the message says why, and what would help
 */
export const relayAt = async (script, reload = true) => {
  const container = globalThis.navigator?.serviceWorker;
  if (!container) throw refused(whyNone());
  const url = new URL(script, document.baseURI);
  url.search = url.hash = '';
  const { href } = url;
  if (url.origin !== location.origin) throw refused(`${href} is not of this page's own origin`);

  const before = await container.getRegistration().catch(() => undefined);
  const there = before?.active?.scriptURL;
  if (there && there !== href) {
    // It goes on working, whatever else it does for this page.
    const address = there.split('?')[0];
    const protocol = container.controller && (await protocolAt(address));
    if (protocol) return { url: address, protocol, scope: before.scope };
    throw refused(
      `this page belongs to the service worker ${there}, which does not relay: ` +
        `add the listeners of \`coincide/sw/listeners\` to it, or import ${href} at its top`,
    );
  }
  const registration = await container.register(href).catch(error => {
    throw refused(`${href} cannot be registered: ${clause(error.message)}`);
  });
  const { scope } = registration;
  if (!location.href.startsWith(scope)) {
    if (!before) await registration.unregister();
    throw refused(
      `the scope of ${href} is ${scope}, which this page is outside of: ` +
        `serve the script from a folder above the page, or with the header \`Service-Worker-Allowed\``,
    );
  }
  await within(activation(registration), `${href} did not become active`);
  if (!container.controller) await takeControl(registration, href, reload);
  const protocol = (await protocolAt(href)) ?? (await takeIsolation(href, reload));
  return { url: href, protocol, scope };
};

/** Has the service worker control this page. One that has just been started does so of itself, one that was there before only if it is coincide's. */
const takeControl = async ({ active }, href, reload) => {
  const controlled = control(navigator.serviceWorker);
  active.postMessage(CLAIM);
  try {
    await within(controlled, `${href} did not take control`, CLAIMED);
  } catch {
    await reloadOnce(href, reload);
    throw refused(`${href} does not control this page, which was loaded without service workers, as by a forced reload, or while the script was unregistered: reload the page`);
  }
};

/** Reloads the page if that isolates it, once; then nothing comes back. Otherwise says what the script lacks. */
const takeIsolation = async (href, reload) => {
  // Only a reload shows what it does for pages, so its text has to tell.
  const text = await fetch(href).then(answer => answer.text(), () => '');
  const isolates = /cross-origin-embedder-policy/i.test(text) && !crossOriginIsolated;
  if (isolates) await reloadOnce(href, reload);
  throw refused(
    isolates
      ? `${href} isolates pages and does not relay: reload the page to have it isolated`
      : `${href} does not relay: it is neither what \`npx coincide sw\` writes, nor a service worker of coincident 4 or sabayon, nor one that isolates pages`,
  );
};

/** Reloads the page, unless that is forbidden or was in vain before, and never comes back then. */
const reloadOnce = async (href, reload) => {
  const guard = `coincide: reloaded for ${href}`;
  if (!reload || globalThis !== globalThis.top || sessionStorage.getItem(guard)) return;
  sessionStorage.setItem(guard, '1');
  location.reload();
  await new Promise(() => {});
};

/** Whether a service worker controls this page already. */
export const isControlled = () => Boolean(globalThis.navigator?.serviceWorker?.controller);

/** Has the service worker control workers of this page that started before it did. */
export const claimWorkers = () => navigator.serviceWorker.controller?.postMessage(CLAIM);

/** Why requests of a worker with this script never reach a service worker with this scope; nothing if they may. */
export const whyOutside = (script, scope) => {
  const { href, protocol } = new URL(script, document.baseURI);
  // Workers made of a blob belong to the page's service worker.
  if (protocol === 'blob:' || href.startsWith(scope)) return undefined;
  return `the worker's script ${href} is outside of ${scope}, the scope of the service worker: serve the script from there, or the service worker from a folder above both`;
};

/** The name of a link at the relay, which nobody can guess. */
export const newToken = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, '0')).join('');

const whyNone = () =>
  globalThis.isSecureContext === false
    ? 'service workers take https everywhere but on localhost'
    : 'this browser allows no service workers here; private windows often do not';

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

const within = async (promise, why, patience = PATIENCE) => {
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(refused(`${why} within ${patience / 1000} s`)), patience)));
  try {
    await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
};

/** How long a service worker may take to start, and then to take control, in milliseconds. */
const PATIENCE = 10_000;
const CLAIMED = 3000;

/** Asks coincide's own relay to control the pages and workers that it doesn't yet. */
const CLAIM = { coincide: 'claim' };
