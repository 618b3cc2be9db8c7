// The function `coincide` of workers, for pages and for Node.js. `platform` has the differences.
import { setMemory } from '../coincide.js';
import { CoincideError, clause, entry, hasAsyncFrames, isCoincide, isError, located, ours, remote, site } from '../errors.js';
import { limited, namedOf } from '../objects/remote.js';
import { withLimits } from '../objects/streams.js';
import { promised } from '../link/pending.js';
import { bytesOf, detach, limitsOf, measured, optionsOf, prepare, proxyOf, textOf } from '../proxy.js';
import { roomFor } from '../link/stack.js';
import { others, threadOf } from './thread.js';
import { described } from '../thrown.js';
import { transformed } from '../transform.js';
import { inWords } from '../link/values.js';

/**
 * @param reflect creates proxies of main's objects: see `reflect/worker.js`. Undefined in entries without `window`
 * @param kind `plain`, `window` or `suspending`: the members of the scope. Another copy of coincide in this worker may share the scope
 * @param suspending creates the `Suspended` of `suspending/index.js`; undefined in other entries
 */
export const create = (platform, reflect, kind = reflect ? 'window' : 'plain', suspending) => {
  const misplaced = platform.whyMisplaced();
  if (misplaced) return refusing(() => new CoincideError('Misplaced', `\`coincide()\` of \`coincide/worker\` has no main here: ${misplaced}`, ''));
  const thread = threadOf(platform);
  if (!thread) {
    const { plain, window, suspending } = others();
    const richest = window ?? suspending;
    return { plain: plain ?? richest, window: richest, suspending }[kind] ?? refusing(() => new CoincideError('Copies', lacking(kind), ''));
  }

  thread.suspending ??= suspending;
  /** The result of the first call. */
  let result;

  const open = async given => {
    const here = hasAsyncFrames ? undefined : site();
    let boot;
    try {
      const options = optionsOf(given);
      if (options.memory !== undefined) bytesOf(options.memory);
      thread.want(options, given);
      boot = await thread.booted;
      // The code below must not await, so that a listener added after `await coincide()` misses no message.
      thread.scope ??= scopeOf(thread, platform, boot);
      result ??= reflect ? windowed(reflect, thread.scope, boot) : thread.scope.plain;
    } catch (error) {
      const { code, message } = error;
      throw located(boot || isCoincide(error) || !code ? error : new CoincideError(code, message, ''), here ?? site());
    }
    platform.deliver();
    return result;
  };
  thread.entries[kind] = open;
  return open;
};

/** Throws an error that main's function has returned, as coincident does. */
const throwReturned = (result, name, here) => {
  if (!(result instanceof Error)) return;
  const error = remote(result, name);
  throw here ? located(error, here) : error;
};

/** A function `coincide` that rejects. */
const refusing = error => async () => {
  throw located(error(), site());
};

/** Why a copy cannot use the scope of the first one. */
const lacking = kind =>
  `this worker has loaded two copies of coincide, and the first one has no \`${kind === 'window' ? kind : 'enter'}\`: have all of its scripts import the same \`coincide/${kind}/worker\``;

/** The scope with the members for `window`. */
const windowed = (reflect, shared, { reasons, window }) => {
  const { plain, end, options, suspended } = shared;
  if (suspended) return { ...plain, ...suspended.reflect(end, options) };
  const refuse = () => {
    throw new CoincideError('CannotBlock', windowCannotBlock(reasons), 'window');
  };
  const { scope, touch } = reflect(end, { ...window, ...options }, plain.sync ? undefined : refuse);
  if (touch) shared.touch(touch);
  return { ...plain, ...scope };
};

/** Creates the worker's end of the link, and the scope. */
const scopeOf = (thread, platform, boot) => {
  const { options } = thread;
  const { tier, buffer, relay, promises, reasons } = boot;
  const suspends = tier === 'suspending';
  if (suspends && !thread.suspending) throw new CoincideError('Options', NOT_SUSPENDING, '');
  const end = thread.link(boot);
  if (options.memory !== undefined) setMemory(options.memory);
  const sync = Boolean(buffer ?? relay);
  const awaits = options.promises || promises || suspends;
  const suspended = suspends ? thread.suspending(end, thread.outOfBand) : undefined;
  const refuse = (name, isReceived) => {
    throw new CoincideError('CannotBlock', cannotBlock(name, reasons, isReceived), name);
  };
  /** Called before main's objects may change, to invalidate metadata. */
  let touch = () => {};

  /** Returns a function of limits that returns the caller for them: see `objects/caller.js`. */
  const callersOf = options => function within(given) {
    const limits = limitsOf(given);
    const { timeout, signal, promise, rows } = limits;
    const waits = promise ? undefined : suspended;
    const isLimited = given && Object.keys(given).length > 0;
    const passed = (value, transform) => {
      const result = transform ? transform(value) : value;
      return isLimited ? withLimits(given, result) : result;
    };
    const blocking = (name, args, shown, pack) => {
      const { transform } = options;
      const start = options.measure ? performance.now() : 0;
      try {
        const [sent, buffers, moved] = prepare(args, options);
        signal?.throwIfAborted();
        touch();
        const result = end.call(name, pack ? pack(sent) : sent, timeout, shown, signal, moved);
        detach(buffers);
        if (!pack) throwReturned(result, shown);
        return passed(result, transform);
      } finally {
        if (options.measure) measured(shown, start);
      }
    };
    const awaiting = (name, args, shown, pack, here) => {
      const { transform } = options;
      const start = options.measure ? performance.now() : 0;
      const passes = value => {
        if (!pack) throwReturned(value, shown, here);
        return passed(value, transform);
      };
      const fails = error => {
        throw located(error, here, signal);
      };
      const [sent, buffers, moved] = prepare(args, options);
      signal?.throwIfAborted();
      const packed = pack ? pack(sent) : sent;
      const called = promised(end, pending => (waits?.track(pending), end.callLater(name, packed, timeout, pending, moved)), shown, limits);
      platform.reconsider();
      detach(buffers, called);
      const settled = called.then(passes, fails);
      const result = waits ? waits.inOrder(settled) : settled;
      return options.measure ? result.finally(() => measured(shown, start)) : result;
    };
    const refused = (name, args, shown) => refuse(shown, name !== shown);
    const blocks = !promise && (sync || !awaits);
    return { blocks, signal, rows, within, call: blocks ? (sync ? blocking : refused) : awaiting };
  };
  const callerOf = callersOf(options);
  Object.assign(end.objects, { callerOf, untransformed: callersOf({ ...options, transform: undefined }), transform: options.transform });
  for (const name of boot.exposed ?? []) end.objects.names.add(name);

  const proxy = limits => {
    const caller = callerOf(limits);
    return proxyOf(name => namedOf(caller, name, () => end.objects.names.has(name)), {
      set(name, value) {
        roomFor(name);
        const { transform } = options;
        end.register(name, transform && typeof value === 'function' ? transformed(value, transform) : value, value);
        platform.reconsider();
      },
      has: name => end.objects.names.has(name),
      words: () => 'proxy of main',
      delete(name) {
        end.unregister(name);
        platform.reconsider();
      },
    });
  };

  // Main may call exports when the worker's own code has run to its end, or to its next pause.
  const ready = () => {
    if (thread.hasFailed) return;
    end.ready();
    thread.isReady = true;
  };
  const readyOnceDecided = () => (thread.undecided > 0 ? setTimeout(readyOnceDecided, 0) : ready());
  if (options.ready !== 'manual') platform.afterStart(readyOnceDecided);

  const plain = {
    proxy: proxy({}),
    within: entry((limits, ...received) => (received.length > 0 ? limited(limits, received[0]) : proxy(limits))),
    handles: () => end.objects.sizes,
    ready: entry(ready),
    fail(why) {
      thread.fail({ said: inWords(why), thrown: isError(why) ? described(why) : undefined });
    },
    tier,
    ...(thread.suspending && { enter: suspended ? fn => suspended.enter(fn) : fn => fn }),
    native: Boolean(buffer),
    sync,
    transfer: options.transfer,
    direct: value => value,
    check() {
      try {
        roomFor('check');
        touch();
        suspended?.check('check');
        end.check();
      } catch (error) {
        suspended?.stopped(error);
        throw located(error, site());
      }
    },
    sleep(given, limits) {
      let signal;
      try {
        roomFor('sleep');
        const milliseconds = millisecondsOf(given);
        ({ signal } = limitsOf(limits));
        signal?.throwIfAborted();
        touch();
        if (suspended) return suspended.sleep(milliseconds, signal, site());
        end.sleep(milliseconds, signal);
      } catch (error) {
        throw located(error, site(), signal);
      }
    },
    notify: entry((name, ...args) => {
      const fn = textOf(name);
      roomFor(fn);
      const [sent, buffers, moved] = prepare(args, options);
      end.notify(fn, sent, undefined, undefined, moved);
      detach(buffers);
    }),
  };
  return { plain, end, options, suspended, touch: hook => (touch = hook) };
};

/** Returns the argument of `sleep`. Throws if it is not a number of milliseconds. */
const millisecondsOf = given => {
  if (typeof given === 'number' && given >= 0) return given;
  throw ours(new TypeError(`\`sleep\` takes a number of milliseconds, at least 0, not ${inWords(given)}`));
};

const NOT_SUSPENDING =
  'this worker has the tier suspending: import `coincide/suspending/worker` in it';

/** The message of `CannotBlock`: why, and what to use instead. */
const cannotBlock = (name, reasons, isReceived) =>
  `\`${name}\` was not called, since this worker cannot block: ${reasons.map(clause).join('; ')}. ` +
  `Use \`await within({ promise: true }${isReceived ? ', callback)' : `).${name}`}(...)\`, or pass \`promises: true\` to have all calls return promises; main can always await the worker`;

const windowCannotBlock = reasons =>
  `\`window\` cannot be used, since this worker cannot block: ${reasons.map(clause).join('; ')}. ` +
  'Register functions on main and call them with `await within({ promise: true }).name(...)`; main can always await the worker';
