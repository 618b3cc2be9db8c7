// The utilities `ffi` of a worker: see `window/worker.d.ts`.
import { entry, ours } from '../errors.js';
import * as ops from './operations.js';
import { keysOf } from './path.js';
import { walk } from './walk.js';

/** @param {import('./worker.js').Window} window */
export const ffiOf = window => Object.fromEntries(Object.entries(utilitiesOf(window)).map(([name, body]) => [name, entry(body)]));

const utilitiesOf = window => ({
  assign(target, ...sources) {
    const remote = window.remoteOf(target);
    if (!remote) return Object.assign(target, ...sources);
    window.operate(ops.ASSIGN, remote, window.allOutgoing(sources));
    return target;
  },

  query(target, path) {
    const keys = keysOf(path);
    const remote = window.remoteOf(target);
    return remote ? window.operate(ops.QUERY, remote, keys) : walk(target, keys);
  },

  gather(target, ...paths) {
    const all = paths.map(keysOf);
    const remote = window.remoteOf(target);
    return remote ? window.operate(ops.GATHER, remote, all) : all.map(keys => walk(target, keys));
  },

  evaluate: (fn, ...args) => window.operate(ops.EVALUATE, window.root, String(fn), window.allOutgoing(args)),

  direct: value => structuredClone(value),

  post: (target, name, ...args) => window.later(ops.INVOKE, remoteOf(window, target), name, window.allOutgoing(args)),

  batch: body => window.batch(body),

  dispose: (...proxies) => proxies.forEach(proxy => window.dispose(proxy)),

  sizes: () => window.sizes,
});

const remoteOf = (window, target) => {
  const remote = window.remoteOf(target);
  if (!remote) throw ours(new TypeError('`post` takes an object of main: call the method directly on other objects'));
  return remote;
};
