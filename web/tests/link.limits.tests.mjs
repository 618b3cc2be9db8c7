// What ends a call or a computation early: deadlines, signals and interrupts. Also `sleep`, which they end.
import { linkKit, onceBegun, pause, until } from './link.kit.mjs';

export default (register, { coincide: made, worker, tier, assert, equal, deepEqual, rejects, throws }) => {
  const { blocks, link, blocking } = linkKit(register, { coincide: made, worker, tier });

  link('a deadline of main passes while the worker computes', async w => {
    const busy = w.proxy.spin();
    equal((await rejects(() => w.within({ timeout: 30 }).echo(1))).name, 'TimeoutError');
    w.interrupt();
    equal((await busy).code, 'Interrupted');
  });

  link('deadlines end calls on both sides', async w => {
    equal((await rejects(() => w.within({ timeout: 20 }).later(1, 60_000))).name, 'TimeoutError');
    w.proxy.slow = () => new Promise(() => {});
    equal((await w.proxy.callWithin({ timeout: 20 }, 'slow')).name, 'TimeoutError');
    equal(await w.proxy.echo(1), 1);
    throws(() => w.within({ timeout: -1 }), RangeError);
    throws(() => w.within({ timeout: 'x' }), RangeError);
  });

  link('an AbortSignal ends calls', async w => {
    const controller = new AbortController();
    const call = w.within({ signal: controller.signal }).later(1, 60_000);
    controller.abort(new Error('enough'));
    equal((await rejects(() => call)).message, 'enough');
    equal((await rejects(async () => w.within({ signal: AbortSignal.abort() }).echo(1))).name, 'AbortError');
    equal(await w.proxy.echo(1), 1);
  });

  for (const way of ['check', 'sleep', 'notify', 'set', ...(blocks ? ['call'] : [])])
    link(`a worker that has done something in a task of its own receives calls afterwards: ${way}`, async w => {
      w.proxy.ping = () => {};
      const { inOwnTask, echo } = w.within({ timeout: 20_000 });
      for (let round = 0; round < 3; round++) {
        const during = pause(40).then(() => echo('during'));
        equal(await inOwnTask(way), way);
        equal(await during, 'during');
        equal(await echo('after'), 'after');
      }
    });

  const waits = blocks ? ['check', 'sleep', 'call', 'calls'] : ['check', 'sleep'];

  for (const way of waits)
    for (const limit of ['timeout', 'signal'])
      link(`a call that a ${limit} ends stops what the worker does for it: ${way}`, async w => {
        w.proxy.never = () => new Promise(() => {});
        w.proxy.ping = () => {};
        let stops = [];
        // Repeats until the function has begun before its deadline.
        for (let round = 0; stops.length === 0; round++) {
          assert(round < 50, 'it does not stop');
          const controller = new AbortController();
          let begun;
          const beginning = new Promise(resolve => (begun = resolve));
          w.proxy.begun = () => begun();
          const limits = limit === 'timeout' ? { timeout: 100 } : { signal: controller.signal };
          const call = rejects(() => w.within(limits).until(way, 'begun'));
          if (limit === 'signal') {
            await beginning;
            controller.abort();
          }
          equal((await call).name, limit === 'timeout' ? 'TimeoutError' : 'AbortError');
          equal(await w.within({ timeout: 20_000 }).echo(round), round);
          stops = await w.proxy.stopped();
        }
        deepEqual(stops, [[way, 'AbortError', 20, 'string']]);
      });

  link('a cancelled call that has not begun does not stop a running one', async w => {
    const busy = w.proxy.looks(600).catch(error => error);
    const controller = new AbortController();
    const queued = rejects(() => w.within({ signal: controller.signal }).looks(600));
    const other = w.proxy.looks(1);
    await pause(20);
    controller.abort();
    equal((await queued).name, 'AbortError');
    equal(await busy, 'to its end');
    equal(await other, 'to its end');
  });

  link('a cancelled call that is queued stops if it begins', async w => {
    const busy = w.proxy.looks(300);
    const call = rejects(() => w.within({ timeout: 50 }).until('check'));
    equal((await call).name, 'TimeoutError');
    equal(await busy, 'to its end');
    equal(await w.within({ timeout: 20_000 }).echo(1), 1);
    for (const stop of await w.proxy.stopped()) deepEqual(stop, ['check', 'AbortError', 20, 'string']);
  });

  link('cancelling calls repeatedly stops each of them', async w => {
    for (let i = 0; i < 6; i++) {
      const controller = new AbortController();
      let begun;
      const beginning = new Promise(resolve => (begun = resolve));
      w.proxy.begun = () => begun();
      const call = rejects(() => w.within({ signal: controller.signal }).until('check', 'begun'));
      await beginning;
      controller.abort();
      equal((await call).name, 'AbortError');
      equal(await w.proxy.looks(1), 'to its end');
    }
    equal((await w.proxy.stopped()).length, 6);
    equal(await w.proxy.looks(450), 'to its end');
  });

  blocking('the end of a call stops only what runs on its behalf', async w => {
    w.proxy.never = () => new Promise(() => {});
    // Main's function cannot be stopped. Its call of the worker is.
    w.proxy.ask = way => w.proxy.until(way, 'begun').then(() => 'ended');
    for (const way of ['check', 'sleep', 'call']) {
      const controller = new AbortController();
      let begun;
      const beginning = new Promise(resolve => (begun = resolve));
      w.proxy.begun = () => begun();
      const call = rejects(() => w.within({ signal: controller.signal }).nests('ask', way));
      await beginning;
      controller.abort();
      equal((await call).name, 'AbortError');
      equal(await w.within({ timeout: 20_000 }).echo(way), way);
      deepEqual(await w.proxy.stopped(), [[way, 'AbortError', 20, 'string'], ['nests', 'AbortError']]);
    }
    w.proxy.limited = way => w.within({ timeout: 300 }).until(way).catch(({ name }) => name);
    let stops;
    // The deadline may pass before the function runs.
    await until(async () => {
      await w.proxy.nests('limited', 'check');
      stops = await w.proxy.stopped();
      deepEqual(stops.at(-1), ['nests', 'TimeoutError']);
      return stops.length > 1;
    });
    deepEqual(stops, [['check', 'AbortError', 20, 'string'], ['nests', 'TimeoutError']]);
  });

  blocking('an interrupt ends the call in which the worker waits', async w => {
    w.proxy.never = () => {
      w.interrupt();
      return new Promise(() => {});
    };
    equal((await w.proxy.call('never')).code, 'Interrupted');
    equal(await w.proxy.echo(1), 1);
  });

  link('interrupts end computations of the worker, repeatedly', async w => {
    for (let i = 0; i < 6; i++) {
      onceBegun(w, () => w.interrupt());
      equal((await w.proxy.spin('begun')).code, 'Interrupted');
    }
    equal(await w.proxy.looks(250), 'to its end');
  });

  link('notifications of a computing worker arrive at once, and so do the interrupts that follow', async w => {
    w.proxy.begun = () => w.interrupt();
    deepEqual(await w.proxy.spinsOn(3, 'begun'), ['Interrupted', 'Interrupted', 'Interrupted']);
  });

  link('an interrupt of an idle worker has no effect', async w => {
    for (let i = 0; i < 6; i++) w.interrupt();
    await pause(20);
    equal(await w.proxy.looks(250), 'to its end');
    onceBegun(w, () => w.interrupt());
    equal((await w.proxy.spin('begun')).code, 'Interrupted');
  });

  link('`sleep` waits for at least the given time', async w => {
    const slept = await w.proxy.sleeps(50);
    assert(slept >= 49, slept);
    equal((await w.proxy.sleeps(0)) < 1000, true);
    for (const given of [-1, NaN, '1', undefined]) assert((await w.proxy.sleeps(given)).message.includes('milliseconds'));
    equal(await w.proxy.echo(1), 1);
  });

  link('an interrupt ends `sleep`, during which a blocking worker serves calls', async w => {
    const begun = new Promise(resolve => onceBegun(w, resolve));
    const sleeping = w.proxy.sleeps(Infinity, 'begun');
    await begun;
    if (blocks) equal(await w.proxy.echo(1), 1);
    w.interrupt();
    equal((await sleeping).code, 'Interrupted');
    equal(await w.proxy.echo(2), 2);
  });
};
