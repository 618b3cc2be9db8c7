// Service workers of other libraries, unchanged, by which workers of coincide block.

/** Folders of the service workers. */
const RELAYS = {
  'the service worker of coincident': 'coincident',
  'the service worker of sabayon': 'sabayon',
  "sabayon's protocol of broadcasts": 'polyfill',
};

const isWebKit = /AppleWebKit/.test(navigator.userAgent) && !/Chrome/.test(navigator.userAgent);

export default ({ brief, paged, start, countsEach, pause, assert, deepEqual, equal, skip }) => {
  for (const [what, folder] of Object.entries(RELAYS)) {
    const test = (name, body) =>
      paged(`${what}: ${name}`, `foreign/${folder}`, async page => {
        const { ok } = await page.fetch('./sw.js');
        if (!ok) return skip(`the npm package ${folder} is not installed`);
        return body(page, (options, script) => start(page, { tier: 'service-worker', ...options }, script));
      });

    test('workers block by it on the first visit', async (page, started) => {
      const w = started();
      w.proxy.hello = name => `Hello, ${name}`;
      deepEqual(await w.proxy.call('hello', 'PyScript'), { value: 'Hello, PyScript' });
      deepEqual(await w.proxy.capabilities(), { native: false, sync: true });
      equal(await w.proxy.add(20, 22), 42);
      equal(w.tier, 'service-worker');
      const { active } = await page.navigator.serviceWorker.getRegistration();
      equal(active.scriptURL, new URL(`foreign/${folder}/sw.js`, location).href);
    });

    test('large results and arguments arrive complete', async (page, started) => {
      const w = started();
      const large = new page.Uint8Array(1 << 20).map((_, i) => i * 7);
      w.proxy.large = () => large;
      w.proxy.sum = bytes => bytes.reduce((sum, byte) => sum + byte, 0);
      const { value } = await w.proxy.call('large');
      assert(value.length === large.length && value.every((byte, i) => byte === large[i]));
      deepEqual(await w.proxy.call('sum', large), { value: large.reduce((sum, byte) => sum + byte, 0) });
      // More than the window of unacknowledged frames.
      w.proxy.larger = () => new page.Uint8Array(9 << 20).fill(3);
      const larger = (await w.proxy.call('larger')).value;
      assert(larger.length === 9 << 20 && larger.every(byte => byte === 3));
    });

    test('calls nest in both directions', async (page, started) => {
      const w = started();
      w.proxy.ask = (name, ...args) => w.proxy[name](...args);
      deepEqual(await w.proxy.call('ask', 'add', 1, 2), { value: 3 });
      equal(await w.proxy.fibonacci(5), 5);
    });

    test('each call of several workers runs once', async (page, started) => {
      const failures = async workers => (await Promise.allSettled(workers.map(w => countsEach(w, 10)))).flatMap(({ reason }) => reason ?? []);
      equal((await failures([1, 2, 3].map(n => started({}, `./worker.js?${n}`)))).join('\n'), '');
      // In WebKit, the refusal takes 4 s.
      if (brief && folder !== 'coincident') return;
      const refused = await failures([started(), started(), started()]);
      // In WebKit 2.50, workers that load one script at the same time share the load, and the service worker controls only one of them.
      assert(refused.length === 0 || (isWebKit && refused.length === 2), refused.join('\n'));
      for (const { message } of refused) assert(/requests of the worker do not reach the service worker/.test(message), message);
    });

    test('a call returns after main took longer than a request is held', async (page, started) => {
      const w = started({ relayHold: 100 });
      let ran = 0;
      w.proxy.slow = async () => {
        ran++;
        await pause(1000);
        return 'done';
      };
      deepEqual(await w.proxy.call('slow'), { value: 'done' });
      equal(ran, 1);
    });

    test('an interrupt ends a pending call and a computation', async (page, started) => {
      const w = started();
      await w.ready;
      w.proxy.never = () => {
        w.interrupt();
        return new Promise(() => {});
      };
      equal((await w.proxy.call('never')).code, 'Interrupted');
      w.proxy.begun = () => w.interrupt();
      equal((await w.proxy.spin('begun')).code, 'Interrupted');
      equal(await w.proxy.echo(1), 1);
    });

    test('deadlines end calls, and errors keep their messages', async (page, started) => {
      const w = started();
      w.proxy.never = () => new Promise(() => {});
      equal((await w.proxy.callWithin({ timeout: 30 }, 'never')).name, 'TimeoutError');
      w.proxy.fails = () => {
        throw new page.RangeError('too far');
      };
      equal((await w.proxy.call('fails')).message, 'too far');
    });

    test('ignores answers of other clients', async (page, started) => {
      const w = started();
      await w.ready;
      const channels = ['dc78209b-186c-4f83-80e9-406becb7d9f3', 'dd78209b-186c-4f83-80e9-406becb7d9f3'];
      const hostile = channels.map(id => {
        const channel = new BroadcastChannel(id);
        channel.onmessage = ({ data }) => channel.postMessage([data[0], ['malformed']]);
        return channel;
      });
      page.navigator.serviceWorker.addEventListener('message', ({ data, source }) => source.postMessage([...data, ['malformed']]));
      for (const data of [[], ['coincide:', 1, 2], [1, 'coincide:', null]]) for (const channel of hostile) channel.postMessage(data);
      const counting = countsEach(w, 3);
      // The call ends when main answers first, at the latest when the other channels are closed.
      await pause(300);
      for (const channel of hostile) channel.close();
      await counting;
    });

    test('each call runs once when it is stopped while a worker is blocked', async (page, started) => {
      const { stopServiceWorkers } = globalThis;
      if (!stopServiceWorkers) return skip('only Chromium that is driven can stop one');
      const w = started();
      await w.ready;
      const ran = [];
      w.proxy.stop = async n => {
        ran.push(n);
        await pause(50);
        stopServiceWorkers('');
        await pause(n * 100);
        return n;
      };
      for (const n of [0, 1, 2]) deepEqual(await w.proxy.call('stop', n), { value: n });
      deepEqual(ran, [0, 1, 2]);
    });

    test('a call returns after it was unregistered while the worker was blocked', async (page, started) => {
      const w = started();
      w.proxy.leave = async () => {
        await (await page.navigator.serviceWorker.getRegistration()).unregister();
        await pause(100);
        return 'still here';
      };
      deepEqual(await w.proxy.call('leave'), { value: 'still here' });
    });
  }
};
