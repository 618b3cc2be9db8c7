// Streams of values: generators and other iterables that stay where they are.
import { linkOf, pause, runnerOf, until } from './link.kit.mjs';
import { skip } from './suite.mjs';

export default (register, { coincide: made, mark, pool, worker, tier, gc, assert, equal, deepEqual, rejects, throws }) => {
  const { callback, dispose, stream } = mark;
  const blocks = tier !== 'messages';
  const main = options => made({ tier, promises: !blocks, ...options });
  const { Worker } = main();
  const test = (name, body) => register(`${tier}: streams: ${name}`, body);
  const link = linkOf(test, Worker, worker);

  const collected = async (iterable, most = Infinity) => {
    const rows = [];
    for await (const row of iterable) {
      rows.push(row);
      if (rows.length >= most) break;
    }
    return rows;
  };
  const numbers = length => Array.from({ length }, (_, i) => i);

  /** The worker exports generators that count the rows that they have made, and their ends. */
  const exporting = run =>
    run(({ proxy, kept, pause }) => {
      Object.assign(kept, { made: 0, ended: 0 });
      proxy.sync = function* (length, fails) {
        try {
          for (let i = 0; i < length; i++) {
            if (i === fails) throw new RangeError('too far');
            kept.made++;
            yield i;
          }
        } finally {
          kept.ended++;
        }
      };
      proxy.later = async function* (length, fails, ms) {
        try {
          for (let i = 0; i < length; i++) {
            if (ms !== undefined) await pause(ms);
            if (i === fails) throw new RangeError('too far');
            kept.made++;
            yield i;
          }
        } finally {
          kept.ended++;
        }
      };
      proxy.counts = () => [kept.made, kept.ended];
    });

  /** The same on main. */
  const offering = w => {
    const kept = { made: 0, ended: 0 };
    w.proxy.sync = function* (length, fails) {
      try {
        for (let i = 0; i < length; i++) {
          if (i === fails) throw new RangeError('too far');
          kept.made++;
          yield i;
        }
      } finally {
        kept.ended++;
      }
    };
    w.proxy.later = async function* (length, fails) {
      try {
        for (let i = 0; i < length; i++) {
          await null;
          if (i === fails) throw new RangeError('too far');
          kept.made++;
          yield i;
        }
      } finally {
        kept.ended++;
      }
    };
    return kept;
  };

  link('an iterable without an iterator throws once, and has no rows', async (w, run) => {
    const broken = {
      'no `next`': [() => ({}), /the iterator of a stream has no method `next`/],
      'another `next`': [() => ({ next: 1 }), /the iterator of a stream has no method `next`/],
      'no iterator': [() => undefined, /the iterator of a stream has no method `next`/],
      'an error': [() => { throw new RangeError('broken'); }, /broken/],
    };
    for (const [name, [iterate, text]] of Object.entries(broken))
      for (const key of [Symbol.iterator, Symbol.asyncIterator]) {
        w.proxy.rows = () => stream({ [key]: iterate });
        const found = await run(async ({ proxy, outcome }) => {
          const rows = await proxy.rows();
          return [(await outcome(() => rows.next())).message, (await rows.next()).done];
        });
        assert(text.test(found[0]) && found[1], `${name}: ${found}`);
      }
  });

  link("main iterates the worker's generators", async (w, run) => {
    await exporting(run);
    for (const name of ['sync', 'later']) {
      deepEqual(await collected(w.proxy[name](40)), numbers(40));
      const rows = await w.proxy[name](3);
      deepEqual([typeof rows.next, rows[Symbol.asyncIterator]() === rows], ['function', true]);
      deepEqual(await rows.next(), { done: false, value: 0 });
      deepEqual([await rows.next(), await rows.next(), await rows.next(), await rows.next()].map(({ done, value }) => [done, value]), [[false, 1], [false, 2], [true, undefined], [true, undefined]]);
      deepEqual(await collected(rows), []);
      deepEqual(await collected(w.proxy[name](0)), []);
    }
    deepEqual([await w.proxy.counts(), w.handles()], [[86, 6], { given: 0, received: 0 }]);
  });

  link("the worker iterates main's generators", async (w, run) => {
    const kept = offering(w);
    for (const name of ['sync', 'later']) {
      if (blocks)
        deepEqual(await run(({ proxy }, name) => {
          const rows = proxy[name](40);
          const { value } = rows.next();
          return [value, ...rows, ...rows, rows.next().done, rows[Symbol.iterator]() === rows];
        }, name), [...numbers(40), true, true]);
      deepEqual(await run(async ({ within }, name) => {
        const rows = [];
        for await (const row of within({ promise: true })[name](40)) rows.push(row);
        return rows;
      }, name), numbers(40));
    }
    deepEqual([kept.made, kept.ended, w.handles()], [blocks ? 160 : 80, blocks ? 4 : 2, { given: 0, received: 0 }]);
  });

  link('generators are sent as arguments in both directions', async (w, run) => {
    const kept = offering(w);
    await run(({ proxy }) => {
      proxy.sum = async ({ rows }) => {
        let sum = 0;
        for await (const row of rows) sum += row;
        return sum;
      };
      proxy.sumNow = ([rows]) => [...rows].reduce((sum, row) => sum + row, 0);
    });
    function* rows(length) {
      try {
        yield* numbers(length);
      } finally {
        kept.ended++;
      }
    }
    equal(await w.proxy.sum({ rows: rows(40) }), 780);
    if (blocks) equal(await w.proxy.sumNow([rows(40)]), 780);
    equal(kept.ended, blocks ? 2 : 1);
    w.proxy.take = async rows => (await collected(rows, 20)).length;
    const found = await run(async ({ proxy }) => {
      let ended = 0;
      function* rows() {
        try {
          for (let i = 0; ; i++) yield i;
        } finally {
          ended++;
        }
      }
      return [await proxy.take(rows()), ended];
    });
    deepEqual(found, [20, 1]);
  });

  link('a marked iterable is iterated from its beginning each time that it is sent', async (w, run) => {
    const list = stream([1, 2, 3]);
    equal(stream(list), list);
    w.proxy.list = () => list;
    w.proxy.map = () => ({ map: stream(new Map([[1, 'a'], [2, 'b']])) });
    w.proxy.own = () => stream({
      async *[Symbol.asyncIterator]() {
        yield 'own';
      },
    });
    deepEqual(await run(async ({ proxy }) => {
      const found = [];
      const [one, two] = [await proxy.list(), await proxy.list()];
      for await (const row of one) found.push(row);
      for await (const row of two) found.push(row);
      for await (const row of (await proxy.map()).map) found.push(row);
      for await (const row of await proxy.own()) found.push(row);
      return found;
    }), [1, 2, 3, 1, 2, 3, [1, 'a'], [2, 'b'], 'own']);
    // Without a mark, an array is copied.
    deepEqual(await collected(w.proxy.echo([1, 2])), [1, 2]);
    for (const value of [null, undefined, 1, 'text', {}, () => {}, Promise.resolve()]) throws(() => stream(value), TypeError);
  });

  link('two consumers of one stream share its rows', async (w, run) => {
    await exporting(run);
    for (const name of ['sync', 'later']) {
      const rows = await w.proxy[name](100);
      const all = (await Promise.all([collected(rows), collected(rows), collected(rows)])).flat();
      deepEqual(all.sort((a, b) => a - b), numbers(100));
      // Requests that are made together are answered in order.
      const more = await w.proxy[name](40);
      deepEqual((await Promise.all(Array.from({ length: 41 }, () => more.next()))).map(({ value }) => value), [...numbers(40), undefined]);
    }
  });

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
  /** Ends streams of these producers in all ways. `call` calls one of their functions and returns a promise. */
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
    // The request is on its way when the stream is disposed of, and needs no row to be answered.
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
        // It does not wait.
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
    assert(error.message.includes('stream') && error.stack.includes('streams.tests'), error.stack);
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

  link('an error of the producer follows the rows before it', async (w, run) => {
    await exporting(run);
    const kept = offering(w);
    for (const name of ['sync', 'later'])
      for (const fails of [0, 5, 16, 37]) {
        const seen = [];
        const error = await rejects(async () => {
          for await (const row of w.proxy[name](100, fails)) seen.push(row);
        }, RangeError);
        deepEqual([seen, error.message], [numbers(fails), 'too far']);
        assert(error.stack.includes('called as a stream from the other end'), error.stack);
        const rows = await w.proxy[name](100, 0);
        await rejects(() => rows.next(), RangeError);
        equal((await rows.next()).done, true);
        deepEqual(await run(async ({ within, outcome }, name, fails) => {
          let seen = 0;
          const { name: kind, message } = await outcome(async () => {
            for await (const row of within({ promise: true })[name](100, fails)) seen++;
          });
          return [seen, kind, message];
        }, name, fails), [fails, 'RangeError', 'too far']);
        if (blocks)
          deepEqual(await run(async ({ proxy, outcome }, name, fails) => {
            let seen = 0;
            const { name: kind } = await outcome(() => {
              for (const row of proxy[name](100, fails)) seen++;
            });
            return [seen, kind];
          }, name, fails), [fails, 'RangeError']);
      }
    equal((await w.proxy.counts())[1], 16);
    equal(kept.ended, blocks ? 16 : 8);
  });

  test('`transform` applies to rows, and an error in it ends the generator', async () => {
    const { Worker } = main({
      transform(value) {
        if (value === 'bad') throw new RangeError('mine');
        return typeof value === 'number' ? value + 100 : value;
      },
    });
    const w = new Worker(worker('objects'));
    try {
      const run = runnerOf(w);
      await run(({ proxy, kept }) => {
        kept.ended = 0;
        proxy.rows = function* (...rows) {
          try {
            for (const row of rows) yield row === 'worst' ? 'bad' : row;
          } finally {
            kept.ended++;
          }
        };
        proxy.ended = () => `${kept.ended}`;
      });
      deepEqual(await collected(w.proxy.rows('a')), ['a']);
      const seen = [];
      equal((await rejects(async () => {
        for await (const row of w.within({ rows: 3 }).rows(1, 'a', 'worst', 'b', 'c', 'd')) seen.push(row);
      }, RangeError)).message, 'mine');
      equal(seen.join(), '201,a');
      await until(async () => (await w.proxy.ended()) === '2');
      // Rows of main.
      let ended = 0;
      w.proxy.mine = function* () {
        try {
          yield 1;
          yield 'bad';
        } finally {
          ended++;
        }
      };
      deepEqual(await run(async ({ within, outcome }) => {
        const rows = [];
        const { name } = await outcome(async () => {
          for await (const row of within({ promise: true }).mine()) rows.push(row);
        });
        return `${rows} ${name}`;
      }), '101 RangeError');
      equal(ended, 1);
    } finally {
      w.terminate();
    }
  });

  link('a row that cannot be sent is an error with its path, which follows the rows before it', async (w, run) => {
    await run(({ proxy, kept }) => {
      kept.ended = 0;
      const bad = { deep: [{ get x() { throw new Error('unreadable'); } }] };
      proxy.sync = function* (length) {
        try {
          for (let i = 0; i < length; i++) yield { i };
          yield bad;
          yield 'never';
        } finally {
          kept.ended++;
        }
      };
      proxy.ended = () => kept.ended;
    });
    let ended = 0;
    const bad = { deep: [{ get x() { throw new Error('unreadable'); } }] };
    w.proxy.mine = async function* (length) {
      try {
        for (let i = 0; i < length; i++) yield { i };
        yield bad;
        yield 'never';
      } finally {
        ended++;
      }
    };
    for (const length of [0, 3, 16, 20]) {
      const seen = [];
      const error = await rejects(async () => {
        for await (const { i } of w.proxy.sync(length)) seen.push(i);
      });
      deepEqual([error.name, seen], ['DataCloneError', numbers(length)]);
      assert(error.message.includes('row.deep[0].x') && error.message.includes('unreadable'), error.message);
      const found = await run(async ({ within, outcome }, length) => {
        const rows = [];
        const { name, message } = await outcome(async () => {
          for await (const { i } of within({ promise: true }).mine(length)) rows.push(i);
        });
        return [rows, name, message.includes('row.deep[0].x')];
      }, length);
      deepEqual(found, [numbers(length), 'DataCloneError', true]);
    }
    deepEqual([await w.proxy.ended(), ended], [4, 4]);
  });

  link('a producer reads at most one request ahead', async (w, run) => {
    await exporting(run);
    for (const name of ['sync', 'later'])
      for (const rows of [1, 4]) {
        const [before] = await w.proxy.counts();
        const opened = await w.within({ rows })[name](Infinity);
        equal((await w.proxy.counts())[0], before);
        for (let i = 0; i < 10; i++) {
          equal((await opened.next()).value, i);
          await pause(1);
          const made = (await w.proxy.counts())[0] - before;
          // Those that have arrived, and those that were read ahead.
          assert(made <= Math.ceil((i + 1) / rows) * rows + rows, `${made} rows after ${i + 1}`);
        }
        await opened.return();
      }
  });

  test('requests 16 rows in one trip', async () => {
    const { Worker } = main({ measure: true });
    const w = new Worker(worker('objects'));
    const trips = () => performance.getEntriesByName('coincide: a stream').length;
    try {
      await exporting(runnerOf(w));
      for (const [name, rows, length] of [['sync', 16, 100_000], ['later', 16, 20_000], ['sync', 500, 20_000]]) {
        performance.clearMeasures();
        let next = 0;
        for await (const row of w.within({ rows })[name](length)) if (row !== next++) throw new Error(`${row} instead of ${next - 1}`);
        equal(next, length);
        // A synchronous producer sends the rows that it has after 2 ms, in which a busy machine may not reach all.
        assert(trips() >= length / rows && trips() <= (1.5 * length) / rows, `${trips()} trips`);
      }
      performance.clearMeasures();
      if (!blocks) return;
      // In the worker, one trip has at least the rows that main's generator yields without a pause.
      let batches = 0;
      let isWithin = false;
      w.proxy.mine = function* (length) {
        for (let i = 0; i < length; i++) {
          if (!isWithin) {
            batches++;
            isWithin = true;
            queueMicrotask(() => (isWithin = false));
          }
          yield i;
        }
      };
      // A trip by a service worker takes milliseconds.
      const length = tier === 'shared-memory' ? 20_000 : 800;
      equal(await w.proxy.run(String(({ proxy }, length) => {
        let sum = 0;
        for (const row of proxy.mine(length)) sum += row;
        return sum;
      }), length), (length * (length - 1)) / 2);
      // Main may answer several requests in one turn.
      assert(batches > 0 && batches <= (1.5 * length) / 16, `${batches} batches`);
    } finally {
      w.terminate();
    }
  });

  link('rows may be streams and callbacks', async (w, run) => {
    await run(({ proxy, callback, stream }) => {
      proxy.tables = async function* () {
        for (let table = 0; table < 3; table++)
          yield {
            name: callback(() => `table ${table}`),
            rows: (function* () {
              for (let row = 0; row < 20; row++) yield table * 100 + row;
            })(),
          };
      };
    });
    const found = [];
    for await (const { name, rows } of w.proxy.tables()) {
      found.push(await name());
      found.push((await collected(rows, 18)).at(-1));
    }
    deepEqual(found, ['table 0', 17, 'table 1', 117, 'table 2', 217]);
  });

  link('a stream that returns to its end is the generator itself', async (w, run) => {
    const mine = (function* () {
      yield 1;
    })();
    equal(await w.proxy.echo(mine), mine);
    deepEqual((await w.proxy.echo([mine, mine])).map(value => value === mine), [true, true]);
    deepEqual([...mine], [1]);
    await exporting(run);
    const rows = await w.proxy.sync(3);
    await run(({ kept }, rows) => (kept.isGenerator = Object.prototype.toString.call(rows), undefined), rows);
    equal(await run(({ kept }) => kept.isGenerator), '[object Generator]');
    equal(await w.proxy.echo(rows), rows);
    deepEqual(await collected(rows), [0, 1, 2]);
  });

  link('main passes a stream of one worker on to another', async (w, run) => {
    await exporting(run);
    const other = new Worker(worker('objects'));
    try {
      const total = String(async ({ within }, rows) => {
        let sum = 0;
        for await (const row of within({ promise: true }, rows)) sum += row;
        return sum;
      });
      equal(await other.proxy.run(total, await w.proxy.later(50)), 1225);
      await until(async () => (await w.proxy.counts())[1] === 1);
    } finally {
      other.terminate();
    }
  });

  link('a generator may call the other end, and main iterates one of a worker that is blocked', async (w, run) => {
    w.proxy.double = x => 2 * x;
    if (!blocks) return skip('the worker cannot block');
    await run(({ proxy }) => {
      proxy.doubled = function* () {
        for (let i = 0; i < 20; i++) yield proxy.double(i);
      };
      proxy.nests = () => {
        let ended = 0;
        const rows = (function* () {
          try {
            for (let i = 0; ; i++) yield proxy.double(i);
          } finally {
            ended++;
          }
        })();
        return [proxy.take(rows), ended];
      };
    });
    deepEqual(await collected(w.proxy.doubled()), numbers(20).map(i => 2 * i));
    w.proxy.take = async rows => (await collected(rows, 20)).at(-1);
    deepEqual(await w.proxy.nests(), [38, 1]);
  });

  link('a blocked worker that is asked for the next row of the same stream refuses, as a generator does', async (w, run) => {
    if (!blocks) return skip('the worker cannot block');
    const waits = [];
    w.proxy.slow = async function* () {
      for (let i = 0; i < 3; i++) {
        waits.push(await w.proxy.again());
        yield i;
      }
    };
    const found = await run(({ proxy, kept }) => {
      kept.rows = proxy.slow();
      proxy.again = () => {
        try {
          return kept.rows.next();
        } catch (error) {
          return `${error.name}: ${error.message}`;
        }
      };
      return [...kept.rows];
    });
    deepEqual([found, waits], [[0, 1, 2], Array(3).fill('TypeError: the next row of this stream is being awaited already')]);
    // One that ends the iteration there has ended it.
    const ended = await run(({ proxy, kept }) => {
      kept.rows = proxy.slow();
      proxy.again = () => void kept.rows.return();
      return [...kept.rows];
    });
    deepEqual(ended, []);
  });

  link('thousands of requests at once are answered', async (w, run) => {
    await exporting(run);
    const { 'coincide:next': next } = w.proxy;
    const rows = await w.within({ rows: 1 }).later(5_000);
    const answers = await Promise.all(Array.from({ length: 5_001 }, () => next(1, 1)));
    deepEqual(answers.map(([, [row]]) => row), [...numbers(5_000), undefined]);
    equal((await rows.next()).done, true);
  });

  test('streams are sent in both directions before the worker is ready', async () => {
    const w = new Worker(worker('objects'));
    try {
      let ended = 0;
      const mine = async function* () {
        try {
          yield 1;
          yield 2;
        } finally {
          ended++;
        }
      };
      const sum = w.proxy.run(String(async (_, rows) => {
        let sum = 0;
        for await (const row of rows) sum += row;
        return sum;
      }), mine());
      const rows = collected(w.proxy.run(String(function* () {
        yield 'early';
      })));
      deepEqual([await sum, await rows, ended], [3, ['early'], 1]);
    } finally {
      w.terminate();
    }
  });

  link('the promise of a call is a promise', async (w, run) => {
    await exporting(run);
    const call = w.proxy.sync(1);
    assert(call instanceof Promise && call.constructor === Promise && Promise.resolve(call) === call, 'another object');
    deepEqual([Object.prototype.toString.call(call), Reflect.ownKeys(call).length, Symbol.asyncIterator in Promise.resolve()], ['[object Promise]', 0, false]);
    await call.finally(() => {});
    const number = w.proxy.echo(1);
    const error = await rejects(() => collected(number), TypeError);
    assert(error.message.includes('cannot be iterated'), error.message);
    equal(await number, 1);
    equal((await rejects(() => collected(w.proxy.missing()))).name, 'TypeError');
  });

  link('many streams leave nothing behind', async (w, run) => {
    await exporting(run);
    for (let times = 0; times < 5; times++)
      await Promise.all(Array.from({ length: 40 }, async (_, i) => {
        if (i % 2) deepEqual(await collected(w.proxy.sync(3)), [0, 1, 2]);
        else await collected(w.proxy.later(Infinity), 2);
      }));
    deepEqual([await run(({ handles }) => handles()), w.handles(), (await w.proxy.counts())[1]], [{ given: 0, received: 0 }, { given: 0, received: 0 }, 200]);
  });

  link('forged requests are refused', async (w, run) => {
    let ended = 0;
    const rows = (function* () {
      try {
        yield 1;
      } finally {
        ended++;
      }
    })();
    const found = await run(async ({ within, outcome, kept }, rows, fn) => {
      Object.assign(kept, { rows, fn });
      const { 'coincide:next': next, 'coincide:return': end, 'coincide:use': use } = within({ promise: true });
      const attempts = [() => next(1, 0), () => next(1, 1.5), () => next(1), () => next(2, 1), () => next(99, 1), () => next('1', 1), () => end(2), () => end(99), () => use(1, 2, ['end'], []), () => use(1, 0, ['value']), () => use(1, 2, [], [])];
      const names = [];
      for (const attempt of attempts) names.push((await outcome(attempt)).name);
      return names;
    }, rows, callback(() => {}));
    deepEqual(found, ['RangeError', 'RangeError', 'RangeError', 'TypeError', 'ReferenceError', 'ReferenceError', 'TypeError', 'ReferenceError', 'TypeError', 'TypeError', 'TypeError']);
    equal(ended, 0);
  });

  test('functions of pools return streams', async () => {
    const workers = pool(1, () => new Worker(worker('objects')));
    try {
      const rows = String(function* () {
        yield* [1, 2, 3];
      });
      deepEqual(await Promise.all([1, 2].map(() => collected(workers.proxy.run(rows)))), [[1, 2, 3], [1, 2, 3]]);
      deepEqual(await collected(workers.within({ rows: 1 }).run(rows)), [1, 2, 3]);
    } finally {
      await workers.terminate();
    }
  });
};
