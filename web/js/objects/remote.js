// Local proxies of remote values.
import { entry, located, ours, site, siteInShort } from '../errors.js';
import { functionOf } from './caller.js';
import { EXPOSED, FUNCTION, METHODS, STREAM, WITHHELD, shared } from './marks.js';
import { streamOf } from './streams.js';
import { APPLY, CALLABLE, CONSTRUCT, GET, SET, USE } from './use.js';

/** The receiver's side of a handle. */
export class Remote {
  isDisposed = false;
  #release;

  /**
   * @param table the handles of a link: see `table.js`
   * @param caller makes the calls of its operations: see `caller.js`
   */
  constructor(table, kind, id, description, caller) {
    this.table = table;
    this.kind = kind;
    this.id = id;
    this.description = description;
    this.caller = caller;
  }

  /** The id, for an operation that is about to be sent. Throws after `dispose`. */
  get target() {
    if (this.isDisposed) throw ours(new ReferenceError(`${this.#words} was disposed of and cannot be used any more`));
    return this.id;
  }

  get #words() {
    return this.kind === EXPOSED ? 'the exposed object' : this.kind === STREAM ? 'the stream' : 'the callback';
  }

  /** Performs an operation on behalf of another link. */
  use(operation, path, argument) {
    return this.caller.call(USE, [], 'a callback', () => [this.target, operation, path, argument]);
  }

  dispose() {
    if (this.isDisposed) return;
    this.isDisposed = true;
    this.#release?.();
  }

  /** Creates the value for the program. `release` releases the handle. */
  made(release) {
    this.#release = release;
    const value = this.#value(this.caller);
    this.#enter(value);
    return value;
  }

  /** Creates the value with limits on its calls. It holds `value`, and thereby the handle. */
  within(limits, value) {
    const limited = this.#value(this.caller.within(limits));
    this.#enter(limited);
    kept.set(limited, value);
    return limited;
  }

  #enter(value) {
    shared.remotes.set(value, this);
    if (typeof value === 'object') shared.objects = 1;
  }

  #value(caller) {
    switch (this.kind) {
      case FUNCTION:
        return Object.setPrototypeOf(functionOf(caller, USE, 'a callback', args => [this.target, APPLY, [], args]), callables);
      case METHODS: {
        const object = Object.create(disposables);
        for (const name of this.description) {
          // The closure holds `object`, so that a detached method keeps the handle.
          const value = functionOf(caller, USE, `a callback.${name}`, args => [shared.remotes.get(object).target, APPLY, [name], args]);
          Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
        }
        return object;
      }
      case STREAM:
        return streamOf(this, caller, this.table.transform);
      default:
        return rootOf(caller, () => this.target, 'an exposed object', this.description === true);
    }
  }
}

/** A received value, with limits on its calls. */
export const limited = (limits, value) => {
  const remote = shared.remotes.get(value);
  if (!remote) throw ours(new TypeError('`within` takes limits, and optionally a callback, an exposed object or a stream that was received'));
  return remote.within(limits, value);
};

/** By value with limits, or function at a path: the value that it keeps alive. */
const kept = new WeakMap();

/** Members of received values. */
const members = {};
if (Symbol.dispose)
  members[Symbol.dispose] = {
    configurable: true,
    writable: true,
    value: entry(function () {
      shared.remotes.get(this)?.dispose();
    }),
  };
const disposables = Object.create(Object.prototype, members);
const callables = Object.create(Function.prototype, members);

/** An exposed object of the other end, whose members are paths. `targetOf` returns the target of operations: an id or a name. */
const rootOf = (caller, targetOf, name, isCallable) => {
  const pack = operation => args => [targetOf(), operation, [], args];
  const target = isCallable ? functionOf(caller, USE, name, pack(APPLY), pack(CONSTRUCT)) : {};
  Object.setPrototypeOf(target, isCallable ? callables : disposables);
  const root = new Proxy(target, new Path(caller, targetOf, name, [], () => root));
  return root;
};

/**
 * The function with a name of the other end. Its members are those of the value that is exposed under that name. A blocking worker reads members only if
 * `isExposed` returns true.
 */
export const namedOf = (caller, name, isExposed) => {
  const construct = args => [name, CONSTRUCT, [], args];
  const target = functionOf(caller, name, name, undefined, construct);
  return new Proxy(target, new Path(caller, () => name, name, [], undefined, isExposed));
};

/** The handler of a proxy for the value at a path. */
class Path {
  #caller;
  #targetOf;
  #name;
  #path;
  /** Returns the value that keeps the handle alive. */
  #root;
  #isExposed;
  /** The `site` where the program has read the path. */
  #here;

  constructor(caller, targetOf, name, path, root, isExposed, here) {
    this.#caller = caller;
    this.#targetOf = targetOf;
    this.#name = name;
    this.#path = path;
    this.#root = root;
    this.#isExposed = isExposed;
    this.#here = here;
  }

  get(target, key) {
    if (key === Symbol.toPrimitive && this.#here) return () => this.#unread();
    if (typeof key === 'symbol' || isLocal(key) || (this.#isExposed && !this.#isExposed(key))) return Reflect.get(target, key);
    if (key === 'then') return this.#here && this.#then();
    if (!this.#caller.blocks) return key === 'toJSON' ? this.#json() : this.#inner(key, siteInShort());
    try {
      const value = this.#call(GET, [...this.#path, key]);
      return value === CALLABLE ? this.#inner(key) : value;
    } catch (error) {
      throw located(error, site(), this.#caller.signal);
    }
  }

  set(target, key, value) {
    if (typeof key === 'symbol') return false;
    let here;
    try {
      here = site();
      // A rejection of the promise is reported as an unhandled rejection.
      this.#call(SET, [...this.#path, key], value, here);
      return true;
    } catch (error) {
      throw located(error, here ?? site(), this.#caller.signal);
    }
  }

  defineProperty() {
    return false;
  }

  deleteProperty() {
    return false;
  }

  /** The member `toJSON`, which `JSON.stringify` calls with a string. */
  #json() {
    return new Proxy(this.#inner('toJSON', siteInShort()), {
      apply: (member, self, args) => (args.length === 1 && typeof args[0] === 'string' ? this.#unread() : Reflect.apply(member, self, args)),
    });
  }

  /** Throws the error for a path that is used as a string, a number or a value for JSON. */
  #unread() {
    throw ours(new TypeError(`\`${[this.#name, ...this.#path].join('.')}\` is not a value: read it with \`await\``));
  }

  /** `then` of a path, which reads the member. */
  #then() {
    return (resolve, reject) => {
      try {
        return this.#call(GET, this.#path, undefined, this.#here).then(value => (value === CALLABLE ? this.#end() : value)).then(resolve, reject);
      } catch (error) {
        return Promise.reject(located(error, this.#here)).then(resolve, reject);
      }
    };
  }

  #call(operation, path, value, here) {
    return this.#caller.call(USE, [value], [this.#name, ...path].join('.'), ([value]) => [this.#targetOf(), operation, path, value], here);
  }

  #inner(key, here) {
    return this.#at([...this.#path, key], here);
  }

  /** The same path without `then`, as the result of awaiting it. */
  #end() {
    return this.#at(this.#path);
  }

  #at(path, here) {
    const root = this.#root?.();
    const pack = operation => args => [this.#targetOf(), operation, path, args];
    const target = functionOf(this.#caller, USE, [this.#name, ...path].join('.'), pack(APPLY), pack(CONSTRUCT));
    if (root) kept.set(target, root);
    return new Proxy(target, new Path(this.#caller, this.#targetOf, this.#name, path, root && (() => root), undefined, here));
  }
}

/** Whether a member belongs to the local function, such as `call`. The other end does not expose these names. */
const isLocal = key => WITHHELD.has(key) || (key in Function.prototype && key !== 'name' && key !== 'length');
