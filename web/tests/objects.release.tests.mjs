// When callbacks, exposed objects and streams are released: by `dispose`, garbage collection, and payloads that are not sent or read.
import { Objects } from '../modules/objects/table.js';
import { linkOf, pause, settles, until } from './link.kit.mjs';
import { skip } from './suite.mjs';

export default (register, { coincide: made, mark, worker, tier, gc, assert, equal, deepEqual, rejects, throws }) => {
  const { callback, dispose } = mark;
  const blocks = tier !== 'messages';
  const { Worker } = made({ tier, promises: !blocks });
  const test = (name, body) => register(`${tier}: objects: ${name}`, body);
  const link = linkOf(test, Worker, worker);

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
    // A disposed callback may be sent again.
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

  link('thousands of disposed callbacks are released', async (w, run) => {
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
    // A reference to a method keeps the handle of its object.
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
    // The first result omits a function, and its callback is sent once.
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

  /** Values of all kinds that are counted. */
  const kinds = ({ callback, expose }) => [callback(() => 1), { o: callback({ m() {} }) }, expose({}), (function* () {})()];

  /** A call of `limited({ signal })` that is cancelled at once. */
  const cancelled = async call => {
    const controller = new AbortController();
    const result = Promise.resolve(call({ signal: controller.signal, promise: true })).then(() => 'returned', error => error);
    controller.abort('enough');
    return (await result) === 'enough';
  };

  /** By name: sends such values in a payload that the other end does not read. Returns whether it was refused or cancelled, if it has an answer. */
  const unread = {
    'arguments of an unknown function': async ({ proxy, kinds }) => Promise.resolve().then(() => proxy.missing(...kinds())).then(() => false, error => error.name === 'TypeError'),
    'arguments of an unknown notification': async ({ notify, kinds }) => (notify('missing', ...kinds()), true),
    'arguments that cannot be decoded': async ({ proxy, kinds }) =>
      Promise.resolve().then(() => proxy.echo(kinds(), 2n ** 40n, kinds())).then(() => false, error => /there are no bigints/.test(error.message)),
    'the result of a call that is cancelled': ({ within, cancelled }) => cancelled(limits => within(limits).give()),
    'the result of a notification': async ({ notify }) => (notify('give'), true),
  };

  /** Makes decoding of bigints fail at this end, until `restore` is called. */
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
    // The handle of the signal remains until the worker collects the signal.
    await until(async () => {
      await w.proxy.echo(1);
      const { given, received } = w.handles();
      return given <= 1 && received === 0;
    });
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
