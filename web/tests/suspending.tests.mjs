// The tier `suspending`: a wasm module waits for main while the event loop of its worker runs.
import { skip } from './suite.mjs';

import { Suspended } from '../modules/suspending/index.js';

/** @param kit `own` are the options of main that give the tier */
export default (register, { coincide, coincideWindow, worker, own, assert, deepEqual, equal, rejects, throws }) => {
  const has = Boolean(globalThis.WebAssembly?.Suspending);
  const test = (name, body) => register(`suspending: ${name}`, () => (has ? body() : skip('this platform has no JSPI')));
  const start = more => new (coincideWindow({ ...own, ...more }).Worker)(worker('suspending'));
  const using = async (body, more) => {
    const w = start(more);
    try {
      return await body(w);
    } finally {
      w.terminate();
    }
  };
  const run = (w, body, ...args) => w.proxy.run(String(body), ...args);
  /** A function for main whose calls are answered by the test. */
  const held = () => {
    const calls = [];
    let arrived = () => {};
    const fn = value => new Promise((resolve, reject) => (calls.push({ value, resolve, reject }), arrived()));
    const until = async count => {
      while (calls.length < count) await new Promise(resolve => (arrived = resolve));
      return calls;
    };
    return { fn, calls, until };
  };

  test('a module calls functions of main, synchronous and asynchronous', () =>
    using(async w => {
      equal(w.tier, 'suspending');
      w.proxy.step = n => 10 * n;
      equal(await w.proxy.twice(2), 201);
      w.proxy.step = async n => n + 1;
      equal(await w.proxy.twice(2), 5);
      deepEqual(await run(w, ({ tier, sync, native }) => [tier, sync, native]), ['suspending', false, false]);
    }));

  test('an error of main is thrown into the module', () =>
    using(async w => {
      w.proxy.step = () => {
        throw new RangeError('no step');
      };
      const error = await rejects(() => w.proxy.twice(1), RangeError);
      equal(error.message, 'no step');
      w.proxy.step = n => n;
      equal(await w.proxy.twice(1), 2);
    }));

  test('exports that main calls during a suspension run in order, before the answer is delivered', () =>
    using(async w => {
      w.proxy.step = async n => {
        void w.proxy.note(`a${n}`);
        const late = w.proxy.noteLater(`b${n}`);
        await w.proxy.note(`c${n}`);
        await late;
        return n + 1;
      };
      equal(await w.proxy.twice(1), 4);
      deepEqual(await w.proxy.told(), ['a1', 'c1', 'b1', 'a2', 'c2', 'b2']);
    }));

  test('a suspended module is entered again, and each entry resumes with its own answer', () =>
    using(async w => {
      const { fn, until } = held();
      w.proxy.step = fn;
      const outer = w.proxy.twice(1);
      await until(1);
      const inner = w.proxy.twice(2);
      const calls = await until(2);
      deepEqual(calls.map(call => call.value), [1, 2]);
      // The older one first: settlements follow main's answers.
      calls[0].resolve(10);
      await until(3);
      equal(calls[2].value, 10);
      calls[2].resolve(11);
      equal(await outer, 12);
      calls[1].resolve(20);
      (await until(4))[3].resolve(21);
      equal(await inner, 22);
    }));

  test('under `enter`, an entry resumes after newer ones have ended, in any order of answers', () =>
    using(async w => {
      const { fn, until, calls } = held();
      w.proxy.step = fn;
      const ended = [];
      const start = async (n, more) => ended.push([n, await w.proxy.ordered(n, more)]);
      const all = [start(1)];
      await until(1);
      all.push(start(2));
      await until(2);
      all.push(start(3));
      await until(3);
      // Each is answered, the oldest first, and only the newest continues.
      for (const call of calls.splice(0)) call.resolve(10 * call.value);
      for (const value of [30, 20, 10]) {
        const [call] = await until(1);
        equal(call.value, value);
        await w.proxy.told();
        equal(calls.splice(0).length, 1);
        call.resolve(value + 1);
      }
      await Promise.all(all);
      deepEqual(ended, [[3, 32], [2, 22], [1, 12]]);
      // Entries that come with an answer wait until the module has continued.
      let later;
      w.proxy.step = () => {
        w.proxy.step = fn;
        queueMicrotask(() => (later = [4, 5, 6].map(n => w.proxy.ordered(n))));
        return 2;
      };
      const first = w.proxy.ordered(1);
      const rest = await until(4);
      deepEqual(rest.map(call => call.value), [2, 4, 5, 6]);
      w.proxy.step = n => n;
      for (const call of rest) call.resolve(7);
      deepEqual(await Promise.all([first, ...later]), [8, 8, 8, 8]);
    }));

  register('suspending: 1,000 entries end in reverse order, and each is woken at most once', async () => {
    const ENTRIES = 1000;
    const cancelled = new DOMException('', 'AbortError');
    const numbers = Array.from({ length: ENTRIES }, (_, index) => index);
    const ways = {
      'answers, the oldest first': requests => requests.forEach(({ settle }) => settle()),
      'answers, the newest first': requests => [...requests].reverse().forEach(({ settle }) => settle()),
      'interrupts': (requests, suspended) => requests.forEach(() => suspended.interrupt()),
      'cancellations, the oldest first': (requests, suspended, end) => numbers.forEach(end.aborted),
      'interrupts of the newer half, after answers to the older half': (requests, suspended) => {
        requests.slice(0, ENTRIES / 2).forEach(({ settle }) => settle());
        for (let count = 0; count < ENTRIES / 2; count++) suspended.interrupt();
      },
    };
    const Plain = Promise;
    for (const [way, act] of Object.entries(ways)) {
      const end = {};
      const suspended = new Suspended(end);
      const requests = [];
      const request = () => {
        let settle, abandon;
        const promise = new Plain((resolve, reject) => ([settle, abandon] = [resolve, reject]));
        const pending = { name: 'f', settle: () => (settle(), pending.stop()), abandon: error => (abandon(error), pending.stop()) };
        requests.push(pending);
        suspended.track(pending);
        return suspended.inOrder(promise);
      };
      const ended = [];
      let waits = 0;
      const entries = numbers.map(number => {
        end.serving = number;
        return suspended.enter(async () => request().catch(() => {}).then(() => ended.push(number)))();
      });
      globalThis.Promise = class extends Plain {
        static [Symbol.species] = Plain;
        constructor(body) {
          super(body);
          waits++;
        }
      };
      try {
        act(requests, suspended, end);
        await Plain.all(entries);
      } finally {
        globalThis.Promise = Plain;
      }
      deepEqual(ended, [...numbers].reverse(), way);
      assert(waits <= ENTRIES, `${way}: ${waits} waits`);
    }
  });

  register('suspending: cancellations and interrupts reach an entry in each state, once', async () => {
    const INTERRUPT = 1, CANCEL = 2;
    const nameOf = async action => {
      try {
        await action();
        return 'returns';
      } catch ({ code, name, function: fn, stack }) {
        // The errors of the other functions get the frames of the program in the functions of the scope.
        if (fn === 'enter') assert(!stack.includes('suspending/index.js'), stack);
        return typeof code === 'string' ? code : name;
      }
    };
    /** What an entry of main's call 10 observes: the outcome of what it waits for, and of two calls of `check`. `act` runs when the entry is in the state. */
    const observe = async (state, act) => {
      let signals = 0;
      const end = { running: new Map([[1, 10], [2, 20]]) };
      const suspended = new Suspended(end, { pollControl: id => (id === 10 ? [signals, (signals = 0)][0] : 0) });
      const request = () => {
        const pending = { name: 'f' };
        const promise = new Promise((resolve, reject) => {
          pending.settle = () => (resolve(), pending.stop());
          pending.abandon = error => (reject(error), pending.stop());
        });
        suspended.track(pending);
        return { settle: pending.settle, wait: () => suspended.inOrder(promise) };
      };
      const begin = (serial, body) => {
        end.serving = serial;
        const promise = suspended.enter(body)();
        end.serving = undefined;
        return promise;
      };
      const doing = () => act({ cancel: () => end.aborted(1), interrupt: () => suspended.interrupt(), signal: what => (signals = what) });
      let own, other, resume;
      const seen = [];
      const body = async () => {
        if (state === 'in a promise of the program') await new Promise(resolve => (resume = resolve));
        else if (state === 'asleep') seen.push(await nameOf(() => suspended.sleep(1e9)));
        else if (state !== 'waiting to begin') seen.push(await nameOf((own = request()).wait));
        if (state === 'computing') doing();
        for (let count = 0; count < 2; count++) seen.push(await nameOf(async () => suspended.check('check')));
      };
      const older = state === 'waiting to begin' && begin(2, () => (other = request()).wait());
      other?.settle();
      const entry = nameOf(() => begin(1, body));
      const newer = state === 'waiting for a newer entry' && begin(2, () => nameOf((other = request()).wait));
      if (state === 'waiting for a newer entry' || state === 'computing') own.settle();
      if (state !== 'computing') {
        await undefined;
        doing();
      }
      if (resume) {
        // An export that is not an entry must not receive what is for the entry.
        end.serving = 3;
        const found = nameOf(() => suspended.check('check'));
        end.serving = undefined;
        seen.push(`export ${await found}`);
        resume();
      }
      if (newer) {
        other.settle();
        seen.push(`newer ${await newer}`);
      }
      const result = await entry;
      await older;
      return [...seen, result].join(', ');
    };
    const cancel = ({ cancel }) => (cancel(), cancel());
    const states = {
      'waiting to begin': { cancel: 'AbortError', interrupt: 'returns, returns, returns' },
      'in a call': { cancel: 'AbortError, returns, returns, returns', interrupt: 'Interrupted, returns, returns, returns' },
      'asleep': { cancel: 'AbortError, returns, returns, returns', interrupt: 'Interrupted, returns, returns, returns' },
      'in a promise of the program': { cancel: 'export returns, AbortError, returns, returns', interrupt: 'export returns, returns, returns, returns' },
      'waiting for a newer entry': { cancel: 'newer returns, returns, AbortError, returns, returns', interrupt: 'newer Interrupted, returns, returns, returns, returns' },
    };
    for (const [state, expected] of Object.entries(states)) {
      const found = { cancel: await observe(state, cancel), interrupt: await observe(state, ({ interrupt }) => interrupt()) };
      deepEqual({ [state]: found }, { [state]: expected });
    }
    const computing = {
      'returns, AbortError, returns, returns': ({ signal }) => signal(CANCEL),
      'returns, Interrupted, returns, returns': ({ signal }) => signal(INTERRUPT),
      'returns, Interrupted, AbortError, returns': ({ signal }) => signal(INTERRUPT | CANCEL),
      'returns, returns, returns, returns': () => {},
    };
    for (const [expected, act] of Object.entries(computing)) equal(await observe('computing', act), expected);
    // The message about a cancellation arrives after `check` has thrown.
    equal(await observe('computing', ({ signal, cancel }) => (signal(CANCEL), queueMicrotask(cancel))), 'returns, AbortError, returns, returns');
  });

  test('calls that functions make before their first pause nest 64 deep, later ones deeper, and interrupts end them one by one', () =>
    using(async w => {
      const later = async action => (await undefined, action());
      const now = action => action();
      // Calls of both ends count. Each entry calls `step` twice; the second one returns at once.
      for (const [name, defers, expected] of [['twice', now, 'NotSent after 32'], ['ordered', now, 'NotSent after 32'], ['twice', later, 2], ['ordered', later, 2]]) {
        let calls = 0;
        w.proxy.step = n => (calls++ < 200 ? defers(() => w.proxy[name](n + 1)) : 1);
        equal(await w.proxy[name](0).catch(({ code }) => `${code} after ${calls}`), expected, name);
      }
      for (const depth of [1, 2, 30]) {
        let reached;
        const all = new Promise(resolve => (reached = resolve));
        const ends = [];
        let count = 0;
        w.proxy.step = n => (++count < depth ? w.proxy.ordered(n + 1).catch(error => (ends.push(error.code), new Promise(() => {}))) : (reached(), new Promise(() => {})));
        const outer = w.proxy.ordered(0).catch(error => ends.push(error.code));
        await all;
        await w.proxy.told();
        for (let left = depth; left > 0; left--) {
          w.interrupt();
          await w.proxy.told();
        }
        await outer;
        deepEqual(ends, Array(depth).fill('Interrupted'), `${depth}`);
      }
    }));

  test('an entry that fails, is interrupted or never suspends releases older ones', () =>
    using(async w => {
      const { fn, until, calls } = held();
      w.proxy.step = fn;
      const outer = w.proxy.ordered(1);
      const [first] = await until(1);
      const failing = w.proxy.ordered(2);
      const [, second] = await until(2);
      first.resolve(3);
      second.reject(new RangeError('no step'));
      await rejects(() => failing, RangeError);
      const [, , third] = await until(3);
      equal(third.value, 3);
      const interrupted = w.proxy.ordered(4);
      await until(4);
      third.resolve(5);
      await w.proxy.told();
      w.interrupt();
      equal((await rejects(() => interrupted)).code, 'Interrupted');
      equal(await outer, 6);
      equal(calls.length, 4);
    }));

  test('each call of main enters the module again, nested', () =>
    using(async w => {
      w.proxy.step = async n => (n > 3 ? n : w.proxy.twice(n + 1));
      equal(await w.proxy.twice(1), 8);
    }));

  test('a notification that main sends before its answer runs before the module resumes', () =>
    using(async w => {
      w.proxy.step = n => (w.notify('note', `before ${n}`), n);
      const found = await run(w, async ({ entering, proxy, log }) => {
        const seen = [];
        await entering(async n => {
          const result = await proxy.step(n);
          seen.push(...log.splice(0));
          return result;
        })(7);
        return seen;
      });
      deepEqual(found, ['before 7', 'before 7']);
    }));

  test('a timeout and a signal of the worker reject a call, and the module continues', () =>
    using(async w => {
      w.proxy.never = () => new Promise(() => {});
      const found = await run(w, async ({ entering, within, outcome }) => {
        const reasons = [];
        const abort = new AbortController();
        const ways = [() => within({ timeout: 1 }).never(), () => (setTimeout(() => abort.abort(), 1), within({ signal: abort.signal }).never())];
        const result = await entering(async n => {
          reasons.push((await outcome(ways.shift())).name);
          return n + 1;
        })(1);
        return [result, ...reasons];
      });
      deepEqual(found, [4, 'TimeoutError', 'AbortError']);
    }));

  test('an interrupt ends the newest call, operation or sleep for which the worker is suspended', () =>
    using(async w => {
      const { fn, until, calls } = held();
      w.proxy.step = fn;
      w.proxy.never = () => new Promise(() => {});
      const outer = w.proxy.twice(1);
      await until(1);
      for (const [what, name] of Object.entries({ 'proxy.never()': 'never', 'sleep(1e9)': 'sleep', 'sleep(Infinity)': 'sleep', 'ffi.settled(promise)': 'window' })) {
        const begun = new Promise(resolve => (w.proxy.begun = resolve));
        const inner = run(w, `async ({ proxy, sleep, ffi, window, notify, outcome }) => {
          const promise = await ffi.reflect.invoke(window, 'never', []);
          notify('begun');
          return outcome(() => ${what});
        }`);
        await begun;
        await w.proxy.told();
        w.interrupt();
        const { code, message } = await inner;
        deepEqual([code, message], ['Interrupted', `the call of \`${name}\` was interrupted`]);
      }
      // Nothing but the outer one is left, and it is ended by the next interrupt only.
      calls[0].resolve(2);
      await until(2);
      w.interrupt();
      equal((await rejects(() => outer)).code, 'Interrupted');
      // Neither calls with promises that the program awaits nor an idle worker are interrupted.
      const awaited = run(w, async ({ within, proxy }) => [await within({ promise: true }).step(5), await proxy.step(6)]);
      await until(3);
      w.interrupt();
      await w.proxy.told();
      calls[2].resolve('five');
      (await until(4))[3].resolve('six');
      deepEqual(await awaited, ['five', 'six']);
    }, { root: { never: () => new Promise(() => {}) }, membrane: false }));

  test('`check` of a computing module throws once per interrupt', () =>
    using(async w => {
      w.proxy.step = n => n;
      const ended = run(w, async ({ entering, check, notify, proxy }) => {
        let found;
        await entering(async n => {
          if (found) return proxy.step(n);
          notify('begun');
          for (;;) {
            try {
              check();
            } catch (error) {
              found = error.code;
              return n;
            }
          }
        })(1);
        return found;
      });
      await new Promise(resolve => (w.proxy.begun = resolve));
      w.interrupt();
      equal(await ended, 'Interrupted');
    }));

  test('`sleep` ends after its duration, and calls of main run during it', () =>
    using(async w => {
      const slept = run(w, async ({ entering, sleep }) => {
        const start = performance.now();
        await entering(async n => (await sleep(20), n))(1);
        return performance.now() - start;
      });
      equal(await run(w, () => 'during'), 'during');
      assert((await slept) >= 39, 'it was too short');
      for (const wrong of [-1, '1']) equal((await run(w, ({ sleep, outcome }, wrong) => outcome(() => sleep(wrong)), wrong)).name, 'TypeError');
    }));

  test('a call that main cancels rejects at once while its function is suspended, and the worker continues', () =>
    using(async w => {
      const { fn, until } = held();
      w.proxy.step = fn;
      const abort = new AbortController();
      const cancelled = w.within({ signal: abort.signal }).twice(1);
      const [first] = await until(1);
      abort.abort();
      equal((await rejects(() => cancelled)).name, 'AbortError');
      equal((await rejects(() => w.within({ timeout: 1 }).twice(5))).name, 'TimeoutError');
      deepEqual(await w.proxy.told(), []);
      // The module continues when its own call is answered.
      first.resolve(3);
      const calls = await until(3);
      assert(calls.some(call => call.value === 3), 'the module did not continue');
    }));

  test('a call that main cancels ends what its entry waits for, once', () =>
    using(async w => {
      w.proxy.never = () => new Promise(() => {});
      await run(w, ({ proxy, enter, entering, within, sleep, check, outcome, log, ffi }) => {
        const tell = async action => {
          const { name, message, value } = await outcome(action);
          log.push(name ? `${name}: ${message}` : value);
        };
        // The module calls its import twice.
        const inModule = (...bodies) => entering(async n => (await bodies.shift()?.(), n))(1);
        const ways = {
          call: () => proxy.never(),
          limited: () => within({ timeout: 1e6 }).never(),
          sleep: () => sleep(1e6),
          object: async () => ffi.settled(await ffi.evaluate(() => new Promise(() => {}))),
        };
        proxy.waits = enter(way => inModule(() => tell(ways[way]), () => tell(() => proxy.echo('again'))));
        proxy.held = enter(way => inModule(() => tell(() => proxy.echo('held')), async () => {
          await tell(way === 'check' ? check : () => sleep(0));
          await tell(check);
        }));
        proxy.newer = enter(() => inModule(() => proxy.open()));
      });
      const logged = async count => {
        const log = [];
        while (log.length < count) log.push(...(await w.proxy.told()));
        return log;
      };
      const reaches = async () => {
        for (let trips = 0; trips < 5; trips++) await w.proxy.told();
      };
      for (const limit of ['signal', 'timeout'])
        for (const [way, shown] of Object.entries({ call: 'never', limited: 'never', sleep: 'sleep', object: 'window' })) {
          w.proxy.echo = value => value;
          const abort = new AbortController();
          const cancelled = rejects(() => w.within(limit === 'signal' ? { signal: abort.signal } : { timeout: 50 }).waits(way));
          await reaches();
          abort.abort();
          equal((await cancelled).name, limit === 'signal' ? 'AbortError' : 'TimeoutError');
          deepEqual(await logged(2), [`AbortError: the call of \`${shown}\` was cancelled`, 'again'], `${limit}, ${way}`);
        }
      // Main has answered, and a newer entry holds the older one.
      for (const way of ['check', 'sleep']) {
        let open, newer;
        w.proxy.open = () => new Promise(resolve => (open = resolve));
        w.proxy.echo = value => ((newer = w.proxy.newer()), value);
        const abort = new AbortController();
        const cancelled = rejects(() => w.within({ signal: abort.signal }).held(way));
        while (!open) await w.proxy.told();
        abort.abort();
        await cancelled;
        await reaches();
        open();
        await newer;
        deepEqual(await logged(3), ['held', 'AbortError: main has cancelled the call that is running', undefined]);
      }
    }));

  test('`check` of a module that computes receives a cancellation, before and after it has resumed', () =>
    using(async w => {
      w.proxy.echo = value => value;
      await run(w, ({ proxy, enter, entering, check, notify, outcome, log }) => {
        const compute = async () => {
          notify('begun');
          const end = performance.now() + 20_000;
          const { name } = await outcome(() => {
            while (performance.now() < end) check();
          });
          log.push(name, (await outcome(check)).name);
        };
        proxy.computes = enter(resumes => {
          const bodies = [...(resumes ? [() => proxy.echo(1)] : []), compute, async () => log.push((await outcome(() => proxy.echo(2))).value)];
          return entering(async n => (await bodies.shift()?.(), n))(1).then(() => bodies.shift()?.());
        });
      });
      for (const resumes of [true, false])
        for (const limit of ['signal', 'timeout']) {
          const begun = new Promise(resolve => (w.proxy.begun = resolve));
          const abort = new AbortController();
          const cancelled = rejects(() => w.within(limit === 'signal' ? { signal: abort.signal } : { timeout: 200 }).computes(resumes));
          await begun;
          abort.abort();
          equal((await cancelled).name, limit === 'signal' ? 'AbortError' : 'TimeoutError');
          const log = [];
          while (log.length < 3) log.push(...(await w.proxy.told()));
          deepEqual([limit, resumes, ...log], [limit, resumes, 'AbortError', undefined, 2]);
        }
    }));

  test('a worker in Rust is refused on a tier without shared memory', async () => {
    if (!globalThis.document) return skip('a worker in Rust runs on pages only');
    const url = URL.createObjectURL(new Blob(["postMessage({ 'coincide:hello:1': { url: location.href, plain: true } })"], { type: 'text/javascript' }));
    for (const tier of ['suspending', 'messages']) {
      const { Worker } = coincide({ tier });
      const w = new Worker(url);
      const { code, message } = await rejects(() => w.ready);
      equal(code, 'NoTier');
      equal(message, `the worker is a program in Rust, which a main in JavaScript reaches in shared memory only, and it would have the tier ${tier}: the tier ${tier} was requested; leave out \`tier\` on a cross-origin isolated page, or write main in Rust`);
      equal((await rejects(() => w.proxy.f())).code, 'NoTier');
    }
    URL.revokeObjectURL(url);
  });

  test('`terminate` and `fail` reject pending calls at both ends', async () => {
    const { fn, until } = held();
    const w = start();
    w.proxy.step = fn;
    const pending = w.proxy.twice(1);
    const [call] = await until(1);
    w.terminate();
    equal((await rejects(() => pending)).code, 'Closed');
    call.resolve(1);

    for (const way of ['call', 'sleep', 'newer', 'computing'])
      for (const end of ['terminate', 'fail']) {
        const other = start();
        const { fn: step, until: untilOther } = held();
        other.proxy.step = step;
        other.proxy.never = () => new Promise(() => {});
        const begun = new Promise(resolve => (other.proxy.begun = resolve));
        await run(other, ({ proxy, enter, entering, sleep, fail, notify }) => {
          const ways = {
            call: () => proxy.never(),
            sleep: () => sleep(1e6),
            newer: () => proxy.step(2),
            computing() {
              for (const end = performance.now() + 1000; performance.now() < end; ) notify('begun');
              fail(new Error('broken'));
            },
          };
          const inModule = body => entering(async n => (await body(), n))(1);
          proxy.enters = enter(way => inModule(() => (notify('begun'), ways[way]())));
        });
        const ended = [other.proxy.enters(way)];
        await begun;
        if (way === 'newer') {
          const [older] = await untilOther(1);
          ended.push(other.proxy.enters('call'));
          older.resolve(3);
        }
        if (end === 'terminate') other.terminate();
        else if (way !== 'computing') other.proxy.run(String(({ fail }) => fail(new Error('broken')))).catch(() => {});
        for (const promise of ended) {
          const error = await rejects(() => promise);
          deepEqual([end, way, error.code, error.cause?.message], [end, way, 'Closed', end === 'fail' ? 'broken' : undefined]);
        }
        other.terminate();
      }
  });

  test('`enter` passes `this`, results and errors on, and refuses what is not a function', () =>
    using(async w => {
      const found = await run(w, async ({ enter, outcome }) => {
        const object = { value: 3, read: enter(async function (more) { return this.value + more; }) };
        const fails = enter(() => {
          throw new RangeError('at once');
        });
        const wrong = [undefined, 5, Promise.resolve()];
        return [await object.read(1), await enter(() => 7)(), (await outcome(fails)).name, ...(await Promise.all(wrong.map(async value => (await outcome(() => enter(value))).name)))];
      });
      deepEqual(found, [4, 7, 'RangeError', 'TypeError', 'TypeError', 'TypeError']);
    }));

  test('an assignment to a reference throws', () =>
    using(async w => {
      const found = await run(w, async ({ window, ffi, outcome }) => {
        // As strict code does.
        const assign = object => outcome(() => Object.assign(object, { title: 1 }));
        return [(await assign(window)).name, (await assign(await ffi.reflect.get(window, 'list'))).name, await ffi.reflect.has(window, 'title')];
      });
      deepEqual(found, ['TypeError', 'TypeError', false]);
    }, { root: { list: [] }, membrane: false }));

  test('callbacks, exposed objects and streams return promises', () =>
    using(async w => {
      const { callback, stream } = await import('../pkg/main.js');
      const found = await run(w, async ({}, add, numbers) => {
        const all = [];
        for await (const number of numbers) all.push(await add(number, 1));
        return all;
      }, callback((a, b) => a + b), stream([1, 2, 3]));
      deepEqual(found, [2, 3, 4]);
    }));

  test('operations on objects of main accept and return references', () => {
    class Point {
      constructor(x) {
        this.x = x;
      }
      plus(y) {
        return new Point(this.x + y);
      }
    }
    const root = {
      Point, list: [1, 'two', { three: 3 }], map: new Map([['a', 1]]), nested: { deep: { value: 5, 'a.b': 6 } }, bytes: new Uint8Array([1, 2]), nothing: null,
      later: async value => value, fails: async () => {
        throw new TypeError('it fails');
      }, call: (fn, ...args) => fn(...args), none: undefined, JSON,
    };
    return using(async w => {
      const found = await run(w, async ({ window, ffi, isWindowProxy, outcome, proxy }) => {
        const { reflect } = ffi;
        const { get } = reflect;
        const [Point, list, map, nested] = await reflect.getAll(window, ['Point', 'list', 'map', 'nested']);
        const point = await reflect.construct(Point, [4]);
        const sum = await reflect.invoke(point, 'plus', [5]);
        const called = [];
        await reflect.set(nested, 'given', { a: [1, { b: 2 }], point });
        const heard = await ffi.settled(await reflect.invoke(window, 'call', [async (a, b) => (called.push([a, isWindowProxy(b)]), 'heard'), 1, point]));
        const result = {
          kinds: [window.kind, Point.kind, list.kind, map.kind],
          known: [isWindowProxy(window), isWindowProxy({}), isWindowProxy(1), (await get(window, 'list')) === list, (await get(point, 'constructor')) === Point],
          sum: await get(sum, 'x'),
          values: await reflect.getAll(window, ['nothing', 'none', 'bytes']),
          has: [await reflect.has(window, 'none'), await reflect.has(window, 'other'), await reflect.deleteProperty(window, 'none'), await reflect.has(window, 'none')],
          keys: await reflect.ownKeys(list),
          descriptor: (await reflect.getOwnPropertyDescriptor(list, 'length')).writable,
          defined: [await reflect.defineProperty(nested, 'fixed', { value: 1 }), await reflect.set(nested, 'fixed', 2)],
          prototype: (await reflect.getPrototypeOf(point)) === (await get(Point, 'prototype')),
          applied: await reflect.apply(await get(list, 'join'), list, ['-']),
          query: [await ffi.query(window, 'nested.deep.value'), await ffi.query(window, 'nested.none.value'), ...(await ffi.gather(window, 'nested.deep["a.b"]', 'list[1]'))],
          assigned: (await ffi.assign(nested, { a: 1 }, { b: 2 })) === nested && (await reflect.getAll(nested, ['a', 'b'])),
          evaluated: await ffi.evaluate((a, b) => a.x + b, sum, 1),
          text: await reflect.invoke(await get(window, 'JSON'), 'stringify', [await get(nested, 'given')]),
          later: await ffi.settled(await reflect.invoke(window, 'later', ['late'])),
          fails: await outcome(async () => ffi.settled(await reflect.invoke(window, 'fails', []))),
          refused: [await outcome(() => get({}, 'a')), await outcome(() => proxy.step(point)), await outcome(() => reflect.invoke(window, 'none', []))].map(({ name }) => name),
          called, heard,
        };
        ffi.post(window, 'call', value => proxy.posted(value), 'posted');
        ffi.dispose(sum);
        result.disposed = (await outcome(() => get(sum, 'x'))).name;
        result.sizes = ffi.sizes();
        return result;
      });
      equal(found.fails.message, 'it fails');
      assert(found.sizes.trips > 20 && found.sizes.handles > 5, JSON.stringify(found.sizes));
      delete found.sizes;
      delete found.fails;
      deepEqual(found, {
        kinds: ['object', 'function', 'array', 'object'],
        known: [true, false, false, true, true],
        sum: 9,
        values: [null, undefined, new Uint8Array([1, 2])],
        has: [true, false, true, false],
        keys: ['0', '1', '2', 'length'],
        descriptor: true,
        defined: [true, false],
        prototype: true,
        applied: '1-two-[object Object]',
        query: [5, undefined, 6, 'two'],
        assigned: [1, 2],
        evaluated: 10,
        text: '{"a":[1,{"b":2}],"point":{"x":4}}',
        later: 'late',
        refused: ['TypeError', 'DataCloneError', 'TypeError'],
        called: [[1, true]],
        heard: 'heard',
        disposed: 'TypeError',
      });
    }, { root, membrane: false });
  });

  test('a worker that imports another entry rejects with code `Options`', async () => {
    const w = new (coincide(own).Worker)(worker('all'));
    const { code, message } = (await rejects(() => w.ready)).cause ?? {};
    equal(code, 'Options');
    assert(message.includes('coincide/suspending/worker'), message);
    w.terminate();
  });

  test('the same entry blocks where memory is shared', async () => {
    if (!coincide().native) return skip('the page is not isolated');
    const w = new (coincideWindow({ suspends: true }).Worker)(worker('suspending'));
    equal(w.tier, 'shared-memory');
    w.proxy.step = async n => n + 1;
    equal(await w.proxy.twice(1), 4);
    equal(await run(w, ({ window }) => typeof window.Array), 'function');
    w.terminate();
  });

  test('the tier is preferred to a service worker and to messages, and reasons name a browser without JSPI', async () => {
    const options = [{ suspends: true }, { suspends: true, serviceWorker: './sw.js' }];
    const { native } = coincide();
    for (const given of options) equal(coincide(given).diagnose().tier, native ? 'shared-memory' : 'suspending');
    const { tier, canBlock, reasons } = coincide({ tier: 'suspending' }).diagnose();
    deepEqual([tier, canBlock, reasons], ['suspending', false, ['the tier suspending was requested']]);
    const { Suspending } = WebAssembly;
    delete WebAssembly.Suspending;
    try {
      const { Worker } = coincide();
      const error = throws(() => new Worker('./none.js', { tier: 'suspending' }));
      assert(error.code === 'NoTier' && error.message.includes('this browser has no JSPI'), error.message);
      if (native) return;
      deepEqual(options.map(given => coincide(given).diagnose()).map(({ tier, reasons }) => [tier, reasons.some(reason => reason.includes('no JSPI'))]), [['messages', true], ['service-worker', true]]);
    } finally {
      Object.defineProperty(WebAssembly, 'Suspending', { value: Suspending, configurable: true, writable: true });
    }
  });
};
