// Service workers that lack some of the relay's four listeners: a worker blocks by them, or its error names the missing one.
export default ({ brief, paged, start, countsEach, assert, deepEqual, equal, rejects }) => {
  const LISTENERS = ['activate', 'fetch', 'install', 'message'];

  const activated = ({ installing, waiting, active }) =>
    new Promise(resolve => {
      const worker = installing ?? waiting ?? active;
      const check = () => worker.state === 'activated' && resolve();
      worker.addEventListener('statechange', check);
      check();
    });

  for (let subset = 0; subset < 1 << LISTENERS.length; subset++) {
    const present = LISTENERS.filter((_, at) => subset & (1 << at));
    const has = Object.fromEntries(LISTENERS.map(name => [name, present.includes(name)]));
    const [works, claims] = [has.fetch && has.message, has.activate || has.message];
    // A probe whose packets get lost takes 7 s. Of five such tests, `brief` runs one.
    if (brief && has.fetch && !has.message && present.join() !== 'fetch,install') continue;
    const missing = has.fetch ? /lacks the listener `message`/ : has.message ? /lacks the listener `fetch`/ : /does not relay/;

    paged(`a service worker with the listeners ${present.join(', ') || 'of no kind'} ${works ? 'relays' : 'is reported'}`, 'lacking', async (page, frame) => {
      await activated(await page.navigator.serviceWorker.register(`./sw.js?${present.join('&')}`));
      try {
        for (const visit of ['first', 'second']) {
          const w = start(frame.contentWindow, { tier: 'service-worker' });
          if (works) await countsEach(w, 2);
          else {
            const { code, message } = await rejects(() => w.ready);
            equal(code, 'NoRelay');
            const expected = visit === 'first' && !claims ? /does not control it: reload the page/ : missing;
            assert(expected.test(message), message);
            assert(/coincide\/sw\/listeners/.test(message), message);
          }
          w.terminate();
          // A service worker that does not claim its clients controls a page after the next load only.
          if (claims) break;
          frame.contentWindow.location.reload();
          await new Promise(resolve => frame.addEventListener('load', resolve, { once: true }));
        }
      } finally {
        // By the current page: promises of a reloaded page never settle.
        await (await frame.contentWindow.navigator.serviceWorker.getRegistration()).unregister();
      }
    });
  }

  if (brief) return;
  paged('a worker falls back to the tier `messages`, with the reason, if its service worker lacks a listener', 'lacking', async page => {
    const w = start(page, { serviceWorker: './three.js' });
    w.proxy.hello = () => 'hello';
    const { code, message } = await w.proxy.call('hello');
    deepEqual([code, w.tier], ['CannotBlock', 'messages']);
    assert(/three\.js relays nothing, since it lacks the listener `message`.*addEventListener\('message', message\)/.test(message), message);
    equal(await w.proxy.add(1, 2), 3);
    await (await page.navigator.serviceWorker.getRegistration()).unregister();
  });
};
