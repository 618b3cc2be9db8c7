// Callbacks, exposed objects and signals: what stays where it is when it is passed to the other end.

export default (register, { coincide: made, mark, worker, tier, node, gc, assert, equal, deepEqual, rejects, throws }) => {
  const { callback, dispose, expose } = mark;
  const blocks = tier !== 'messages';
  const { Worker } = made({ tier, promises: !blocks });
  const test = (name, body) => register(`${tier}: objects: ${name}`, body);
  const pause = ms => new Promise(resolve => setTimeout(resolve, ms));

  /** A test with a worker of its own. `run` runs a function there, from its source. */
  const link = (name, body, { Class = Worker } = {}) =>
    test(name, async () => {
      const w = new Class(worker('objects'));
      try {
        return await body(w, (fn, ...args) => w.proxy.run(String(fn), ...args));
      } finally {
        w.terminate();
      }
    });

  /** Waits until the tables are as expected: releases travel behind calls. */
  const settles = async (w, given, received) => {
    for (let i = 0; i < 500; i++) {
      const found = w.handles();
      if (found.given === given && found.received === received) return;
      await w.proxy.echo(i);
      await pause(1);
    }
    deepEqual(w.handles(), { given, received });
  };

  link('the worker calls a function of main, and has its result', async (w, run) => {
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

  link('main calls a function of the worker, and gets a promise', async (w, run) => {
    const add = await run(({ callback }) => callback((a, b) => a + b));
    const results = await Promise.all(Array.from({ length: 50 }, (_, i) => add(i, 1)));
    deepEqual(results, Array.from({ length: 50 }, (_, i) => i + 1));
    const sum = add(1, 2);
    assert(sum instanceof Promise, 'no promise');
    equal(await sum, 3);
    equal((await rejects(() => Promise.resolve(new add()))).name, 'TypeError');
  });

  link('objects with methods keep `this`, and only methods cross', async (w, run) => {
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
    const found = await run(async ({ outcome }, counter) => {
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

  link('one handle is one object, and comes home as itself', async (w, run) => {
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

  link('what is not marked is refused, and the error names the mark', async (w, run) => {
    const error = throws(() => w.proxy.echo({ on() {} }));
    equal(error.name, 'DataCloneError');
    assert(/args\[0\]\.on: a function cannot be sent: .*callback\(/.test(error.message), error.message);
    deepEqual((await run(({ outcome, proxy }) => outcome(() => proxy.nobody(() => {})))).name, 'DataCloneError');
    throws(() => dispose(() => {}), TypeError);
    throws(() => dispose({}), TypeError);
    throws(() => w.within({}, () => {}), TypeError);
  });

  link('errors of callbacks cross with their stacks', async (w, run) => {
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
    if (!blocks) return 'calls of the worker do not block here';
    const down = callback((n, up) => (n === 0 ? 'the end' : up(n - 1)));
    const found = await run(({ callback }, down) => {
      const up = callback(n => down(n, up));
      return down(10, up);
    }, down);
    equal(found, 'the end');
  });

  link('limits apply to what was received', async (w, run) => {
    const slow = await run(({ callback, pause }) => callback(async ms => (await pause(ms), ms)));
    equal((await rejects(() => w.within({ timeout: 5 }, slow)(5000))).name, 'TimeoutError');
    equal(await w.within({ timeout: 5000 }, slow)(1), 1);
    const { signal } = Object.assign(new AbortController(), {});
    const controller = new AbortController();
    const call = rejects(() => w.within({ signal: controller.signal }, slow)(5000));
    controller.abort('enough');
    equal(await call, 'enough');
    assert(!signal.aborted);
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

  link('dispose gives back, on both ends', async (w, run) => {
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

  link('a great many leave nothing behind', async (w, run) => {
    const found = await run(async ({ proxy, callback, dispose, handles }, count) => {
      for (let i = 0; i < count; i++) {
        const back = await proxy.swap(callback(() => i));
        dispose(back);
      }
      return handles();
    }, 0);
    deepEqual(found, { given: 0, received: 0 });
    w.proxy.swap = f => {
      dispose(f);
      return callback(() => f);
    };
    const count = 2000;
    await run(async ({ proxy, callback, dispose }, count) => {
      for (let i = 0; i < count; i++) dispose(await proxy.swap(callback(() => i)));
    }, count);
    await settles(w, 0, 0);
    deepEqual(await run(({ handles }) => handles()), { given: 0, received: 0 });
  });

  link('what is garbage is given back', async (w, run) => {
    if (!gc) return 'garbage is not collected on demand here';
    for (let i = 0; i < 20; i++) await run(({ callback }, i) => callback({ f: () => i }), i);
    for (let i = 0; i < 100 && w.handles().received > 0; i++) {
      gc();
      await pause(5);
    }
    equal(w.handles().received, 0);
    for (let i = 0; i < 200 && (await run(({ handles }) => handles().given)) > 0; i++) await pause(1);
    equal(await run(({ handles }) => handles().given), 0);
    // A method that is kept keeps its object.
    const { f } = await run(({ callback }) => callback({ f: () => 'kept' }));
    for (let i = 0; i < 3; i++) {
      gc();
      await pause(5);
    }
    equal(await f(), 'kept');
  });

  link('what is refused or never sent is taken back', async (w, run) => {
    const f = callback(() => 1);
    throws(() => w.proxy.echo(f, () => {}));
    throws(() => w.proxy.echo({ f, get x() { throw new Error('no'); } }));
    deepEqual(w.handles(), { given: 0, received: 0 });
    equal((await rejects(() => w.proxy.nobody(f, [f]))).name, 'TypeError');
    deepEqual(w.handles(), { given: 0, received: 0 });
    throws(() => w.notify('echo', f, Symbol('local')));
    deepEqual(w.handles(), { given: 0, received: 0 });
    const found = await run(async ({ outcome, proxy, callback, handles }) => [
      (await outcome(() => proxy.nobody(callback(() => 1)))).name,
      (await outcome(() => proxy.nobody(callback(() => 1), () => {}))).name,
      handles().given,
    ]);
    deepEqual(found, ['TypeError', 'DataCloneError', 0]);
    // Only the first result loses something, and what is in it is sent once.
    const { warn } = console;
    console.warn = () => {};
    w.proxy.gives = () => ({ f, g() {} });
    deepEqual(await run(async ({ proxy, dispose }) => {
      const { f, g } = await proxy.gives();
      dispose(f);
      return [typeof f, typeof g];
    }), ['function', 'undefined']);
    console.warn = warn;
    await settles(w, 0, 0);
  });

  test('callbacks may be sent before there is a link', async () => {
    const w = new Worker(worker('objects'));
    try {
      const f = callback(x => x + 1);
      const { signal } = new AbortController();
      const result = w.proxy.run(String((_, f, value) => Promise.all([f(1), value.is])), f, { is: 'sent' });
      throws(() => w.proxy.echo(() => {}));
      deepEqual(await result, [2, 'sent']);
      assert(!signal.aborted);
      equal(await w.proxy.echo(f), f);
    } finally {
      w.terminate();
    }
  });

  test('after the end of the link, what was received says so', async () => {
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
      const run = (w, fn, ...args) => w.proxy.run(String(fn), ...args);
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
};
