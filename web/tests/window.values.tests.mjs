// Objects of main in the worker: their operations, and the values that cross. In Node.js and in pages alike, main offers an object of its own as `window`.
import { windowKit } from './window.kit.mjs';
import operations from './window.operations.mjs';

export default (test, kit) => {
  const { coincideWindow, worker, assert, equal, deepEqual } = kit;
  const { within } = windowKit(kit);

  const inWorker = (name, root, body, expected, rest) =>
    test(`window: ${name}`, async () => deepEqual(await within(root(), body, rest), expected));

  // A proxy's operations do not depend on the transport, and a trip by a service worker takes milliseconds.
  for (const { build, actions } of kit.tier === 'service-worker' ? [] : operations)
    test(`window: as local: ${build.name}`, async () => {
      const found = await within({}, ({ ffi, outcome, source }, build, actions) =>
        actions.map(text => {
          const action = source(text);
          return [text, outcome(() => action(ffi.evaluate(build))), outcome(() => action(source(build)()))];
        }), { args: [String(build), actions.map(String)] });
      for (const [text, remote, local] of found) {
        try {
          deepEqual(remote, local);
        } catch (error) {
          throw new Error(`${text}: ${error.message}; remote ${JSON.stringify(remote)}, local ${JSON.stringify(local)}`);
        }
      }
    });

  inWorker('the same object is the same proxy', () => ({ a: { b: {} }, f() {} }), ({ window, isWindowProxy }) => [
    window.a === window.a, window.a.b === window.a.b, window.f === window.f, isWindowProxy(window.a), isWindowProxy({}), isWindowProxy(1),
  ], [true, true, true, true, false, false]);

  inWorker('objects of main return to main as themselves', () => {
    const own = {};
    return { own, same: value => value === own, sameDeep: ({ list }) => list[0] === own };
  }, ({ window }) => [window.same(window.own), window.sameDeep({ list: [window.own] }), window.same({})], [true, true, false]);

  inWorker('functions of the worker return to the worker as themselves', () => ({ kept: null }), ({ window }) => {
    const fn = () => 1;
    window.kept = fn;
    return [window.kept === fn, window.kept()];
  }, [true, 1]);

  inWorker('binary data is copied, with its offset', () => ({ bytes: new Uint8Array([1, 2, 3, 4]).subarray(1, 3) }), ({ window }) => {
    const bytes = window.bytes;
    bytes[0] = 9;
    return [bytes.length, bytes.byteOffset, window.bytes[0], bytes instanceof Uint8Array];
  }, [2, 1, 2, true]);

  inWorker('errors of main keep class, message and stack in the worker', () => ({
    fail() {
      throw Object.assign(new RangeError('too far'), { code: 7 });
    },
    odd() {
      throw 'text';
    },
  }), ({ window }) => {
    try {
      window.fail();
    } catch (error) {
      try {
        window.odd();
      } catch (odd) {
        return [error instanceof RangeError, error.message, error.code, error.stack.includes('fail'), odd];
      }
    }
  }, [true, 'too far', 7, true, 'text']);

  inWorker('promises of main are awaited, and reject with errors', () => ({
    later: () => new Promise(resolve => setTimeout(resolve, 5, { answer: 42 })),
    never: async () => {
      throw new TypeError('no');
    },
  }), async ({ window }) => {
    const { answer } = await window.later();
    try {
      await window.never();
    } catch (error) {
      return [answer, error instanceof TypeError, error.message, await window.never().catch(e => e instanceof TypeError)];
    }
  }, [42, true, 'no', true]);

  inWorker('a promise of main rejects with an error whose properties cannot be copied', () => ({
    fails: () => Promise.reject(Object.assign(new RangeError('too far'), { code: 7, later() {}, self: globalThis })),
  }), async ({ window }) => {
    try {
      await window.fails();
    } catch (error) {
      return [error instanceof RangeError, error.message, error.code, error.later];
    }
  }, [true, 'too far', 7, undefined]);

  inWorker('a symbol of main is one symbol in the worker, and returns as itself', () => {
    const own = Symbol('own');
    const plain = { a: 1, own };
    const frozen = Object.freeze({ own });
    return {
      [own]: 1, own, same: value => value === own, kinds: { own, other: Symbol('other'), shared: Symbol.for('shared') }, frozen,
      list: [own, own], keyed: { [own]: 'found', known: 1 }, thrower() { throw own; }, plain, hidden: new (class { [own] = 5; own = own; })(),
    };
  }, ({ window, ffi, outcome }) => {
    const { own } = window;
    const local = Symbol('local');
    let thrown;
    try {
      window.thrower();
    } catch (error) {
      thrown = error;
    }
    return [
      typeof own, own === window.own, own === window.kinds.own, own === window.kinds.other, window.kinds.shared === Symbol.for('shared'),
      Object.keys(window.kinds), { ...window.kinds }.own === own, Object.entries(window.kinds)[0][1] === own,
      Object.getOwnPropertyDescriptor(window.frozen, 'own').value === own, window.list[1] === own, [...window.list][0] === own,
      window.same(own), window.same(window.kinds.other), window.keyed[own], own in window.keyed, Reflect.ownKeys(window.keyed),
      window.hidden[own], 'x' in window.hidden, window.hidden[own], thrown === own, ffi.query(window, 'kinds.own') === own,
      outcome(() => window.same(local)).error, window.keyed[own] = 'set', window.keyed[own],
    ];
  }, ['symbol', true, true, false, true, ['own', 'other', 'shared'], true, true, true, true, true, true, false, 'found', true, ['known'],
    5, false, 5, true, true, 'DOMException', 'set', 'set']);

  inWorker('values that cannot be sent are refused in the worker, with the path', () => ({ f() {} }), ({ window }) => {
    try {
      window.f({ list: [Promise.resolve()] });
    } catch (error) {
      return [error.name, error.message.includes('list[0]')];
    }
  }, ['DataCloneError', true]);

  /** A worker whose values are converted by `toPlain()`, as a language runtime converts its own. */
  const transforming = body => async () => {
    const root = { heard: [], list: [], hear(...args) { this.heard.push(...args); }, Pair: class { constructor(a) { this.a = a; } } };
    const { Worker } = coincideWindow({ root, membrane: false });
    const w = new Worker(worker('transforming'));
    try {
      return await body(w, root);
    } finally {
      w.terminate();
    }
  };

  test('window: `transform` applies to all values for main', transforming(async (w, root) => {
    await w.proxy.give();
    deepEqual(root.heard, [{ plain: 1 }, 2, { plain: 'evaluated' }]);
    deepEqual([root.assigned, root.list, root.pair.a], [{ plain: 'assigned' }, [{ plain: 'pushed' }], { plain: 'made' }]);
    equal(root.own, 'from assign');
    deepEqual([await root.callback(), await root.later()], [{ plain: 'result' }, { plain: 'late' }]);
  }));

  test('window: `transform` does not see proxies of main', transforming(async (w, root) => {
    const { arr, object } = Object.assign(root, {
      arr: [1, [2]],
      object: { deep: [3] },
      Same: class { constructor(...args) { this.args = args; } },
      later: Promise.resolve('of main'),
      target: {},
    });
    await w.proxy.refer();
    const found = { ...root.found, heard: root.heard, assigned: root.assigned, received: root.received, pushed: root.list[0], made: root.made.args, target: root.target.deep };
    for (const [way, value] of Object.entries({ result: await root.back(), promised: await root.backLater(), argument: (await root.pass(arr)) })) found[way] = value;
    for (const way of ['argument', 'assigned', 'received', 'pushed', 'result', 'promised']) assert(found[way] === arr, `${way} is a copy`);
    assert(found.heard[0] === arr && found.heard[1] === object && found.made[0] === arr && found.made[1] === object, 'arguments are copies');
    assert(found.heard[2][0] === arr && found.heard[2] !== arr, 'an array of references is no array of references');
    assert(found.heard[3] === root, 'the global object of the worker is not the root');
    equal(found.target, object.deep);
    deepEqual([found.evaluated, await root.backPromise()], [true, 'of main']);
  }));

  inWorker('`import` is relative to the page', () => globalThis, async ({ window }) => {
    if (!window.document) return 6;
    const { answer } = await window.import('./workers/module.js');
    return answer();
  }, 6);

  inWorker('classes are extended across the link', () => ({
    Shape: class Shape {
      constructor(sides) {
        this.sides = sides;
      }
      describe() {
        return `${this.sides} sides`;
      }
    },
  }), ({ window }) => {
    class Square extends window.Shape {
      constructor() {
        super(4);
        this.size = 2;
      }
      get area() {
        return this.size ** 2;
      }
      set area(value) {
        this.size = Math.sqrt(value);
      }
      describe() {
        return `a square of ${super.describe()}`;
      }
    }
    const square = new Square();
    square.area = 9;
    return [
      square.sides, square.describe(), square.area, square.size, square instanceof Square, square instanceof window.Shape,
      Object.getPrototypeOf(square) === Square.prototype, Object.keys(square), 'area' in square,
    ];
  }, [4, 'a square of 4 sides', 9, 3, true, true, true, ['sides', 'size'], true]);

  inWorker('objects of main are prototypes of local ones', () => ({ base: { kind: 'base', get own() { return 'got'; } } }), ({ window }) => {
    const local = Object.create(window.base);
    local.mine = 1;
    const before = local.kind;
    local.kind = 'changed';
    return [before, local.kind, window.base.kind, local.own, Object.keys(local)];
  }, ['base', 'changed', 'base', 'got', ['mine', 'kind']]);

};
