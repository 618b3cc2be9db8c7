// The membrane around main's objects: each way out of a small root, past a policy and off a list is refused, and allowed operations work.
import { reflection } from '../modules/reflect/main.js';
import { skip } from './suite.mjs';
import { windowKit } from './window.kit.mjs';

export default (test, kit) => {
  const { assert, deepEqual, equal } = kit;
  const { within } = windowKit(kit);
  const guarded = { membrane: true };

  /** Tries ways out in a worker. Returns those that were not refused. */
  const tried = (root, ways, options) =>
    within(root, async ({ window, ffi, source, pause, until }, ways) => {
      const open = [];
      for (const [name, text] of ways)
        try {
          const found = await source(text)({ window, ffi, pause, until });
          if (found !== undefined && found !== null && found !== false) open.push(`${name}: ${typeof found === 'string' ? found : typeof found}`);
        } catch (error) {
          if (!['NotAllowedError', 'TypeError', 'RangeError'].includes(error?.name)) open.push(`${name}: ${error}`);
        }
      return open.join('; ');
    }, { args: [Object.entries(ways).map(([name, way]) => [name, String(way)])], options: { ...guarded, ...options } });

  /** A root with the kinds of values that programs have. */
  const small = () => {
    class Thing {
      #own = 1;
      constructor() { this.list = [this]; }
      get own() { return this.#own; }
      method() { return 'done'; }
    }
    return {
      answer: 42, list: [1, 2, 3], thing: new Thing(), map: new Map([['key', { deep: 1 }]]), date: new Date(0), error: new RangeError('kept'),
      add: (a, b) => a + b,
      async later(value) { return value; },
      *numbers() { yield 1; },
      // A careless program that returns forbidden values.
      careless: {
        self: () => globalThis,
        get global() { return globalThis; },
        bag: () => ({ inside: globalThis, list: [Function, Reflect] }),
        later: async () => globalThis,
        never: async () => { throw Object.assign(new Error('rejected'), { view: globalThis, number: 1 }); },
        fail() { throw Object.assign(new Error('failed', { cause: Object.assign(new TypeError('inner'), { view: globalThis }) }), { view: globalThis, number: 1 }); },
        throwGlobal() { throw globalThis; },
        throwFunction() { throw Function; },
        call: fn => fn.call(globalThis, globalThis, Function, Reflect, { kept: 1 }),
      },
    };
  };

  const ways = {
    'the constructor of the constructor': ({ window }) => window.constructor.constructor('return globalThis.SECRET')(),
    'the constructor alone': ({ window }) => window.constructor,
    'that of a function': ({ window }) => window.add.constructor('return globalThis.SECRET')(),
    'that of an async function': ({ window }) => window.later.constructor('return globalThis.SECRET')(),
    'that of a generator': ({ window }) => window.numbers.constructor('yield globalThis.SECRET')().next().value,
    'that of an array': ({ window }) => window.list.constructor,
    'that of a map': ({ window }) => window.map.constructor,
    'that of an error': ({ window }) => window.error.constructor,
    'that of a promise': ({ window }) => window.later(1).constructor,
    'that of a text': ({ ffi, window }) => ffi.query(window, 'error.message.constructor'),
    'that of a number': ({ ffi, window }) => ffi.query(window, 'answer.constructor.constructor'),
    'that of a class of the program': ({ window }) => window.thing.constructor.constructor('return 1')(),
    'evaluate': ({ ffi }) => ffi.evaluate(() => globalThis.SECRET),
    'import': async ({ window }) => (await window.import('data:text/javascript,export default 1')).default,
    'import as a posted method': ({ window, ffi }) => (ffi.post(window, 'import', 'data:text/javascript,globalThis.polluted = 1'), window.answer === 0),
    'import by a path': ({ ffi, window }) => ffi.query(window, 'import'),
    '__proto__, assigned to': ({ window }) => { window.__proto__.polluted = 1; },
    '__proto__ by a path': ({ ffi, window }) => ffi.query(window, 'list["__proto__"]'),
    '__proto__ in assign': ({ ffi, window }) => ffi.assign(window, JSON.parse('{"__proto__": {"polluted": 1}}')) === 0,
    '__proto__ in a batch': ({ ffi, window }) => ffi.batch(() => { window.__proto__ = { polluted: 1 }; }),
    'the prototype': ({ window }) => Object.getPrototypeOf(window),
    'the prototype of an array': ({ window }) => Object.getPrototypeOf(window.list),
    'the prototype of a function': ({ window }) => Object.getPrototypeOf(window.add),
    'the prototype of an iterator': ({ window }) => Object.getPrototypeOf(window.list[Symbol.iterator]()),
    'the prototype above that of the program': ({ window }) => Object.getPrototypeOf(Object.getPrototypeOf(window.thing)),
    'the prototype of a generator': ({ window }) => Object.getPrototypeOf(window.numbers.prototype),
    'setting a prototype': ({ window }) => Reflect.setPrototypeOf(window.thing, window.list),
    'defining on a function of the platform': ({ window }) => Reflect.defineProperty(window.list.map, 'polluted', { value: 1 }),
    'setting on a function of the platform': ({ window }) => Reflect.set(window.list.map, 'polluted', 1),
    'defining on an object of the platform': ({ window }) => Reflect.defineProperty(window.map, 'get', { value: () => 1 }),
    'a getter that is a function of the platform': ({ window }) => Reflect.defineProperty(window.thing, 'x', { get: window.list.map, configurable: true }),
    'call': ({ window, ffi }) => ffi.query(window, 'add.call'),
    'bind': ({ window }) => window.add.bind(null, 1),
    'lookupGetter': ({ window }) => window.thing.__lookupGetter__('own'),
    'defineGetter': ({ window }) => window.thing.__defineGetter__('x', () => 1) ?? true,
    'a method of another object': ({ window }) => Reflect.apply(window.list.map, window.thing, [() => 1]),
    'a method without an object': ({ window }) => Reflect.apply(window.list.map, undefined, [() => 1]),
    'a global as a result': ({ window }) => window.careless.self(),
    'a global as a property': ({ window }) => window.careless.global,
    'a global inside of a result': ({ window }) => window.careless.bag().inside,
    'a global in a descriptor': ({ window }) => Object.getOwnPropertyDescriptor(window.careless.bag(), 'inside').value,
    'a global inside of an array': ({ window }) => window.careless.bag().list[1],
    'a global by iteration': ({ window }) => [...window.careless.bag().list],
    'a global by a method of an array': ({ window }) => window.careless.bag().list.at(0),
    'a global in a gather': ({ ffi, window }) => ffi.gather(window, 'answer', 'careless.global'),
    'a global that a promise gives': async ({ window }) => await window.careless.later(),
    'a global in a rejection': ({ window }) => window.careless.never().catch(error => error.view ?? error.number !== 1),
    'a global in an error': ({ window }) => {
      try {
        window.careless.fail();
      } catch (error) {
        return error.view ?? error.cause.view ?? (error.number !== 1 || error.message !== 'failed' || error.cause.message !== 'inner');
      }
    },
    'a thrown global': ({ window }) => window.careless.throwGlobal(),
    'a thrown function': ({ window }) => window.careless.throwFunction(),
    'a global among the arguments of a callback': async ({ window }) => {
      let heard;
      await window.careless.call(function () {
        'use strict';
        heard = [this, ...arguments];
      });
      return heard.slice(0, 4).some(value => value !== undefined && value !== null) || heard[4].kept !== 1;
    },
    'a number as the key of a post': ({ window, ffi }) => (ffi.post(window, 0), window.answer === 0),
    'an array as the key of a post': ({ window, ffi }) => (ffi.post(window.list, ['push'], 'x'), window.answer === 0),
  };

  test('window: each way out of a small root is refused', async () => {
    globalThis.SECRET = 'secret';
    try {
      const root = small();
      equal(await tried(root, ways), '');
      equal({}.polluted, undefined);
      equal([].map.polluted, undefined);
      deepEqual(root.list, [1, 2, 3]);
    } finally {
      delete globalThis.SECRET;
    }
  });

  test('window: each way around the membrane by callbacks, exposed objects, streams and signals is refused', async () => {
    globalThis.SECRET = 'secret';
    const root = small();
    const { callback, expose, stream } = kit.mark;
    const { Worker } = kit.coincideWindow({ root, ...guarded });
    const w = new Worker(kit.worker('window'));
    const controller = new AbortController();
    class Counter {
      value = 1;
      inc() { return ++this.value; }
      static make() { return 1; }
    }
    const counter = new Counter();
    const found = [];
    const mine = {
      f: callback(function (...args) { found.push(this, ...args); return this; }),
      methods: callback({ m() { return 1; } }),
      counter: expose(counter),
      Class: expose(Counter),
      rows: stream([1, 2, 3]),
      signal: controller.signal,
    };
    try {
      const open = await w.proxy.run(String(async ({ proxy, window, source }, mine) => {
        const use = (...operation) => proxy['coincide:use'](...operation);
        const ids = Array.from({ length: 60 }, (_, i) => i);
        // References of the membrane, some of which it refuses to hand out.
        for (const key of ['thing', 'list', 'careless', 'add']) window[key];
        const inherited = ['constructor', '__proto__', 'prototype', 'caller', 'arguments', 'call', 'apply', 'bind', 'hasOwnProperty', '__defineGetter__', '__lookupGetter__', 'valueOf'];
        const open = [];
        const tries = async (name, act) => {
          try {
            const got = await act();
            const isOpen = got === 'secret' || typeof got === 'function' || (typeof got === 'object' && got !== null) || typeof got === 'symbol';
            if (isOpen) open.push(`${name}: ${typeof got}`);
          } catch (error) {
            if (!['NotAllowedError', 'TypeError', 'RangeError', 'ReferenceError', 'DataCloneError'].includes(error?.name)) open.push(`${name}: ${error}`);
          }
        };
        for (const key of inherited)
          for (const id of ids)
            for (const path of [[key], ['inc', key], ['value', key], [key, 'constructor']]) {
              await tries(`get ${id}.${path.join('.')}`, () => use(id, 0, path));
              await tries(`apply ${id}.${path.join('.')}`, () => use(id, 2, path, ['return globalThis.SECRET']));
              await tries(`construct ${id}.${path.join('.')}`, () => use(id, 3, path, ['return globalThis.SECRET']));
              await tries(`set ${id}.${path.join('.')}`, () => use(id, 1, path, 'polluted'));
            }
        // References of the membrane are in a table of their own.
        for (const id of ids)
          for (const key of ['inside', 'global', 'self', 'answer', 'list', 'SECRET', 'document']) {
            await tries(`get ${id}.${key}`, () => use(id, 0, [key]));
            await tries(`apply ${id}.${key}`, () => use(id, 2, [key], []));
          }
        for (const id of ids) {
          await tries(`rows of ${id}`, async () => (await proxy['coincide:next'](id, 1))[1].some(row => row === 'secret') && 'secret');
          await tries(`end of ${id}`, () => proxy['coincide:return'](id));
        }
        for (const name of ['SECRET', 'window', 'globalThis', 'document', 'constructor', 'coincide:use', '__proto__']) await tries(`the name ${name}`, () => use(name, 0, ['SECRET']));
        await tries('`this` of a callback', () => mine.f());
        await tries('an object of the membrane as an argument', () => mine.f(window.thing));
        await tries('a function of the membrane as an argument', () => mine.f(window.add));
        for (const id of ids) await tries(`an abort of ${id}`, () => proxy['coincide:abort'](1, id, 'hostile'));
        return open.join('; ');
      }), mine);
      equal(open, '');
      assert(found.every(value => value === null || typeof value !== 'function'), String(found.map(value => typeof value)));
      assert(!found.includes(root) && !found.includes(root.thing) && !found.includes(globalThis), 'main received an object of its own');
      equal(controller.signal.aborted, false);
      deepEqual([{}.polluted, [].polluted, Object.getPrototypeOf(counter) === Counter.prototype, counter.constructor === Counter], [undefined, undefined, true, true]);
    } finally {
      delete globalThis.SECRET;
      w.terminate();
    }
  });

  test('window: operations that an untrusted worker needs work behind the membrane', async () => {
    const root = Object.assign(small(), { URL, log: Math.max, own: { max: Math.max } });
    deepEqual(await within(root, async ({ window, ffi, until }) => {
      const { list, thing, map } = window;
      const iterated = [...list, ...map.keys(), ...window.numbers()];
      list.push(4);
      thing.added = { x: 1 };
      Object.defineProperty(thing, 'defined', { value: 2, configurable: true });
      const got = [];
      list.forEach(item => void got.push(item));
      await until(() => got.length >= 4);
      const Class = thing.constructor;
      ffi.assign(thing, { one: 1, two: list });
      ffi.batch(() => {
        thing.batched = 1;
        ffi.post(list, 'push', 5);
      });
      return [
        iterated, list.join(), thing.method(), thing.own, thing.added.x, thing.defined, delete thing.defined, 'defined' in thing,
        window.add(1, 2), await window.later(7), map.get('key').deep, map.size, String(thing), thing.hasOwnProperty('list'),
        thing instanceof Class, new Class().method(), Object.keys(list), ffi.query(window, 'thing.list[0].own'), ffi.gather(window, 'answer', 'list.length'),
        got, thing.batched, thing.two === list, new window.URL('b', 'https://example.org/a').href, window.log(1, 5), window.own.max(2, 3),
        JSON.stringify(map.get('key')), window.date.getTime(), window.error.message, Object.entries(map.get('key')),
      ];
    }, { options: guarded }), [
      [1, 2, 3, 'key', 1], '1,2,3,4,5', 'done', 1, 1, 2, true, false, 3, 7, 1, 1, '[object Object]', true,
      true, 'done', ['0', '1', '2', '3', '4'], 1, [42, 5], [1, 2, 3, 4], 1, true, 'https://example.org/b', 5, 3,
      '{"deep":1}', 0, 'kept', [['deep', 1]],
    ]);
  });

  // Operations as a worker could forge them, bypassing its own end.

  /** Main's end alone: `serve` performs an operation, `receive` returns the object that a result refers to. */
  const mainOf = (root, options) => {
    let references, serve, later;
    const link = { reflect: (...given) => ([references, serve, later] = given), release() {}, invoke() {} };
    reflection.reflect(link, { root, ...options });
    const receive = (...operation) => {
      const result = serve(...operation);
      const reference = references.known(result);
      return reference ? references.incoming(1, reference[1], reference[2]) : result;
    };
    return { serve, later, receive, references, callback: id => references.incoming(0, 2, id) };
  };

  const passes = (action, names = ['NotAllowedError', 'TypeError', 'RangeError']) => {
    try {
      return `it gave ${typeof action()}`;
    } catch (error) {
      return names.includes(error.name) ? undefined : String(error);
    }
  };

  const changing = (...texts) => ({ toString: () => texts.shift() ?? 'secret' });

  test('window: malformed operations are refused before any part of them is used', () => {
    const keys = [];
    const root = { open: { list: [1, 2], f: () => 1 }, secret: 'secret' };
    const main = mainOf(root, { policy: (operation, target, key) => (keys.push(key), key !== 'secret') });
    const open = main.receive(0, root, 'open');
    const list = main.receive(0, open, 'list');
    const f = main.receive(0, open, 'f');
    const callback = main.callback(1);
    const wrong = [];
    const refuse = (name, ...operation) => {
      const carryOut = {
        alone: () => main.serve(...operation),
        'in a batch': () => main.serve(17, root, [operation]),
        later: () => (main.later(...operation), main.serve(9, root)),
      };
      for (const [way, action] of Object.entries(carryOut)) {
        const found = passes(action);
        if (found) wrong.push(`${name}, ${way}: ${found}`);
      }
    };
    for (const number of [[0], '0', 0.5, NaN, -1, 20, 31, 63, 256, 2 ** 32, 0n, null, undefined, { valueOf: () => 0 }, true, Infinity]) refuse(`the number ${String(number)}`, number, root, 'open');
    for (const number of [[0], '0', 21, 19.5, { valueOf: () => 0 }]) refuse(`the inner number ${String(number)}`, 19, root, ['open'], number, 'list');
    const odd = {
      list: ['secret'], object: changing('open', 'secret'), boxed: new String('secret'), number: 0, undefined, null: null, boolean: true, bigint: 1n, proto: '__proto__', function: callback,
    };
    for (const [name, key] of Object.entries(odd)) {
      refuse(`get by ${name}`, 0, root, key);
      refuse(`get for another by ${name}`, 0, open, key, root);
      refuse(`set by ${name}`, 1, root, key, 1);
      refuse(`has by ${name}`, 2, root, key);
      refuse(`delete by ${name}`, 3, root, key);
      refuse(`a descriptor by ${name}`, 5, root, key);
      refuse(`define by ${name}`, 6, root, key, { value: 1 });
      refuse(`gather by ${name}`, 14, root, [[key]]);
      refuse(`query by ${name}`, 15, root, [key]);
      refuse(`query by ${name} at the end`, 15, root, ['open', key]);
      refuse(`invoke by ${name}`, 18, root, key, []);
      refuse(`reach by ${name}`, 19, root, [key], 0, 'list');
      refuse(`reach to ${name}`, 19, root, ['open'], 0, key);
    }
    const targets = { nothing: undefined, null: null, text: 'secret', number: 1, symbol: Symbol.iterator, copy: { a: 1 }, list: [1], callback, global: globalThis, function: () => 1 };
    for (const [name, target] of Object.entries(targets)) {
      for (const number of [0, 1, 2, 3, 5, 18]) refuse(`operation ${number} on ${name}`, number, target, 'a', []);
      for (const number of [4, 7, 8, 9, 10]) refuse(`operation ${number} on ${name}`, number, target);
      refuse(`apply of ${name}`, 11, target, undefined, []);
      refuse(`construct of ${name}`, 12, target, []);
      refuse(`construct for ${name}`, 12, f, [], target ?? null);
      refuse(`assign to ${name}`, 13, target, [{ a: 1 }]);
      refuse(`reach from ${name}`, 19, target, ['a'], 0, 'b');
      refuse(`get for ${name}`, 0, open, 'list', target ?? null);
      refuse(`set for ${name}`, 1, open, 'list', 1, target ?? null);
    }
    for (const [name, given] of Object.entries({ theirs: list, text: 'ab', object: { length: 1, 0: 'open' }, nothing: undefined, number: 1 })) {
      refuse(`arguments that are ${name}`, 11, f, undefined, given);
      refuse(`arguments of new that are ${name}`, 12, f, given);
      refuse(`a path that is ${name}`, 15, root, given);
      refuse(`paths that are ${name}`, 14, root, given);
      refuse(`a path among others that is ${name}`, 14, root, [given]);
      refuse(`sources that are ${name}`, 13, open, given);
      refuse(`operations that are ${name}`, 17, root, given);
      refuse(`an operation that is ${name}`, 17, root, [given]);
      refuse(`a path to reach that is ${name}`, 19, root, given, 0, 'a');
    }
    refuse('a descriptor of main', 6, open, 'a', list);
    refuse('no descriptor', 6, open, 'a', undefined);
    refuse('source that is no text', 16, root, ['secret'], []);
    for (const id of [1e9, -1, 0.5, NaN]) {
      const found = passes(() => main.references.incoming(1, 0, id), ['ReferenceError']);
      if (found) wrong.push(`the reference ${id}: ${found}`);
    }
    equal(wrong.join('; '), '');
    assert(keys.every(key => key === undefined || typeof key === 'string' || Array.isArray(key)), `the policy was asked for ${keys.map(key => typeof key)}`);
    equal(Object.keys(root.open).join(), 'list,f');
  });

  test('window: a policy receives each effect by its name, for each operation with the effect', () => {
    const root = { open: { x: 1 }, secret: 'secret' };
    const asked = new Set();
    const main = mainOf(root, { policy: (operation, target, key) => (asked.add(`${operation} ${typeof key === 'string' ? key : ''}`), key !== 'secret') });
    const open = main.receive(0, root, 'open');
    const has = main.receive(0, root, 'hasOwnProperty');
    const operations = {
      get: [0, root, 'secret'], 'get with metadata': [64, root, 'secret'], 'get as steady': [192, root, 'secret'], 'get for another object': [0, open, 'secret', root], set: [1, root, 'secret', 1],
      'set for another object': [1, open, 'secret', 1, root], has: [2, root, 'secret'], delete: [3, root, 'secret'], descriptor: [5, root, 'secret'], define: [6, root, 'secret', { value: 1 }],
      assign: [13, root, [{ secret: 1 }]], 'assign from it': [13, open, [root]], gather: [14, root, [['secret']]], query: [15, root, ['secret']], batch: [17, root, [[0, root, 'secret']]],
      invoke: [18, root, 'secret', []], reach: [19, root, ['secret'], 0, 'length'], 'reach to it': [19, root, [], 0, 'secret'], 'a question of all objects': [18, root, 'hasOwnProperty', ['secret']],
      'the same as a function': [11, has, root, ['secret']], 'the same by a text that changes': [11, has, root, [changing('open', 'secret')]],
    };
    const wrong = Object.entries(operations).map(([name, operation]) => [name, passes(() => main.serve(...operation))]).filter(([, found]) => found);
    equal(wrong.map(String).join('; '), '');
    equal(root.secret, 'secret');
    for (const operation of ['get', 'set', 'has', 'deleteProperty', 'getOwnPropertyDescriptor', 'defineProperty']) assert(asked.has(`${operation} secret`), operation);
    // Objects along a path need not have been handed out before.
    const deep = { a: { b: { list: [1, 2], Class: class { n = 1; } } } };
    const fresh = mainOf(deep, { membrane: true });
    const found = [[19, deep, ['a', 'b', 'list'], 0, 'length'], [19, deep, ['a', 'b'], 1, 'x', 7], [19, deep, ['a', 'b'], 2, 'x'], [19, deep, ['a', 'b', 'list'], 18, 'at', [1]]].map(operation => fresh.serve(...operation));
    deepEqual([found, deep.a.b.x, fresh.receive(19, deep, ['a', 'b', 'Class'], 12, []).n], [[2, true, true, 2], 7, 1]);
    // Flags with a path are for the operation at its end.
    const kept = { at: { stored: 1, get computed() { return 2; } }, get stored() { return 3; }, computed: 4 };
    for (const membrane of [true, false]) {
      const flagged = ['stored', 'computed'].map(key => mainOf(kept, { membrane }).serve(19 | 128, kept, ['at'], 0, key));
      deepEqual(flagged.map(([value, , , isSteady]) => [value, isSteady]), [[1, true], [2, false]], `with a membrane: ${membrane}`);
    }
    const late = mainOf(root, { policy: async () => true });
    equal(passes(() => late.serve(0, root, 'open'), ['TypeError']), undefined);
  });

  test('window: a policy over the whole global object cannot be bypassed with functions that act on any object', async () => {
    const names = [
      'Reflect', 'Object', 'Function', 'Proxy', 'eval', 'JSON', 'Array', 'Promise', 'structuredClone', 'Symbol', 'Map', 'Iterator', 'Atomics', 'WebAssembly', 'Error', 'FinalizationRegistry',
    ].filter(name => name in globalThis);
    deepEqual(await within(globalThis, ({ window, ffi }, names) => {
      const open = [];
      const attempt = (name, action) => {
        try {
          const found = action();
          if (found !== undefined && found !== null) open.push(`${name}: ${typeof found}`);
        } catch (error) {
          if (error.name !== 'NotAllowedError' && error.name !== 'TypeError') open.push(`${name}: ${error}`);
        }
      };
      for (const name of names) {
        attempt(name, () => window[name]);
        attempt(`${name} by a path`, () => ffi.query(window, name));
        attempt(`${name} in a descriptor`, () => Object.getOwnPropertyDescriptor(window, name).value);
        attempt(`what ${name} is made by`, () => ffi.query(window, `${name}.constructor`));
      }
      attempt('Reflect.get', () => window.Reflect.get(window, 'SECRET'));
      attempt('text to a timer', () => window.setTimeout('globalThis.polluted = 1', 0));
      attempt('text to a timer, alone', () => (0, window.setTimeout)('globalThis.polluted = 1', 0));
      attempt('a change of Math', () => {
        window.Math.max = 1;
        return window.Math.max === 1;
      });
      attempt('the secret itself', () => window.SECRET);
      return [open.join('; '), window.globalThis === window, window.Math.max(1, 2)];
    }, { args: [names], options: { policy: (operation, target, key) => key !== 'SECRET' } }), ['', true, 2]);
    equal(globalThis.polluted, undefined);
  });

  test('window: evaluate and import are refused unless their options allow them', async () => {
    const attempts = ({ window, ffi, outcome }) => [outcome(() => ffi.evaluate(() => 7)).value ?? 'refused', outcome(() => typeof window.import).value ?? 'refused'];
    const found = options => within({ a: 1 }, attempts, { options });
    deepEqual(await found(guarded), ['refused', 'refused']);
    deepEqual(await found({ ...guarded, evaluate: true }), [7, 'refused']);
    deepEqual(await found({ ...guarded, imports: true }), ['refused', 'function']);
    deepEqual(await found({ membrane: false }), [7, 'function']);
    deepEqual(await found({ policy: operation => operation !== 'evaluate', evaluate: true, imports: true }), ['refused', 'function']);
    equal(await within({ a: 1 }, async ({ window }) => (await window.import('data:text/javascript,export const answer = 42')).answer, { options: { ...guarded, imports: true } }), 42);
  });

  const app = () => {
    const app = { user: { name: 'Ada', password: 'secret' }, api: { add: (a, b) => a + b, deep: { list: [1] } }, secret: 'secret', items: [], Class: class { static make() { return 1; } } };
    app.items.push({ app, user: app.user });
    app.api.deep.app = app;
    app.api.give = () => app;
    return app;
  };
  const allow = ['user.name', 'api', 'items', 'Class.make'];

  test('window: objects along listed paths have only the listed keys, and values at the end of a path are open', async () => {
    const root = app();
    deepEqual(await within(root, ({ window, ffi }) => {
      const { user, api } = window;
      api.added = 1;
      user.name = 'Eve';
      return [
        user.name, api.add(1, 2), api.deep.list[0], api.added, Object.keys(window), Object.keys(user), 'password' in user, 'name' in user, Object.entries(user), Object.getPrototypeOf(user),
        ffi.query(window, 'user.name'), window.Class.make(), api.deep.app === window, window.items[0].app === window, window.items[0].user === user,
      ];
    }, { options: { allow } }), [
      'Eve', 3, 1, 1, ['user', 'api', 'items', 'Class'], ['name'], false, true, [['name', 'Eve']], null, 'Eve', 1, true, true, true,
    ]);
    equal(root.user.name, 'Eve');
  });

  test('window: each way off a list of paths is refused', async () => {
    const root = app();
    equal(await tried(root, {
      'another key': ({ window }) => window.secret,
      'another key of what is on the way': ({ window }) => window.user.password,
      'the same in a path': ({ ffi, window }) => ffi.query(window, 'user.password'),
      'the same in a gather': ({ ffi, window }) => ffi.gather(window, 'user.name', 'user.password'),
      'the same in a descriptor': ({ window }) => Object.getOwnPropertyDescriptor(window.user, 'password'),
      'the same for another receiver': ({ window }) => Reflect.get(window.api, 'password', window.user),
      'the same by a way around': ({ window }) => window.items[0].user.password,
      'the root by a way around': ({ window }) => window.api.deep.app.secret,
      'the root as a result': ({ window }) => window.api.give().secret,
      'by assigning from it': ({ ffi, window }) => (ffi.assign(window.api, window.user), window.api.password),
      'by storing it at an end': ({ window }) => ((window.api.stored = window.user), window.api.stored.password),
      'a method of all objects': ({ window }) => window.user.hasOwnProperty('password'),
      'replacing what is on the way': ({ window }) => Reflect.set(window, 'user', {}),
      'setting another key': ({ window }) => Reflect.set(window.user, 'password', 1),
      'deleting what is on the list': ({ window }) => Reflect.deleteProperty(window.user, 'name'),
      'defining what is on the list': ({ window }) => Reflect.defineProperty(window.user, 'name', { value: 1 }),
      'freezing what is on the way': ({ window }) => Reflect.preventExtensions(window.user),
      'an instance of a class that is on the way': ({ window }) => new window.Class(),
      'the class of what is at the end': ({ window }) => window.api.add.constructor,
      'values of what is on the way': ({ window }) => Object.values(window.user).find(value => value === 'secret'),
    }, { allow }), '');
    deepEqual([root.user, root.secret], [{ name: 'Ada', password: 'secret' }, 'secret']);
  });

  test('window: listed objects are handed out wherever they appear, and an entry that is neither path nor object is refused', async () => {
    deepEqual(await within({ inner: { URL, Map }, make: () => URL }, ({ window, outcome }) => [
      new window.inner.URL('https://example.org/').host, window.make() === window.inner.URL, outcome(() => window.inner.Map).error, outcome(() => window.inner.URL.prototype).error,
    ], { options: { allow: [URL] } }), ['example.org', true, 'DOMException', 'DOMException']);
    equal(passes(() => mainOf({}, { allow: [1] }), ['TypeError']), undefined);
  });

  // Tests that need a page.

  const inPage = (name, body) => test(`window: in a page: ${name}`, () => (globalThis.document ? body() : skip('this is no page')));

  inPage('each way out of an element is refused', async () => {
    const frame = document.createElement('iframe');
    const element = document.createElement('p');
    document.body.append(frame, element);
    frame.contentWindow.SECRET = globalThis.SECRET = 'secret';
    const root = { element, frame, fire: () => element.dispatchEvent(new UIEvent('click', { view: window, bubbles: true })), foreign: frame.contentWindow.eval('({ list: [], f() {} })') };
    try {
      equal(await tried(root, {
        'its document': ({ window }) => window.element.ownerDocument,
        'the window of its document': ({ ffi, window }) => ffi.query(window, 'element.ownerDocument.defaultView'),
        'its topmost parent': ({ ffi, window }) => ffi.query(window, 'element.parentNode.parentNode.parentNode'),
        'its root': ({ window }) => window.element.getRootNode(),
        'the window of a frame': ({ window }) => window.frame.contentWindow.SECRET,
        'the document of a frame': ({ window }) => window.frame.contentDocument,
        'the constructor of another realm': ({ window }) => window.foreign.constructor,
        'the function constructor of another realm': ({ window }) => window.foreign.f.constructor('return SECRET')(),
        'the array constructor of another realm': ({ window }) => window.foreign.list.constructor,
        'the prototype of another realm': ({ window }) => Object.getPrototypeOf(window.foreign),
        'a method of functions of another realm': ({ window, ffi }) => ffi.query(window, 'foreign.f.call'),
        'the class of an element': ({ window }) => window.element.constructor,
        'the prototype of an element': ({ window }) => Object.getPrototypeOf(window.element),
        'defining on an element': ({ window }) => Reflect.defineProperty(window.element, 'textContent', { value: 1 }),
        'a method of an element for another object': ({ window }) => Reflect.apply(window.element.getRootNode, window.foreign, []),
        'the view of an event, and its path': async ({ window, until }) => {
          const found = [];
          const attempt = action => {
            try {
              found.push(action());
            } catch (error) {
              if (error.name !== 'NotAllowedError' && error.name !== 'TypeError') found.push(error);
            }
          };
          let heard = 0;
          window.element.addEventListener('click', event => {
            attempt(() => event.view);
            attempt(() => event.target.ownerDocument);
            attempt(() => event.target.ownerDocument.defaultView);
            attempt(() => event.composedPath().at(-1));
            attempt(() => event.composedPath().at(-2));
            attempt(() => event.constructor);
            attempt(() => Object.getOwnPropertyDescriptor(event, 'isTrusted').get);
            heard++;
          });
          window.fire();
          await until(() => heard > 0);
          return found.find(value => value !== undefined && value !== null) ?? false;
        },
      }), '');
      deepEqual(await within(root, ({ window }) => {
        const { element } = window;
        element.textContent = 'new';
        element.dataset.kind = 'test';
        const child = element.cloneNode(true);
        element.append(child);
        return [element.querySelector('p') === child, element.children.length, [...element.childNodes].length, element.dataset.kind, element.nodeType, child.parentNode === element];
      }, { options: guarded }), [true, 1, 2, 'test', 1, true]);
    } finally {
      delete globalThis.SECRET;
      frame.remove();
      element.remove();
    }
  });

  inPage("the policy of the documentation's example refuses every way to the cookie", async () => {
    const policy = (operation, target, key) => key !== 'cookie';
    document.cookie = 'membrane=secret';
    deepEqual(await within(globalThis, ({ window, ffi }) => {
      const { document } = window;
      const open = [
        () => document.cookie, () => window.Reflect.get(document, 'cookie'), () => window.Object.entries(document), () => ffi.query(window, 'document.cookie'),
        () => Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Object.getPrototypeOf(document)), 'cookie').get.call(document), () => window.Function('return document.cookie')(),
        () => document.__lookupGetter__('cookie'), () => window.JSON.stringify(document), () => new window.Document().cookie, () => document.constructor.constructor('return document.cookie')(),
        () => (ffi.post(document, ['cookie']), document.title.length < 0), () => window.HTMLDocument, () => window.eval('document.cookie'),
        () => document.implementation.createHTMLDocument('x'), () => Reflect.get(document.body, 'cookie', document), () => Object.getOwnPropertyDescriptor(window, 'document').get,
        () => ffi.evaluate(() => document.cookie), () => window.import('data:text/javascript,export default document.cookie'),
      ].filter(way => {
        try {
          return (way() ?? undefined) !== undefined;
        } catch (error) {
          return !['NotAllowedError', 'TypeError'].includes(error.name);
        }
      });
      return [open.map(String), document.nodeType, document.body.nodeName, document.defaultView === window, document.querySelector('body') === document.body];
    }, { options: { policy } }), [[], 9, 'BODY', true, true]);
    document.cookie = 'membrane=; max-age=0';
  });

  inPage('paths into the document are open, and other keys are refused', async () => {
    deepEqual(await within(globalThis, ({ window, outcome }) => {
      const { document } = window;
      const before = document.title;
      document.title = 'changed';
      const body = document.querySelector('body');
      const refused = [() => document.cookie, () => window.location, () => document.body, () => body.ownerDocument.cookie, () => body.ownerDocument.defaultView].map(way => outcome(way).error);
      const found = [document.title, body.nodeName, body.ownerDocument === document, ...refused];
      document.title = before;
      return found;
    }, { options: { allow: ['document.title', 'document.querySelector'] } }), ['changed', 'BODY', true, ...Array(4).fill('DOMException'), 'DOMException']);
  });
};
