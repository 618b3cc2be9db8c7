// Visits without a fault: no request fails, and the console shows no error.
export default ({ paged, start, countsEach, pause, deepEqual, equal, skip }) => {
  /** The failed requests of a page or a worker. */
  const failuresOf = entries => entries.filter(({ responseStatus: status }) => status >= 400).map(({ name, responseStatus }) => `${responseStatus} ${name}`);

  /** Asserts that no request fails and no error is printed while `body` runs on its page. */
  const quiet = (name, folder, body) =>
    paged(`no request fails and no error is printed: ${name}`, folder, async page => {
      // Available in Chromium with `drive.mjs` only.
      const printed = globalThis.consoleErrors?.length;
      const workers = [];
      const skipped = await body(page, options => {
        const w = start(page, options);
        workers.push(w);
        return w;
      });
      if (skipped) return skipped;
      // A failed request is listed when its body has been received.
      await pause(200);
      const failures = failuresOf(page.performance.getEntriesByType('resource'));
      for (const w of workers) failures.push(...failuresOf(await w.proxy.responses()));
      failures.push(...(globalThis.consoleErrors?.slice(printed) ?? []));
      equal(failures.join('\n'), '');
    });

  const unregister = async page => (await page.navigator.serviceWorker.getRegistration())?.unregister();

  quiet('the first visit with the own relay', 'quiet', async (page, started) => {
    await unregister(page);
    // Workers that start before, during and after the registration of the service worker.
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

  quiet('a newer version of the relay is waiting', 'quiet', async (page, started) => {
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

  quiet('a worker without a relay', 'quiet', async (page, started) => {
    const w = started({ serviceWorker: undefined });
    equal(await w.proxy.add(1, 2), 3);
    equal(w.tier, 'messages');
  });
};
