// Functions of the worker that main calls: callbacks and listeners.
import { windowKit } from './window.kit.mjs';

export default (test, kit) => {
  const { coincideWindow, worker, equal, deepEqual } = kit;
  const { within } = windowKit(kit);

  const inWorker = (name, root, body, expected, rest) =>
    test(`window: ${name}`, async () => deepEqual(await within(root(), body, rest), expected));

  inWorker('callbacks get the real arguments and this, and main a promise', () => {
    const log = [];
    return {
      log,
      each: (list, fn) => list.map(fn),
      method: object => object.run.call({ name: 'self' }, { deep: [1] }),
      isPromise: value => value instanceof Promise,
    };
  }, async ({ window, pause }) => {
    const seen = [];
    const promises = window.each([1, 2], (item, index) => seen.push([item, index]));
    const first = window.isPromise(promises[0]);
    const result = await window.method({ run(value) { return [this.name, value.deep[0]].join(); } });
    return [first, result, seen];
  }, [true, 'self,1', [[1, 0], [2, 1]]]);

  test('window: a callback that main awaits for the worker runs inside of its call', async () => {
    const root = {};
    const { Worker } = coincideWindow({ root, membrane: false });
    const w = new Worker(worker('window'));
    try {
      w.proxy.waits = async n => (await root.callback(n)) + 1;
      equal(await w.proxy.run(String(({ window, proxy }) => {
        let inner = 0;
        window.callback = n => {
          inner = n;
          return n * 2 + window.extra;
        };
        window.extra = 100;
        return proxy.waits(21) + inner;
      })), 164);
      const error = await w.proxy.run(String(({ window, proxy }) => {
        window.callback = async n => n;
        try {
          proxy.waits(1);
        } catch (error) {
          return error.code;
        }
      }));
      equal(error, 'Deadlock');
    } finally {
      w.terminate();
    }
  });

  inWorker('asynchronous callbacks of functions that do not wait for them run once the worker is free', () => ({
    Promise,
    withLock: async fn => fn('L'),
    each: (list, fn) => list.forEach(fn),
    list: [1, 2, 3],
    race: fn => Promise.race([fn(), new Promise(resolve => setTimeout(resolve, 1, 'timer'))]),
  }), async ({ window, pause }) => {
    const seen = [];
    const lock = await window.withLock(async name => {
      await pause(1);
      return `got ${name}`;
    });
    const made = await new window.Promise(async resolve => {
      await pause(1);
      resolve(1);
    });
    window.list.forEach(async item => {
      await null;
      seen.push(item);
    });
    window.each([4, 5], async item => {
      await pause(1);
      seen.push(item);
    });
    const raced = await window.race(() => new Promise(() => {}));
    while (seen.length < 5) await pause(1);
    return [lock, made, raced, seen.sort()];
  }, ['got L', 1, 'timer', [1, 2, 3, 4, 5]]);

  inWorker('a callback that throws rejects on main', () => ({ caught: null, call(fn) { return fn().catch(error => (this.caught = error)); } }), async ({ window }) => {
    await window.call(() => {
      throw new RangeError('mine');
    });
    return [window.caught.message, window.caught.constructor === window.RangeError, window.caught.name];
  }, ['mine', false, 'RangeError']);

  const target = () => {
    const root = new EventTarget();
    root.fire = (type, init) => {
      const event = new Event(type, init);
      root.last = event;
      return root.dispatchEvent(event);
    };
    return root;
  };

  inWorker('listeners are called with events, until they are removed', target, async ({ window, pause, until }) => {
    const heard = [];
    const listener = event => heard.push([event.type, event === window.last, event.target === window]);
    window.addEventListener('ping', listener);
    window.fire('ping');
    await until(() => heard.length > 0);
    window.removeEventListener('ping', listener);
    window.fire('ping');
    await pause(30);
    return heard;
  }, [['ping', true, true]]);

  inWorker('`invoke` of a listener runs during the dispatch', target, async ({ window, pause, until }) => {
    let heard = 0;
    const listener = event => (heard += event.defaultPrevented ? 1 : 100);
    const options = { invoke: 'preventDefault' };
    window.addEventListener('ping', listener, options);
    const went = [window.fire('ping', { cancelable: true })];
    await until(() => heard > 0);
    window.removeEventListener('ping', listener);
    went.push(window.fire('ping', { cancelable: true }));
    await pause(30);
    const wrong = ['remove', undefined].map(name => {
      try {
        window.addEventListener('ping', listener, { invoke: ['preventDefault', name] });
      } catch (error) {
        return error.constructor.name;
      }
    });
    // The type of the option includes undefined.
    window.addEventListener('ping', listener, { invoke: undefined });
    went.push(window.fire('ping', { cancelable: true }));
    await until(() => heard > 1);
    return [went, heard, options.invoke, wrong];
  }, [[false, true, true], 101, 'preventDefault', ['TypeError', 'TypeError']]);
};
