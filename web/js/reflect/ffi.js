// The utilities that take fewer trips than the operations that they stand for.
import { entry, ours } from '../errors.js';
import * as ops from './operations.js';
import { keysOf } from './path.js';
import { walk } from './walk.js';

/** @param {import('./worker.js').Window} window */
export const ffiOf = window => Object.fromEntries(Object.entries(utilitiesOf(window)).map(([name, body]) => [name, entry(body)]));

const utilitiesOf = window => ({
  /** `Object.assign` in one operation. */
  assign(target, ...sources) {
    const remote = window.remoteOf(target);
    if (!remote) return Object.assign(target, ...sources);
    window.operate(ops.ASSIGN, remote, window.allOutgoing(sources));
    return target;
  },

  /** What is at the end of a path such as `a.b[0]["c"]`; undefined if it breaks off. */
  query(target, path) {
    const keys = keysOf(path);
    const remote = window.remoteOf(target);
    return remote ? window.operate(ops.QUERY, remote, keys) : walk(target, keys);
  },

  /** What is at the end of each of the paths. */
  gather(target, ...paths) {
    const all = paths.map(keysOf);
    const remote = window.remoteOf(target);
    return remote ? window.operate(ops.GATHER, remote, all) : all.map(keys => walk(target, keys));
  },

  /** Runs a function on main, of which only the source goes there. */
  evaluate: (fn, ...args) => window.operate(ops.EVALUATE, window.root, String(fn), window.allOutgoing(args)),

  /** A copy, of which nothing goes to main as a reference. */
  direct: value => structuredClone(value),

  /** Calls a method without wanting its result, and without waiting: what it throws, a later operation throws. */
  post: (target, name, ...args) => window.later(ops.INVOKE, remoteOf(window, target), name, window.allOutgoing(args)),

  /** Has the assignments that `body` makes, and what it posts, carried out together. Reading something has those before it carried out. */
  batch: body => window.batch(body),

  /** Lets main forget the objects behind these proxies, which can't be used any more. */
  dispose: (...proxies) => proxies.forEach(proxy => window.dispose(proxy)),

  /** How many objects of main have proxies here, how many functions are held for main, and how often main was asked so far. */
  sizes: () => window.sizes,
});

const remoteOf = (window, target) => {
  const remote = window.remoteOf(target);
  if (!remote) throw ours(new TypeError('`post` takes an object of main: for one of this worker, call the method'));
  return remote;
};
