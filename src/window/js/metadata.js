// Metadata of an object, which main sends with a reference to it to save the worker round trips.
//
// A language runtime queries a new object dozens of times before it passes it to a program: its prototypes, and whether it has a
// `then`, an iterator or a `length`. The metadata answers these queries. It consists of the object's own keys, those of its prototypes (its classes), and a few values.
// Metadata is valid at the time of sending; `metadata-store.js` determines how long the worker uses it.
//
// No metadata is sent for an object that may be a proxy of the program, whose traps run code and may give inconsistent results.
import { PROBES } from './probes.js';
import { isShared, sent } from './sent.js';

const { ownKeys, getPrototypeOf, getOwnPropertyDescriptor: descriptorOf } = Reflect;

/** The metadata of one link. The metadata of a class is sent once. */
export class Metadata {
  /** By prototype: the metadata that was sent. */
  #classes = new Map();
  #last = 0;

  /**
   * The metadata of an object: its keys, the values of the first keys, whether the keys are complete, and its classes. Undefined if it has none. `owner` and `key`
   * are the object and the property that it was read from, if any.
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

  /** The classes of an object: the number of the last one that was sent before, or 0, then those below it, which are new, in order. */
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

/** The name of a constructor; undefined if it is not a string. */
const nameOf = constructor => {
  const name = descriptorOf(constructor, 'name')?.value;
  return typeof name === 'string' ? name : undefined;
};

const isSame = (known, keys, values) =>
  known.keys.length === keys.length &&
  known.keys.every((key, index) => key === keys[index]) &&
  known.values.length === values.length &&
  known.values.every((value, index) => Object.is(value, values[index]));

/** The keys, those with sent values first, and these values. */
const withValues = (object, keys, wanted) => {
  const listed = [];
  const values = [];
  for (const key of wanted) {
    const descriptor = descriptorOf(object, key);
    if (!descriptor || !('value' in descriptor)) continue;
    listed.push(key);
    values.push(descriptor.value);
  }
  return [[...listed, ...keys.filter(key => !listed.includes(key))], values];
};

/** Whether an object is certainly not a proxy. */
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
    // The object inherits from the class, but is not an instance of it.
  }
  return false;
};

/** Whether an object is the `dataset` of an element. A `dataset` has no getter that checks its internal slots, so the platform's getter of the element decides. */
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
      // `owner` is not an element of this class.
    }
  }
  return false;
};

/** Recognized objects `dataset`. */
const datasets = new WeakSet();

/** Whether an object is the prototype of a class whose `prototype` cannot be replaced by a proxy. */
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

/** Source text of proxies and, except in WebKit, of bound functions. */
export const NAMELESS = /^function\s*(?:ProxyObject)?\(\)\s*\{\s*\[native code\]\s*\}$/;

/** Source text of the platform's getters of `dataset`. */
const PLATFORMS = /^function (get )?dataset\(\)\s*\{\s*\[native code\]\s*\}$/;

/** By prototype of a class of the platform: a cheap getter that checks the internal slots of its object. */
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

/** Maximum number of classes that are sent over one link. A class that has changed counts again. */
const MOST_KNOWN = 1024;
