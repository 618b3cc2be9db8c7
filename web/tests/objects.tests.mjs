// Callbacks, exposed objects and signals: what stays where it is when it is passed to the other end.
import { Objects } from '../modules/objects/table.js';
import { linkOf, pause, runnerOf, until } from './link.kit.mjs';
import { skip } from './suite.mjs';

export default (register, { coincide: made, inner, mark, worker, tier, node, gc, assert, equal, deepEqual, rejects, throws }) => {
  const { callback, dispose, expose } = mark;
  const blocks = tier !== 'messages';
  const { Worker } = made({ tier, promises: !blocks });
  const test = (name, body) => register(`${tier}: objects: ${name}`, body);
  const link = linkOf(test, Worker, worker);

  /** Waits until the tables are as expected: releases travel behind calls. */
  const settles = async (w, given, received) => {
    const isSettled = async () => {
      const found = w.handles();
      return (found.given === given && found.received === received) || (await w.proxy.echo(1), false);
    };
    await until(isSettled).catch(() => deepEqual(w.handles(), { given, received }));
  };

  link('the worker calls a function of main and receives its result', async (w, run) => {
    let found;
    const add = callback(function (a, b) {
      found = this;
      return { sum: a + b };
    });
    equal(add, callback(add));
    deepEqual(await run(async (_, add) => [typeof add, (await add(1, 2)).sum], add), ['function', 3]);
    equal(found, null);
    const later = callback(async x => (await pause(1), x));
    deepEqual(await run(async (_, later) => [await later('a'), await later('b')], later), ['a', 'b']);
    if (blocks) equal(await run((_, add) => add(20, 22).sum, add), 42);
  });

  link('main calls a function of the worker and receives a promise', async (w, run) => {
    const add = await run(({ callback }) => callback((a, b) => a + b));
    const results = await Promise.all(Array.from({ length: 50 }, (_, i) => add(i, 1)));
    deepEqual(results, Array.from({ length: 50 }, (_, i) => i + 1));
    const sum = add(1, 2);
    assert(sum instanceof Promise, 'no promise');
    equal(await sum, 3);
    equal((await rejects(() => Promise.resolve(new add()))).name, 'TypeError');
  });

  link('objects with methods keep `this`, and only their methods are sent', async (w, run) => {
    class Base {
      inherited() {
        return this.n;
      }
    }
    class Counter extends Base {
      n = 1;
      hidden = { secret: true };
      inc(by) {
        return (this.n += by);
      }
      get own() {
        throw new Error('an accessor ran');
      }
      then() {}
      static made() {}
    }
    const counter = callback(new Counter());
    const found = await run(async (_, counter) => {
      const { inc } = counter;
      return [Object.keys(counter).sort(), await counter.inc(2), await inc(3), await counter.inherited(), counter.hidden, counter.own, counter.then];
    }, counter);
    deepEqual(found, [['inc', 'inherited'], 3, 6, 6, undefined, undefined, undefined]);
    equal(counter.n, 6);
    const of = await run(({ callback }) => callback({ n: 1, next() { return this.n++; } }));
    deepEqual([await of.next(), await of.next(), Object.keys(of)], [1, 2, ['next']]);
    throws(() => callback({ n: 1 }), TypeError);
    throws(() => callback(1), TypeError);
    throws(() => callback(null), TypeError);
  });

  link('a callback that returns to its end is the same object', async (w, run) => {
    const f = callback(() => 1);
    const o = callback({ f() {} });
    const [a, b, c, d] = await run((_, ...args) => args, f, { f }, o, [o]);
    assert(a === f && b.f === f && c === o && d[0] === o, 'they are others');
    assert(await run((_, a, b, list) => a === b && list[0] === a, f, f, [f, f]), 'one became several');
    assert(await run(({ kept }, f) => ((kept.f = f), true), f));
    assert(await run(({ kept }, f) => kept.f === f, f), 'one became another one later');
    const g = await run(({ callback, kept }) => (kept.g = callback(() => 2)));
    assert(await run(({ kept }, g) => kept.g === g, g), 'it is another one at home');
    equal(await run(({ kept }) => kept.g), g);
  });

  link('functions without a mark are refused, and the error names `callback`', async (w, run) => {
    const error = throws(() => w.proxy.echo({ on() {} }));
    equal(error.name, 'DataCloneError');
    assert(/args\[0\]\.on: a function cannot be sent: .*callback\(/.test(error.message), error.message);
    deepEqual((await run(({ outcome, proxy }) => outcome(() => proxy.missing(() => {})))).name, 'DataCloneError');
    throws(() => dispose(() => {}), TypeError);
    throws(() => dispose({}), TypeError);
    assert(throws(() => dispose(w.proxy.missing), TypeError).message.includes('`proxy`'), 'a name');
    throws(() => w.within({}, () => {}), TypeError);
  });

  link('errors of callbacks arrive with their stacks', async (w, run) => {
    const fails = callback(function ofMain() {
      throw Object.assign(new RangeError('too far'), { code: 7 });
    });
    const { thrown } = await run(({ outcome }, f) => outcome(function inWorker() { return f(); }), fails);
    assert(thrown instanceof RangeError && thrown.message === 'too far' && thrown.code === 7, String(thrown));
    assert(/ofMain/.test(thrown.stack) && !/(table|remote|caller|use)\.js/.test(thrown.stack), thrown.stack);
    const later = await run(({ callback }) => callback(function ofWorker() { throw new TypeError('no'); }));
    const error = await rejects(async function here() {
      return later();
    }, TypeError);
    assert(/ofWorker/.test(error.stack) && error.stack.includes('called as a callback from the other end'), error.stack);
    equal(await rejects(await run(({ callback }) => callback(() => { throw 'text'; }))), 'text');
    const cause = await rejects(await run(({ callback }) => callback(() => { throw { f: callback(() => 5) }; })));
    equal(await cause.f(), 5);
  });

  link('callbacks call back, through both ends', async (w, run) => {
    const down = callback((n, up) => (n === 0 ? 'the end' : up(n - 1)));
    const found = await run(({ callback }, down) => {
      const up = callback(n => down(n, up));
      return down(10, up);
    }, down);
    equal(found, 'the end');
  });

  link('limits apply to received callbacks and objects', async (w, run) => {
    const slow = await run(({ callback, pause }) => callback(async ms => (await pause(ms), ms)));
    equal((await rejects(() => w.within({ timeout: 5 }, slow)(5000))).name, 'TimeoutError');
    equal(await w.within({ timeout: 5000 }, slow)(1), 1);
    const controller = new AbortController();
    const call = rejects(() => w.within({ signal: controller.signal }, slow)(5000));
    controller.abort('enough');
    equal(await call, 'enough');
    const never = callback(() => new Promise(() => {}));
    equal((await run(({ outcome, within }, never) => outcome(() => within({ timeout: 5 }, never)()), never)).name, 'TimeoutError');
    const object = callback({ n: 3, f() { return this.n; } });
    deepEqual(await run(async ({ within }, object) => {
      const limited = within({ promise: true, timeout: 5000 }, object);
      return [limited.f() instanceof Promise, await limited.f(), await within({ timeout: 5000 }, limited).f()];
    }, object), [true, 3, 3]);
    // The limited function is the same handle.
    equal(await run(({ within }, never) => within({ timeout: 5 }, never), never), never);
  });

  link('`dispose` releases values on both ends', async (w, run) => {
    const f = callback(() => 1);
    await run(({ kept }, f) => void (kept.f = f), f);
    deepEqual(w.handles(), { given: 1, received: 0 });
    const found = await run(async ({ kept, dispose, handles, outcome }) => {
      const before = handles().received;
      dispose(kept.f);
      dispose(kept.f);
      return [before, handles().received, await outcome(() => kept.f()), await outcome(() => kept.f.name)];
    });
    deepEqual(found.slice(0, 2), [1, 0]);
    equal(found[2].name, 'ReferenceError');
    assert(found[2].message.includes('disposed'), found[2].message);
    await settles(w, 0, 0);
    // It may be sent again.
    deepEqual(await run(async ({ kept, outcome }, f) => [await f(), (await outcome(() => kept.f())).name], f), [1, 'ReferenceError']);
    const g = await run(({ callback }) => callback(() => 2));
    const o = await run(({ callback }) => callback({ f() {} }));
    equal(w.handles().received, 2);
    if (Symbol.dispose) g[Symbol.dispose]();
    else dispose(g);
    dispose(o);
    equal(throws(g).name, 'ReferenceError');
    equal(throws(() => o.f()).name, 'ReferenceError');
    equal(throws(() => w.proxy.echo(g)).name, 'DataCloneError');
    equal(w.handles().received, 0);
    equal(await run(({ handles }) => handles().given), 0);
  });

  link('thousands of callbacks that were disposed of leave nothing behind', async (w, run) => {
    w.proxy.swap = f => {
      dispose(f);
      return callback(() => f);
    };
    const count = tier === 'service-worker' ? 50 : 2000;
    await run(async ({ proxy, callback, dispose }, count) => {
      for (let i = 0; i < count; i++) dispose(await proxy.swap(callback(() => i)));
    }, count);
    await settles(w, 0, 0);
    deepEqual(await run(({ handles }) => handles()), { given: 0, received: 0 });
  });

  link('values that are garbage-collected are released', async (w, run) => {
    if (!gc) return skip('garbage is not collected on demand here');
    for (let i = 0; i < 20; i++) await run(({ callback }, i) => callback({ f: () => i }), i);
    await until(() => (gc(), w.handles().received === 0));
    await until(async () => (await run(({ handles }) => handles().given)) === 0);
    // A method that is kept keeps its object.
    const { f } = await run(({ callback }) => callback({ f: () => 'kept' }));
    for (let i = 0; i < 3; i++) {
      gc();
      await pause(5);
    }
    equal(await f(), 'kept');
  });

  link('callbacks in refused or unsent payloads are released', async (w, run) => {
    const f = callback(() => 1);
    throws(() => w.proxy.echo(f, () => {}));
    throws(() => w.proxy.echo({ f, get x() { throw new Error('no'); } }));
    deepEqual(w.handles(), { given: 0, received: 0 });
    throws(() => w.notify('echo', f, Symbol('local')));
    deepEqual(w.handles(), { given: 0, received: 0 });
    const found = await run(async ({ outcome, proxy, callback, handles }) => [
      (await outcome(() => proxy.echo(callback(() => 1), () => {}))).name,
      handles().given,
    ]);
    deepEqual(found, ['DataCloneError', 0]);
    // Only the first result loses something, and what is in it is sent once.
    const { warn } = console;
    console.warn = () => {};
    try {
      w.proxy.both = () => ({ f, g() {} });
      deepEqual(await run(async ({ proxy, dispose }) => {
        const { f, g } = await proxy.both();
        dispose(f);
        return [typeof f, typeof g];
      }), ['function', 'undefined']);
    } finally {
      console.warn = warn;
    }
    await settles(w, 0, 0);
  });

  /** Values of all kinds that are counted, from each end. */
  const kinds = ({ callback, expose }) => [callback(() => 1), { o: callback({ m() {} }) }, expose({}), (function* () {})()];
  /** A call of `limited({ signal })` that is cancelled at once. */
  const cancelled = async call => {
    const controller = new AbortController();
    const result = Promise.resolve(call({ signal: controller.signal, promise: true })).then(() => 'returned', error => error);
    controller.abort('enough');
    return (await result) === 'enough';
  };
  /** By name: sends such values from one end in a payload that the other one does not read. Returns whether it was refused or cancelled, if it has an answer. */
  const unread = {
    'arguments of an unknown function': async ({ proxy, kinds }) => Promise.resolve().then(() => proxy.missing(...kinds())).then(() => false, error => error.name === 'TypeError'),
    'arguments of an unknown notification': async ({ notify, kinds }) => (notify('missing', ...kinds()), true),
    'arguments that cannot be decoded': async ({ proxy, kinds }) =>
      Promise.resolve().then(() => proxy.echo(kinds(), 2n ** 40n, kinds())).then(() => false, error => /there are no bigints/.test(error.message)),
    'the result of a call that is cancelled': ({ within, cancelled }) => cancelled(limits => within(limits).give()),
    'the result of a notification': async ({ notify }) => (notify('give'), true),
  };

  /** From now on this end decodes no bigints. */
  const lacksBigints = () => {
    const { BigInt } = globalThis;
    globalThis.BigInt = () => {
      throw new Error('there are no bigints');
    };
    globalThis.restore = () => {
      globalThis.BigInt = BigInt;
      delete globalThis.restore;
    };
  };

  for (const [name, body] of Object.entries(unread))
    link(`a thousand values in ${name} leave the tables of both ends empty`, async (w, run) => {
      const tools = { proxy: w.proxy, within: limits => w.within(limits), notify: (...args) => w.notify(...args), kinds: () => kinds(mark), cancelled };
      w.proxy.give = tools.kinds;
      w.proxy.echo = value => value;
      const rounds = async (tools, body) => {
        let right = 0;
        for (let i = 0; i < 250; i += 10) for (const done of await Promise.all(Array.from({ length: 10 }, () => body(tools)))) right += done;
        return right;
      };
      const prepare = ({ proxy, callback, expose, within, notify }, [kinds, cancelled, rounds, body]) => {
        const evaluated = source => (0, eval)(`(${source})`);
        const tools = { proxy, within, notify, kinds: () => evaluated(kinds)({ callback, expose }), cancelled: evaluated(cancelled) };
        proxy.give = tools.kinds;
        proxy.rounds = () => evaluated(rounds)(tools, evaluated(body));
      };
      await run(prepare, [kinds, cancelled, rounds, body].map(String));
      const without = /decoded/.test(name) ? lacksBigints : () => {};
      await run(without);
      equal(await rounds(tools, body), 250);
      await run(() => void globalThis.restore?.());
      await settles(w, 0, 0);
      without();
      try {
        equal(await w.proxy.rounds(), 250);
      } finally {
        globalThis.restore?.();
      }
      await settles(w, 0, 0);
      await until(async () => { const { given, received } = await run(({ handles }) => handles()); return given + received === 0; });
    });

  link('a thousand values in arguments of calls that are cancelled before they run leave the tables of both ends empty', async (w, run) => {
    if (!blocks) return skip('a worker that computes receives nothing');
    const controller = new AbortController();
    const begun = new Promise(resolve => (w.proxy.begun = resolve));
    const computes = run(({ check, notify }, signal) => {
      notify('begun');
      while (!signal.aborted) check();
    }, controller.signal);
    await begun;
    for (let i = 0; i < 250; i++) equal(await cancelled(limits => w.within(limits).echo(...kinds(mark))), true);
    controller.abort();
    await computes;
    // The signal is left.
    await settles(w, 1, 0);
  });

  link('an aborted signal crosses with its reason, or with the text of one that cannot be sent', async (w, run) => {
    const f = callback(() => 7);
    const thrown = Object.assign(new RangeError('too far'), { on() {} });
    const reasons = [
      ['text', 'text', undefined],
      [undefined, 'signal is aborted without reason', 'AbortError'],
      [new RangeError('too far'), 'too far', 'RangeError'],
      [thrown, 'too far', 'AbortError'],
      [() => 1, '() => 1', 'AbortError'],
      [Symbol('local'), 'Symbol(local)', 'AbortError'],
      [{ message: 'an object', get x() { throw new Error('no'); } }, 'an object', 'AbortError'],
    ];
    const told = ({ reason }) => [typeof reason === 'string' ? reason : reason.message, reason.name];
    for (const [reason, text, name] of reasons) {
      const before = await run((_, told, signal) => (0, eval)(told)(signal), String(told), AbortSignal.abort(reason));
      const controller = new AbortController();
      const later = run((_, told, signal) => new Promise(resolve => signal.addEventListener('abort', () => resolve((0, eval)(told)(signal)))), String(told), controller.signal);
      await w.proxy.echo(1);
      controller.abort(reason);
      deepEqual([before, await later].map(([said, name]) => [reason === undefined ? text : said, name]), [[text, name], [text, name]]);
    }
    // Callbacks in reasons are sent.
    equal(await run(async (_, signal) => await signal.reason.f(), AbortSignal.abort({ f })), 7);
    const own = new AbortController();
    own.abort({ message: 'its own', signal: own.signal });
    deepEqual(await run((_, told, signal) => (0, eval)(told)(signal), String(told), own.signal), ['its own', 'AbortError']);
    // Two that are each other's reason, alone and within a third one.
    const [first, second, third] = [0, 1, 2].map(() => new AbortController());
    const names = (_, signal) => {
      const names = [];
      for (let next = signal; next; next = next.reason.signal) names.push(next.reason.name ?? next.reason.message);
      return names;
    };
    const aborted = new Promise(resolve => first.signal.addEventListener('abort', resolve));
    const later = run((_, names, signal) => new Promise(resolve => signal.addEventListener('abort', () => resolve((0, eval)(names)(_, signal)))), String(names), first.signal);
    await w.proxy.echo(1);
    second.abort({ message: 'second', signal: first.signal });
    first.abort({ message: 'first', signal: second.signal });
    await aborted;
    deepEqual(await later, ['first', 'AbortError']);
    for (const { signal } of [first, second]) deepEqual(await run(names, signal), ['AbortError']);
    third.abort({ message: 'third', signal: first.signal });
    deepEqual(await run(names, third.signal), ['AbortError']);
    // A long chain of reasons takes no more than its length squared.
    let chain;
    for (let i = 0; i < 40; i++) chain = AbortSignal.abort({ message: `${i}`, signal: chain });
    equal((await run(names, chain)).length, 40);
    // Objects that only posting carries are sent if the signal aborts later.
    const posting = new AbortController();
    const { port1, port2 } = new MessageChannel();
    const said = run((_, signal) => new Promise(resolve => signal.addEventListener('abort', () => resolve(signal.reason.name ?? signal.reason.constructor.name))), posting.signal);
    await w.proxy.echo(1);
    posting.abort(port1);
    assert(['MessagePort', 'AbortError'].includes(await said));
    equal(await run((_, signal) => signal.reason.name, posting.signal), 'AbortError');
    port2.close();
    await settles(w, w.handles().given, 0);
  });

  link('a path that is not awaited is no value for JSON', async (w, run) => {
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

  test('callbacks may be sent before there is a link', async () => {
    const w = new Worker(worker('objects'));
    try {
      const f = callback(x => x + 1);
      const result = w.proxy.run(String((_, f, value) => Promise.all([f(1), value.is])), f, { is: 'sent' });
      throws(() => w.proxy.echo(() => {}));
      deepEqual(await result, [2, 'sent']);
      equal(await w.proxy.echo(f), f);
    } finally {
      w.terminate();
    }
  });

  test('callbacks reject after the end of the link', async () => {
    const w = new Worker(worker('objects'));
    const f = await w.proxy.run(String(({ callback }) => callback(() => 1)));
    const pending = await w.proxy.run(String(({ callback, pause }) => callback(() => pause(10_000))));
    await w.proxy.run(String(({ kept }, g) => void (kept.g = g)), callback(() => 2));
    const call = rejects(pending);
    w.terminate();
    equal((await call).code, 'Closed');
    equal((await rejects(f)).code, 'Closed');
    deepEqual(w.handles(), { given: 0, received: 0 });
    dispose(f);
    equal(throws(f).name, 'ReferenceError');
    equal((await rejects(() => w.proxy.echo(callback(() => 1)))).code, 'Closed');
    deepEqual(w.handles(), { given: 0, received: 0 });
  });

  test('a callback of one worker works in another one', async () => {
    const [a, b] = [new Worker(worker('objects')), new Worker(worker('objects'))];
    try {
      const run = (w, ...call) => runnerOf(w)(...call);
      const f = await run(a, ({ callback, kept }) => callback(x => (kept.was = x) * 2));
      equal(await run(b, (_, f) => f(21), f), 42);
      equal(await run(a, ({ kept }) => kept.was), 21);
      equal(await b.proxy.echo(f), f);
      const o = await run(a, ({ callback }) => callback({ n: 5, f() { return this.n; }, fails() { throw new RangeError('of a'); } }));
      deepEqual(await run(b, async ({ outcome }, o) => [Object.keys(o), await o.f(), (await outcome(() => o.fails())).message], o), [['f', 'fails'], 5, 'of a']);
      // What it is given comes from yet another end.
      const calls = await run(a, ({ callback }) => callback(async g => (await g(1)) + 1));
      equal(await run(b, ({ callback }, calls) => calls(callback(x => x + 10)), calls), 12);
      a.terminate();
      equal((await run(b, ({ outcome }, f) => outcome(() => f(1)), f)).code, 'Closed');
    } finally {
      a.terminate();
      b.terminate();
    }
  });

  test('values of one copy of the package pass through another copy in the same page', async () => {
    const options = { tier, promises: !blocks };
    const copies = [new Worker(worker('objects')), new (inner(options).Worker)(worker('objects'))];
    const give = ({ callback, expose, stream }) => ({
      f: callback(x => x * 2),
      o: callback({ n: 5, m() { return this.n; } }),
      exposed: expose({ n: 7, get: () => 'got', again: null }),
      rows: stream([1, 2, 3]),
      generator: (function* () { yield* [4, 5]; })(),
    });
    const take = async ({ within }, { f, o, exposed, rows, generator }) => {
      const all = async rows => {
        const found = [];
        for await (const row of rows) found.push(row);
        return found.join();
      };
      return [await f(21), await o.m(), await exposed.n, await exposed.get(), await within({ promise: true }, f)(1), await all(rows), await all(generator)];
    };
    const expected = [42, 5, 7, 'got', 2, '1,2,3', '4,5'];
    try {
      for (const [from, to] of [copies, copies.toReversed()]) {
        // A worker's values, by main to the other worker and home again.
        const values = await runnerOf(from)(give);
        deepEqual(await runnerOf(to)(take, values), expected);
        deepEqual([await values.f(21), await values.exposed.n], [42, 7]);
        const { f, exposed } = values;
        deepEqual(await to.proxy.echo([f, exposed]), [f, exposed]);
        // Limits of either copy.
        deepEqual([await from.within({ timeout: 1e4 }, f)(1), await to.within({ timeout: 1e4 }, f)(1)], [2, 2]);
        // Main's own values, which one copy has marked.
        deepEqual(await runnerOf(to)(take, give({ ...mark })), expected);
        dispose(f);
        equal(throws(() => f(1)).name, 'ReferenceError');
        const controller = new AbortController();
        for (const w of [from, to]) await runnerOf(w)(({ kept }, signal) => void (kept.signal = signal), controller.signal);
        controller.abort('enough');
        for (const w of [from, to]) await until(() => runnerOf(w)(({ kept }) => kept.signal.reason === 'enough'));
        from.proxy.mine = mark.expose({ other: 1 });
        equal(await runnerOf(from)(async ({ proxy }) => await proxy.mine.other), 1);
      }
    } finally {
      for (const w of copies) w.terminate();
    }
  });

  /** Has the worker expose a counter, a class and more. */
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
      // A function takes its name.
      w.proxy.late = () => 'a function';
      deepEqual(await w.proxy.run(String(async ({ proxy }) => [proxy.late.n, await proxy.late()])), [undefined, 'a function']);
      delete w.proxy.counter;
      equal(await w.proxy.run(String(async ({ proxy }) => proxy.counter.n)), undefined);
      // It came as a handle, which does not depend on names.
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

  link('a signal in arguments or a result aborts at the other end', async (w, run) => {
    const controller = new AbortController();
    await run(({ kept }, signal, list) => {
      kept.signal = signal;
      kept.same = list[0] === signal;
      kept.reasons = [];
      signal.addEventListener('abort', () => kept.reasons.push(signal.reason));
    }, controller.signal, [controller.signal]);
    deepEqual(await run(({ kept }) => [kept.signal instanceof AbortSignal, kept.signal.aborted, kept.same]), [true, false, true]);
    assert(await run(({ kept }) => kept.signal) === controller.signal, 'it is another one at home');
    controller.abort(new RangeError('enough'));
    controller.abort('again');
    const [reasons, aborted] = await run(({ kept }) => [kept.reasons, kept.signal.aborted]);
    deepEqual([reasons.length, reasons[0].name, reasons[0].message, aborted], [1, 'RangeError', 'enough', true]);
    deepEqual(await run((_, signal) => [signal.aborted, signal.reason.message], controller.signal), [true, 'enough']);
    const odd = new AbortController();
    await run(({ kept }, signal) => void (kept.odd = signal), odd.signal);
    odd.abort(() => {});
    deepEqual(await run(({ kept }) => [kept.odd.aborted, kept.odd.reason.name]), [true, 'AbortError']);
    // In a result, of the worker.
    const theirs = await run(({ kept }) => (kept.controller = new AbortController()).signal);
    const fired = new Promise(resolve => theirs.addEventListener('abort', () => resolve(theirs.reason)));
    await run(({ kept }) => kept.controller.abort('of the worker'));
    equal(await fired, 'of the worker');
  });

  link('a controller aborts from both ends', async (w, run) => {
    const mine = new AbortController();
    await run(({ kept }, controller, signal) => {
      kept.mine = controller;
      kept.same = controller.signal === signal;
    }, mine, mine.signal);
    assert(await run(({ kept }) => kept.same), 'its signal is another one');
    equal(await run(({ kept }) => kept.mine), mine);
    const fired = new Promise(resolve => mine.signal.addEventListener('abort', () => resolve(mine.signal.reason)));
    await run(({ kept }) => kept.mine.abort('there'));
    equal(await fired, 'there');
    const other = new AbortController();
    await run(({ kept }, controller) => void (kept.other = controller), other);
    other.abort('here');
    deepEqual(await run(({ kept }) => [kept.other.signal.aborted, kept.other.signal.reason]), [true, 'here']);
    await run(({ kept }) => kept.other.abort('late'));
    equal(other.signal.reason, 'here');
  });

  link('signals end calls of main, and of the worker', async (w, run) => {
    const controller = new AbortController();
    w.proxy.never = () => new Promise(() => {});
    w.proxy.aborts = reason => controller.abort(reason);
    const ended = run(({ outcome, proxy, within }, signal) => outcome(() => within({ signal }).never()), controller.signal);
    setTimeout(() => controller.abort('enough'), 20);
    deepEqual((await ended).thrown, 'enough');
    deepEqual((await run(({ outcome, within }, signal) => outcome(() => within({ signal }).never()), controller.signal)).thrown, 'enough');
    // A signal of the worker that a callback aborts in the middle.
    w.proxy.calls = async f => (await f(), new Promise(() => {}));
    const own = await run(({ callback, outcome, within }) => {
      const controller = new AbortController();
      return outcome(() => within({ signal: controller.signal }).calls(callback(() => controller.abort('in the middle'))));
    });
    equal(own.thrown, 'in the middle');
    equal(await w.proxy.echo('goes on'), 'goes on');
    if (!blocks) return;
    const computing = new AbortController();
    const begun = new Promise(resolve => (w.proxy.begins = resolve));
    const looks = run(({ notify, check }, signal) => {
      notify('begins');
      while (!signal.aborted) check();
      return signal.reason;
    }, computing.signal);
    await begun;
    // It is behind nothing that the worker keeps.
    const kept = w.proxy.echo('kept');
    computing.abort('while it computes');
    deepEqual([await looks, await kept], ['while it computes', 'kept']);
    const sleeping = new AbortController();
    const asleep = new Promise(resolve => (w.proxy.begins = resolve));
    const sleeps = run(({ notify, outcome, sleep }, signal) => {
      notify('begins');
      return outcome(() => sleep(600_000, { signal }));
    }, sleeping.signal);
    await asleep;
    sleeping.abort('while it sleeps');
    equal((await sleeps).thrown, 'while it sleeps');
    equal((await run(({ outcome, sleep }, signal) => outcome(() => sleep(600_000, { signal })), sleeping.signal)).thrown, 'while it sleeps');
  });

  link('a signal that is sent again before its abort is aborted when it arrives after it', async (w, run) => {
    const controller = new AbortController();
    await run(({ kept, proxy }, signal) => {
      kept.signal = signal;
      proxy.takes = again => [kept.signal.aborted, again.aborted, again.reason];
    }, controller.signal);
    const begun = new Promise(resolve => (w.proxy.begins = resolve));
    const looks = run(({ notify, check, kept }) => {
      notify('begins');
      const end = performance.now() + 5000;
      while (!kept.signal.aborted && performance.now() < end) check();
    });
    if (blocks) await begun;
    const taken = w.proxy.takes(controller.signal);
    controller.abort('enough');
    await looks;
    deepEqual(await taken, [true, true, 'enough']);
  });

  link('signals that were garbage-collected before they aborted are forgotten', async (w, run) => {
    if (!gc) return skip('garbage is not collected on demand here');
    for (let i = 0; i < 20; i++) await run((_, signal) => signal.aborted, new AbortController().signal);
    const aborted = new AbortController();
    await run(({ kept }, signal) => void (kept.signal = signal), aborted.signal);
    await until(() => (gc(), w.handles().given === 1));
    await until(async () => (await run(({ handles }) => handles().received)) === 1);
    aborted.abort();
    equal(await run(({ handles, kept }) => kept.signal.aborted && handles().received), 0);
  });

  test('signals may be sent before there is a link, and outlive it', async () => {
    const w = new Worker(worker('objects'));
    const [one, two, three] = Array.from({ length: 3 }, () => new AbortController());
    two.abort('before');
    const result = w.proxy.run(String(async (_, one, two) => {
      if (!one.aborted) await new Promise(resolve => one.addEventListener('abort', resolve));
      return [one.reason, two.reason];
    }), one.signal, two.signal);
    one.abort('early');
    deepEqual(await result, ['early', 'before']);
    await w.proxy.echo(three.signal);
    w.terminate();
    three.abort();
    deepEqual(w.handles(), { given: 0, received: 0 });
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

  link('an object with more methods than a callback may have is refused where it is sent', async (w, run) => {
    const object = callback(Object.fromEntries(Array.from({ length: 1025 }, (_, i) => [`m${i}`, () => i])));
    await w.ready;
    const error = throws(() => w.proxy.echo([object]));
    equal(error.name, 'DataCloneError');
    assert(/args\[0\]\[0\]: an object with 1025 methods cannot be a callback, which has 1024 at most: pass `expose\(object\)`/.test(error.message), error.message);
    const many = ({ callback }) => callback(Object.fromEntries(Array.from({ length: 1025 }, (_, i) => [`m${i}`, () => i])));
    assert(/1025 methods/.test((await rejects(() => run(many))).message));
    deepEqual(w.handles(), { given: 0, received: 0 });
    equal(await run(({ handles }) => handles().given), 0);
    delete object.m0;
    equal(await w.proxy.echo(object), object);
  });

  test('a revoked proxy as a callback does not keep the link from ending streams', async () => {
    const w = new Worker(worker('objects'));
    const { proxy, revoke } = Proxy.revocable({ method() {} }, {});
    let hasEnded = false;
    const rows = (function* () {
      try {
        for (;;) yield 1;
      } finally {
        hasEnded = true;
      }
    })();
    const hides = new Proxy(() => {}, {
      getPrototypeOf() {
        throw new Error('boom');
      },
    });
    await w.proxy.run(String(({ kept }, ...values) => void (kept.values = values)), callback(proxy), callback(hides), rows);
    await w.proxy.run(String(async ({ kept }) => void (await kept.values[2].next())));
    revoke();
    equal(throws(() => w.proxy.echo(proxy)).name, 'DataCloneError');
    equal(w.handles().given, 3);
    await w.proxy.run(String(({ dispose, kept }) => dispose(kept.values[0])));
    // Releases travel behind calls.
    await until(async () => (await w.proxy.echo(1), w.handles().given === 2));
    w.terminate();
    await until(() => hasEnded);
  });

  link('terminate rejects a call that awaits a callback', async (w, run) => {
    const begun = new Promise(resolve => (w.proxy.begins = resolve));
    const call = rejects(() => run(async ({ proxy }, f) => (await proxy.begins(1), await f()), callback(() => new Promise(() => {}))));
    await begun;
    w.terminate();
    equal((await call).code, 'Closed');
    deepEqual(w.handles(), { given: 0, received: 0 });
  });

  link('forged operations and handles cost no more than their bytes', async (w, run) => {
    await run(({ proxy, expose }) => {
      const ring = { n: 1 };
      ring.ring = ring;
      proxy.ring = expose(ring);
    });
    const use = (...operation) => w.proxy['coincide:use'](...operation);
    equal(await use('ring', 0, [...Array.from({ length: 20_000 }, () => 'ring'), 'n']), 1);
    const name = 'x'.repeat(1000);
    const fault = await rejects(() => use('ring', 0, ['ring', name, 'n']), TypeError);
    assert(fault.message.includes(name), fault.message);
    // Aborts of signals that never arrive.
    for (let id = 1; id <= 3000; id++) w.notify('coincide:abort', 0, 1e6 + id, 'early');
    w.notify('coincide:abort', 7, 'x');
    w.notify('coincide:forget', 'x');
    deepEqual(await run(({ handles }) => handles()), { given: 0, received: 0 });
    const objects = new Objects({ last: 0 }, () => {}, () => {});
    for (const names of [Array.from({ length: 1025 }, (_, i) => `m${i}`), ['then'], [1], 'm'])
      throws(() => objects.handle(0, 1, 1, names), TypeError);
    deepEqual(objects.sizes, { given: 0, received: 0 });
    deepEqual(await run(({ handles }) => handles()), { given: 0, received: 0 });
  });
};
