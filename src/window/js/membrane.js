// The membrane around main's objects, which restricts the operations of an untrusted worker.
//
// It checks each operation before it is carried out, and each value before it is sent. Three rules apply, in this order:
//
// 1. Form. An operation is a known number, its keys are strings or symbols, and its target is an object that was handed out. No part of it is
//    converted, so it cannot change between the check and the use.
// 2. Limits. Objects along the paths of `allow` have only the keys in these paths. The policy allows or refuses each operation by its name in `Reflect`.
// 3. Values. Globals, documents, and everything that acts on any object (constructors, prototypes, `Reflect`, `eval`) are not handed out, unless the
//    program has given them: as a value of its root, or in `allow`.
import { NAMELESS } from './metadata.js';
import { METADATA, NAMES, STEADY } from './operations.js';
import { isShared } from './sent.js';

/** How a result is sent: as a copy, or as a value, a list of values or a descriptor with objects as references. */
const COPY = 0;
export const VALUE = 1;
export const VALUES = 2;
export const DESCRIPTOR = 3;

export class Membrane {
  #root;
  #policy;
  #options;
  #host;
  /** Objects that the program has given: values of its root, or those of `allow`. */
  #given = new WeakSet();
  /** By object along a path of `allow`: the following steps. */
  #limits = new WeakMap();
  #steps = null;

  /**
   * @param {{ root: object, policy?: Function, paths?: (string | symbol)[][], objects?: object[], evaluate?: boolean, imports?: boolean }} options
   * `paths` are the paths of `allow` as arrays of keys, `objects` its objects
   * @param host functions of main: `isHeld(value)` returns whether the worker has a reference to an object, `isCallback(value)` whether a function belongs to the
   * worker. `apply(fn, self, args)` calls a function for the worker, `run(fn, self, args)` a function that may run code of the program. `evaluate(source, args)`
   * runs source, and `imports` imports a module
   */
  constructor({ root, policy, paths = [], objects = [], ...options }, host) {
    this.#root = root;
    this.#policy = policy;
    this.#options = options;
    this.#host = host;
    for (const object of objects) this.#given.add(object);
    if (paths.length > 0 || (objects.length > 0 && isGlobal(root))) {
      this.#steps = stepsOf(paths);
      this.#limit(root, this.#steps);
      this.#discover();
    } else if (isGlobal(root)) this.#give(root.document);
    else for (const key of ownKeys(root)) this.#give(descriptorOf(root, key)?.value);
  }

  /**
   * Carries out a received operation. Returns the form in which its result is sent, and the result. For `get`, and operations that the object may refuse, the name
   * and the key follow, and for `get` the object. Of an operation with a path, they are those at its end.
   */
  serve(operation) {
    const [number, target, ...rest] = this.#list(operation);
    const name = this.#name(number);
    return this.#carryOut(name, this.#target(target), rest);
  }

  /** Carries out an operation without an answer. Throws if the object refuses it. */
  serveWhole(operation) {
    const [, result, name, key] = this.serve(operation);
    if (result === false && REFUSABLE.has(name)) throw new TypeError(`'${name}'${of(key)} is refused by its object`);
  }

  /** The value to send where an error would disturb main's code: undefined instead of a value that is not handed out. */
  conceal(value) {
    return this.#isForbidden(value) ? undefined : value;
  }

  /** The value to send for a thrown one. Errors keep only primitives and errors as properties, because copies of other objects could reveal any data. */
  thrown(value) {
    if (!isObject(value) || this.#host.isCallback(value)) return value;
    return plainError(value) ?? notAllowed('main has thrown an object that is not an error, which is not handed out');
  }

  #carryOut(name, target, rest) {
    switch (name) {
      case 'get': {
        const [key, receiver] = rest;
        return [VALUE, this.#get(target, key, this.#other(receiver, target)), name, key, target];
      }
      case 'set': {
        const [key, value, receiver] = rest;
        return [COPY, this.#set(target, key, value, this.#other(receiver, target)), name, key];
      }
      case 'has': {
        const [key] = rest;
        this.#checkPolicy(name, target, keyOf(key));
        return [COPY, this.#isOpen(target, key) && Reflect.has(target, key)];
      }
      case 'deleteProperty': {
        const [key] = rest;
        this.#changes(name, target, keyOf(key));
        this.#checkPolicy(name, target, key);
        return [COPY, Reflect.deleteProperty(target, key), name, key];
      }
      case 'ownKeys':
        this.#checkPolicy(name, target);
        return [COPY, this.#keys(target)];
      case 'getOwnPropertyDescriptor': {
        const [key] = rest;
        this.#checkPolicy(name, target, keyOf(key));
        return [DESCRIPTOR, this.#descriptor(target, key)];
      }
      case 'defineProperty': {
        const [key, given] = rest;
        this.#changes(name, target, keyOf(key));
        if (isOfPlatform(target)) throw notAllowed(`main does not allow \`${name}\`${of(key)}: the target is an object of the platform`);
        const descriptor = this.#definition(given);
        this.#checkPolicy(name, target, key, descriptor);
        return [COPY, Reflect.defineProperty(target, key, descriptor), name, key];
      }
      case 'getPrototypeOf':
        this.#checkPolicy(name, target);
        return [VALUE, this.#limits.has(target) ? null : (this.conceal(getPrototypeOf(target)) ?? null)];
      case 'setPrototypeOf':
        throw notAllowed('main does not allow `setPrototypeOf`: prototypes cannot be changed');
      case 'isExtensible':
        this.#checkPolicy(name, target);
        return [COPY, Reflect.isExtensible(target)];
      case 'preventExtensions':
        this.#changes(name, target);
        if (isOfPlatform(target)) throw notAllowed(`main does not allow \`${name}\`: the target is an object of the platform`);
        this.#checkPolicy(name, target);
        return [COPY, Reflect.preventExtensions(target)];
      case 'apply': {
        const [self, args] = rest;
        return [VALUE, this.#apply(target, self, this.#list(args))];
      }
      case 'construct': {
        const [args, newTarget] = rest;
        return [VALUE, this.#construct(target, this.#list(args), this.#other(newTarget, target))];
      }
      case 'assign':
        for (const source of this.#list(rest[0])) this.#assign(target, source);
        return [COPY, undefined];
      case 'gather':
        return [VALUES, this.#list(rest[0]).map(path => this.#walk(target, path))];
      case 'query':
        return [VALUE, this.#walk(target, rest[0])];
      case 'evaluate': {
        const [source, args] = rest;
        if (!this.#options.evaluate) throw notAllowed('main does not allow `evaluate`: its option `evaluate` is not set');
        if (typeof source !== 'string') throw malformed('the source is not a string');
        this.#checkPolicy(name, target, source, this.#list(args));
        return [VALUE, this.#permit(this.#host.evaluate(source, args))];
      }
      case 'batch':
        for (const operation of this.#list(rest[0])) this.serveWhole(operation);
        return [COPY, undefined];
      case 'invoke': {
        const [key, args] = rest;
        return [VALUE, this.#apply(this.#get(target, key, target), target, this.#list(args), key)];
      }
      case 'reach': {
        const [path, number, ...inner] = rest;
        const found = this.#walk(target, path);
        const name = this.#name(number);
        if (!isObject(found)) throw new TypeError(`there is no object at \`${path.map(String).join('.')}\`: it is ${found === null ? 'null' : `of type ${typeof found}`}`);
        // The target was not handed out, but each value on the path was checked.
        return this.#carryOut(name, found, inner);
      }
    }
  }

  #get(target, key, receiver) {
    if (keyOf(key) === 'import' && target === this.#root && !Reflect.has(target, key)) {
      if (!this.#options.imports) throw notAllowed('main does not allow `import`: its option `imports` is not set');
      this.#checkPolicy('get', target, key);
      return this.#host.imports;
    }
    const steps = this.#limitsOf(target, key);
    if (receiver !== target) this.#limitsOf(receiver, key);
    this.#checkPolicy('get', target, key, ...(receiver === target ? [] : [receiver]));
    // The receiver is the `this` of an accessor, so the policy checks it as well.
    if (receiver !== target) this.#checkPolicy('get', receiver, key);
    const value = isObject(target) ? this.#host.run(Reflect.get, undefined, [target, key, receiver]) : target[key];
    this.#arrive(value, steps);
    // A given namespace or class includes its own functions.
    if (typeof value === 'function' && this.#given.has(target) && isFixed(target) && descriptorOf(target, key)?.value === value && !isConstructor(value)) this.#give(value);
    return this.#permit(value, key);
  }

  #set(target, key, value, receiver) {
    for (const object of new Set([target, receiver])) {
      const steps = this.#limitsOf(object, keyOf(key));
      if (steps && !steps.some(step => step.isEnd)) throw notAllowed(`main does not allow \`set\`${of(key)}: no path of \`allow\` ends there`);
      if (isFixed(object)) throw notAllowed(`main does not allow \`set\`${of(key)}: the target is an object of the platform`);
    }
    this.#checkPolicy('set', target, key, value, ...(receiver === target ? [] : [receiver]));
    if (receiver !== target) this.#checkPolicy('set', receiver, key, value);
    return this.#host.run(Reflect.set, undefined, [target, key, value, receiver]);
  }

  #assign(target, source) {
    if (source === undefined || source === null) return;
    const isTheirs = !isObject(source) || !this.#isHandedOut(source);
    const from = Object(source);
    for (const key of isTheirs ? ownKeys(from) : this.#keys(from)) {
      if (!descriptorOf(from, key)?.enumerable) continue;
      const value = isTheirs ? from[key] : this.#get(from, key, from);
      if (!this.#set(target, key, value, target)) throw new TypeError(`'set'${of(key)} is refused by its object`);
    }
  }

  #apply(fn, self, args, key) {
    if (typeof fn !== 'function') throw new TypeError(`${of(key).trim() || 'the target'} is not a function`);
    if (this.#limits.has(fn)) throw notAllowed('main does not allow `apply`: no path of `allow` ends there');
    if (!this.#host.isCallback(fn) && isNative(fn) && key === undefined && !this.#given.has(fn)) {
      // A function of the platform is called only as a method of an object that has it, so that the checks for that property apply.
      self ??= isGlobal(this.#root) ? this.#root : self;
      key = keyIn(fn, self);
      if (key === undefined) throw notAllowed(`main does not allow \`apply\` of \`${nameOf(fn)}\`: a function of the platform runs as a method of an object that has it`);
      this.#limitsOf(self, key);
      this.#checkPolicy('get', self, key);
    }
    if (DESCRIPTOR_QUERIES.has(fn)) {
      const [queried] = args;
      if (!['string', 'symbol', 'number'].includes(typeof queried)) throw malformed('the key is neither a string nor a symbol');
      this.#checkPolicy('getOwnPropertyDescriptor', self, typeof queried === 'number' ? String(queried) : queried);
    }
    if (TIMERS.has(fn) && !this.#options.evaluate && typeof args[0] !== 'function') throw notAllowed(`main does not allow \`${nameOf(fn)}\` of text: its option \`evaluate\` is not set`);
    this.#checkPolicy('apply', fn, self, args);
    return this.#permit(this.#host.apply(fn, self, args));
  }

  #construct(target, args, newTarget) {
    for (const object of [target, newTarget]) if (this.#limits.has(object)) throw notAllowed('main does not allow `construct`: no path of `allow` ends there');
    this.#checkPolicy('construct', target, args, ...(newTarget === target ? [] : [newTarget]));
    return this.#permit(this.#host.run(Reflect.construct, undefined, [target, args, newTarget]));
  }

  /** The value at a path; undefined if a part of the path does not exist. */
  #walk(target, path) {
    let value = target;
    for (const key of this.#list(path)) {
      if (value === null || value === undefined) return undefined;
      value = this.#get(value, key, value);
    }
    return value;
  }

  #keys(target) {
    const keys = ownKeys(target).filter(key => isShared(key) && key !== '__proto__');
    return this.#limits.has(target) ? keys.filter(key => this.#isOpen(target, key)) : keys;
  }

  #descriptor(target, key) {
    if (!this.#isOpen(target, key)) return undefined;
    const found = descriptorOf(target, key);
    if (!found) return undefined;
    if (!('value' in found)) return { ...found, get: this.#accessor(found.get), set: this.#accessor(found.set) };
    this.#arrive(found.value, this.#limitsOf(target, key));
    return { ...found, value: this.conceal(found.value) };
  }

  /** An accessor to hand out; undefined for those of the platform, which act on any object of their class. */
  #accessor(fn) {
    return fn === undefined || (isNative(fn) && !this.#host.isCallback(fn)) ? undefined : this.conceal(fn);
  }

  /** A copy of a descriptor that the worker has sent. */
  #definition(given) {
    if (!isObject(given) || this.#isHandedOut(given)) throw malformed('the descriptor is not an object that was sent by value');
    const descriptor = {};
    for (const name of ['value', 'writable', 'get', 'set', 'enumerable', 'configurable']) if (Object.hasOwn(given, name)) descriptor[name] = given[name];
    for (const fn of [descriptor.get, descriptor.set])
      if (typeof fn === 'function' && !this.#host.isCallback(fn) && isNative(fn)) throw notAllowed('main does not allow `defineProperty`: a function of the platform cannot be the accessor of another object');
    return descriptor;
  }

  /** Throws if a target must not be changed: it is along a path, or belongs to the platform. */
  #changes(name, target, key) {
    if (this.#limits.has(target) || isFixed(target)) throw notAllowed(`main does not allow \`${name}\`${of(key)}`);
  }

  // Form.

  #name(number) {
    // The flags only request metadata of the result, which a membrane does not send.
    const plain = Number.isInteger(number) && number >= 0 && number < 256 ? number & ~FLAGS : -1;
    const name = NAMES[plain];
    if (!name) throw new RangeError(`there is no operation ${typeof number === 'number' ? number : `of type ${typeof number}`}`);
    return name;
  }

  #target(value) {
    if (isObject(value) && this.#isHandedOut(value)) return value;
    throw malformed('the target is not an object that main has handed out');
  }

  /** A receiver or a `new.target`; by default the target. */
  #other(value, target) {
    return value === undefined ? target : this.#target(value);
  }

  /** A list that was sent by value. A list of main could change while it is checked. */
  #list(value) {
    if (Array.isArray(value) && !this.#isHandedOut(value)) return value;
    throw malformed('a list is not an array that was sent by value');
  }

  #isHandedOut(value) {
    return value === this.#root || this.#host.isHeld(value);
  }

  #checkPolicy(operation, target, ...rest) {
    if (!this.#policy) return;
    const answer = this.#policy(operation, target, ...rest);
    if (answer === false) throw notAllowed(`main does not allow \`${operation}\`${of(rest[0])}`);
    if (isObject(answer)) throw new TypeError('the policy returned an object: it has to return true or false, and cannot be asynchronous');
  }

  // Limits.

  #limit(object, steps) {
    if (!this.#limits.has(object)) this.#limits.set(object, new Set());
    this.#limits.get(object).add(steps);
  }

  /** The steps that a key leads to, for an object along a path; undefined for other objects. */
  #limitsOf(object, key) {
    const limits = isObject(object) ? this.#limits.get(object) : undefined;
    if (!limits) return undefined;
    const found = [...limits].map(steps => steps.next.get(key)).filter(Boolean);
    if (found.length === 0 && !this.#isGivenAt(object, key)) throw notAllowed(`main does not allow \`get\`${of(key)}: \`allow\` does not list it`);
    return found;
  }

  /** Whether a key exists for the worker. */
  #isOpen(object, key) {
    const limits = this.#limits.get(object);
    return !limits || [...limits].some(steps => steps.next.has(key)) || this.#isGivenAt(object, key);
  }

  #isGivenAt(object, key) {
    const { value, get } = descriptorOf(object, key) ?? {};
    // Accessors of the platform, such as that of `document`, are read.
    const found = get && isNative(get) ? object[key] : value;
    return isObject(found) && this.#given.has(found);
  }

  /** Records a value that was read along paths: as given at the end of a path, otherwise with its limits. */
  #arrive(value, steps) {
    if (!steps || !isObject(value)) return;
    const isEnd = steps.some(step => step.isEnd);
    if (isEnd && !this.#limits.has(value)) this.#give(value);
    else if (!isEnd) for (const step of steps) this.#limit(value, step);
  }

  #give(value) {
    if (isObject(value)) this.#given.add(value);
  }

  /** Finds the objects that are along paths now, because the worker may also reach them in other ways. */
  #discover(object = this.#root, steps = this.#steps) {
    for (const [key, step] of steps.next) {
      if (step.isEnd) continue;
      let value;
      try {
        value = object[key];
      } catch {
        continue;
      }
      if (!isObject(value)) continue;
      this.#limit(value, step);
      this.#discover(value, step);
    }
  }

  // Values.

  #permit(value, key) {
    if (!this.#isForbidden(value)) return value;
    throw notAllowed(`main does not hand out ${key === undefined ? 'this result' : `the value${of(key)}`}: it is a global, a document, or acts on any object; list it in \`allow\` to hand it out`);
  }

  #isForbidden(value) {
    if (!isObject(value) || value === this.#root || this.#host.isCallback(value)) return false;
    if (this.#steps && !this.#host.isHeld(value)) this.#discover();
    if (this.#given.has(value) || this.#limits.has(value)) return false;
    return actsOnAny(value);
  }
}

const { ownKeys, getPrototypeOf, getOwnPropertyDescriptor: descriptorOf } = Reflect;

const isObject = value => (typeof value === 'object' && value !== null) || typeof value === 'function';

/** Whether a value is handed out only if the program has given it. */
const actsOnAny = value => {
  if (tools.has(value) || isGlobal(value) || isDocument(value)) return true;
  try {
    return typeof value === 'function' ? isConstructor(value) || isAccessor(value) || isToolByName(value) : isPrototype(value) || (isNamespace(value) && !harmless.has(value));
  } catch {
    // A trap of a proxy of the program has thrown.
    return false;
  }
};

/** Whether an object is shared by the realm, so that a change affects other code: a function, prototype or namespace of the platform. */
const isFixed = object => {
  if (tools.has(object)) return true;
  try {
    return typeof object === 'function' ? isNative(object) || platforms.has(object) : isPrototype(object) || isNamespace(object);
  } catch {
    return false;
  }
};

/** Whether an object is an instance of a class of the platform. Plain objects and arrays do not count. */
const isOfPlatform = object => {
  if (isFixed(object) || isGlobal(object)) return true;
  try {
    for (let proto = getPrototypeOf(object); proto !== null; proto = getPrototypeOf(proto)) {
      const name = isPrototype(proto) ? nameOf(descriptorOf(proto, 'constructor').value) : 'Object';
      if (!ORDINARY.has(name)) return true;
    }
  } catch {
    // A proxy of the program.
  }
  return false;
};

const sourceOf = Function.prototype.toString;

/** Whether a function belongs to the platform. Bound functions and proxies of functions, whose source has no name, count as functions of the program. */
const isNative = fn => {
  const source = Reflect.apply(sourceOf, fn, []);
  return NATIVE.test(source) && !NAMELESS.test(source);
};

/** Whether a function is a class of the platform, in any realm. */
const isConstructor = fn => {
  if (platforms.has(fn)) return true;
  const prototype = descriptorOf(fn, 'prototype');
  return prototype !== undefined && prototype.writable === false && isNative(fn);
};

const isAccessor = fn => isNative(fn) && /^[gs]et /.test(nameOf(fn));

/** Whether a function of another realm acts on any object, by its name. */
const isToolByName = fn => isNative(fn) && TOOLS.has(nameOf(fn));

const isPrototype = object => {
  if (platforms.has(object)) return true;
  const constructor = descriptorOf(object, 'constructor')?.value;
  return typeof constructor === 'function' && isConstructor(constructor) && descriptorOf(constructor, 'prototype')?.value === object;
};

/** Whether an object is a namespace such as `Reflect`, or a prototype without a class, such as that of iterators. */
const isNamespace = object => {
  const tag = descriptorOf(object, Symbol.toStringTag);
  if (typeof tag?.value !== 'string' || tag.writable || tag.enumerable) return false;
  // A module belongs to the program.
  return !(tag.value === 'Module' && !tag.configurable && getPrototypeOf(object) === null);
};

const isGlobal = value => {
  if (value === globalThis) return true;
  if (typeof value !== 'object') return false;
  try {
    if (windowGetter) {
      // The getter throws unless its `this` has the internal slots of a window.
      Reflect.apply(windowGetter, value, []);
      return true;
    }
  } catch {
    // `value` is not a window.
  }
  try {
    return descriptorOf(value, 'globalThis')?.value === value;
  } catch {
    return false;
  }
};
const windowGetter = descriptorOf(globalThis, 'window')?.get;

const isDocument = value => {
  try {
    return nodeType !== undefined && Reflect.apply(nodeType, value, []) === DOCUMENT;
  } catch {
    return false;
  }
};
const nodeType = globalThis.Node && descriptorOf(globalThis.Node.prototype, 'nodeType')?.get;
const DOCUMENT = 9;

export const isError = value => {
  try {
    return value instanceof Error;
  } catch {
    return false;
  }
};

const tagOf = Object.prototype.toString;

/**
 * A copy of an error with only primitives and errors, or the error itself if it has no other objects. Undefined for other values, and if reading the error throws.
 */
export const plainError = (value, depth = 0) => {
  try {
    return isError(value) ? cleaned(value, inner => (depth < DEEPEST ? plainError(inner, depth + 1) : undefined)) : undefined;
  } catch {
    // An accessor of the program has thrown.
    return undefined;
  }
};

/** A copy of an error in which `clean` has replaced errors, without other objects. The error itself if it holds no objects. */
const cleaned = (error, clean) => {
  const own = ownKeys(error).filter(key => key !== 'stack' && key !== 'message');
  const isClean = own.every(key => {
    const descriptor = descriptorOf(error, key);
    return 'value' in descriptor && !isObject(descriptor.value);
  });
  if (isClean) return error;
  if (Reflect.apply(tagOf, error, []) === '[object DOMException]') return new DOMException(error.message, error.name);
  const copy = Object.create(getPrototypeOf(error));
  const put = (key, value) => Reflect.defineProperty(copy, key, { value, writable: true, configurable: true, enumerable: Boolean(descriptorOf(error, key)?.enumerable) });
  put('message', String(error.message));
  put('stack', String(error.stack));
  for (const key of own) {
    const { value } = descriptorOf(error, key);
    if (!isObject(value)) put(key, value);
    else if (isError(value)) put(key, clean(value));
    else if (key === 'errors' && Array.isArray(value)) put(key, value.filter(isError).map(clean));
  }
  return copy;
};

/** The key of a function in an object: its name, a well-known symbol, or another property. Undefined if the object does not have it. */
const keyIn = (fn, self) => {
  if (self === undefined || self === null) return undefined;
  const has = key => {
    try {
      return self[key] === fn;
    } catch {
      return false;
    }
  };
  const key = [nameOf(fn), Symbol.iterator, Symbol.asyncIterator, Symbol.toPrimitive, Symbol.hasInstance].find(has);
  return key ?? (isObject(self) ? ownKeys(self).find(key => descriptorOf(self, key)?.value === fn) : undefined);
};

const nameOf = fn => {
  const name = descriptorOf(fn, 'name')?.value;
  return typeof name === 'string' ? name : '';
};

const keyOf = key => {
  if (typeof key !== 'string' && typeof key !== 'symbol') throw malformed('the key is neither a string nor a symbol');
  if (key === '__proto__') throw notAllowed('main does not allow `__proto__`: prototypes cannot be read or changed by it');
  return key;
};

/** A tree of paths. */
const stepsOf = paths => {
  const root = { next: new Map(), isEnd: false };
  for (const path of paths) {
    let at = root;
    for (const key of path) {
      if (!at.next.has(key)) at.next.set(key, { next: new Map(), isEnd: false });
      at = at.next.get(key);
    }
    at.isEnd = true;
  }
  return root;
};

const of = key => (typeof key === 'string' || typeof key === 'symbol' ? ` of ${String(key)}` : '');

const notAllowed = text => new DOMException(text, 'NotAllowedError');

const malformed = what => new TypeError(`the operation is malformed: ${what}`);

const NATIVE = /\{\s*\[native code\]\s*\}\s*$/;

const FLAGS = METADATA | STEADY;

/** Operations that return false when they fail. */
const REFUSABLE = new Set(['set', 'deleteProperty', 'defineProperty']);

/** Classes of object and array literals: properties may be defined on their instances. */
const ORDINARY = new Set(['Object', 'Array']);

/** Maximum number of causes in a chain that are kept. */
const DEEPEST = 8;

/** Methods of all objects that reveal no more than operations on the object itself. */
const SAFE = new Set(['toString', 'toLocaleString', 'valueOf', 'hasOwnProperty', 'propertyIsEnumerable', 'isPrototypeOf', Symbol.hasInstance]);

/** Functions that query a descriptor, for which the policy is called. */
const DESCRIPTOR_QUERIES = new Set([Object.prototype.hasOwnProperty, Object.prototype.propertyIsEnumerable]);

/** Functions that evaluate a text argument. */
const TIMERS = new Set([globalThis.setTimeout, globalThis.setInterval]);

/** Names that only functions acting on any object have. */
const TOOLS = new Set(['eval', 'Proxy', 'call', 'apply', 'bind', 'structuredClone', '__defineGetter__', '__defineSetter__', '__lookupGetter__', '__lookupSetter__']);

/** Namespaces that only compute or print. */
const harmless = new Set([globalThis.Math, globalThis.console, globalThis.CSS, globalThis.Intl].filter(Boolean));

/** Functions and namespaces of this realm, other than classes, that act on any object. */
const tools = new Set([globalThis.eval, globalThis.structuredClone, Proxy, Reflect, JSON, Object.prototype, Function.prototype]);
for (const [holder, safe] of [[Reflect], [Object], [JSON], [Proxy], [Object.prototype, SAFE], [Function.prototype, SAFE]])
  for (const key of ownKeys(holder)) {
    const { value, get, set } = descriptorOf(holder, key);
    if (!safe?.has(key)) for (const fn of [value, get, set]) if (typeof fn === 'function') tools.add(fn);
  }

/** Classes of this realm and their prototypes. Some platforms implement them in JavaScript, as globals that are not enumerable. */
const platforms = new Set();
for (const key of ownKeys(globalThis)) {
  const { value, enumerable } = descriptorOf(globalThis, key) ?? {};
  const prototype = typeof value === 'function' && !enumerable ? descriptorOf(value, 'prototype') : undefined;
  if (!prototype || prototype.writable) continue;
  platforms.add(value);
  if (isObject(prototype.value)) platforms.add(prototype.value);
}
