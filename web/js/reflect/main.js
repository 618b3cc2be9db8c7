// Main's side of `window` in the npm package: connects `share.js` with the links and the errors of the package.
import { entry, located, run, site, siteInShort } from '../errors.js';
import { promised } from '../link/pending.js';
import { functionOf } from './evaluate.js';
import { keysOf } from './path.js';
import { copies } from './sent.js';
import { share } from './share.js';
import { walk } from './walk.js';

/**
 * Lets the worker at the other end of `link` operate on `root`, and on objects that it reaches from there.
 *
 * @param {{ root?: object, policy?: Function, allow?: (string | symbol | object)[], evaluate?: boolean, imports?: boolean, import?: Function, membrane?: boolean }} options
 */
const reflect = (link, { root = globalThis, policy, allow, evaluate, imports, import: load, membrane = root !== globalThis }) =>
  share(
    {
      reflect: (...hooks) => link.reflect(...hooks),
      counter: link.counter,
      invoke: args => promised(link, pending => link.invoke(args, pending), 'a callback'),
      release: ids => link.release(Float64Array.from(ids)),
      callable,
      run,
    },
    { root, policy, evaluate, imports, load, membrane: Boolean(policy || allow || membrane), ...listed(allow) },
  );

/** A function whose errors show the frames of its caller. */
const callable = call =>
  function (...args) {
    let here;
    try {
      here = siteInShort();
      return call(this, args).catch(error => {
        throw located(error, here);
      });
    } catch (error) {
      throw located(error, here ?? site());
    }
  };

/** The entries of `allow`: paths as lists of keys, and objects. */
const listed = (allow = []) => {
  const paths = [];
  const objects = [];
  for (const entry of allow) {
    if (typeof entry === 'string' || typeof entry === 'symbol') paths.push(keysOf(entry));
    else if ((typeof entry === 'object' && entry !== null) || typeof entry === 'function') objects.push(entry);
    else throw new TypeError(`\`allow\` lists paths and objects, and ${String(entry)} is neither`);
  }
  return { paths, objects };
};

/** Marks a value to be sent to workers as a copy instead of a reference, and returns it. */
const direct = value => {
  if ((typeof value === 'object' && value !== null) || typeof value === 'function') copies.add(value);
  return value;
};

/** The utilities of a worker's `ffi` for main's own values. Code that uses them runs at either end. */
const utilities = {
  assign: Object.assign,
  query: entry((target, path) => walk(target, keysOf(path))),
  gather: entry((target, ...paths) => paths.map(path => walk(target, keysOf(path)))),
  evaluate: (fn, ...args) => Reflect.apply(typeof fn === 'function' ? fn : functionOf(String(fn)), null, args),
  direct,
};

/** The `reflection` of `main/core.js`. */
export const reflection = {
  reflect,
  /** The options of main that the worker receives. */
  requested: ({ reflected_ffi_timeout, lazy }) => ({ reflected_ffi_timeout, lazy }),
  ffi: reflected => ({ ...utilities, sizes: () => reflected()?.sizes ?? { held: 0, callbacks: 0 } }),
};
