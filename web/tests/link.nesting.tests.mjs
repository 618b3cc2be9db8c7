// Calls within calls: of a worker that is blocked, deadlocks, and deferred calls.
import { linkKit, pause, until } from './link.kit.mjs';

export default (register, { coincide: made, worker, tier, assert, equal, deepEqual }) => {
  const { blocks, link, blocking } = linkKit(register, { coincide: made, worker, tier });

  link('main may await a call of the worker that waits for it', async w => {
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

  blocking('a function may catch the deadlock error', async w => {
    w.proxy.ask = () => w.proxy.later(1).catch(({ code }) => code);
    deepEqual(await w.proxy.call('ask'), { value: 'Deadlock' });
  });

  // Calls of asynchronous functions of a blocked worker, made by the function for which it is blocked.
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
    blocking(`a call that nothing awaits is deferred until the worker serves: ${name}`, async w => {
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

};
