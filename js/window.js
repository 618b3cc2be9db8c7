// What Rust wants done in JavaScript when a worker operates on objects of main: what has to do with identity, with
// garbage, and with `this`.

/** Objects of main that a worker has, until it has given them back as often as they were sent. */
export class Held {
  #entries = new Map();
  #ids = new Map();
  #last = 0;

  send(object) {
    let id = this.#ids.get(object);
    if (id === undefined) {
      id = ++this.#last;
      this.#ids.set(object, id);
      this.#entries.set(id, { object, times: 0 });
    }
    this.#entries.get(id).times++;
    return id;
  }

  /** Whether the worker has a reference to a value. */
  has(value) {
    return this.#ids.has(value);
  }

  get(id) {
    const entry = this.#entries.get(id);
    if (!entry) throw new ReferenceError(`the object behind reference ${id} was given back`);
    return entry.object;
  }

  release(id) {
    const entry = this.#entries.get(id);
    if (!entry || --entry.times > 0) return;
    this.#entries.delete(id);
    this.#ids.delete(entry.object);
  }

  clear() {
    this.#entries.clear();
    this.#ids.clear();
  }

  get size() {
    return this.#entries.size;
  }
}

/** Functions of a worker, as main sees them. */
export class Callbacks {
  #functions = new Map();
  #ids = new WeakMap();
  #back = [];
  #invoke;
  #release;
  #gone = new FinalizationRegistry(({ id, ref }) => {
    // It may have come again since.
    if (this.#functions.get(id) === ref) this.#functions.delete(id);
    this.#giveBack(id);
  });
  /** What was added in place of a listener, by that and by what it invokes. */
  #adapted = new WeakMap();

  /**
   * @param invoke is called with an id, `this`, an array of arguments, and whether errors among these are copies; gives a promise
   * @param release is called with an array of ids
   */
  constructor(invoke, release) {
    this.#invoke = invoke;
    this.#release = release;
  }

  /** Main's function for one of the worker: the same for the same one. */
  receive(id) {
    const known = this.#functions.get(id)?.deref();
    if (known) {
      this.#giveBack(id);
      return known;
    }
    const invoke = this.#invoke;
    const callback = function (...args) {
      return invoke(id, this, args, false);
    };
    const ref = new WeakRef(callback);
    this.#functions.set(id, ref);
    this.#ids.set(callback, id);
    this.#gone.register(callback, { id, ref });
    return callback;
  }

  /** The id of a function of the worker. */
  known(value) {
    return this.#ids.get(value);
  }

  get size() {
    return this.#functions.size;
  }

  #giveBack(id) {
    if (this.#back.push(id) > 1) return;
    setTimeout(() => this.#release(this.#back.splice(0)), 0);
  }

  /** Calls a function of main: `Reflect.apply`, but for what listeners and promises need. */
  apply(fn, self, args) {
    if (fn === add) args = this.#listening(args);
    else if (fn === remove) this.#remove(self, args);
    else if (fn === then) args = args.map((callback, index) => (index === 1 ? this.#copying(callback) : callback));
    else if (fn === caught) args = args.map(callback => this.#copying(callback));
    return Reflect.apply(fn, self, args);
  }

  /** An error that a promise rejects with is an error in the worker, too. */
  #copying(callback) {
    const id = this.#ids.get(callback);
    if (id === undefined) return callback;
    const invoke = this.#invoke;
    // The worker's function is held for as long as this one can be called.
    return reason => callback && invoke(id, undefined, [reason], true);
  }

  /** The worker's listener is too late for what an event does by default: what it declares is done here. */
  #listening(args) {
    const [type, listener, options] = args;
    if (typeof listener !== 'function' || typeof options !== 'object' || options === null || !('invoke' in options)) return args;
    const { invoke, ...rest } = options;
    const names = [invoke].flat();
    for (const name of names)
      if (!INVOKED.includes(name)) throw new TypeError(`\`invoke\` is one or more of ${INVOKED.join(', ')}, not ${String(name)}`);
    const key = names.join();
    const adapted = this.#adapted.get(listener) ?? new Map();
    this.#adapted.set(listener, adapted);
    if (!adapted.has(key))
      adapted.set(key, function (event) {
        for (const name of names) event[name]();
        return listener.call(this, event);
      });
    return [type, adapted.get(key), rest];
  }

  #remove(target, [type, listener, options]) {
    if (typeof listener !== 'function') return;
    for (const adapted of this.#adapted.get(listener)?.values() ?? []) Reflect.apply(remove, target, [type, adapted, options]);
  }
}

const { addEventListener: add, removeEventListener: remove } = globalThis.EventTarget?.prototype ?? {};
const { then, catch: caught } = Promise.prototype;
const INVOKED = ['preventDefault', 'stopPropagation', 'stopImmediatePropagation'];

/** What the codec asks about references: see `Js::with_references`. */
export const references = (held, callbacks, root) => ({
  known: () => undefined,
  outgoing(value) {
    const id = callbacks.known(value);
    return id === undefined ? undefined : [RECEIVERS, FUNCTION, id];
  },
  incoming: (owner, kind, id) => (owner === SENDERS ? callbacks.receive(id) : id === 0 ? root : held.get(id)),
});

const SENDERS = 0;
const RECEIVERS = 1;

/** How a value goes to the worker: as an object, an array, a function, or a copy. */
export const kindOf = value => {
  if (typeof value === 'function') return FUNCTION;
  if (typeof value !== 'object' || value === null) return COPY;
  if (ArrayBuffer.isView(value)) return value.buffer instanceof ArrayBuffer ? COPY : OBJECT;
  if (value instanceof ArrayBuffer || (globalThis.ImageData && value instanceof ImageData)) return COPY;
  if (value instanceof Promise) leave(value);
  return Array.isArray(value) ? ARRAY : OBJECT;
};

const OBJECT = 0;
const ARRAY = 1;
const FUNCTION = 2;
const COPY = 3;

/** What becomes of a promise that the worker has is the worker's matter: main reports no rejection of it. */
const leave = promise => {
  if (left.has(promise)) return;
  left.add(promise);
  try {
    Reflect.apply(then, promise, [undefined, () => {}]);
  } catch {
    // It only inherits from promises.
  }
};
const left = new WeakSet();

/** The options of a wall: see `wall.js`. */
export const wallOptions = (root, policy, paths, objects, evaluate, imports) => ({
  root,
  policy: policy && ((name, target, ...rest) => policy(name, target, rest)),
  paths,
  objects,
  evaluate,
  imports,
});

/** What a wall asks of this main. */
export const wallHost = (held, callbacks) => ({
  isHeld: value => held.has(value),
  isCallback: value => callbacks.known(value) !== undefined,
  apply: (fn, self, args) => callbacks.apply(fn, self, args),
  run: Reflect.apply,
  evaluate: (source, args) => compile(source)(...args),
  imports,
});

/** An operation that `Reflect` has. */
export const reflect = (name, args) => Reflect[name](...args);

/** The keys of an object that both ends can know. */
export const sharedKeys = object => Reflect.ownKeys(object).filter(key => typeof key === 'string' || isShared(key));

const wellKnown = new Set(Reflect.ownKeys(Symbol).map(name => Symbol[name]));
const isShared = symbol => wellKnown.has(symbol) || Symbol.keyFor(symbol) !== undefined;

export const property = (value, key) => value[key];

export const has = (object, key) => key in object;

export const assign = (target, sources) => void Object.assign(target, ...sources);

/** What imports modules, relative to the page. */
export const importsFunction = () => imports;

const imports = href => import(/* @vite-ignore */ /* webpackIgnore: true */ new URL(href, globalThis.document?.baseURI ?? globalThis.location?.href).href);

/** The function that an expression or a method is. */
export const compile = source => {
  const fn = expression(source) ?? expression(`(o => o[Reflect.ownKeys(o)[0]])({${source}})`);
  if (typeof fn !== 'function') throw new SyntaxError(`\`evaluate\` takes the source of a function, not ${source.slice(0, 100)}`);
  return fn;
};

const expression = text => {
  try {
    return Function(`return (${text}\n)`)();
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    if (error instanceof EvalError)
      throw new EvalError("the page's content security policy forbids `evaluate`: its `script-src` lacks 'unsafe-eval'", { cause: error });
    throw error;
  }
};

/** An exception of the platform. */
export const refusal = (text, name) => new DOMException(text, name);

/** A key or a value in a sentence. */
export const inWords = value => {
  try {
    return String(value);
  } catch {
    return typeof value;
  }
};
