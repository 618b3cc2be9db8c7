// Objects of main on the tier `suspending`: references without properties, and operations on them, which return promises.
import { entry, located, ours, run, site, siteInShort } from '../errors.js';
import { REFLECT } from '../link/end.js';
import { promised } from '../link/pending.js';
import { UNSENDABLE } from '../proxy.js';
import { LocalTable } from '../reflect/local-table.js';
import { RemoteTable } from '../reflect/remote-table.js';
import * as ops from '../reflect/operations.js';
import { keysOf } from '../reflect/path.js';
import { referencesOf } from '../reflect/references.js';
import { inWords, isThenable } from '../link/values.js';

/** Reference of an object of main. An object has one reference while that is reachable. */
class MainObject {
  constructor(kind, id) {
    states.set(this, { kind, id, isGone: false });
    // Assignments throw, because they would not reach main.
    Object.freeze(this);
  }

  /** `object`, `array` or `function`. */
  get kind() {
    return KINDS[states.get(this).kind];
  }

  get [UNSENDABLE]() {
    return 'a reference of an object of main';
  }

  /** Kind and id, for the codec; undefined for other values. */
  static remoteOf(value) {
    const state = states.get(value);
    return state?.isGone ? undefined : state;
  }

  /** Marks a reference as disposed. Returns its id. */
  static dispose(value) {
    const state = states.get(value);
    state.isGone = true;
    return state.id;
  }
}

/** The state of each `MainObject`. Own properties would be visible, and class fields slow down the start of bundles in Firefox. */
const states = new WeakMap();

const KINDS = ['object', 'array', 'function'];

/**
 * The members of the scope for objects of main.
 *
 * @param {import('../link/worker.js').WorkerEnd} end
 * @param {{ transform?: Function }} options
 * @param {import('./index.js').Suspended} suspended
 */
export const reach = (end, { transform }, suspended) => {
  const held = new LocalTable(end.counter);
  const handles = new RemoteTable(ids => end.release(Float64Array.from(ids)));
  const window = new MainObject(ops.OBJECT, 0);
  let trips = 0;
  const { remoteOf } = MainObject;
  const isReference = value => remoteOf(value) !== undefined || value === globalThis;
  const outgoing = value => (transform && !isReference(value) ? transform(value) : value);
  const invoke = (fn, self, args) => {
    const result = run(fn, self, args);
    return isThenable(result) ? Promise.resolve(result).then(outgoing) : outgoing(result);
  };
  const receive = (kind, id) => (id === 0 ? window : handles.receive(id, () => new MainObject(kind, id)));
  end.reflect(referencesOf(held, remoteOf, receive), invoke, ids => held.release(ids));

  /** Returns a reference of an object of main. Throws for other values. */
  const checked = value => {
    if (isReference(value)) return value;
    throw ours(new TypeError(`expected an object of main, such as \`window\` of \`coincide()\`, got ${inWords(value)}`));
  };
  const operate = (operation, target, ...args) => {
    const here = siteInShort();
    trips++;
    const request = [operation, checked(target), ...args];
    const start = pending => {
      suspended.track(pending);
      return end.start(REFLECT, request, Infinity, pending, end.reflected);
    };
    const done = promised(end, start, 'window').catch(error => {
      throw located(error, here);
    });
    return suspended.inOrder(done);
  };
  const all = values => Array.from(values, outgoing);

  const reflect = {
    get: (target, key) => operate(ops.GET, target, key),
    set: (target, key, value) => operate(ops.SET, target, key, outgoing(value)),
    has: (target, key) => operate(ops.HAS, target, key),
    deleteProperty: (target, key) => operate(ops.DELETE, target, key),
    ownKeys: target => operate(ops.OWN_KEYS, target),
    getOwnPropertyDescriptor: (target, key) => operate(ops.DESCRIPTOR, target, key),
    defineProperty: (target, key, descriptor) => operate(ops.DEFINE, target, key, descriptor),
    getPrototypeOf: target => operate(ops.PROTOTYPE, target),
    apply: (target, self, args) => operate(ops.APPLY, target, self, all(args)),
    construct: (target, args) => operate(ops.CONSTRUCT, target, all(args)),
    invoke: (target, key, args) => operate(ops.INVOKE, target, key, all(args)),
    getAll: (target, keys) => operate(ops.GATHER, target, Array.from(keys, key => [key])),
  };

  const ffi = {
    assign: (target, ...sources) => operate(ops.ASSIGN, target, all(sources)).then(() => target),
    query: (target, path) => operate(ops.QUERY, target, keysOf(path)),
    gather: (target, ...paths) => operate(ops.GATHER, target, paths.map(keysOf)),
    evaluate: (fn, ...args) => operate(ops.EVALUATE, window, String(fn), all(args)),
    direct: value => structuredClone(value),
    post: (target, name, ...args) => end.operateLater([ops.INVOKE, checked(target), name, all(args)]),
    settled(promise) {
      const start = pending => {
        suspended.track(pending);
        const fail = error => pending.settle(error, true);
        reflect.invoke(promise, 'then', [value => pending.settle(value, false), fail]).catch(fail);
        return 0;
      };
      return suspended.inOrder(promised({ cancel() {} }, start, 'window'));
    },
    dispose: (...objects) =>
      objects.forEach(object => {
        if (object !== window && remoteOf(object)) handles.dispose(MainObject.dispose(object), object);
      }),
    sizes: () => ({ handles: handles.size, held: held.size, trips }),
  };
  const entries = functions => Object.fromEntries(Object.entries(functions).map(([name, body]) => [name, entry(body)]));
  return { window, isWindowProxy: value => remoteOf(value) !== undefined, ffi: { ...entries(ffi), reflect: entries(reflect) }, direct: ffi.direct };
};
