// Proxies of objects of main. `Remote` is the handler, which performs operations on main.
import { entry, located, site } from '../errors.js';
import { ABSENT, NOTHING, UNKNOWN, find, findOwn } from './metadata-store.js';
import { freeze, mirror, targetOf } from './mirror.js';
import * as ops from './operations.js';

// Without fields, because bundlers lower classes with fields, including private names.
export class Remote {
  /** Whether a value is a `Remote`. Triggers no trap of proxies. */
  static is(value) {
    return #known in value;
  }

  /** @param {import('./worker.js').Window} window */
  constructor(window, kind, id) {
    this.window = window;
    this.kind = kind;
    this.id = id;
    // The metadata of the object. It is valid until the next exchange with main.
    this.metadata = null;
    // The metadata of the class whose prototype this object is, if main has sent it.
    this.asClass = null;
    // The prototype of an instance of a class of the worker, which differs from the prototype on main.
    this.ownProto = undefined;
    this.shortcuts = null;
    this.proxy = new Proxy(targetOf(KINDS[kind]), this);
  }

  #known() {
    const { moment } = this.window.store;
    if (this.metadata?.moment === moment) return this.metadata;
    return this.asClass?.moment === moment ? this.asClass : undefined;
  }

  /** Sends a query that metadata answers, and requests metadata for the next queries. */
  #query(operation, ...key) {
    const { window } = this;
    window.store.queried();
    return window.operate(operation, this, ...key);
  }

  get(target, key, receiver) {
    const { window } = this;
    if (this.kind === ops.FUNCTION) {
      if (key === 'call' || key === 'apply') return this.#shortcut(key);
      // A class of the worker that extends this one: its prototypes exist only here.
      if (key === Symbol.hasInstance && typeof receiver === 'function' && !window.remoteOf(receiver)) return hasInstance;
    }
    const metadata = this.#known();
    if (metadata && this.ownProto === undefined) {
      const found = find(metadata, key);
      if (found === ABSENT) return undefined;
      if (found instanceof Map) return found.get(key);
    }
    if (this.ownProto !== undefined && !this.#hasOwn(key)) return Reflect.get(this.ownProto, key, receiver);
    // An accessor of main would receive a local receiver as a copy, so it receives the proxy's object.
    if (receiver === this.proxy || !window.remoteOf(receiver)) return window.read(this, key);
    return window.operate(ops.GET, this, key, receiver);
  }

  /** `call` and `apply` of functions, without a round trip to read them. */
  #shortcut(key) {
    this.shortcuts ??= {
      call: entry((self, ...args) => this.#apply(self, args)),
      apply: entry((self, args) => this.#apply(self, [...(args ?? [])])),
    };
    return this.shortcuts[key];
  }

  set(target, key, value, receiver) {
    const { window } = this;
    if (receiver === this.proxy && this.ownProto === undefined) return window.write(this, key, value);
    if (window.remoteOf(receiver) && window.remoteOf(receiver).ownProto === undefined) return window.operate(ops.SET, this, key, window.outgoing(value), receiver);
    if (receiver === this.proxy) return this.#setOwn(target, key, value, receiver);
    return setInherited(this.proxy, key, value, receiver);
  }

  /** Sets a property of an instance of a class of the worker. Setters belong to the worker, properties to main. */
  #setOwn(target, key, value, receiver) {
    if (!this.#hasOwn(key)) {
      const setter = accessorOf(this.ownProto, key);
      if (setter && !this.window.remoteOf(setter.set)) return setter.set ? (Reflect.apply(setter.set, receiver, [value]), true) : false;
    }
    return this.window.write(this, key, value);
  }

  has(target, key) {
    if (this.ownProto !== undefined) return this.#hasOwn(key) || Reflect.has(this.ownProto, key);
    const metadata = this.#known();
    const found = metadata ? find(metadata, key) : UNKNOWN;
    if (found !== UNKNOWN) return found !== ABSENT;
    return this.#query(ops.HAS, key);
  }

  #hasOwn(key) {
    const metadata = this.#known();
    const found = metadata ? findOwn(metadata, key) : UNKNOWN;
    if (found !== UNKNOWN) return found !== ABSENT;
    return this.#query(ops.DESCRIPTOR, key) !== undefined;
  }

  getOwnPropertyDescriptor(target, key) {
    const metadata = this.#known();
    if (metadata && findOwn(metadata, key) === ABSENT) {
      mirror(target, key, undefined);
      return undefined;
    }
    const descriptor = this.#query(ops.DESCRIPTOR, key);
    mirror(target, key, descriptor);
    return descriptor;
  }

  defineProperty(target, key, descriptor) {
    const done = this.window.operate(ops.DEFINE, this, key, descriptor);
    if (done && descriptor.configurable !== true) mirror(target, key, this.window.operate(ops.DESCRIPTOR, this, key));
    return done;
  }

  deleteProperty(target, key) {
    const done = this.window.change(ops.DELETE, this, key);
    if (done) mirror(target, key, undefined);
    return done;
  }

  ownKeys(target) {
    const keys = this.window.operate(ops.OWN_KEYS, this);
    if (!Reflect.isExtensible(target))
      for (const key of Reflect.ownKeys(target)) if (!keys.includes(key)) delete target[key];
    return keys;
  }

  getPrototypeOf() {
    if (this.ownProto !== undefined) return this.ownProto;
    const metadata = this.#known();
    if (metadata && metadata.decides !== NOTHING) return metadata.above?.proto ?? null;
    return this.#query(ops.PROTOTYPE);
  }

  setPrototypeOf(target, proto) {
    if (proto !== null && !this.window.remoteOf(proto)) {
      // Main cannot use an object of the worker as a prototype, so it is kept here.
      if (!this.isExtensible(target)) return false;
      this.ownProto = proto;
      return true;
    }
    const done = this.window.operate(ops.SET_PROTOTYPE, this, proto);
    if (done) this.ownProto = undefined;
    return done;
  }

  isExtensible(target) {
    if (!Reflect.isExtensible(target)) return false;
    if (this.window.operate(ops.IS_EXTENSIBLE, this)) return true;
    this.#freeze(target);
    return false;
  }

  preventExtensions(target) {
    if (!this.window.operate(ops.PREVENT_EXTENSIONS, this)) return false;
    this.#freeze(target);
    return true;
  }

  #freeze(target) {
    const { window } = this;
    const descriptors = new Map();
    for (const key of window.operate(ops.OWN_KEYS, this)) {
      const descriptor = window.operate(ops.DESCRIPTOR, this, key);
      if (descriptor) descriptors.set(key, descriptor);
    }
    freeze(target, this.ownProto ?? window.operate(ops.PROTOTYPE, this), descriptors);
  }

  apply(target, self, args) {
    return this.#apply(self, args);
  }

  #apply(self, args) {
    return this.window.operate(ops.APPLY, this, self, this.window.allOutgoing(args));
  }

  construct(target, given, newTarget) {
    const { window } = this;
    const args = window.allOutgoing(given);
    if (newTarget === this.proxy) return window.operate(ops.CONSTRUCT, this, args);
    if (window.remoteOf(newTarget)) return window.operate(ops.CONSTRUCT, this, args, newTarget);
    const instance = window.operate(ops.CONSTRUCT, this, args);
    const { prototype } = newTarget;
    if (typeof prototype !== 'object' || prototype === null) return instance;
    const remote = window.remoteOf(instance);
    if (remote) remote.ownProto = prototype;
    // A constructor may also return a function of this worker, which is the result.
    else if (typeof instance !== 'function')
      throw new TypeError(`instances of main's ${instance.constructor?.name} are copies here: extend the worker's own class`);
    return instance;
  }
}

// Errors of all traps show the frames of the caller.
for (const name of Object.getOwnPropertyNames(Remote.prototype)) {
  const trap = Remote.prototype[name];
  if (name === 'constructor') continue;
  Remote.prototype[name] = function (a, b, c, d) {
    try {
      return trap.call(this, a, b, c, d);
    } catch (error) {
      throw located(error, site());
    }
  };
}

const hasInstance = Function.prototype[Symbol.hasInstance];

/** Sets a property of an object of the worker with an object of main in its prototype chain. */
const setInherited = (proto, key, value, receiver) => {
  const accessor = accessorOf(proto, key);
  if (accessor) return accessor.set ? (Reflect.apply(accessor.set, receiver, [value]), true) : false;
  const own = Reflect.getOwnPropertyDescriptor(receiver, key);
  if (!own) return Reflect.defineProperty(receiver, key, { value, writable: true, enumerable: true, configurable: true });
  return 'value' in own && own.writable && Reflect.defineProperty(receiver, key, { value });
};

/** The accessor of a name in a prototype chain; undefined for a value or a missing property. */
const accessorOf = (object, key) => {
  for (let next = object; next !== null; next = Reflect.getPrototypeOf(next)) {
    const found = Reflect.getOwnPropertyDescriptor(next, key);
    if (found) return 'value' in found ? undefined : found;
  }
  return undefined;
};

const KINDS = ['object', 'array', 'function'];
