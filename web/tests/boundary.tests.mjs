// Calls into code of the program that throws; calls with almost no stack left; failures of coincide itself.
import { ends, turn } from '../modules/link/loop.js';
import { all as pendings, promised } from '../modules/link/pending.js';
import { results, surroundings } from './hostile.mjs';
import { until } from './link.kit.mjs';

export default (register, { coincide: made, inner, CoincideError, worker, doomed, gc, tier, assert, equal, deepEqual, rejects }) => {
  const blocks = tier !== 'messages';
  const test = (name, body) => register(`${tier}: boundary: ${name}`, body);
  const coincide = made({ tier, promises: !blocks });
  const { Worker, workers } = coincide;
  /** A worker of the modules, whose inner state tests can read. */
  const { Worker: InnerWorker } = inner({ tier, promises: !blocks });

  /** Runs a test with two workers: a failure of the first must not affect the second. */
  const using = async body => {
    const pair = [new Worker(worker('boundary')), new Worker(worker('boundary'))];
    try {
      await Promise.all(pair.map(w => w.ready));
      const result = await body(...pair);
      for (const w of pair) await works(w);
      return result;
    } finally {
      for (const w of pair) w.terminate();
    }
  };
  const works = async w => {
    w.proxy.twice = n => 2 * n;
    equal(await w.proxy.echo('still here'), 'still here');
    deepEqual(await w.proxy.call('twice', 21), { value: 42 });
  };
  const link = (name, body) => test(name, () => using(body));

  const judge = ({ returns, throws: text }, { value, message, threw }, name) => {
    if (text === undefined) {
      assert(!threw, `${name} threw ${message}`);
      return deepEqual(value, returns);
    }
    assert(threw, `${name} returned ${String(value)}`);
    assert(text instanceof RegExp ? text.test(message) : message.includes(text), `${name}: ${message}`);
  };
  const outcome = async action => {
    try {
      return { value: await action() };
    } catch (error) {
      let message = '';
      try {
        message = String(error?.message ?? error);
      } catch {}
      return { threw: true, message };
    }
  };

  link('a function of main that returns or throws a hostile value ends its own call only', async (w, other) => {
    for (const [name, variant] of Object.entries(results)) {
      w.proxy.hostile = variant.make;
      judge(variant, await w.proxy.call('hostile'), name);
      await works(w);
      await works(other);
    }
  });

  link('an export that returns or throws a hostile value ends its own call only', async (w, other) => {
    for (const [name, variant] of Object.entries(results)) {
      judge(variant, await outcome(() => w.proxy[name]()), name);
      await works(w);
      await works(other);
    }
  });

  link('platform functions that throw on main end their own call only', async (w, other) => {
    for (const [name, variant] of Object.entries(surroundings)) {
      w.proxy[name] = variant.make;
      judge(variant, await variant.install(() => w.proxy.call(name)), name);
      if (variant.throws !== undefined) assert((await variant.install(() => outcome(() => w.proxy.fails()))).threw, name);
      await works(w);
      await works(other);
    }
  });

  link('platform functions that throw in a worker end their own call only', async (w, other) => {
    w.proxy.fails = () => {
      throw new RangeError('of main');
    };
    for (const [name, variant] of Object.entries(surroundings)) {
      await w.proxy.install(name);
      judge(variant, await outcome(() => w.proxy[name]()), name);
      assert((await w.proxy.call('fails')).threw, name);
      await w.proxy.restore();
      await works(w);
      await works(other);
    }
  });

  const boom = () => {
    throw new Error('boom');
  };

  link('a signal whose properties throw ends its own call only', async (w, other) => {
    const define = (name, descriptor) => {
      const controller = new AbortController();
      Object.defineProperty(controller.signal, name, { configurable: true, ...descriptor });
      return controller;
    };
    equal(await w.within({ signal: define('addEventListener', { value: boom }).signal }).echo(1), 1);
    equal(await w.within({ signal: define('removeEventListener', { value: boom }).signal }).echo(1), 1);
    for (const [name, text] of [['reason', 'boom'], ['aborted', '']]) {
      const controller = define(name, { get: boom });
      const call = outcome(() => w.within({ signal: controller.signal }).never());
      controller.abort(new Error(text));
      const { threw, message } = await call;
      assert(threw && message.includes(text), `${name}: ${message}`);
    }
    const reason = results['a proxy whose traps throw'].make();
    for (const abort of [controller => controller.abort(reason), controller => setTimeout(() => controller.abort(reason), 10)]) {
      const controller = new AbortController();
      abort(controller);
      const found = await Promise.resolve().then(() => w.within({ signal: controller.signal }).never()).then(() => null, error => ({ error }));
      assert(found.error === reason, 'the call does not reject with the reason');
    }
    // The worker computes until the call is cancelled.
    const early = new AbortController();
    await outcome(() => w.within({ signal: early.signal }).computes({ get x() { return early.abort(); } }));
    equal(await w.proxy.echo(1), 1);
    const untrue = Object.create(AbortSignal.prototype, { throwIfAborted: { value() {} }, aborted: { value: false } });
    const before = unhandled();
    assert((await outcome(() => w.within({ signal: untrue, timeout: 1 }).echo(1))).threw);
    await new Promise(resolve => setTimeout(resolve, 600));
    equal(before(), 0);
    for (const signal of [Object.create(AbortSignal.prototype), new Proxy(new AbortController().signal, { get: boom }), new Proxy(new AbortController().signal, {})])
      await outcome(() => w.within({ signal }).echo(1));
    await works(w);
    await works(other);
  });

  link('a transfer of other values or of duplicates throws and makes no call', async w => {
    const calls = [];
    w.proxy.hears = (...args) => void calls.push(args);
    const buffer = new ArrayBuffer(8);
    for (const moved of [[5], [{}], [results['a proxy whose traps throw'].make()], [buffer, buffer]]) {
      const { threw, message } = await outcome(() => w.proxy.call('hears', coincide.transfer(...moved)));
      assert(threw && message.includes('`transfer`'), message);
      assert((await outcome(() => w.notify('call', 'hears', coincide.transfer(...moved)))).threw);
    }
    for (const name of await w.proxy.transfersBadly()) equal(name, 'DataCloneError');
    deepEqual(calls, []);
    equal(buffer.byteLength, 8);
  });

  test('`strict` of any type does not end the link', async () => {
    for (const options of [{ strict: Symbol('x') }, { strict: 1n }, { strict: { valueOf: boom } }]) {
      const w = new (made({ tier, promises: !blocks, ...options }).Worker)(worker('boundary'));
      equal(await w.proxy.echo(1), 1);
      w.terminate();
    }
  });

  link('sending a proxy of functions or a worker throws a DataCloneError', async w => {
    const refused = async (action, text) => {
      const error = await rejects(async () => action());
      equal(error.name, 'DataCloneError');
      assert(error.message.includes(text), error.message);
    };
    await refused(() => w.proxy.echo(w.proxy), 'args[0]: a proxy of functions of the other end cannot be sent');
    await refused(() => w.proxy.echo({ inner: [w.proxy] }), 'args[0].inner[0]: a proxy');
    await refused(() => w.proxy.echo(w), 'args[0]');
    await refused(() => w.proxy.echo(workers), 'args[0]: the workers of a page');
    await refused(() => w.proxy.echo(coincide), 'args[0]');
    for (const [name, value] of Object.entries({ proxy: w.proxy, worker: w, workers, coincide })) {
      w.proxy.gives = () => value;
      const { threw, name: kind, message } = await w.proxy.call('gives');
      assert(threw && kind === 'DataCloneError' && message.includes('cannot be sent'), `${name}: ${kind}: ${message}`);
    }
    w.proxy.echo = value => value;
    for (const what of ['proxy', 'within', 'scope']) {
      await refused(() => w.proxy.own(what), 'cannot be sent');
      const { threw, name: kind, message } = await w.proxy.sendsOwn(what);
      assert(threw && kind === 'DataCloneError' && message.includes('cannot be sent'), `${what}: ${kind}: ${message}`);
    }
  });

  /** Whether an error of this name is one that operations may throw near the end of the stack. */
  const isTooDeep = name => name === 'RangeError' || name === 'InternalError';

  const FRAMES = 12;
  link('each operation of a worker at the end of its stack throws, and the link works on', async (w, other) => {
    w.proxy.echo = value => value;
    w.proxy.nested = () => w.proxy.echo(1);
    w.proxy.fails = boom;
    w.proxy.noted = () => {};
    for (const kind of await w.proxy.kinds()) {
      let refused = 0;
      for (let frame = 0; frame < FRAMES; frame++) {
        const names = await w.proxy.dives(kind, frame * 3);
        for (const name of names) assert(isTooDeep(name), `${kind} threw ${name}`);
        refused += names.length;
      }
      assert(refused > 0, `${kind} was never too deep`);
      await works(w);
    }
    await works(other);
  });

  link('each operation of main at the end of its stack throws, and the links work on', async (w, other) => {
    const { within, notify } = { within: limits => w.within(limits), notify: (...args) => w.notify(...args) };
    const pending = [];
    const later = promise => pending.push(promise.catch(error => assert(isTooDeep(error?.name), String(error))));
    const deep = Array.from({ length: 100 }).reduce(inner => ({ inner }), 1);
    const kinds = {
      call: () => later(w.proxy.echo(1)),
      'call with values that are nested': () => later(w.proxy.echo(deep)),
      within: () => later(within({ timeout: 60_000, signal: new AbortController().signal }).echo(1)),
      notify: () => notify('echo', 'x'),
      register: () => (w.proxy.registered = () => 1),
      unregister: () => delete w.proxy.registered,
      interrupt: () => w.interrupt(),
    };
    for (const [kind, action] of Object.entries(kinds)) {
      let refused = 0;
      for (let frame = 0; frame < FRAMES; frame++) {
        const names = dive(action, frame * 3);
        for (const name of names) assert(isTooDeep(name) || (kind.includes('nested') && name === 'DataCloneError'), `${kind} threw ${name}`);
        refused += names.length;
        await Promise.all(pending.splice(0));
      }
      assert(refused > 0, `${kind} was never too deep`);
      await works(w);
    }
    await works(other);
  });

  link('terminate at the end of the stack either terminates a worker or changes nothing', async () => {
    const victim = new InnerWorker(worker('boundary'));
    await victim.ready;
    const pending = rejects(() => victim.proxy.never());
    for (const name of dive(() => victim.terminate(), 0)) assert(isTooDeep(name), name);
    victim.terminate();
    equal((await pending).code, 'Closed');
    assert(![...ends.values()].some(end => end.closed !== undefined), 'an end that is closed is kept');
  });

  link('time to process a stack of the other end is linear in its length', async w => {
    w.proxy.fails = async lines => {
      throw Object.assign(new Error('long'), { stack: '\n    at a (<anonymous>)'.repeat(lines) });
    };
    // The limit for a test is less than a square of this number takes.
    const lines = 50_000;
    equal((await rejects(() => w.proxy.failsAtLength(lines))).message, 'long');
    equal((await w.proxy.call('fails', lines)).message, 'long');
  });

  blocks && link('a getter that calls main recursively without end throws', async w => {
    w.proxy.echo = () => 1;
    assert((await w.proxy.nests()).threw);
  });

  link('a getter that calls itself without end throws the error of the engine', async w => {
    const endless = {
      get part() {
        return this.part;
      },
    };
    const thrown = await Promise.resolve()
      .then(() => w.proxy.echo(endless))
      .catch(error => error);
    assert(isTooDeep(thrown?.name), String(thrown));
    await works(w);
  });

  link('a call with too little stack names its function', async w => {
    const messages = [];
    dive(() => {
      try {
        w.proxy.echo(1).catch(() => {});
      } catch (error) {
        messages.push(error.message);
        throw error;
      }
    }, 0);
    assert(messages.length > 0, 'no call has failed');
    // In JavaScriptCore, optimized code may overflow the stack before the check. Errors have an own property `line` there.
    if (!Object.hasOwn(new Error(), 'line')) assert(messages.some(message => message.startsWith('`echo` was not called')), messages[0]);
    // At the very end of the stack there is not even enough for that error.
    for (const message of messages) assert(/`echo` was not called: too little of the stack is left|recursion|call stack/.test(message), message);
  });

  link('a failure of coincide in a worker rejects all pending promises of main at once', async w => {
    const broken = new Worker(worker('boundary'));
    await broken.ready;
    const pending = [() => broken.proxy.never(), () => broken.within({ timeout: 60_000 }).never(), () => broken.within({ signal: new AbortController().signal }).never()]
      .map(call => rejects(call, CoincideError));
    broken.proxy.corrupts().catch(() => {});
    for (const error of await Promise.all(pending)) equal(error.code, 'Failed');
    equal((await rejects(() => broken.proxy.echo(1), CoincideError)).code, 'Failed');
    await works(w);
  });

  link('a large call that is made while a result is read leaves both as they are', async w => {
    const large = 'x'.repeat(300_000);
    const result = { a: 1, b: 'y'.repeat(5000) };
    let nested;
    w.proxy.nests = () =>
      new Proxy(result, {
        ownKeys(target) {
          nested ??= w.proxy.echo(large);
          return Reflect.ownKeys(target);
        },
      });
    deepEqual(await w.proxy.call('nests'), { value: result });
    equal(await nested, large);
  });

  link('a call that is made by `console.warn` leaves the result as it is', async w => {
    // It warns once for each name.
    const name = `loses, ${tier}`;
    w.proxy[name] = () => ({ lost: () => {}, kept: 'kept' });
    const { warn } = console;
    const calls = [];
    console.warn = () => calls.push(w.proxy.echo(['a', 'longer', 'list']));
    try {
      deepEqual(await w.proxy.call(name), { value: { lost: undefined, kept: 'kept' } });
    } finally {
      console.warn = warn;
    }
    deepEqual(await Promise.all(calls), [['a', 'longer', 'list']]);
  });

  link('functions can be registered, and a worker terminated, right after the memory has grown', async () => {
    for (const act of [w => (w.proxy.late = () => {}), w => w.terminate()]) {
      const w = new Worker(worker('boundary'));
      equal((await w.proxy.makes(24 << 20)).length, 24 << 20);
      act(w);
      w.terminate();
    }
  });

  link('arguments and results that exceed the memory are refused with the reason', async w => {
    const { ArrayBuffer } = globalThis;
    const buffer = new ArrayBuffer(8, { maxByteLength: 16 });
    w.proxy.takes = () => 'taken';
    const during = call => {
      const called = call();
      globalThis.ArrayBuffer = new Proxy(ArrayBuffer, {
        construct(target, [length, options]) {
          if (options) throw new RangeError('Array buffer allocation failed');
          return new target(length);
        },
      });
      return called.finally(() => (globalThis.ArrayBuffer = ArrayBuffer));
    };
    const { message } = await during(() => w.proxy.call('takes', buffer));
    assert(message.includes('`takes` gave no result for lack of memory: its arguments cannot be read'), message);
    equal((await during(() => rejects(() => w.proxy.echo(buffer)))).code, 'OutOfMemory');
  });

  link('slow functions leave their turns to the page and to other workers', async (w, other) => {
    // 3,000 functions of 1 ms: on a busy machine, the other worker may not run for a while. The rest is fast when both have had their turn.
    const total = 3000;
    let handled = 0;
    let asked;
    let seen;
    let beat;
    const done = new Promise(resolve => {
      other.proxy.count = () => (seen ??= handled);
      w.proxy.slow = () => {
        if (seen === undefined || beat === undefined) for (const end = performance.now() + 1; performance.now() < end; );
        if (handled === 0) {
          asked = other.proxy.call('count');
          setTimeout(() => (beat = handled), 0);
        }
        if (++handled === total) resolve();
      };
    });
    await w.proxy.floods(total);
    await done;
    await asked;
    assert(seen < total, `the other worker waited for ${seen} functions`);
    assert(beat < total, `a timer waited for ${beat} functions`);
  });

  test('a signal that aborts while a request is pending cancels later requests', async () => {
    const controller = new AbortController();
    const cancelled = [];
    const starts = pending => {
      setTimeout(() => {
        controller.abort();
        pending.begin(9);
      }, 0);
      return 0;
    };
    const error = await rejects(() => promised({ cancel: number => cancelled.push(number) }, starts, 'f', { signal: controller.signal }));
    equal(error.name, 'AbortError');
    deepEqual(cancelled, [0, 9]);
  });

  test('a cancellation that fails is made again', async () => {
    const controller = new AbortController();
    let attempts = 0;
    const cancel = () => {
      if (++attempts < 3) throw new RangeError('the stack has ended');
    };
    const call = rejects(() => promised({ cancel }, () => 7, 'f', { signal: controller.signal }));
    controller.abort();
    equal((await call).name, 'AbortError');
    await until(() => attempts === 3);
  });

  test('a timeout ends a call even if wasm no longer works', async () => {
    const cancelled = [];
    const error = await rejects(() => promised({ cancel: number => cancelled.push(number) }, () => 7, 'f', { timeout: 10 }));
    equal(error.name, 'TimeoutError');
    deepEqual(cancelled, [7]);
  });

  test('functions of the platform that throw while a call is made do not end its link', async () => {
    const w = new InnerWorker(worker('boundary'));
    await w.ready;
    const descriptor = Object.getOwnPropertyDescriptor(Promise.prototype, 'then');
    Object.defineProperty(Promise.prototype, 'then', { ...descriptor, value: boom });
    try {
      for (let i = 0; i < 3; i++) w.notify('echo', i);
      turn();
    } finally {
      Object.defineProperty(Promise.prototype, 'then', descriptor);
    }
    await works(w);
    for (const key of ['get', 'set', 'value', 'length', 'signal', 'timeout', 'cause']) {
      Object.defineProperty(Object.prototype, key, { __proto__: null, value: boom, configurable: true, writable: true });
      let call;
      try {
        call = w.proxy.fails().catch(error => error.message);
      } finally {
        delete Object.prototype[key];
      }
      equal(await call, 'of the worker');
    }
    w.terminate();
  });

  test('terminate releases all tables and buffers of a worker', async () => {
    const before = ends.size;
    const timers = () => (globalThis.process ? process.getActiveResourcesInfo().filter(name => name === 'Timeout').length : 0);
    const timersBefore = timers();
    const refs = [];
    for (let i = 0; i < 3; i++) {
      const w = new InnerWorker(worker('boundary'), { name: `gone ${i}` });
      refs.push(new WeakRef(w));
      await w.ready;
      w.proxy.holds = () => w;
      const calls = [w.proxy.never(), w.within({ timeout: 600_000 }).never(), w.within({ signal: new AbortController().signal }).never()];
      const errors = Promise.all(calls.map(call => rejects(() => call)));
      await w.proxy.echo(1);
      await w.terminate();
      for (const { code } of await errors) equal(code, 'Closed');
    }
    // Timers of earlier tests may expire in between.
    await until(() => ends.size <= before && pendings.size === 0 && timers() <= timersBefore);
    if (gc) await until(() => (gc(), refs.every(ref => !ref.deref())));
  });

  if (tier === 'shared-memory')
    for (const way of ['call', 'event'])
      test(`a failure of coincide on main, detected by the next ${way}, rejects all pending promises and ends the workers`, async () => {
        const found = await doomed(way);
        deepEqual(found.pending, found.pending.map(() => 'CoincideError Failed'));
        equal(found.pending.length, 6);
        deepEqual(found.later, ['CoincideError Failed', 'CoincideError Failed']);
        assert(found.agree, 'an error gives another reason');
        assert(found.message.startsWith('coincide itself has failed in this thread'), found.message);
        equal(found.beats, 0);
      });
};

/** Counts unhandled rejections until the returned function is called, which returns the count. */
const unhandled = () => {
  let count = 0;
  const listener = () => count++;
  const { process } = globalThis;
  if (process) process.on('unhandledRejection', listener);
  else addEventListener('unhandledrejection', listener);
  return () => {
    if (process) process.off('unhandledRejection', listener);
    else removeEventListener('unhandledrejection', listener);
    return count;
  };
};

/** Calls `action` at each of the last frames of the stack. Returns the names of the errors that it threw. */
export const dive = (action, width) => {
  const rest = new Array(width).fill(0);
  const names = [];
  let deepest = 0;
  const descend = (depth, from, ...rest) => {
    deepest = depth;
    if (depth >= from) {
      try {
        action();
      } catch (error) {
        names.push(error?.name);
      }
    }
    return descend(depth + 1, from, ...rest) + 1;
  };
  const run = from => {
    try {
      descend(0, from, ...rest);
    } catch {
      // The end of the stack.
    }
  };
  run(Infinity);
  // Optimization changes the size of frames.
  for (let from = deepest - LAST; names.length === 0 && from > 0; from -= LAST) run(from);
  return names;
};

/** Frames take about 100 to 400 bytes. */
const LAST = 400;
