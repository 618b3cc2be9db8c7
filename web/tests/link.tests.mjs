// A link between main and a worker, as programs use it. `kit` is what the platform provides:
// `coincide`, `worker(name)` gives the URL of a script in `workers/`, the tier, `memory()` the bytes of main's wasm memory, and the assertions of
// `suite.mjs`.

import { onceBegun, pause, until } from './link.kit.mjs';

export default (register, { coincide: made, worker, tier, memory, assert, equal, deepEqual, rejects, throws }) => {
  /** Where a worker can't block, its calls give promises. */
  const blocks = tier !== 'messages';
  const coincide = options => made({ tier, promises: !blocks, ...options });
  const test = (name, body) => register(`${tier}: ${name}`, body);
  const { Worker, workers, transfer, diagnose } = coincide();

  /** A worker for one test. */
  const using = async (body, { ready = true, Class = Worker, options } = {}) => {
    const w = new Class(worker('all'), options);
    try {
      if (ready) await w.ready;
      await body(w);
    } finally {
      w.terminate();
    }
  };
  const link = (name, body, options) => test(name, () => using(body, options));
  const blocking = (name, body) => blocks && link(name, body);

  test('diagnose and the worker tell the tier', async () => {
    const found = diagnose();
    deepEqual([found.tier, found.canBlock, found.reasons.length > 0], [tier, blocks, tier !== 'shared-memory']);
    await using(async w => {
      equal(w.tier, tier);
      deepEqual(await w.proxy.facts(), { native: tier === 'shared-memory', sync: blocks });
    });
  });

  link('ready gives the names of the exports', async w => {
    const names = await w.ready;
    assert(names.includes('echo') && names.includes('add'), String(names));
  });

  link('main awaits a function of the worker', async w => {
    equal(await w.proxy.add(20, 22), 42);
    equal(await w.proxy.later('x'), 'x');
  });

  link('the worker gets the result of a function of main at once', async w => {
    w.proxy.hello = name => `Hello, ${name}`;
    deepEqual(await w.proxy.call('hello', 'PyScript'), { value: 'Hello, PyScript' });
    deepEqual(await w.proxy.typeOf('hello', 1), blocks ? { type: 'string', then: 'undefined' } : { type: 'object', then: 'function' });
  });

  link('an async function of main is awaited before the worker goes on', async w => {
    w.proxy.slow = async value => {
      await pause(30);
      return Promise.resolve(Promise.resolve(value));
    };
    deepEqual(await w.proxy.call('slow', [1]), { value: [1] });
  });

  link('main goes on while the worker waits', async w => {
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

  link('functions set before the worker is up are there', async w => {
    w.proxy.early = () => 'early';
    const names = await w.ready;
    assert(names.length > 0);
    equal((await w.proxy.call('early')).value, 'early');
  }, { ready: false });

  link('calls made before the worker is up arrive', async w => {
    deepEqual(await Promise.all([w.proxy.echo(1), w.proxy.add(2, 3)]), [1, 5]);
  }, { ready: false });

  link('this is null', async w => {
    w.proxy.self = function () {
      'use strict';
      return this === null;
    };
    equal((await w.proxy.call('self')).value, true);
  });

  link('what is no function cannot be called', async w => {
    w.proxy.number = 1;
    const { class: name, message } = await w.proxy.call('number');
    equal(name, 'TypeError');
    assert(/number is not a function/.test(message), message);
  });

  link('errors of main keep class, message, stack, cause and properties', async w => {
    w.proxy.bad = () => {
      throw Object.assign(new RangeError('too far', { cause: new TypeError('why') }), { code: 7 });
    };
    const result = await w.proxy.call('bad');
    deepEqual([result.class, result.message, result.code], ['RangeError', 'too far', 7]);
    equal(result.thrown.cause.constructor.name, 'TypeError');
    assert(result.stack.includes('link.tests'), result.stack);
  });

  link('errors of the worker keep class and message', async w => {
    const error = await rejects(() => w.proxy.fails('RangeError', 'too far'), RangeError);
    equal(error.message, 'too far');
    assert(error.stack.includes('all.js'), error.stack);
    equal(await rejects(() => w.proxy.fails(null, 'text')), 'text');
    equal(await rejects(() => w.proxy.fails(null, null)), null);
  });

  link('whatever is thrown or rejected with is thrown in the worker', async w => {
    for (const value of ['text', { a: 1 }, null, undefined, 0]) {
      w.proxy.throws = () => {
        throw value;
      };
      w.proxy.rejects = () => Promise.reject(value);
      for (const name of ['throws', 'rejects']) {
        const result = await w.proxy.call(name);
        assert('thrown' in result, name);
        deepEqual(result.thrown, value);
      }
    }
  });

  link('an error that main returns is thrown in the worker, one that the worker returns is given', async w => {
    w.proxy.gives = () => new RangeError('given');
    equal((await w.proxy.call('gives')).class, 'RangeError');
    const error = await w.proxy.echo(new RangeError('given'));
    assert(error instanceof RangeError && error.message === 'given');
  });

  link('an unknown function is a TypeError that names it, and the link goes on', async w => {
    const result = await w.proxy.call('missing');
    equal(result.class, 'TypeError');
    assert(result.message.includes('missing'), result.message);
    const error = await rejects(() => w.proxy.missing(), TypeError);
    assert(error.message.includes('missing'), error.message);
    equal(await w.proxy.echo(1), 1);
  });

  link('arguments that cannot be sent throw with their path before anything is sent', async w => {
    let reached = 0;
    w.proxy.f = () => reached++;
    const result = await w.proxy.unsent('f');
    equal(result.name, 'DataCloneError');
    assert(result.message.includes('args[0].deep[1]'), result.message);
    const error = throws(() => w.proxy.echo({ a: { b: () => {} } }));
    equal(error.name, 'DataCloneError');
    assert(error.message.includes('args[0].a.b'), error.message);
    throws(() => w.proxy.echo(Symbol('local')));
    equal(reached, 0);
    equal(await w.proxy.echo(1), 1);
  });

  link('functions inside of results are left out, and an error under strict', async w => {
    w.proxy.f = () => ({ v: 1, f() {} });
    deepEqual((await w.proxy.call('f')).value, { v: 1, f: undefined });
    const strict = coincide({ strict: true });
    await using(
      async w => {
        w.proxy.f = () => ({ v: 1, f() {} });
        const result = await w.proxy.call('f');
        equal(result.name, 'DataCloneError');
        assert(result.message.includes('.f'), result.message);
      },
      { Class: strict.Worker },
    );
  });

  if (!blocks)
    test('a worker that cannot block says why, and what would help', async () => {
      const plain = made({ tier });
      await using(
        async w => {
          w.proxy.hello = () => 'hello';
          const { code, message } = await w.proxy.call('hello');
          equal(code, 'CannotBlock');
          for (const part of ['hello', 'cannot block', 'within({ promise: true })', 'promises: true'])
            assert(message.includes(part), `${part} is not in ${message}`);
          deepEqual(await w.proxy.awaits({}, 'hello'), { value: 'hello' });
          equal(await w.proxy.add(1, 2), 3);
        },
        { Class: plain.Worker },
      );
    });

  link('a getter that throws is an error on the other side, and the link goes on', async w => {
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

  link('proxies look like objects of functions', async w => {
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

  link('main may await the worker that waits for it', async w => {
    w.proxy.ask = (name, ...args) => w.proxy[name](...args);
    deepEqual(await w.proxy.call('ask', 'add', 1, 2), { value: 3 });
    if (blocks) equal(await w.proxy.fibonacci(8), 21);
  });

  blocking('a function that waits for the worker that waits for it is a deadlock, which names the cycle', async w => {
    w.proxy.ask = (name, ...args) => w.proxy[name](...args);
    const result = await w.proxy.call('ask', 'later', 1);
    deepEqual([result.isError, result.code], [true, 'Deadlock']);
    assert(result.message.includes('worker.later, called by main.ask, called by worker.call'), result.message);
    assert(result.message.includes('has begun'), result.message);
    equal(await w.proxy.later(1), 1);
  });

  blocking('a function that catches the deadlock goes on', async w => {
    w.proxy.ask = () => w.proxy.later(1).catch(({ code }) => code);
    deepEqual(await w.proxy.call('ask'), { value: 'Deadlock' });
  });

  // Calls of asynchronous functions of a worker that is blocked, made by the function that it is blocked in.
  const unawaited = {
    'a synchronous function': (call, keep) => {
      keep(call());
      return 'done';
    },
    'a synchronous function that makes several': (call, keep) => {
      for (let i = 0; i < 3; i++) keep(call());
      return 'done';
    },
    'an async function that does not await it': async (call, keep) => {
      keep(call());
      return 'done';
    },
    'an async function that awaits something else': async (call, keep) => {
      keep(call());
      await pause(30);
      return 'done';
    },
    'a race that a timer wins': (call, keep) => {
      const called = call();
      keep(called);
      return Promise.race([called, pause(30).then(() => 'done')]);
    },
    'the executor of a promise': (call, keep) => new Promise(resolve => {
      keep(call());
      resolve('done');
    }),
    'an await before it': async (call, keep) => {
      await null;
      keep(call());
      await pause(30);
      return 'done';
    },
  };
  for (const [name, body] of Object.entries(unawaited))
    blocking(`a call that nothing awaits is deferred: ${name}`, async w => {
      const kept = [];
      w.proxy.ask = () => body(() => w.proxy.later(7), promise => kept.push(promise));
      deepEqual(await w.proxy.call('ask'), { value: 'done' });
      assert(kept.length > 0);
      for (const value of await Promise.all(kept)) equal(value, 7);
    });

  blocking('a deferred call runs when a deadline or an interrupt has ended the one that made it', async w => {
    let kept;
    w.proxy.never = () => {
      kept = w.proxy.later(7);
      return new Promise(() => {});
    };
    // The deadline may pass before the function runs.
    await until(async () => {
      equal((await w.proxy.callWithin({ timeout: 20 }, 'never')).name, 'TimeoutError');
      return kept !== undefined;
    });
    equal(await kept, 7);
    kept = undefined;
    const blocked = w.proxy.call('never');
    await until(() => kept !== undefined);
    w.interrupt();
    equal((await blocked).code, 'Interrupted');
    equal(await kept, 7);
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

  link('a deadline of main passes while the worker says nothing', async w => {
    const busy = w.proxy.spin();
    equal((await rejects(() => w.within({ timeout: 30 }).echo(1))).name, 'TimeoutError');
    w.interrupt();
    equal((await busy).code, 'Interrupted');
  });

  link('deadlines end calls on both sides', async w => {
    equal((await rejects(() => w.within({ timeout: 20 }).later(1, 60_000))).name, 'TimeoutError');
    w.proxy.slow = () => new Promise(() => {});
    equal((await w.proxy.callWithin({ timeout: 20 }, 'slow')).name, 'TimeoutError');
    equal(await w.proxy.echo(1), 1);
    throws(() => w.within({ timeout: -1 }), RangeError);
    throws(() => w.within({ timeout: 'x' }), RangeError);
  });

  link('an AbortSignal ends calls', async w => {
    const controller = new AbortController();
    const call = w.within({ signal: controller.signal }).later(1, 60_000);
    controller.abort(new Error('enough'));
    equal((await rejects(() => call)).message, 'enough');
    equal((await rejects(async () => w.within({ signal: AbortSignal.abort() }).echo(1))).name, 'AbortError');
    equal(await w.proxy.echo(1), 1);
  });

  for (const way of ['check', 'sleep', 'notify', 'set', ...(blocks ? ['call'] : [])])
    link(`a worker that has done something in a task of its own receives calls afterwards: ${way}`, async w => {
      w.proxy.ping = () => {};
      const { inOwnTask, echo } = w.within({ timeout: 20_000 });
      for (let round = 0; round < 3; round++) {
        const during = pause(40).then(() => echo('during'));
        equal(await inOwnTask(way), way);
        equal(await during, 'during');
        equal(await echo('after'), 'after');
      }
    });

  const waits = blocks ? ['check', 'sleep', 'call', 'calls'] : ['check', 'sleep'];
  for (const way of waits)
    for (const limit of ['timeout', 'signal'])
      link(`a call that a ${limit} ends stops what the worker does for it: ${way}`, async w => {
        w.proxy.never = () => new Promise(() => {});
        w.proxy.ping = () => {};
        let stops = [];
        // Until the function has begun before its time was over.
        for (let round = 0; stops.length === 0; round++) {
          assert(round < 50, 'it does not stop');
          const controller = new AbortController();
          let begun;
          const beginning = new Promise(resolve => (begun = resolve));
          w.proxy.begun = () => begun();
          const limits = limit === 'timeout' ? { timeout: 100 } : { signal: controller.signal };
          const call = rejects(() => w.within(limits).until(way, 'begun'));
          if (limit === 'signal') {
            await beginning;
            controller.abort();
          }
          equal((await call).name, limit === 'timeout' ? 'TimeoutError' : 'AbortError');
          equal(await w.within({ timeout: 20_000 }).echo(round), round);
          stops = await w.proxy.stopped();
        }
        deepEqual(stops, [[way, 'AbortError', 20, 'string']]);
      });

  link('a cancelled call that has not begun stops none that runs', async w => {
    const busy = w.proxy.looks(600).catch(error => error);
    const controller = new AbortController();
    const queued = rejects(() => w.within({ signal: controller.signal }).looks(600));
    const other = w.proxy.looks(1);
    await pause(20);
    controller.abort();
    equal((await queued).name, 'AbortError');
    equal(await busy, 'to its end');
    equal(await other, 'to its end');
  });

  link('a cancelled call that waits behind another one stops when it begins, if it does', async w => {
    const busy = w.proxy.looks(300);
    const call = rejects(() => w.within({ timeout: 50 }).until('check'));
    equal((await call).name, 'TimeoutError');
    equal(await busy, 'to its end');
    equal(await w.within({ timeout: 20_000 }).echo(1), 1);
    for (const stop of await w.proxy.stopped()) deepEqual(stop, ['check', 'AbortError', 20, 'string']);
  });

  link('calls that are cancelled time and again are told apart', async w => {
    for (let i = 0; i < 6; i++) {
      const controller = new AbortController();
      let begun;
      const beginning = new Promise(resolve => (begun = resolve));
      w.proxy.begun = () => begun();
      const call = rejects(() => w.within({ signal: controller.signal }).until('check', 'begun'));
      await beginning;
      controller.abort();
      equal((await call).name, 'AbortError');
      equal(await w.proxy.looks(1), 'to its end');
    }
    equal((await w.proxy.stopped()).length, 6);
    equal(await w.proxy.looks(450), 'to its end');
  });

  blocking('the end of a call stops what runs on its behalf, and nothing else', async w => {
    w.proxy.never = () => new Promise(() => {});
    // Main's function can't be stopped: its call of the worker is.
    w.proxy.ask = way => w.proxy.until(way, 'begun').then(() => 'ended');
    for (const way of ['check', 'sleep', 'call']) {
      const controller = new AbortController();
      let begun;
      const beginning = new Promise(resolve => (begun = resolve));
      w.proxy.begun = () => begun();
      const call = rejects(() => w.within({ signal: controller.signal }).nests('ask', way));
      await beginning;
      controller.abort();
      equal((await call).name, 'AbortError');
      equal(await w.within({ timeout: 20_000 }).echo(way), way);
      deepEqual(await w.proxy.stopped(), [[way, 'AbortError', 20, 'string'], ['nests', 'AbortError']]);
    }
    w.proxy.limited = way => w.within({ timeout: 300 }).until(way).catch(({ name }) => name);
    let stops;
    // The deadline may pass before the function runs.
    await until(async () => {
      await w.proxy.nests('limited', 'check');
      stops = await w.proxy.stopped();
      deepEqual(stops.at(-1), ['nests', 'TimeoutError']);
      return stops.length > 1;
    });
    deepEqual(stops, [['check', 'AbortError', 20, 'string'], ['nests', 'TimeoutError']]);
  });

  blocking('an interrupt ends the call in which the worker waits', async w => {
    w.proxy.never = () => {
      w.interrupt();
      return new Promise(() => {});
    };
    equal((await w.proxy.call('never')).code, 'Interrupted');
    equal(await w.proxy.echo(1), 1);
  });

  link('an interrupt ends what the worker computes, time and again', async w => {
    for (let i = 0; i < 6; i++) {
      onceBegun(w, () => w.interrupt());
      equal((await w.proxy.spin('begun')).code, 'Interrupted');
    }
    equal(await w.proxy.looks(250), 'to its end');
  });

  link('what a worker says while it computes is heard at once, and so are the interrupts that follow', async w => {
    w.proxy.begun = () => w.interrupt();
    deepEqual(await w.proxy.spinsOn(3, 'begun'), ['Interrupted', 'Interrupted', 'Interrupted']);
  });

  link('an interrupt of a worker that does nothing comes to nothing', async w => {
    for (let i = 0; i < 6; i++) w.interrupt();
    await pause(20);
    equal(await w.proxy.looks(250), 'to its end');
    onceBegun(w, () => w.interrupt());
    equal((await w.proxy.spin('begun')).code, 'Interrupted');
  });

  link('a worker sleeps', async w => {
    const slept = await w.proxy.sleeps(50);
    assert(slept >= 49, slept);
    equal((await w.proxy.sleeps(0)) < 1000, true);
    for (const given of [-1, NaN, '1', undefined]) assert((await w.proxy.sleeps(given)).message.includes('milliseconds'));
    equal(await w.proxy.echo(1), 1);
  });

  link('an interrupt wakes a worker that sleeps, and what main calls meanwhile runs where the worker can block', async w => {
    const begun = new Promise(resolve => onceBegun(w, resolve));
    const sleeping = w.proxy.sleeps(Infinity, 'begun');
    await begun;
    if (blocks) equal(await w.proxy.echo(1), 1);
    w.interrupt();
    equal((await sleeping).code, 'Interrupted');
    equal(await w.proxy.echo(2), 2);
  });

  link('notifications want no answer', async w => {
    const heard = new Promise(resolve => (w.proxy.note = (...args) => resolve(args)));
    await w.proxy.note('note', 1, 'x');
    deepEqual(await heard, [1, 'x']);
  });

  link('transfer detaches the buffers, in both directions', async w => {
    w.proxy.size = (buffer, ...rest) => [buffer.byteLength, rest.length];
    deepEqual(await w.proxy.transfers('size'), [[3, 0], 0]);
    const buffer = new Uint8Array([4, 5]).buffer;
    const list = transfer(buffer);
    deepEqual([...new Uint8Array(await w.proxy.echo(buffer, list))], [4, 5]);
    equal(buffer.byteLength, 0);
  });

  test('transfer: false makes the list an argument', async () => {
    const plain = coincide({ transfer: false });
    await using(async w => equal((await w.proxy.add([], plain.transfer())).length, 0), { Class: plain.Worker });
  });

  test('transform is applied to arguments and results', async () => {
    const doubling = coincide({ transform: value => (typeof value === 'number' ? value * 2 : value) });
    await using(
      async w => {
        equal(await w.proxy.add(1, 2), 12);
        w.proxy.give = value => value;
        deepEqual(await w.proxy.call('give', 'x'), { value: 'x' });
      },
      { Class: doubling.Worker },
    );
  });

  link('large values travel', async w => {
    const bytes = new Uint8Array(8 << 20).map((_, i) => i * 7);
    const back = await w.proxy.echo(bytes);
    equal(back.length, bytes.length);
    assert(back.every((byte, i) => byte === bytes[i]));
    w.proxy.give = () => 'é'.repeat(1 << 20);
    equal((await w.proxy.call('give')).value.length, 1 << 20);
  });

  test('a worker that says that it will never be ready ends what main awaits of it', async () => {
    const w = new Worker(worker('failing'), { name: 'failing' });
    const early = rejects(() => w.proxy.add(1, 2), Error);
    const named = rejects(() => workers.failing, Error);
    const { code, message } = await rejects(() => w.ready, Error);
    equal(code, 'Closed');
    assert(message.includes('there is no runtime'), message);
    assert((await early).message.includes('there is no runtime'), (await early).message);
    assert((await named).message.includes('there is no runtime'), (await named).message);
    assert((await rejects(() => w.proxy.add(1, 2), Error)).message.includes('there is no runtime'));
    assert(!('failing' in workers), 'its name is taken');
    w.terminate();
  });

  test('terminate ends every call, before and after the worker is up; twice is fine', async () => {
    for (const ready of [false, true]) {
      const w = new Worker(worker('all'));
      if (ready) await w.ready;
      const call = rejects(() => w.proxy.later(1, 5000));
      await pause(ready ? 10 : 0);
      w.terminate();
      w.terminate();
      equal((await call).code, 'Closed');
      equal((await rejects(() => w.proxy.echo(1))).code, 'Closed');
      await rejects(() => (ready ? w.proxy.echo(1) : w.ready));
    }
  });

  test('whatever is asked of a worker that is terminated before it is up comes to nothing', async () => {
    const w = new Worker(worker('all'));
    w.interrupt();
    w.notify('echo', 1);
    w.proxy.f = () => 1;
    delete w.proxy.f;
    w.terminate();
    w.interrupt();
    equal(throws(() => w.notify('echo', 1)).code, 'Closed');
    equal((await rejects(() => w.ready)).code, 'Closed');
  });

  test('a worker that fails to start rejects what waits for it', async () => {
    for (const name of ['broken', 'missing']) {
      const w = new Worker(worker(name));
      const call = rejects(() => w.proxy.echo(1));
      equal((await rejects(() => w.ready)).code, 'Closed');
      equal((await call).code, 'Closed');
      w.terminate();
    }
  });

  test('workers have names', async () => {
    const early = workers.one;
    await using(
      async w => {
        equal(await early, w.proxy);
        equal(await workers.one, w.proxy);
        equal(throws(() => new Worker(worker('all'), { name: 'one' })).code, 'NameTaken');
        deepEqual(Object.keys(workers), ['one']);
      },
      { options: { name: 'one' } },
    );
    deepEqual(Object.keys(workers), []);
    equal(workers.then, undefined);
  });

  test('measured calls appear in the performance panel', async () => {
    const measuring = coincide({ measure: true });
    await using(async w => w.proxy.echo(1), { Class: measuring.Worker });
    assert(performance.getEntriesByName('coincide: echo', 'measure').length > 0);
  });

  link('a proxy takes functions by assignment only', async w => {
    const { proxy } = w;
    assert(!Reflect.defineProperty(proxy, 'f', { value: () => 1, configurable: true }), '`defineProperty` has no effect and says that it has');
    for (const limit of [Object.freeze, Object.seal, Object.preventExtensions]) throws(() => limit(proxy), TypeError);
    proxy.f = () => 1;
    equal((await proxy.call('f')).value, 1);
  });

  test('a ring has 1 GiB at most', () => {
    equal(throws(() => coincide({ ringSize: 2 ** 32 + 4096 }), RangeError).message.startsWith('`ringSize` has to be 1073741824 bytes at most'), true);
  });

  test('a deadlock timeout is a number of milliseconds', () => {
    for (const wrong of ['3 s', NaN, -1, null]) {
      const { name, message } = throws(() => coincide({ deadlockTimeout: wrong }));
      equal(name, 'RangeError');
      assert(message.includes('deadlockTimeout'), message);
    }
    for (const right of [0, 10, Infinity, undefined]) coincide({ deadlockTimeout: right });
  });

  test('large calls beyond the memory budget end, and all links work on', async () => {
    const MIB = 1 << 20;
    const own = coincide({ memory: MIB });
    const all = Array.from({ length: 5 }, () => new own.Worker(worker('all')));
    try {
      for (const w of all) w.proxy.size = bytes => bytes.length;
      await Promise.all(all.map(w => w.ready));
      const before = memory();
      const sent = await Promise.all(all.map(w => w.proxy.sendsBytes('size', 16 * MIB)));
      for (const { code, message } of sent) {
        equal(code, 'OutOfMemory');
        assert(message.includes('`memory`') && message.includes('budget'), message);
      }
      // Without the budget it would be five times 16 MiB.
      assert(memory() - before < 16 * MIB, `${memory() - before} bytes more`);
      const small = await Promise.all(all.map(w => w.proxy.sendsBytes('size', 1000)));
      for (const { value } of small) equal(value, 1000);
      equal((await rejects(() => all[0].proxy.echo(new Uint8Array(16 * MIB)))).code, 'NotSent');
      equal(throws(() => coincide({ memory: '4 MiB' })).name, 'TypeError');
    } finally {
      for (const w of all) w.terminate();
      coincide({ memory: 2 ** 30 });
    }
  });

  test('many workers at once', async () => {
    const all = Array.from({ length: 4 }, () => new Worker(worker('all')));
    for (const [i, w] of all.entries()) w.proxy.mine = () => i;
    const results = await Promise.all(all.map(w => w.proxy.call('mine')));
    deepEqual(results.map(({ value }) => value), [0, 1, 2, 3]);
    for (const w of all) w.terminate();
  });
};
