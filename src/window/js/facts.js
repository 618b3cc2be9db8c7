// Facts: what main sends about an object along with a reference to it, to save the worker queries.
//
// A language runtime queries a new object dozens of times before it passes it to a program: its prototypes, whether it has a
// `then`, an iterator, a `length`. Facts answer these queries: the object's own keys, those of the prototypes above it (its classes), and a few
// values. They are valid when they are sent; `knowledge.js` decides how long the worker may rely on them.
//
// No facts are sent about an object that may be a proxy of the program: its traps run code, and their results may be inconsistent.
import { PROBES } from './probes.js';
import { isShared, sent } from './sent.js';

const { ownKeys, getPrototypeOf, getOwnPropertyDescriptor: descriptorOf } = Reflect;

/** The facts sent over one link: those of a class are sent once. */
export class Facts {
  /** Prototypes and what the worker knows of them. */
  #classes = new Map();
  #last = 0;

  /**
   * The facts of an object: its keys, the values of the first of them, whether those are all, and its class; or nothing. `owner` and `key`
   * are where it was read, if it was.
   */
  of(object, owner, key) {
    if (!isGenuine(object) && !isDataset(object, owner, key)) return undefined;
    const chain = this.#chainOf(object);
    if (!chain) return undefined;
    const all = ownKeys(object);
    const few = all.length <= MOST_KEYS;
    const keys = few ? all.filter(isShared) : all.filter(key => PROBES.has(key));
    const [ordered, values] = withValues(object, keys, typeof object === 'function' ? ['name', 'length'] : []);
    return [ordered, values.map(sent), few, chain];
  }

  clear() {
    this.#classes.clear();
  }

  /** The classes of an object: the number of one that the worker knows, or 0, and below it those that it doesn't know yet, in order. */
  #chainOf(object) {
    const found = [];
    for (let proto = getPrototypeOf(object); proto !== null; proto = getPrototypeOf(proto)) {
      if (found.length >= MOST_CLASSES || !isPrototype(proto)) return undefined;
      found.unshift(proto);
    }
    let above = 0;
    const chain = [0];
    for (const proto of found) {
      const known = this.#classes.get(proto);
      const keys = ownKeys(proto);
      const [ordered, values] = withValues(proto, keys.filter(isShared), CONSTANTS);
      const name = nameOf(values[0]);
      if (known?.above === above && known.name === name && isSame(known, keys, values)) {
        above = chain[0] = known.number;
        continue;
      }
      if (this.#last >= MOST_KNOWN) return undefined;
      const number = ++this.#last;
      this.#classes.set(proto, { number, above, keys, values, name });
      chain.push([number, sent(proto), ordered, values.map(sent), name]);
      above = number;
    }
    return chain;
  }
}

/** The name of a constructor, if it is a plain one. */
const nameOf = constructor => {
  const name = descriptorOf(constructor, 'name')?.value;
  return typeof name === 'string' ? name : undefined;
};

const isSame = (known, keys, values) =>
  known.keys.length === keys.length &&
  known.keys.every((key, index) => key === keys[index]) &&
  known.values.length === values.length &&
  known.values.every((value, index) => Object.is(value, values[index]));

/** The keys, beginning with those whose values are sent, and these values. */
const withValues = (object, keys, wanted) => {
  const told = [];
  const values = [];
  for (const key of wanted) {
    const descriptor = descriptorOf(object, key);
    if (!descriptor || !('value' in descriptor)) continue;
    told.push(key);
    values.push(descriptor.value);
  }
  return [[...told, ...keys.filter(key => !told.includes(key))], values];
};

/** Whether an object is not a proxy. */
const isGenuine = object => {
  // A `Proxy` of a function has no source text that contains its name.
  if (typeof object === 'function') return !NAMELESS.test(source.call(object));
  if (isPrototype(object)) return true;
  try {
    for (let proto = getPrototypeOf(object); proto !== null; proto = getPrototypeOf(proto)) {
      const getter = inner().get(proto);
      if (!getter) continue;
      // A proxy lacks the internal slots of its class.
      getter.call(object);
      return true;
    }
  } catch {
    // It only inherits from that class.
  }
  return false;
};

/** Whether an object is the `dataset` of an element. A `dataset` has no getter that checks its internal slots, but the getters that return it are the platform's. */
const isDataset = (object, owner, key) => {
  if (datasets.has(object)) return true;
  if (key !== 'dataset') return false;
  for (const name of ['HTMLElement', 'SVGElement', 'MathMLElement']) {
    const proto = globalThis[name]?.prototype;
    const getter = proto && descriptorOf(proto, key)?.get;
    if (!getter || !PLATFORMS.test(source.call(getter))) continue;
    try {
      if (getter.call(owner) !== object) continue;
      datasets.add(object);
      return true;
    } catch {
      // Not such an element.
    }
  }
  return false;
};

/** Those that were found. */
const datasets = new WeakSet();

/** Whether an object is the prototype of a class. It cannot be replaced by a proxy. */
const isPrototype = object => {
  try {
    const constructor = descriptorOf(object, 'constructor')?.value;
    const prototype = typeof constructor === 'function' ? descriptorOf(constructor, 'prototype') : undefined;
    return prototype?.value === object && !prototype.writable;
  } catch {
    return false;
  }
};

const source = Function.prototype.toString;

/** The source of proxies, and outside of WebKit of bound functions. */
export const NAMELESS = /^function\s*(?:ProxyObject)?\(\)\s*\{\s*\[native code\]\s*\}$/;

/** The source of the platform's getters of `dataset`. */
const PLATFORMS = /^function (get )?dataset\(\)\s*\{\s*\[native code\]\s*\}$/;

/** By prototype: for each class of the platform, a cheap getter that checks the internal slots of its object. */
const inner = () => {
  if (getters) return getters;
  getters = new Map();
  for (const [name, key] of INNER) {
    const proto = globalThis[name]?.prototype;
    const getter = proto && descriptorOf(proto, key)?.get;
    if (getter) getters.set(proto, getter);
  }
  return getters;
};
let getters;

const INNER = [
  ['Node', 'nodeType'], ['Event', 'type'], ['NodeList', 'length'], ['HTMLCollection', 'length'], ['DOMTokenList', 'length'],
  ['CSSStyleDeclaration', 'length'], ['NamedNodeMap', 'length'], ['Storage', 'length'], ['History', 'length'],
  ['Navigator', 'onLine'], ['Screen', 'width'], ['DOMRectReadOnly', 'x'], ['Range', 'collapsed'], ['Selection', 'rangeCount'],
  ['MediaQueryList', 'matches'], ['AbortSignal', 'aborted'], ['URL', 'href'], ['Response', 'status'], ['Request', 'method'],
  ['Blob', 'size'], ['FileList', 'length'], ['XMLHttpRequest', 'readyState'], ['WebSocket', 'readyState'],
  ['CanvasRenderingContext2D', 'globalAlpha'], ['Performance', 'timeOrigin'], ['Map', 'size'], ['Set', 'size'],
];

/** Properties of prototypes whose values are sent. */
const CONSTANTS = ['constructor', Symbol.toStringTag];

const MOST_KEYS = 32;
const MOST_CLASSES = 16;

/** Most classes that are sent over one link. A class that has changed counts again. */
const MOST_KNOWN = 1024;
