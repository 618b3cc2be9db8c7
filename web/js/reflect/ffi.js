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

  /** The value at the end of a path such as `a.b[0]["c"]`; undefined if the path breaks off. */
  query(target, path) {
    const keys = keysOf(path);
    const remote = window.remoteOf(target);
    return remote ? window.operate(ops.QUERY, remote, keys) : walk(target, keys);
  },

  /** The values at the ends of several paths. */
  gather(target, ...paths) {
    const all = paths.map(keysOf);
    const remote = window.remoteOf(target);
    return remote ? window.operate(ops.GATHER, remote, all) : all.map(keys => walk(target, keys));
  },

  /** Runs a function on main, from its source. */
  evaluate: (fn, ...args) => window.operate(ops.EVALUATE, window.root, String(fn), window.allOutgoing(args)),

  /** Marks a value to be sent as a copy, without references. */
  direct: value => structuredClone(value),

  /** Calls a method without waiting for its result. If it throws, a later operation throws the error. */
  post: (target, name, ...args) => window.later(ops.INVOKE, remoteOf(window, target), name, window.allOutgoing(args)),

  /** Sends the assignments and posts of `body` together. A read in it sends the preceding ones first. */
  batch: body => window.batch(body),

  /** Releases the objects behind these proxies, which can't be used any more. */
  dispose: (...proxies) => proxies.forEach(proxy => window.dispose(proxy)),

  /** Number of main's objects with proxies here, of functions held for main, and of trips so far. */
  sizes: () => window.sizes,
});

const remoteOf = (window, target) => {
  const remote = window.remoteOf(target);
  if (!remote) throw ours(new TypeError('`post` takes an object of main: for one of this worker, call the method'));
  return remote;
};
