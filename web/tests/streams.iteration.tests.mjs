// Streams: generators and other iterables that stay at their end, iterated from the other one.
import { linkOf, until } from './link.kit.mjs';
import { collected, numbers, exporting, offering } from './streams.kit.mjs';
import { skip } from './suite.mjs';

export default (register, { coincide: made, mark, pool, worker, tier, assert, equal, deepEqual, rejects, throws }) => {
  const { stream } = mark;
  const blocks = tier !== 'messages';
  const main = options => made({ tier, promises: !blocks, ...options });
  const { Worker } = main();
  const test = (name, body) => register(`${tier}: streams: ${name}`, body);
  const link = linkOf(test, Worker, worker);

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

  link('main passes a stream of one worker to another worker', async (w, run) => {
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
    // An early end during the request ends the iteration.
    const ended = await run(({ proxy, kept }) => {
      kept.rows = proxy.slow();
      proxy.again = () => void kept.rows.return();
      return [...kept.rows];
    });
    deepEqual(ended, []);
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
