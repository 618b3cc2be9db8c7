// Cases of coi.js in a browser. Each runs on a page of its own, initially without headers and without a service worker.
import { assert, deepEqual, equal, throws } from '../suite.mjs';

/** This server under another host name, which is another site for the browser. */
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
    const check = () => worker.state === 'activated' && resolve();
    worker.addEventListener('statechange', check);
    check();
  });
};

/** Asserts that a worker is isolated and shares memory with this page. */
const checkWorker = async () => {
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

/** Makes a page appear as not isolated, and runs `action`, at each load. */
const neverIsolated = (action = () => {}) => () => {
  hide(globalThis, 'crossOriginIsolated', false);
  return action();
};

/** Makes reading these globals throw, as on sandboxed pages. */
const forbid = (...names) => {
  for (const name of names)
    Object.defineProperty(globalThis, name, {
      configurable: true,
      get() {
        throw new DOMException('the operation is insecure', 'SecurityError');
      },
    });
};

/** Clears all places where coi.js could store state, except the counters of this page. */
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
    name: 'isolates a page without headers after one reload',
    loads: 2,
    registered: 1,
    expect: reloaded,
    then: async () => {
      const [registration] = await navigator.serviceWorker.getRegistrations();
      equal(registration.scope, new URL('.', location.href).href);
      assert(await loads('./dot.svg'), 'an image of the page is not loaded');
      equal((await import(new URL('./module.mjs', location.href))).answer, 42);
      await checkWorker();
      // The service worker answers requests of pages and workers only.
      const { type, status, headers } = await fetch('./dot.svg');
      deepEqual([type, status, headers.get('cross-origin-embedder-policy')], ['basic', 200, null]);
      equal((await fetch('./none.svg')).status, 404);
    },
  },
  {
    name: 'an isolated page loads frames and error pages, and images of other sites only if they allow it',
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
    name: 'registers the service worker for the scope of the attribute',
    attributes: { scope: '/plain/site/' },
    loads: 2,
    expect: reloaded,
    then: async () => {
      const [registration] = await navigator.serviceWorker.getRegistrations();
      equal(registration.scope, `${location.origin}/plain/site/`);
    },
  },
  {
    name: 'does not isolate a page outside of the scope',
    attributes: { 'data-scope': '../other/' },
    registered: 0,
    expect: refused('outside of the scope'),
  },
  {
    name: 'reports a script that may not serve the scope',
    src: '/plain/web/pkg/coi.js',
    registered: 0,
    expect: refused('its own folder'),
  },
  {
    name: 'reports a script that cannot be loaded again',
    disguise: () => hide(document, 'currentScript', Object.assign(document.createElement('script'), { src: '../../none.js' })),
    registered: 0,
    expect: refused('cannot be the service worker'),
  },
  {
    name: 'reports a script of another site',
    src: `${elsewhere}/plain/site/coi.js`,
    registered: 0,
    expect: refused('on another site'),
  },
  {
    name: 'does not reload with `data-reload=never`, and isolates the next load',
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
    'all of these': {
      src: () => `../../coi.js?${Date.now()}`,
      async disguise() {
        await neverIsolated(unregister)();
        clear();
        forbid('sessionStorage', 'localStorage');
      },
    },
  }).map(([what, one]) => ({
    name: `reloads a page that is never isolated once: ${what}`,
    disguise: neverIsolated(),
    loads: 2,
    expect: ANY,
    ...one,
  })),
  {
    name: 'reloads a page that is never isolated once: there are several tags',
    disguise: neverIsolated(() => {
      const script = document.createElement('script');
      script.src = `../../coi.js?${Date.now()}`;
      document.head.append(script);
    }),
    loads: 2,
    expect: ANY,
  },
  {
    name: 'reloads each frame that is never isolated once',
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
    name: 'loads images of sites without headers with the policy credentialless',
    attributes: { policy: 'credentialless' },
    loads: 2,
    expect: ifCredentialless,
    then: async () => {
      assert(await loads(`${elsewhere}/plain/site/coi/app/dot.svg`), 'the image is not loaded');
      if (knowsCredentialless) await checkWorker();
    },
  },
  {
    name: 'isolates with the policy isolate-and-require-corp where the browser knows it, and reloads once elsewhere',
    attributes: { policy: 'isolate-and-require-corp' },
    loads: 2,
    expect: ifKnown,
    then: () => (knowsDocumentIsolation ? checkWorker() : undefined),
  },
  {
    name: 'isolates with the policy isolate-and-credentialless where the browser knows it, and reloads once elsewhere',
    attributes: { policy: 'isolate-and-credentialless' },
    loads: 2,
    expect: ifKnown,
    then: async () => {
      assert(await loads(`${elsewhere}/plain/site/coi/app/dot.svg`), 'the image is not loaded');
      assert(await frame('./empty.html'), 'the frame is not loaded');
    },
  },
  {
    name: 'refuses an unknown policy',
    attributes: { policy: 'credentials' },
    registered: 0,
    expect: refused('there is no policy "credentials"'),
  },
  {
    name: 'does not replace a service worker of the site',
    before: () => registered('./own.js'),
    registered: 1,
    expect: refused('own.js is the service worker of this page already'),
    then: async () => {
      const [registration] = await navigator.serviceWorker.getRegistrations();
      assert(registration.active.scriptURL.endsWith('/own.js'), registration.active.scriptURL);
    },
  },
  {
    name: 'isolates a page whose own service worker imports it and answers requests itself',
    src: null,
    before: () => registered('./importing.js'),
    reload: true,
    loads: 2,
    registered: 1,
    expect: reloaded,
    then: async () => {
      equal(await (await fetch('./own-answer')).text(), 'the answer of the site');
      await checkWorker();
    },
  },
  {
    name: 'reports in a frame that isolation depends on the outer page',
    src: null,
    registered: 0,
    expect: { isolated: false },
    then: async () => {
      const { defaultView } = await frame('./framed.html');
      assert(defaultView.said?.includes('this page is in a frame'), `it says ${defaultView.said}`);
    },
  },
  {
    name: 'reports missing service workers',
    disguise: () => hide(navigator, 'serviceWorker', undefined),
    expect: refused('no service workers'),
    then: () => delete navigator.serviceWorker,
  },
  {
    name: 'reports a page without https',
    disguise: () => hide(globalThis, 'isSecureContext', false),
    registered: 0,
    expect: refused('without https'),
  },
  {
    name: 'isolates a page that requires trusted types and allows the policy `coincide` after one reload',
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
    name: 'does nothing on a page that is isolated already',
    at: '/site/coi/app/',
    registered: 0,
    expect: reloaded,
  },
];
