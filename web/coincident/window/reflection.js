import { reflection } from '../../reflect/main.js';
import { keysOf } from '../../reflect/path.js';
import { walk } from '../../reflect/walk.js';
import { defaults } from '../defaults.js';

/** Main's objects for workers, as in coincide. `ffi` also has coincident's utilities, which act on main's own values. */
export const withUtilities = {
  ...reflection,
  defaults,
  ffi: reflected => ({
    ...reflection.ffi(reflected),
    assign: Object.assign,
    evaluate: (fn, ...args) => fn.apply(null, args),
    gather: (target, ...paths) => paths.map(path => walk(target, keysOf(path))),
    query: (target, path) => walk(target, keysOf(path)),
  }),
};
