// Proxies with functions of the other end as properties, and checks of options and limits.
import { entry, ours } from './errors.js';
import { shared } from './objects/marks.js';
import { canTransfer } from './posted/platform.js';
import { inWords } from './link/values.js';

export { BOOT, FAILED, HELLO, PANIC, RING, wakesWorkers } from './boot.js';

/**
 * A proxy for functions. Reading `proxy.name` returns a function that calls `name` at the other end. Setting it registers a function at this end.
 *
 * @param {(name: string) => Function} caller returns the function that calls `name`
 * @param {{ set(name: string, value: unknown): void, delete(name: string): void, has(name: string): boolean, words(): string, exports?(): string[] }} own registers
 * and removes functions of this end. `has` returns whether the other end has a function, as far as it is known. `words` describes the proxy. `exports` returns the
 * names of the other end's functions
 */
export const proxyOf = (caller, own) => {
  const callers = new Map();
  const target = Object.create(Object.create(null, { [INSPECT]: { value: () => `[${own.words()}]` } }));
  // Consoles of browsers show this property.
  if (own.exports) Object.defineProperty(target, Symbol('exports'), { configurable: true, enumerable: true, get: own.exports });
  return new Proxy(target, {
    get(target, key) {
      if (key === UNSENDABLE) return 'a proxy of functions of the other end';
      // `await` reads `then`. A proxy is not a promise.
      if (key === 'then') return undefined;
      if (key === INSPECT) return target[key];
      if (key === Symbol.toStringTag) return 'coincide';
      let call = callers.get(key);
      if (!call) {
        const name = nameOf(key);
        call = name === undefined ? uncallable(key) : caller(name);
        callers.set(key, call);
      }
      return call;
    },
    set: entry((target, key, value) => {
      const name = nameOf(key);
      if (key === 'then' || (name === undefined && typeof key === 'symbol')) return false;
      if (name === undefined || name.startsWith('coincide:'))
        throw ours(new TypeError(`\`${key}\` cannot be set: names that begin with \`coincide:\` or \`@@\` are reserved; choose another one`));
      own.set(name, value);
      target[key] = value;
      return true;
    }),
    deleteProperty(target, key) {
      if (Object.hasOwn(target, key)) own.delete(nameOf(key));
      return delete target[key];
    },
    has: (target, key) => Object.hasOwn(target, key) || own.has(nameOf(key)),
    // These operations have no meaning for the other end.
    defineProperty: () => false,
    preventExtensions: () => false,
  });
};

/** The name of a function on the wire. The name of a registered symbol begins with `@@`. Undefined for keys without a name. */
const nameOf = key => {
  if (typeof key !== 'symbol') return key.startsWith('@@') ? undefined : key;
  const name = Symbol.keyFor(key);
  return name === undefined || name.startsWith('coincide:') ? undefined : `@@${name}`;
};

/** The name of a function for the first argument of `notify`. */
export const textOf = given => (typeof given === 'symbol' ? nameOf(given) : undefined) ?? `${given}`;

const uncallable = key =>
  entry(() => {
    if (typeof key === 'symbol') throw ours(new DOMException(`${String(key)} names no function: a symbol has to be registered by \`Symbol.for\``, 'DataCloneError'));
    throw ours(new TypeError(`\`${key}\` names no function: names that begin with \`@@\` are those of symbols; use \`Symbol.for(${JSON.stringify(key.slice(2))})\``));
  });

/** Key of the method with which Node.js shows an object. */
const INSPECT = Symbol.for('nodejs.util.inspect.custom');

/** Splits the result of `transfer` off the arguments, and applies `transform` to the rest. Returns the arguments, the buffers to move, and the other objects to move. */
export const prepare = (args, { transfers, transform }) => {
  let buffers, objects;
  if (transfers && args.length > 0 && transfers.has(args[args.length - 1])) {
    const moved = args.pop();
    transfers.delete(moved);
    checkMoved(moved);
    buffers = moved.filter(isBuffer);
    if (buffers.length < moved.length) objects = moved.filter(object => !isBuffer(object));
  }
  if (transform) args = args.map(transform);
  return [args, buffers, objects];
};

/** Throws unless the items are distinct, and the platform can move them. */
const checkMoved = moved => {
  moved.forEach((object, at) => {
    const fault = isBuffer(object) || canTransfer(object) ? moved.indexOf(object) < at && 'is a duplicate' : 'is not transferable';
    if (fault) throw ours(new DOMException(`the objects of \`transfer\` cannot be moved: item ${at} ${fault}`, 'DataCloneError'));
  });
};

const isBuffer = value => {
  try {
    byteLength.call(value);
    return true;
  } catch {
    return false;
  }
};

const { get: byteLength } = Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, 'byteLength');

/** Detaches sent buffers. If that throws, marks `result` as handled, because the caller does not receive it. */
export const detach = (moved, result) => {
  if (!moved?.length) return;
  try {
    structuredClone(null, { transfer: moved });
  } catch (error) {
    result?.catch(() => {});
    throw error;
  }
};

/** Returns an option that is a number of bytes. Throws for other values. */
export const bytesOf = (bytes, option = 'memory') => {
  if (typeof bytes !== 'number' || !(bytes >= 0)) throw ours(new TypeError(`\`${option}\` has to be a number of bytes, at least 0, not ${inWords(bytes)}`));
  return bytes;
};

/** The checked options of an end with their defaults, and its function `transfer`. */
export const optionsOf = ({ transform, transfer = true, strict = false, measure = false, promises = false, ...rest } = {}) => {
  if (rest.ringSize !== undefined && bytesOf(rest.ringSize, 'ringSize') > MAX_RING)
    throw ours(new RangeError(`\`ringSize\` has to be ${MAX_RING} bytes at most, not ${rest.ringSize}: larger payloads are sent in parts`));
  if (rest.deadlockTimeout !== undefined) checkMilliseconds('deadlockTimeout', rest.deadlockTimeout);
  const transfers = transfer ? marked : null;
  return {
    ...rest,
    transform,
    strict: Boolean(strict),
    measure,
    promises,
    transfers,
    transfer: (...objects) => {
      transfers?.add(objects);
      return objects;
    },
  };
};

/** The name of the first given option that differs from before; undefined if none does. */
export const differing = (before, given) => Object.keys(given).find(key => given[key] !== undefined && !isSame(key, given[key], before));

const isSame = (key, value, before) => {
  if (key === 'transfer' || key === 'strict') return Boolean(value) === Boolean(key === 'transfer' ? before.transfers : before.strict);
  // An address is a string, a `URL` or a `TrustedScriptURL`.
  return Object.is(value, before[key]) || (key === 'serviceWorker' && String(value) === String(before[key]));
};

/** Results of `transfer`, of all copies of coincide in this thread. */
const marked = (shared.transfers ??= new WeakSet());

/** 1 GiB. */
const MAX_RING = 2 ** 30;

/** Shows a call in the performance panel. */
export const measured = (name, start) => performance.measure(`coincide: ${name}`, { start, end: performance.now() });

/** Throws unless the value of an option is a number from 0 to `Infinity`. */
const checkMilliseconds = (name, value) => {
  if (typeof value !== 'number' || Number.isNaN(value) || value < 0)
    throw ours(new RangeError(`\`${name}\` has to be a number of milliseconds, at least 0, not ${inWords(value)}`));
};

/** The checked limits of calls with their defaults: see `Limits` of `worker.d.ts`. */
export const limitsOf = ({ timeout = Infinity, signal, promise, rows = ROWS } = {}) => {
  checkMilliseconds('timeout', timeout);
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw ours(new TypeError('`signal` is not an AbortSignal: pass the `signal` of an AbortController'));
  if (!Number.isInteger(rows) || rows < 1) throw ours(new RangeError(`\`rows\` has to be a whole number of rows, at least 1, not ${inWords(rows)}`));
  return { timeout, signal, promise, rows };
};

/** Default of `rows`. */
const ROWS = 16;

/** Marks messages that carry frames, on tiers without shared memory. */
export const PACKET = 'coincide:packet:1';

/** Marks messages about posted objects: see `posted/objects.js`. */
export const OBJECTS = 'coincide:objects:1';

/** Marks messages about out-of-band signals: see `out-of-band/main.js`. */
export const OUT_OF_BAND = 'coincide:out-of-band:1';

/** The kind of a message; undefined for a message of the program, including one whose data throws when it is read. */
export const kindOf = (data, kinds) => {
  try {
    return kinds.find(kind => data?.[kind] !== undefined);
  } catch {
    return undefined;
  }
};

/** The function that sends packets with `post`. */
export const packetsOf = post => (packet, moved) => post({ [PACKET]: packet }, moved);

/** Marks the message of a worker in which coincide itself has failed. It holds the text of the error. */
export const BROKEN = 'coincide:broken:1';

/** Property of objects that cannot be sent. Its value names the object in the error of `values/encode.js`. */
export const UNSENDABLE = Symbol.for('coincide:unsendable');
