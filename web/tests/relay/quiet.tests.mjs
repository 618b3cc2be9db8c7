// A visit on which nothing is wrong prints no error on the console: no request fails, and nothing else does.
export default ({ paged, start, countsEach, pause, deepEqual, equal, skip }) => {
  /** What a page or worker has asked for in vain. */
  const failuresOf = entries => entries.filter(({ responseStatus: status }) => status >= 400).map(({ name, responseStatus }) => `${responseStatus} ${name}`);

  /** Checks that nothing has failed of what `body` does on its page; gives what that gives if it is a text. */
  const quiet = (name, folder, body) =>
    paged(`nothing is red on the console: ${name}`, folder, async page => {
      // Chromium says it, if it is driven.
      const printed = globalThis.consoleErrors?.length;
      const workers = [];
      const skipped = await body(page, options => {
        const w = start(page, options);
        workers.push(w);
        return w;
      });
      if (skipped) return skipped;
      // What fails is listed when its body has been received.
      await pause(200);
      const failures = failuresOf(page.performance.getEntriesByType('resource'));
      for (const w of workers) failures.push(...failuresOf(await w.proxy.responses()));
      failures.push(...(globalThis.consoleErrors?.slice(printed) ?? []));
      equal(failures.join('\n'), '');
    });

  const unregister = async page => (await page.navigator.serviceWorker.getRegistration())?.unregister();

  quiet('the first visit with the own relay', 'quiet', async (page, started) => {
    await unregister(page);
    // One that is there before the service worker, one that comes meanwhile, and one that comes later.
    const w = started({ tier: 'service-worker' });
    await Promise.all([w, started({ tier: 'service-worker' })].map(w => countsEach(w, 3)));
    await countsEach(started({ tier: 'service-worker' }), 3);
    w.proxy.slow = async () => {
      await pause(300);
      return 'slow';
    };
    deepEqual(await w.proxy.call('slow'), { value: 'slow' });
  });

  quiet('a later visit with the own relay', 'quiet', async (page, started) => {
    await countsEach(started({ tier: 'service-worker' }), 3);
    await unregister(page);
  });

  quiet('the relay waits to be replaced by a newer version', 'quiet', async (page, started) => {
    const w = started({ tier: 'service-worker' });
    await countsEach(w, 2);
    const registration = await page.navigator.serviceWorker.register('./sw.js?newer');
    while (!registration.waiting) await pause(10);
    await countsEach(w, 2);
    await countsEach(started({ tier: 'service-worker' }), 2);
    await unregister(page);
  });

  quiet("a relay within a site's own service worker", 'listening', async (page, started) => {
    await page.navigator.serviceWorker.register('./sw.js');
    await countsEach(started({ tier: 'service-worker' }), 3);
  });

  for (const folder of ['coincident', 'sabayon', 'polyfill']) {
    quiet(`the first visit with the relay of ${folder}`, `foreign/${folder}`, async (page, started) => {
      if (!(await page.fetch('./sw.js')).ok) return skip(`the npm package ${folder} is not installed`);
      await unregister(page);
      await countsEach(started({ tier: 'service-worker' }), 3);
    });
    quiet(`a later visit with the relay of ${folder}`, `foreign/${folder}`, async (page, started) => {
      if (!(await page.navigator.serviceWorker.getRegistration())) return skip(`the npm package ${folder} is not installed`);
      await countsEach(started({ tier: 'service-worker' }), 3);
    });
  }

  quiet('no relay is named', 'quiet', async (page, started) => {
    const w = started({ serviceWorker: undefined });
    equal(await w.proxy.add(1, 2), 3);
    equal(w.tier, 'messages');
  });
};
