// The service worker by which a worker blocks where memory can't be shared.
import { CoincideError } from './errors.js';
import { reachesRelay } from './reaches.js';

/**
 * Gets the service worker at `script` to relay for this page's workers, also for those that run already. The page is not reloaded, unless the script
 * isolates pages in place of relaying: that takes one reload, after which memory can be shared. `reload` forbids it.
 *
 * @returns {Promise<string>} the address of the service worker
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
    if (container.controller && (await reachesRelay(address))) return address;
    throw refused(
      `this page belongs to the service worker ${there}, which does not relay: ` +
        `add the listeners of \`coincide/sw/listeners\` to it, or import ${href} at its top`,
    );
  }
  const registration = await container.register(href).catch(error => {
    throw refused(`${href} cannot be registered: ${error.message}`);
  });
  if (!location.href.startsWith(registration.scope)) {
    if (!before) await registration.unregister();
    throw refused(
      `the scope of ${href} is ${registration.scope}, which this page is outside of: ` +
        `serve the script from a folder above the page, or with the header \`Service-Worker-Allowed\``,
    );
  }
  await within(activation(registration), `${href} did not become active`);
  if (!container.controller) await within(control(container), `${href} did not take control: the page was loaded without service workers (by a forced reload?), or the script doesn't claim it`);
  if (!(await reachesRelay(href))) await takeIsolation(href, reload);
  return href;
};

/** Reloads the page if that isolates it, once; then nothing comes back. Otherwise says what the script lacks. */
const takeIsolation = async (href, reload) => {
  // Only a reload shows what it does for pages, so its text has to tell.
  const text = await fetch(href).then(answer => answer.text(), () => '');
  const isolates = /cross-origin-embedder-policy/i.test(text) && !crossOriginIsolated;
  const guard = `coincide: reloaded for ${href}`;
  if (isolates && reload && globalThis === globalThis.top && !sessionStorage.getItem(guard)) {
    sessionStorage.setItem(guard, '1');
    location.reload();
    return new Promise(() => {});
  }
  throw refused(
    isolates
      ? `${href} isolates pages and does not relay: reload the page to have it isolated`
      : `${href} does not relay: it is something else than what \`npx coincide sw\` writes`,
  );
};

/** Has the service worker control workers of this page that started before it did. */
export const claimWorkers = () => navigator.serviceWorker.controller?.postMessage({ coincide: 'claim' });

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

const within = async (promise, why) => {
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(refused(`${why} within ${PATIENCE / 1000} s`)), PATIENCE)));
  try {
    await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
};

/** How long a service worker may take to start, in milliseconds. */
const PATIENCE = 10_000;
