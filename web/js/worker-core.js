// Workers, for pages and for Node.js. `platform` holds what differs between them.
import { initSync, setMemory } from './coincide.js';
import { listenerOf } from './alarm/worker.js';
import { WorkerEnd } from './end/worker.js';
import { CoincideError, clause, entry, isError, located, ours, remote, site, siteInShort } from './errors.js';
import { onFailure } from './guard.js';
import { turn } from './loop.js';
import { promised } from './pending.js';
import { ALARM, BOOT, BROKEN, FAILED, PACKET, RING, bytesOf, detach, limitsOf, measured, optionsOf, packetsOf, prepare, proxyOf } from './proxy.js';
import { memory as wasmMemory } from './scratch.js';
import { roomFor } from './stack.js';
import { described } from './thrown.js';
import { transformed } from './transform.js';
import { inWords } from './values.js';

/** @param reflect creates proxies of main's objects, if it is given: see `reflect/worker.js` */
export const create = (platform, reflect) => {
  // Installed while the module is evaluated: main's first message may arrive right afterwards.
  let boot;
  const booted = new Promise(resolve => (boot = resolve));
  let end;
  /** Packets that arrived before `coincide()` created the link. */
  const early = [];
  let alarm;
  platform.onMessage(platform.self, data => {
    if (data === RING) {
      if (end) turn();
      return true;
    }
    const packet = data?.[PACKET];
    if (packet) {
      if (end) end.deliver(packet);
      else early.push(packet);
      return true;
    }
    if (data?.[ALARM]) {
      alarm.passed(data[ALARM]);
      return true;
    }
    const message = data?.[BOOT];
    if (!message) return false;
    if ('probe' in message) reaches(message.probe).then(reached => platform.self.postMessage({ [BOOT]: reached }));
    else {
      alarm = message.alarm && listenerOf(message.alarm);
      boot(message);
    }
    return true;
  });

  const post = (...message) => platform.self.postMessage(...message);

  let isReady = false;
  let hasFailed = false;
  /** Number of errors of which it is not known yet whether the program handles them. */
  let undecided = 0;
  const fails = (thrown, how) => {
    if (hasFailed) return;
    hasFailed = true;
    post({ [FAILED]: { ...how, thrown: described(thrown) } });
  };
  platform.onUncaught(async (thrown, isUnhandled) => {
    if (isReady || hasFailed) return;
    undecided++;
    const isFailure = await isUnhandled;
    undecided--;
    if (isFailure) fails(thrown);
  }, fails);
  platform.onClose(() => post({ [FAILED]: { said: 'it has closed itself with `close()`' } }));

  /** Whether requests from here reach the relay. `null` only asks for a reply, which shows that the worker runs. */
  const reaches = async probe => probe !== null && platform.reachesRelay(probe);

  let taken = false;
  return async given => {
    const here = site();
    const { memory, ...options } = checked(given, here);
    const { module, buffer, relay, promises, deadlockTimeout, reasons, window } = await booted;
    if (taken) throw located(new CoincideError('Twice', '`coincide()` was called twice in this worker, which has one link: share the result of the first call', ''), here);
    taken = true;
    // Nothing below awaits: a listener added after `await coincide()` misses no message.
    initSync({ module });
    wasmMemory.locate();
    const deadlock = options.deadlockTimeout ?? deadlockTimeout;
    onFailure(error => post({ [BROKEN]: error.message }));
    if (buffer) {
      const bell = Atomics.waitAsync ? undefined : { postMessage: () => post(RING) };
      end = WorkerEnd.shared(buffer, bell, deadlock, options.strict);
    } else {
      end = WorkerEnd.byMessages(packetsOf(post), relay, alarm, deadlock, options.strict);
      for (const packet of early.splice(0)) end.deliver(packet);
    }
    if (memory !== undefined) setMemory(memory);
    const sync = Boolean(buffer ?? relay);
    const awaits = options.promises || promises;
    const refuse = name => {
      throw new CoincideError('CannotBlock', cannotBlock(name, reasons), name);
    };
    const refuseWindow = () => {
      throw new CoincideError('CannotBlock', windowCannotBlock(reasons), 'window');
    };
    const reflected = reflect?.(end, { ...window, ...options }, sync ? undefined : refuseWindow);
    const touch = reflected?.touch ?? (() => {});

    const proxy = limits => {
      const { timeout, signal, promise } = limitsOf(limits);
      const blocking = name => {
        const { transform } = options;
        return (...args) => {
          const start = options.measure ? performance.now() : 0;
          try {
            roomFor(name);
            const [sent, moved] = prepare(args, options);
            signal?.throwIfAborted();
            touch();
            const result = end.call(name, sent, timeout);
            detach(moved);
            // An error that main's function returns is thrown, as in coincident.
            if (result instanceof Error) throw remote(result, name);
            return transform ? transform(result) : result;
          } catch (error) {
            throw located(error, site(), signal);
          } finally {
            if (options.measure) measured(name, start);
          }
        };
      };
      const awaiting = name => {
        const { transform } = options;
        return (...args) => {
          const start = options.measure ? performance.now() : 0;
          let here;
          const passes = value => {
            if (value instanceof Error) throw located(remote(value, name), here);
            return transform ? transform(value) : value;
          };
          const fails = error => {
            throw located(error, here, signal);
          };
          try {
            roomFor(name);
            here = siteInShort();
            const [sent, moved] = prepare(args, options);
            signal?.throwIfAborted();
            const called = promised(end, pending => end.callLater(name, sent, timeout, pending), name, { timeout, signal });
            detach(moved, called);
            const result = called.then(passes, fails);
            return options.measure ? result.finally(() => measured(name, start)) : result;
          } catch (error) {
            throw located(error, here ?? site(), signal);
          }
        };
      };
      const refusing = name => entry(() => refuse(name));
      const caller = promise || (!sync && awaits) ? awaiting : sync ? blocking : refusing;
      return proxyOf(caller, {
        set(name, value) {
          roomFor(name);
          const { transform } = options;
          end.register(name, transform && typeof value === 'function' ? transformed(value, transform) : value);
        },
        delete: name => end.unregister(name),
      });
    };

    // Main may call exports once the worker's own code has run to its end, or to its next pause.
    const ready = () => {
      if (hasFailed) return;
      end.ready();
      isReady = true;
    };
    const readyOnceDecided = () => (undecided > 0 ? setTimeout(readyOnceDecided, 0) : ready());
    if (options.ready !== 'manual') platform.afterStart(readyOnceDecided);

    return {
      proxy: proxy({}),
      within: entry(proxy),
      ready: entry(ready),
      fail(why) {
        hasFailed = true;
        // Main closes the link when it receives this.
        post({ [FAILED]: { said: inWords(why), thrown: isError(why) ? described(why) : undefined } });
      },
      native: Boolean(buffer),
      sync,
      transfer: options.transfer,
      direct: value => value,
      ...reflected?.scope,
      check() {
        try {
          roomFor('check');
          touch();
          end.check();
        } catch (error) {
          throw located(error, site());
        }
      },
      sleep: entry(given => {
        roomFor('sleep');
        const milliseconds = millisecondsOf(given);
        touch();
        end.sleep(milliseconds);
      }),
      notify: entry((name, ...args) => {
        roomFor(`${name}`);
        const [sent, moved] = prepare(args, options);
        end.notify(`${name}`, sent);
        detach(moved);
      }),
    };
  };
};

/** The options of a worker. */
const checked = (given, here) => {
  try {
    const options = optionsOf(given);
    if (options.memory !== undefined) bytesOf(options.memory);
    return options;
  } catch (error) {
    throw located(error, here);
  }
};

/** The argument of `sleep`, checked. */
const millisecondsOf = given => {
  if (typeof given === 'number' && given >= 0) return given;
  throw ours(new TypeError(`\`sleep\` takes a number of milliseconds, at least 0, not ${inWords(given)}`));
};

/** Message of `CannotBlock`: why, and what to use instead. */
const cannotBlock = (name, reasons) =>
  `\`${name}\` was not called, since this worker cannot block: ${reasons.map(clause).join('; ')}. ` +
  `Use \`await within({ promise: true }).${name}(...)\`, or pass \`promises: true\` to have all calls return promises; main can always await the worker`;

const windowCannotBlock = reasons =>
  `\`window\` cannot be used, since this worker cannot block: ${reasons.map(clause).join('; ')}. ` +
  'Register functions on main and call them with `await within({ promise: true }).name(...)`; main can always await the worker';
