// Calls while wasm is still being loaded, before there is a link. Limits apply, and values that cannot be sent throw at once.
import { create } from '../modules/main/core.js';

export default (register, { source, worker, tier, node, assert, equal, deepEqual, rejects, throws }) => {
  const test = (name, body) => register(`${tier}: early: ${name}`, body);

  /** Runs a test with a worker whose link is created once `loaded` is called. The worker has to work then. */
  const early = (name, body, { works = true, ...options } = {}) =>
    test(name, async () => {
      const platform = await (node ? import('../modules/platform/node.js') : import('../modules/platform/page.js'));
      let loaded;
      const module = new Promise(resolve => (loaded = async () => resolve(await source())));
      const { Worker } = create(platform, () => module)({ tier, promises: tier === 'messages', ...options });
      const w = new Worker(worker('all'));
      try {
        const result = await body(w, loaded, Worker);
        await loaded();
        if (works) equal(await w.proxy.echo('works'), 'works');
        return result;
      } finally {
        w.terminate();
      }
    });
  const pause = ms => new Promise(resolve => setTimeout(resolve, ms));

  early('an aborted signal ends a call', async w => {
    const controller = new AbortController();
    const call = rejects(() => w.within({ signal: controller.signal }).later(1, 60_000));
    await pause(0);
    controller.abort();
    equal((await call).name, 'AbortError');
  });

  early('a timeout ends a call', async w => {
    equal((await rejects(() => w.within({ timeout: 1 }).later(1, 60_000))).name, 'TimeoutError');
  });

  early('a signal ends a call that is made later', async (w, loaded) => {
    const controller = new AbortController();
    const call = rejects(() => w.within({ signal: controller.signal }).later(1, 60_000));
    await loaded();
    await w.ready;
    controller.abort();
    equal((await call).name, 'AbortError');
  });

  early('unsendable values throw, and sent values keep their contents', async (w, loaded) => {
    equal(throws(() => w.postMessage(() => {})).name, 'DataCloneError');
    equal(throws(() => w.notify('echo', () => {})).name, 'DataCloneError');
    equal(throws(() => w.proxy.echo(() => {})).name, 'DataCloneError');
    const value = { is: 'sent' };
    const buffer = new ArrayBuffer(8);
    w.postMessage(value);
    w.postMessage([buffer], [buffer]);
    w.postMessage(value, node ? [] : { transfer: [] });
    equal(buffer.byteLength, 0);
    const call = w.proxy.echo(value);
    value.is = 'changed';
    await loaded();
    deepEqual(await call, { is: 'sent' });
    let heard;
    do heard = await w.proxy.heard();
    while (heard.length < 3);
    deepEqual([heard[0], heard[1][0].byteLength, heard[2]], [{ is: 'sent' }, 8, { is: 'sent' }]);
  });

  early('a call whose getter terminates the worker rejects', async w => {
    const error = await rejects(() => w.proxy.echo({ get x() { return w.terminate() && 1; } }));
    assert(error.code === 'Closed' || error.name === 'DataCloneError', `${error.name}: ${error.message}`);
  }, { works: false });

  early('options that cannot be sent end the worker', async (w, loaded) => {
    const call = rejects(() => w.proxy.echo(1));
    await loaded();
    for (const error of [await call, await rejects(() => w.ready), await rejects(() => w.proxy.echo(1))]) {
      equal(error.code, 'NotStarted');
      assert(error.message.includes('the link could not be created: '), error.message);
    }
  }, { works: false, promises: () => {} });
};
