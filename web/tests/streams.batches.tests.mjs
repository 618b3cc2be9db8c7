// How many rows of a stream one request takes.
import { linkOf, pause, runnerOf } from './link.kit.mjs';
import { numbers, exporting } from './streams.kit.mjs';

export default (register, { coincide: made, worker, tier, assert, equal, deepEqual }) => {
  const blocks = tier !== 'messages';
  const main = options => made({ tier, promises: !blocks, ...options });
  const { Worker } = main();
  const test = (name, body) => register(`${tier}: streams: ${name}`, body);
  const link = linkOf(test, Worker, worker);

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
          // Rows that have arrived, and rows read ahead.
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
        // A synchronous producer sends its rows after 2 ms at the latest. On a busy machine these may be fewer.
        assert(trips() >= length / rows && trips() <= (1.5 * length) / rows, `${trips()} trips`);
      }
      performance.clearMeasures();
      if (!blocks) return;
      // A request of the worker takes at least the rows that main's generator yields without a pause.
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

  link('thousands of requests at once are answered', async (w, run) => {
    await exporting(run);
    const { 'coincide:next': next } = w.proxy;
    const rows = await w.within({ rows: 1 }).later(5_000);
    const answers = await Promise.all(Array.from({ length: 5_001 }, () => next(1, 1)));
    deepEqual(answers.map(([, [row]]) => row), [...numbers(5_000), undefined]);
    equal((await rows.next()).done, true);
  });
};
