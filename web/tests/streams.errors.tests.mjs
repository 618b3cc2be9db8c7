// Streams whose producer throws, whose rows cannot be sent, and forged requests.
import { linkOf, runnerOf, until } from './link.kit.mjs';
import { collected, numbers, exporting, offering } from './streams.kit.mjs';

export default (register, { coincide: made, mark, worker, tier, assert, equal, deepEqual, rejects }) => {
  const { callback } = mark;
  const blocks = tier !== 'messages';
  const main = options => made({ tier, promises: !blocks, ...options });
  const { Worker } = main();
  const test = (name, body) => register(`${tier}: streams: ${name}`, body);
  const link = linkOf(test, Worker, worker);

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

  link('two requests at a time for rows of an iterator that throws both settle', async (w, run) => {
    const rows = await run(({ stream }) => stream((async function* () {
      yield 1;
      throw new RangeError('too far');
    })()));
    const [first, second, third] = await Promise.allSettled([rows, w.within({ rows: 2 }, rows), w.within({ rows: 3 }, rows)].map(rows => rows.next()));
    deepEqual([first.value, second.reason?.message, third.value], [{ done: false, value: 1 }, 'too far', { done: true, value: undefined }]);
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
};
