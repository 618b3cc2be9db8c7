// Faults of service workers while workers are blocked. Each test uses the coincide of a page of its own, in a frame, since service
// workers belong to pages.
import { assert, deepEqual, equal, rejects, skip, suite } from '../site/suite.mjs';
import foreignTests from './foreign/tests.mjs';
import lackingTests from './lacking.tests.mjs';
import quietTests from './quiet.tests.mjs';

const post = line => fetch('/report', { method: 'POST', body: line });
addEventListener('unhandledrejection', event => post(`unhandled: ${event.reason?.stack ?? event.reason}`));
const query = new URLSearchParams(location.search);
const { test: register, run } = suite();
const test = (name, body) => register(`relay: ${name}`, body);
const pause = ms => new Promise(resolve => setTimeout(resolve, ms));

/** Opens the page of a folder in a frame. */
const open = async folder => {
  const frame = document.createElement('iframe');
  frame.src = `${folder}/frame.html`;
  document.body.append(frame);
  await new Promise(resolve => frame.addEventListener('load', resolve, { once: true }));
  return frame;
};

const paged = (name, folder, body) =>
  test(name, async () => {
    const frame = await open(folder);
    try {
      return await body(frame.contentWindow, frame);
    } finally {
      frame.remove();
    }
  });

/** Starts a worker of the page that blocks by the page's relay. */
const start = (page, options, script = './worker.js') => {
  const { Worker } = page.coincide({ serviceWorker: './sw.js', ...options });
  // In the scope of the service worker, as the page is.
  return new Worker(script);
};

/** Makes `calls` calls of main and asserts that each runs once, in order. */
const countsEach = async (w, calls) => {
  const ran = [];
  w.proxy.count = n => {
    ran.push(n);
    return n;
  };
  for (let n = 0; n < calls; n++) deepEqual(await w.proxy.call('count', n), { value: n });
  deepEqual(ran, Array.from({ length: calls }, (_, n) => n));
};

const registrationOf = page => page.navigator.serviceWorker.getRegistration();

paged('a call returns after main took longer than a request is held', 'shared', async page => {
  const w = start(page, { relayHold: 100 });
  let ran = 0;
  w.proxy.slow = async () => {
    ran++;
    await pause(1500);
    return 'done';
  };
  deepEqual(await w.proxy.call('slow'), { value: 'done' });
  equal(ran, 1);
  equal(w.tier, 'service-worker');
});

paged('a call returns after the service worker was unregistered, and later workers register it again', 'shared', async page => {
  const w = start(page);
  let ran = 0;
  w.proxy.leave = async () => {
    ran++;
    await (await registrationOf(page)).unregister();
    await pause(200);
    return 'still here';
  };
  deepEqual(await w.proxy.call('leave'), { value: 'still here' });
  equal(ran, 1);
  // The worker remains usable, and a new one registers the service worker again.
  await countsEach(w, 2);
  await countsEach(start(page, { tier: 'service-worker' }), 2);
  await (await registrationOf(page)).unregister();
  // A page that is opened right afterwards may find it registered without being controlled by it.
  const frame = await open('shared');
  await countsEach(start(frame.contentWindow, { tier: 'service-worker' }), 2);
  frame.remove();
});

/** Installs a new version of the page's service worker while a worker waits. Returns the outcome of the call, which runs once. */
const updates = async (page, w) => {
  let ran = 0;
  w.proxy.update = async () => {
    ran++;
    const { installing, waiting } = await page.navigator.serviceWorker.register('./sw.js?newer');
    const newer = installing ?? waiting;
    assert(newer.scriptURL.endsWith('?newer'), newer.scriptURL);
    while (newer.state === 'installing') await pause(10);
    await pause(1000);
    return newer.state;
  };
  try {
    return await w.proxy.call('update');
  } finally {
    equal(ran, 1);
  }
};

paged('a new version of the relay stays installed while workers are blocked', 'shared', async page => {
  const w = start(page, { relayHold: 300 });
  await countsEach(w, 1);
  deepEqual(await updates(page, w), { value: 'installed' });
  await countsEach(w, 3);
  await (await registrationOf(page)).unregister();
});

paged('after a new version has taken control, a pending call has run once or ends with an error', 'replaced', async page => {
  const w = start(page, { relayHold: 300 });
  await countsEach(w, 1);
  try {
    const { value } = await updates(page, w);
    assert(/^(installed|activating|activated)$/.test(value), value);
    await countsEach(w, 3);
  } catch (error) {
    // In Firefox, requests of a worker that is blocked at that moment never reach the new version.
    equal(error.code, 'Closed');
  }
  await countsEach(start(page), 3);
  await (await registrationOf(page)).unregister();
});

paged('each call runs once when the service worker is stopped while workers are blocked', 'stopped', async page => {
  const { stopServiceWorkers } = globalThis;
  if (!stopServiceWorkers) return skip('only Chromium that is driven can stop one');
  const instance = async () => (await page.fetch('./instance')).text();
  const workers = [start(page), start(page)];
  await Promise.all(workers.map(w => w.ready));
  const first = await instance();
  const ran = [0, 0];
  for (const [i, w] of workers.entries())
    w.proxy.stop = async n => {
      ran[i]++;
      await pause(50);
      stopServiceWorkers('');
      await pause(n * 100);
      return [i, n];
    };
  const calls = [0, 1, 2, 3, 4].map(n => workers.map((w, i) => [w, i, n])).flat();
  await Promise.all(calls.map(async ([w, i, n]) => deepEqual(await w.proxy.call('stop', n), { value: [i, n] })));
  deepEqual(ran, [5, 5]);
  assert((await instance()) !== first, 'it was not stopped');
});

paged('each call runs once when requests fail and packets are lost', 'faulty', async page => {
  const w = start(page);
  await countsEach(w, 20);
  w.proxy.large = () => new Uint8Array(1 << 20).fill(7);
  const { value } = await w.proxy.call('large');
  assert(value.length === 1 << 20 && value.every(byte => byte === 7));
});

paged("keeps a service worker of the site without a relay, and names it in the error", 'own', async page => {
  await page.navigator.serviceWorker.register('./sw.js');
  while (!page.navigator.serviceWorker.controller) await pause(10);
  const w = start(page, { serviceWorker: './other.js', tier: 'service-worker' });
  const error = await rejects(() => w.ready);
  equal(error.code, 'NoRelay');
  assert(/own\/sw\.js.*coincide\/sw\/listeners/s.test(error.message), error.message);
  equal((await registrationOf(page)).active.scriptURL, new URL('own/sw.js', location).href);
  equal(await (await page.fetch('./route')).text(), 'own');
});

paged('refuses a service worker that is not a relay', 'own', async page => {
  const w = start(page, { tier: 'service-worker' });
  const error = await rejects(() => w.ready);
  equal(error.code, 'NoRelay');
  assert(/own\/sw\.js does not relay: it is not what/.test(error.message), error.message);
  equal((await registrationOf(page)).active.scriptURL, new URL('own/sw.js', location).href);
});

paged("a site's own service worker relays and still answers its own requests", 'listening', async page => {
  await page.navigator.serviceWorker.register('./sw.js');
  while (!page.navigator.serviceWorker.controller) await pause(10);
  const w = start(page);
  await countsEach(w, 3);
  equal(await (await page.fetch('./route')).text(), 'own');
  // The registered relay is used even if the option names another script.
  await countsEach(start(page, { serviceWorker: './none.js' }), 3);
});

test('workers of two pages receive their own answers only', async () => {
  const frames = await Promise.all([open('shared'), open('shared')]);
  const workers = frames.flatMap(({ contentWindow }) => [1, 2, 3].map(() => start(contentWindow)));
  for (const [i, w] of workers.entries()) w.proxy.mine = n => [i, n];
  const results = await Promise.all(workers.map(async w => [await w.proxy.call('mine', 1), await w.proxy.call('mine', 2)]));
  deepEqual(
    results,
    workers.map((_, i) => [{ value: [i, 1] }, { value: [i, 2] }]),
  );
  for (const frame of frames) frame.remove();
});

paged('a reloaded page starts new workers after its worker was blocked', 'shared', async (page, frame) => {
  const w = start(page);
  const blocked = new Promise(resolve => {
    w.proxy.never = () => {
      resolve();
      return new Promise(() => {});
    };
  });
  w.proxy.call('never');
  await blocked;
  page.location.reload();
  await new Promise(resolve => frame.addEventListener('load', resolve, { once: true }));
  await countsEach(start(frame.contentWindow), 3);
});

paged('malformed messages of other pages have no effect', 'shared', async page => {
  const w = start(page);
  await countsEach(w, 1);
  const { controller } = page.navigator.serviceWorker;
  const token = 'f'.repeat(32);
  for (const malformed of [null, 1, 'x', {}, { coincide: 1 }, { coincide: token }, { coincide: token, packet: 'x' }, { coincide: token, packet: new ArrayBuffer(3) }, { coincide: token, packet: new ArrayBuffer(1 << 20) }])
    controller.postMessage(malformed);
  const url = `${controller.scriptURL}?coincide`;
  for (const coincide of ['', 'x', `${token} 10 1 00`, `${token} 999999999999 1 ${'0'.repeat(64)}`]) {
    const { status } = await page.fetch(url, { method: 'POST', headers: { coincide }, body: 'malformed' });
    equal(status, 400);
  }
  equal((await page.fetch(url)).status, 204);
  const answer = await page.fetch(url, { method: 'POST', headers: { coincide: `${token} 10 1 ${'0'.repeat(64)}` } });
  equal(answer.status, 200);
  await countsEach(w, 3);
});

paged('the relay serves other pages while one page uses all of its memory', 'flooded', async (page, frame) => {
  const hostile = (await open('flooded')).contentWindow;
  // A worker that blocks already, and later ones.
  const early = start(page, { tier: 'service-worker' });
  await countsEach(early, 1);
  let release;
  early.proxy.blocks = () => new Promise(resolve => (release = resolve));
  const blocked = early.proxy.call('blocks');
  while (!release) await pause(10);

  const { controller } = hostile.navigator.serviceWorker;
  const url = `${controller.scriptURL.split('?')[0]}?coincide`;
  const token = (kind, n) => kind.repeat(16) + n.toString(16).padStart(16, '0');
  const polls = new hostile.AbortController();
  const poll = n =>
    hostile
      .fetch(url, { method: 'POST', headers: { coincide: `${token('e', n)} 60000 0 ${'0'.repeat(64)}` }, signal: polls.signal })
      .then(({ status }) => status, () => 0);
  const flood = () => {
    for (let n = 0; n < 1100; n++) controller.postMessage({ coincide: token('f', n), packet: new ArrayBuffer(64) });
    for (let n = 0; n < 40; n++) {
      const packet = new ArrayBuffer(8 << 20);
      controller.postMessage({ coincide: token('d', n), packet }, [packet]);
    }
  };
  const statuses = Array.from({ length: 1100 }, (_, n) => poll(n));
  flood();
  // Some of them are refused.
  const first = await Promise.race(statuses);
  assert([503, 0].includes(first), `a poll is answered with ${first}`);
  release('released');
  deepEqual(await blocked, { value: 'released' });
  for (let n = 0; n < 3; n++) {
    flood();
    await countsEach(early, 3);
    const late = start(page, { tier: 'service-worker' });
    late.proxy.large = () => new page.Uint8Array(2 << 20).fill(n);
    equal((await late.proxy.call('large')).value.length, 2 << 20);
    late.terminate();
  }
  polls.abort();
  hostile.frameElement.remove();
  await (await registrationOf(page)).unregister();
});

const kit = { brief: query.has('brief'), paged, start, countsEach, pause, assert, deepEqual, equal, rejects, skip };
for (const tests of [lackingTests, quietTests, foreignTests]) tests(kit);

await run(result => post(JSON.stringify(result)), query.get('filter') ?? '').catch(error =>
  post(`the page failed: ${error?.stack ?? error}`),
);
await post('done');
