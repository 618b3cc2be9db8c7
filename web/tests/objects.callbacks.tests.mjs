// Callbacks: functions and objects with methods that the other end calls.
import { linkOf, pause, runnerOf, until } from './link.kit.mjs';

export default (register, { coincide: made, inner, mark, worker, tier, assert, equal, deepEqual, rejects, throws }) => {
  const { callback, dispose } = mark;
  const blocks = tier !== 'messages';
  const { Worker } = made({ tier, promises: !blocks });
  const test = (name, body) => register(`${tier}: objects: ${name}`, body);
  const link = linkOf(test, Worker, worker);

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

  link('a callback that returns to its end is itself', async (w, run) => {
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

  link('callbacks call callbacks of the other end', async (w, run) => {
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

  test('callbacks are sent before the link is open', async () => {
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
      // Its argument is a callback of another worker.
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
        // Values of a worker, passed by main to the other worker and back.
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
        for (const { transfer } of [made(options), inner(options)]) {
          const buffer = new ArrayBuffer(8);
          equal((await to.proxy.echo(buffer, transfer(buffer))).byteLength, 8);
          equal(buffer.byteLength, 0);
        }
        from.proxy.mine = mark.expose({ other: 1 });
        equal(await runnerOf(from)(async ({ proxy }) => await proxy.mine.other), 1);
      }
    } finally {
      for (const w of copies) w.terminate();
    }
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

  link('terminate rejects a call that awaits a callback', async (w, run) => {
    const begun = new Promise(resolve => (w.proxy.begins = resolve));
    const call = rejects(() => run(async ({ proxy }, f) => (await proxy.begins(1), await f()), callback(() => new Promise(() => {}))));
    await begun;
    w.terminate();
    equal((await call).code, 'Closed');
    deepEqual(w.handles(), { given: 0, received: 0 });
  });
};
