// The proxies: functions of the other end as properties.
import { entry, ours } from './errors.js';

/**
 * A proxy whose properties call the other end. Reading `proxy.name` gives a function that calls `name` there; setting it
 * registers a function under that name here.
 *
 * @param {(name: string) => Function} caller makes the function that calls `name`
 * @param {{ set(name: string, value: unknown): void, delete(name: string): void }} own what is registered here
 */
export const proxyOf = (caller, own) => {
  const callers = new Map();
  return new Proxy(Object.create(null), {
    get(target, name) {
      if (name === UNSENDABLE) return 'a proxy of functions of the other end';
      // Promises look for it: a proxy is none.
      if (name === 'then') return undefined;
      if (typeof name === 'symbol') return symbolCaller(name);
      let call = callers.get(name);
      if (!call) callers.set(name, (call = caller(name)));
      return call;
    },
    set: entry((target, name, value) => {
      if (name === 'then' || typeof name === 'symbol') return false;
      if (name.startsWith('coincide:')) throw ours(new TypeError(`\`${name}\` cannot be set: names that begin with \`coincide:\` are reserved; choose another one`));
      own.set(name, value);
      target[name] = value;
      return true;
    }),
    deleteProperty(target, name) {
      if (name in target) own.delete(name);
      return delete target[name];
    },
  });
};

const symbolCaller = name =>
  entry(() => {
    throw ours(new DOMException(`functions are named by strings, and ${String(name)} is a symbol`, 'DataCloneError'));
  });

/** Splits what `transfer` marked off a list of arguments, and applies `transform` to the rest. */
export const prepare = (args, { transfers, transform }) => {
  let moved;
  if (transfers && args.length > 0 && transfers.has(args[args.length - 1])) {
    moved = args.pop();
    transfers.delete(moved);
  }
  if (transform) args = args.map(transform);
  return [args, moved];
};

/** Detaches what has been sent: the other end has it now. */
export const detach = moved => {
  if (moved?.length) structuredClone(null, { transfer: moved });
};

/** The option `memory`. */
export const bytesOf = memory => {
  if (typeof memory !== 'number' || !(memory >= 0)) throw ours(new TypeError(`the option \`memory\` is ${String(memory)}, and has to be a number of bytes`));
  return memory;
};

/** The options of both ends, with their defaults, and `transfer` for them. */
export const optionsOf = ({ transform, transfer = true, strict = false, measure = false, promises = false, ...rest } = {}) => {
  if (rest.deadlockTimeout !== undefined) checkMilliseconds('deadlockTimeout', rest.deadlockTimeout);
  const transfers = transfer ? new WeakSet() : null;
  return {
    ...rest,
    transform,
    strict,
    measure,
    promises,
    transfers,
    transfer: (...buffers) => {
      transfers?.add(buffers);
      return buffers;
    },
  };
};

/** Shows a call in the performance panel. */
export const measured = (name, start) => performance.measure(`coincide: ${name}`, { start, end: performance.now() });

/** Throws unless an option is a time: a number that is not negative, or `Infinity`. */
const checkMilliseconds = (name, value) => {
  if (typeof value !== 'number' || Number.isNaN(value) || value < 0)
    throw ours(new RangeError(`\`${name}\` is a number of milliseconds from 0 on, not ${String(value)}`));
};

/** How calls are limited: a deadline in milliseconds, an AbortSignal; and whether a worker's calls give promises instead of blocking. */
export const limitsOf = ({ timeout = Infinity, signal, promise } = {}) => {
  checkMilliseconds('timeout', timeout);
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw ours(new TypeError('`signal` is not an AbortSignal: pass `controller.signal` of an AbortController'));
  return { timeout, signal, promise };
};

/** Marks the first message of main to its worker. */
export const BOOT = 'coincide:boot:1';

/** Marks messages that carry frames, where memory isn't shared. */
export const PACKET = 'coincide:packet:1';

/** Marks what says that an alarm was raised; see `alarm.js`. */
export const ALARM = 'coincide:alarm:1';

/** Sends packets by the `post` of a worker, or of its own side. */
export const packetPort = post => ({ postMessage: (packet, moved) => post({ [PACKET]: packet }, moved) });

/** A message by which one end wakes the other, where that can't listen to shared memory. */
export const RING = 'coincide:ring:1';

/** Marks what a worker says when it has failed: `{ thrown }` as in `thrown.js`; with `said`, a text, it lives on; with `isEnding` it ends by itself. */
export const FAILED = 'coincide:failed:1';

/** Marks what a worker says when coincide itself has failed there: the message of the error. */
export const BROKEN = 'coincide:broken:1';

/** What has this property cannot be sent: its value says what it is. `walk.js` of the codec reads it. */
export const UNSENDABLE = Symbol.for('coincide:unsendable');

/** Marks what a worker in Rust says last, which nobody could answer for any more. */
export const PANIC = 'coincide:panic:1';
