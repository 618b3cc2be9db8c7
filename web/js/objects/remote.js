// What stands here for things of the other end.
import { entry, located, ours, site, siteInShort } from '../errors.js';
import { functionOf } from './caller.js';
import { EXPOSED, FUNCTION, METHODS, STREAM, WITHHELD, shared } from './marks.js';
import { streamOf } from './streams.js';
import { APPLY, CALLABLE, CONSTRUCT, GET, SET, USE } from './use.js';

/** The other side of a handle: which it is, and how it is used. */
export class Remote {
  isDisposed = false;
  #release;

  /**
   * @param table the handles of a link: see `table.js`
   * @param caller how its operations are called: see `caller.js`
   */
  constructor(table, kind, id, description, caller) {
    this.table = table;
    this.kind = kind;
    this.id = id;
    this.description = description;
    this.caller = caller;
  }

  /** The id, for an operation that is about to be sent. */
  get target() {
    if (this.isDisposed) throw ours(new ReferenceError(`${this.#words} was disposed of and cannot be used any more`));
    return this.id;
  }

  get #words() {
    return this.kind === EXPOSED ? 'the exposed object' : this.kind === STREAM ? 'the stream' : 'the callback';
  }

  /** Has an operation carried out, for another link. */
  use(operation, path, argument) {
    return this.caller.call(USE, [], 'a callback', () => [this.target, operation, path, argument]);
  }

  dispose() {
    if (this.isDisposed) return;
    this.isDisposed = true;
    this.#release?.();
  }

  /** The value for the program. `release` gives the handle back. */
  made(release) {
    this.#release = release;
    const value = this.#value(this.caller);
    this.#enter(value);
    return value;
  }

  /** The same with limits on its calls. It keeps `value`, and therefore the handle. */
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
          // A method that is kept without its object keeps the handle.
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

/** Something that was received, with limits on its calls. */
export const limited = (limits, value) => {
  const remote = shared.remotes.get(value);
  if (!remote) throw ours(new TypeError('`within` takes limits, and optionally what stands for something of the other end, such as a callback that was received'));
  return remote.within(limits, value);
};

/** By view with limits, and by function at the end of a path: what it keeps. */
const kept = new WeakMap();

/** Members of what is received. */
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

/** The other end's exposed object: its members are paths. `targetOf` returns what operations name it by. */
const rootOf = (caller, targetOf, name, isCallable) => {
  const pack = operation => args => [targetOf(), operation, [], args];
  const target = isCallable ? functionOf(caller, USE, name, pack(APPLY), pack(CONSTRUCT)) : {};
  Object.setPrototypeOf(target, isCallable ? callables : disposables);
  const root = new Proxy(target, new Path(caller, targetOf, name, [], () => root));
  return root;
};

/** The function of a name of the other end, whose members are those of what is exposed under the name. `isExposed` returns whether that is known here: a worker that blocks asks only then. */
export const namedOf = (caller, name, isExposed) => {
  const construct = args => [name, CONSTRUCT, [], args];
  const target = functionOf(caller, name, name, undefined, construct);
  return new Proxy(target, new Path(caller, () => name, name, [], undefined, isExposed));
};

/** The handler of a proxy for the end of a path. */
class Path {
  #caller;
  #targetOf;
  #name;
  #path;
  /** Returns what keeps the handle. */
  #root;
  #isExposed;
  /** Where the program has read the path. */
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
    if (typeof key === 'symbol' || isLocal(key) || (this.#isExposed && !this.#isExposed(key))) return Reflect.get(target, key);
    if (key === 'then') return this.#here && this.#then();
    if (!this.#caller.blocks) return this.#inner(key, siteInShort());
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
      // A promise of it that rejects is reported as an unhandled rejection.
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

  /** Reading a member and waiting for it. */
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

  /** The same path, which is not awaited any more. */
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

/** Names that every function has and that stay local, such as `call`. The other end does not hand them out. */
const isLocal = key => WITHHELD.has(key) || (key in Function.prototype && key !== 'name' && key !== 'length');
