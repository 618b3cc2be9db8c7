// Objects that structured clone copies and the value format lacks: they are posted beside the frames.
import { MainLasting, WorkerLasting } from '../modules/posted/lasting.js';
import { Posted } from '../modules/posted/objects.js';
import { OBJECTS } from '../modules/proxy.js';
import { MISSING } from '../modules/link/values.js';
import { until } from './link.kit.mjs';
import { skip } from './suite.mjs';
import { made, objects } from './workers/posted.js';

export default (register, { coincide, worker, tier, gc, assert, equal, deepEqual, rejects, throws }) => {
  const blocks = tier !== 'messages';
  const test = (name, body) => register(`${tier}: posted: ${name}`, body);
  const { Worker, transfer } = coincide({ tier, promises: !blocks });
  const start = async (Class = Worker) => {
    const w = new Class(worker('posted'));
    const kept = new Map();
    w.proxy.use = (name, value) => objects[name].use(value);
    w.proxy.give = async name => {
      const found = await made(name);
      kept.set(name, found);
      return found?.[0];
    };
    w.proxy.checks = (name, used) => {
      const [value, rest] = kept.get(name);
      return objects[name].check(value, used, rest);
    };
    w.proxy.echo = value => value;
    await w.ready;
    return w;
  };
  let link;
  const started = () => (link ??= start());
  const using = async (body, Class) => {
    const w = await start(Class);
    try {
      return await body(w);
    } finally {
      w.terminate();
    }
  };
  const hasMemory = typeof SharedArrayBuffer === 'function';
  const lacksMemory = 'this page has no shared memory';

  for (const [name, { moves, check, use }] of Object.entries(objects)) {
    test(`${name}: an argument of main`, async () => {
      const w = await started();
      const found = await made(name);
      if (!found) return skip(`this platform lacks ${name}`);
      const [value, rest] = found;
      const used = await (moves ? w.proxy.use(name, value, transfer(value)) : w.proxy.use(name, value));
      assert(await check(value, used, rest), String(used));
    });

    test(`${name}: an argument of the worker`, async () => {
      const w = await started();
      const { value, message } = await w.proxy.send(name);
      if (value === 'lacking') return skip(`this platform lacks ${name}`);
      equal(message, undefined);
      equal(value, true);
    });

    test(`${name}: a result for main`, async () => {
      const w = await started();
      const value = await w.proxy.give(name);
      if (value === undefined) return skip(`this platform lacks ${name}`);
      assert(await w.proxy.checks(name, await use(value)));
    });

    test(`${name}: a result that the worker awaits`, async () => {
      const w = await started();
      const { value, message } = await w.proxy.fetch(name);
      if (value === 'lacking') return skip(`this platform lacks ${name}`);
      equal(message, undefined);
      equal(value, true);
    });

    if (blocks && name !== 'a rectangle' && name !== 'a matrix')
      test(`${name}: a result for a worker that blocks is refused`, async () => {
        const w = await started();
        if (!(await made(name))) return skip(`this platform lacks ${name}`);
        const { code, name: kind, message } = await w.proxy.fetchBlocking(name);
        equal(kind, 'DataCloneError');
        equal(code, 25);
        assert(/result: an object of class \w+ is posted as a message, .*: call the function with `within\(\{ promise: true \}\)`/.test(message), message);
      });
  }

  test('an object with toJSON is that in the result of a call that blocks, unless it is strict', async () => {
    if (typeof DOMRect !== 'function' || !blocks) return skip('nothing blocks here');
    const w = await started();
    const { value } = await w.proxy.fetchBlocking('a rectangle');
    deepEqual([value.x, value.right, value.constructor], [1, 4, Object]);
    await using(
      async strict => assert((await strict.proxy.fetchBlocking('a rectangle')).message.includes('result: an object of class DOMRect is posted')),
      coincide({ tier, strict: true }).Worker,
    );
  });

  test('an object that occurs twice in a payload arrives once', async () => {
    const w = await started();
    const module = new WebAssembly.Module(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]));
    assert(await w.proxy.both(module, module));
    assert(await w.proxy.same({ a: module, b: [module] }));
    const { port1, port2 } = new MessageChannel();
    assert(await w.proxy.same({ a: port2, b: [port2] }, transfer(port2)));
    port1.close();
  });

  test('calls and notifications keep their order, with objects and without', async () => {
    const w = await started();
    const calls = [];
    for (let i = 0; i < 20; i++) {
      const { port1, port2 } = new MessageChannel();
      if (i % 2) calls.push(w.proxy.note(i));
      else if (i % 4) calls.push(w.proxy.note(i, port1, transfer(port1)));
      else w.notify('note', i, port2, port1, transfer(port1, port2));
    }
    await Promise.all(calls);
    const order = await w.proxy.order();
    deepEqual(order.map(([number]) => number), Array.from({ length: 20 }, (_, i) => i));
    deepEqual(order.slice(0, 3).map(([, ...kinds]) => kinds), [['MessagePort', 'MessagePort'], [], ['MessagePort']]);
  });

  test('calls and notifications of the worker keep their order, while it blocks in some', async () => {
    const w = await started();
    const found = [];
    w.proxy.note = (number, port) => {
      found.push([number, port instanceof MessagePort]);
      port?.close();
    };
    await w.proxy.sendsInOrder();
    await until(() => found.length === 30);
    deepEqual(found, Array.from({ length: 30 }, (_, i) => [i, i % 3 < 2]));
  });

  test('a port that is not transferred is refused with its path, and nothing is sent', async () => {
    const w = await started();
    const { port1, port2 } = new MessageChannel();
    const { name, message } = await rejects(() => w.proxy.note(1, { deep: [port1] }));
    equal(name, 'DataCloneError');
    assert(message.includes('args[1].deep[0]: an object of class MessagePort can be moved, but not copied: pass it to `transfer(...)`'), message);
    const { message: theirs } = await w.proxy.unlisted();
    assert(theirs.includes('args[0].deep[1]: an object of class MessagePort can be moved'), theirs);
    deepEqual(await w.proxy.order(), []);
    // The port was not moved.
    equal(await w.proxy.both(port1, port2, transfer(port1, port2)), false);
  });

  test('transfer accepts each movable object once', async () => {
    const w = await started();
    const { port1, port2 } = new MessageChannel();
    for (const [list, why] of [
      [[{}], 'item 0 is not transferable'],
      [[new ArrayBuffer(1), 1], 'item 1 is not transferable'],
      [[port1, port1], 'item 1 is a duplicate'],
      [[new Headers()], 'item 0 is not transferable'],
    ]) {
      const error = await rejects(async () => w.proxy.nothing(transfer(...list)));
      equal(error.name, 'DataCloneError');
      assert(error.message.includes(why), error.message);
    }
    // A listed object is moved even if no argument contains it, as by `postMessage`.
    await w.proxy.nothing(transfer(port1));
    const { name, message } = await rejects(async () => w.proxy.nothing([port1], transfer(port1)));
    equal(name, 'DataCloneError');
    assert(message.includes('args[0][0]: it cannot be posted: ') || message.includes('item 0 is not transferable'), message);
    // Buffers beside ports are moved as before.
    const { buffer } = new Uint8Array(3);
    assert(await w.proxy.same({ a: port2, b: [port2, buffer] }, transfer(port2, buffer)));
    equal(buffer.byteLength, 0);
  });

  test('objects that structured clone refuses are refused with their path', async () => {
    const w = await started();
    for (const value of [new Headers(), new Event('x'), Promise.resolve(), new WeakMap()])
      assert((await rejects(async () => w.proxy.nothing(value))).message.includes('args[0]: an object of class'), String(value));
  });

  test('calls before the link is open send their objects', async () => {
    const w = new Worker(worker('posted'));
    const { port1, port2 } = new MessageChannel();
    w.notify('note', 1, port1, transfer(port1));
    const call = w.proxy.both(port2, port2, transfer(port2));
    assert((await rejects(async () => w.proxy.nothing([port1]))).name === 'DataCloneError');
    assert(await call);
    deepEqual(await w.proxy.order(), [[1, 'MessagePort']]);
    w.terminate();
  });

  if (blocks) {
    test('a call with objects waits for the end of the call in which the worker is blocked, and others do not', async () =>
      using(async w => {
        const { port1 } = new MessageChannel();
        let call;
        w.proxy.ask = async () => {
          call = w.proxy.note(1, port1, transfer(port1));
          await w.proxy.note(2);
          return 'answered';
        };
        equal((await w.proxy.blocks('ask')).value, 'answered');
        await call;
        deepEqual(await w.proxy.order(), [[2], [1, 'MessagePort']]);
      }));

    test('a deadlock is an error if main awaits a call with objects in a call in which the worker is blocked', async () =>
      using(async w => {
        const { port1 } = new MessageChannel();
        w.proxy.ask = () => w.proxy.note(1, port1, transfer(port1));
        const { code, message } = await w.proxy.blocks('ask');
        equal(code, 'Deadlock');
        assert(message.includes('objects that are posted arrive only while the worker is not blocked'), message);
        deepEqual(await w.proxy.order(), []);
      }));

    test('a call with objects runs after a sleep', async () =>
      using(async w => {
        const sleeping = w.proxy.sleeps(100);
        const { port1 } = new MessageChannel();
        const call = w.proxy.note(1, port1, transfer(port1));
        await sleeping;
        await call;
        deepEqual(await w.proxy.order(), [[1, 'MessagePort']]);
      }));

    test('a call that is cancelled while it waits for objects never runs', async () =>
      using(async w => {
        const { port1 } = new MessageChannel();
        const controller = new AbortController();
        let call;
        w.proxy.ask = async () => {
          call = rejects(() => w.within({ signal: controller.signal }).note(1, port1, transfer(port1)));
          await w.proxy.note(2);
          controller.abort();
          equal((await call).name, 'AbortError');
        };
        const { message } = await w.proxy.blocks('ask');
        equal(message, undefined);
        deepEqual(await w.proxy.order(), [[2]]);
        assert(await w.proxy.both(1, 1));
      }));
  }

  test('terminate ends calls that wait for objects', async () => {
    const w = await start();
    const { port1 } = new MessageChannel();
    const call = rejects(() => w.proxy.note(1, port1, transfer(port1)));
    w.terminate();
    equal((await call).code, 'Closed');
  });

  test('shared memory that the worker has received is sent to it while it blocks', async () => {
    if (!hasMemory || !blocks) return skip(lacksMemory);
    await using(async w => {
      deepEqual(await w.proxy.returns(), { value: true });
      const memory = new SharedArrayBuffer(8);
      w.proxy.memory = () => memory;
      const { message } = await w.proxy.blocks('memory');
      assert(message.includes('result: an object of class SharedArrayBuffer is posted'), message);
      await w.proxy.remembers(memory);
      equal(await w.proxy.isRemembered(), true);
      // The memory keeps its identity, and is not posted again.
      assert(await w.proxy.both(memory, memory));
    });
  });

  if (tier !== 'shared-memory') return;
  /** The table of a link, without the link. */
  const table = () => {
    const sent = [];
    const end = { id: 0, pending: new Map(), closed: undefined };
    const posted = new Posted(end, (message, moved) => sent.push([message[OBJECTS], moved]), WorkerLasting);
    return { end, posted, sent };
  };

  test('the number of objects that no call refers to is bounded', () => {
    const { posted } = table();
    for (let i = 1; i < 100_000; i++) posted.receive({ objects: [i, {}] });
    equal(posted.size, 1 << 16);
    posted.receive({ drop: Array.from({ length: 100_000 }, (_, i) => i) });
    equal(posted.size, 0);
  });

  test('a million objects that are claimed, dropped or unwanted are released', () => {
    const { end, posted } = table();
    for (let i = 0; i < 1_000_000; i += 4) {
      posted.receive({ objects: [i, {}, i + 1, {}] });
      posted.incoming(0, i);
      posted.incoming(0, i);
      posted.claim(true);
      posted.receive({ drop: [i + 1, i + 2] });
      // The result of a call that has ended, and of one that ends before it is read.
      posted.receive({ objects: [i + 2, {}], call: 2 });
      end.pending.set(4, {});
      posted.receive({ objects: [i + 3, {}], call: 4 });
      end.pending.delete(4);
      posted.settled(4);
    }
    equal(posted.size, 0);
  });

  test('objects of unread payloads are released in either order of arrival', () => {
    const { end, posted, sent } = table();
    for (let i = 0; i < 300_000; i += 3) {
      posted.receive({ objects: [i, {}] });
      posted.skipped([i, i + 1, i + 2], false);
      posted.receive({ objects: [i + 1, {}] });
      // The result of a call that has ended.
      posted.receive({ objects: [i + 2, {}], call: 2 });
    }
    equal(posted.size, 0);
    // Numbers of objects that never arrive are forgotten. Those of other payloads are not.
    posted.skipped(Array.from({ length: 100_000 }, (_, i) => 1e6 + i), false);
    posted.receive({ objects: [1e6, {}, 1e6 + 99_999, {}, 2e6, {}] });
    equal(posted.size, 2);
    posted.skipped([7, 8], true);
    deepEqual(sent, [[{ drop: [7, 8] }, []]]);
    // Memory that lasts is kept: main refers to it by its number from now on.
    if (!hasMemory) return;
    posted.skipped([3e6], false);
    const memory = new SharedArrayBuffer(1);
    posted.receive({ objects: [3e6, memory] });
    equal(posted.incoming(0, 3e6), memory);
    equal(end.closed, undefined);
  });

  test('calls and results stop waiting for objects that do not arrive', () => {
    let expires;
    let timers = 0;
    const after = (milliseconds, callback) => {
      equal(milliseconds, 5000);
      timers++;
      expires = callback;
      return () => (expires = undefined);
    };
    let resumed = 0;
    const end = { id: 0, pending: new Map(), closed: undefined, resume: () => resumed++ };
    const posted = new Posted(end, () => {}, WorkerLasting, after);
    const results = [];
    const skipped = [];
    const waits = (call, payload) => {
      const pending = {
        name: 'f',
        ended: () => false,
        settle: (error, hasFailed) => {
          pending.isSettled = true;
          results.push([call, error.code, hasFailed, /has not arrived/.test(error.message)]);
        },
        values: { skip: (...args) => skipped.push(args[2]) },
      };
      posted.holdResult(call, pending, payload);
    };
    equal(posted.hold(), true);
    waits(2, 'a');
    waits(4, 'b');
    // One timer for all, which an arrival starts again.
    equal(timers, 1);
    posted.receive({ objects: [1, {}] });
    assert(expires, 'nothing waits any longer');
    equal(timers, 2);
    // The call is dispatched again, and still lacks its objects.
    equal(posted.hold(), true);
    equal(timers, 2);
    expires();
    deepEqual([results, skipped], [[[2, 'Result', true, true], [4, 'Result', true, true]], ['a', 'b']]);
    // It is dispatched for the last time. Later calls wait as long as it did.
    deepEqual([posted.hold(), posted.hold(), timers, resumed], [false, true, 3, 2]);
    posted.skipped([1], false);
    equal(posted.size, 0);
    posted.close('closed');
    equal(expires, undefined);
  });

  test('malformed messages are ignored', () => {
    const { posted } = table();
    for (const content of [undefined, null, 1, {}, { objects: 1 }, { objects: [1] }, { objects: null }, { drop: 1 }, { forget: 1 }, { forget: [7, 1] }, { confirmed: {} }, { objects: [1, {}], call: {} }])
      posted.receive(content);
    equal(posted.size, 0);
    // A small message may contain an array of any length.
    const long = [1, {}, 2, {}];
    long.length = 2 ** 32 - 1;
    for (const objects of [{ length: 4, 0: 1, 1: {}, 2: 2, 3: {} }, { length: 1e15 }, long]) posted.receive({ objects });
    equal(posted.size, 0);
    posted.receive({ drop: long });
    equal(throws(() => posted.incoming(0, 1)), MISSING);
    throws(() => posted.incoming(1, 1), TypeError);
  });

  test('a worker keeps shared memory until main has released it', () => {
    if (!hasMemory) return skip(lacksMemory);
    const { posted, sent } = table();
    const [own, theirs] = [new SharedArrayBuffer(1), new SharedArrayBuffer(1)];
    const number = posted.next();
    posted.post({ objects: [number, own], moved: [] }, []);
    posted.receive({ objects: [1, theirs] });
    deepEqual(sent.at(-1)[0], { confirmed: 1 });
    assert(posted.incoming(0, 1) === theirs && posted.incoming(0, 1) === theirs && posted.incoming(1, number) === own);
    posted.claim(true);
    posted.receive({ forget: [0, 1] });
    posted.receive({ forget: [1, number] });
    equal(throws(() => posted.incoming(0, 1)), MISSING);
    throws(() => posted.incoming(1, number), TypeError);
  });

  test('main notifies the worker of shared memory that was garbage-collected', async () => {
    if (!hasMemory || !gc) return skip('garbage cannot be collected on demand');
    const sent = [];
    const posted = new Posted({ id: 0, pending: new Map(), closed: undefined }, message => sent.push(message[OBJECTS].forget), MainLasting);
    (() => {
      posted.post({ objects: [posted.next(), new SharedArrayBuffer(1)], moved: [] }, []);
      posted.receive({ objects: [9, new SharedArrayBuffer(1)] });
      posted.receive({ drop: [9] });
    })();
    await until(() => (gc(), sent.length === 3));
    deepEqual(sent.slice(1).sort(), [[0, 1], [1, 9]]);
  });
};
