// Main's side of `window`: carries out the worker's operations on objects of main. The npm package and pages in Rust use it.
import { Callbacks } from './callbacks.js';
import { functionOf } from './evaluate.js';
import { Adapters } from './listeners.js';
import { LocalTable } from './local-table.js';
import { DESCRIPTOR, Membrane, VALUE, VALUES } from './membrane.js';
import { Metadata } from './metadata.js';
import * as ops from './operations.js';
import { Reference, isShared, sent } from './sent.js';
import { walk } from './walk.js';

/**
 * Lets the worker at the other end of a link operate on `root`, and on objects that it reaches from there.
 *
 * @param host the link, and functions that call code of the program:
 * - `reflect(references, serve, later, released)` receives the references of the codec, the function that carries out an operation, the function for operations
 *   without an answer, and the function for ids of references that the worker has released
 * - `invoke(args)` calls the worker's `coincide:invoke` and returns a promise. Throws a `DataCloneError` if the arguments cannot be sent
 * - `counter` is the last id of this end, which other tables of the link may share. Optional
 * - `release(ids)` releases references of the worker. Called while arguments are decoded
 * - `callable(call)` returns a function for the program that returns `call(this, args)`
 * - `run(fn, self, args)` calls a function of the program
 * @param {{ root: object, policy?: Function, paths?: (string | symbol)[][], objects?: object[], evaluate?: boolean, imports?: boolean, load?: Function, membrane: boolean }} options
 */
export const share = (host, { membrane: hasMembrane, ...options }) => {
  const { root, load } = options;
  const { run } = host;
  const held = new LocalTable(host.counter);
  /** Null for a trusted worker. */
  let membrane = null;
  const callbacks = new Callbacks(host, () => membrane);
  const adapters = new Adapters(callbacks);
  const metadata = new Metadata();
  /** The error of an operation without an answer. The next operation with an answer throws it. */
  let late = null;

  const imports = href =>
    load ? run(load, undefined, [href]) : import(/* @vite-ignore */ /* webpackIgnore: true */ new URL(href, globalThis.document?.baseURI ?? globalThis.location?.href).href);
  const get = (target, key, receiver = target) =>
    key === 'import' && target === root && !('import' in target) ? imports : run(Reflect.get, undefined, [target, key, receiver]);

  /** Operations whose result is sent by `sent`, with metadata on request. */
  const values = {
    [ops.GET]: (target, key, ...receiver) => get(target, key, ...receiver),
    [ops.PROTOTYPE]: target => Reflect.getPrototypeOf(target),
    [ops.APPLY](fn, self, args) {
      adapters.removed(fn, self, args);
      return run(fn, self, adapters.adapt(fn, args));
    },
    [ops.INVOKE](target, key, args) {
      return values[ops.APPLY](get(target, key), target, args);
    },
    [ops.CONSTRUCT]: (target, args, newTarget = target) => run(Reflect.construct, undefined, [target, args, newTarget]),
    [ops.QUERY]: (target, keys) => walk(target, keys),
    [ops.EVALUATE]: (_, source, args) => run(functionOf(source), undefined, args),
    [ops.HAS]: Reflect.has,
    [ops.DESCRIPTOR](target, key) {
      const found = Reflect.getOwnPropertyDescriptor(target, key);
      return found && described(found);
    },
  };

  const others = {
    [ops.SET]: (target, key, value, receiver = target) => run(Reflect.set, undefined, [target, key, value, receiver]),
    [ops.DELETE]: Reflect.deleteProperty,
    [ops.OWN_KEYS]: target => Reflect.ownKeys(target).filter(isShared),
    [ops.DEFINE]: Reflect.defineProperty,
    [ops.SET_PROTOTYPE]: Reflect.setPrototypeOf,
    [ops.IS_EXTENSIBLE]: Reflect.isExtensible,
    [ops.PREVENT_EXTENSIONS]: Reflect.preventExtensions,
    [ops.ASSIGN]: (target, sources) => void Object.assign(target, ...sources),
    [ops.GATHER]: (target, paths) => paths.map(keys => sent(values[ops.QUERY](target, keys))),
    [ops.BATCH](_, operations) {
      for (const operation of operations) {
        const [number, target, ...rest] = operation;
        if (serve(number, target, ...rest) !== false) continue;
        const [done, key] = number === ops.REACH ? rest.slice(1) : [number, rest[0]];
        if (REFUSABLE.has(done)) throw new TypeError(`'${ops.NAMES[done]}'${inWords(key)} is refused by its object`);
      }
    },
  };

  const serve = (number, target, ...args) => {
    const flags = number & (ops.METADATA | ops.STEADY);
    const operation = number & ~flags;
    if (operation === ops.REACH) {
      const [path, inner, ...rest] = args;
      return serve(inner | flags, reached(values[ops.QUERY](target, path), path), ...rest);
    }
    const value = values[operation];
    if (!value && !others[operation]) throw new RangeError(`there is no operation ${operation}`);
    if (!value) return others[operation](target, ...args);
    const result = value(target, ...args);
    const wrapped = operation === ops.DESCRIPTOR ? result : sent(result);
    if (number === operation) return wrapped;
    // That a property is missing is metadata of the target.
    const isAboutTarget = ABOUT_TARGET.has(operation) || (operation === ops.GET && result === undefined);
    // A function of the worker has no handle there that metadata could belong to.
    const about = isAboutTarget ? target : Reference.is(wrapped) && !callbacks.known(result) ? result : undefined;
    const found = about && metadata.of(about, ...(operation === ops.GET && !isAboutTarget ? [target, args[0]] : []));
    return [wrapped, found, isAboutTarget, number & ops.STEADY ? isSteady(target, args[0]) : undefined];
  };

  const references = {
    known: object => {
      if (!Reference.is(object)) return undefined;
      const { value } = object;
      return callbacks.known(value) ?? [ops.SENDERS, kindOf(value), value === root ? 0 : held.send(value)];
    },
    outgoing: value => (typeof value === 'symbol' ? [ops.SENDERS, ops.SYMBOL, held.send(value)] : callbacks.known(value)),
    incoming: (owner, kind, id) => {
      if (owner === ops.SENDERS) return callbacks.receive(id);
      return id === 0 ? root : held.get(id);
    },
    unsent: references => held.unsent(references),
  };

  if (hasMembrane)
    membrane = new Membrane(options, {
      isHeld: value => held.has(value),
      isCallback: value => callbacks.known(value) !== undefined,
      apply: (fn, self, args) => values[ops.APPLY](fn, self, args),
      run,
      evaluate: (source, args) => run(functionOf(source), undefined, args),
      imports,
    });

  const carryOut = membrane ? (...operation) => throughMembrane(membrane, operation) : serve;
  const carryOutWhole = membrane ? operation => membrane.serveWhole(operation) : operation => others[ops.BATCH](root, [operation]);

  host.reflect(
    references,
    (...operation) => {
      if (late) {
        const { error } = late;
        late = null;
        throw error;
      }
      return carryOut(...operation);
    },
    (...operation) => {
      // Later operations may depend on the failed one.
      if (late) return;
      try {
        carryOutWhole(operation);
      } catch (error) {
        late = { error: membrane ? membrane.thrown(error) : error };
      }
    },
    ids => held.release(ids),
  );

  return {
    /** Releases all objects that are held for the worker. */
    close() {
      held.clear();
      metadata.clear();
    },
    /** Number of objects that are held for the worker, and of its functions that main holds. */
    get sizes() {
      return { held: held.size, callbacks: callbacks.size };
    },
  };
};

/** Like `serve`, through a membrane, which sends no metadata. */
const throughMembrane = (membrane, operation) => {
  try {
    const [kind, result, name, key, target] = membrane.serve(operation);
    const [number] = operation;
    const wrapped = kind === VALUE ? sent(result) : kind === VALUES ? result.map(sent) : kind === DESCRIPTOR ? result && described(result) : result;
    if (number < ops.METADATA) return wrapped;
    return [wrapped, undefined, false, number & ops.STEADY ? name === 'get' && isSteady(target, key) : undefined];
  } catch (error) {
    throw membrane.thrown(error);
  }
};

const described = ({ value, get, set, ...rest }) =>
  get || set ? { ...rest, get: sent(get), set: sent(set) } : { ...rest, value: sent(value) };

/** Whether a property can be cached: its value is stored by the program, and not computed by an accessor or the platform. */
const isSteady = (target, key) => {
  if (isNode(target) || (Array.isArray(target) && (key === 'length' || /^\d+$/.test(String(key))))) return false;
  for (let next = target; next !== null; next = Reflect.getPrototypeOf(next)) {
    const found = Reflect.getOwnPropertyDescriptor(next, key);
    if (found) return 'value' in found;
  }
  return true;
};

/** Returns the object at a path. Throws if there is none. */
const reached = (value, path) => {
  if ((typeof value === 'object' && value !== null) || typeof value === 'function') return value;
  throw new TypeError(`there is no object at \`${path.map(String).join('.')}\`: it is ${value === null ? 'null' : `of type ${typeof value}`}`);
};

const isNode = value => typeof Node === 'function' && value instanceof Node;

const kindOf = value => (typeof value === 'function' ? ops.FUNCTION : Array.isArray(value) ? ops.ARRAY : ops.OBJECT);

const inWords = key => (typeof key === 'string' || typeof key === 'symbol' ? ` of ${String(key)}` : '');

/** Operations that return false when they fail. */
const REFUSABLE = new Set([ops.SET, ops.DELETE, ops.DEFINE]);

/** Operations whose metadata is that of the target. */
const ABOUT_TARGET = new Set([ops.HAS, ops.DESCRIPTOR, ops.PROTOTYPE]);
