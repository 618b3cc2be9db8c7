// Pools of workers.
import { pause, until } from './link.kit.mjs';

export default (register, { coincide: made, pool, worker, tier, assert, equal, deepEqual, rejects, throws }) => {
  const test = (name, body) => register(`${tier}: pool: ${name}`, body);
  const { Worker, transfer } = made({ tier, promises: tier === 'messages' });
  const codeOf = async promise => (await rejects(() => promise)).code;

  /** Runs `body` with a ready pool, its workers, and a gate: workers wait in a function of main until the gate opens. */
  const using = async (size, body, { options, create = () => new Worker(worker('all')), ready = true } = {}) => {
    const created = [];
    const workers = pool(size, () => {
      const w = create(created.length);
      created.push(w);
      return w;
    }, options);
    const gate = { begun: 0 };
    const opened = new Promise(resolve => (gate.open = resolve));
    workers.proxy.wait = async value => {
      gate.begun++;
      await opened;
      return value;
    };
    /** Waits in a worker. */
    const wait = (value, limits = {}) => workers.within(limits).call('wait', value).then(result => result.value);
    try {
      if (ready) await workers.ready;
      return await body(workers, { created, gate, wait });
    } finally {
      await workers.terminate();
    }
  };
  const pooled = (name, size, body, more) => test(name, () => using(size, body, more));
  const counts = ({ size, idle, queued }) => [size, idle, queued];

  pooled('each call is sent to an idle worker, or waits for one', 2, async (workers, { created, gate, wait }) => {
    assert((await workers.ready).includes('echo'));
    deepEqual(counts(workers), [2, 2, 0]);
    const results = ['a', 'b', 'c', 'd'].map(value => wait(value));
    deepEqual(counts(workers), [2, 0, 2]);
    await until(() => gate.begun === 2);
    await pause(10);
    equal(gate.begun, 2);
    gate.open();
    deepEqual(await Promise.all(results), ['a', 'b', 'c', 'd']);
    equal(gate.begun, 4);
    await until(() => workers.idle === 2);
    deepEqual([counts(workers), created.length], [[2, 2, 0], 2]);
  });

  pooled('many calls all end, and no more than one runs in each worker', 3, async workers => {
    let running = 0;
    let most = 0;
    workers.proxy.count = async value => {
      most = Math.max(most, ++running);
      await null;
      running--;
      return value;
    };
    const results = await Promise.all(Array.from({ length: 200 }, (_, i) => workers.proxy.call('count', i)));
    deepEqual(results.map(({ value }) => value), Array.from({ length: 200 }, (_, i) => i));
    assert(most <= 3, `${most} ran at once`);
  });

  pooled('calls that are made before the workers are ready wait', 2, async workers => {
    deepEqual(counts(workers), [2, 0, 0]);
    const sums = [1, 2, 3].map(i => workers.proxy.add(i, i));
    equal(workers.queued, 3);
    deepEqual(await Promise.all(sums), [2, 4, 6]);
  }, { ready: false });

  pooled('a call beyond the bound of the queue rejects', 1, async (workers, { gate, wait }) => {
    const results = [wait(1), wait(2)];
    const error = await rejects(() => workers.proxy.echo(3));
    deepEqual([error.code, error.function, workers.queued], ['NotSent', 'echo', 1]);
    assert(error.message.includes('`queue`') && error.stack.includes('pool.tests'), error.stack);
    gate.open();
    deepEqual(await Promise.all(results), [1, 2]);
    equal(await workers.proxy.echo(4), 4);
  }, { options: { queue: 1 } });

  pooled('without a queue a call runs only if a worker is free', 1, async (workers, { gate, wait }) => {
    const first = wait(1);
    equal(await codeOf(workers.proxy.echo(2)), 'NotSent');
    gate.open();
    equal(await first, 1);
    equal(await workers.proxy.echo(3), 3);
  }, { options: { queue: 0 } });

  pooled('timeouts and signals end calls that wait', 1, async (workers, { gate, wait }) => {
    const first = wait(1);
    const controller = new AbortController();
    const ended = [{ timeout: 15 }, { signal: controller.signal }, { signal: controller.signal, timeout: 60_000 }].map(limits => workers.within(limits).echo(2).catch(reason => reason));
    const last = workers.within({ timeout: 60_000 }).echo(5);
    equal(workers.queued, 4);
    controller.abort('enough');
    equal(workers.queued, 2);
    equal((await ended[0]).name, 'TimeoutError');
    deepEqual(await Promise.all(ended.slice(1)), ['enough', 'enough']);
    equal(workers.queued, 1);
    equal(throws(() => workers.within({ signal: AbortSignal.abort(7) }).echo(6)), 7);
    gate.open();
    deepEqual(await Promise.all([first, last]), [1, 5]);
  });

  pooled('a worker that still computes after a timeout is not free', 2, async (workers, { created }) => {
    const error = await rejects(() => workers.within({ timeout: 10 }).sleep(300));
    equal(error.name, 'TimeoutError');
    equal(workers.idle, 1);
    deepEqual(await Promise.all([1, 2, 3].map(i => workers.proxy.echo(i))), [1, 2, 3]);
    await until(() => workers.idle === 2);
    equal(created.length, 2);
  });

  pooled('a call keeps the arguments that it was made with', 1, async (workers, { gate, wait }) => {
    const first = wait(1);
    const job = { n: 1 };
    const buffer = new Uint8Array([1, 2, 3]).buffer;
    const results = [workers.proxy.echo(job), workers.proxy.echo([buffer], transfer(buffer))];
    job.n = 2;
    equal(buffer.byteLength, 0);
    // A call that cannot be sent throws at once, as without a pool.
    equal(throws(() => workers.proxy.echo(() => {})).name, 'DataCloneError');
    gate.open();
    await first;
    deepEqual(await Promise.all(results), [{ n: 1 }, [new Uint8Array([1, 2, 3]).buffer]]);
    await until(() => workers.idle === 1);
    equal(throws(() => workers.proxy.echo(() => {})).name, 'DataCloneError');
    deepEqual(counts(workers), [1, 1, 0]);
    equal(await workers.proxy.echo(3), 3);
  });

  pooled('errors of functions arrive, and their workers remain usable', 1, async workers => {
    const results = Array.from({ length: 3 }, () => workers.proxy.fails('RangeError', 'too far').catch(error => error));
    for (const error of await Promise.all(results)) {
      assert(error instanceof RangeError && error.message === 'too far', String(error));
      assert(error.stack.includes('pool.tests'), error.stack);
    }
    deepEqual([await workers.proxy.missing().catch(error => error.name), await workers.proxy.echo(1)], ['TypeError', 1]);
  });

  pooled('calls of a worker that ends reject, and it is replaced when a call needs it', 2, async (workers, { created, gate, wait }) => {
    const results = [wait(1), wait(2)];
    await until(() => gate.begun === 2);
    created[0].terminate();
    equal(await codeOf(results[0]), 'Closed');
    deepEqual([counts(workers), created.length], [[1, 0, 0], 2]);
    equal(await workers.proxy.echo(3), 3);
    deepEqual([counts(workers), created.length, gate.begun], [[2, 1, 0], 3, 2]);
    gate.open();
    equal(await results[1], 2);
    for (const w of created) w.terminate();
    equal(workers.size, 0);
    deepEqual(await Promise.all([4, 5, 6].map(i => workers.proxy.echo(i))), [4, 5, 6]);
    deepEqual([workers.size, created.length], [2, 5]);
    deepEqual((await workers.proxy.call('wait', 7)).value, 7);
  });

  pooled('a call is made again only under `retry`', 1, async (workers, { created, gate, wait }) => {
    const once = wait(1);
    await until(() => gate.begun === 1);
    created[0].terminate();
    equal(await codeOf(once), 'Closed');
    const value = { n: 1 };
    const again = wait(value, { retry: true });
    value.n = 2;
    await until(() => gate.begun === 2);
    created[1].terminate();
    await until(() => gate.begun === 3);
    gate.open();
    deepEqual([await again, created.length], [{ n: 1 }, 3]);
    // An error of a function is an answer.
    equal((await rejects(() => workers.within({ retry: true }).fails('RangeError', 'x'))).name, 'RangeError');
    equal(created.length, 3);
  });

  pooled('a call that ends each of its workers is made three times', 1, async (workers, { created, gate, wait }) => {
    const poison = wait(1);
    const other = workers.within({ retry: false }).echo(2);
    const ended = codeOf(poison);
    for (let times = 1; times <= 3; times++) {
      await until(() => gate.begun === times);
      created.at(-1).terminate();
    }
    equal(await ended, 'Closed');
    equal(await other, 2);
    equal(gate.begun, 3);
  }, { options: { retry: true } });

  /** By how a worker fails to start. */
  const failing = {
    'throws': () => {
      throw new RangeError('no worker');
    },
    'creates workers that do not start': () => new Worker(worker('broken')),
    'creates no worker': () => ({}),
  };
  for (const [how, fails] of Object.entries(failing)) {
    let attempts = 0;
    const isAtOnce = how !== 'creates workers that do not start';
    const create = at => {
      if (at === 0) return new Worker(worker('all'));
      attempts++;
      return fails();
    };
    pooled(`a function that ${how} ends the queue with an error`, 1, async (workers, { created }) => {
      equal(await workers.proxy.echo(1), 1);
      created[0].terminate();
      const errors = await Promise.all([2, 3].map(i => rejects(() => workers.proxy.echo(i))));
      // Where creating fails at once, the queue has ended before the second call, which makes one attempt.
      const made = isAtOnce ? [3, 4, 5] : [3, 3, 4];
      errors.push(await rejects(() => workers.proxy.echo(4)));
      errors.forEach(({ code, message, cause, function: name }, at) => {
        deepEqual([code, name, cause instanceof Error], ['Closed', 'echo', true]);
        assert(message.startsWith(`\`echo\` was not called: the last ${made[at]} workers of the pool have failed to start: `), message);
      });
      deepEqual([attempts, counts(workers)], [made[2], [0, 0, 0]]);
    }, { create });
  }

  test('invalid arguments throw at once, and leave no worker', async () => {
    const created = [];
    const create = () => {
      if (created.length === 1) throw new RangeError('no more');
      created.push(new Worker(worker('all')));
      return created[0];
    };
    equal(throws(() => pool(2, create)).message, 'no more');
    equal(await codeOf(created[0].ready), 'Closed');
    created.length = 0;
    const one = new Worker(worker('all'));
    const error = throws(() => pool(2, () => one), TypeError);
    assert(/returned a worker of the pool again/.test(error.message) && error.stack.includes('pool.tests'), error.stack);
    equal(await codeOf(one.ready), 'Closed');
    for (const [Class, ...args] of [
      [RangeError],
      [RangeError, 0, create],
      [RangeError, 1.5, create],
      [RangeError, '2', create],
      [RangeError, Infinity, create],
      [TypeError, 1],
      [TypeError, 1, one],
      [TypeError, 1, async () => one],
      [RangeError, 1, create, { queue: -1 }],
      [RangeError, 1, create, { queue: '1' }],
    ]) {
      const { stack } = throws(() => pool(...args), Class);
      assert(stack.includes('pool.tests') && !/poolOf|coincide:run/.test(stack), stack);
    }
    equal(created.length, 0);
  });

  pooled('functions of main are registered for all workers, and for later ones', 2, async (workers, { created }) => {
    workers.proxy.hello = name => `Hello, ${name}`;
    const hello = () => Promise.all([1, 2].map(i => workers.proxy.call('hello', i).then(({ value, class: name }) => value ?? name)));
    deepEqual(await hello(), ['Hello, 1', 'Hello, 2']);
    created[0].terminate();
    deepEqual(await hello(), ['Hello, 1', 'Hello, 2']);
    equal(workers.size, 2);
    delete workers.proxy.hello;
    deepEqual(await hello(), ['TypeError', 'TypeError']);
    for (const w of created) w.terminate();
    deepEqual(await hello(), ['TypeError', 'TypeError']);
    equal(throws(() => (workers.proxy['coincide:x'] = () => {})).name, 'TypeError');
  });

  pooled('a notification reaches each worker', 3, async (workers, { created }) => {
    const heard = [];
    workers.proxy.heard = value => void heard.push(value);
    created[1].terminate();
    const buffer = new ArrayBuffer(4);
    workers.notify('note', 'heard', buffer, transfer(buffer));
    equal(buffer.byteLength, 0);
    await until(() => heard.length === 2);
    await Promise.all([1, 2].map(i => workers.proxy.echo(i)));
    deepEqual(heard, [new ArrayBuffer(4), new ArrayBuffer(4)]);
    equal(throws(() => workers.notify('note', () => {})).name, 'DataCloneError');
    const { port1, port2 } = new MessageChannel();
    assert(throws(() => workers.notify('note', 'heard', port1, transfer(port1))).message.includes('one worker only'));
    port2.close();
    workers.terminate();
    const { code, stack } = throws(() => workers.notify('note'));
    assert(code === 'Closed' && stack.includes('pool.tests'), stack);
  });

  pooled('terminate ends calls that are in flight and that wait, and later ones', 1, async (workers, { gate, wait }) => {
    const results = [wait(1), wait(2), workers.within({ retry: true }).echo(3)];
    const codes = Promise.all(results.map(codeOf));
    await until(() => gate.begun === 1);
    const ending = workers.terminate();
    equal(workers.terminate(), ending);
    equal(await ending, undefined);
    deepEqual([await codes, counts(workers)], [['Closed', 'Closed', 'Closed'], [0, 0, 0]]);
    const error = await rejects(() => workers.proxy.echo(1));
    deepEqual([error.code, error.message], ['Closed', '`echo` was not called: main has terminated the pool']);
    assert(error.stack.includes('pool.tests'), error.stack);
    workers.proxy.late = () => {};
  });

  test('calls that the function that creates workers makes create no further ones', async () => {
    let workers;
    const inner = [];
    const create = count => {
      if (count > 9) throw new Error('too many');
      inner.push(workers?.proxy.echo(count));
      return new Worker(worker('all'));
    };
    await using(2, async (pool, { created }) => {
      workers = pool;
      created.forEach(w => w.terminate());
      equal(await workers.proxy.echo('outer'), 'outer');
      deepEqual(await Promise.all(inner), [undefined, undefined, 2, ...inner.slice(3).map((_, i) => i + 3)]);
      assert(created.length <= 4 && workers.size <= 2, `${created.length} workers were created`);
    }, { create });
  });

  test('terminate before the workers are ready rejects `ready` and calls', async () => {
    await using(2, async workers => {
      const call = codeOf(workers.proxy.echo(1));
      if (Symbol.dispose) workers[Symbol.dispose]();
      else workers.terminate();
      deepEqual([await call, await codeOf(workers.ready)], ['Closed', 'Closed']);
    }, { ready: false });
  });

  pooled('a pool cannot be sent, and its proxy is not a promise', 1, async workers => {
    equal(throws(() => workers.proxy.echo(workers)).name, 'DataCloneError');
    equal(await workers.proxy, workers.proxy);
    equal(workers.proxy.then, undefined);
    equal(throws(() => workers.proxy[Symbol.iterator]()).name, 'DataCloneError');
  });
};
