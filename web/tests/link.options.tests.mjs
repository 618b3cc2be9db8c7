// Options of `coincide()`.
import { linkKit } from './link.kit.mjs';

export default (register, { coincide: made, worker, tier, memory, assert, equal, deepEqual, rejects, throws }) => {
  const { coincide, test, using } = linkKit(register, { coincide: made, worker, tier });

  test('`transfer: false` makes a transfer list an ordinary argument', async () => {
    const plain = coincide({ transfer: false });
    await using(async w => equal((await w.proxy.add([], plain.transfer())).length, 0), { Class: plain.Worker });
  });

  test('`transform` applies to arguments and results', async () => {
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

  test('measured calls appear in the performance panel', async () => {
    const measuring = coincide({ measure: true });
    await using(async w => w.proxy.echo(1), { Class: measuring.Worker });
    assert(performance.getEntriesByName('coincide: echo', 'measure').length > 0);
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
      // Without the budget, memory would grow by five times 16 MiB.
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
};
