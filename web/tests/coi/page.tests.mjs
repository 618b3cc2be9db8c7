// coi.js on a page, without a browser: a visit is reloaded at most once, whatever the page and the browser do.
import { readFileSync } from 'node:fs';
import vm from 'node:vm';

export default (test, { assert, deepEqual, equal }) => {
  const source = readFileSync(new URL('../../pkg/coi.js', import.meta.url), 'utf8');
  const PAGE = 'https://site.example/app/page.html';

  /** A tab: the state that persists between loads. */
  const newTab = () => ({ worker: null, stored: new Map(), state: null });

  /** Actions of a page at each load that hide earlier loads from the script. */
  const HABITS = {
    'nothing else': () => {},
    'the address of the script changes': ({ script }) => (script.src = `https://site.example/app/coi.js?${Math.random()}`),
    'the scope changes': ({ attributes }) => (attributes.scope = `./?${Math.random()}`.slice(0, 2)),
    'the policy changes': ({ attributes, load }) => (attributes.policy = ['require-corp', 'credentialless', 'isolate-and-require-corp'][load % 3]),
    'storages are cleared': ({ tab }) => tab.stored.clear(),
    'storages throw': ({ globals }) => {
      for (const name of ['sessionStorage', 'localStorage', 'caches', 'indexedDB']) hide(globals, name);
    },
    'the state of the page is replaced': ({ tab }) => (tab.state = null),
    'service workers are unregistered': ({ tab }) => (tab.worker = null),
    'another service worker takes control at each other load': ({ tab, load }) => load % 2 && (tab.worker = { scriptURL: 'https://site.example/app/other.js', state: 'activated' }),
    'there are two tags': visit => (visit.tags = 2),
    'the load bypasses the service worker': visit => (visit.passed = true),
    'registration is replaced': visit => (visit.registers = async () => undefined),
    'trusted types are required': visit => (visit.trusted = true),
    'the type of navigation is unknown': visit => (visit.type = undefined),
  };

  const hide = (globals, name) =>
    Object.defineProperty(globals, name, {
      configurable: true,
      get() {
        throw new DOMException('the page is insecure', 'SecurityError');
      },
    });

  /** Loads the page until it is no longer reloaded. Returns the number of loads and the last messages. */
  const visit = async (habits, { tab = newTab(), type = 'navigate', isolates = false, most = 6 } = {}) => {
    for (let load = 0; ; load++) {
      let reloads = 0;
      const said = [];
      const attributes = {};
      const script = { src: 'https://site.example/app/coi.js', getAttribute: name => attributes[name] ?? null };
      const storage = {
        getItem: key => tab.stored.get(key) ?? null,
        setItem: (key, value) => tab.stored.set(key, value),
        removeItem: key => tab.stored.delete(key),
      };
      const settings = { tab, load, script, attributes, tags: 1, passed: false, type: load > 0 ? 'reload' : type };
      const globals = { sessionStorage: storage, localStorage: storage };
      settings.globals = globals;
      for (const habit of habits) HABITS[habit](settings);
      const controller = settings.passed ? null : tab.worker;
      const serviceWorker = {
        controller,
        getRegistration: async () => (tab.worker ? { active: tab.worker } : undefined),
        register: async url => {
          if (settings.registers) return settings.registers();
          if (settings.trusted && !url.isTrusted) throw new TypeError('this page takes a TrustedScriptURL');
          tab.worker = { scriptURL: `${url}`, state: 'activated', addEventListener() {} };
          return { active: tab.worker };
        },
      };
      const location = { href: PAGE, origin: 'https://site.example', protocol: 'https:', reload: () => reloads++ };
      Object.assign(globals, {
        URL, DOMException, location,
        document: { currentScript: script },
        navigator: { serviceWorker },
        crossOriginIsolated: isolates && Boolean(controller),
        isSecureContext: true,
        performance: { getEntriesByType: () => (settings.type ? [{ type: settings.type }] : []) },
        history: { get state() { return tab.state; }, replaceState: state => (tab.state = state) },
        console: { error: text => said.push(text), info: text => said.push(text) },
      });
      if (settings.trusted)
        globals.trustedTypes = { createPolicy: (name, { createScriptURL }) => ({ createScriptURL: url => ({ isTrusted: name === 'coincide', toString: () => createScriptURL(url) }) }) };
      globals.self = globals.top = globals;
      const context = vm.createContext(globals);
      for (let tag = 0; tag < settings.tags; tag++) vm.runInContext(source, context);
      await new Promise(resolve => setTimeout(resolve, 0));
      if (reloads === 0 || load === most) return { loads: load + 1, said, isolated: globals.crossOriginIsolated };
    }
  };

  test('coi.js on a page: reloads the first visit once, is isolated then, and does not reload later visits', async () => {
    const tab = newTab();
    deepEqual(await visit([], { tab, isolates: true }), { loads: 2, said: [], isolated: true });
    deepEqual(await visit([], { tab, isolates: true }), { loads: 1, said: [], isolated: true });
  });

  test('coi.js on a page: registers with the policy `coincide` where trusted types are required', async () => {
    deepEqual(await visit(['trusted types are required'], { isolates: true }), { loads: 2, said: [], isolated: true });
  });

  test('coi.js on a page: reports a registration without a result', async () => {
    const { loads, said } = await visit(['registration is replaced']);
    equal(loads, 1);
    assert(said[0].includes('neither registered the service worker nor said why'), said[0]);
  });

  test('coi.js on a page: does not reload the second visit where the headers do not isolate', async () => {
    const tab = newTab();
    const first = await visit([], { tab });
    deepEqual([first.loads, first.said.length], [2, 1]);
    assert(first.said[0].includes('though the service worker has added the headers'), first.said[0]);
    equal((await visit([], { tab })).loads, 1);
  });

  test('coi.js on a page: tells how to reload after a forced reload', async () => {
    const { loads, said } = await visit([], { type: 'reload' });
    equal(loads, 1);
    assert(said[0].includes('reload it as usual'), said[0]);
  });

  // All habits alone and in pairs, and all of them together.
  const names = Object.keys(HABITS);
  const all = [...names.flatMap((one, at) => names.slice(at).map(other => [...new Set([one, other])])), names];
  test('coi.js on a page: reloads a page that is never isolated at most once, whatever the page does at each load', async () => {
    for (const type of ['navigate', 'reload', 'back_forward', 'prerender'])
      for (const habits of all) {
        const { loads, said } = await visit(habits, { type });
        const what = `${type}, ${habits.join(', ')}`;
        assert(loads <= 2, `${loads} loads: ${what}`);
        assert(said.length > 0, `it reports nothing: ${what}`);
      }
  });
};
