// The beginning and the end of workers, and their names.
import { linkKit, pause } from './link.kit.mjs';

export default (register, { coincide: made, worker, tier, assert, equal, deepEqual, rejects, throws }) => {
  const { coincide, test, using } = linkKit(register, { coincide: made, worker, tier });
  const { Worker, workers } = coincide();

  test('a worker that reports a failure rejects `ready` and all calls', async () => {
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

  test('`terminate` rejects every call, before and after the worker is ready, and may be repeated', async () => {
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

  test('terminate before a worker is ready drops its requests', async () => {
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

  test('a worker that fails to start rejects all pending promises', async () => {
    for (const name of ['broken', 'missing']) {
      const w = new Worker(worker(name));
      const call = rejects(() => w.proxy.echo(1));
      equal((await rejects(() => w.ready)).code, 'Closed');
      equal((await call).code, 'Closed');
      w.terminate();
    }
  });

  test('named workers are found in `workers`', async () => {
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

  test('several workers answer at once', async () => {
    const all = Array.from({ length: 4 }, () => new Worker(worker('all')));
    for (const [i, w] of all.entries()) w.proxy.mine = () => i;
    const results = await Promise.all(all.map(w => w.proxy.call('mine')));
    deepEqual(results.map(({ value }) => value), [0, 1, 2, 3]);
    for (const w of all) w.terminate();
  });
};
