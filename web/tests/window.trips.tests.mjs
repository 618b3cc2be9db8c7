// Round trips of operations on main's objects, and the metadata that avoids some.
import { skip } from './suite.mjs';
import { windowKit } from './window.kit.mjs';

export default (test, kit) => {
  const { assert, deepEqual } = kit;
  const { within } = windowKit(kit);

  const inWorker = (name, root, body, expected, rest) =>
    test(`window: ${name}`, async () => deepEqual(await within(root(), body, rest), expected));

  const example = ({ window: document, ffi, trips }) => {
    const anew = trips(() => {
      document.body.dataset.test = 'not ideal';
      document.body.dataset.test;
    });
    const kept = trips(() => {
      const { body } = document;
      const { dataset } = body;
      dataset.test = 'fine';
      dataset.test;
    });
    const anewByPath = trips(() => {
      ffi.query(document, 'body.dataset').test = 'x';
      ffi.query(document, 'body.dataset.test');
    });
    const keptByPath = trips(() => {
      const dataset = ffi.query(document, 'body.dataset');
      dataset.test = 'x';
      dataset.test;
    });
    return [anew, kept, anewByPath, keptByPath, document.body.dataset.test];
  };

  const page = () => ({ body: { dataset: {} } });
  inWorker("PyScript's example takes six round trips, four if assignments do not wait, and three by paths", page, example, [6, 4, 3, 3, 'x']);

  inWorker("PyScript's example takes five round trips, three if assignments do not wait, and two by paths", page, example, [5, 3, 2, 2, 'x'], {
    options: { lazy: true },
  });

  const platformObject = () => ({ thing: new URL('https://example.org/') });

  const asks = ({ window, trips }, key) => {
    /** A query of Pyodide about an object: whether an object of its prototype chain has a property. */
    const hasProperty = (object, name) => {
      for (let next = object; next !== null; next = Object.getPrototypeOf(next)) if (Object.getOwnPropertyDescriptor(next, name)) return true;
      return false;
    };
    const NAMES = ['then', 'next', 'has', 'includes', 'size', 'length', 'get', 'set', 'return', 'throw', Symbol.asyncIterator, Symbol.iterator];
    const pyodide = () => {
      const object = window[key];
      for (const name of NAMES) {
        hasProperty(object, name);
        if (typeof name === 'symbol' || name === 'then' || name === 'next') typeof object[name];
      }
      object.constructor.name;
      String(object[Symbol.toStringTag]);
    };
    const micropython = () => {
      let next = window[key];
      for (let i = 0; i < 14 && next; i++) next = Object.getPrototypeOf(next);
    };
    return [trips(pyodide), trips(pyodide), trips(micropython)];
  };

  test('window: metadata of a reference answers queries of language runtimes', async () => {
    const root = globalThis.document ?? platformObject();
    const [first, second, micropython] = await within(root, asks, { args: [globalThis.document ? 'body' : 'thing'] });
    assert(first <= 4 && second <= 2 && micropython <= 2, `${first}, ${second} and ${micropython} trips`);
  });

  test('window: metadata of a dataset answers queries', async () => {
    if (!globalThis.document) return skip('this is no page');
    const element = document.createElement('p');
    element.dataset.one = '1';
    const foreign = { dataset: new Proxy({}, { get: () => 'virtual' }) };
    const found = await within({ element, foreign }, ({ window, trips }) => {
      const { element, foreign } = window;
      const ask = object => ['then', 'length', 'next'].map(name => name in object).join();
      ask(element);
      let own;
      const few = trips(() => {
        const { dataset } = element;
        own = ['one' in dataset, 'two' in dataset, ask(dataset), Object.getPrototypeOf(dataset).constructor.name];
      });
      const many = trips(() => ask(foreign.dataset));
      element.dataset.two = 'x';
      return [few, many, ...own, 'two' in element.dataset];
    });
    deepEqual(found, [1, 4, true, false, 'false,false,false', 'DOMStringMap', true]);
  });

  test('window: metadata is not sent for proxies of the program, nor used when it may have changed', async () => {
    const virtual = new Proxy({}, { get: (_, key) => (key === 'then' ? undefined : 'virtual'), has: () => true });
    const url = new URL('https://example.org/');
    const fake = new Proxy(url, { get: (target, key) => (key === 'odd' ? 'virtual' : undefined) });
    const fn = new Proxy(function named() {}, { get: (target, key) => (key === 'odd' ? 'virtual' : target[key]) });
    const root = { virtual, url, fake, fn, change() { url.odd = 'own'; }, extend() { URL.prototype.odd = 'inherited'; }, shrink() { delete url.odd; delete URL.prototype.odd; } };
    const result = await within(root, async ({ window, pause }) => {
      const { url } = window;
      'x' in url; // Metadata is requested from now on.
      const found = ['virtual', 'fake', 'fn'].map(name => window[name].odd);
      const read = () => [window.url.odd, 'odd' in url, url.odd, Object.getOwnPropertyDescriptor(url, 'odd')?.value, Object.getPrototypeOf(url) === window.URL?.prototype].slice(0, 4).map(String);
      found.push(read());
      window.extend();
      found.push(read());
      window.change();
      found.push(read());
      window.shrink();
      found.push(read());
      url.odd = 'set';
      found.push(read());
      delete url.odd;
      await pause(5);
      found.push(read());
      return found;
    });
    deepEqual(result, [
      'virtual', 'virtual', 'virtual', ['undefined', 'false', 'undefined', 'undefined'], ['inherited', 'true', 'inherited', 'undefined'],
      ['own', 'true', 'own', 'own'], ['undefined', 'false', 'undefined', 'undefined'], ['set', 'true', 'set', 'set'],
      ['undefined', 'false', 'undefined', 'undefined'],
    ]);
  });
};
