// Service workers that lack some of the relay's four listeners: a worker blocks by them, or its error names the missing one. It never hangs.
export default ({ paged, start, countsEach, assert, deepEqual, equal, rejects }) => {
  const LISTENERS = ['activate', 'fetch', 'install', 'message'];

  const became = ({ installing, waiting, active }) =>
    new Promise(resolve => {
      const worker = installing ?? waiting ?? active;
      const look = () => worker.state === 'activated' && resolve();
      worker.addEventListener('statechange', look);
      look();
    });

  for (let subset = 0; subset < 1 << LISTENERS.length; subset++) {
    const there = LISTENERS.filter((_, at) => subset & (1 << at));
    const has = Object.fromEntries(LISTENERS.map(name => [name, there.includes(name)]));
    const [works, claims] = [has.fetch && has.message, has.activate || has.message];
    const missing = has.fetch ? /lacks the listener `message`/ : has.message ? /lacks the listener `fetch`/ : /does not relay/;

    paged(`a service worker with the listeners ${there.join(', ') || 'of no kind'} ${works ? 'relays' : 'is reported'}`, 'lacking', async (page, frame) => {
      await became(await page.navigator.serviceWorker.register(`./sw.js?${there.join('&')}`));
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
          // Only a page that is loaded anew is controlled by one that takes no control.
          if (claims) break;
          frame.contentWindow.location.reload();
          await new Promise(resolve => frame.addEventListener('load', resolve, { once: true }));
        }
      } finally {
        // By the page that is there now: promises of one that was reloaded never settle.
        await (await frame.contentWindow.navigator.serviceWorker.getRegistration()).unregister();
      }
    });
  }

  paged('a service worker that is named and has three listeners: the worker gets the tier `messages`, and says why', 'lacking', async page => {
    const w = start(page, { serviceWorker: './three.js' });
    w.proxy.hello = () => 'hello';
    const { code, message } = await w.proxy.call('hello');
    deepEqual([code, w.tier], ['CannotBlock', 'messages']);
    assert(/three\.js relays nothing, since it lacks the listener `message`.*addEventListener\('message', message\)/.test(message), message);
    equal(await w.proxy.add(1, 2), 3);
    await (await page.navigator.serviceWorker.getRegistration()).unregister();
  });
};
