// The utilities of `ffi`, the options of `window`, and policies.
import { skip } from './suite.mjs';
import { windowKit } from './window.kit.mjs';

export default (test, kit) => {
  const { coincideWindow, worker, assert, equal, deepEqual, throws } = kit;
  const { within } = windowKit(kit);

  const inWorker = (name, root, body, expected, rest) =>
    test(`window: ${name}`, async () => deepEqual(await within(root(), body, rest), expected));

  const nested = () => ({ a: { b: [{ c: 1, 'd e': 2 }], u: undefined }, list: [1, 2, 3], n: null, f() { return this; } });

  inWorker('`query` reads along a path in one trip', nested, ({ window, ffi, trips, outcome }) => [
    ffi.query(window, 'a.b[0].c'), ffi.query(window, 'a.b[0]["d e"]'), ffi.query(window, "list[2]"), ffi.query(window, 'list.length'),
    typeof ffi.query(window, 'no.such.thing'), typeof ffi.query(window, 'n.x'), typeof ffi.query(window, ''),
    trips(() => ffi.query(window, 'a.b[0].c')), ffi.query({ x: { y: 1 } }, 'x.y'), outcome(() => ffi.query(window, 'a..b')).error,
  ], [1, 2, 3, 3, 'undefined', 'undefined', 'undefined', 1, 1, 'SyntaxError']);

  inWorker('`gather` reads several paths in one trip', nested, ({ window, ffi, trips }) => [
    ffi.gather(window, 'a.b[0].c', 'list.length', 'nothing').map(String), ffi.gather(window.list, Symbol.iterator)[0] === window.list[Symbol.iterator],
    trips(() => ffi.gather(window, 'a.b[0].c', 'list.length')), ffi.gather({ a: { b: 1 } }, 'a.b'),
  ], [['1', '3', 'undefined'], true, 1, [1]]);

  inWorker('`assign` sets several properties in one trip', nested, ({ window, ffi, trips }) => {
    const target = window.a;
    return [
      trips(() => ffi.assign(target, { x: 1, y: { z: 2 } }, { x: 3 })), target.x, target.y.z, ffi.assign(target, {}) === target,
      ffi.assign({}, { a: 1 }).a,
    ];
  }, [1, 3, 2, true, 1]);

  inWorker('`evaluate` runs a function on main', nested, async ({ window, ffi, outcome, isWindowProxy }) => {
    const enclosed = 1;
    const object = {
      method(a) {
        return a + 1;
      },
      async later(a) {
        return a + 2;
      },
      [Symbol.iterator]() {
        return 'iterated';
      },
    };
    return [
      ffi.evaluate((a, b) => a + b, 1, 2), ffi.evaluate(function named(x) { return x.list.length; }, window), ffi.evaluate(object.method, 1),
      await ffi.evaluate(object.later, 1), await ffi.evaluate(async x => x, 5), ffi.evaluate(object[Symbol.iterator]),
      ffi.evaluate('x => x * 2', 4), isWindowProxy(ffi.evaluate(() => ({}))), ffi.evaluate(x => x.a === x.a, window),
      outcome(() => ffi.evaluate(() => enclosed)).error, outcome(() => ffi.evaluate(Math.max)).error,
      outcome(() => ffi.evaluate(class {})).error, outcome(() => ffi.evaluate((() => {}).bind())).error,
    ];
  }, [3, 3, 2, 3, 5, 'iterated', 8, true, true, 'ReferenceError', 'SyntaxError', 'TypeError', 'SyntaxError']);

  inWorker('`direct` sends a copy', () => ({ take: value => Object.keys(value).join() }), ({ window, ffi, outcome }) => [
    window.take(ffi.direct({ a: 1, b: 2 })), outcome(() => ffi.direct({ f() {} })).error,
  ], ['a,b', 'DOMException']);

  test('window: `direct` of main makes copies', async () => {
    const root = {};
    const { Worker } = coincideWindow({ root, membrane: false });
    const w = new Worker(worker('window'));
    root.get = () => w.ffi.direct({ a: [1, { b: 2 }] });
    try {
      deepEqual(await w.proxy.run(String(({ window, isWindowProxy }) => {
        const value = window.get();
        return [isWindowProxy(value), value];
      })), [false, { a: [1, { b: 2 }] }]);
    } finally {
      w.terminate();
    }
  });

  test("window: ffi of main acts on main's own values, as the worker's acts on main's objects", async () => {
    const { Worker } = coincideWindow({ root: nested() });
    const w = new Worker(worker('window'));
    try {
      const { ffi } = w;
      const base = 40;
      const target = { x: 1 };
      const { a, list } = nested();
      equal(ffi.assign(target, { y: 2 }, { x: 3 }), target);
      deepEqual(target, { x: 3, y: 2 });
      deepEqual(
        [ffi.query({ a }, 'a.b[0].c'), ffi.query({ a }, 'a.b[0]["d e"]'), ffi.query({ a }, 'no.such.thing'), ffi.query(null, 'a'), ffi.query(list, Symbol.iterator) === list[Symbol.iterator]],
        [1, 2, undefined, undefined, true],
      );
      deepEqual([ffi.gather({ a, list }, 'a.b[0].c', 'list.length', 'nothing'), ffi.gather({ a })], [[1, 3, undefined], []]);
      deepEqual(
        [ffi.evaluate((one, two) => one + two + base, 1, 1), ffi.evaluate('x => x * 2', 4), ffi.evaluate('async function f(x) { return x; }', 4) instanceof Promise, ffi.evaluate(function () {
          'use strict';
          return this;
        })],
        [42, 8, true, null],
      );
      throws(() => ffi.query({}, 'a..b'), SyntaxError);
      throws(() => ffi.gather({}, 'a', 'a[b]'), SyntaxError);
      throws(() => ffi.evaluate('('), SyntaxError);
      throws(() => ffi.evaluate(1), SyntaxError);
      throws(() => ffi.evaluate(() => {
        throw new RangeError('mine');
      }), RangeError);
      throws(() => ffi.query({
        get a() {
          throw new RangeError('mine');
        },
      }, 'a.b'), RangeError);
      const keys = Object.keys(ffi).sort();
      w.terminate();
      deepEqual([ffi.query({ a: 1 }, 'a'), keys], [1, ['assign', 'direct', 'evaluate', 'gather', 'query', 'sizes']]);
    } finally {
      w.terminate();
    }
  });

  inWorker('`batch` applies many changes in one trip, before reads', () => ({ o: {}, log: [], push(x) { this.log.push(x); } }), ({ window, ffi, trips, outcome }) => {
    const { o } = window;
    const one = trips(() => ffi.batch(() => {
      for (let i = 0; i < 50; i++) o[`k${i}`] = i;
      delete o.k0;
      ffi.post(window, 'push', 'posted');
    }));
    const read = ffi.batch(() => {
      o.x = 1;
      return o.x;
    });
    return [one, o.k49, 'k0' in o, window.log[0], read];
  }, [1, 49, false, 'posted', 1]);

  inWorker('`batch` throws the error of a change that fails', () => ({ frozen: Object.freeze({ a: 1 }) }), ({ window, ffi, outcome }) => {
    const { frozen } = window;
    const failed = outcome(() => ffi.batch(() => { frozen.a = 2; })).error;
    // Assignments after the batch wait again.
    window.after = 1;
    return [failed, frozen.a, outcome(() => { 'use strict'; frozen.a = 3; }).error];
  }, ['TypeError', 1, 'TypeError']);

  inWorker('`post` and lazy assignments keep their order and throw later', () => ({ list: [], add(x) { if (x === 'bad') throw new RangeError('late'); this.list.push(x); } }), ({ window, ffi, trips, outcome }) => {
    const { list } = window;
    const none = trips(() => {
      list[0] = 'a';
      ffi.post(window, 'add', 'b');
      list[2] = 'c';
    });
    const order = list.join();
    ffi.post(window, 'add', 'bad');
    list[3] = 'dropped';
    return [none, order, outcome(() => list.length).error, list.length];
  }, [0, 'a,b,c', 'RangeError', 3], { options: { lazy: true } });

  inWorker('the cache keeps data properties for one turn', () => {
    let reads = 0;
    return { o: { a: 1, get b() { return ++reads; } }, change() { this.o.a = 2; } };
  }, async ({ window, trips, pause }) => {
    const { o } = window;
    o.a;
    const cached = trips(() => o.a + o.a);
    const accessor = [o.b, o.b];
    window.change();
    const stale = o.a;
    await pause(20);
    const fresh = o.a;
    o.a = 3;
    return [cached, accessor, stale, fresh, o.a];
  }, [0, [1, 2], 1, 2, 3], { options: { reflected_ffi_timeout: 0 } });

  test('window: a policy sees each operation and may refuse it', async () => {
    const seen = [];
    const policy = (operation, target, key) => {
      seen.push(operation);
      return key !== 'secret';
    };
    const result = await within({ open: { x: 1 }, secret: 1 }, ({ window, ffi, outcome }) => [
      window.open.x, outcome(() => window.secret).error, outcome(() => ffi.query(window, 'secret')).error,
      outcome(() => ffi.gather(window, 'open.x', 'secret')).error, outcome(() => ffi.assign(window, { secret: 2 })).error,
      outcome(() => ffi.batch(() => { window.secret = 3; })).error, outcome(() => 'secret' in window).error, window.open.x,
    ], { options: { policy } });
    deepEqual(result, [1, ...Array(6).fill('DOMException'), 1]);
    for (const operation of ['get', 'set', 'has']) assert(seen.includes(operation), operation);
  });

  test('window: `evaluate` names the policy of the page that forbids it', () =>
    globalThis.document ? forbidden() : skip('there is no such policy here'));

  /** Evaluates in a page whose policy allows scripts, but not `eval`. */
  const forbidden = async () => {
    const frame = document.createElement('iframe');
    const from = new URL('../modules/reflect/evaluate.js', import.meta.url);
    frame.srcdoc = `<meta http-equiv="Content-Security-Policy" content="script-src 'self' 'nonce-test'">
      <script type="module" nonce="test">
        import { functionOf } from '${from}';
        try {
          functionOf('() => 1');
          parent.postMessage({ policy: 'it ran' });
        } catch (error) {
          parent.postMessage({ policy: [error.name, error.message] });
        }
      </script>`;
    const said = new Promise(resolve => addEventListener('message', ({ data }) => data?.policy && resolve(data.policy)));
    document.body.append(frame);
    const [name, message] = await said;
    frame.remove();
    equal(name, 'EvalError');
    assert(message.includes("add 'unsafe-eval'"), message);
  };

  test('window: operations in a worker that cannot block throw an error with the reason', async () => {
    const found = await within({ a: 1 }, ({ window, ffi, isWindowProxy }) => {
      const failure = action => {
        try {
          return action();
        } catch (error) {
          return [error.name, error.code, /cannot block: .+/.test(error.message)];
        }
      };
      return [failure(() => window.a), failure(() => ffi.query(window, 'a')), failure(() => ffi.post(window, 'a')), isWindowProxy(window)];
    }, { options: { tier: 'messages' } });
    deepEqual(found, [...Array(3).fill(['CoincideError', 'CannotBlock', true]), true]);
  });

};
