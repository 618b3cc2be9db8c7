// When main releases objects, and the worker functions, that the other end no longer reaches.
import { LocalTable } from '../modules/reflect/local-table.js';
import { RemoteTable } from '../modules/reflect/remote-table.js';
import { until } from './link.kit.mjs';
import { skip } from './suite.mjs';
import { windowKit } from './window.kit.mjs';

export default (test, kit) => {
  const { coincideWindow, worker, assert, equal, deepEqual, rejects } = kit;
  const { within } = windowKit(kit);

  test('window: `dispose` releases an object of main, and may be repeated', async () => {
    await within({ make: () => ({}) }, ({ window, ffi, outcome }) => {
      const object = window.make();
      ffi.dispose(object);
      ffi.dispose(object);
      window.make();
      return outcome(() => object.x).error;
    }, { more: async (w, error) => {
      equal(error, 'TypeError');
      assert(w.ffi.sizes().held === 2, JSON.stringify(w.ffi.sizes()));
    } });
  });

  test('window: main releases disposed objects, however many', async () => {
    await within({ make: () => ({}) }, ({ window, ffi }, count) => {
      const { make } = window;
      for (let i = 0; i < count; i++) ffi.dispose(make());
      return make() !== undefined;
    }, { args: [kit.tier === 'service-worker' ? 500 : 20_000], more: w => assert(w.ffi.sizes().held < 10, JSON.stringify(w.ffi.sizes())) });
  });

  /** Skips a test where garbage cannot be collected on demand. With a service worker these tests would take minutes. */
  const collecting = (name, body) =>
    kit.tier !== 'service-worker' && test(`window: ${name}`, () => (kit.gc ? body() : skip('garbage is not collected on demand here')));

  /** Waits until `done`, collecting garbage on main and in the worker. */
  const collected = async (w, done) => {
    for (let i = 0; i < 1000 && !done(); i++) {
      kit.gc();
      await w.proxy.run(String(({ pause }) => (gc(), pause(1))));
      await new Promise(resolve => setTimeout(resolve, 1));
    }
  };

  collecting('main releases 100,000 objects that the worker no longer reaches', async () => {
    const alive = new Set();
    const registry = new FinalizationRegistry(id => alive.delete(id));
    let made = 0;
    const make = () => {
      const object = {};
      if (made++ % 100 === 0) registry.register(object, made), alive.add(made);
      return object;
    };
    const many = new Proxy({}, { get: make });
    await within({ make, many }, async ({ window, ffi, pause }) => {
      globalThis.kept = window.make();
      const { many } = window;
      const paths = Array.from({ length: 1000 }, (_, i) => `k${i}`);
      // Handles live until the code that received them pauses.
      for (let i = 0; i < 100; i++) {
        ffi.gather(many, ...paths);
        if (i % 10 === 0) await pause(0);
      }
    }, { more: async w => {
      await collected(w, () => w.ffi.sizes().held <= 3 && alive.size <= 1);
      const { held } = w.ffi.sizes();
      assert(made > 100_000 && held <= 3 && alive.size <= 1, `of ${made}, ${held} are held; of 1000, ${alive.size} are alive`);
      equal(await w.proxy.run(String(({ ffi }) => ffi.sizes().handles <= 3)), true);
      equal(await w.proxy.run(String(() => typeof globalThis.kept.x)), 'undefined');
    } });
  });

  collecting('the worker releases functions that main no longer holds', async () => {
    const root = { kept: null, take: fn => void fn, hold(fn) { this.kept = fn; } };
    await within(root, async ({ window, pause }) => {
      for (let i = 0; i < 5000; i++) {
        window.take(() => i);
        if (i % 500 === 0) await pause(0);
      }
      window.hold(() => 42);
    }, { more: async w => {
      let held = Infinity;
      for (let i = 0; i < 1000 && held > 1; i++) {
        await collected(w, () => true);
        kit.gc();
        await new Promise(resolve => setTimeout(resolve, 5));
        held = await w.proxy.run(String(({ ffi }) => ffi.sizes().held));
      }
      equal(held, 1);
      equal(await root.kept(), 42);
    } });
  });

  collecting('functions that are collected and sent again are not lost', async () => {
    const root = { call: fn => fn() };
    const { Worker } = coincideWindow({ root, membrane: false });
    const w = new Worker(worker('window'));
    try {
      // Main releases its function after each call, and receives it again during the release.
      const timer = setInterval(kit.gc, 100);
      const answered = await w.proxy.run(String(async ({ window }) => {
        const fn = () => 7;
        let answered = 0;
        for (let i = 0; i < 200; i++) {
          if ((await window.call(fn)) === 7) answered++;
          if (i % 20 === 0) gc();
        }
        return answered;
      }));
      clearInterval(timer);
      equal(answered, 200);
    } finally {
      w.terminate();
    }
  });

  test('window: a reference that is sent again during its release is not lost', async () => {
    const root = { pass: null };
    const { Worker } = coincideWindow({ root, membrane: false });
    const w = new Worker(worker('window'));
    try {
      await w.proxy.run(String(({ window, ffi }) => {
        let turn = 0;
        window.pass = object => {
          const value = turn++ % 2 === 0 ? 'given back' : object.value;
          ffi.dispose(object);
          return value;
        };
      }));
      for (let i = 0; i < 100; i++) {
        const object = { value: i };
        // The second one is in flight when the first is released.
        deepEqual(await Promise.all([root.pass(object), root.pass(object)]), ['given back', i]);
      }
      equal(await w.proxy.run(String(() => 0)), 0);
      equal(w.ffi.sizes().held, 0);
    } finally {
      w.terminate();
    }
  });

  test('window: references are counted by arrivals, in both directions', () => {
    const held = new LocalTable();
    const handles = new RemoteTable(ids => held.release(ids));
    const object = {};
    const arrive = id => handles.receive(id, () => ({ id }));
    const first = arrive(held.send(object));
    equal(arrive(held.send(object)), first);
    const underway = held.send(object);
    handles.dispose(underway, first);
    equal(held.get(underway), object);
    const second = arrive(underway);
    assert(second !== first, 'a disposed handle came back');
    equal(held.send(object), underway);
    held.unsent([[0, 0, held.send(object)], [1, 2, underway]]);
    arrive(underway);
    handles.dispose(underway, second);
    equal(held.size, 0);
    assert(held.send(object) !== underway, 'an id was used again');
    for (let i = 0; i < 5000; i++) arrive(held.send(held));
    assert(held.size === 2 && handles.size === 1, `${held.size}, ${handles.size}`);
  });

  test('window: values beside one that cannot be sent are released, on either end', async () => {
    const detached = new ArrayBuffer(8);
    structuredClone(detached, { transfer: [detached] });
    const root = { object: {}, take: () => {} };
    const { Worker } = coincideWindow({ root, membrane: false });
    const w = new Worker(worker('window'));
    try {
      root.detached = w.ffi.direct({ detached });
      const before = w.ffi.sizes().held;
      const refused = await w.proxy.run(String(({ window, ffi, outcome }) => {
        const { take } = window;
        const buffer = new ArrayBuffer(8);
        structuredClone(buffer, { transfer: [buffer] });
        return [
          outcome(() => ffi.gather(window, 'object', 'detached')).error,
          outcome(() => take(() => 1, buffer)).error,
          outcome(() => ffi.post(window, 'take', () => 2, buffer)).error,
          ffi.sizes().held,
        ];
      }));
      deepEqual([refused.slice(1), w.ffi.sizes().held - before], [['DOMException', 'DOMException', 0], 1]);
      assert(refused[0], 'what cannot be sent was sent');
    } finally {
      w.terminate();
    }
  });

  test('window: references in payloads that are not read are released, each once', async () => {
    let controller;
    const root = {
      // The call of the worker that waits for this is cancelled before the answer.
      late() {
        controller?.abort('enough');
        return new URL('https://example.org/late');
      },
      big: 2n ** 40n,
      kept: { call: () => 'kept' },
      other: new URLSearchParams(),
    };
    const { Worker } = coincideWindow({ root, membrane: false });
    const w = new Worker(worker('window'));
    const run = (fn, ...args) => w.proxy.run(String(fn), ...args);
    try {
      const lateAnswer = ({ window }) => {
        // Requests metadata from now on.
        'missing' in window.other;
        return window.late().pathname;
      };
      for (let i = 0; i < 100; i++) {
        controller = new AbortController();
        equal(await rejects(() => w.within({ signal: controller.signal }).run(String(lateAnswer))), 'enough');
      }
      await until(() => w.ffi.sizes().held < 10);
      controller = undefined;
      // The worker does not know the class, which main has described in an answer that was not read.
      const found = await run(({ window }) => {
        'missing' in window.other;
        const late = window.late();
        return ['pathname' in late, late.pathname, late.constructor.name, Object.getPrototypeOf(late) === Object.getPrototypeOf(window.late())];
      });
      deepEqual(found, [true, '/late', 'URL', true]);
      // An answer that cannot be decoded. References before the fault are not released twice.
      for (let i = 0; i < 50; i++) root[`object${i}`] = { i };
      const before = w.ffi.sizes().held;
      const value = await run(({ window, ffi }) => {
        const { kept } = window;
        const { BigInt } = globalThis;
        globalThis.BigInt = () => {
          throw new Error('there are no bigints');
        };
        let refused = 0;
        try {
          for (let i = 0; i < 50; i++) {
            try {
              ffi.gather(window, ['kept'], ['big'], [`object${i}`]);
            } catch (error) {
              refused += /there are no bigints/.test(error.message);
            }
          }
        } finally {
          globalThis.BigInt = BigInt;
        }
        // Sends the releases that are queued.
        ffi.dispose(window.late());
        return [refused, kept.call()];
      });
      deepEqual(value, [50, 'kept']);
      await until(() => w.ffi.sizes().held < before + 10);
    } finally {
      w.terminate();
    }
  });

  test('window: functions in operations that main does not serve are released, each once', async () => {
    const { Worker } = kit.coincide({ tier: kit.tier });
    const w = new Worker(worker('window'));
    try {
      const found = await w.proxy.run(String(async ({ window, ffi, outcome, pause }) => {
        const errors = new Set();
        for (let i = 0; i < 50; i++) {
          errors.add(outcome(() => ffi.assign(window, { take: () => i })).error);
          ffi.post(window, 'take', () => i);
        }
        for (let attempts = 0; ffi.sizes().held > 0 && attempts < 1000; attempts++) await pause(1);
        return [[...errors], ffi.sizes().held];
      }));
      deepEqual(found, [['TypeError'], 0]);
    } finally {
      w.terminate();
    }
  });

  test('window: two workers that hold the same object do not free it under each other', async () => {
    const shared = { value: 1 };
    const { Worker } = coincideWindow({ root: { shared }, membrane: false });
    const [one, two] = [new Worker(worker('window')), new Worker(worker('window'))];
    try {
      const keep = String(({ window }) => ((globalThis.kept = window.shared), globalThis.kept.value));
      deepEqual(await Promise.all([one, two].map(w => w.proxy.run(keep))), [1, 1]);
      await one.proxy.run(String(({ ffi }) => ffi.dispose(globalThis.kept)));
      one.terminate();
      equal(one.ffi.sizes().held, 0);
      shared.value = 2;
      equal(await two.proxy.run(String(() => globalThis.kept.value)), 2);
    } finally {
      one.terminate();
      two.terminate();
    }
  });
};
