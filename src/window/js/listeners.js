// Adapts arguments of main's functions for callers in a worker.

/**
 * Listeners of the worker run after the event has been dispatched, which is too late to prevent its default action. With `{ invoke: 'preventDefault' }`, or a list
 * of such names, main calls these methods of the event before the listener.
 *
 * Functions of the worker receive reasons of rejected promises as copies, so that errors are instances of `Error` there.
 */
export class Adapters {
  #callbacks;
  /** By listener and invoked names: the adapted listener. */
  #adapted = new WeakMap();

  constructor(callbacks) {
    this.#callbacks = callbacks;
  }

  /** The arguments for a call of main's function. */
  adapt(fn, args) {
    if (fn === add) return this.#listen(args);
    if (fn === then) return args.map((callback, index) => (index === 1 ? this.#copying(callback) : callback));
    if (fn === caught) return args.map(callback => this.#copying(callback));
    return args;
  }

  /** Removes the listeners that were added instead of the removed one. */
  removed(fn, target, [type, listener, options]) {
    if (fn !== remove || (typeof listener !== 'object' && typeof listener !== 'function') || listener === null) return;
    for (const adapted of this.#adapted.get(listener)?.values() ?? []) Reflect.apply(remove, target, [type, adapted, options]);
  }

  #copying(callback) {
    return typeof callback === 'function' ? this.#callbacks.copying(callback) : callback;
  }

  #listen(args) {
    const [type, listener, options] = args;
    if (typeof listener !== 'function' || typeof options !== 'object' || options === null || options.invoke === undefined) return args;
    const { invoke, ...rest } = options;
    const names = [invoke].flat();
    const wrong = names.findIndex(name => !INVOKED.includes(name));
    if (wrong !== -1) throw new TypeError(`\`invoke\` names ${INVOKED.join(', ')}, not ${String(names[wrong])}`);
    const key = names.join();
    if (!this.#adapted.has(listener)) this.#adapted.set(listener, new Map());
    const known = this.#adapted.get(listener);
    if (!known.has(key))
      known.set(key, function (event) {
        for (const name of names) event[name]();
        return listener.call(this, event);
      });
    return [type, known.get(key), rest];
  }
}

const { addEventListener: add, removeEventListener: remove } = globalThis.EventTarget?.prototype ?? {};

const { then, catch: caught } = Promise.prototype;

const INVOKED = ['preventDefault', 'stopPropagation', 'stopImmediatePropagation'];
