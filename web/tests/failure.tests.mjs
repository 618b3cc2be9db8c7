// Workers that fail: every promise that main awaits from them rejects with the worker's own error, which the platform also reports.
import { until } from './link.kit.mjs';
import { skip } from './suite.mjs';

export default (register, { coincide, CoincideError, worker, tier, node, runtime, assert, equal, deepEqual, rejects }) => {
  const test = (name, body) => register(`${tier}: ${name}`, body);
  const { Worker } = coincide({ tier, promises: tier === 'messages' });

  /** A worker that fails in the named way. As for any worker, an event reports its error. */
  const failing = how => new Worker(worker('failures'), { name: how, workerData: how });

  /** Whether the worker's error reaches its listeners. */
  const listens = w =>
    new Promise(resolve => (node ? w.on('error', error => resolve(error)) : w.addEventListener('error', resolve)));

  /** `skip` with the reason if a worker cannot fail in a way in which its module rejects after an `await`; undefined if it can. */
  const skipIfSilent = async how => {
    if (node || NOT_AWAITED.includes(how)) return undefined;
    return (await (reported ??= reportsModules())) ? undefined : skip('this browser reports no error of a module that awaits');
  };
  let reported;
  const reportsModules = () => {
    const code = URL.createObjectURL(new Blob(['await null; throw 1;'], { type: 'text/javascript' }));
    const w = new globalThis.Worker(code, { type: 'module' });
    const told = new Promise(resolve => (w.onerror = event => (event.preventDefault(), resolve(true))));
    return Promise.race([told, late(2000, false)]);
  };

  const late = (ms, value) => new Promise(resolve => setTimeout(() => resolve(value), ms));

  /** The errors with which `ready`, a pending call and a later call reject. */
  const rejections = async w => {
    const pending = rejects(() => w.proxy.neverThere());
    const ready = await rejects(() => w.ready);
    return [ready, await pending, await rejects(() => w.proxy.neverThere())];
  };

  const range = { class: 'RangeError', name: 'RangeError', message: 'too far' };
  for (const { how, expected = range, more } of [
    { how: 'beforeCoincide' },
    { how: 'afterCoincide' },
    { how: 'afterAPause' },
    { how: 'inATimer' },
    { how: 'unhandled' },
    { how: 'notAwaited' },
    { how: 'ownClass', expected: { ...range, class: runtime === 'node' ? 'RangeError' : 'Error', name: 'Own' }, more: ({ code }) => equal(code, 7) },
    { how: 'withCause', more: ({ cause }) => deepEqual([cause.constructor.name, cause.message], ['TypeError', 'why']) },
    { how: 'dom', expected: { class: 'DOMException', name: 'DataCloneError', message: 'too far' } },
    { how: 'says' },
  ])
    test(`a worker that fails (${how}) rejects all promises with its own error`, async () => {
      const silent = await skipIfSilent(how);
      if (silent) return silent;
      const w = failing(how);
      const heard = how === 'says' || how === 'unhandled' || how === 'notAwaited' ? null : listens(w);
      for (const error of await rejections(w)) {
        deepEqual([error.name, error.code], ['CoincideError', 'Closed']);
        assert(error.message.includes(`the worker has failed: ${how === 'says' ? '' : `uncaught ${expected.name}: `}too far`), error.message);
        const { cause } = error;
        deepEqual({ class: cause.constructor.name, name: cause.name, message: cause.message }, expected);
        equal(typeof cause.stack, 'string');
        // In Chromium, a `DOMException` that a program constructs has no stack.
        assert(how === 'dom' || cause.stack.includes('theWorkersOwn'), cause.stack);
        more?.(cause);
      }
      if (heard) assert((await Promise.race([heard, late(5000, null)])) !== null, 'no event has told of it');
      w.terminate();
    });

  for (const how of ['ours', 'saysOurs'])
    test(`a worker that fails with an error of coincide (${how}) has a CoincideError as the cause`, async () => {
      const silent = await skipIfSilent(how);
      if (silent) return silent;
      const w = failing(how);
      listens(w);
      for (const { code, cause } of await rejections(w)) deepEqual([code, cause instanceof CoincideError, cause.code], ['Closed', true, 'Options']);
      w.terminate();
    });

  for (const [how, text] of [
    ['saysWhatThrows', 'something that cannot be shown'],
    ['saysWithKeysThatThrow', 'too far'],
    ['saysWhatChanges', 'too far'],
  ])
    test(`\`fail\` with a value that throws when it is read (${how}) rejects all promises`, async () => {
      const w = failing(how);
      for (const { code, message } of await rejections(w)) {
        equal(code, 'Closed');
        assert(message.includes(`the worker has failed: ${text}`), message);
      }
      w.terminate();
    });

  // Node.js ends a thread whose rejections are handled too late.
  if (node)
    test('a function that rejects ends its own call only, even in the first call of a worker', async () => {
      for (let i = 0; i < 12; i++) {
        const w = new Worker(worker('all'));
        w.proxy.failsHere = async () => {
          throw new RangeError('too far');
        };
        await w.ready;
        equal((await rejects(() => w.proxy.failsAtOnce())).name, 'RangeError');
        equal((await w.proxy.call('failsHere')).name, 'RangeError');
        w.terminate();
      }
    });

  test('a worker whose error is its own cause rejects all promises', async () => {
    const silent = await skipIfSilent('aCircle');
    if (silent) return silent;
    const w = failing('aCircle');
    listens(w);
    for (const { code, cause } of await rejections(w)) deepEqual([code, cause.name, cause.cause.message], ['Closed', 'RangeError', 'too far']);
    w.terminate();
  });

  for (const mark of ['failed', 'broken', 'panic'])
    test(`a malformed report of a failure (${mark}) ends the link`, async () => {
      for (const said of [null, 5, {}, { thrown: { parts: {} } }, { thrown: 5, said: { toString: null } }, { toString: null, valueOf: null }]) {
        const w = failing('postsWhatIsNoReport');
        // The answer arrives before or after the end of the link.
        await w.proxy.post({ [`coincide:${mark}:1`]: said }).catch(() => {});
        let code;
        await until(async () => (code = await w.proxy.post({}).then(() => undefined, error => error.code)));
        equal(code, mark === 'broken' ? 'Failed' : 'Closed');
        w.terminate();
      }
    });

  test('reports of a failure, however many, end the link of their worker only', async () => {
    const other = failing('staysBeside');
    const pending = other.proxy.never();
    pending.catch(() => {});
    for (const mark of ['failed', 'broken', 'panic']) {
      const w = failing('postsWhatIsNoReport');
      await w.ready;
      const all = [w.proxy.never(), w.proxy.posts(Array(5).fill({ [`coincide:${mark}:1`]: 'x'.repeat(100_000) }))];
      for (const result of await Promise.allSettled(all)) assert(result.status === 'rejected' || result.value === undefined);
      w.terminate();
    }
    equal(await Promise.race([pending.catch(({ message }) => message), late(50, 'pending')]), 'pending');
    await other.proxy.post({});
    other.terminate();
  });

  test('a worker that closes itself rejects all promises', async () => {
    if (node) return skip('a thread exits, of which an event tells');
    const w = failing('postsWhatIsNoReport');
    await w.ready;
    const pending = rejects(() => w.proxy.never());
    w.notify('closes');
    for (const { code, message } of [await pending, await rejects(() => w.proxy.never())]) {
      equal(code, 'Closed');
      assert(message.includes('the worker has failed: it has closed itself with `close()`'), message);
    }
    w.terminate();
  });

  for (const [how, expected] of [['text', 'too far'], ['null', null]])
    test(`a worker that throws something other than an error (${how}) rejects all promises with it`, async () => {
      const silent = await skipIfSilent(how);
      if (silent) return silent;
      const w = failing(how);
      const heard = listens(w);
      for (const error of await rejections(w)) {
        equal(error.code, 'Closed');
        assert(error.message.includes(`uncaught ${expected}`), error.message);
        equal(error.cause, expected);
      }
      await heard;
      w.terminate();
    });

  test('a worker that throws before it imports coincide rejects all promises with its error', async () => {
    const w = new Worker(worker('broken'));
    const heard = listens(w);
    for (const { code, message, cause } of await rejections(w)) {
      equal(code, 'Closed');
      assert(message.includes('uncaught Error: on purpose'), message);
      deepEqual([cause.constructor.name, cause.message], ['Error', 'on purpose']);
      assert(cause.stack.includes('broken'), cause.stack);
    }
    await heard;
    w.terminate();
  });

  for (const [name, inNode, inBrowsers] of [
    ['unparsable', /SyntaxError/, /unparsable\.web\.js, or a module that it imports, could not be loaded or has a syntax error/],
    ['missing', /Cannot find module/, /missing\.web\.js was answered with status 404: check the address$/],
  ])
    test(`a worker whose script is ${name} rejects all promises with the reason`, async () => {
      const w = new Worker(worker(name));
      for (const { code, message, cause } of await rejections(w)) {
        equal(code, 'Closed');
        assert((node ? inNode : inBrowsers).test(message), message);
        equal(cause instanceof Error, Boolean(node));
      }
      w.terminate();
    });

  test('an error of a ready worker ends it in Node.js and leaves it running in browsers', async () => {
    const w = failing('onceReady');
    const heard = listens(w);
    await w.ready;
    const pending = node && rejects(() => w.proxy.never());
    // A thread of Node.js may end before its answer has arrived.
    await w.proxy.fails().catch(error => assert(node && error.code === 'Closed', error));
    await heard;
    if (node)
      for (const error of [await pending, await rejects(() => w.proxy.echo(1))])
        deepEqual([error.code, error.cause.constructor.name, error.cause.message], ['Closed', 'RangeError', 'too far']);
    else equal(await w.proxy.echo(1), 1);
    w.terminate();
  });

  test('an error that the worker handles is not a failure', async () => {
    if (node) return skip('Node.js has no such events');
    const w = failing('handled');
    deepEqual(await w.ready, ['echo']);
    equal(await w.proxy.echo(1), 1);
    w.terminate();
  });

  test('a thread that exits rejects all promises with its exit code', async () => {
    if (!node) return skip('Web Workers have no exit code');
    const w = failing('exits');
    for (const { code, message } of await rejections(w)) {
      equal(code, 'Closed');
      assert(message.includes('exited with code 3'), message);
    }
  });

  test('a thread whose listeners the program has removed rejects all promises when it ends', async () => {
    if (!node) return skip('a page cannot remove listeners of others');
    const { Worker: Thread } = await import('node:worker_threads');
    const ways = {
      exits: 'exits',
      throws: 'afterCoincide',
      'throws what cannot be copied': 'dom',
      'is terminated by the platform': 'postsWhatIsNoReport',
    };
    for (const [way, how] of Object.entries(ways)) {
      const w = failing(how);
      w.removeAllListeners();
      const rejected = rejections(w);
      if (how === 'postsWhatIsNoReport') Thread.prototype.terminate.call(w);
      deepEqual([way, ...(await rejected).map(({ code }) => code)], [way, 'Closed', 'Closed', 'Closed']);
    }
  });

  test('an error of a worker without pending calls ends the process, as without coincide', async () => {
    if (!node) return skip('browsers report it in their console');
    const { spawnSync } = await import('node:child_process');
    const { execPath } = await import('node:process');
    const outcome = rest => {
      const script = `(async () => {
        const { default: coincide } = await import(${JSON.stringify(new URL('../pkg/main.node.js', import.meta.url))});
        const { Worker } = coincide();
        const w = new Worker(${JSON.stringify(worker('failures'))}, { workerData: 'afterCoincide' });
        ${rest}
      })()`;
      const { status, stderr } = spawnSync(execPath, [runtime === 'deno' ? 'eval' : '-e', script], { encoding: 'utf8' });
      return { status, tells: /RangeError.*too far/.test(stderr) };
    };
    deepEqual(outcome(''), { status: 1, tells: true });
    deepEqual(outcome('w.ready;'), { status: 1, tells: true });
    deepEqual(outcome('w.proxy.neverThere();'), { status: 1, tells: true });
    deepEqual(outcome("w.on('error', () => {});"), { status: 0, tells: false });
    deepEqual(outcome('await w.ready;'), { status: 1, tells: true });
    deepEqual(outcome('await w.ready.catch(() => {}); await w.proxy.echo(1).catch(() => {});'), { status: 0, tells: false });
  });
};

/** The ways in which a worker fails outside of its module. */
const NOT_AWAITED = ['inATimer', 'unhandled', 'notAwaited', 'says', 'saysOurs'];
