// Calls in both directions, notifications, and the functions that can be called.
import { linkKit, pause, until } from './link.kit.mjs';

export default (register, { coincide: made, worker, tier, memory, assert, equal, deepEqual, rejects, throws }) => {
  const { blocks, coincide, test, using, link } = linkKit(register, { coincide: made, worker, tier });
  const { transfer, diagnose } = coincide();

  test('`diagnose` and the worker report the tier', async () => {
    const found = diagnose();
    deepEqual([found.tier, found.canBlock, found.reasons.length > 0], [tier, blocks, tier !== 'shared-memory']);
    await using(async w => {
      equal(w.tier, tier);
      deepEqual(await w.proxy.capabilities(), { native: tier === 'shared-memory', sync: blocks });
    });
  });

  link('`ready` resolves with the names of the exports', async w => {
    const names = await w.ready;
    assert(names.includes('echo') && names.includes('add'), String(names));
  });

  link('main awaits a function of the worker', async w => {
    equal(await w.proxy.add(20, 22), 42);
    equal(await w.proxy.later('x'), 'x');
  });

  link("a blocking call returns the result of main's function", async w => {
    w.proxy.hello = name => `Hello, ${name}`;
    deepEqual(await w.proxy.call('hello', 'PyScript'), { value: 'Hello, PyScript' });
    deepEqual(await w.proxy.typeOf('hello', 1), blocks ? { type: 'string', then: 'undefined' } : { type: 'object', then: 'function' });
  });

  link('a blocking call awaits an async function of main', async w => {
    w.proxy.slow = async value => {
      await pause(30);
      return Promise.resolve(Promise.resolve(value));
    };
    deepEqual(await w.proxy.call('slow', [1]), { value: [1] });
  });

  link('main handles events while the worker waits', async w => {
    let ticks = 0;
    const timer = setInterval(() => ticks++, 5);
    w.proxy.sleep = () => until(() => ticks >= 5);
    const { isError, message } = await w.proxy.call('sleep');
    clearInterval(timer);
    assert(!isError, message);
  });

  link('functions may be set, replaced and deleted at any time', async w => {
    w.proxy.f = () => 1;
    equal((await w.proxy.call('f')).value, 1);
    w.proxy.f = () => 2;
    equal((await w.proxy.call('f')).value, 2);
    delete w.proxy.f;
    const { class: name, message } = await w.proxy.call('f');
    equal(name, 'TypeError');
    assert(message.includes('f'), message);
    equal((await w.proxy.call('f')).class, 'TypeError');
    await w.proxy.removes('add');
    await rejects(() => w.proxy.add(1, 2), TypeError);
    equal(await w.proxy.echo(1), 1);
  });

  link('functions set before the worker is ready are registered', async w => {
    w.proxy.early = () => 'early';
    const names = await w.ready;
    assert(names.length > 0);
    equal((await w.proxy.call('early')).value, 'early');
  }, { ready: false });

  link('calls made before the worker is ready are answered', async w => {
    deepEqual(await Promise.all([w.proxy.echo(1), w.proxy.add(2, 3)]), [1, 5]);
  }, { ready: false });

  link('functions of main run with `this` null', async w => {
    w.proxy.self = function () {
      'use strict';
      return this === null;
    };
    equal((await w.proxy.call('self')).value, true);
  });

  link('calling a member that is not a function throws a TypeError', async w => {
    w.proxy.number = 1;
    const { class: name, message } = await w.proxy.call('number');
    equal(name, 'TypeError');
    assert(/number is not a function/.test(message), message);
  });

  link('a getter that throws in a result rejects the call only', async w => {
    w.proxy.f = () => ({
      get x() {
        throw new Error('from a getter');
      },
    });
    const result = await w.proxy.call('f');
    assert(result.message.includes('from a getter'), result.message);
    equal((await w.proxy.call('f')).isError, true);
  });

  link('a getter may call the other end', async w => {
    w.proxy.f = () => ({
      get x() {
        w.proxy.echo(1);
        return 2;
      },
    });
    deepEqual((await w.proxy.call('f')).value, { x: 2 });
  });

  link('a proxy looks like an object of functions', async w => {
    const shape = await w.proxy.shape();
    deepEqual(shape, { then: undefined, same: true, type: 'function', has: [true, false], set: false });
    equal(w.proxy.then, undefined);
    equal(await w.proxy, w.proxy);
    equal(w.proxy.x, w.proxy.x);
    throws(() => w.proxy[Symbol.iterator]());
    deepEqual(Object.keys(w.proxy), []);
    w.proxy.mine = () => {};
    deepEqual(Object.keys(w.proxy), ['mine']);
  });

  const many = tier === 'service-worker' ? 200 : 10_000;

  link(`${many} calls in a row`, async w => {
    let last = -1;
    w.proxy.count = n => {
      equal(n, last + 1);
      last = n;
      return n;
    };
    equal(await w.proxy.callTimes(many, 'count'), many - 1);
  });

  link('calls overlap and may end in any order', async w => {
    const open = {};
    const done = [];
    w.proxy.gate = name => new Promise(resolve => (open[name] = () => resolve(name)));
    const calls = ['one', 'two', 'three'].map(name => w.proxy.awaits({}, 'gate', name).then(({ value }) => done.push(value)));
    await until(() => Object.keys(open).length === 3);
    for (const name of ['two', 'three', 'one']) {
      open[name]();
      await until(() => done.at(-1) === name);
    }
    await Promise.all(calls);
    deepEqual(done, ['two', 'three', 'one']);
  });

  link('the worker may await several functions of main at once', async w => {
    const waiting = [];
    w.proxy.meet = name =>
      new Promise(resolve => {
        waiting.push(() => resolve(name));
        if (waiting.length === 2) waiting.forEach(meet => meet());
      });
    deepEqual(await w.proxy.awaitsBoth('meet', 1, 2), [1, 2]);
    equal((await w.proxy.awaits({}, 'missing')).class, 'TypeError');
    w.proxy.slow = () => new Promise(() => {});
    equal((await w.proxy.awaits({ timeout: 20 }, 'slow')).name, 'TimeoutError');
  });

  link('notifications call functions without an answer', async w => {
    const heard = new Promise(resolve => (w.proxy.note = (...args) => resolve(args)));
    await w.proxy.note('note', 1, 'x');
    deepEqual(await heard, [1, 'x']);
  });

  link('`transfer` detaches buffers in both directions', async w => {
    w.proxy.size = (buffer, ...rest) => [buffer.byteLength, rest.length];
    deepEqual(await w.proxy.transfers('size'), [[3, 0], 0]);
    const buffer = new Uint8Array([4, 5]).buffer;
    const list = transfer(buffer);
    deepEqual([...new Uint8Array(await w.proxy.echo(buffer, list))], [4, 5]);
    equal(buffer.byteLength, 0);
  });

  link('values of several MiB cross the link', async w => {
    const bytes = new Uint8Array(8 << 20).map((_, i) => i * 7);
    const back = await w.proxy.echo(bytes);
    equal(back.length, bytes.length);
    assert(back.every((byte, i) => byte === bytes[i]));
    w.proxy.give = () => 'é'.repeat(1 << 20);
    equal((await w.proxy.call('give')).value.length, 1 << 20);
  });

  link('functions are registered by assignment only', async w => {
    const { proxy } = w;
    assert(!Reflect.defineProperty(proxy, 'f', { value: () => 1, configurable: true }), '`defineProperty` has no effect and says that it has');
    for (const limit of [Object.freeze, Object.seal, Object.preventExtensions]) throws(() => limit(proxy), TypeError);
    proxy.f = () => 1;
    equal((await proxy.call('f')).value, 1);
  });
};
