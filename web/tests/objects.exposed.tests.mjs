// Exposed objects and classes, and the names of functions.
import { linkOf, until } from './link.kit.mjs';

export default (register, { coincide: made, inner, mark, worker, tier, node, assert, equal, deepEqual, rejects, throws }) => {
  const { callback, expose } = mark;
  const blocks = tier !== 'messages';
  const { Worker } = made({ tier, promises: !blocks });
  const test = (name, body) => register(`${tier}: objects: ${name}`, body);
  const link = linkOf(test, Worker, worker);

  link('`JSON.stringify` of a path that is not awaited throws', async (w, run) => {
    await run(({ proxy, expose }) => {
      proxy.counter = expose({ value: 1, inner: { n: 1 }, toJSON: () => 'as JSON' });
    });
    const { counter } = w.proxy;
    for (const path of [counter, counter.value, counter.inner.n, [counter.value], { value: counter.value }])
      assert(/is not a value: read it with `await`/.test(throws(() => JSON.stringify(path), TypeError).message));
    equal(JSON.stringify(await counter.value), '1');
    equal(await counter.toJSON(), 'as JSON');
    equal(JSON.stringify(await counter.inner), '{"n":1}');
  });

  /** Exposes a counter, a class and more in the worker. */
  const exposing = ({ proxy, expose, callback, kept }) => {
    class Counter {
      static made = 0;
      static create(n) {
        return expose(new Counter(n));
      }
      #n;
      constructor(n = 0) {
        if (n < 0) throw new RangeError('below zero');
        Counter.made++;
        this.#n = n;
      }
      inc(by = 1) {
        return (this.#n += by);
      }
      get value() {
        return this.#n;
      }
      set value(n) {
        this.#n = n;
      }
      get fails() {
        throw new RangeError('no value');
      }
      toString() {
        return `counter ${this.#n}`;
      }
    }
    kept.counter = new Counter(1);
    proxy.Counter = expose(Counter);
    proxy.counter = expose(kept.counter);
    proxy.tree = expose({
      name: 'root', leaf: { n: 1, add(n) { return (this.n += n); } }, on: callback(x => x + 1), list: [1, 2], frozen: Object.freeze({ a: 1 }), nothing: null,
      async later(x) { return x; }, counter: kept.counter, length: 5,
    });
    proxy.twice = expose(Object.assign(x => 2 * x, { unit: 'm' }));
    proxy.seen = expose(new Proxy({ a: 1, f() { return this.a; } }, {}));
    proxy.plain = () => 1;
  };

  link('main uses an exposed object of the worker: members, assignments, methods, classes', async (w, run) => {
    await run(exposing);
    const { counter, Counter, tree, twice, seen } = w.proxy;
    equal(await counter.value, 1);
    for (const use of [value => `${value}`, value => value + 1, value => Number(value), String]) assert(throws(() => use(counter.value), TypeError).message.includes('`counter.value`'), String(use));
    equal(`${await counter.value}`, '1');
    equal(String(await counter.inc).slice(0, 8), 'function');
    deepEqual([await counter.inc(), await counter.inc(5)], [2, 7]);
    counter.value = 30;
    equal(await counter.value, 30);
    equal(await run(({ kept }) => kept.counter.value), 30);
    const made = await new Counter(3);
    deepEqual([await made.inc(), await made.value, await Counter.made], [4, 4, 2]);
    equal((await rejects(() => Promise.resolve(new Counter(-1)))).message, 'below zero');
    const created = await Counter.create(7);
    equal(await created.value, 7);
    created.value = 8;
    equal(await created.value, 8);
    deepEqual([await tree.name, await tree.leaf.n, await tree.leaf.add(2), await tree.leaf.n, await tree.list, await tree.list[1], await tree.list.at(-1)], ['root', 1, 3, 3, [1, 2], 2, 2]);
    deepEqual([await tree.length, await tree.later('x'), await tree.missing, await tree.nothing], [5, 'x', undefined, null]);
    equal(await (await tree.on)(1), 2);
    const method = await counter.inc;
    equal(typeof method, 'function');
    equal(await method(2), 32);
    deepEqual([await twice(4), await twice.unit], [8, 'm']);
    deepEqual([await seen.a, await seen.f()], [1, 1]);
    equal(await run(({ kept }, c) => c === kept.counter, await tree.counter), true);
    equal(counter.then, undefined);
    equal(await counter, counter);
    equal(w.proxy.counter, counter);
  });

  link('members that an exposed object inherits from all objects are not accessible', async (w, run) => {
    await run(exposing);
    const { counter, tree, plain } = w.proxy;
    const use = (...operation) => w.proxy['coincide:use'](...operation);
    for (const name of ['constructor', '__proto__', 'hasOwnProperty', '__defineGetter__', 'valueOf']) {
      equal(await use('counter', 0, [name]), undefined);
      equal((await rejects(() => use('counter', 2, [name], []))).name, 'TypeError');
      equal((await rejects(() => use('counter', 1, [name], 1))).name, 'TypeError');
      equal((await rejects(() => use('tree', 0, [name, 'x']))).name, 'TypeError');
    }
    for (const name of ['call', 'bind', 'apply', 'prototype', 'constructor']) equal(await use('Counter', 0, [name]), undefined);
    equal(await use('counter', 2, ['toString'], []), 'counter 1');
    for (const [operation, Class] of [
      [['plain', 0, ['name']], 'ReferenceError'], [['missing', 0, []], 'ReferenceError'], [[99, 2, [], []], 'ReferenceError'], [['counter', 7, []], 'RangeError'],
      [['counter', 2, ['inc'], 5], 'TypeError'], [['counter', 2, 'inc', []], 'TypeError'], [['counter', 2, [1], []], 'TypeError'], [['counter', 1, [], 1], 'TypeError'],
      [['counter', 3, [], []], 'TypeError'], [['tree', 3, ['later'], []], 'TypeError'], [['tree', 0, ['nothing', 'x']], 'TypeError'],
    ]) equal(`${operation[0]} ${operation[1]} ${operation[2]}: ${(await rejects(() => use(...operation))).name}`, `${operation[0]} ${operation[1]} ${operation[2]}: ${Class}`);
    const error = await rejects(async () => await counter.fails, RangeError);
    equal(error.message, 'no value');
    assert(error.stack.includes('called as counter.fails from the other end'), error.stack);
    equal((await rejects(async () => await plain.name)).name, 'ReferenceError');
    equal((await rejects(async () => await tree.name.first)).name, 'TypeError');
    equal((await rejects(() => tree.name())).message, '`tree.name` is not a function');
    equal((await rejects(() => w.proxy.tree())).name, 'TypeError');
  });

  link('setting a frozen member rejects unhandled on main', async (w, run) => {
    await run(exposing);
    const faults = [];
    const heard = node
      ? error => faults.push(error)
      : event => {
          event.preventDefault();
          event.stopImmediatePropagation();
          faults.push(event.reason);
        };
    const others = node ? process.listeners('unhandledRejection') : [];
    if (node) process.removeAllListeners('unhandledRejection').on('unhandledRejection', heard);
    else addEventListener('unhandledrejection', heard, true);
    try {
      w.proxy.tree.frozen.a = 2;
      await until(() => faults.length > 0);
      equal(faults[0]?.message, '`tree.frozen.a` cannot be set');
      equal(await w.proxy.tree.frozen.a, 1);
    } finally {
      if (node) {
        process.removeAllListeners('unhandledRejection');
        others.forEach(listener => process.on('unhandledRejection', listener));
      } else removeEventListener('unhandledrejection', heard, true);
    }
  });

  test('a worker uses what main exposes, before the first call and later', async () => {
    const w = new Worker(worker('objects'));
    class Counter {
      n = 1;
      inc(by = 1) {
        return (this.n += by);
      }
      get fails() {
        throw new RangeError('no value');
      }
    }
    const counter = new Counter();
    try {
      w.proxy.counter = expose(counter);
      w.proxy.Counter = expose(Counter);
      w.proxy.hello = () => 'hello';
      const found = await w.proxy.run(String(async ({ proxy, sync, outcome, kept }) => {
        const { counter } = proxy;
        const first = [await counter.n, await counter.inc(), typeof counter.inc, counter.then, proxy.hello.anything, proxy.hello.name];
        counter.n = 10;
        const made = await new proxy.Counter();
        kept.made = made;
        made.n = 5;
        const { inc } = counter;
        return [...first, await counter.n, await made.inc(2), await inc(1), await counter.missing, (await outcome(() => counter.fails)).message, sync === (counter.n === 11)];
      }));
      deepEqual(found, [1, 2, 'function', undefined, undefined, '', 10, 7, 11, undefined, 'no value', true]);
      equal(counter.n, 11);
      equal(await w.proxy.run(String(async ({ proxy }) => proxy.late?.n)), undefined);
      w.proxy.late = expose({ n: 3 });
      equal(await w.proxy.run(String(async ({ proxy }) => await proxy.late.n)), 3);
      // A function replaces the exposed object.
      w.proxy.late = () => 'a function';
      deepEqual(await w.proxy.run(String(async ({ proxy }) => [proxy.late.n, await proxy.late()])), [undefined, 'a function']);
      delete w.proxy.counter;
      equal(await w.proxy.run(String(async ({ proxy }) => proxy.counter.n)), undefined);
      // The object arrived as a handle, which does not depend on names.
      equal(await w.proxy.run(String(async ({ kept }) => await kept.made.n)), 7);
    } finally {
      w.terminate();
    }
  });

  test('operations on exposed names wait until the worker is ready', async () => {
    const w = new Worker(worker('objects'));
    try {
      const early = [w.proxy.counter.inc(), w.proxy.counter.value.then(value => value), w.proxy.missing.value];
      const results = Promise.allSettled(early);
      await w.ready;
      const [inc, value, missing] = await results;
      deepEqual([inc.reason?.name, value.reason?.name, missing.reason?.name], ['ReferenceError', 'ReferenceError', 'ReferenceError']);
      await w.proxy.run(String(exposing));
      equal(await w.proxy.counter.inc(), 2);
    } finally {
      w.terminate();
    }
  });

  test('a worker uses an object that another worker exposes', async () => {
    const [a, b] = [new Worker(worker('objects')), new Worker(worker('objects'))];
    try {
      await a.proxy.run(String(exposing));
      b.proxy.counter = await a.proxy.tree.counter;
      const found = await b.proxy.run(String(async ({ proxy, outcome }) => {
        const before = await proxy.counter.value;
        proxy.counter.value = 5;
        return [before, await proxy.counter.inc(2), (await outcome(() => proxy.counter.fails)).message, await proxy.counter.missing];
      }));
      deepEqual(found, [1, 7, 'no value', undefined]);
      equal(await a.proxy.counter.value, 7);
    } finally {
      a.terminate();
      b.terminate();
    }
  });

  test('consoles show a proxy with the exports of its worker', async () => {
    const shown = async (...values) => {
      const { inspect } = await import('node:util');
      return values.map(value => inspect(value));
    };
    const w = new Worker(worker('objects'));
    try {
      equal('echo' in w.proxy, false);
      if (node) assert((await shown(w.proxy))[0].endsWith('which is not ready]'), (await shown(w.proxy))[0]);
      await w.ready;
      deepEqual(['echo' in w.proxy, 'missing' in w.proxy, 'then' in w.proxy, Symbol.iterator in w.proxy, '@@x' in w.proxy], [true, false, false, false, false]);
      deepEqual('echo' in w.within({ timeout: 1 }), true);
      equal(Object.prototype.toString.call(w.proxy), '[object coincide]');
      if (node) {
        const [text, plain] = await shown(w.proxy, [w.proxy.echo]);
        assert(/^\[proxy of the worker .*objects\.node\.js, which exports echo, run\]$/.test(text), text);
        assert(plain.includes('Function'), plain);
        equal(await w.proxy.run(String(async ({ proxy }) => (await import('node:util')).inspect(proxy))), '[proxy of main]');
      }
      const [exports] = Object.getOwnPropertySymbols(w.proxy).map(String);
      equal(exports, 'Symbol(exports)');
    } finally {
      w.terminate();
    }
    if (node) assert((await shown(w.proxy))[0].endsWith('which has ended]'));
  });

  link('a registered symbol names a function', async (w, run) => {
    await w.ready;
    const hello = Symbol.for('hello');
    w.proxy[hello] = name => `symbol ${name}`;
    w.proxy.hello = name => `string ${name}`;
    deepEqual(await run(async ({ proxy }) => [await proxy[Symbol.for('hello')]('a'), await proxy.hello('b')]), ['symbol a', 'string b']);
    await run(({ proxy }) => void (proxy[Symbol.for('back')] = x => [x, 'back']));
    deepEqual(await w.proxy[Symbol.for('back')](1), [1, 'back']);
    const noted = new Promise(resolve => (w.proxy[Symbol.for('noted')] = resolve));
    await run(({ notify }) => notify(Symbol.for('noted'), 5));
    equal(await noted, 5);
    equal(hello in w.proxy, true);
    delete w.proxy[hello];
    equal(hello in w.proxy, false);
    equal((await run(({ outcome, proxy }) => outcome(() => proxy[Symbol.for('hello')]('a')))).name, 'TypeError');
    equal(throws(() => w.proxy[Symbol('mine')]()).name, 'DataCloneError');
    equal(throws(() => w.proxy[Symbol.iterator]()).name, 'DataCloneError');
    equal(throws(() => w.proxy['@@hello']()).name, 'TypeError');
    equal(throws(() => (w.proxy['@@hello'] = () => {})).name, 'TypeError');
    equal(Reflect.set(w.proxy, Symbol('mine'), () => {}), false);
    equal(Reflect.set(w.proxy, Symbol.for('coincide:mine'), () => {}), false);
  });

  test('`transform` applies to copied values, and not to handles', async () => {
    const { Worker: Transforming } = made({ tier, promises: !blocks, transform: value => (typeof value === 'number' ? value + 100 : value) });
    const w = new Transforming(worker('objects'));
    try {
      w.proxy.tools = expose({ n: 1, give: async () => 2, self: callback(() => 3) });
      w.proxy.twice = expose(x => 2 * x);
      const found = await w.proxy.run(String(async ({ proxy }, f) => [await f(1), await proxy.tools.n, await proxy.tools.give(), await (await proxy.tools.self)(), await proxy.twice(5)]), callback(x => x));
      deepEqual(found, [101, 101, 102, 103, 110]);
      const g = await w.proxy.run(String(({ callback }) => callback(x => x)));
      equal(await g(1), 201);
    } finally {
      w.terminate();
    }
  });

  link('an object that a constructor returns instead of its instance is copied', async (w, run) => {
    const inner = { secret: 1 };
    class Own {
      n = 2;
    }
    w.proxy.tools = expose({
      Own,
      Bound: Own.bind(),
      give: function () {
        return inner;
      },
    });
    const found = await run(async ({ proxy, kept }) => {
      const [given, own, bound] = [await new proxy.tools.give(), await new proxy.tools.Own(), await new proxy.tools.Bound()];
      given.secret = 3;
      kept.own = [own, bound];
      return [Object.keys(given), await own.n, await bound.n];
    });
    deepEqual(found, [['secret'], 2, 2]);
    equal(inner.secret, 1);
    deepEqual(await w.proxy.echo(inner), { secret: 1 });
    equal(w.handles().given, 2);
  });
};
