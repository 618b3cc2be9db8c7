// Functions of the worker that return from main. Every operation returns the function itself.
import { skip } from './suite.mjs';
import { windowKit } from './window.kit.mjs';

export default (test, kit) => {
  const { deepEqual, equal } = kit;
  const { within } = windowKit(kit);

  /** Kinds of functions, by name. */
  const kinds = () => ({
    arrow: () => 1,
    named: function named() {},
    method: { method() {} }.method,
    async: async () => 1,
    generator: function* () {},
    asyncGenerator: async function* () {},
    class: class {},
    bound: function () {}.bind(null),
    native: Math.max,
    proxy: new Proxy(() => 1, {}),
    dressed: Object.assign(() => 1, { then: undefined, length2: 1, own: { nested: [] } }),
  });

  /** Ways by which a function is sent to main and returns. Each yields the returned value. */
  const ways = {
    'a property': ({ window, store }, fn) => ((store.f = fn), store.f),
    'a property, read twice': ({ store }, fn) => ((store.f = fn), store.f, store.f),
    'a property of the root': ({ window }, fn) => ((window.x = fn), window.x),
    'a property that was looked for': ({ store }, fn) => ((store.f = fn), 'f' in store && store.f),
    'a descriptor': ({ store }, fn) => ((store.f = fn), Object.getOwnPropertyDescriptor(store, 'f').value),
    'a descriptor that was defined': ({ store }, fn) => {
      Object.defineProperty(store, 'defined', { value: fn, configurable: true });
      return Object.getOwnPropertyDescriptor(store, 'defined').value;
    },
    'a getter': ({ store }, fn) => {
      Object.defineProperty(store, 'accessor', { get: fn, configurable: true });
      const { get } = Object.getOwnPropertyDescriptor(store, 'accessor');
      delete store.accessor;
      return get;
    },
    'entries': ({ store }, fn) => ((store.f = fn), Object.entries(store).find(([key]) => key === 'f')[1]),
    'values': ({ store }, fn) => ((store.f = fn), Object.values(store).find(value => typeof value === 'function')),
    'assign': ({ store }, fn) => ((store.f = fn), Object.assign({}, store).f),
    'spread': ({ store }, fn) => ((store.f = fn), { ...store }.f),
    'rest': ({ store }, fn) => {
      store.f = fn;
      const { none, ...rest } = store;
      return rest.f;
    },
    'JSON': ({ store }, fn) => ((store.f = fn), JSON.stringify(store), store.f),
    'an element': ({ list }, fn) => ((list[0] = fn), list[0]),
    'an iterated element': ({ list }, fn) => ((list[0] = fn), [...list][0]),
    'an element by a method': ({ list }, fn) => ((list[0] = fn), list.at(0)),
    'a method of main': ({ list }, fn) => (list.unshift(fn), list.shift()),
    'a map of main': ({ window }, fn) => (window.map.set('key', fn), window.map.get('key')),
    'a key of a map': ({ window }, fn) => {
      window.map.clear();
      window.map.set(fn, 1);
      return [...window.map.keys()][0];
    },
    'a result': ({ window }, fn) => window.same(fn),
    'a result in a list': ({ window }, fn) => window.args(1, fn)[1],
    'this': ({ window }, fn) => window.self.call(fn),
    'a constructor': ({ window }, fn) => new window.Returns(fn),
    'a class that extends one': ({ window }, fn) => {
      class Derived extends window.Returns {}
      return new Derived(fn);
    },
    'a prototype': ({ window }, fn) => (window.adopt(fn), Object.getPrototypeOf(window.child)),
    'the name of a function': ({ window }, fn) => {
      Object.defineProperty(window.holder, 'name', { value: fn, configurable: true });
      'x' in window.holder;
      return window.holder.name;
    },
    'the constructor of an object': ({ window }, fn) => {
      const made = window.made(fn);
      'x' in made;
      return made.constructor;
    },
    'the class of an object': ({ window }, fn) => {
      const made = window.classed(fn);
      'x' in made;
      return made.constructor;
    },
    'the prototype of a class': ({ window }, fn) => {
      const made = window.inherits(fn);
      'x' in made;
      return Object.getPrototypeOf(made);
    },
    'query': ({ ffi, window, store }, fn) => ((store.f = fn), ffi.query(window, 'store.f')),
    'gather': ({ ffi, window, store }, fn) => ((store.f = fn), ffi.gather(window, 'store', 'store.f')[1]),
    'batch': ({ ffi, store }, fn) => ffi.batch(() => ((store.f = fn), store.f)),
    'post': ({ ffi, list, window }, fn) => {
      ffi.post(list, 'splice', 0, 9, fn);
      return list[0];
    },
    'ffi.assign': ({ ffi, store }, fn) => ffi.assign(store, { g: fn }).g,
    'a callback': async ({ window }, fn) => {
      let got;
      await window.call(value => void (got = value), fn);
      return got;
    },
    'this of a callback': async ({ window }, fn) => {
      let got;
      await window.callOn(fn, function () {
        got = this;
      });
      return got;
    },
    'the result of a callback': ({ window }, fn) => window.call(() => fn),
    'a promise': ({ window }, fn) => window.later(fn),
    'a rejection': ({ window }, fn) => window.never(fn).catch(reason => reason),
    'a property of an error': ({ window }, fn) => {
      try {
        window.fail(fn);
      } catch (error) {
        return error.own;
      }
    },
    'a copy': ({ window }, fn) => window.copied(fn).nested[0],
  };

  const root = () => {
    const root = {
      store: {}, list: [], map: new Map(), child: {}, holder: function holder() {},
      same: value => value,
      args: (...args) => args,
      self() { return this; },
      Returns: class { constructor(value) { return value; } },
      adopt: fn => Object.setPrototypeOf(root.child, fn),
      made(fn) {
        class Made {}
        Made.prototype.constructor = fn;
        return new Made();
      },
      // Metadata includes classes, and a function of the worker can be the class of an object.
      classed(fn) {
        const proto = { constructor: fn };
        Object.defineProperty(fn, 'prototype', { value: proto, writable: false });
        return Object.create(proto);
      },
      inherits(fn) {
        const Class = function () {};
        Object.defineProperty(fn, 'constructor', { value: Class, configurable: true });
        Object.defineProperty(Class, 'prototype', { value: fn, writable: false });
        return Object.create(fn);
      },
      call: (fn, ...args) => fn(...args),
      callOn: (self, fn) => fn.call(self),
      later: async value => value,
      never: async value => { throw value; },
      fail: own => { throw Object.assign(new Error('failed'), { own }); },
    };
    return root;
  };

  const options = { 'as they are': {}, 'with a cache': { reflected_ffi_timeout: 0 }, 'without waiting': { lazy: true } };
  for (const [how, given] of Object.entries(options))
    test(`window: functions of the worker that return from main ${how} are the same functions, for each way and kind`, async () => {
      const shared = root();
      const { Worker } = kit.coincideWindow({ root: shared, membrane: false, ...given });
      const w = new Worker(kit.worker('window'));
      shared.copied = fn => w.ffi.direct({ nested: [fn] });
      try {
        const wrong = await w.proxy.run(String(async ({ window, ffi, source }, ways, kinds) => {
          const wrong = [];
          for (const [way, text] of ways)
            for (const [kind, fn] of Object.entries(source(kinds)())) {
              const before = Reflect.ownKeys(fn).length;
              try {
                // Requests metadata in later answers, as language runtimes do.
                'x' in window.store;
                const got = await source(text)({ window, ffi, store: window.store, list: window.list }, fn);
                if (got !== fn) wrong.push(`${kind} by ${way}: another ${typeof got}`);
                else if (Reflect.ownKeys(fn).length !== before) wrong.push(`${kind} by ${way}: changed`);
              } catch (error) {
                wrong.push(`${kind} by ${way}: ${error}`);
              }
              window.store = {};
              window.list.length = 0;
            }
          return wrong;
        }), Object.entries(ways).map(([way, body]) => [way, String(body)]), String(kinds));
        equal(wrong.join('; '), '');
      } finally {
        w.terminate();
      }
    });

  test('window: a function of the worker that is an event handler is read back as itself', async () => {
    if (!globalThis.document) return skip('this is no page');
    const element = document.createElement('button');
    deepEqual(await within({ element }, async ({ window, until }) => {
      const { element } = window;
      let clicks = 0;
      const listener = () => clicks++;
      'x' in element;
      element.onclick = listener;
      const same = [element.onclick === listener, Object.assign({}, { onclick: element.onclick }).onclick === listener];
      element.click();
      await until(() => clicks > 0);
      element.onclick = null;
      return [...same, clicks, element.onclick];
    }), [true, true, 1, null]);
  });

  test('window: extending a class of main whose instances are copied throws with the reason', async () => {
    equal(await within({ Bytes: Uint8Array }, ({ window }) => {
      class Bytes extends window.Bytes {}
      try {
        new Bytes(4);
      } catch (error) {
        return `${error.name}: ${error.message}`;
      }
    }), "TypeError: instances of main's Uint8Array are copies here: extend the worker's own class");
  });

  test('window: a function that returns is not a proxy: operations of proxies refuse it or run in the worker', async () => {
    equal(await within({ store: {} }, ({ window, ffi, isWindowProxy }) => {
      const fn = Object.assign(() => 7, { own: 1 });
      window.store.fn = fn;
      const home = window.store.fn;
      ffi.dispose(home);
      const refused = (() => {
        try {
          ffi.post(home, 'own');
        } catch (error) {
          return error.constructor.name;
        }
      })();
      return [isWindowProxy(home), ffi.query(home, 'own'), ffi.gather(home, 'own')[0], ffi.assign(home, { own: 2 }).own, home(), refused].join();
    }), 'false,1,1,2,7,TypeError');
  });
};
