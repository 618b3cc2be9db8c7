// Marked values, and proxies of remote values. All copies of coincide in this thread share them.
import { entry, ours } from '../errors.js';
import { inWords } from '../values/format.js';

const KEY = Symbol.for('coincide:objects');
if (!(KEY in globalThis)) Object.defineProperty(globalThis, KEY, { value: { marks: new WeakMap(), remotes: new WeakMap(), objects: 0 } });

/**
 * `marks`: the kind of handle of each marked value. `remotes`: the `Remote` of each proxy of a remote value (see
 * `remote.js`). `objects`: whether either contains an object that could also be copied. `transfers`: see `proxy.js`.
 */
export const shared = globalThis[KEY];

/** Marks a function, or an object with methods, as a callback: see `objects.d.ts`. */
export const callback = entry(value => {
  if (typeof value !== 'function' && !(isObject(value) && methodsOf(value).length > 0))
    throw ours(new TypeError(`\`callback\` takes a function or an object with methods, not ${isObject(value) ? 'an object without methods' : inWords(value)}`));
  return marked(value, typeof value === 'function' ? FUNCTION : METHODS);
});

/** Marks an object, a function or a class as exposed: see `objects.d.ts`. */
export const expose = entry(value => {
  if (typeof value !== 'function' && !isObject(value))
    throw ours(new TypeError(`\`expose\` takes an object, a function or a class, not ${inWords(value)}`));
  return marked(value, EXPOSED);
});

/** Marks an iterable or an async iterable as a stream: see `objects.d.ts`. */
export const stream = entry(value => {
  if (!isObject(value) || (typeof value[Symbol.asyncIterator] !== 'function' && typeof value[Symbol.iterator] !== 'function'))
    throw ours(new TypeError(`\`stream\` takes an iterable or an async iterable, not ${inWords(value)}`));
  return marked(value, STREAM);
});

/** Marks a value with a kind, and returns it. Proxies of remote values are not marked, because they have a kind. */
export const marked = (value, kind) => {
  if (shared.remotes.has(value)) return value;
  shared.marks.set(value, kind);
  if (typeof value === 'object') shared.objects = 1;
  return value;
};

/** Whether a value is sent as a handle: it is marked, or a proxy of a remote value. */
export const becomesHandle = value => shared.marks.has(value) || shared.remotes.has(value);

/** Whether a value that is set on `proxy` is exposed, and not only registered as a function. */
export const isExposure = value => (shared.remotes.get(value)?.kind ?? shared.marks.get(value)) === EXPOSED;

/** Releases a received value: see `objects.d.ts`. */
export const dispose = entry(value => {
  const remote = shared.remotes.get(value);
  if (!remote) throw ours(new TypeError('`dispose` takes a callback, an exposed object or a stream that was received in an argument or a result; names of `proxy` need none'));
  remote.dispose();
});

const isObject = value => typeof value === 'object' && value !== null;

/** The names of the methods of an object. Runs no accessors. */
export const methodsOf = object => {
  const names = new Set();
  for (const owner of owners(object))
    for (const name of Object.getOwnPropertyNames(owner)) if (!names.has(name) && isMethod(owner, name)) names.add(name);
  return [...names];
};

const isMethod = (owner, name) =>
  !WITHHELD.has(name) && name !== 'then' && typeof Object.getOwnPropertyDescriptor(owner, name)?.value === 'function';

/** Iterates over an object and its prototypes, except those that all objects or functions have. */
export function* owners(object) {
  for (let owner = object, left = MOST_OWNERS; owner !== null && left > 0 && !isRoot(owner, object); owner = Object.getPrototypeOf(owner), left--) yield owner;
}

/** Whether an object is the prototype of all objects or functions, of this realm or another one. */
const isRoot = (owner, object) => {
  if (owner === Object.prototype || owner === Function.prototype) return true;
  if (owner === object) return false;
  const has = name => Object.hasOwn(owner, name);
  return typeof owner === 'function' ? has('bind') && has(Symbol.hasInstance) : has('isPrototypeOf') && has('propertyIsEnumerable');
};

/** Names of members that other ends cannot use, because they lead to other objects. */
export const WITHHELD = new Set(['constructor', '__proto__', 'prototype', 'caller', 'arguments']);

/** Maximum length of a prototype chain. The chain of a `Proxy` may be infinite. */
const MOST_OWNERS = 64;

// Kinds of handles in the value format.
export const FUNCTION = 0, METHODS = 1, EXPOSED = 2, STREAM = 3, SIGNAL = 4, CONTROLLER = 5;
