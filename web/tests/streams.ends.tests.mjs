// The end of streams: by the consumer, a signal, garbage collection and the end of the link.
import { linkOf, until } from './link.kit.mjs';
import { collected, numbers, exporting, offering } from './streams.kit.mjs';
import { skip } from './suite.mjs';

export default (register, { coincide: made, mark, worker, tier, gc, assert, equal, deepEqual, rejects, throws }) => {
  const { dispose, stream } = mark;
  const blocks = tier !== 'messages';
  const main = options => made({ tier, promises: !blocks, ...options });
  const { Worker } = main();
  const test = (name, body) => register(`${tier}: streams: ${name}`, body);
  const link = linkOf(test, Worker, worker);

  link('an early end runs the `finally` of the generator', async (w, run) => {
    await exporting(run);
    for (const name of ['sync', 'later']) {
      const [, before] = await w.proxy.counts();
      deepEqual(await collected(w.proxy[name](Infinity), 30), numbers(30));
      equal((await w.proxy.counts())[1], before + 1);
      const rows = await w.proxy[name](Infinity);
      await rows.next();
      deepEqual(await rows.return('mine'), { done: true, value: 'mine' });
      deepEqual([(await rows.next()).done, (await rows.return()).done, (await w.proxy.counts())[1]], [true, true, before + 2]);
      const thrown = await w.proxy[name](Infinity);
      await thrown.next();
      equal(await rejects(() => thrown.throw(7)), 7);
      equal((await w.proxy.counts())[1], before + 3);
      // The body of a generator that has not begun does not run.
      await (await w.proxy[name](Infinity)).return();
      const opened = w.proxy[name](Infinity)[Symbol.asyncIterator]();
      deepEqual(await opened.return(1), { done: true, value: 1 });
      equal((await w.proxy.counts())[1], before + 3);
    }
    deepEqual(w.handles(), { given: 0, received: 0 });
  });

  link("the worker's early end runs the `finally` of main's generator", async (w, run) => {
    const kept = offering(w);
    for (const name of ['sync', 'later']) {
      if (blocks)
        deepEqual(await run(({ proxy }, name) => {
          for (const row of proxy[name](Infinity)) if (row === 20) return row;
        }, name), 20);
      else
        deepEqual(await run(async ({ proxy }, name) => {
          for await (const row of proxy[name](Infinity)) if (row === 20) return row;
        }, name), 20);
    }
    equal(kept.ended, 2);
  });

  link('a `finally` that throws rejects the early end', async (w, run) => {
    await run(({ proxy }) => {
      proxy.bad = function* () {
        try {
          for (;;) yield 1;
        } finally {
          throw new RangeError('at the end');
        }
      };
    });
    const rows = await w.proxy.bad();
    await rows.next();
    equal((await rejects(() => rows.return(), RangeError)).message, 'at the end');
    equal((await rejects(() => collected(w.proxy.bad(), 1), RangeError)).message, 'at the end');
  });

  /** Producers that end badly, and one that waits before its second row until `open` is called. */
  const producers = stream => {
    const kept = { ended: 0, gates: [] };
    const ending = (key, finish) => () => stream({ [key]: () => ({ next: () => ({ done: false, value: 1 }), ...finish }) });
    const made = {
      gated: async function* () {
        const gate = new Promise(resolve => kept.gates.push(resolve));
        try {
          for (let i = 0; ; i++) {
            if (i === 1) await gate;
            yield i;
          }
        } finally {
          kept.ended++;
        }
      },
      open: () => kept.gates.splice(0).forEach(open => open()),
      ended: () => kept.ended,
    };
    for (const key of ['iterator', 'asyncIterator'])
      Object.assign(made, {
        [`${key} throws`]: ending(Symbol[key], { return() { throw new RangeError('no end'); } }),
        [`${key} rejects`]: ending(Symbol[key], { return: () => Promise.reject(new RangeError('no end')) }),
        [`${key} has a wrong end`]: ending(Symbol[key], { return: 1 }),
        [`${key} never ends`]: ending(Symbol[key], { return: () => new Promise(() => {}) }),
      });
    return made;
  };

  /** Ends streams of these producers in every way. `call` calls one of their functions and returns a promise. */
  const consumer = async (call, dispose) => {
    const begin = async () => {
      const rows = await call('gated');
      await rows.next();
      return rows;
    };
    const said = promise => promise.then(({ done, value }) => (done ? `done ${value}` : `row ${value}`), ({ name, code, message }) => (name === 'TimeoutError' ? 'TimedOut' : (code ?? `${name} ${message}`)));
    const ends = async (...ways) => {
      const rows = await begin();
      const results = ways.map(way => said(way(rows)));
      await call('open');
      return [...(await Promise.all(results)), await said(rows.next()), await call('ended')].join(', ');
    };
    const next = rows => rows.next();
    const found = [
      await ends(next, rows => rows.return('own')),
      await ends(next, rows => rows.throw(new RangeError('mine'))),
      await ends(next, next, rows => rows.return(1), rows => rows.return(2), next),
    ];
    // The request is in flight when the stream is disposed of, and is answered without a row.
    const rows = await begin();
    const first = said(rows.next());
    await new Promise(resolve => setTimeout(resolve));
    dispose(rows);
    const disposed = [await first, await said(rows.next()), await call('open')];
    // `dispose` does not wait for the producer's `finally`.
    for (let polls = 0; polls < 1000 && (await call('ended')) < 4; polls++) await new Promise(resolve => setTimeout(resolve));
    found.push([...disposed, await call('ended')].join(', '));
    for (const key of ['iterator', 'asyncIterator'])
      for (const name of ['throws', 'rejects', 'has a wrong end', 'never ends']) {
        const rows = await call(`${key} ${name}`, name === 'never ends' ? { timeout: 50 } : {});
        found.push([await said(rows.next()), await said(rows.return()), await said(rows.next())].join(', '));
        // `dispose` does not wait.
        const other = await call(`${key} never ends`);
        await other.next();
        dispose(other);
      }
    return found;
  };

  const ends = [
    'row 1, done own, done undefined, 1',
    'row 1, RangeError mine, done undefined, 2',
    'row 1, row 2, done 1, done 2, done undefined, done undefined, 3',
    'done undefined, done undefined, , 4',
    ...['iterator', 'asyncIterator'].flatMap(() => ['RangeError no end', 'RangeError no end', 'done undefined', 'TimedOut'].map(end => `row 1, ${end}, done undefined`)),
  ];

  link('streams end in all ways, also while a row is awaited and with iterators that do not end', async (w, run) => {
    await run(({ proxy, stream }, source) => void Object.assign(proxy, (0, eval)(source)(stream)), String(producers));
    deepEqual(await consumer((name, limits = {}) => w.within({ promise: true, ...limits })[name](), dispose), ends);
    Object.assign(w.proxy, producers(stream));
    deepEqual(await run(({ within, dispose }, source) => (0, eval)(source)((name, limits = {}) => within({ promise: true, ...limits })[name](), dispose), String(consumer)), ends);
    if (blocks)
      deepEqual(await run(({ within }) =>
        ['iterator', 'asyncIterator'].flatMap(key =>
          ['throws', 'rejects', 'has a wrong end', 'never ends'].map(name => {
            try {
              for (const row of within({ timeout: name === 'never ends' ? 50 : 1e4 })[`${key} ${name}`]()) if (row === 1) break;
              return 'ended';
            } catch (error) {
              return error.name === 'TimeoutError' ? 'TimedOut' : error.message;
            }
          }))), ['iterator', 'asyncIterator'].flatMap(() => ['no end', 'no end', 'ended', 'TimedOut']));
    await until(async () => {
      const all = [w.handles(), await run(({ handles }) => handles())];
      return all.every(({ given, received }) => given + received === 0);
    });
  });

  link('`dispose` ends a stream', async (w, run) => {
    await exporting(run);
    for (const name of ['sync', 'later']) {
      const [, before] = await w.proxy.counts();
      const rows = await w.proxy[name](Infinity);
      await rows.next();
      dispose(rows);
      await until(async () => (await w.proxy.counts())[1] === before + 1);
      if (Symbol.asyncDispose) {
        const other = await w.proxy[name](Infinity);
        await other.next();
        await other[Symbol.asyncDispose]();
        equal((await w.proxy.counts())[1], before + 2);
        equal((await other.next()).done, true);
      }
    }
    const rows = await w.proxy.sync(3);
    dispose(rows);
    const error = await rejects(() => rows.next(), ReferenceError);
    assert(error.message.includes('stream') && error.stack.includes('streams.ends.tests'), error.stack);
  });

  link('garbage collection of a stream ends it', async (w, run) => {
    if (!gc) return skip('this engine does not expose its garbage collector');
    await exporting(run);
    await (async () => {
      for (const name of ['sync', 'later']) deepEqual(await (await w.proxy[name](Infinity)).next(), { done: false, value: 0 });
    })();
    await until(async () => {
      gc();
      return (await w.proxy.counts())[1] === 2;
    });
  });

  link("the end of the link ends main's generators, and streams of the worker reject", async (w, run) => {
    const kept = offering(w);
    await exporting(run);
    await run(async ({ within, kept }) => {
      kept.rows = await Promise.all(['sync', 'later'].map(name => within({ promise: true })[name](Infinity)));
      for (const rows of kept.rows) await rows.next();
    });
    const rows = await w.within({ rows: 2 }).sync(10);
    await rows.next();
    const idle = await w.proxy.sync(10);
    w.terminate();
    await until(() => kept.ended === 2);
    // One row had arrived.
    deepEqual(await rows.next(), { done: false, value: 1 });
    equal((await rejects(() => rows.next())).code, 'Closed');
    deepEqual([(await rows.next()).done, (await idle.return()).done], [true, true]);
    equal((await rejects(() => collected(w.proxy.sync(1)))).code, 'Closed');
  });

  link('limits of the call apply to each request of rows, and their end ends the generator', async (w, run) => {
    await exporting(run);
    const controller = new AbortController();
    const seen = [];
    equal(await rejects(async () => {
      for await (const row of w.within({ signal: controller.signal }).later(Infinity, -1, 1)) {
        seen.push(row);
        if (row === 2) controller.abort('enough');
      }
    }), 'enough');
    assert(seen.length >= 3 && seen.every((row, i) => row === i), String(seen));
    await until(async () => (await w.proxy.counts())[1] === 1);
    const slow = w.within({ timeout: 20 }).later(2, -1, 60_000);
    equal((await rejects(() => collected(slow))).name, 'TimeoutError');
    const rows = await w.proxy.sync(Infinity);
    const limited = w.within({ signal: AbortSignal.abort('before') }, rows);
    equal(await rejects(() => limited.next()), 'before');
    for (const wrong of [0, -1, 1.5, '3', Infinity]) throws(() => w.within({ rows: wrong }), RangeError);
  });

  link('many streams are released', async (w, run) => {
    await exporting(run);
    for (let times = 0; times < 5; times++)
      await Promise.all(Array.from({ length: 40 }, async (_, i) => {
        if (i % 2) deepEqual(await collected(w.proxy.sync(3)), [0, 1, 2]);
        else await collected(w.proxy.later(Infinity), 2);
      }));
    deepEqual([await run(({ handles }) => handles()), w.handles(), (await w.proxy.counts())[1]], [{ given: 0, received: 0 }, { given: 0, received: 0 }, 200]);
  });
};
