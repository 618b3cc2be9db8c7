// What coi.js promises. Each case runs on a page of its own, without headers and without a service worker at first.
import { assert, deepEqual, equal, throws } from '../suite.mjs';

/** This server by another name: another site for the browser. */
const elsewhere = `http://localhost:${location.port}`;

const loads = src =>
  new Promise(resolve => {
    const image = new Image();
    image.onload = () => resolve(true);
    image.onerror = () => resolve(false);
    image.src = src;
  });

const registered = async (script, options) => {
  const { installing, waiting, active } = await navigator.serviceWorker.register(script, options);
  const worker = installing ?? waiting ?? active;
  await new Promise(resolve => {
    const look = () => worker.state === 'activated' && resolve();
    worker.addEventListener('statechange', look);
    look();
  });
};

/** What a worker finds, which shares memory with this page. */
const askWorker = async () => {
  const worker = new Worker('./worker.js', { type: 'module' });
  const memory = new Int32Array(new SharedArrayBuffer(4));
  const isolated = await new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = () => reject(new Error('the worker does not start'));
    worker.postMessage(memory);
  });
  worker.terminate();
  deepEqual([isolated, memory[0]], [true, 42]);
};

const frame = async src => {
  const element = document.createElement('iframe');
  element.src = src;
  const loaded = new Promise(resolve => (element.onload = resolve));
  document.body.append(element);
  await loaded;
  return element.contentDocument;
};

/** Chromium knows `Document-Isolation-Policy` since 137. */
const knowsDocumentIsolation =
  Number(navigator.userAgentData?.brands.find(({ brand }) => brand === 'Chromium')?.version ?? 0) >= 137;
const ifKnown = () =>
  knowsDocumentIsolation ? { isolated: true } : { isolated: false, says: 'may not know the policy' };

/** WebKit 2.50 knows no `credentialless`. */
const knowsCredentialless = !/AppleWebKit/.test(navigator.userAgent) || /Chrome/.test(navigator.userAgent);
const ifCredentialless = () =>
  knowsCredentialless ? reloaded : { isolated: false, says: 'may not know the policy' };

const hide = (target, name, value) => Object.defineProperty(target, name, { value, configurable: true });

/** What makes a page look as if nothing isolated it, and then does what is given at each load. */
const neverIsolated = (action = () => {}) => () => {
  hide(globalThis, 'crossOriginIsolated', false);
  return action();
};

/** Makes reading these throw, as on sandboxed pages. */
const forbid = (...names) => {
  for (const name of names)
    Object.defineProperty(globalThis, name, {
      configurable: true,
      get() {
        throw new DOMException('the operation is insecure', 'SecurityError');
      },
    });
};

/** Clears what coi.js might remember something in; the page's own counters stay. */
const clear = () => {
  for (const key of Object.keys(sessionStorage)) if (!key.startsWith('loads ')) sessionStorage.removeItem(key);
  localStorage.clear();
  history.replaceState(null, '');
  globalThis.name = '';
};

const unregister = async () => {
  for (const registration of await navigator.serviceWorker.getRegistrations()) await registration.unregister();
};

const ANY = { isolated: false, says: 'the page is not isolated' };

const reloaded = { isolated: true };
const refused = says => ({ isolated: false, says });

export const cases = [
  {
    name: 'a page without headers is isolated after one reload',
    loads: 2,
    registered: 1,
    expect: reloaded,
    then: async () => {
      const [registration] = await navigator.serviceWorker.getRegistrations();
      equal(registration.scope, new URL('.', location.href).href);
      assert(await loads('./dot.svg'), 'an image of the page is not loaded');
      equal((await import(new URL('./module.mjs', location.href))).answer, 42);
      await askWorker();
      // Nothing but pages and workers goes through the service worker's hands.
      const { type, status, headers } = await fetch('./dot.svg');
      deepEqual([type, status, headers.get('cross-origin-embedder-policy')], ['basic', 200, null]);
      equal((await fetch('./none.svg')).status, 404);
    },
  },
  {
    name: 'frames are loaded, error pages too; images of other sites have to allow it',
    loads: 2,
    expect: reloaded,
    then: async () => {
      equal((await frame('./empty.html')).title, 'an empty page');
      assert(await frame('./none.html'), 'an error page is kept out of its frame');
      assert(!(await loads(`${elsewhere}/plain/site/coi/app/dot.svg`)), 'an image that allows nothing is loaded');
      assert(await loads(`${elsewhere}/site/coi/app/dot.svg`), 'an image that allows it is not loaded');
    },
  },
  {
    name: 'the scope is that of the attribute',
    attributes: { scope: '/plain/site/' },
    loads: 2,
    expect: reloaded,
    then: async () => {
      const [registration] = await navigator.serviceWorker.getRegistrations();
      equal(registration.scope, `${location.origin}/plain/site/`);
    },
  },
  {
    name: 'a page outside of the scope stays as it is',
    attributes: { 'data-scope': '../other/' },
    registered: 0,
    expect: refused('outside of the scope'),
  },
  {
    name: 'a script that may not serve the scope says so',
    src: '/plain/web/pkg/coi.js',
    registered: 0,
    expect: refused('its own folder'),
  },
  {
    name: 'a script that is gone says so',
    disguise: () => hide(document, 'currentScript', Object.assign(document.createElement('script'), { src: '../../none.js' })),
    registered: 0,
    expect: refused('cannot be the service worker'),
  },
  {
    name: 'a script of another site says so',
    src: `${elsewhere}/plain/site/coi.js`,
    registered: 0,
    expect: refused('on another site'),
  },
  {
    name: 'no reload where that is forbidden; the next load is isolated',
    attributes: { 'data-reload': 'never' },
    reload: 'the next time',
    loads: 2,
    registered: 1,
    expect: reloaded,
  },
  ...Object.entries({
    'the address of coi.js changes with each load': { src: () => `../../coi.js?${Date.now()}` },
    'storages throw': { disguise: neverIsolated(() => forbid('sessionStorage', 'localStorage')) },
    'storages, state and name are cleared': { disguise: neverIsolated(clear) },
    'a script unregisters service workers': { disguise: neverIsolated(unregister) },
    'all of it': {
      src: () => `../../coi.js?${Date.now()}`,
      async disguise() {
        await neverIsolated(unregister)();
        clear();
        forbid('sessionStorage', 'localStorage');
      },
    },
  }).map(([what, one]) => ({
    name: `a page that is never isolated is reloaded once: ${what}`,
    disguise: neverIsolated(),
    loads: 2,
    expect: ANY,
    ...one,
  })),
  {
    name: 'a page that is never isolated is reloaded once: several tags',
    disguise: neverIsolated(() => {
      const script = document.createElement('script');
      script.src = `../../coi.js?${Date.now()}`;
      document.head.append(script);
    }),
    loads: 2,
    expect: ANY,
  },
  {
    name: 'frames that are never isolated are reloaded once each',
    src: null,
    expect: { isolated: false },
    then: async () => {
      const loads = { one: 0, two: 0 };
      const said = new Promise(resolve => {
        const texts = new Map();
        addEventListener('message', ({ data: { name, text } }) => {
          if (text === undefined) loads[name]++;
          else if (texts.set(name, text).size === 2) resolve([...texts.values()]);
        });
      });
      document.body.append(...Object.keys(loads).map(name => Object.assign(document.createElement('iframe'), { name, src: './unisolated.html' })));
      const texts = await said;
      assert(texts.every(text => text.includes('the page is not isolated')), texts.join());
      await new Promise(resolve => setTimeout(resolve, 500));
      deepEqual(loads, { one: 2, two: 2 });
    },
  },
  {
    name: 'credentialless loads images of sites that say nothing',
    attributes: { policy: 'credentialless' },
    loads: 2,
    expect: ifCredentialless,
    then: async () => {
      assert(await loads(`${elsewhere}/plain/site/coi/app/dot.svg`), 'the image is not loaded');
      if (knowsCredentialless) await askWorker();
    },
  },
  {
    name: 'isolate-and-require-corp isolates where it is known, else the page is reloaded once',
    attributes: { policy: 'isolate-and-require-corp' },
    loads: 2,
    expect: ifKnown,
    then: () => (knowsDocumentIsolation ? askWorker() : undefined),
  },
  {
    name: 'isolate-and-credentialless isolates where it is known, else the page is reloaded once',
    attributes: { policy: 'isolate-and-credentialless' },
    loads: 2,
    expect: ifKnown,
    then: async () => {
      assert(await loads(`${elsewhere}/plain/site/coi/app/dot.svg`), 'the image is not loaded');
      assert(await frame('./empty.html'), 'the frame is not loaded');
    },
  },
  {
    name: 'an unknown policy is refused',
    attributes: { policy: 'credentials' },
    registered: 0,
    expect: refused('there is no policy "credentials"'),
  },
  {
    name: 'a service worker of the site stays',
    before: () => registered('./own.js'),
    registered: 1,
    expect: refused('own.js is the service worker of this page already'),
    then: async () => {
      const [registration] = await navigator.serviceWorker.getRegistrations();
      assert(registration.active.scriptURL.endsWith('/own.js'), registration.active.scriptURL);
    },
  },
  {
    name: 'a service worker of the site imports it, and still answers itself',
    src: null,
    before: () => registered('./importing.js'),
    reload: true,
    loads: 2,
    registered: 1,
    expect: reloaded,
    then: async () => {
      equal(await (await fetch('./own-answer')).text(), 'the answer of the site');
      await askWorker();
    },
  },
  {
    name: 'a frame says that it depends on the page around it',
    src: null,
    registered: 0,
    expect: { isolated: false },
    then: async () => {
      const { defaultView } = await frame('./framed.html');
      assert(defaultView.said?.includes('this page is in a frame'), `it says ${defaultView.said}`);
    },
  },
  {
    name: 'without service workers it says so',
    disguise: () => hide(navigator, 'serviceWorker', undefined),
    expect: refused('no service workers'),
    then: () => delete navigator.serviceWorker,
  },
  {
    name: 'without https it says so',
    disguise: () => hide(globalThis, 'isSecureContext', false),
    registered: 0,
    expect: refused('without https'),
  },
  {
    name: 'a page that requires trusted types and allows the policy `coincide` is isolated after one reload',
    at: '/plain/trusted/site/coi/app/',
    loads: 2,
    registered: 1,
    expect: reloaded,
    then: async () => {
      if (!globalThis.trustedTypes) return;
      throws(() => new Worker('./worker.js', { type: 'module' }), TypeError);
    },
  },
  {
    name: 'a page that is isolated already needs nothing',
    at: '/site/coi/app/',
    registered: 0,
    expect: reloaded,
  },
];
